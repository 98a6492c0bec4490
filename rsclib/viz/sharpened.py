"""Pictures of super-resolution: what a small picture does not hold, what a network puts there, and
what that does to a guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rsclib.statistics import Interval
from rsclib.viz.chance import signed
from rsclib.viz.diagrams import _arrow, _box
from rsclib.viz.meshes import BLUE, VERMILION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.floating[Any]]
Pixels = NDArray[np.uint8]
CURVES = (("s", VERMILION, "-"), ("o", BLUE, "--"), ("D", "black", ":"))
MOST = 60.0  # a difference of so many grey levels, and more, is the brightest


def grid(rows: Sequence[Mapping[str, Pixels | Floats]], size: float = 1.8) -> Figure:
    """A figure, a row a mapping: pictures by title, pixel by pixel.

    Args:
        rows: pictures (S, S, 3) uint8; a map (S, S) of differences, in grey levels of 255, is drawn
            in colours of its own, the same for all. A title may stand in a row above the next.
        size: of a picture, inches.
    """
    import matplotlib.pyplot as plt

    wide = max(len(row) for row in rows)
    figure, axes = plt.subplots(
        len(rows), wide, figsize=(size * wide, (size + 0.25) * len(rows)), squeeze=False
    )
    for line, row in zip(axes, rows, strict=True):
        for axis in line:
            axis.axis("off")
        for axis, (title, picture) in zip(line, row.items(), strict=False):
            if picture.ndim == 2:
                axis.imshow(picture, cmap="cividis", vmin=0, vmax=MOST)
            else:
                axis.imshow(picture, interpolation="nearest")
            axis.set_title(title, fontsize=9)
    figure.tight_layout(pad=0.3)
    return figure


def block_picture(layers: int) -> Figure:
    """A figure: a residual dense block, whose every convolution sees all that was found before it.

    Args:
        layers: C, how many convolutions.
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(9.2, 2.5))
    axis.set(xlim=(-0.3, 2 * layers + 4.6), ylim=(-1.2, 2.3))
    axis.axis("off")
    places = [0.0, *(2.0 * (c + 1) for c in range(layers)), 2.0 * layers + 2]
    _box(axis, (places[0], 0), "$z$", "none")
    for c in range(layers):
        _box(axis, (places[c + 1], 0), f"3×3\n$z_{c + 1}$", BLUE)
    _box(axis, (places[-1], 0), "1×1\nfuse", BLUE)
    _box(axis, (places[-1] + 1.4, 0), "+", VERMILION)
    for k in range(len(places)):
        for later in range(k + 1, len(places)):
            far = later - k
            look = {"arrowstyle": "->", "linewidth": 1.2, "color": "0.35", "shrinkA": 16,
                    "shrinkB": 16, "connectionstyle": f"arc3,rad={-0.0 if far == 1 else -0.32}"}  # fmt: skip
            axis.annotate("", (places[later], 0), (places[k], 0), arrowprops=look)
    _arrow(axis, (places[-1] + 0.5, 0), (places[-1] + 1.05, 0))
    _arrow(axis, (places[-1] + 1.75, 0), (places[-1] + 2.3, 0))
    axis.plot([0, 0, places[-1] + 1.4], [-0.35, -0.95, -0.95], color=VERMILION, linewidth=1.5)
    _arrow(axis, (places[-1] + 1.4, -0.96), (places[-1] + 1.4, -0.4), VERMILION)
    axis.text(places[-1] / 2, -0.85, "what came in is added: the block learns what is missing",
              ha="center", fontsize=9, color=VERMILION)  # fmt: skip
    figure.tight_layout(pad=0.2)
    return figure


def gain_curve(done: Sequence[int], gains: Mapping[str, Sequence[float]], steps: int) -> Figure:
    """A figure: what a training gains over bicubic, dB, over its steps; by size."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6.4, 2.8), layout="constrained")
    axis.axhline(0, color="black", linewidth=1, label="bicubic")
    for (name, values), (marker, colour, line) in zip(gains.items(), CURVES, strict=False):
        axis.plot(done, values, marker=marker, color=colour, linestyle=line, label=name)
    axis.set(xlabel="step", ylabel="PSNR over bicubic (dB)", xlim=(-0.02 * steps, 1.02 * steps))
    axis.legend(frameon=False, fontsize=9, loc="upper left")
    return figure


def changes(panels: Mapping[str, Mapping[str, Interval]], words: str) -> Figure:
    """A figure: paired changes with their 95 % intervals, a panel each with an axis of its own, a line
    a mapping's entry. ``words``: of the axis; below 0 is better."""
    import matplotlib.pyplot as plt

    tall = 1.1 + 0.42 * max(len(lines) for lines in panels.values())
    figure, axes = plt.subplots(
        1, len(panels), figsize=(4.7 * len(panels), tall), layout="constrained", squeeze=False
    )
    for axis, (title, lines) in zip(axes[0], panels.items(), strict=True):
        for y, (mean, low, high) in enumerate(lines.values()):
            colour, marker = (BLUE, "o") if mean < 0 else (VERMILION, "s")
            axis.plot((low, high), (y, y), color=colour, linewidth=2)
            axis.plot(mean, y, marker, color=colour, markersize=7)
            axis.annotate(signed(mean), (mean, y), (0, 7), textcoords="offset points",
                          ha="center", fontsize=8)  # fmt: skip
        axis.axvline(0, color="black", linewidth=1)
        axis.set_yticks(range(len(lines)), list(lines), fontsize=9)
        axis.set_ylim(len(lines) - 0.5, -0.7)
        axis.margins(x=0.15)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel(words)
        axis.spines[["top", "right"]].set_visible(False)
    return figure
