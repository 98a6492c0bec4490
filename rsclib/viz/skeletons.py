"""Skeletons with bones, and short films of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsclib.skeleton import J14_BONES
from rsclib.viz.films import film
from rsclib.viz.html import DPI
from rsclib.viz.meshes import GREY


def bones(
    axis: Any, joints: Any, colour: Any = GREY, axes: Sequence[int] = (0, 1), width: float = 2.2, **line: Any
) -> None:  # fmt: skip
    """Draw a skeleton with its bones.

    Args:
        axis: of matplotlib; its units become metres.
        joints: (14 or more, 3) metres, the first 14 as :data:`rsclib.skeleton.J14_NAMES` has them
            (the 24 keypoints do). axes: which two coordinates are seen, (0, 1) from the camera and
            (2, 1) from the side.
        line: as for ``plot``; a ``label`` is given to one bone alone.
    """
    points = np.asarray(joints, dtype=np.float64)[:14, list(axes)]
    label = line.pop("label", None)
    for k, (a, b) in enumerate(J14_BONES):
        axis.plot(*points[[a, b]].T, color=colour, linewidth=width, solid_capstyle="round",
                  label=None if k else label, **line)  # fmt: skip
    axis.scatter(*points.T, color=[colour], s=6 * width, zorder=3)


def picture_of(figure: Any) -> NDArray[np.uint8]:
    """A figure as (H, W, 3) uint8, all of it, so that the frames of a film are alike; it is closed."""
    import matplotlib.pyplot as plt

    figure.set_dpi(DPI)
    figure.canvas.draw()
    drawn = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
    plt.close(figure)
    return drawn


def film_of_figures(
    figures: Iterable[Any], alt: str, caption: str, milliseconds: int = 120
) -> None:
    """Display Matplotlib figures of one size as a film in a notebook; the last one stands longer.

    Args:
        alt, caption: see :func:`rsclib.viz.html.figure_html`. milliseconds: that a frame stands.
    """
    frames = [picture_of(figure) for figure in figures]
    film(frames, [milliseconds] * (len(frames) - 1) + [8 * milliseconds], alt, caption)
