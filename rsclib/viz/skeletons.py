"""Skeletons with bones, and short films of them."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsclib.skeleton import J14_BONES
from rsclib.viz.html import DPI, SHOWN
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


def _picture(figure: Any) -> NDArray[np.uint8]:
    """A figure as (H, W, 3) uint8, all of it, so that the frames of a film are alike; it is closed."""
    import matplotlib.pyplot as plt

    figure.set_dpi(DPI)
    figure.canvas.draw()
    drawn = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
    plt.close(figure)
    return drawn


def film_html(figures: Iterable[Any], alt: str, caption: str, milliseconds: int = 120) -> str:
    """Matplotlib figures of one size as an animated WebP in HTML; the last frame stands longer."""
    from PIL import Image

    frames = [Image.fromarray(_picture(figure)) for figure in figures]
    times = [milliseconds] * (len(frames) - 1) + [8 * milliseconds]
    film = io.BytesIO()
    frames[0].save(film, format="webp", save_all=True, append_images=frames[1:], duration=times,
                   loop=0, quality=60, method=4)  # fmt: skip
    source = f"data:image/webp;base64,{base64.b64encode(film.getvalue()).decode()}"
    width = round(frames[0].width * SHOWN / DPI)
    return (
        f'<figure style="margin: 0"><img alt="{html.escape(alt)}" width="{width}" src="{source}">'
        f"<figcaption><em>{html.escape(caption, quote=False)}</em></figcaption></figure>"
    )


def film(figures: Iterable[Any], alt: str, caption: str, milliseconds: int = 120) -> None:
    """Display them in a notebook.

    Args:
        alt, caption: see :func:`rsclib.viz.html.figure_html`. milliseconds: that a frame stands.
    """
    from IPython.display import display

    page = film_html(figures, alt, caption, milliseconds)
    display({"text/html": page, "text/plain": f"[film: {alt}]"}, raw=True)
