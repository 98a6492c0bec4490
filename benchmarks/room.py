"""Score the runs of ``benchmarks/grids/room.yaml`` on val-wild: what a regime is chosen by.

    python -m benchmarks.room runs/room --out results/open/room.csv

A row's ``gain`` is HR-only minus it, in mm, with its interval; the room of a regime is the gain of its
oracle minus that of its Ba.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from rsclib.body import load_body
from rsclib.evaluate import score
from rsclib.methods.grid import read_grid
from rsclib.models import model_named
from rsclib.predictor import NetPredictor
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result

SIZES = (128, 80, 52, 32, 24)
GRID = Path(__file__).parent / "grids" / "room.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, help="folder that rsc grid trained in")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=512, help="people of val-wild")
    options = parser.parse_args()
    started, body = time.monotonic(), load_body()
    runs = [r for r in read_grid(GRID) if (options.runs / r.folder / "model.safetensors").is_file()]
    files = {r.row: str(options.runs / r.folder / "model.safetensors") for r in runs}
    nets = {
        name: model_named(file).eval() for name, file in {"HR-only": "hr-only", **files}.items()
    }
    predictors = {name: NetPredictor(net, body) for name, net in nets.items()}
    scores = score(predictors, "val-wild", SIZES, options.count)
    rows = []
    for name in predictors:
        for size in SIZES:
            gain = scores.difference("HR-only", name, size)
            rows.append(
                {"method": name, "metric": "mpjpe", "split": "val-wild", "resolution": size,
                 "images": options.count, "value": round(float(scores.of(name, size).mean()), 3),
                 "gain": round(gain.mean, 3), "gain_low": round(gain.low, 3),
                 "gain_high": round(gain.high, 3)}
            )  # fmt: skip
    about = provenance(options, 0, time.monotonic() - started) | {"body": body.identity}
    write_result(options.out, rows, about)


if __name__ == "__main__":
    main()
