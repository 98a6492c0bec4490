"""An outside rival: BlazePose, a tool that people really use, beside HR-only and RSC-Net.

    rsc fetch blazepose
    python -m benchmarks.blazepose --out results/open/blazepose.csv

**An off-the-shelf tool, other joint definitions.** BlazePose's hips and shoulders are not SMPL's, it
never saw rendered people, and nothing of it was trained on this benchmark, whose training parts the
other two know. All are scored on the 12 joints that both name, from the middle of the hips, on the
same images of ``test-wild``, which are shrunk to ``resolution`` pixels first. So its millimetres are
not those of the other tables; PA-MPJPE forgives more of the definitions than MPJPE.

Rows, a number a row, with an interval over recordings and clips:

- ``mpjpe``, ``pa_mpjpe``: mm. ``crop``: "given" looks at the image as our networks do; "own detector"
  finds the person in it first, and only the ``images`` where it answered count.
- ``missed``: of ``asked`` images, the share where its own detector or its landmark network sees nobody, %.
- ``... minus RSC-Net``, ``... minus HR-only``: paired, on the same images.
- "best constant pose": the yardstick of a model that never looks.

BlazePose heavy is slow and sees fewer images, so look at its differences.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm.auto import tqdm

from rsclib.body import load_body
from rsclib.errors import RscError
from rsclib.evaluate import score_trial
from rsclib.metrics import mpjpe, pa_mpjpe
from rsclib.models import SHIPPED, model_named
from rsclib.openbench.build import fetch
from rsclib.outside.blazepose import TITLES, BlazePose, OnLimbs, on_limbs, pictures_of
from rsclib.outside.fetching import KNOWN
from rsclib.people import Trial
from rsclib.predictor import NetPredictor
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result
from rsclib.scores import Scores
from rsclib.statistics import Interval, cluster_bootstrap, paired_difference

PART = "test-wild"
SIZES, OWN_SIZES = (128, 52, 32), (128, 32)
EVERY, EVERY_HEAVY = 8, 24  # of the part's images
METRICS = ("mpjpe", "pa_mpjpe")
Rows = list[dict]


class Limbs(Protocol):
    def joints12(self, images: Tensor, size: int) -> Tensor: ...


class Found(NamedTuple):
    """What its own detector made of N images: ``joints`` (M, 12, 3) of those that ``answered`` (N,)."""

    joints: Tensor
    answered: NDArray[np.bool_]


def row(
    method: str, metric: str, size: int, images: int, interval: Interval, **more: object
) -> dict:
    """A row of the table."""
    return {
        "method": method, "metric": metric, "split": PART, "resolution": size, "images": images,
        "value": round(interval.mean, 3), "low": round(interval.low, 3),
        "high": round(interval.high, 3), **more,
    }  # fmt: skip


def given_rows(rivals: Mapping[str, Limbs], ours: Mapping[str, Limbs], trial: Trial) -> Rows:
    """Rows of known crops: everybody's errors, and the rivals' minus ours."""
    scores = score_trial({**ours, **rivals}, trial, SIZES)
    rows, count = [], len(trial.clip)
    for (name, size, metric), errors in scores.errors.items():
        rows.append(
            row(name, metric, size, count, cluster_bootstrap(errors, trial.clip), crop="given")
        )
    for name in rivals:
        for base in ours:
            for size in SIZES:
                for metric in METRICS:
                    gap = scores.difference(name, base, size, metric)
                    rows.append(row(name, f"{metric} minus {base}", size, count, gap, crop="given"))
    return rows


def found_by(rival: BlazePose, images: Tensor, size: int) -> Found:
    """What a rival with its own detector finds in images (N, 3, S, S) shrunk to ``size``."""
    poses = [rival.find(one) for one in tqdm(pictures_of(images, size), f"own detector, {size} px")]
    joints = [pose.joints12 for pose in poses if pose is not None]
    return Found(
        torch.from_numpy(np.array(joints).reshape(-1, 12, 3)),
        np.array([pose is not None for pose in poses]),
    )


def own_rows(name: str, found: Found, ours: Scores, truth: Tensor, size: int) -> Rows:
    """Rows of a rival's own detector at a size: what it misses, its errors where it answers, and these
    minus ours on the same images."""
    more = {"crop": "own detector", "asked": len(truth)}
    missed = cluster_bootstrap(100.0 * ~found.answered, ours.clip)
    rows = [row(name, "missed", size, len(truth), missed, **more)]
    clip, true = ours.clip[found.answered], truth[torch.from_numpy(found.answered)]
    if not len(clip):
        return rows
    errors = {"mpjpe": mpjpe(found.joints, true), "pa_mpjpe": pa_mpjpe(found.joints, true)}
    for metric, of in errors.items():
        theirs = of.numpy()
        rows.append(row(name, metric, size, len(clip), cluster_bootstrap(theirs, clip), **more))
        for base in SHIPPED.values():
            if base in ours.methods:
                gap = paired_difference(theirs, ours.of(base, size, metric)[found.answered], clip)
                rows.append(row(name, f"{metric} minus {base}", size, len(clip), gap, **more))
    return rows


def trial_of(every: int) -> Trial:
    """Every so many-th image of the part, with its truth on the 12 joints."""
    data = fetch(PART, None, 128)
    kept = slice(None, None, every)
    images = torch.from_numpy(data["images"][kept]).permute(0, 3, 1, 2)
    truth = on_limbs(torch.from_numpy(data["joints14"][kept]).double())
    return Trial(PART, images, truth, data["clip"][kept])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("results/open/blazepose.csv"))
    options = parser.parse_args()
    started = time.monotonic()
    try:
        rivals = {name: BlazePose.named(name, find=name == "full") for name in TITLES}
        body = load_body()
        ours = {
            SHIPPED[name]: OnLimbs(NetPredictor(model_named(name).eval(), body))
            for name in ("hr-only", "full")
        }
        trial, few = trial_of(EVERY), trial_of(EVERY_HEAVY)
        rows = given_rows({TITLES[n]: rivals[n] for n in ("lite", "full")}, ours, trial)
        heavy = given_rows({TITLES["heavy"]: rivals["heavy"]}, ours, few)
        rows += [one for one in heavy if one["method"] == TITLES["heavy"]]
        scored = score_trial(ours, trial, OWN_SIZES)
        for size in OWN_SIZES:
            found = found_by(rivals["full"], trial.images, size)
            rows += own_rows(TITLES["full"], found, scored, trial.truth, size)
    except RscError as error:
        parser.error(str(error))
    config = {
        "part": PART, "every": EVERY, "every_heavy": EVERY_HEAVY, "sizes": SIZES,
        "own_sizes": OWN_SIZES, "models": {name: known.sha256 for name, known in KNOWN.items()},
        "ai-edge-litert": importlib.metadata.version("ai-edge-litert"),
    }  # fmt: skip
    about = provenance(config, 0, time.monotonic() - started) | {"body": body.identity}
    write_result(options.out, rows, about)
    for one in rows:
        print({key: value for key, value in one.items() if key != "split"})


if __name__ == "__main__":
    main()
