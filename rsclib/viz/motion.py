"""Curves and bars of moving joints: who trembles, who stands still, and which number sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rsclib.viz.meshes import BLUE, VERMILION
from rsclib.viz.stick_film import BLACK, COLOURS, GREEN

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.floating[Any]]


def one_joint(films: Mapping[str, Floats], joint: int, label: str) -> Figure:
    """A figure: the height of one joint over the frames, and the second difference of that, mm.

    Args:
        films: (T, 14, 3) metres by name. label: of the joint.
    """
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 2.9), layout="constrained")
    for name, joints in films.items():
        colour, width = COLOURS.get(name, BLACK), 3.5 if name == "truth" else 1.5
        height = -1000 * joints[:, joint, 1]  # y points down
        left.plot(height, color=colour, label=name, linewidth=width)
        right.plot(np.arange(1, len(height) - 1), np.diff(height, 2), color=colour, linewidth=width)
    left.set(title=f"{label}: height over the hips", xlabel="frame", ylabel="mm")
    right.set(title="its second difference", xlabel="frame", ylabel="mm/frame²")
    left.legend(frameon=False, fontsize=8)
    return figure


def metric_panels(table: Any) -> Figure:
    """A figure: a panel a metric, a bar a film, the lowest with a star.

    Args:
        table: a data frame, a line a film and a column a metric.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, table.shape[1], figsize=(9.4, 2.4), sharey=True)
    for axis, (metric, values) in zip(axes, table.items(), strict=True):
        for y, (name, value) in enumerate(values.items()):
            axis.barh(y, value, color=COLOURS.get(name, BLACK))
            star = " \N{BLACK STAR}" if value == values.min() else ""
            axis.text(value, y, f" {value:.1f}{star}", va="center", fontsize=9)
        axis.set_yticks(range(len(values)), list(values.index))
        axis.set_xlim(0, 1.45 * max(values.max(), 1e-9))
        axis.set_title(metric, fontsize=10)
        axis.set_xticks([])
        axis.spines[["top", "right", "bottom"]].set_visible(False)
    axes[0].invert_yaxis()
    figure.tight_layout(pad=0.4)
    return figure


def rate_plot(rates: Sequence[float], curves: Mapping[str, Sequence[float]]) -> Figure:
    """A figure: ACC over frames per second in both units, both axes logarithmic.

    Args:
        rates: frames per second. curves: ACC by name, mm/frame², one of each rate.
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator

    figure, axes = plt.subplots(1, 2, figsize=(9.2, 3.0), layout="constrained")
    squares = np.asarray(rates, dtype=np.float64) ** 2
    for (name, values), marker in zip(curves.items(), "os^D", strict=False):
        colour = (BLUE, VERMILION, GREEN, "black")["os^D".index(marker)]
        axes[0].plot(rates, values, marker=marker, color=colour, label=name)
        axes[1].plot(rates, np.asarray(values) * squares / 1000, marker=marker, color=colour)
    for axis, unit in zip(axes, ("mm/frame²", "m/s²"), strict=True):
        axis.set(xscale="log", yscale="log", xlabel="frames per second", title=f"ACC in {unit}")
        axis.set_xticks(rates, [f"{rate:g}" for rate in rates])
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.minorticks_off()
    axes[0].legend(frameon=False, fontsize=9)
    return figure


def joined_plot(values: Floats, jump: NDArray[np.bool_], names: Sequence[str]) -> Figure:
    """A figure: ACC of every three frames of joined videos; those that reach over a boundary stand out.

    Args:
        values: (M,) mm/frame². jump: (M,) which ones reach over a boundary. names: (M,) the video.
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(9.2, 2.7), layout="constrained")
    at = np.arange(len(values))
    axis.plot(at, np.where(jump, np.nan, values), color=BLUE, linewidth=1, label="within a video")
    axis.vlines(at[jump], 0, values[jump], color=VERMILION, linewidth=1.5)
    axis.plot(at[jump], values[jump], "D", color=VERMILION, markersize=4, label="over a boundary")
    axis.axhline(values[~jump].mean(), color="black", linewidth=0.8, linestyle="--",
                 label=f"mean without {values[~jump].mean():.1f}, with {values.mean():.1f}")  # fmt: skip
    axis.set(xlabel=f"frames of {len(set(names))} videos, joined", ylabel="mm/frame²")
    axis.legend(frameon=False, fontsize=8, ncols=3, loc="upper left")
    axis.margins(x=0.01)
    axis.set_ylim(0, 1.3 * values.max())
    return figure


def filter_plot(
    window: Sequence[int],
    filters: Mapping[str, Sequence[Mapping[str, float]]],
    points: Mapping[str, Mapping[str, float]],
) -> Figure:
    """A figure: left, ACC-ERR of the first filter over its window; right, MPJPE over ACC-ERR, a curve a
    filter from its weakest setting to its strongest.

    Args:
        window: frames, of the first filter. filters: by name, of each setting its metrics. points:
            films without a filter, the same.
    """
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.2), layout="constrained")
    first = next(iter(filters))
    left.plot(window, [m["ACC-ERR"] for m in filters[first]], "o-", color=BLUE, label=first)
    for (name, metrics), dash, mark in zip(points.items(), ("--", ":"), "X*", strict=False):
        colour = COLOURS.get(name, BLACK)
        left.axhline(metrics["ACC-ERR"], color=colour, linestyle=dash, label=name)
        at = metrics["ACC-ERR"], metrics["MPJPE"]
        right.plot(*at, mark, color=colour, markersize=11, label=name, zorder=3)
    for (name, curve), mark, colour in zip(filters.items(), "os", (BLUE, VERMILION), strict=False):
        right.plot([m["ACC-ERR"] for m in curve], [m["MPJPE"] for m in curve], f"{mark}-",
                   color=colour, markersize=5, label=name)  # fmt: skip
    left.set(xlabel="window (frames)", ylabel="ACC-ERR (mm/frame²)", ylim=(0, None))
    right.set(xlabel="ACC-ERR (mm/frame²)", ylabel="MPJPE (mm)", xlim=(0, None))
    right.set_ylim(0, 1.15 * right.dataLim.ymax)
    left.legend(frameon=False, fontsize=8, loc="center right")
    right.legend(frameon=False, fontsize=8, loc="lower right")
    return figure
