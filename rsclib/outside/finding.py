"""Boxes around the people in a picture, from BlazePose: its detector, then its landmarks.

The detector knows circles around people, not boxes. So the landmark network looks at each, and its
points give the box. It was made for one or two people near the camera: small ones in a crowd it misses.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rsclib.files.photos import Pixels
from rsclib.outside.blazepose import LEAST_PRESENCE, NAMES, BlazePose, Pose, open_model
from rsclib.outside.detector import detect_all
from rsclib.tracks import overlap

Boxes = NDArray[np.float64]
SAME = 0.6  # overlap of two boxes from which on they are one person's
# The crown lies beyond BlazePose's highest point by about so much of the way from the ears to the
# shoulders' middle.
CROWN = 0.6
FLESH = 0.035  # of the longer side, by which a person reaches over the points on every side (32 of test-wild)
_EARS = [NAMES.index("left ear"), NAMES.index("right ear")]
_SHOULDERS = [NAMES.index("left shoulder"), NAMES.index("right shoulder")]


def box_of(pose: Pose) -> NDArray[np.float64]:
    """x, y, width, height (4,) around a person: all points, seen or guessed, the crown, and what is
    around bones."""
    ears, shoulders = (pose.image[rows].mean(0) for rows in (_EARS, _SHOULDERS))
    points = np.concatenate([pose.image, (ears + CROWN * (ears - shoulders))[None]])
    low, high = points.min(0), points.max(0)
    flesh = FLESH * (high - low).max()
    return np.concatenate([low - flesh, np.maximum(high - low + 2 * flesh, 1)])


def find_people(blazepose: BlazePose, picture: Pixels) -> Boxes:
    """Boxes (N, 4) x, y, width, height around the people in a picture (H, W, 3), the surest first; N
    may be 0.

    Raises:
        RscError: a network is another one, or its answer is not finite.
    """
    height, width = picture.shape[:2]
    found: list[NDArray[np.float64]] = []
    assert blazepose.detector is not None
    for square in detect_all(blazepose.detector, picture):
        pose = blazepose.at(picture, square)
        box = box_of(pose)
        inside = (box[:2] < [width, height]).all() and (box[:2] + box[2:] > 0).all()
        new = not found or overlap(box[None], np.array(found)).max() < SAME
        if pose.presence >= LEAST_PRESENCE and inside and new:
            found.append(box)
    return np.array(found).reshape(-1, 4)


def people_finder(landmarks: str = "full") -> Callable[[Pixels], Boxes]:
    """What finds the people in a picture.

    Raises:
        RscError: the runtime or a model is not there; the line says how to get it.
    """
    blazepose = BlazePose(open_model(landmarks), open_model("detector"))
    return lambda picture: find_people(blazepose, picture)
