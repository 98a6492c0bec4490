"""Pictures of HMR's 25 critics: what each says of a body, of a bend, and of kinds of bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rsclib.skeleton import SMPL_NAMES
from rsclib.viz.meshes import BLUE, VERMILION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.floating[Any]]
NAMES = (*(name.replace("_", " ") for name in SMPL_NAMES[1:]), "whole pose", "shape")
MARKS = (("o", BLUE), ("s", VERMILION), ("D", "black"), ("^", "#009E73"))


def critic_lines(scores: Mapping[str, Floats], limit: float) -> Figure:
    """A figure: a column a critic, a mark a body.

    Args:
        scores: by body, (25,) in the order of :data:`NAMES`. limit: a line, below which a joint is
            called made up.
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(9.4, 3.0), layout="constrained")
    for (name, values), (mark, colour) in zip(scores.items(), MARKS, strict=False):
        axis.plot(range(len(NAMES)), values, mark, color=colour, label=name, markersize=6,
                  fillstyle="none" if mark == "o" else "full")  # fmt: skip
    for place in (0, limit, 1):
        axis.axhline(place, color="0.75", linewidth=1, linestyle="--" if place == limit else "-")
    axis.set_xticks(range(len(NAMES)), NAMES, rotation=60, ha="right", fontsize=8)
    axis.set(ylabel="score", xlim=(-0.6, len(NAMES) - 0.4))
    axis.grid(axis="x", color="0.94")
    axis.set_axisbelow(True)
    axis.legend(frameon=False, fontsize=9, ncols=len(scores), loc="lower left",
                bbox_to_anchor=(0, 1))  # fmt: skip
    return figure


def bend_scores(
    degrees: Floats,
    scores: Mapping[str, Floats],
    seen: tuple[float, float],
    at: float | None = None,
) -> Figure:
    """A figure: scores over the bend of a knee, degrees; grey where real knees are.

    Args:
        scores: by critic, as many as degrees. seen: the bends that bound 98 % of real knees.
        at: a bend to mark.
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7.6, 2.9), layout="constrained")
    axis.axvspan(*seen, color="0.9", zorder=0, label="98 % of real knees")
    for (name, values), (mark, colour) in zip(scores.items(), MARKS, strict=False):
        axis.plot(degrees, values, f"{mark}-", color=colour, label=name, markersize=4)
    if at is not None:
        axis.axvline(at, color="black", linewidth=1, linestyle=":")
    axis.set(xlabel="bend of the left knee (degrees); below 0 the shin swings forward",
             ylabel="score", ylim=(-0.2, 1.25))  # fmt: skip
    axis.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def kinds_plot(kinds: Mapping[str, Mapping[str, float]]) -> Figure:
    """A figure: a row a kind of body, a mark a group of critics."""
    import matplotlib.pyplot as plt

    groups = list(next(iter(kinds.values())))
    figure, axis = plt.subplots(figsize=(8.6, 0.4 * len(kinds) + 1.0), layout="constrained")
    for place in (0, 1):
        axis.axvline(place, color="0.75", linewidth=1)
    for group, (mark, colour) in zip(groups, MARKS, strict=False):
        axis.plot([values[group] for values in kinds.values()], range(len(kinds)), mark,
                  color=colour, label=group, markersize=7)  # fmt: skip
    axis.set_yticks(range(len(kinds)), list(kinds))
    axis.invert_yaxis()
    axis.set(xlabel="score: real bodies should get more")
    axis.grid(axis="y", color="0.92")
    axis.legend(frameon=False, fontsize=9, ncols=len(groups), loc="lower left",
                bbox_to_anchor=(0, 1))  # fmt: skip
    return figure


def learning(curve: Sequence[Sequence[float]], steps: int) -> Figure:
    """A figure: scores of test bodies while the critics learn, joint critics left, pose critic right.

    Args:
        curve: (step, joints of real, joints of made-up, pose of real, pose of made-up bodies).
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(8.8, 2.5), layout="constrained", sharey=True)
    points = np.array([[float(v) for v in line] for line in curve])
    for axis, title, columns in zip(
        axes, ("23 joint critics", "pose critic"), ((1, 2), (3, 4)), strict=True
    ):
        for column, words, (mark, colour) in zip(
            columns, ("real", "knocked about"), MARKS, strict=False
        ):
            axis.plot(
                points[:, 0], points[:, column], f"{mark}-", color=colour, label=words, markersize=4
            )
        for place in (0, 1):
            axis.axhline(place, color="0.75", linewidth=1)
        axis.set(title=title, xlabel="step", xlim=(0, steps), ylim=(-0.15, 1.25))
    axes[0].set_ylabel("mean score")
    axes[0].legend(frameon=False, fontsize=9)
    return figure
