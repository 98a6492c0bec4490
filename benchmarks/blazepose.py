"""An outside rival: BlazePose, a tool that people really use, beside HR-only and RSC-Net.

    rsc fetch blazepose
    python -m benchmarks.blazepose --out results/open/blazepose.csv

**An off-the-shelf tool, other joint definitions.** BlazePose's hips and shoulders are not SMPL's, it
never saw rendered people, and nothing of it was trained on this benchmark, whose training parts the
other two know. All are scored on the 12 joints that both name, from the middle of the hips, on the
same images of ``test-wild``, which are shrunk to ``resolution`` pixels first. So its millimetres are
not those of the other tables; PA-MPJPE forgives more of the definitions than MPJPE.

Rows, a number a row, with an interval over recordings and clips:

- ``mpjpe``, ``pa_mpjpe``: mm. ``crop``: "given" looks at the image as our networks do and always
  answers; "given, seen" are those of these images where it says that there is a person; "own detector"
  finds the person first, and only the ``images`` where it answered count.
- ``missed``: of ``asked`` images, the share where it says that there is nobody, %: of the landmark network
  on given crops, of the detector or the landmark network with its own.
- ``... minus RSC-Net``, ``... minus HR-only``: paired, on the same images.
- "best constant pose": the yardstick of a model that never looks.

BlazePose heavy is slow and sees fewer images, so look at its differences.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm.auto import tqdm

from rsclib.body import load_body
from rsclib.errors import RscError
from rsclib.evaluate import CONSTANT, score_trial
from rsclib.limbs import OnLimbs, on_limbs
from rsclib.metrics import mpjpe, pa_mpjpe
from rsclib.models import SHIPPED, model_named
from rsclib.openbench.build import fetch
from rsclib.outside.blazepose import (
    LEAST_PRESENCE,
    TITLES,
    BlazePose,
    pictures_of,
)
from rsclib.outside.fetching import KNOWN
from rsclib.outside.squares import whole
from rsclib.people import Trial
from rsclib.predictor import NetPredictor
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result
from rsclib.scores import Scores
from rsclib.statistics import Interval, cluster_bootstrap, paired_difference

PART = "test-wild"
SIZES, OWN_SIZES = (128, 52, 32), (128, 32)
EVERY, EVERY_HEAVY = 8, 24  # of the part's images
Rows = list[dict]


class Found(NamedTuple):
    """What a rival makes of N images: ``joints`` (N, 12, 3), NaN where it has none, and whether it says
    that there is a person (N,)."""

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


def our_rows(scores: Scores) -> Rows:
    """Rows of our models and of the best constant pose."""
    return [
        row(
            name,
            metric,
            size,
            len(scores.clip),
            cluster_bootstrap(errors, scores.clip),
            crop="given",
        )
        for (name, size, metric), errors in scores.errors.items()
    ]


def found_by(rival: BlazePose, images: Tensor, size: int, own: bool) -> Found:
    """What a rival says of images (N, 3, S, S) shrunk to ``size``, with its ``own`` detector or in the
    whole image."""
    joints, answered = [], []
    for picture in tqdm(pictures_of(images, size), f"{size} px{', own detector' * own}"):
        pose = rival.find(picture) if own else rival.at(picture, whole(*picture.shape[:2]))
        joints.append(np.full((12, 3), np.nan) if pose is None else pose.joints12)
        answered.append(pose is not None and pose.presence >= LEAST_PRESENCE)
    return Found(torch.from_numpy(np.stack(joints)), np.array(answered))


def rival_rows(name: str, found: Found, ours: Scores, truth: Tensor, size: int, own: bool) -> Rows:
    """Rows of a rival at a size: what it misses, its errors, and these minus ours on the same images."""
    asked = len(truth)
    crop = "own detector" if own else "given"
    missed = cluster_bootstrap(100.0 * ~found.answered, ours.clip)
    rows = [row(name, "missed", size, asked, missed, crop=crop, asked=asked)]
    kept = {crop: found.answered} if own else {
        crop: np.ones(asked, bool), "given, seen": found.answered,
    }  # fmt: skip
    for where, mask in kept.items():
        if not mask.any():
            continue
        clip, index = ours.clip[mask], torch.from_numpy(mask)
        more = {"crop": where, "asked": asked}
        for metric, of in (("mpjpe", mpjpe), ("pa_mpjpe", pa_mpjpe)):
            theirs = of(found.joints[index], truth[index]).numpy()
            mean = cluster_bootstrap(theirs, clip)
            rows.append(row(name, metric, size, len(clip), mean, **more))
            for base in (one for one in ours.methods if one != CONSTANT):
                gap = paired_difference(theirs, ours.of(base, size, metric)[mask], clip)
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
        scores = {id(one): score_trial(ours, one, SIZES) for one in (trial, few)}
        rows = our_rows(scores[id(trial)])
        for name, rival in rivals.items():
            on = few if name == "heavy" else trial
            for own, sizes in ((False, SIZES), (True, OWN_SIZES if rival.detector else ())):
                for size in sizes:
                    found = found_by(rival, on.images, size, own)
                    rows += rival_rows(TITLES[name], found, scores[id(on)], on.truth, size, own)
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
