"""Read 2D keypoints that other programs wrote: OpenPose's JSON and COCO's, annotations or results.

What a file says is checked, not trusted: numbers must be finite, confidences not negative, and a
layout that is not known is an error.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rsclib.errors import RscError
from rsclib.files.plain_json import read_json

MAX_BYTES = 2**28  # 256 MB; COCO's largest file of annotations is about that
_COUNT = {"BODY_25": 25, "COCO_17": 17}
Layout = Literal["BODY_25", "COCO_17"]


class Marked(NamedTuple):
    """The people of one image: ``points`` (N, J, 3) are x, y in pixels and a confidence from 0 (not
    found) to 1; ``layout`` names the J points."""

    layout: Layout
    points: NDArray[np.float64]


def read_keypoints(path: str | os.PathLike[str], image: str | os.PathLike[str] = "") -> Marked:
    """Keypoints of the people in an image.

    OpenPose writes a file an image, ``people`` with ``pose_keypoints_2d`` of BODY_25. COCO's files
    have many images: of ``annotations`` with ``images`` those of the image's file name are taken; of
    a list of results those whose ``image_id`` is the number that the file name is, unless all are of
    one image. COCO's visibility 1 or 2 is a confidence of 1, as is one that is larger than 1.

    Args:
        image: its path; only its name is looked at.

    Raises:
        RscError: missing, larger than :data:`MAX_BYTES`, not JSON, of another layout, or nobody is
            in the image.
    """
    missing = f"there are no keypoints at {path}; give a JSON file of OpenPose or COCO"
    content = read_json(Path(path), missing, MAX_BYTES)
    try:
        if isinstance(content, dict) and "people" in content:
            layout: Layout = "BODY_25"
            people = [points_of(person, layout) for person in _list(content["people"], "people")]
        else:
            layout = "COCO_17"
            people = [points_of(entry, layout) for entry in _coco(content, Path(image))]
    except (ValueError, RecursionError) as error:
        raise RscError(f"{path} has no keypoints that can be read: {error}") from error
    if not people:
        raise RscError(f"{path} has nobody in it; use another image, or mark a person")
    points = np.array(people)
    points[..., 2] = points[..., 2].clip(max=1)
    return Marked(layout, points)


def _list(value: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        raise ValueError(f"{name} is not a list of entries")
    return value


def points_of(person: dict[str, Any], layout: Layout) -> NDArray[np.float64]:
    """The points (J, 3) of one entry of OpenPose (BODY_25) or COCO (COCO_17): x, y, confidence.

    Raises:
        ValueError: they are missing, of another number, or no pixels.
    """
    if layout == "COCO_17":
        return _numbers(person.get("keypoints"), layout)
    points = _numbers(person.get("pose_keypoints_2d"), layout)
    found = points[points[:, 2] > 0, :2]
    if len(found) and found.max() <= 1:
        raise ValueError("all points lie within a pixel; write them in pixels (keypoint_scale 0)")
    return points


def _numbers(values: Any, layout: Layout) -> NDArray[np.float64]:
    """x, y, confidence, x, y, confidence, ... as (J, 3)."""
    count = _COUNT[layout]
    if not isinstance(values, list) or len(values) != 3 * count:
        found = f"{len(values)}" if isinstance(values, list) else "no list of"
        raise ValueError(f"a person has {found} numbers, but {layout} has {count} points of 3")
    if not all(type(v) in (int, float) and abs(v) < 1e9 for v in values):  # nan is not below it
        raise ValueError("a person's points are not all finite numbers of pixels")
    points = np.array(values, np.float64).reshape(count, 3)
    if points[:, 2].min() < 0:
        raise ValueError("a confidence is negative")
    return points


def _coco(content: Any, image: Path) -> list[dict[str, Any]]:
    """The entries of one image."""
    if isinstance(content, dict) and "keypoints" in content:
        return [content]  # a single annotation
    if isinstance(content, dict) and "annotations" in content:
        entries = _with_keypoints(_list(content["annotations"], "annotations"))
        images = _list(content.get("images", []), "images")
        names = {Path(str(i.get("file_name"))).name: i.get("id") for i in images}
        if images and image.name not in names:
            raise ValueError(f"no image is called {image.name!r}")
        if images:
            return [e for e in entries if e.get("image_id") == names[image.name]]
    elif isinstance(content, list):
        entries = _with_keypoints(_list(content, "it"))
    else:
        raise ValueError("it has neither people (OpenPose) nor annotations (COCO)")
    ids = {json.dumps(e.get("image_id"), sort_keys=True) for e in entries}
    if len(ids) <= 1:
        return entries
    number = re.search(r"\d+$", image.stem)
    wanted = int(number[0]) if number and len(number[0]) < 20 else None
    if wanted is None or json.dumps(wanted) not in ids:
        raise ValueError(f"it is of {len(ids)} images, and the name {image.name!r} is none of them")
    return [e for e in entries if e.get("image_id") == wanted]


def _with_keypoints(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """COCO also has entries of people that nobody marked: all of their numbers are 0."""
    return [e for e in entries if e.get("num_keypoints", 1) != 0]
