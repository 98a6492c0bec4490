"""Try settings of the two plain filters on video-val at 32 px: where those of Table 3's filter rows stand.

Each setting smooths the same joints of a network, picture by picture. The first line of each filter is
the setting that Table 3 uses.

python -m benchmarks.filters            (about a minute) -> results/open/filters.csv
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import tyro
from torch import Tensor

from rsclib.body import load_body
from rsclib.evaluate_video import Filter, video_errors, video_joints
from rsclib.metrics import middle_frames
from rsclib.models import model_named
from rsclib.openbench.build import fetch
from rsclib.predictor import NetPredictor
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result
from rsclib.smoothing import constant_velocity, savitzky_golay
from rsclib.statistics import cluster_bootstrap

PART = "video-val"
WINDOWS = (9, 3, 5, 7, 11, 13, 15, 17, 21, 31)  # frames
AGILITIES = (0.1, 0.01, 0.02, 0.04, 0.07, 0.15, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Options:
    """What is smoothed.

    Attributes:
        model: a shipped model's name, or a path. size: px that its frames are shrunk to. count: only
            the first so many frames. out: the CSV.
    """

    model: str = "full"
    size: int = 32
    count: int | None = None
    out: Path = Path("results/open/filters.csv")


def settings() -> list[tuple[str, float, Filter]]:
    """Name of the filter, its setting, and the filter so set; first of all, none."""
    tried: list[tuple[str, float, Filter]] = [("none", 0.0, lambda joints, sequence: joints)]
    tried += [("savitzky_golay", w, partial(savitzky_golay, window=w)) for w in WINDOWS]
    return tried + [
        ("constant_velocity", a, partial(constant_velocity, agility=a)) for a in AGILITIES
    ]


def scored(joints: Tensor, truth: Tensor, sequence: Tensor, clip: Any) -> list[dict[str, Any]]:
    """A row a setting and metric: mean (mm, mm/frame²) with its interval over clips."""
    rows = []
    for name, setting, smooth in settings():
        errors = video_errors(smooth(joints, sequence).float(), truth, sequence)
        for metric, values in errors.items():
            mean, low, high = (round(v, 3) for v in cluster_bootstrap(values, clip))
            rows.append(
                {"method": name, "setting": setting, "metric": metric, "split": PART,
                 "value": mean, "low": low, "high": high}
            )  # fmt: skip
    return rows


def main(options: Options) -> None:
    """Predict every frame once, smooth in all ways, write."""
    data = fetch(PART, options.count, keys=("images", "joints14", "sequence", "clip"))
    images = torch.from_numpy(data["images"]).permute(0, 3, 1, 2)
    truth, sequence = torch.from_numpy(data["joints14"]), torch.from_numpy(data["sequence"])
    predictor = NetPredictor(model_named(options.model).eval(), load_body())
    joints = video_joints(predictor, images, sequence, options.size, PART)
    clip = data["clip"][middle_frames(sequence).numpy()]
    rows = [row | {"resolution": options.size} for row in scored(joints, truth, sequence, clip)]
    about = provenance({"model": options.model, "size": options.size, "part": PART}, 0, 0.0)
    write_result(options.out, rows, about | {"frames": len(images)})
    for row in rows:
        if row["metric"] in ("mpjpe", "acceleration_error"):
            print(f"{row['method']:18} {row['setting']:6g} {row['metric']:20} {row['value']:7.2f}")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
