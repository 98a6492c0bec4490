"""Pictures of what a contrastive loss compares: whom a feature is like, who pulls and who pushes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rsclib.viz.meshes import BLUE, VERMILION, enlarged

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Pixels = NDArray[np.uint8]


def line_up(
    seen: Pixels, near: Mapping[str, Sequence[float]], images: Pixels, person: int, shown: int = 4
) -> Figure:
    """A row per network: a small picture, then the sharp ones that are most like it, nearest first.

    Args:
        seen: the small picture (S, S, 3). near: by network, its similarity to each of ``images``
            (N, S, S, 3). person: the row that shows the same person; it gets a thick frame.
    """
    import matplotlib.pyplot as plt

    size = (1.72 * (shown + 1), 1.95 * len(near))
    figure, axes = plt.subplots(len(near), shown + 1, figsize=size, squeeze=False)
    for row, (name, given) in zip(axes, near.items(), strict=True):
        values = np.asarray(given)
        place = int((values > values[person]).sum()) + 1
        row[0].imshow(enlarged(seen))
        row[0].set_title(f"person {person}, small", fontsize=9)
        row[0].set_ylabel(f"{name}: she is\nnumber {place} of {len(values)}", fontsize=9)
        for axis, other in zip(row[1:], np.argsort(-values), strict=False):
            axis.imshow(enlarged(images[other]))
            axis.set_title(f"person {other}: {values[other]:.2f}", fontsize=9)
            for spine in axis.spines.values():
                spine.set_linewidth(4 if other == person else 0.5)
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    figure.tight_layout(pad=0.4)
    return figure


def _picture(axis: Any, picture: Pixels, x: float, y: float, colour: Any) -> None:
    """A framed picture about a point."""
    half = 0.27
    x0, y0 = x - half, y - half
    axis.imshow(enlarged(picture, 200), extent=(x0, x + half, y0, y + half), zorder=3)
    edges = ([x0, x + half, x + half, x0, x0], [y0, y0, y + half, y + half, y0])
    axis.plot(*edges, color=colour, linewidth=2.5, zorder=4)


def pull_and_push(centre: Pixels, around: Sequence[Pixels], force: Sequence[float]) -> Figure:
    """A picture in a ring of others; those with a force below 0 pull it (solid), the rest push
    (dashed), and the thicker the arrow, the more.

    Args:
        centre, around: pictures (S, S, 3). force: derivative of the loss by each similarity.
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6.6, 5.9))
    for k, (picture, strength) in enumerate(zip(around, force, strict=True)):
        angle = np.pi / 2 - 2 * np.pi * k / len(around)
        x, y = float(np.cos(angle)), float(np.sin(angle))
        pulls = strength < 0
        colour = BLUE if pulls else VERMILION
        start, end = (0.4, 1.02) if pulls else (1.02, 0.4)
        axis.annotate("", (x * end, y * end), (x * start, y * start), arrowprops={
            "arrowstyle": "-|>", "color": colour, "lw": 0.6 + 0.7 * abs(strength),
            "mutation_scale": 16, "linestyle": "-" if pulls else (0, (3, 1)),
        })  # fmt: skip
        _picture(axis, picture, 1.38 * x, 1.38 * y, colour)
        words = f"{'pulls' if pulls else 'pushes'} {abs(strength):.1f}"
        axis.text(1.38 * x, 1.38 * y - 0.3, words, ha="center", va="top", fontsize=9)
    _picture(axis, centre, 0, 0, "black")
    axis.set(xlim=(-1.75, 1.75), ylim=(-1.8, 1.7), aspect="equal")
    axis.axis("off")
    return figure
