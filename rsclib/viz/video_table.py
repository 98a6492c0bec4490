"""Figures beside Table 3: where an error lies in time, what joined windows add, how steady a street is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rsclib.errors import RscError
from rsclib.viz.meshes import BLUE, VERMILION
from rsclib.viz.stick_film import GREEN

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Marker and colour of a film, in turn: who sees no colours sees shapes.
MARKS: tuple[tuple[str, Any], ...] = (
    ("o", "black"), ("s", VERMILION), ("^", "#E69F00"), ("D", BLUE), ("v", GREEN),
    ("P", "#CC79A7"),
)  # fmt: skip


def two_parts(parts: Mapping[str, tuple[float, float]]) -> Figure:
    """A point a film: its steady error to the right, its unsteady one upwards; the squares of the two add
    up, so the distance from the corner is the whole error, and films on one arc have the same.

    Args:
        parts: steady and unsteady error, mm, by name; six at most.

    Raises:
        RscError: no film, or too many to be told apart.
    """
    if not 1 <= len(parts) <= len(MARKS):
        raise RscError(f"one to {len(MARKS)} films fit into a picture, not {len(parts)}")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6.2, 4.4), layout="constrained")
    values = np.array(list(parts.values()), np.float64)
    span = max(float(np.ptp(values, axis=0).max()), 0.1 * float(values.max()))
    angles = np.linspace(0, np.pi / 2, 400)
    for (name, (x, y)), (marker, colour) in zip(parts.items(), MARKS, strict=False):
        radius = float(np.hypot(x, y))
        axis.plot(radius * np.cos(angles), radius * np.sin(angles), color="0.85", linewidth=1)
        label = f"{name}: {radius:.0f} mm in all"
        axis.plot(x, y, marker, color=colour, markersize=9, label=label, linestyle="none")
    middle = (values.max(0) + values.min(0)) / 2
    axis.set_xlim(middle[0] - 0.75 * span, middle[0] + 0.75 * span)
    axis.set_ylim(middle[1] - 0.65 * span, middle[1] + 0.65 * span)
    axis.set_aspect("equal")
    axis.set(xlabel="steady error (mm): the same through a window")
    axis.set(ylabel="unsteady error (mm): around it")
    axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def joined_dots(table: pd.DataFrame) -> Figure:
    """A line a row: its ACC per sequence, and over joined windows.

    Args:
        table: columns "per sequence" and "joined", mm/frame², a line a row.

    Raises:
        RscError: a column is missing, or there is no line.
    """
    kinds = {"per sequence": ("o", BLUE), "joined": ("D", VERMILION)}
    if missing := [name for name in kinds if name not in table]:
        raise RscError(f"the picture needs the column {', '.join(missing)}")
    if table.empty:
        raise RscError("the picture needs a line")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7.4, 1.0 + 0.3 * len(table)), layout="constrained")
    for y, (_, line) in enumerate(table.iterrows()):
        ends = line["per sequence"], line["joined"]
        axis.plot(ends, (y, y), color="0.7", linewidth=2, zorder=1)
        axis.annotate(f"+{ends[1] - ends[0]:.1f}", (max(ends), y), (7, 0), va="center", fontsize=8,
                      textcoords="offset points")  # fmt: skip
    for name, (marker, colour) in kinds.items():
        axis.plot(table[name], range(len(table)), marker, color=colour, label=name)
    axis.set_yticks(range(len(table)), [str(name) for name in table.index], fontsize=9)
    axis.invert_yaxis()
    axis.set(xlabel="ACC (mm/frame²)")
    axis.set_xlim(0, 1.12 * float(table[list(kinds)].to_numpy().max()))
    axis.legend(frameon=False, fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def street_dots(rows: pd.DataFrame, metric: str, label: str) -> Figure:
    """A line a model and size: a mean over real pedestrians with its 95 % interval.

    Args:
        rows: of results/open/street.csv, with method, metric, resolution, value, low and high.
        metric: the one that is shown. label: of the axis, with its unit.

    Raises:
        RscError: no row has the metric.
    """
    chosen = rows[rows["metric"] == metric]
    if chosen.empty:
        raise RscError(f"no row has the metric {metric!r}")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6.6, 0.9 + 0.3 * len(chosen)), layout="constrained")
    names = []
    for y, line in enumerate(chosen.to_dict("records")):
        small = line["resolution"] != "native"
        marker, colour = ("D", VERMILION) if small else ("o", BLUE)
        axis.plot((line["low"], line["high"]), (y, y), color=colour, linewidth=2)
        axis.plot(line["value"], y, marker, color=colour, markersize=7)
        where = f"{line['resolution']} px" if small else "native size"
        names.append(f"{line['method']}, {where}")
    axis.set_yticks(range(len(names)), names, fontsize=9)
    axis.invert_yaxis()
    axis.set_xlabel(label)
    axis.set_xlim(0, None)
    axis.spines[["top", "right"]].set_visible(False)
    return figure
