"""Pictures of a memory: a GRU over the frames, what its gate lets through, how late it comes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rsclib.viz.diagrams import _arrow, _box
from rsclib.viz.meshes import BLUE, VERMILION
from rsclib.viz.stick_film import BLACK, COLOURS, GREEN

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.floating[Any]]
INKS = (VERMILION, BLUE, GREEN, BLACK)
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), "-.")  # for readers without colours


def unrolled(frames: int = 4) -> Figure:
    """A figure: the module over some frames, from pictures below to bodies above."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(9.2, 4.3), layout="constrained")
    axis.set(xlim=(-1.6, 2.6 * frames - 0.5), ylim=(-0.4, 6.4))
    axis.axis("off")
    rows = (
        (0.1, "picture {}", BLACK), (1.5, "image network", BLUE), (3.1, "GRU", VERMILION),
        (4.6, "regressor", VERMILION), (6.0, "body {}", BLACK),
    )  # fmt: skip
    for t in range(frames):
        x = 2.6 * t
        for y, words, edge in rows:
            _box(axis, (x, y), words.format(t + 1), edge)
        for low, high in ((0.5, 1.1), (1.95, 2.7), (3.5, 4.2), (5.0, 5.6)):
            _arrow(axis, (x, low), (x, high))
        axis.text(x + 0.12, 2.2, rf"$\phi_{t + 1}$", fontsize=12)
        if t + 1 < frames:
            _arrow(axis, (x + 0.6, 3.1), (x + 2.0, 3.1), VERMILION)
            axis.text(x + 1.3, 3.3, f"$h_{t + 1}$", fontsize=12, ha="center", color=VERMILION)
    axis.text(-1.5, 1.5, "frozen", fontsize=10, color=BLUE)
    for y in (3.1, 4.6):
        axis.text(-1.5, y, "learns", fontsize=10, color=VERMILION)
    return figure


def step_response(seen: Floats, curves: Mapping[str, Floats], cut: int) -> Figure:
    """A figure: a noisy signal that steps at frame ``cut``, and what memories make of it, by name."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(9.2, 2.9), layout="constrained")
    axis.plot(seen, "o", color="0.6", markersize=4, label="seen")
    for (name, values), ink, dash in zip(curves.items(), INKS, DASHES, strict=False):
        axis.plot(values, color=ink, linestyle=dash, linewidth=2, label=name)
    axis.axvline(cut, color="black", linestyle=":", linewidth=1)
    axis.set(xlabel="frame", ylabel="value")
    axis.legend(frameon=False, ncols=4, fontsize=9, loc="upper left")
    return figure


def lag_plot(memory: Sequence[float], lag: Sequence[float], acc: Sequence[float],
             mpjpe: Sequence[float], truth: float) -> Figure:  # fmt: skip
    """A figure: left, ACC over how late the film is, a point a memory; right, MPJPE over the memory.

    Args:
        memory: z. lag: frames. acc: mm/frame². mpjpe: mm. truth: its own ACC.
    """
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.1), layout="constrained")
    left.plot(lag, acc, "o-", color=BLUE)
    for z, x, y in zip(memory, lag, acc, strict=True):
        left.annotate(f"z = {z:g}", (x, y), (6, 4), textcoords="offset points", fontsize=8)
    left.axhline(truth, color="black", linestyle="--", linewidth=1, label="the truth's own")
    left.set(xlabel="late by (frames)", ylabel="ACC (mm/frame²)", ylim=(0, 1.15 * max(acc)))
    left.margins(x=0.2)
    left.legend(frameon=False, fontsize=9)
    right.plot(memory, mpjpe, "s-", color=VERMILION)
    right.set(xlabel="memory z", ylabel="MPJPE (mm)", ylim=(0, 1.15 * max(mpjpe)))
    return figure


def learning(
    curves: Mapping[str, Sequence[tuple[float, float, float]]], truth: float, steps: int
) -> Figure:
    """A figure: error and trembling over the steps of trainings, by name.

    Args:
        curves: of each, (step, error, trembling), both in degrees. truth: its own second difference.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9.2, 3.0), layout="constrained")
    titles = ("error (degrees)", "second difference (degrees/frame²)")
    for k, (axis, title) in enumerate(zip(axes, titles, strict=True), 1):
        for (name, points), ink, mark in zip(curves.items(), INKS, "so^", strict=False):
            at = np.array(points)
            axis.plot(at[:, 0], at[:, k], f"{mark}-", color=ink, label=name, markersize=4)
        axis.set(xlabel="step", title=title, xlim=(-5, steps + 5))
        axis.set_ylim(0, 1.1 * max(axis.dataLim.ymax, truth))
    axes[1].axhline(truth, color="black", linestyle="--", linewidth=1, label="the truth's own")
    axes[1].legend(frameon=False, fontsize=9)
    return figure


def after_cut(curves: Mapping[str, Floats]) -> Figure:
    """A figure: MPJPE over the frames after a cut between two videos, by name."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(9.2, 2.8), layout="constrained")
    for (name, values), ink, mark in zip(curves.items(), (VERMILION, BLUE), "os", strict=False):
        axis.plot(values, f"{mark}-", color=ink, label=name)
    axis.set(xlabel="frames after the cut", ylabel="MPJPE (mm)", ylim=(0, None))
    axis.legend(frameon=False)
    return figure


def heights(films: Mapping[str, Floats], joint: int, label: str) -> Figure:
    """A figure: the height of one joint over the frames; films (T, 14, 3), metres, by name."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(9.2, 2.8), layout="constrained")
    dashes = itertools.cycle(DASHES)
    for name, joints in films.items():
        width, dash = (3.5, "-") if name == "truth" else (1.8, next(dashes))
        axis.plot(-1000 * joints[:, joint, 1], color=COLOURS.get(name, BLACK), linewidth=width,
                  linestyle=dash, label=name)  # fmt: skip
    axis.set(xlabel="frame", ylabel="mm", title=f"{label}: height over the hips")
    axis.legend(frameon=False, fontsize=9, ncols=4)
    return figure
