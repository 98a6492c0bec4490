"""Plots about fits: what a point may pull, what a pose costs, and whether fits come nearer the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from rsclib.body import Body, BodyOutput
from rsclib.smplify import Moment, geman_mcclure
from rsclib.viz.meshes import BLUE, VERMILION
from rsclib.viz.people import TURN, error_lines

Floats = NDArray[np.floating[Any]]
PASS, FALL = BLUE, VERMILION


def pull_of(residual: torch.Tensor, sigma: float) -> torch.Tensor:
    """Slope of Geman and McClure's function: how hard a point pulls, px."""
    at = residual.detach().clone().requires_grad_(True)
    return torch.autograd.grad(geman_mcclure(at, sigma).sum(), at)[0]


def robust_plot(sigma: float, marks: Mapping[str, float]) -> Figure:
    """A figure: what a point costs and how hard it pulls, over how far it is off; beside it squares.

    Args:
        sigma: px. marks: residuals by name, px, at most 400.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9.2, 2.9), layout="constrained")
    far = torch.linspace(0, 400, 401)
    curves = (
        (lambda r: geman_mcclure(r, sigma) / 1000, far**2 / 1000, "cost (1000 px²)"),
        (lambda r: pull_of(r, sigma), 2 * far, "pull (px)"),
    )
    for axis, (curve, square, title) in zip(axes, curves, strict=True):
        axis.plot(far, square, color="black", linestyle="--", linewidth=1, label="squares")
        axis.plot(far, curve(far), color=BLUE, label=f"Geman-McClure, sigma {sigma:g} px")
        for (name, value), marker in zip(marks.items(), "os^D", strict=False):
            height = float(curve(torch.tensor([value]))[0])
            axis.plot(value, height, marker, color=VERMILION, label=name)
        axis.set(title=title, xlabel="point and mark apart (px of 224)")
        axis.set_ylim(0, 1.6 * max(float(curve(far).max()), 1e-9))
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def bend_plot(degrees: Floats, mixture: Floats, hinge: Floats) -> Figure:
    """A figure: what a knee's bend costs, over degrees; negative ones bend it forwards.

    Args:
        mixture, hinge: the two terms with their weights, px².
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7.2, 3.0), layout="constrained")
    axis.axvspan(degrees.min(), 0, color="0.93")
    axis.text(degrees.min() / 2, 0.93, "no knee does this", ha="center", va="top", fontsize=9,
              transform=axis.get_xaxis_transform())  # fmt: skip
    axis.plot(degrees, mixture, color=BLUE, label="pose mixture")
    axis.plot(degrees, hinge, color=VERMILION, linestyle="--", label="hinge term")
    axis.set(xlabel="bend of the left knee (degrees)", ylabel="cost above its lowest (px²)")
    axis.legend(frameon=False, fontsize=9, loc="upper right")
    return figure


def course_plot(moments: Sequence[Moment], far: Floats, pa: Floats, chosen: int = -1) -> Figure:
    """A figure: reprojection error and 3D errors of the first body over the steps of a fit.

    Args:
        far, pa: MPJPE and its aligned sister at each moment, mm. chosen: a moment to mark, if not
            negative.
    """
    import matplotlib.pyplot as plt

    camera = max((m.step for m in moments if m.stage == "camera"), default=0)
    at = [m.step + (camera if m.stage == "body" else 0) for m in moments]
    seen = [float(m.error[0].sqrt()) for m in moments]
    figure, axes = plt.subplots(1, 2, figsize=(9.2, 2.8), layout="constrained")
    axes[0].plot(at, seen, color=BLUE)
    axes[0].set(title="what the fit sees: reprojection error", ylabel="px of 224, root mean square")
    axes[1].plot(at, far, color=VERMILION, label="MPJPE")
    axes[1].plot(at, pa, color=VERMILION, linestyle="--", label="MPJPE-PA")
    axes[1].set(title="what it does not see: 3D error", ylabel="mm")
    axes[1].legend(frameon=False, fontsize=9)
    for axis in axes:
        axis.axvline(camera, color="0.6", linewidth=1, linestyle=":")
        axis.set_xlabel(f"step; camera stage to {camera}, then body stage")
        axis.set_ylim(0, None)
    if chosen >= 0:
        axes[0].plot(at[chosen], seen[chosen], "o", color="black")
        axes[1].plot(at[chosen], far[chosen], "o", color="black")
    return figure


