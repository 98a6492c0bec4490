"""Drawings of ideas: a block of the network with its alpha, and where the terms of the loss pull."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from rsclib.resolution import EDU
from rsclib.scores import Scores
from rsclib.viz.meshes import BLUE, VERMILION

BOX = {"boxstyle": "round,pad=0.38", "facecolor": "white", "linewidth": 1.6}
Place = tuple[float, float]


def _box(axis: Any, at: Place, text: str, edge: Any = "black") -> None:
    axis.text(*at, text, ha="center", va="center", fontsize=11, bbox={**BOX, "edgecolor": edge})


def _arrow(axis: Any, start: Place, end: Place, colour: Any = "black", line: str = "-") -> None:
    look = {"arrowstyle": "->", "linewidth": 1.5, "color": colour, "linestyle": line}
    axis.annotate("", end, start, arrowprops=look)


def block_diagram(alpha: Tensor, row: int = 4, block: int = 3) -> Any:
    """A figure: alpha (P, n_blocks) with one entry framed, and the block that it weighs (Eq. 7, with
    the ReLU that follows); marked are the three places that may keep something for each range."""
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    figure, (left, axis) = plt.subplots(1, 2, figsize=(9.6, 3.3), width_ratios=(1, 2.6))
    left.imshow(alpha.detach(), cmap="cividis", aspect="auto")
    left.set(xlabel="block k", xticks=range(alpha.shape[1]), title=r"$\alpha$: a row per range i")
    sizes = EDU.eval_sizes if len(alpha) == EDU.count else range(len(alpha))
    left.set_yticks(range(len(alpha)), [f"{i}: {size} px" for i, size in enumerate(sizes)])
    corner = (block - 0.5, row - 0.5)
    left.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=VERMILION, linewidth=3))
    axis.set(xlim=(0, 11.2), ylim=(0, 4.2))
    axis.axis("off")
    _box(axis, (0.3, 1.8), "$z_{k-1}$", "none")
    inside = "$h_k$: three convolutions,\neach normalised by\nmean and variance"
    _box(axis, (3.6, 1.8), inside)
    _box(axis, (6.75, 1.8), r"$\times$", VERMILION)
    _box(axis, (8.1, 1.8), "+")
    _box(axis, (9.35, 1.8), "ReLU")
    _box(axis, (10.9, 1.8), "$z_k$", "none")
    for start, end in ((0.65, 1.65), (5.5, 6.35), (7.1, 7.75), (8.45, 8.8), (9.95, 10.55)):
        _arrow(axis, (start, 1.8), (end, 1.8))
    axis.plot([0.95, 0.95, 8.1], [1.8, 3.45, 3.45], color="black", linewidth=1.5)
    _arrow(axis, (8.1, 3.47), (8.1, 2.2))
    axis.text(4.5, 3.6, "shortcut (a convolution where the map shrinks)", ha="center", fontsize=9)
    _arrow(axis, (6.75, 0.75), (6.75, 1.42), VERMILION)
    axis.text(6.75, 0.42, r"1  $\alpha_{i,k}$, one number", ha="center", color=VERMILION)
    axis.text(3.6, 0.52, "2  statistics of range i", ha="center", color=BLUE)
    axis.text(3.6, 0.05, "3  weights, shared by all ranges", ha="center")
    figure.tight_layout()
    return figure


def loss_diagram() -> Any:
    """A figure: how a prediction is made, and where the three terms of Eq. 8 take hold."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(9.4, 3.2))
    axis.set(xlim=(0, 12), ylim=(0.1, 4.5))
    axis.axis("off")
    _box(axis, (0.7, 2.4), "image\n$x_i$")
    _box(axis, (2.7, 2.4), "network")
    _box(axis, (4.9, 3.2), r"$\hat\beta_i, \hat\theta_i$", VERMILION)
    _box(axis, (4.9, 1.2), r"camera: $\hat\delta_i$")
    _box(axis, (7.3, 3.2), r"body: $\hat X_i$", VERMILION)
    _box(axis, (9.7, 1.9), r"picture: $\hat J_i$", BLUE)
    for start, end in (
        ((1.2, 2.4), (1.9, 2.4)), ((3.5, 2.6), (4.2, 3.1)), ((3.5, 2.2), (4.1, 1.45)),
        ((5.65, 3.2), (6.4, 3.2)), ((8.2, 3.05), (9.1, 2.35)), ((5.8, 1.25), (8.6, 1.8)),
    ):  # fmt: skip
        _arrow(axis, start, end)
    for at, text, start, end, colour in (
        ((4.9, 4.25), r"$\beta_g, \theta_g$: 3D labels", (4.9, 4.05), (4.9, 3.6), VERMILION),
        ((7.6, 4.25), "$X_g$: 3D labels", (7.5, 4.05), (7.4, 3.6), VERMILION),
        ((10.8, 3.5), "$J_g$: clicks,\nfor every image", (10.6, 3.1), (10.1, 2.35), BLUE),
    ):
        axis.text(*at, text, ha="center", va="center", color=colour, fontsize=10)
        _arrow(axis, start, end, colour, "--")
    words = "dashed: a term of Eq. 8 pulls here; the pull travels back along the solid arrows"
    axis.text(6, 0.3, words, ha="center", fontsize=9)
    return figure


def differences_plot(
    scores: Scores, methods: Sequence[str], baseline: str, sizes: Sequence[int],
    marks: Mapping[str, tuple[str, Any]],
) -> Any:  # fmt: skip
    """A figure: a panel a size, a line a method, its paired difference (mm) to the baseline with its
    95 % interval.

    Args:
        marks: marker and colour of some of the methods.
    """
    import matplotlib.pyplot as plt

    clear = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # over the line at 0
    figure, axes = plt.subplots(1, len(sizes), figsize=(4.6 * len(sizes), 3.3), sharey=True)
    for axis, size in zip(np.ravel(axes), sizes, strict=True):
        for y, name in enumerate(reversed(methods)):
            mean, low, high = scores.difference(name, baseline, size)
            mark, colour = marks.get(name, ("^", "#555555"))
            axis.plot([low, high], [y, y], color=colour, linewidth=2)
            axis.plot(mean, y, mark, color=colour, markersize=8)
            text = f"{mean:+.1f}".replace("-", "\N{MINUS SIGN}")
            axis.annotate(text, (mean, y), (0, 7), textcoords="offset points", ha="center", fontsize=8, bbox=clear)  # fmt: skip
        axis.axvline(0, color="black", linewidth=1, zorder=0)
        axis.set(title=f"{size} px", xlabel=f"MPJPE minus {baseline}'s (mm), left: better")
        axis.margins(0.12, 0.14)
        axis.set_yticks(range(len(methods)), list(reversed(methods)))
    figure.tight_layout()
    return figure


def grouped_bars(
    axis: Any, groups: Sequence[str], bars: Mapping[str, tuple[Sequence[float], Any, str]]
) -> None:
    """Bars side by side, a group a tick.

    Args:
        bars: by name, a height for each group, the colour and the hatch (for readers without colours).
    """
    width = 0.8 / len(bars)
    for k, (name, (heights, colour, hatch)) in enumerate(bars.items()):
        at = np.arange(len(groups)) + width * (k - (len(bars) - 1) / 2)
        axis.bar(at, heights, width, color=colour, hatch=hatch, edgecolor="white", label=name)
    axis.set_xticks(range(len(groups)), list(groups))
    axis.legend(frameon=False)
