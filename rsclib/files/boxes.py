"""Read boxes around people that other programs wrote: a table (CSV), or JSON of COCO or OpenPose.

Two orders of four numbers are in use, x y width height and x1 y1 x2 y2, and a box that is read in the
wrong one is a body in the wrong place. So the order is never guessed: the file says it (the names of
its columns, COCO's definition), or the user does, and where both do they must agree.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rsclib.errors import RscError
from rsclib.files.box_values import CORNERS, SAID, Box, Names, Order, agreed, checked_box, extent_of
from rsclib.files.keypoints import points_of
from rsclib.files.plain_json import read_json

MAX_BYTES = 2**28  # 256 MB
MOST = 200  # people in one image
_MORE = ("image", "score")
_OUT = 0.1  # of its size a box may leave the image before its order is doubted
_MISSING = "there are no boxes at {}; give a CSV or JSON file"
Boxes = NDArray[np.float64]


class BoxFile(NamedTuple):
    """Boxes by image: by its file's name, by the number in it (COCO), or, under None, of every image
    that is asked for. ``order`` is the one in which they were written."""

    path: Path
    order: Order
    boxes: Mapping[str | int | None, Sequence[Box]]

    def of(self, image: str | os.PathLike[str], shape: Sequence[int], least: float = 0.0) -> Boxes:
        """Boxes (N, 4) x, y, width, height, in the order of the file.

        Args:
            image: its path; only its name is looked at. shape: (H, W, ...) of it.
            least: boxes of a lower score are left out; those without a score never.

        Raises:
            RscError: the file has nobody in the image, or too many; a box lies outside of it, or
                they fit only in the other order.
        """
        name = Path(image).name
        number = re.search(r"\d{1,18}$", Path(image).stem)
        keys = (name, int(number[0]) if number else None, None)
        found = next((self.boxes[key] for key in keys if key in self.boxes), ())
        kept = [box.xywh for box in found if box.score is None or box.score >= least]
        if not kept:
            low = f" with a score of {least:g} or more" if found else ""
            others = [str(key) for key in list(self.boxes)[:3] if key is not None]
            known = "" if found or not others else f"; it begins with {', '.join(others)}"
            raise RscError(f"{self.path} has nobody in {name}{low}{known}")
        if len(kept) > MOST:
            raise RscError(
                f"{self.path} has {len(kept)} people in {name}; at most {MOST} are drawn"
            )
        boxes = np.array(kept, np.float64)
        try:
            check_inside(boxes, shape, self.order)
        except RscError as error:
            raise RscError(f"{self.path}: {error}") from error
        return boxes


def check_inside(boxes: Boxes, shape: Sequence[int], order: Order = "xywh") -> None:
    """Refuse boxes (N, 4) x, y, width, height that cannot be of an image (H, W).

    Args:
        order: the one in which they were written, for the message.

    Raises:
        RscError: one shows nothing of the image, or they leave it and would lie within it in the
            other order.
    """
    height, width = shape[:2]
    x, y, w, h = boxes.T
    out = np.maximum.reduce([-x / w, -y / h, (x + w - width) / w, (y + h - height) / h])
    size = f"the image has {width} x {height} pixels"
    if order == "xywh" and (out > _OUT).any():
        # Their last two numbers as a corner: to the right of and below the first, and inside.
        corner = (w > x) & (h > y) & (w <= width + 1) & (h <= height + 1) & (x >= 0) & (y >= 0)
        if corner.all():
            raise RscError(
                f"the boxes leave the image as {SAID['xywh']} and fit as {SAID['xyxy']} ({size}); "
                "say which they are: columns x1,y1,x2,y2 or --box-format xyxy"
            )
    outside = (x >= width) | (y >= height) | (x + w <= 0) | (y + h <= 0)
    if outside.any():
        where = " ".join(f"{v:g}" for v in boxes[int(outside.argmax())])
        raise RscError(f"the box {where} (x y width height) lies outside: {size}")


def read_boxes(path: str | os.PathLike[str], order: Order | None = None) -> BoxFile:
    """Boxes of the people in one or many images.

    CSV: a first line that names the columns, ``x,y,w,h`` or ``x1,y1,x2,y2``, and, if there are such,
    ``image`` (a file's name) and ``score``; without ``image`` the boxes are those of every image.

    JSON: COCO, ``annotations`` with ``images`` or a list of results, ``bbox`` (x y width height by
    definition) or else the extent of ``keypoints``; other categories than 1, a person, and crowds are
    left out. OpenPose's ``people``, the extent of their points. Or ``{"format": "xyxy", "boxes":
    {"a.jpg": [[x1, y1, x2, y2], ...]}}``, where a list instead of names is of every image.

    Args:
        order: what the user says; needed only where the file does not say it.

    Raises:
        RscError: missing, larger than :data:`MAX_BYTES`, of another layout; a number that is none or
            makes no sense; nobody says the order, or file and user say different ones.
    """
    path = Path(path)
    try:
        if path.suffix.lower() == ".csv":
            found, boxes = _table(path, order)
        else:
            content = read_json(path, _MISSING.format(path), MAX_BYTES)
            found, boxes = _json(content, order)
    except (ValueError, RecursionError, csv.Error) as error:
        named = str(RscError(path)) in str(error)
        raise RscError(str(error) if named else f"{path}: {error}") from error
    if not boxes:
        raise RscError(f"{path} holds no boxes")
    return BoxFile(path, found, boxes)


def _number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RscError(f"{cell.strip()[:40]!r} is no number")
    return value


def _table(path: Path, user: Order | None) -> tuple[Order, dict[str | int | None, list[Box]]]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RscError(f"{path} is larger than {MAX_BYTES // 2**20} MB; are these boxes?")
        lines = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")), strict=True))
    except FileNotFoundError as error:
        raise RscError(_MISSING.format(path)) from error
    except OSError as error:
        raise RscError(f"cannot read {path}: {error.strerror}; check the path") from error
    names = [cell.strip() for cell in lines[0]] if lines else []
    orders: list[Order] = [o for o in ("xywh", "xyxy") if set(CORNERS[o]) <= set(names)]  # type: ignore[misc]
    if len(orders) != 1 or len(set(names)) < len(names):
        raise RscError("the first line must name the columns: x,y,w,h or x1,y1,x2,y2, each once")
    order = agreed(orders[0], user, "the columns say")
    if others := [name for name in names if name not in (*CORNERS[order], *_MORE)]:
        raise RscError(f"nothing reads the column {others[0][:40]!r}; take it out")
    found: dict[str | int | None, list[Box]] = {}
    short = Names()
    for number, line in enumerate(lines[1:], 2):
        if not line:
            continue
        try:
            if len(line) != len(names):
                raise RscError(f"{len(names)} values are needed, there are {len(line)}")
            row = dict(zip(names, line, strict=True))
            score = _number(row["score"]) if row.get("score", "").strip() else None
            box = checked_box([_number(row[name]) for name in CORNERS[order]], order, score)
            name = short(row["image"].strip()) if "image" in row else None
        except ValueError as error:
            raise RscError(f"{path}, line {number}: {error}") from error
        found.setdefault(name, []).append(box)
    return order, found


def _json(content: Any, user: Order | None) -> tuple[Order, dict[str | int | None, list[Box]]]:
    if isinstance(content, dict) and "boxes" in content:
        said = content.get("format")
        if said not in (None, *CORNERS):
            raise RscError(f"format is xywh or xyxy, not {str(said)[:40]!r}")
        order = agreed(said, user, "the file says")
        lists, short = content["boxes"], Names()
        named = lists.items() if isinstance(lists, dict) else [(None, lists)]
        return order, {
            None if name is None else short(name): [checked_box(v, order) for v in _entries(boxes)]
            for name, boxes in named
        }
    if isinstance(content, dict) and "people" in content:
        agreed("xywh", user, "points have no order of corners; boxes around them are")
        people = [points_of(p, "BODY_25") for p in _dicts(content["people"], "people")]
        return "xywh", {None: [box for points in people if (box := extent_of(points))]}
    order = agreed("xywh", user, "COCO's bbox is")
    return order, _coco(content)


def _entries(values: Any) -> list[Any]:
    if not isinstance(values, list):
        raise RscError("boxes are a list of lists of four numbers")
    return values


def _dicts(values: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(values, list) or not all(isinstance(v, dict) for v in values):
        raise RscError(f"{name} is not a list of entries")
    return values


def _coco(content: Any) -> dict[str | int | None, list[Box]]:
    names: dict[Any, str] = {}
    short = Names()
    if isinstance(content, dict) and "annotations" in content:
        entries = _dicts(content["annotations"], "annotations")
        for image in _dicts(content.get("images", []), "images"):
            if isinstance(image.get("file_name"), str) and type(image.get("id")) in (int, str):
                names[image["id"]] = short(image["file_name"])
    elif isinstance(content, list):
        if not all(isinstance(entry, dict) for entry in content):
            raise RscError(
                'bare lists do not say what they are; write {"format": "xywh", "boxes": [...]}'
            )
        entries = _dicts(content, "the file")
    else:
        raise RscError("it has neither boxes, nor people (OpenPose), nor annotations (COCO)")
    found: dict[str | int | None, list[Box]] = {}
    for entry in entries:
        if entry.get("category_id", 1) != 1 or entry.get("iscrowd"):
            continue
        number = entry.get("image_id")
        if type(number) not in (int, str, type(None)):
            raise RscError("an image_id is neither a number nor a name")
        if names and number not in names:
            raise RscError(
                f"an annotation is of the image {str(number)[:40]!r}, which is not listed"
            )
        key = names.get(number, short(number) if isinstance(number, str) else number)
        box: Box | None
        if "bbox" in entry:
            box = checked_box(entry["bbox"], "xywh", entry.get("score"))
        elif "keypoints" in entry:
            box = extent_of(points_of(entry, "COCO_17"), entry.get("score"))
        else:
            raise RscError("an entry has neither bbox nor keypoints")
        if box is not None:
            found.setdefault(key, []).append(box)
    return found
