"""Pictures of two crowds of features and of a critic that compares them: who stands where, what the
best critic would say, and how a training goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rsclib.viz.meshes import BLUE, VERMILION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.floating[Any]]
Panel = tuple[Floats, Floats, NDArray[np.integer[Any]]]
GROUPS = ((BLUE, "o"), (VERMILION, "^"))
LINES = (("-", "o", BLUE), ("--", "s", VERMILION), (":", "D", "black"))


def crowds(panels: Mapping[str, Panel], lines: int = 14) -> Figure:
    """A figure: in each panel sharp features (hollow) and made-up ones (filled), a mark a group.

    Args:
        panels: by title: real (N, 2), made up (N, 2), and the group of each person (N,), 0 or 1.
        lines: so many people get a line from the made-up feature to their own real one.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, len(panels), figsize=(9.4, 0.9 + 4.4 / len(panels)), layout="constrained",
        squeeze=False, sharex=True, sharey=True,
    )  # fmt: skip
    for axis, (title, (real, made, who)) in zip(axes[0], panels.items(), strict=True):
        for group, (_, mark) in enumerate(GROUPS):
            axis.plot(*real[who == group].T, mark, markerfacecolor="none", markeredgecolor="0.6",
                      markersize=8, linestyle="none")  # fmt: skip
        for group, (colour, mark) in enumerate(GROUPS):
            axis.plot(*made[who == group].T, mark, color=colour, markersize=4, linestyle="none")
        for k in range(min(lines, len(real))):
            ends = np.stack([made[k], real[k]])
            axis.plot(*ends.T, color=GROUPS[int(who[k])][0], linewidth=0.8, alpha=0.7)
        axis.set_title(title, fontsize=10)
        axis.set(xticks=[], yticks=[], aspect="equal")
    return figure


def best_critic(places: Floats, panels: Mapping[str, tuple[Floats, Floats]]) -> Figure:
    """A figure: how often features of two crowds lie at each place, and what the best least-squares
    critic says there.

    Args:
        places: (B,). panels: by title: density (B,) of the real and of the made-up ones.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, len(panels), figsize=(3.3 * len(panels), 2.6), layout="constrained", squeeze=False,
        sharey=True,
    )  # fmt: skip
    for axis, (title, (real, fake)) in zip(axes[0], panels.items(), strict=True):
        axis.fill_between(places, real, color=BLUE, alpha=0.3, label="real")
        axis.fill_between(places, fake, color=VERMILION, alpha=0.3, hatch="//", label="made up")
        score = real / np.maximum(real + fake, 1e-12)
        axis.plot(places, score, color="black", linewidth=2, label="best critic")
        axis.axhline(0.5, color="0.6", linewidth=1, linestyle=":")
        axis.set(title=title, xlabel="feature", ylim=(0, 1.15))
    axes[0, 0].set_ylabel("density, score")
    axes[0, -1].legend(frameon=False, fontsize=8, loc="upper left", ncols=3, columnspacing=0.8)
    return figure


def course(
    done: Sequence[int], panels: Mapping[str, Mapping[str, Sequence[float]]], steps: int,
    unit: Sequence[str] = (), guides: Mapping[str, float] | None = None,
) -> Figure:  # fmt: skip
    """A figure: numbers over the steps of a training, a panel each, a line a name.

    Args:
        unit: of each panel's axis. guides: by title of a panel, a value to compare with.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, len(panels), figsize=(3.3 * len(panels), 2.7), layout="constrained", squeeze=False
    )
    for k, (axis, (title, lines)) in enumerate(zip(axes[0], panels.items(), strict=True)):
        if guides and title in guides:
            axis.axhline(guides[title], color="0.6", linewidth=1, linestyle=":")
        for (name, values), (line, mark, colour) in zip(lines.items(), LINES, strict=False):
            axis.plot(done[: len(values)], values, linestyle=line, marker=mark, color=colour,
                      markersize=4, label=name)  # fmt: skip
        axis.set(title=title, xlabel="step", xlim=(-0.03 * steps, 1.03 * steps))
        if unit:
            axis.set_ylabel(unit[k])
    axes[0, 0].legend(frameon=False, fontsize=8)
    return figure
