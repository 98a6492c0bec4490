"""Errors over resolution: a line a method with its band, the best constant pose as the yardstick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from rsclib.errors import RscError
from rsclib.viz.ablation import LINES

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def error_curves(rows: Sequence[dict[str, Any]], constant: str, metric: str = "mpjpe") -> Figure:
    """A figure of :func:`rsclib.evaluate.rows`: mean error (mm) and its 95 % band over the size.

    Args:
        constant: the method that is a dashed line, because no picture is looked at.

    Raises:
        RscError: no methods, or more than five of them.
    """
    import matplotlib.pyplot as plt

    frame = pd.DataFrame([row for row in rows if row["metric"] == metric])
    methods = [
        name for name in frame.get("method", pd.Series(dtype=str)).unique() if name != constant
    ]
    if not 1 <= len(methods) <= len(LINES):
        raise RscError(f"one to {len(LINES)} methods fit into a picture, not {len(methods)}")
    figure, axis = plt.subplots(figsize=(7.2, 3.8))
    for name, (marker, colour) in zip(methods, LINES, strict=False):
        own = frame[frame["method"] == name].sort_values("resolution")
        axis.fill_between(own["resolution"], own["low"], own["high"], color=colour, alpha=0.2,
                          linewidth=0)  # fmt: skip
        axis.plot(own["resolution"], own["value"], marker=marker, color=colour, label=name)
    for value in frame[frame["method"] == constant]["value"]:
        axis.axhline(value, color="black", linewidth=1, linestyle="--", label=constant)
    sizes = sorted(frame[frame["method"].isin(methods)]["resolution"].unique(), reverse=True)
    axis.set_xscale("log")
    axis.set_xticks(sizes, [str(size) for size in sizes])
    axis.minorticks_off()
    axis.invert_xaxis()
    axis.set(xlabel="resolution (px)", ylabel=f"{metric.replace('_', '-').upper()} (mm)")
    axis.legend(frameon=False, fontsize=9)
    return figure
