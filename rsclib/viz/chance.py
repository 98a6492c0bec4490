"""Plots of chance: two rows that part, a gain by seed and recording, resampled means, widths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rsclib.viz.meshes import BLUE, VERMILION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.floating[Any]]


def signed(value: float) -> str:
    """A number of millimetres with its sign and one digit, the minus as printers set it."""
    return f"{value:+.1f}".replace("-", "\N{MINUS SIGN}")


def parting(apart: Sequence[float], moved: Floats, reach: Sequence[float], steps: int) -> Figure:
    """Two trainings that part: the difference of their losses, and the entries of alpha (Eq. 6).

    Args:
        apart: (T,) loss of Ba minus loss of RA. moved: (T + 1, entries) alpha minus its start.
        reach: (T + 1,) sum of the learning rates so far. steps: of the whole training.
    """
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.9))
    left.axhline(0, color="black", linewidth=0.7)
    left.plot(range(len(apart)), apart, "o-", color="black", markersize=4)
    left.set(title="loss of Ba minus loss of RA", xlabel="step")
    grid, wedge = np.arange(len(reach)), np.asarray(reach)
    right.fill_between(grid, -wedge, wedge, color="0.85", label="Adam's reach, about")
    right.plot(grid, moved, color=VERMILION, linewidth=0.7, alpha=0.7)
    right.set(title="entries of RA's $\\alpha$, from the start", xlabel="step")
    right.legend(frameon=False, fontsize=8, loc="upper left")
    for axis in (left, right):
        axis.set_xlim(-0.5, steps + 0.5)
        axis.ticklabel_format(axis="y", scilimits=(-2, 2))
    figure.tight_layout(pad=0.4)
    return figure


def by_seed(table: Floats, names: Sequence[str], means: Sequence[float], title: str) -> Figure:
    """A matrix of gains (S, K), mm, a line a seed and a column a recording, the columns sorted.

    Args:
        names: of the K recordings. means: of the S seeds, over all images.
    """
    import matplotlib.pyplot as plt

    order, limit = np.argsort(table.mean(0)), 1.6 * float(np.abs(table).max())
    figure, axis = plt.subplots(figsize=(9.2, 2.3))
    axis.imshow(table[:, order], cmap="PuOr", vmin=-limit, vmax=limit, aspect="auto")
    for (s, k), value in np.ndenumerate(table[:, order]):
        axis.text(k, s, signed(float(value)), ha="center", va="center", fontsize=9)
    axis.set_yticks(range(len(table)), [f"seed {s}: {signed(m)}" for s, m in enumerate(means)])
    axis.set_xticks(range(len(names)), [names[k] for k in order], fontsize=7.5)
    axis.tick_params(length=0)
    axis.set_title(title)
    figure.tight_layout(pad=0.4)
    return figure


def clouds(means: Mapping[str, Floats], gain: float) -> Figure:
    """Histograms of resampled means, mm, each with its 95 % interval. ``gain``: of the real test."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(means), figsize=(9.2, 2.5), sharex=True)
    for axis, (name, values) in zip(axes, means.items(), strict=True):
        low, high = np.percentile(values, [2.5, 97.5])
        axis.hist(values, bins=40, color="0.7")
        axis.axvline(0, color="black", linewidth=1)
        axis.plot((low, high), (0, 0), color=VERMILION, linewidth=5, solid_capstyle="butt")
        axis.plot(gain, 0, "s", color="black", clip_on=False)
        axis.set_title(f"{name}:\n{signed(low)} to {signed(high)}", fontsize=10)
        axis.set(xlabel="gain (mm)", yticks=[])
    figure.tight_layout(pad=0.4)
    return figure


def half_widths(
    counts: Sequence[int], widths: Mapping[str, Sequence[float]], gain: float, ours: int
) -> Figure:
    """Half-widths of intervals, mm, over the number of recordings in a test.

    Args:
        widths: by what is drawn, of each of ``counts``. ours: recordings in the real test.
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator

    figure, axis = plt.subplots(figsize=(7.2, 3.2))
    for (name, values), marker, colour in zip(
        widths.items(), "os", (BLUE, VERMILION), strict=False
    ):
        axis.plot(counts, values, marker=marker, color=colour, label=name)
    axis.axhline(abs(gain), color="black", linestyle="--", linewidth=1, label="the gain itself")
    axis.axvline(ours, color="0.6", linewidth=1, label=f"our {ours} recordings")
    axis.set(xscale="log", yscale="log", xlabel="recordings in the test", ylabel="half-width (mm)")
    axis.set_xticks(counts, [str(count) for count in counts])
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()
    axis.legend(frameon=False, fontsize=8)
    return figure
