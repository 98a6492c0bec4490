"""Does ImgSR's residual dense network sharpen? PSNR and LPIPS beside bicubic, at 52 and 32 px.

    python -m benchmarks.sharpness runs/table1/hard/ImgSR/seed0 --out results/open/imgsr.csv

Given are trained ImgSRs: the folder of a run or its model file; several are trainings of one row with
different seeds, and stand in the table as one. Pictures of test-wild are shrunk and enlarged again,
bicubic, as every method sees them, and sharpened; both are compared with the full picture. A
"change" is sharpened minus bicubic on the same pictures: above 0 is nearer for PSNR, below 0 for LPIPS.
Intervals are over recordings, clips and, from two on, trainings.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rsclib.checkpoints import read_header
from rsclib.errors import RscError
from rsclib.models import sharp_named
from rsclib.openbench.build import fetch
from rsclib.perceptual import Metric, lpips_metric
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result
from rsclib.statistics import over_trainings
from rsclib.superres import Measure, SharpNet, psnr, sharpness

PART, SIZES = "test-wild", (52, 32)
Numbers = NDArray[np.float64]


def file_of(name: str) -> Path:
    """The model file of a run's folder; a file is itself."""
    inside = Path(name) / "model.safetensors"
    return inside if inside.is_file() else Path(name)


def trained(file: Path) -> dict[str, Any]:
    """What a model file says of its training."""
    header = read_header(file)
    about = header["about"]
    return {"sha256": header["sha256"]} | {
        name: about.get(name) for name in ("config", "git", "seconds", "images_seen", "date")
    }


def as_measure(metric: Metric) -> Measure:
    """LPIPS of pictures of bytes."""

    def measure(pictures: Tensor, truth: Tensor) -> Tensor:
        return metric.distance(pictures.float() / 255, truth.float() / 255)

    return measure


def rows_of(about: Mapping[str, Any], values: Numbers, clip: NDArray[np.str_]) -> dict[str, Any]:
    """A row with the mean of ``values`` (S, N), of S trainings, and its 95 % interval."""
    found = over_trainings(values, clip)
    numbers = {name: round(value, 4) for name, value in found._asdict().items()}
    return {
        **about, "images": values.shape[1], "value": numbers["mean"], "low": numbers["low"],
        "high": numbers["high"], "trainings": len(values),
    }  # fmt: skip


def measure(
    nets: Sequence[SharpNet], images: Tensor, clip: NDArray[np.str_], measures: Mapping[str, Measure],
    sizes: Sequence[int],
) -> list[dict[str, Any]]:  # fmt: skip
    """All rows.

    Args:
        nets: trainings of one row. images: uint8 (N, 3, S, S). clip: (N,). measures: by name.
        sizes: px.
    """
    rows = []
    for size in sizes:
        found = [sharpness(net.rdn, images, size, measures) for net in nets]
        for name in measures:
            before = found[0][name][0].double().numpy()[None]
            after = np.stack([each[name][1].double().numpy() for each in found])
            about = {"split": PART, "resolution": size}
            for method, metric, values in (
                ("bicubic", name, before),
                ("ImgSR", name, after),
                ("ImgSR", f"{name} change", after - before),
            ):
                row = rows_of({"method": method, "metric": metric} | about, values, clip)
                if method == "bicubic":
                    row["trainings"] = 0
                rows.append(row)
                print(f"{size} px, {method}, {metric}: {row['value']:.3f}", flush=True)
    return rows


def side_of(nets: Sequence[SharpNet]) -> int:
    """The side of the pictures that trainings of one row work on.

    Raises:
        RscError: they are not of one kind.
    """
    if any(net.config != nets[0].config for net in nets):
        raise RscError("these are networks of different shapes; give trainings of one row")
    return nets[0].config.net.image_size


def main(given: Sequence[str] | None = None) -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sharpness", description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )  # fmt: skip
    parser.add_argument("models", nargs="+", help="folders of runs of ImgSR, or model files")
    parser.add_argument("--out", type=Path, default=Path("results/open/imgsr.csv"))
    parser.add_argument("--count", type=int, default=512, help="pictures of the test part")
    parser.add_argument("--lpips-weights", help="see rsc doctor; AlexNet's weights, for LPIPS")
    options = parser.parse_args(given)
    started = time.monotonic()
    try:
        lpips = lpips_metric("alex", options.lpips_weights)  # first: without it there is no table
        files = [file_of(name) for name in options.models]
        nets = [sharp_named(str(file)) for file in files]
        data = fetch(PART, options.count, side_of(nets), keys=("images", "clip"))
        images = torch.from_numpy(data["images"]).permute(0, 3, 1, 2)
        measures = {"psnr": psnr, "lpips": as_measure(lpips)}
        rows = measure(nets, images, data["clip"], measures, SIZES)
        config = {
            "part": PART, "count": options.count, "sizes": SIZES, "lpips": f"{lpips.name}, {lpips.source}",
            "rdn": dataclasses.asdict(nets[0].config.rdn), "trained": [trained(file) for file in files],
        }  # fmt: skip
        about = provenance(config, 0, time.monotonic() - started)
        about["command"] = ["python", "-m", "benchmarks.sharpness", *options.models]
        about["command"] += ["--out", str(options.out), "--count", str(options.count)]
        write_result(options.out, rows, about)
    except RscError as error:
        parser.error(str(error))
    print(f"{options.out}: {about['seconds']:.0f} s")


if __name__ == "__main__":
    main()
