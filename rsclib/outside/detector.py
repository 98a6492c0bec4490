"""BlazePose's detector: where a person is, which way up, and how large.

The network looks at the whole picture at 224 px and answers for each of 2,254 anchors, points of five
grids, with a score, a box and four points. Of those, two matter: the middle of the hips, and a point
above the head at the radius of a circle around the whole person. The square for the next network
stands around that circle, turned so that the person is upright. (Facts: the graphs of MediaPipe, and
Bazarevsky and others, BlazePose, 2020.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rsclib.errors import RscError
from rsclib.files.photos import Pixels
from rsclib.outside.squares import Floats, Square, look, to_picture, whole

SIZE = 224  # of the picture that the detector sees, pixels
STRIDES = (8, 16, 32, 32, 32)  # of its grids; each cell has two anchors, alike
HIPS, CIRCLE = 0, 1  # of the four points
LARGER = 1.25  # the square, by the circle's diameter
LEAST_SCORE, LEAST_OVERLAP = 0.5, 0.3
MOST = 20  # people in a picture
# A network as a function: a picture (S, S, 3) float32 to its outputs.
Run = Callable[[NDArray[np.float32]], list[NDArray[Any]]]


class Detection(NamedTuple):
    """One person: how sure the detector is (0 to 1), the box left, top, right, bottom (4,) and the four
    points (4, 2), in pixels of the picture that the detector saw."""

    score: float
    box: Floats
    points: Floats


def anchors(size: int = SIZE, strides: tuple[int, ...] = STRIDES) -> Floats:
    """The middles (N, 2) x, y of all cells, as shares of the picture: grid after grid, row by row, two
    to a cell and grid; grids of one stride are one grid with more anchors to a cell."""
    out = []
    for stride in dict.fromkeys(strides):
        cells, each = math.ceil(size / stride), 2 * strides.count(stride)
        y, x = np.mgrid[:cells, :cells] + 0.5
        out.append(np.repeat(np.stack([x, y], -1).reshape(-1, 2) / cells, each, 0))
    return np.concatenate(out)


def best(values: NDArray[np.float32], logits: NDArray[np.float32]) -> Detection | None:
    """The first of :func:`everybody`; None: nobody is above :data:`LEAST_SCORE`."""
    found = everybody(values, logits, most=1)
    return found[0] if found else None


def everybody(
    values: NDArray[np.float32], logits: NDArray[np.float32], most: int = MOST
) -> list[Detection]:
    """The people whom the detector sees, the surest first, at most so many.

    All answers that overlap the surest one are averaged, weighted by their scores; then the surest of
    those that are left.

    Args:
        values: (N, 12), box and points of each anchor. logits: (N,) or (N, 1).

    Raises:
        RscError: other shapes, or a value that is not finite.
    """
    at = anchors() * SIZE
    raw, flat = np.asarray(values, np.float64), np.asarray(logits, np.float64).reshape(-1)
    if raw.shape != (len(at), 12) or flat.shape != (len(at),):
        raise RscError(f"this is not BlazePose's detector: it answers {raw.shape}, {flat.shape}")
    if not (np.isfinite(raw).all() and np.isfinite(flat).all()):
        raise RscError("the detector's answer is not finite")
    score = 1 / (1 + np.exp(-flat.clip(-100, 100)))
    kept = score >= LEAST_SCORE
    raw, at, score = raw[kept], at[kept], score[kept]
    middle, half = at + raw[:, :2], raw[:, 2:4] / 2
    boxes = np.concatenate([middle - half, middle + half], 1)
    points = at[:, None] + raw[:, 4:].reshape(-1, 4, 2)
    left, found = np.ones(len(score), bool), list[Detection]()
    while left.any() and len(found) < most:
        first = int(np.where(left, score, -1).argmax())
        same = left & (_overlap(boxes, boxes[first]) > LEAST_OVERLAP)
        same[first] = True
        weight = score[same] / score[same].sum()
        mean = weight @ boxes[same], np.tensordot(weight, points[same], 1)
        found.append(Detection(float(score[first]), *mean))
        left &= ~same
    return found


def _overlap(boxes: Floats, box: Floats) -> Floats:
    """Intersection over union (N,) of boxes (N, 4) left, top, right, bottom with one."""
    low, high = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, 2:], box[2:])
    common = (high - low).clip(0).prod(1)
    area = (boxes[:, 2:] - boxes[:, :2]).clip(0).prod(1)
    union = area + (box[2:] - box[:2]).clip(0).prod() - common
    return common / np.maximum(union, 1e-9)


def square_of(hips: Floats, circle: Floats) -> Square:
    """The square around the circle whose middle is the hips and on which the other point lies, turned
    so that this point is above."""
    x, y = circle - hips
    side = 2 * math.hypot(x, y) * LARGER
    return Square(float(hips[0]), float(hips[1]), side, math.atan2(x, -y))


def detect(run: Run, picture: Pixels) -> Square | None:
    """Where the person whom the detector is surest of stands in a picture (H, W, 3); None: nobody.

    Raises:
        RscError: as :func:`detect_all`.
    """
    found = detect_all(run, picture, most=1)
    return found[0] if found else None


def detect_all(run: Run, picture: Pixels, most: int = MOST) -> list[Square]:
    """Where the people whom the detector sees stand in a picture (H, W, 3), the surest first.

    Raises:
        RscError: the network is another one, or its answer is not finite.
    """
    frame = whole(*picture.shape[:2])
    seen = look(picture, frame, SIZE, "black")
    outputs = run(seen.astype(np.float32) / np.float32(127.5) - 1)
    if len(outputs) != 2:
        raise RscError(f"this is not BlazePose's detector: it has {len(outputs)} outputs")
    values, logits = sorted((np.asarray(o)[0] for o in outputs), key=lambda o: -o.shape[-1])
    squares = []
    for found in everybody(values, logits, most):
        hips, circle = to_picture(found.points[[HIPS, CIRCLE]], frame, SIZE)
        squares.append(square_of(hips, circle))
    return [square for square in squares if square.side >= 1]
