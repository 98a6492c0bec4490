"""Errors of every image at every size, and what is read from them: tables, intervals, differences.

Anything with ``joints14(images, size)`` can be scored (:mod:`rsclib.predictor`). The errors of each
image are kept (:class:`Scores`), because two models are compared image by image.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm.auto import tqdm

from rsclib.body import load_body
from rsclib.errors import RscError
from rsclib.metrics import mpjpe, pa_mpjpe, procrustes_align
from rsclib.network import RSCNet
from rsclib.openbench.build import fetch
from rsclib.people import Pictures, Trial
from rsclib.predictor import NetPredictor, Predictor
from rsclib.resolution import PRESETS, Ranges
from rsclib.scores import Scores
from rsclib.statistics import cluster_bootstrap

Row = dict[str, Any]
# Images at a time: few enough for a processor's cache, enough to fill its cores.
BATCH = 32
# Crops that are held in memory at a time: 150 MB at 224 px.
CUT = 1024
CONSTANT = "best constant pose"


def joints_at(
    predictor: Predictor, images: Tensor | Pictures, size: int, count: int = 14
) -> Tensor:
    """Joints (N, count, 3), metres, that are found in images (N, 3, S, S) uint8 shrunk to ``size``.

    Raises:
        RscError: the predictor does not give so many.
    """
    ask = getattr(predictor, f"joints{count}", None)
    if ask is None:
        raise RscError(f"this predictor gives 14 joints, not {count}; choose --protocol vibe")
    return torch.cat([ask(some, size) for some in images.split(BATCH)])


def joint_errors(
    predictor: Predictor, images: Tensor, truth: Tensor, size: int
) -> dict[str, NDArray[np.float64]]:
    """MPJPE and PA-MPJPE of every image, mm.

    Args:
        images: uint8 (N, 3, S, S). truth: evaluation joints (N, 14, 3), metres, pelvis-centred.
        size: pixels that the images are shrunk to first.
    """
    joints = joints_at(predictor, images, size)
    return {"mpjpe": mpjpe(joints, truth).numpy(), "pa_mpjpe": pa_mpjpe(joints, truth).numpy()}


def errors_of(joints: Tensor, trial: Trial) -> dict[str, NDArray[np.float64]]:
    """MPJPE and PA-MPJPE (N,), mm, of joints (N, J, 3), metres, as the trial's protocol has them."""
    return {
        "mpjpe": mpjpe(joints, trial.truth, trial.root).numpy(),
        "pa_mpjpe": pa_mpjpe(joints, trial.truth).numpy(),
    }


def constant_pose(truth: Tensor) -> dict[str, NDArray[np.float64]]:
    """Errors of the best constant prediction, the yardstick of every model.

    Two constants, each the best in squares: the point-wise mean of the joints (MPJPE), and the mean of
    the joints after each was aligned to a common one (MPJPE-PA). In millimetres, not squared, a median
    of points would be best, by a little.
    """
    mean = truth.mean(0, keepdim=True)
    shape = truth[:1]
    for _ in range(5):  # generalised Procrustes: align all to the mean, take the mean, repeat
        shape = procrustes_align(truth, shape.expand_as(truth)).mean(0, keepdim=True).float()
    return {
        "mpjpe": mpjpe(mean.expand_as(truth), truth).numpy(),
        "pa_mpjpe": pa_mpjpe(shape.expand_as(truth), truth).numpy(),
    }


def score(
    predictors: Mapping[str, Predictor],
    part: str = "test-wild",
    sizes: Sequence[int] = PRESETS["edu"].eval_sizes,
    count: int | None = None,
    side: int = PRESETS["edu"].full,
    disagreement: bool = False,
) -> Scores:
    """Errors of every image of a test part, by every predictor at every size.

    Args:
        count: only the first so many people; None: all. side: of the images, pixels.
        disagreement: also, as a metric of that name, how far (mm, as MPJPE) the joints at a size are
            from those that the same predictor finds at full size, which needs no truth.

    Raises:
        RscError: the part has no 3D truth.
    """
    return score_trial(predictors, open_trial(part, count, side), sizes, disagreement)


