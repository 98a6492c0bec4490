"""Turned squares of a picture: what BlazePose's networks are shown, and the way back.

Coordinates are pixels, x to the right and y down, the upper left corner of a picture at 0, 0 (so the
middle of its first pixel is at 0.5, 0.5).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rsclib.files.photos import Pixels

Floats = NDArray[np.float64]


class Square(NamedTuple):
    """Its middle and side in pixels, and by how much it is turned clockwise, radians."""

    x: float
    y: float
    side: float
    angle: float = 0.0


def whole(height: int, width: int) -> Square:
    """The smallest upright square around a picture."""
    return Square(width / 2, height / 2, max(height, width))


def turned(vectors: Floats, angle: float) -> Floats:
    """Vectors (..., 2 or 3) turned clockwise about the line of sight; depth stays."""
    c, s = math.cos(angle), math.sin(angle)
    out = vectors.copy()
    out[..., 0] = c * vectors[..., 0] - s * vectors[..., 1]
    out[..., 1] = s * vectors[..., 0] + c * vectors[..., 1]
    return out


def to_picture(points: Floats, square: Square, size: int) -> Floats:
    """Points (..., 2) in the square, as a picture of ``size`` pixels a side, as points of the whole."""
    middle = np.array([square.x, square.y])
    return middle + turned((points - size / 2) * (square.side / size), square.angle)


def matrix(square: Square, size: int) -> Floats:
    """(2, 3), from the index of a pixel of the square to that of the picture."""
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]) + 0.5
    zero, right, down = to_picture(corners, square, size) - 0.5
    return np.stack([right - zero, down - zero, zero], 1)


def look(picture: Pixels, square: Square, size: int, beyond: str = "edge") -> Pixels:
    """The square of a picture (H, W, 3), bilinear, as (size, size, 3).

    Args:
        beyond: what lies outside: "edge" repeats the nearest pixel, "black" has nothing.
    """
    border = {"edge": cv2.BORDER_REPLICATE, "black": cv2.BORDER_CONSTANT}[beyond]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    out = cv2.warpAffine(
        picture, matrix(square, size), (size, size), flags=flags, borderMode=border
    )
    return np.asarray(out, np.uint8)


def put_back(mask: NDArray[np.float32], square: Square, height: int, width: int) -> NDArray:
    """What a square (size, size) shows, on the picture (height, width); 0 outside the square."""
    out = cv2.warpAffine(mask, matrix(square, len(mask)), (width, height), flags=cv2.INTER_LINEAR)
    return np.asarray(out, np.float32)
