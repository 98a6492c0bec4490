"""How well the warnings of ``rsc predict`` tell bad predictions from good ones, without the truth.

python -m benchmarks.unsure --out results/open/unsure.csv

On val-wild, full size and 32 px. A prediction is bad above 150 mm of MPJPE and good below 80 mm.
"Unsure" is called what the mirrored picture puts elsewhere; the chosen threshold is the smallest
that says so of at most 1 % of the good predictions: a warning should be worth reading. On the
first version of the part the same rule gave 110 mm. The people
are shown smaller, too: how often "fills only" is then said.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import rankdata

from rsclib.body import load_body
from rsclib.doubts import SMALLEST_SPAN, disagreement, extent
from rsclib.errors import RscError
from rsclib.geometry import project
from rsclib.metrics import mpjpe
from rsclib.models import model_named
from rsclib.openbench.build import fetch
from rsclib.predictor import NetPredictor
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result

Numbers = NDArray[np.float64]
PART = "val-wild"
BAD, GOOD = 150.0, 80.0  # mm
THRESHOLDS = tuple(range(20, 165, 5))  # mm
MOST_FALSE = 0.01  # share of the good ones that may be called unsure
SHARES = (1.0, 0.8, 0.6, 0.5, 0.4, 0.3)  # of the side of the crop that is left to the picture
BATCH = 64


def outputs(
    predictor: NetPredictor, images: torch.Tensor, size: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Evaluation joints (N, 14, 3), metres, and the span (N,) of the projected skeleton of uint8
    images (N, 3, S, S) seen at ``size`` pixels."""
    joints, spans = [], []
    with torch.inference_mode():
        for batch in images.split(BATCH):
            p = predictor.at(batch, size)
            out = predictor.body.joints(p.rotmats, p.betas)
            joints.append(out.joints14)
            spans.append(extent(project(out.joints24, p.cam))[0])
    return torch.cat(joints), torch.cat(spans)


def auc(bad: Numbers, good: Numbers) -> float:
    """Share of the pairs (one of each) in which the bad one disagrees more (Mann and Whitney)."""
    if not len(bad) or not len(good):
        raise RscError("no threshold can be chosen: all predictions are good, or none is")
    ranks = rankdata(np.concatenate([bad, good]))[: len(bad)]
    return float((ranks.sum() - len(bad) * (len(bad) + 1) / 2) / (len(bad) * len(good)))


def choose(good: Numbers) -> int:
    """The smallest threshold (mm) that calls at most :data:`MOST_FALSE` of the good ones unsure.

    Raises:
        RscError: there is none.
    """
    for threshold in THRESHOLDS:
        if len(good) and (good > threshold).mean() <= MOST_FALSE:
            return threshold
    raise RscError("no threshold leaves the good predictions alone; are there good ones?")


def rows_of(size: int | str, apart: Numbers, error: Numbers) -> Iterator[dict]:
    """The numbers of one size: counts, AUC, and the two shares at every threshold."""
    bad, good = apart[error > BAD], apart[error < GOOD]
    about = {"split": PART, "resolution": size, "bad": len(bad), "good": len(good)}
    yield about | {"metric": "auc", "value": round(auc(bad, good), 4)}
    for threshold in THRESHOLDS:
        for name, group in (("bad called unsure", bad), ("good called unsure", good)):
            value = round(float((group > threshold).mean()), 4)
            yield about | {"metric": name, "threshold_mm": threshold, "value": value}


def shrunk(images: torch.Tensor, share: float) -> torch.Tensor:
    """Pictures (N, 3, S, S) made smaller in the middle of a frame that repeats their edges."""
    side = images.shape[2]
    inner = round(side * share)
    before = (side - inner) // 2
    pad = ((before, side - inner - before),) * 2 + ((0, 0),)
    small = [
        np.pad(np.array(Image.fromarray(a).resize((inner, inner), Image.Resampling.BICUBIC)), pad, mode="edge")
        for a in images.permute(0, 2, 3, 1).numpy()
    ]  # fmt: skip
    return torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2)


def measure(count: int | None = None) -> tuple[list[dict], int]:
    """All rows, and the chosen threshold (mm)."""
    data = fetch(PART, count)
    images = torch.from_numpy(data["images"]).permute(0, 3, 1, 2)
    truth = torch.from_numpy(data["joints14"])
    predictor = NetPredictor(model_named("full"), load_body())
    rows, apart, error = [], {}, {}
    for size in (128, 32):
        joints, _ = outputs(predictor, images, size)
        mirrored, _ = outputs(predictor, images.flip(3), size)
        apart[size] = disagreement(joints, mirrored).numpy()
        error[size] = mpjpe(joints, truth, root=None).numpy()
        rows += rows_of(size, apart[size], error[size])
    both, wrong = (np.concatenate(list(values.values())) for values in (apart, error))
    rows += rows_of("both", both, wrong)
    for share in SHARES:
        spans = outputs(predictor, shrunk(images[::4], share), 128)[1]
        warned = float((spans < SMALLEST_SPAN).double().mean())
        rows.append({"metric": "called small", "split": PART, "resolution": 128,
                     "share": share, "value": round(warned, 4)})  # fmt: skip
    return rows, choose(both[wrong < GOOD])


def main() -> None:
    """Write the file and say what was chosen."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("results/open/unsure.csv"))
    given = parser.parse_args()
    started = time.monotonic()
    try:
        rows, threshold = measure()
    except RscError as error:
        parser.error(str(error))
    config = {"part": PART, "bad_mm": BAD, "good_mm": GOOD, "most_false": MOST_FALSE,
              "model": "full", "smallest_span": SMALLEST_SPAN}  # fmt: skip
    chosen = {"metric": "chosen threshold", "split": PART, "resolution": "both", "value": threshold}
    write_result(given.out, [chosen, *rows], provenance(config, 0, time.monotonic() - started))
    for row in [chosen, *rows]:
        if (
            row["metric"] in ("auc", "called small", "chosen threshold")
            or row.get("threshold_mm") == threshold
        ):
            print({k: v for k, v in row.items() if k != "split"})


if __name__ == "__main__":
    main()
