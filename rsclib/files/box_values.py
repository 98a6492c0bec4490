"""One box of a file: four numbers in an order that somebody has said, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rsclib.errors import RscError

CORNERS = {"xywh": ("x", "y", "w", "h"), "xyxy": ("x1", "y1", "x2", "y2")}
SAID = {"xywh": "x y width height", "xyxy": "x1 y1 x2 y2"}
_LARGEST = 2**31  # of a number
Order = Literal["xywh", "xyxy"]


class Box(NamedTuple):
    """``xywh`` tight around a person, pixels; ``score`` from 0 on, None where the file has none."""

    xywh: tuple[float, float, float, float]
    score: float | None


def agreed(file: Order | None, user: Order | None, what: str) -> Order:
    """The order that the file or the user says.

    Raises:
        RscError: neither does, or they differ.
    """
    if file and user and file != user:
        raise RscError(f"{what} {SAID[file]}, but --box-format says {user}")
    if not (found := file or user):
        raise RscError("nothing says in which order a box is written: --box-format xywh or xyxy")
    return found


def checked_box(values: Any, order: Order, score: Any = None) -> Box:
    """Four numbers and a score, checked."""
    if not isinstance(values, list) or len(values) != 4:
        raise RscError(f"a box is four numbers, {SAID[order]}")
    for value in (*values, *([] if score is None else [score])):
        # type: True is no number; and nan is not below anything
        if type(value) not in (int, float) or not abs(value) < _LARGEST:
            raise RscError("a number of a box is none, not finite, or far too large")
    x, y, w, h = (float(v) for v in values)
    if order == "xyxy":
        if w <= x or h <= y:
            raise RscError(
                f"the box {x:g} {y:g} {w:g} {h:g} has no size as {SAID['xyxy']}; is it "
                f"{SAID['xywh']}?"
            )
        w, h = w - x, h - y
    if w < 1 or h < 1:
        raise RscError(f"the box {x:g} {y:g} {w:g} {h:g} (x y width height) is below a pixel")
    if score is not None and score < 0:
        raise RscError(f"a score is not negative, but this is {score:g}")
    return Box((x, y, w, h), None if score is None else float(score))


class Names:
    """The last parts of images' paths; two images that share one cannot be told apart."""

    def __init__(self) -> None:
        self._paths: dict[str, str] = {}

    def __call__(self, path: str) -> str:
        name = Path(path).name
        if not name:
            raise RscError("an image has no name")
        if self._paths.setdefault(name, path) != path:
            raise RscError(f"two images are called {name}; give the boxes of each in its own file")
        return name


def extent_of(points: NDArray[np.float64], score: Any = None) -> Box | None:
    """The extent of the points (J, 3) that were found, at least a pixel; None where none was."""
    seen = points[points[:, 2] > 0, :2]
    if not len(seen):
        return None
    low, size = seen.min(0), np.maximum(np.ptp(seen, axis=0), 1)
    return checked_box([*low.tolist(), *size.tolist()], "xywh", score)
