"""Do fits in the loop help, and do they fail at low resolution? SMPLify against the truth.

    python -m benchmarks.fits --out results/open/fits.csv

The first people of oracle-wild, the pictures of train-wild with their 3D truth. Fits with SPIN's
in-loop settings here (:class:`rsclib.methods.spin.SpinConfig`) start from what a network predicts at
128 or at 32 px and follow exact keypoints, or keypoints as annotators give them in the regime "hard".
A fit helps where it is nearer to the truth than its start. "error" is what decides whether a fit
teaches (px^2 of a 224 px crop); that of the truth itself says what a threshold can tell apart.
Three minutes on a core.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rsclib.body import Body, load_body
from rsclib.data.annotators import as_annotated
from rsclib.declared import regime_named
from rsclib.errors import RscError
from rsclib.geometry import cam_to_translation, fit_translation
from rsclib.methods.spin import SpinConfig
from rsclib.metrics import mpjpe, pa_mpjpe
from rsclib.models import model_named
from rsclib.openbench.build import fetch
from rsclib.people import Labels, People
from rsclib.pose_mixture import load_mixture
from rsclib.predictor import NetPredictor
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result
from rsclib.smplify import Pose, fit, reprojection_error
from rsclib.statistics import cluster_bootstrap, paired_difference

PART, MODELS, SIZES, BATCH = "oracle-wild", ("hr-only", "full"), (128, 32), 64
Numbers = dict[str, NDArray[np.float64]]


def errors_of(body: Body, pose: Pose, truth: torch.Tensor, keypoints: torch.Tensor) -> Numbers:
    """Of every person: MPJPE and PA-MPJPE, mm, and the reprojection error, px^2."""
    with torch.no_grad():
        joints = body.joints(pose.rotmats, pose.betas).joints14
        error = reprojection_error(body, pose, keypoints, SpinConfig().fit)
    found = {"mpjpe": mpjpe(joints, truth), "pa_mpjpe": pa_mpjpe(joints, truth), "error": error}
    return {name: values.double().numpy() for name, values in found.items()}


def true_pose(body: Body, labels: Labels) -> Pose:
    """The truth before the camera in use here, which is farther away than the one that saw it."""
    with torch.no_grad():
        points = body.joints(labels.rotmats, labels.betas).keypoints3d
    seen = labels.keypoints2d
    return Pose(labels.rotmats, labels.betas, fit_translation(points, seen[..., :2], seen[..., 2]))


def rows_of(about: dict[str, Any], found: Numbers, start: Numbers | None) -> Iterator[dict]:
    """Means with 95 % intervals over people; beside a fit's, what it changed."""
    people = np.arange(len(found["error"]))
    about = about | {"images": len(people)}
    for metric, values in found.items():
        mean, low, high = cluster_bootstrap(values, people)
        yield about | {"metric": metric, "value": mean, "low": low, "high": high}
        if start is not None:
            mean, low, high = paired_difference(values, start[metric], people)
            yield about | {"metric": f"{metric} change", "value": mean, "low": low, "high": high}
    taught = float((found["error"] < SpinConfig().threshold).mean())
    yield about | {"metric": "share below the threshold", "value": taught}


def measure(count: int, seed: int = 0) -> list[dict]:
    """All rows."""
    body, mixture = load_body(), load_mixture()
    data = fetch(PART, count)
    people, truth = People.of(data), torch.from_numpy(data["joints14"])
    hard = regime_named("hard").changes
    drawn = as_annotated(people.labels, hard["jitter"], hard["missing"], hard["swapped"], seed)
    marks = {"exact": people.labels.keypoints2d, "annotated": drawn.keypoints2d}
    rows: list[dict] = []
    for kind, points in marks.items():
        found = errors_of(body, true_pose(body, people.labels), truth, points)
        rows += rows_of({"keypoints": kind, "pose": "truth"}, found, None)
    for model in MODELS:
        predictor = NetPredictor(model_named(model), body)
        for size in SIZES:
            guesses = [predictor.at(some, size) for some in people.images.split(BATCH)]
            start = Pose(
                torch.cat([g.rotmats for g in guesses]).clone(),
                torch.cat([g.betas for g in guesses]).clone(),
                cam_to_translation(torch.cat([g.cam for g in guesses])).clone(),
            )
            for kind, points in marks.items():
                fits = fit(body, mixture, points, start, SpinConfig().fit)
                before = errors_of(body, start, truth, points)
                after = errors_of(body, fits.pose, truth, points)
                about = {"model": model, "start_px": size, "keypoints": kind}
                rows += rows_of(about | {"pose": "start"}, before, None)
                rows += rows_of(about | {"pose": "fit"}, after, before)
                change = (after["mpjpe"] - before["mpjpe"]).mean()
                print(f"{model}, {size} px, {kind} keypoints: {change:+.1f} mm", flush=True)
    return [{k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()} for row in rows]


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("results/open/fits.csv"))
    parser.add_argument("--count", type=int, default=256)
    given = parser.parse_args()
    started = time.monotonic()
    try:
        rows = measure(given.count)
    except RscError as error:
        parser.error(str(error))
    hard = regime_named("hard").changes
    config = {
        "part": PART, "count": given.count, "models": MODELS, "sizes": SIZES,
        "fit": dataclasses.asdict(SpinConfig().fit), "threshold": SpinConfig().threshold,
        **{name: hard[name] for name in ("jitter", "missing", "swapped")},
    }  # fmt: skip
    about = provenance(config, 0, time.monotonic() - started)
    about["command"] = [
        "python", "-m", "benchmarks.fits", "--out", str(given.out), "--count", str(given.count)
    ]  # fmt: skip
    write_result(given.out, rows, about)
    print(f"{given.out}: {about['seconds']:.0f} s")


if __name__ == "__main__":
    main()