def open_trial(part: str, count: int | None = None, side: int = PRESETS["edu"].full) -> Trial:
    """A part of the open benchmark to score on.

    Raises:
        RscError: it has no 3D truth.
    """
    data = fetch(part, count, side)
    if "joints14" not in data:
        raise RscError(f"{part} has no 3D truth to compare with; choose a test part")
    truth = torch.from_numpy(data["joints14"])
    images = torch.from_numpy(data["images"]).permute(0, 3, 1, 2)
    return Trial(part, images, truth, data["clip"])


def score_trial(
    predictors: Mapping[str, Predictor], trial: Trial, sizes: Sequence[int],
    disagreement: bool = False,
) -> Scores:  # fmt: skip
    """Errors of every image of a trial, by every predictor at every size.

    Each picture is looked at once, so those that are cut when they are asked for cost no memory.

    Args:
        disagreement: as :func:`score`.

    Raises:
        RscError: a picture is damaged, or a predictor does not give the joints of the trial.
    """
    side, count = trial.images.shape[-1], trial.truth.shape[1]
    wanted = [size for size in sorted({*sizes, side}, reverse=True)
              if size in sizes or disagreement]  # fmt: skip
    found: dict[tuple[str, int], list[Tensor]] = {(n, s): [] for n in predictors for s in wanted}
    # What is in memory is one part; what is cut from the disk comes in parts that fit there.
    together = len(trial.images) if isinstance(trial.images, Tensor) else CUT
    parts_of = -(-len(trial.images) // together)
    with tqdm(total=len(found) * parts_of, desc=f"evaluate {trial.name}", leave=False) as bar:
        for some in trial.images.split(together) if found else ():
            for name, size in found:
                found[name, size].append(joints_at(predictors[name], some, size, count))
                bar.update()
    errors: dict[tuple[str, int, str], NDArray[np.float64]] = {}
    for (name, size), parts in found.items():
        joints = torch.cat(parts)
        if size in sizes:
            for metric, values in errors_of(joints, trial).items():
                errors[name, size, metric] = values
            if disagreement:
                full = torch.cat(found[name, side])
                errors[name, size, "disagreement"] = mpjpe(joints, full).numpy()
    constant = constant_pose(trial.truth)
    errors |= {(CONSTANT, side, metric): values for metric, values in constant.items()}
    return Scores(trial.name, trial.clip, errors)


def rows(scores: Scores, ranges: Ranges = PRESETS["edu"], seed: int = 0) -> list[Row]:
    """A row of method, metric (mm), split, resolution, range_index, images, value, low, high (95 %
    bootstrap over recordings and clips) for each mean."""
    out = []
    for (name, size, metric), values in scores.errors.items():
        mean, low, high = cluster_bootstrap(values, scores.clip, seed=seed)
        out.append(
            {"method": name, "metric": metric, "split": scores.part, "resolution": size,
             "range_index": int(ranges.index(size)), "images": len(values),
             "value": round(mean, 3), "low": round(low, 3), "high": round(high, 3)}
        )  # fmt: skip
    return out


def evaluate(
    models: Mapping[str, RSCNet],
    part: str = "test-wild",
    sizes: Sequence[int] | None = None,
    count: int | None = None,
    ranges: Ranges = PRESETS["edu"],
    seed: int = 0,
) -> tuple[list[Row], float]:
    """Score networks on a test part at several resolutions.

    Returns:
        :func:`rows`, and the seconds it took.

    Raises:
        RscError: the part has no 3D truth.
    """
    started = time.monotonic()
    body = load_body()
    predictors = {name: NetPredictor(net.eval(), body, ranges) for name, net in models.items()}
    scores = score(predictors, part, sizes or ranges.eval_sizes, count, ranges.full)
    return rows(scores, ranges, seed), time.monotonic() - started


def pivot(table: Sequence[Row], metric: str = "mpjpe") -> pd.DataFrame:
    """Rows as a table for people: a method a line, a resolution a column, mm with intervals."""
    frame = pd.DataFrame([r for r in table if r["metric"] == metric])
    frame["cell"] = [f"{r.value:.1f} [{r.low:.1f}, {r.high:.1f}]" for r in frame.itertuples()]
    shown = frame.pivot(index="method", columns="resolution", values="cell")
    shown = shown.loc[frame["method"].unique()]  # in the order of the rows, not of the alphabet
    shown = shown[sorted(shown.columns, reverse=True)].fillna("")
    return shown.rename(columns=lambda c: f"{c} px")
