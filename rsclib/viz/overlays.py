"""Bodies drawn over a whole picture, several at a time, each where its square was cut out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from rsclib.geometry import CROP, FOCAL
from rsclib.viz.meshes import BLUE, VERMILION, shaded_by

# Okabe and Ito's colours that show on a photograph, in turn by person; the numbers tell them apart
# where colours cannot.
COLOURS = (
    BLUE, VERMILION, (0.0, 0.62, 0.451), (0.902, 0.624, 0.0), (0.8, 0.475, 0.655),
    (0.337, 0.706, 0.914), (0.941, 0.894, 0.259),
)  # fmt: skip
OPACITY = 0.8
_REACH = 1.5  # of the square's side: limbs may leave the square


class Drawn(NamedTuple):
    """A body to be drawn: ``vertices`` (V, 3) before the camera of its square (metres, the
    translation of cam added); ``square`` left, top, side in pixels; ``person`` its number."""

    vertices: NDArray[np.float32]
    square: Sequence[float]
    person: int


def draw_bodies(
    frame: NDArray[np.uint8], people: Sequence[Drawn], faces: NDArray[np.int32], scale: int = 1,
    numbered: bool = True,
) -> NDArray[np.uint8]:  # fmt: skip
    """The frame (H, W, 3), ``scale`` times as large, with bodies and, if wished, their persons' numbers.

    The body that is larger in the picture is drawn over the smaller one.
    """
    if scale != 1:
        large = frame.shape[1] * scale, frame.shape[0] * scale
        frame = np.asarray(Image.fromarray(frame).resize(large, Image.Resampling.BICUBIC))
    out = frame.copy()
    # By distance in units of the square's width: the depth of the vertices over its pixels.
    far_first = sorted(people, key=lambda p: -float(p.vertices[:, 2].mean()) / p.square[2])
    for vertices, (left, top, side), person in far_first:
        size = math.ceil(_REACH * side * scale)
        x, y = ((start + side / 2) * scale for start in (left, top))
        x0, y0 = round(x - size / 2), round(y - size / 2)
        low = max(x0, 0), max(y0, 0)
        high = min(x0 + size, out.shape[1]), min(y0 + size, out.shape[0])
        if low[0] >= high[0] or low[1] >= high[1]:
            continue
        colour = COLOURS[person % len(COLOURS)]
        focal = FOCAL * side * scale / CROP
        mesh, cover = shaded_by(vertices, faces, focal, (x - x0, y - y0), size, colour)
        inside = np.s_[low[1] - y0 : high[1] - y0, low[0] - x0 : high[0] - x0]
        place = out[low[1] : high[1], low[0] : high[0]]
        blend = place / 255 * (1 - OPACITY * cover[inside][..., None]) + OPACITY * mesh[inside]
        place[:] = (blend.clip(0, 1) * 255).round().astype(np.uint8)
    return _numbered(out, people, scale) if numbered else out


def _numbered(picture: NDArray[np.uint8], people: Sequence[Drawn], scale: int) -> NDArray[np.uint8]:
    if not people:
        return picture
    image = Image.fromarray(picture)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(max(10, picture.shape[0] // 45))
    for _, (left, top, side), person in people:
        place = (left + side / 2) * scale, (top + 0.04 * side) * scale
        pen.text(place, str(person), "white", font, "mb", stroke_width=2, stroke_fill="black")
    return np.asarray(image)
