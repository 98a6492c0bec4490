"""Whether the mean of two looks, at the picture and at its mirror image, is nearer to the truth.

python -m benchmarks.mirror --out results/open/mirror.csv

HR-only and the full model on val-wild at 128 and 32 px. Three ways: the picture alone; the mean of both
looks (rsclib.mirror); the mean only where the looks agree, the picture alone elsewhere (the threshold is
that of "unsure"). Intervals are paired, over recordings and clips. The mean is made the usual one only if
it helps the full model at both sizes, in MPJPE and MPJPE-PA, with intervals below 0.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rsclib.body import load_body
from rsclib.doubts import disagreement
from rsclib.errors import RscError
from rsclib.metrics import mpjpe, pa_mpjpe
from rsclib.mirror import mean_of_two_looks
from rsclib.models import model_named
from rsclib.openbench.build import fetch
from rsclib.pictured import UNSURE_MM
from rsclib.predictor import NetPredictor
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result
from rsclib.statistics import cluster_bootstrap, paired_difference

Numbers = NDArray[np.float64]
PART = "val-wild"
MODELS = {"HR-only": "hr-only", "full": "full"}
SIZES = (128, 32)
ALONE, MEAN, WHERE = "alone", "mean", "mean where they agree"
METRICS = {"mpjpe": lambda a, b: mpjpe(a, b, root=None), "pa_mpjpe": pa_mpjpe}
BATCH = 64


def joints_of(
    predictor: NetPredictor, images: torch.Tensor, size: int
) -> tuple[dict[str, torch.Tensor], Numbers]:
    """Evaluation joints (N, 14, 3), metres, of each of the three ways, and how far the two looks are
    apart (N,), mm, for uint8 images (N, 3, S, S) seen at ``size`` pixels."""
    found: dict[str, list[torch.Tensor]] = {ALONE: [], MEAN: [], WHERE: []}
    apart = []
    with torch.inference_mode():
        for batch in images.split(BATCH):
            looks = [predictor.at(view, size) for view in (batch, batch.flip(3))]
            both = mean_of_two_looks(*looks)
            alone, mirrored, mean = (
                predictor.body.joints(p.rotmats, p.betas).joints14 for p in (*looks, both)
            )
            off = disagreement(alone, mirrored)
            found[ALONE].append(alone)
            found[MEAN].append(mean)
            found[WHERE].append(torch.where((off <= UNSURE_MM)[:, None, None], mean, alone))
            apart.append(off)
    return {way: torch.cat(parts) for way, parts in found.items()}, torch.cat(apart).numpy()


def rows_of(
    model: str, size: int, joints: dict[str, torch.Tensor], truth: torch.Tensor, clips: NDArray
) -> Iterator[dict]:
    """Errors of each way (mm), and of the two means what they add to the picture alone."""
    for metric, error in METRICS.items():
        errors = {way: error(found, truth).numpy() for way, found in joints.items()}
        for way, values in errors.items():
            about = {"method": model, "looks": way, "split": PART, "resolution": size,
                     "images": len(values)}  # fmt: skip
            yield about | _numbers(metric, cluster_bootstrap(values, clips))
            if way != ALONE:
                gain = paired_difference(values, errors[ALONE], clips)
                yield about | _numbers(f"{metric} minus alone", gain)


def _numbers(metric: str, interval: tuple[float, float, float]) -> dict:
    mean, low, high = (round(value, 3) for value in interval)
    return {"metric": metric, "value": mean, "low": low, "high": high}


def helps(rows: list[dict], way: str = MEAN) -> bool:
    """The rule: both errors of the full model fall at both sizes, and the intervals say so."""
    gains = [
        row for row in rows
        if row.get("method") == "full" and row.get("looks") == way and row["metric"].endswith("minus alone")
    ]  # fmt: skip
    return len(gains) == len(SIZES) * len(METRICS) and all(row["high"] < 0 for row in gains)


def measure(count: int | None = None) -> list[dict]:
    """All rows, the verdict last."""
    data = fetch(PART, count)
    images = torch.from_numpy(data["images"]).permute(0, 3, 1, 2)
    truth = torch.from_numpy(data["joints14"])
    body, rows = load_body(), []
    for model, name in MODELS.items():
        predictor = NetPredictor(model_named(name), body)
        for size in SIZES:
            joints, apart = joints_of(predictor, images, size)
            rows += rows_of(model, size, joints, truth, data["clip"])
            unsure = round(float((apart > UNSURE_MM).mean()), 4)
            rows.append({"method": model, "split": PART, "resolution": size, "images": len(apart),
                         "metric": "called unsure", "value": unsure})  # fmt: skip
    for way in (MEAN, WHERE):
        rows.append(
            {"metric": "the usual one", "looks": way, "split": PART, "value": helps(rows, way)}
        )
    return rows


def main() -> None:
    """Write the file and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("results/open/mirror.csv"))
    given = parser.parse_args()
    started = time.monotonic()
    try:
        rows = measure()
    except RscError as error:
        parser.error(str(error))
    config = {"part": PART, "models": MODELS, "sizes": SIZES, "unsure_mm": UNSURE_MM}
    write_result(given.out, rows, provenance(config, 0, time.monotonic() - started))
    for row in rows:
        print({k: v for k, v in row.items() if k not in ("split", "images")})


if __name__ == "__main__":
    main()
