"""Pictures of likeness: rows with what a measure says of each, curves over a shift, ballots, ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from rsclib.viz.meshes import BLUE, VERMILION
from rsclib.viz.painting import as_bytes

_STYLES = (("black", "o", "-"), (BLUE, "s", "--"), (VERMILION, "^", "-."), ("0.5", "D", ":"))


def in_a_row(pictures: Mapping[str, Tensor], notes: Mapping[str, str] | None = None) -> Any:
    """A figure: pictures (3, H, W) in [0, 1], their names above and a note below each."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, len(pictures), figsize=(1.45 * len(pictures), 3.3), squeeze=False
    )
    for axis, (name, picture) in zip(axes[0], pictures.items(), strict=True):
        axis.imshow(as_bytes(picture))
        axis.set_title(name, fontsize=9)
        axis.set_xlabel((notes or {}).get(name, ""), fontsize=8)
        axis.set(xticks=[], yticks=[])
    figure.tight_layout(pad=0.4)
    return figure


def over_shift(
    shifts: Sequence[float], lines: Mapping[str, Sequence[float]], what: str,
    marks: Mapping[str, float] | None = None,
) -> Any:  # fmt: skip
    """A figure: a line a measure over the shift in pixels.

    Args:
        what: is measured, for the axis. marks: levels to compare with, by name.
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6.2, 3.1))
    for (name, values), (colour, marker, style) in zip(lines.items(), _STYLES, strict=False):
        axis.plot(shifts, values, style, marker=marker, color=colour, label=name, ms=5)
    for name, level in (marks or {}).items():
        axis.axhline(level, color="0.4", lw=1, ls=(0, (1, 2)))
        axis.annotate(name, (0.4 * shifts[-1], level), (0, 3), textcoords="offset points", ha="center", fontsize=8)  # fmt: skip
    axis.set(xlabel="shift, pixels of 64", ylabel=what)
    low, high = axis.get_ylim()
    axis.set_ylim(min(0, low), high + 0.3 * (high - low))  # room for the legend
    axis.legend(fontsize=9, frameon=False, loc="upper left", ncols=2)
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout(pad=0.4)
    return figure


def where_it_pulls(photo: Tensor, maps: Mapping[str, Tensor]) -> Any:
    """A figure: a picture (3, H, W), and beside it gradients (3, H, W) by name, as lengths a pixel, each
    on its own scale: brighter is longer."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 1 + len(maps), figsize=(1.9 * (1 + len(maps)), 3.3))
    axes[0].imshow(as_bytes(photo))
    axes[0].set_title("what is drawn", fontsize=9)
    for axis, (name, gradient) in zip(axes[1:], maps.items(), strict=True):
        length = gradient.norm(dim=0).numpy()
        axis.imshow(length, cmap="cividis", vmin=0, vmax=float(np.quantile(length, 0.995)))
        axis.set_title(name, fontsize=9)
    for axis in axes:
        axis.set(xticks=[], yticks=[])
    figure.tight_layout(pad=0.4)
    return figure


def ranks(rows: pd.DataFrame, panels: Mapping[str, str]) -> Any:
    """A figure: rank-1 in per cent with its interval, a panel a protocol and a line a method.

    Args:
        rows: of :mod:`benchmarks.reid`, of one height. panels: titles by metric.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(panels), figsize=(8.2, 2.0), sharex=True, sharey=True)
    for axis, (metric, title) in zip(np.atleast_1d(axes), panels.items(), strict=True):
        some = rows[rows.metric == metric].iloc[::-1].reset_index(drop=True)
        for y, row in some.iterrows():
            if not np.isnan(row.low):
                axis.plot((row.low, row.high), (y, y), color=BLUE, lw=2)
            axis.plot(row.value, y, "o" if row.method == "reid" else "s", color="black", ms=6)
        axis.set(
            yticks=range(len(some)),
            yticklabels=some.method,
            xlim=(0, 100),
            xlabel="rank-1, %",
            ylim=(-0.5, len(some) - 0.5),
        )
        axis.set_title(title, fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout(pad=0.4, w_pad=2.5)
    return figure


def ballot(references: Tensor, a: Tensor, b: Tensor, a_row: int = 4) -> Any:
    """A figure of N questions: A, the reference (R) in the middle, B; pictures (N, 3, H, W)."""
    import matplotlib.pyplot as plt

    count = len(references)
    lines = -(-count // a_row)
    widths = [1, 1, 1, 0.25] * a_row
    figure, axes = plt.subplots(
        lines, len(widths), figsize=(9.2, 1.55 * lines + 0.3), gridspec_kw={"width_ratios": widths}
    )
    for axis in axes.flat:
        axis.axis("off")
    for k in range(count):
        place = axes[k // a_row, 4 * (k % a_row) :]
        triple = (("A", a), (f"{k + 1}: R", references), ("B", b))
        for axis, (name, pictures) in zip(place, triple, strict=False):
            axis.imshow(as_bytes(pictures[k]))
            axis.set_title(name, fontsize=9, pad=2)
    figure.subplots_adjust(left=0, right=1, bottom=0, top=0.96, wspace=0.04, hspace=0.16)
    return figure


def against(table: pd.DataFrame, x: str, y: str) -> Any:
    """A figure: one measure against another, a named dot a line of the table."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6.4, 3.6))
    axis.plot(table[x], table[y], "o", color=BLUE, ms=6)
    spread = table[[x, y]].max() - table[[x, y]].min()
    for name, at in table[[x, y]].iterrows():
        apart = (table[[x, y]] - at) / spread
        crowded = ((apart[x].abs() < 0.15) & (apart[y] > 0) & (apart[y] < 0.08)).any()
        aside = (5, -11) if crowded else (5, 3)  # whoever has a neighbour above is named below
        axis.annotate(str(name), tuple(at), aside, textcoords="offset points", fontsize=8)
    axis.set(xlabel=x, ylabel=y)
    axis.margins(0.14)
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout(pad=0.4)
    return figure
