"""Films and curves of moving joints: who trembles, who stands still, and which number sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rsclib.viz.meshes import BLUE, GREY, VERMILION
from rsclib.viz.skeletons import bones, film_of_figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.floating[Any]]
GREEN = (0.0, 0.62, 0.451)  # Okabe and Ito's
# Colour and dash of the three films of lesson 19 and of what else is drawn with them.
STYLES: dict[str, tuple[Any, str]] = {
    "truth": (GREY, "-"), "turned": (BLUE, "--"), "jittery": (VERMILION, "-"), "frozen": (GREEN, ":"),
    "RSC-Net": ("black", "-."),
}  # fmt: skip
SIDE = 180  # pixels of an input picture in a film


def style_of(name: str) -> tuple[Any, str]:
    """Colour and dash of a film by name; one without a style of its own is black and dash-dotted."""
    return STYLES.get(name, ("black", "-."))


def sticks(
    axis: Any, truth: Floats, guess: Floats | None = None, colour: Any = VERMILION, title: str = ""
) -> None:
    """One frame: the true skeleton in grey, a guessed one over it, as the camera sees them.

    Args:
        truth, guess: (14, 3) metres, camera axes, the middle of the hips at the origin.
    """
    bones(axis, truth, GREY, width=3.5)
    if guess is not None:
        bones(axis, guess, colour, width=1.8)
    axis.set(xlim=(-0.55, 0.55), ylim=(0.95, -0.8), aspect="equal", xticks=[], yticks=[])
    axis.set_title(title, fontsize=9)
    for spine in axis.spines.values():
        spine.set_visible(False)


def stick_film(
    truth: Floats,
    films: Mapping[str, Floats],
    alt: str,
    caption: str,
    pictures: NDArray[np.uint8] | None = None,
    milliseconds: int = 100,
) -> None:
    """Display films of skeletons side by side, each over the truth; before them what the camera saw.

    Args:
        truth: (T, 14, 3). films: the same by name. pictures: (T, S, S, 3) uint8.
        alt, caption: see :func:`rsclib.viz.html.figure_html`. milliseconds: that a frame stands.
    """
    import matplotlib.pyplot as plt

    def frame(t: int) -> Figure:
        columns = len(films) + (pictures is not None)
        figure, axes = plt.subplots(1, columns, figsize=(1.45 * columns, 2.25), squeeze=False)
        row = list(axes[0])
        if pictures is not None:
            seen = row.pop(0)
            seen.imshow(pictures[t], interpolation="nearest")
            seen.set_title("the camera's film", fontsize=9)
            seen.axis("off")
        for axis, (name, joints) in zip(row, films.items(), strict=True):
            sticks(axis, truth[t], joints[t], style_of(name)[0], name)
        figure.subplots_adjust(0.01, 0.01, 0.99, 0.9, 0.03)
        return figure

    film_of_figures((frame(t) for t in range(len(truth))), alt, caption, milliseconds)


def strip(truth: Floats, films: Mapping[str, Floats], frames: Sequence[int]) -> Figure:
    """A figure: a row a film, a column a frame; a film for paper.

    Args:
        truth: (T, 14, 3). films: the same by name.
    """
    import matplotlib.pyplot as plt

    shape = (len(films), len(frames))
    figure, axes = plt.subplots(*shape, figsize=(1.0 * shape[1], 1.6 * shape[0]), squeeze=False)
    for row, (name, joints) in zip(axes, films.items(), strict=True):
        for axis, t in zip(row, frames, strict=True):
            sticks(axis, truth[t], joints[t], style_of(name)[0], f"frame {t}" * (axis in axes[0]))
        row[0].set_ylabel(name, fontsize=9)
    figure.tight_layout(pad=0.2)
    return figure


def one_joint(films: Mapping[str, Floats], joint: int, label: str) -> Figure:
    """A figure: the height of one joint over the frames, and the second difference of that, mm.

    Args:
        films: (T, 14, 3) metres by name. label: of the joint.
    """
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 2.9), layout="constrained")
    for name, joints in films.items():
        colour, dash = style_of(name)
        height = -1000 * joints[:, joint, 1]  # y points down
        left.plot(height, dash, color=colour, label=name, linewidth=2)
        right.plot(np.arange(1, len(height) - 1), np.diff(height, 2), dash, color=colour)
    left.set(title=f"{label}: height over the hips", xlabel="frame", ylabel="mm")
    right.set(title="its second difference", xlabel="frame", ylabel="mm/frame²")
    left.legend(frameon=False, fontsize=8)
    return figure


def metric_panels(table: Any, best: str = "lowest is marked") -> Figure:
    """A figure: a panel a metric, a bar a film, the lowest with a star.

    Args:
        table: a data frame, a line a film and a column a metric.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, table.shape[1], figsize=(9.4, 2.4), sharey=True)
    for axis, (metric, values) in zip(axes, table.items(), strict=True):
        for y, (name, value) in enumerate(values.items()):
            axis.barh(y, value, color=style_of(name)[0])
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

    figure, axes = plt.subplots(1, 2, figsize=(9.2, 3.0), layout="constrained")
    squares = np.asarray(rates, dtype=np.float64) ** 2
    for (name, values), marker in zip(curves.items(), "os^D", strict=False):
        colour = (BLUE, VERMILION, GREEN, "black")["os^D".index(marker)]
        axes[0].plot(rates, values, marker=marker, color=colour, label=name)
        axes[1].plot(rates, np.asarray(values) * squares / 1000, marker=marker, color=colour)
    for axis, unit in zip(axes, ("mm/frame²", "m/s²"), strict=True):
        axis.set(xscale="log", yscale="log", xlabel="frames per second", title=f"ACC in {unit}")
        axis.set_xticks(rates, [f"{rate:g}" for rate in rates])
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
    panels: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float]]]],
    lines: Mapping[str, Mapping[str, float]],
    xlabel: str,
) -> Figure:
    """A figure: a panel a metric, a curve a filter over its width.

    Args:
        panels: by metric, by filter: the widths and the values. lines: by metric, horizontal lines by
            name.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(panels), figsize=(9.2, 3.0), layout="constrained")
    dashes = ("--", ":", "-.")
    for axis, (metric, curves) in zip(axes, panels.items(), strict=True):
        for (name, (widths, values)), marker, colour in zip(
            curves.items(), "os^", (BLUE, VERMILION, GREEN), strict=False
        ):
            axis.plot(widths, values, marker=marker, color=colour, label=name, markersize=5)
        for (name, value), dash in zip(lines[metric].items(), dashes, strict=False):
            axis.axhline(value, color="black", linestyle=dash, linewidth=1, label=name)
        axis.set(xlabel=xlabel, title=metric, ylim=(0, None))
        axis.legend(frameon=False, fontsize=8)
    return figure
