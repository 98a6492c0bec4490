"""Plots of errors: differences between two methods on the same people, with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rsclib.scores import Scores
from rsclib.viz.meshes import BLUE, VERMILION


def difference_table(
    scores: Scores, method: str, baseline: str, sizes: Sequence[int], metric: str = "mpjpe"
) -> pd.DataFrame:
    """A line per size: both means and, with its 95 % interval over recordings and clips, their
    difference, mm."""
    lines = {
        f"{size} px": {
            baseline: f"{scores.of(baseline, size, metric).mean():.1f}",
            method: f"{scores.of(method, size, metric).mean():.1f}",
            "difference": str(scores.difference(method, baseline, size, metric)),
        }
        for size in sizes
    }
    return pd.DataFrame.from_dict(lines, orient="index")


def difference_plot(
    scores: Scores, method: str, baseline: str, sizes: Sequence[int], metric: str = "mpjpe"
) -> Any:
    """A figure: mean of ``method`` minus ``baseline`` over the size, with its 95 % band, mm."""
    import matplotlib.pyplot as plt

    mean, low, high = np.array([scores.difference(method, baseline, s, metric) for s in sizes]).T
    figure, axis = plt.subplots(figsize=(7.2, 3.5))
    axis.axhline(0, color="black", linewidth=1)
    axis.fill_between(sizes, low, high, color=VERMILION, alpha=0.25, label="95 % interval")
    axis.plot(sizes, mean, marker="s", color=VERMILION, label=f"{method} minus {baseline}")
    for size, value, top in zip(sizes, mean, high, strict=True):
        axis.annotate(f"{value:+.1f}".replace("-", "\N{MINUS SIGN}"), (size, top), (0, 5), textcoords="offset points",
                      ha="center", fontsize=8)  # fmt: skip
    axis.invert_xaxis()
    axis.margins(y=0.18)
    axis.set_xticks(list(sizes))
    axis.set(xlabel="resolution (px)", ylabel="difference (mm)")
    axis.legend(loc="lower left", frameon=False, fontsize=9)
    return figure


def gains_plot(
    scores: Scores, method: str, baseline: str, size: int, named: Mapping[int, str]
) -> Any:
    """A figure: the difference (mm) of every person at one size, sorted; some of them named."""
    import matplotlib.pyplot as plt

    gain = scores.of(method, size) - scores.of(baseline, size)
    order = np.argsort(gain)
    figure, axis = plt.subplots(figsize=(7.2, 3.3))
    colours = [VERMILION if gain[i] < 0 else BLUE for i in order]
    axis.bar(np.arange(len(gain)), gain[order], width=1.0, color=colours)
    axis.axhline(0, color="black", linewidth=1)
    label = f"mean of all {len(gain)}: {gain.mean():+.1f} mm".replace("-", "\N{MINUS SIGN}")
    axis.axhline(gain.mean(), color="black", linewidth=1, linestyle="--", label=label)
    for person, words in named.items():
        at, value = int(np.flatnonzero(order == person)[0]), gain[person]
        aside = (22, -16) if value < 0 else (-22, -6)
        axis.annotate(words, (at, value), aside, textcoords="offset points", fontsize=8,
                      ha="left" if value < 0 else "right", arrowprops={"arrowstyle": "->"})  # fmt: skip
    axis.margins(y=0.1)
    axis.legend(loc="lower right", frameon=False, fontsize=9)
    axis.set(xlabel="people, sorted by their difference", ylabel="difference (mm)")
    return figure
