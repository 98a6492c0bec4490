"""The per-resolution table: MPJPE and PA-MPJPE with intervals, for any number of models."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from tqdm.auto import tqdm

from rsclib.body import Body, load_body
from rsclib.errors import RscError
from rsclib.metrics import mpjpe, pa_mpjpe, procrustes_align
from rsclib.models import check_body
from rsclib.network import RSCNet
from rsclib.openbench.build import fetch
from rsclib.resolution import PRESETS, Ranges
from rsclib.statistics import cluster_bootstrap
from rsclib.train import evaluation_joints

Row = dict[str, Any]
# Images at a time: few enough for a processor's cache, enough to fill its cores.
BATCH = 32


def errors(
    net: RSCNet, images: torch.Tensor, truth: torch.Tensor, size: int, ranges: Ranges, body: Body
) -> dict[str, NDArray[np.float64]]:
    """MPJPE and PA-MPJPE of every image, mm.

    Args:
        images: uint8 (N, 3, S, S). truth: evaluation joints (N, 14, 3), metres, pelvis-centred.
        size: pixels that the images are shrunk to first.
    """
    wrong, aligned = [], []
    with torch.inference_mode():
        for i in range(0, len(images), BATCH):
            joints = evaluation_joints(net, body, images[i : i + BATCH], size, ranges).cpu()
            wrong.append(mpjpe(joints, truth[i : i + BATCH]))
            aligned.append(pa_mpjpe(joints, truth[i : i + BATCH]))
    return {"mpjpe": torch.cat(wrong).numpy(), "pa_mpjpe": torch.cat(aligned).numpy()}


def constant_pose(truth: torch.Tensor) -> dict[str, NDArray[np.float64]]:
    """Errors of the best constant prediction, the yardstick of every model.

    Two constants, each the best for its metric: the point-wise mean of the joints (MPJPE), and the
    mean of the joints after each was aligned to a common one (MPJPE-PA).
    """
    mean = truth.mean(0, keepdim=True)
    shape = truth[:1]
    for _ in range(5):  # generalised Procrustes: align all to the mean, take the mean, repeat
        shape = procrustes_align(truth, shape.expand_as(truth)).mean(0, keepdim=True).float()
    return {
        "mpjpe": mpjpe(mean.expand_as(truth), truth).numpy(),
        "pa_mpjpe": pa_mpjpe(shape.expand_as(truth), truth).numpy(),
    }


def evaluate(
    models: Mapping[str, RSCNet],
    part: str = "test-wild",
    sizes: Sequence[int] | None = None,
    count: int | None = None,
    ranges: Ranges = PRESETS["edu"],
    seed: int = 0,
) -> tuple[list[Row], float]:
    """Score models on a test part at several resolutions.

    Returns:
        rows of method, metric (mm), split, resolution, value, low, high (95 % bootstrap over clips),
        and the seconds it took.

    Raises:
        RscError: the part has no 3D truth.
    """
    started = time.monotonic()
    data = fetch(part, count, ranges.full, seed)
    if "joints14" not in data:
        raise RscError(f"{part} has no 3D truth to compare with; choose a test part")
    truth = torch.from_numpy(data["joints14"])
    images = torch.from_numpy(data["images"]).permute(0, 3, 1, 2)
    body = load_body()
    for net in models.values():
        check_body(net, body)
    rows: list[Row] = []

    def add(method: str, size: int, values: dict[str, NDArray[np.float64]]) -> None:
        for metric, value in values.items():
            mean, low, high = cluster_bootstrap(value, data["clip"], seed=seed)
            rows.append(
                {"method": method, "metric": metric, "split": part, "resolution": size,
                 "range_index": int(ranges.index(size)),
                 "value": round(mean, 3), "low": round(low, 3), "high": round(high, 3)}
            )  # fmt: skip

    jobs = [(m, s) for m in models for s in (sizes or ranges.eval_sizes)]
    for method, size in tqdm(jobs, desc=f"evaluate {part}", leave=False):
        add(method, size, errors(models[method].eval(), images, truth, size, ranges, body))
    add("best constant pose", ranges.full, constant_pose(truth))
    return rows, time.monotonic() - started


def wide(rows: Sequence[Row], metric: str = "mpjpe") -> pd.DataFrame:
    """Rows as a table for people: a method a line, a resolution a column, mm with intervals."""
    frame = pd.DataFrame([r for r in rows if r["metric"] == metric])
    frame["cell"] = [f"{r.value:.1f} [{r.low:.1f}, {r.high:.1f}]" for r in frame.itertuples()]
    table = frame.pivot(index="method", columns="resolution", values="cell")
    table = table.loc[frame["method"].unique()]  # in the order of the rows, not of the alphabet
    table = table[sorted(table.columns, reverse=True)].fillna("")
    return table.rename(columns=lambda c: f"{c} px")