def gains_scatter(
    panels: Mapping[str, tuple[Floats, Floats, NDArray[np.bool_]]], threshold: float
) -> Figure:
    """A figure: of each person what a fit changed in 3D over the reprojection error that is left.

    Args:
        panels: by name: change of MPJPE, mm; error of the fit, px²; who is the lesson's person.
        threshold: below which a fit teaches, px².
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, len(panels), figsize=(9.2, 3.1), sharey=True, sharex=True, layout="constrained"
    )
    for axis, (name, (change, error, her)) in zip(np.atleast_1d(axes), panels.items(), strict=True):
        good, rest = change <= 0, ~her
        axis.plot(error[good & rest], change[good & rest], "o", color=PASS, markersize=4, label="nearer the truth")  # fmt: skip
        axis.plot(error[~good & rest], change[~good & rest], "^", color=FALL, markersize=5, label="farther from it")  # fmt: skip
        axis.plot(error[her], change[her], "*", color="black", markersize=12, label="person 30")
        axis.axhline(0, color="black", linewidth=0.8)
        axis.axvline(threshold, color="0.5", linestyle="--", linewidth=1)
        axis.text(threshold, 0.02, " teaches left of here ", ha="right", va="bottom", fontsize=8,
                  transform=axis.get_xaxis_transform())  # fmt: skip
        axis.set(title=name, xscale="log", xlabel="reprojection error of the fit (px²)")
    np.atleast_1d(axes)[0].set_ylabel("change of MPJPE (mm)")
    np.atleast_1d(axes)[-1].legend(frameon=False, fontsize=8)
    return figure


def fits_forest(table: pd.DataFrame, metric: str = "mpjpe") -> Figure:
    """A figure of ``results/open/fits.csv``: what fits changed, mm, with 95 % intervals over people.

    Args:
        table: columns metric, keypoints, model, start_px, pose, value, low, high.
    """
    import matplotlib.pyplot as plt

    rows = table[table.metric == f"{metric} change"].sort_values(["start_px", "model"])
    figure, axis = plt.subplots(figsize=(8.2, 2.9), layout="constrained")
    names: list[str] = []
    for keypoints, marker, colour in (("exact", "o", BLUE), ("annotated", "s", VERMILION)):
        for row in rows[rows.keypoints == keypoints].itertuples():
            name = f"{row.model} at {row.start_px:.0f} px"
            if name not in names:
                names.append(name)
            y = names.index(name) + (0.15 if keypoints == "annotated" else -0.15)
            axis.plot([row.low, row.high], [y, y], color=colour, linewidth=2)
            label = f"{keypoints} keypoints" if name == names[0] else None
            axis.plot(row.value, y, marker, color=colour, label=label)
            axis.text(row.high + 1.5, y, f"{row.value:+.1f}", va="center", fontsize=8)
    axis.axvline(0, color="black", linewidth=1)
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set(xlabel="change of MPJPE by the fit (mm): left of 0 it helped")
    axis.margins(x=0.12)
    axis.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def pose_costs(costs: Mapping[str, float], others: Floats) -> Figure:
    """A figure: what a mixture says of some poses, over what it says of many people's.

    Args:
        costs: negative log likelihood by name. others: (N,) of the people.
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(8.2, 2.6), layout="constrained")
    names = list(costs)
    for y, name in enumerate(names):
        axis.barh(y, costs[name], color=VERMILION if "backwards" in name else BLUE)
        axis.text(costs[name], y, f" {costs[name]:.0f}", va="center", fontsize=9)
    low, middle, high = np.percentile(others, (5, 50, 95))
    axis.axvspan(low, high, color="0.9", zorder=0)
    axis.axvline(middle, color="black", linestyle="--", linewidth=1)
    axis.text(middle, 1.01, f"half of {len(others)} people are left of here", ha="center",
              va="bottom", fontsize=8, transform=axis.get_xaxis_transform())  # fmt: skip
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set(xlabel="negative log likelihood of the pose; grey: 5 to 95 % of the people")
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def beside_truth(truth: BodyOutput, found: Mapping[str, BodyOutput], body: Body) -> Figure:
    """A figure: skeletons over the true body in grey, turned, with the mean length of their errors."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(found), figsize=(2.5 * len(found), 3.1), squeeze=False)
    for axis, (name, guess) in zip(axes[0], found.items(), strict=True):
        error_lines(axis, truth, guess, body, VERMILION, TURN)
        far = 1000 * (guess.joints14 - truth.joints14)[0].norm(dim=-1).mean()
        axis.set_title(f"{name}: {far:.0f} mm", fontsize=10)
        axis.axis("off")
    figure.tight_layout(pad=0.3)
    return figure
