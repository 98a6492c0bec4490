"""Short films in a page: animated WebP, which every browser plays and no kernel is needed for."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from rsclib.body import Body
from rsclib.geometry import cam_to_translation
from rsclib.viz.html import DPI, QUALITY, SHOWN
from rsclib.viz.meshes import GREY, VERMILION, shaded

HALF = 1.05  # metres from the pelvis to the edge of a picture of two bodies


def two_bodies(
    truth: NDArray[np.float32],
    guess: NDArray[np.float32],
    body: Body,
    turn: float = 45.0,
    size: int = 320,
    colour: tuple[float, ...] = VERMILION,
    down: float = 0.1,
) -> NDArray[np.uint8]:
    """A guessed mesh, translucent, over the true one in grey, on white: (size, size, 3) uint8.

    Args:
        truth, guess: vertices (6890, 3) about the pelvis in camera axes, metres.
        turn: degrees about the vertical. down: how far below the pelvis the picture's middle lies, m.
    """
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    around = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)
    away = cam_to_translation(torch.tensor([[1 / HALF, 0.0, -down]])).numpy()
    faces = body.faces.numpy().astype(np.int32)
    picture = np.ones((size, size, 3), np.float32)
    for vertices, tint, opacity in ((truth, GREY, 1.0), (guess, colour, 0.72)):
        mesh, cover = shaded((vertices @ around + away).astype(np.float32), faces, size, tint)
        cover = cover[..., None] * opacity
        picture = picture * (1 - cover) + mesh * opacity
    return (picture.clip(0, 1) * 255).astype(np.uint8)


def webp(frames: Sequence[NDArray[np.uint8]], milliseconds: Sequence[int]) -> bytes:
    """Frames (H, W, 3) as an animated WebP file, over and over; how long each is shown."""
    first, *others = (Image.fromarray(frame) for frame in frames)
    file = io.BytesIO()
    first.save(file, format="webp", save_all=True, append_images=others, loop=0,
               duration=list(milliseconds), quality=QUALITY, method=4)  # fmt: skip
    return file.getvalue()


def film_html(
    frames: Sequence[NDArray[np.uint8]], milliseconds: Sequence[int], alt: str, caption: str
) -> str:
    """Frames (H, W, 3) as one HTML element that repeats for ever.

    Args:
        milliseconds: how long each is shown. alt, caption: see :func:`rsclib.viz.html.figure_html`.
    """
    source = f"data:image/webp;base64,{base64.b64encode(webp(frames, milliseconds)).decode()}"
    width = round(frames[0].shape[1] * SHOWN / DPI * 1.25)
    picture = f'<img alt="{html.escape(alt)}" width="{width}" src="{source}">'
    below = f"<figcaption><em>{html.escape(caption, quote=False)}</em></figcaption>"
    return f'<figure style="margin: 0">{picture}{below}</figure>'


def film(
    frames: Sequence[NDArray[np.uint8]], milliseconds: Sequence[int], alt: str, caption: str
) -> None:
    """Display frames as a film in a notebook; arguments as :func:`film_html`."""
    from IPython.display import display

    page = film_html(frames, milliseconds, alt, caption)
    display({"text/html": page, "text/plain": f"[film: {alt}]"}, raw=True)
