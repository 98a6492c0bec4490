"""Squares around a person's boxes, cut out of the frames of a video one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rsclib.errors import RscError
from rsclib.files.photos import MAX_PIXELS, Pixels
from rsclib.tracks import Boxes, Track

MARGIN = 1.2  # of a tight box: the person fills 83 % of the square, as in training
_PAD = 4  # pixels beyond the square that the bicubic filter may ask for


class Crop(NamedTuple):
    """``pixels`` (size, size, 3) of row ``row`` of track number ``track`` (its place in the list),
    which is seen in frame ``frame``."""

    track: int
    row: int
    frame: int
    pixels: Pixels


def squares_of(boxes: Boxes, margin: float = MARGIN) -> NDArray[np.float64]:
    """Left, top and side (T, 3), pixels, of the squares around boxes (T, 4): the boxes' centres, and
    their longer side times ``margin``."""
    side = margin * boxes[:, 2:].max(1)
    return np.concatenate([boxes[:, :2] + boxes[:, 2:] / 2 - side[:, None] / 2, side[:, None]], 1)


def native_of(squares: NDArray[np.float64]) -> int:
    """The one size in pixels by which the whole track picks its row of alpha: the median side."""
    return max(1, round(float(np.median(squares[:, 2]))))


def check_tracks(tracks: Sequence[Track], count: int, height: int, width: int) -> None:
    """Refuse boxes that show nothing of a video of ``count`` frames (height, width).

    Raises:
        RscError: a box is of a frame that is not there or lies outside of it, or is far too large.
    """
    for person, frames, boxes in tracks:
        if len(frames) and frames[-1] >= count:
            raise RscError(
                f"person {person} has a box in frame {frames[-1]}, but the video has {count} frames, "
                "the first of which is 0"
            )
        outside = (boxes[:, 0] >= width) | (boxes[:, 0] + boxes[:, 2] <= 0)
        outside |= (boxes[:, 1] >= height) | (boxes[:, 1] + boxes[:, 3] <= 0)
        large = (squares_of(boxes)[:, 2] ** 2 > MAX_PIXELS) | outside
        if large.any():
            row = int(large.argmax())
            what = "outside the picture" if outside[row] else "too large"
            raise RscError(
                f"person {person}'s box in frame {frames[row]} is {what}, which has "
                f"{width} x {height} pixels"
            )


def cut(frame: Pixels, square: Sequence[float], size: int) -> Pixels:
    """The square left, top, side of a frame (H, W, 3), at parts of a pixel, as (size, size, 3).

    What lies outside the frame repeats the nearest pixel of its edge; the resize is Pillow's
    bicubic. At whole pixels it is :func:`rsclib.files.photos.crop`, but for what the filter sees
    beyond the square.
    """
    left, top, side = (float(value) for value in square)
    x, y = int(np.floor(left)) - _PAD, int(np.floor(top)) - _PAD
    reach = int(np.ceil(side)) + 2 * _PAD + 1
    rows, columns = (
        np.arange(start, start + reach).clip(0, length - 1)
        for start, length in zip((y, x), frame.shape[:2], strict=True)
    )
    part = Image.fromarray(frame[np.ix_(rows, columns)])
    box = (left - x, top - y, left - x + side, top - y + side)
    return np.asarray(part.resize((size, size), Image.Resampling.BICUBIC, box=box))


def crops(
    frames: Iterable[Pixels],
    tracks: Sequence[Track],
    squares: Sequence[NDArray[np.float64]],
    size: int,
    done: Sequence[NDArray[np.bool_]] | None = None,
) -> Iterator[Crop]:
    """What each track shows, frame by frame, as the frames come.

    Args:
        squares: (T, 3) of each track, of :func:`squares_of`.
        done: (T,) of each track, rows that are not wanted. The frames are read no further than is
            needed for the others.
    """
    wanted: dict[int, list[tuple[int, int]]] = {}
    for k, track in enumerate(tracks):
        for row, frame in enumerate(track.frames.tolist()):
            if done is None or not done[k][row]:
                wanted.setdefault(frame, []).append((k, row))
    last = max(wanted, default=-1)
    for number, frame in enumerate(frames):
        if number > last:
            return
        for k, row in wanted.pop(number, ()):
            yield Crop(k, row, number, cut(frame, squares[k][row], size))
