"""Pictures of lesson 30: what the paper's order of gains says of ours, and a page of weaker worlds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rsclib.errors import RscError
from rsclib.viz.ablation import MARKS
from rsclib.viz.meshes import BLUE, VERMILION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
LANES = ("reproduced", "undecided", "contradicted")


def verdict_lanes(page: pd.DataFrame) -> Figure:
    """Measured claims from the paper's smallest gain on the left to its largest, each in the lane of its
    verdict here. Places in an order, no millimetres: theirs and ours share no axis.

    Args:
        page: of :func:`rsclib.page.the_page`; claims for which the paper prints no gain, and those that
            are not measured, are left out.

    Raises:
        RscError: no claim is left.
    """
    import matplotlib.pyplot as plt

    kept = page[page["paper"].notna() & page["verdict"].isin(LANES)].sort_values("paper")
    if kept.empty:
        raise RscError("no claim of the page has both a gain in the paper and a verdict here")
    figure, axis = plt.subplots(figsize=(7.6, 2.6), layout="constrained")
    for place, verdict in enumerate(kept["verdict"]):
        marker, colour = MARKS[verdict]
        axis.plot(place, LANES.index(verdict), marker, color=colour, markersize=8)
    axis.set_yticks(range(len(LANES)), LANES)
    axis.set_ylim(len(LANES) - 0.5, -0.5)
    axis.set_xticks([0, len(kept) - 1], ["smallest", "largest"])
    axis.set_xlabel(f"{len(kept)} claims in the order of the paper's own gains")
    axis.grid(axis="y", color="0.92")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def weaker_worlds(shrinks: Array, low: Array, mean: Array, high: Array, found: int) -> Figure:
    """How many claims a page like ours would show as reproduced if every gain of the paper were true here,
    shrunk by a factor: mean and middle 95 % by the factor (each (F,)), and how many there are."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7.2, 3.4), layout="constrained")
    axis.fill_between(shrinks, low, high, color=BLUE, alpha=0.2, linewidth=0, label="95 % of pages")
    axis.plot(shrinks, mean, color=BLUE, label="expected")
    axis.axhline(found, color=VERMILION, linestyle="--", label=f"this page: {found}")
    axis.set_xscale("symlog", linthresh=0.01)
    axis.set_xticks([0, 0.01, 0.03, 0.1, 0.3, 1], ["0", "0.01", "0.03", "0.1", "0.3", "1"])
    axis.minorticks_off()
    axis.set_xlim(0, 1)
    axis.set(xlabel="true gain here, as a share of the paper's", ylabel="claims reproduced")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=9)
    return figure
