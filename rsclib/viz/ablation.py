"""Plots of ablations: a line a claim with its verdict, and what a row gains at every size."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from rsclib.errors import RscError
from rsclib.statistics import Interval
from rsclib.viz.meshes import BLUE, VERMILION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("claim", "paper_mm", "gain_mm", "low", "high", "verdict")
# Marker and colour of a verdict: a reader who sees no colours sees shapes, and reads the word.
MARKS: dict[str, tuple[str, Any]] = {
    "reproduced": ("o", BLUE),
    "undecided": ("D", (0.45, 0.45, 0.45)),
    "contradicted": ("s", VERMILION),
}
# Lines of one picture, in order: Okabe and Ito's colours, that every kind of eye keeps apart.
LINES = (("s", VERMILION), ("o", BLUE), ("D", "#009E73"), ("^", "#CC79A7"), ("v", "black"))


class Gains(Protocol):
    """What is needed of an ablation's records."""

    def frame(self, metric: str, /, part: str = ...) -> pd.DataFrame:
        """Means, mm: a row a line, sizes as columns."""

    def gain(
        self, row: str, than: str, size: int, /, metric: str = ..., part: str = ...
    ) -> Interval:
        """Errors of ``than`` minus errors of ``row``, mm, with their 95 % interval."""


def forest(verdicts: pd.DataFrame, unit: str = "mm") -> Figure:
    """A line a claim: the gain measured here with its interval, and, in a panel with an axis of its
    own, the gain that the paper printed. The two share no axis: they are of other people.

    Args:
        verdicts: columns claim (text), paper_mm (NaN: the paper has no such number), gain_mm, low,
            high (mm; above 0 the claim holds), verdict; share_of_room (a fraction) is written out
            where it is there.
        unit: of the gains, for the axes.

    Raises:
        RscError: a column is missing, there are no claims, or a verdict is none of the three.
    """
    if missing := [name for name in COLUMNS if name not in verdicts]:
        raise RscError(f"a forest plot needs the column {', '.join(missing)}")
    if unknown := sorted(set(verdicts["verdict"]) - set(MARKS)):
        raise RscError(f"no such verdict: {', '.join(unknown)}")
    if verdicts.empty:
        raise RscError("a forest plot needs a claim")
    import matplotlib.pyplot as plt

    height = 1.3 + 0.42 * len(verdicts)
    figure, (here, paper) = plt.subplots(
        1, 2, figsize=(9.2, height), sharey=True, width_ratios=(3, 1.3), layout="constrained"
    )
    for y, line in enumerate(verdicts.to_dict("records")):
        marker, colour = MARKS[line["verdict"]]
        here.plot((line["low"], line["high"]), (y, y), color=colour, linewidth=2)
        here.plot(line["gain_mm"], y, marker, color=colour, markersize=7)
        words = str(line["verdict"])
        if np.isfinite(share := line.get("share_of_room", np.nan)):
            words += f", {share:z.0%} of the room".replace("-", "\N{MINUS SIGN}")
        here.annotate(words, (max(line["high"], 0), y), (6, 0), textcoords="offset points",
                      va="center", fontsize=8, annotation_clip=False)  # fmt: skip
    paper.plot(verdicts["paper_mm"], range(len(verdicts)), "kx", markersize=7)
    names = [_wrapped(str(name)) for name in verdicts["claim"]]
    here.set_yticks(range(len(verdicts)), names, fontsize=9)
    here.set_ylim(len(verdicts) - 0.5, -0.5)
    ends = [0.0, float(verdicts["low"].min()), float(verdicts["high"].max())]
    span = max(ends) - min(ends) or 1.0
    here.set_xlim(min(ends) - 0.05 * span, max(ends) + 0.75 * span)  # room for the words
    here.set_title("measured here, 95 % interval", fontsize=11)
    paper.set_title("the paper, other people", fontsize=11)
    here.set_xlabel(f"gain ({unit})")
    paper.set_xlabel(f"gain as printed ({unit})")
    paper.tick_params(left=False)
    paper.margins(x=0.2)
    for axis in (here, paper):
        axis.axvline(0, color="black", linewidth=1)
        axis.grid(axis="y", color="0.92")
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def _wrapped(claim: str, width: int = 40) -> str:
    """A long claim in lines; what stands in brackets begins one."""
    parts = claim.replace(" (", "\n(").split("\n") if len(claim) > width else [claim]
    return "\n".join(textwrap.fill(part, width) for part in parts)


def gain_over_sizes(
    found: Gains, pairs: Sequence[tuple[str, str]], metric: str = "mpjpe", part: str = "test-wild"
) -> Figure:
    """What each first row of ``pairs`` gains over the second at every recorded size, with its band.

    Args:
        found: an ablation's records.
        pairs: (row, than), e.g. ("RA+SS", "RA"); above 0 the row is the better one. At most five.

    Raises:
        RscError: no pairs or more than five, or a row that is not recorded.
    """
    if not 1 <= len(pairs) <= len(LINES):
        raise RscError(f"one to {len(LINES)} pairs fit into a picture, not {len(pairs)}")
    import matplotlib.pyplot as plt

    columns = found.frame(metric, part=part).columns
    sizes = sorted((int(str(name).split()[0]) for name in columns), reverse=True)
    figure, axis = plt.subplots(figsize=(7.2, 3.6))
    for (row, than), (marker, colour) in zip(pairs, LINES, strict=False):
        found_here = [found.gain(row, than, size, metric=metric, part=part) for size in sizes]
        mean, low, high = np.array(found_here).T
        axis.fill_between(sizes, low, high, color=colour, alpha=0.2, linewidth=0)
        axis.plot(sizes, mean, marker=marker, color=colour, label=f"{row} over {than}")
    axis.axhline(0, color="black", linewidth=1)
    axis.set_xscale("log")
    axis.set_xticks(sizes, [str(size) for size in sizes])
    axis.minorticks_off()
    axis.invert_xaxis()
    axis.set(xlabel="resolution (px)", ylabel="gain (mm), above 0 better")
    axis.legend(frameon=False, fontsize=9)
    return figure


def gain_over_labels(
    found: Mapping[str, Gains], pairs: Sequence[tuple[str, str]], size: int = 32
) -> Figure:
    """What each first row of ``pairs`` gains over the second, with its interval, by the share of a batch
    that has 3D labels.

    Args:
        found: records by what is written below them, e.g. "none", in order. pairs: (row, than); above 0
            the row is the better one. At most five. size: px.

    Raises:
        RscError: no pairs or more than five, or a row that is not recorded.
    """
    if not 1 <= len(pairs) <= len(LINES):
        raise RscError(f"one to {len(LINES)} pairs fit into a picture, not {len(pairs)}")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7.2, 3.4))
    apart = np.linspace(-0.18, 0.18, len(pairs)) if len(pairs) > 1 else np.zeros(1)
    for (row, than), (marker, colour), shift in zip(pairs, LINES, apart, strict=False):
        mean, low, high = np.array([one.gain(row, than, size) for one in found.values()]).T
        at = np.arange(len(found)) + shift
        axis.errorbar(
            at,
            mean,
            (mean - low, high - mean),
            fmt=marker,
            color=colour,
            label=f"{row} over {than}",
        )
    axis.axhline(0, color="black", linewidth=1)
    axis.set_xticks(range(len(found)), list(found))
    axis.set(xlabel="share of a batch with 3D labels", ylabel="gain (mm), above 0 better")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=9)
    return figure
