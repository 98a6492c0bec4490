"""How much of the shipped weights to keep in a model trained for photographs: chosen on val-wild.

python -m benchmarks.photo_start runs/photo        (after rsc train photo --out runs/photo; some minutes)
    -> results/open/photo_start.csv

A training that ends in another place of weight space than it began in can be walked back a part of the
way: the mean of both ends, weight by weight, often has most of what the new training learnt and most of
what the old network knew. Rows: the shipped model, then the mean with several shares of it. Of each, the
error on all of val-wild, one look at a picture, paired with the shipped model's; and how far guesses move
under another box, noise and JPEG (benchmarks/jitter.py), for one look and for ten.

The rule, fixed before anything was measured: of the shares with which the error at neither size has grown
(the mean of the paired differences is 0 or less), the one whose ten looks move least.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro

from benchmarks.choices import finished
from benchmarks.jitter import DAMAGE, PART, SIZES, joints
from rsclib.body import load_body
from rsclib.evaluate import score
from rsclib.methods.rsc import blend
from rsclib.metrics import mpjpe
from rsclib.models import model_named
from rsclib.network import RSCNet
from rsclib.openbench.build import COUNTS, fetch
from rsclib.predictor import NetPredictor
from rsclib.range_norm import soften
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result
from rsclib.scores import Scores
from rsclib.statistics import cluster_bootstrap, paired_difference

SHARES = (0.0, 0.25, 0.5, 0.75)
SHIPPED = "full"


@dataclass(frozen=True)
class Options:
    """What is measured.

    Attributes:
        run: folder of a finished training of the preset. count: people whose guesses are moved.
        out: the CSV.
    """

    run: tyro.conf.Positional[Path]
    count: int = 192
    out: Path = Path("results/open/photo_start.csv")


def kept(net: RSCNet, share: float, softened: float) -> RSCNet:
    """The mean of a trained network and the shipped one, which has ``share``, as a run would ship it."""
    out = copy.deepcopy(net)
    blend(out, model_named(SHIPPED).per_range(), share)
    soften(out, softened)
    return out.eval()


def errors(predictor: NetPredictor) -> Scores:
    """Of every person of the part, both sizes."""
    return score({"": predictor}, PART, list(SIZES), COUNTS[PART], max(SIZES))


def movement(predictor: NetPredictor, images: np.ndarray, size: int) -> dict[str, np.ndarray]:
    """Mean movement (N,) over the kinds of damage, mm, by the number of looks."""
    clean = joints(predictor, images, size)
    off = [joints(predictor, damage(images), size) for damage in DAMAGE.values()]
    return {
        way: np.mean([mpjpe(found[way], clean[way]).numpy() for found in off], 0) for way in clean
    }


def chosen(rows: list[dict[str, Any]]) -> float:
    """The share that the rule names; 1 (nothing ships) where it names none."""
    grown = {r["keep"] for r in rows if r["metric"] == "mpjpe, minus shipped" and r["value"] > 0}
    moves: dict[float, list[float]] = {}
    for row in rows:
        if row["metric"] == "movement, ten looks" and row["method"] != SHIPPED:
            moves.setdefault(row["keep"], []).append(row["value"])
    left = {share: float(np.mean(found)) for share, found in moves.items() if share not in grown}
    return min(left, key=left.__getitem__) if left else 1.0


def measured(options: Options) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """All rows, and the settings of the run."""
    net, config = finished(options.run / "state.pt")
    data = fetch(PART)
    every = np.unique(np.linspace(0, COUNTS[PART] - 1, options.count).astype(int))
    images, clip = data["images"][every], data["clip"][every]
    body, rows, base = load_body(), [], None
    for share in (1.0, *SHARES):
        shipped = share == 1
        model = model_named(SHIPPED).eval() if shipped else kept(net, share, config["soften"])
        predictor = NetPredictor(model, body)
        found = errors(predictor)
        base = base or found
        for size in SIZES:
            about = {"method": SHIPPED if shipped else "photo", "keep": share, "split": PART,
                     "resolution": size}  # fmt: skip
            error = found.of("", size)
            row = about | {"images": len(error)}
            rows.append(row | _numbers("mpjpe", cluster_bootstrap(error, found.clip)))
            if not shipped:
                gain = paired_difference(error, base.of("", size), found.clip)
                rows.append(row | _numbers("mpjpe, minus shipped", gain))
            for way, off in movement(predictor, images, size).items():
                name = f"movement, {way.removeprefix('mean of ')}"
                row = about | {"images": len(off)}
                rows.append(row | _numbers(name, cluster_bootstrap(off, clip)))
    return rows, config


def _numbers(metric: str, interval: tuple[float, float, float]) -> dict[str, Any]:
    mean, low, high = (round(float(value), 3) for value in interval)
    return {"metric": metric, "value": mean, "low": low, "high": high}


def main(options: Options) -> None:
    """Measure, write, print."""
    started = time.monotonic()
    torch.manual_seed(0)
    rows, config = measured(options)
    about = {"part": PART, "shipped": SHIPPED, "shares": SHARES, "count": options.count, "run": config,
             "chosen": chosen(rows)}  # fmt: skip
    write_result(options.out, rows, provenance(about, 0, time.monotonic() - started))
    for row in rows:
        print(*(row[k] for k in ("method", "keep", "resolution", "metric", "value")), sep="  ")
    print(f"The rule chooses to keep {chosen(rows):g} of the shipped weights")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
