"""Market-1501, pedestrians in several views, as its archive unpacks to; Section 4.1.

.. code-block:: text

    Market-1501/
      bounding_box_train/  0002_c1s1_000451_03.jpg   751 people
      query/               0001_c1s1_001051_00.jpg   750 others, one picture a camera
      bounding_box_test/   0001_c1s1_001051_03.jpg   the same 750, 0000_... and -1_...

A name is person, camera, sequence, frame, box. Person -1 is junk (a bad box) and is left out; 0000 is a
distractor, somebody who is no person of the set: kept in the gallery and nowhere else. The open
benchmark's pedestrians are exported in the same layout
(:func:`rsclib.openbench.market.export_market1501`), so one reader serves both.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rsclib.errors import RscError
from rsclib.files.photos import read_image

TRAIN, QUERY, GALLERY = "bounding_box_train", "query", "bounding_box_test"
FOLDERS = (TRAIN, QUERY, GALLERY)
JUNK, DISTRACTOR = -1, 0
REAL = (751, 750)  # people of bounding_box_train and of query: the real set
# The 100 people of [57], all of bounding_box_train, that textures are tested on; the others are 1401.
PAPER_TEST = frozenset(
    [2, 7, 10, 11, 12, 20, 22, 23, 27, 28, 30, 32, 35, 37, 42, 43, 46, 47, 48, 52, 53, 56, 57, 59,
     64, 65, 67, 68, 69, 70, 76, 77, 79, 81, 82, 84, 86, 88, 90, 93, 95, 97, 98, 99, 100, 104, 105,
     106, 107, 108, 110, 111, 114, 115, 116, 117, 118, 121, 122, 123, 125, 127, 129, 132, 134, 135,
     136, 139, 140, 141, 142, 143, 148, 149, 150, 151, 158, 159, 160, 162, 164, 166, 167, 169, 172,
     173, 175, 176, 177, 178, 179, 180, 181, 184, 185, 190, 193, 195, 197, 199]
)  # fmt: skip
_NAME = re.compile(r"(-1|\d{4})_c([1-9])s(\d)_(\d{6})_(\d{2})\.jpg")
SplitName = Literal["paper", "folders"]


class Box(NamedTuple):
    """One picture: its file and what its name says."""

    path: Path
    identity: int
    camera: int
    sequence: int
    frame: int
    box: int


class Market(NamedTuple):
    """What was read.

    Attributes:
        split: "paper" (1401 people for training, 100 for testing) or "folders" (as they lie).
        train, test: pictures of people to train and to test textures on; nobody is in both.
        query, gallery: for re-identification, as they lie; distractors (0) are in the gallery.
        junk: how many boxes were left out.
    """

    split: SplitName
    train: tuple[Box, ...]
    test: tuple[Box, ...]
    query: tuple[Box, ...]
    gallery: tuple[Box, ...]
    junk: int


def read_market1501(
    folder: str | os.PathLike[str], split: SplitName | Literal["auto"] = "auto"
) -> Market:
    """Read the names of all pictures; the pictures themselves by :func:`pictures`.

    Args:
        split: "auto" takes the paper's where the folder holds the real set's number of people,
            751 and 750, and else the folders'. The answer says which.

    Raises:
        RscError: it is another folder, a name is not Market-1501's, a person is on both sides, or
            the paper's split is asked for and its people are not there.
    """
    folder = Path(folder)
    _check_folder(folder)
    found = {name: _boxes(folder / name) for name in FOLDERS}
    junk = sum(box.identity == JUNK for boxes in found.values() for box in boxes)
    train, query, gallery = (
        tuple(b for b in found[name] if b.identity != JUNK) for name in FOLDERS
    )
    people = {b.identity for b in train} - {DISTRACTOR}
    others = {b.identity for b in (*query, *gallery)} - {DISTRACTOR}
    if both := people & others:
        raise RscError(
            f"{folder}: person {min(both):04d} is in {TRAIN} and in {QUERY} or {GALLERY}"
        )
    if split == "auto":
        split = "paper" if (len(people), len(others)) == REAL else "folders"
    if split == "paper" and not people >= PAPER_TEST:
        missing = min(PAPER_TEST - people)
        raise RscError(
            f"{folder}: the paper's split needs person {missing:04d} in {TRAIN}; this is not the whole "
            "of Market-1501, use the split 'folders'"
        )
    testing = PAPER_TEST if split == "paper" else others
    known = [b for b in (*train, *query, *gallery) if b.identity != DISTRACTOR]
    return Market(
        split,
        tuple(b for b in known if b.identity not in testing),
        tuple(b for b in known if b.identity in testing),
        query, gallery, junk,
    )  # fmt: skip


def _check_folder(folder: Path) -> None:
    lacking = [name for name in FOLDERS if not (folder / name).is_dir()]
    if not lacking:
        return
    advice = f"give the folder that holds {', '.join(FOLDERS)}"
    if not folder.is_dir():
        raise RscError(f"there is no folder {folder}; {advice}")
    inside = [p for p in sorted(folder.iterdir()) if (p / TRAIN).is_dir()]
    if inside:
        advice = f"did you mean {inside[0]}?"
    elif folder.name in FOLDERS:
        advice = f"did you mean {folder.parent}?"
    raise RscError(f"{folder} is not Market-1501: {lacking[0]} is missing; {advice}")


def _boxes(folder: Path) -> list[Box]:
    """All pictures of a folder by name; other files (thumbnails' lists) are passed over."""
    boxes = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() != ".jpg":
            continue
        parts = _NAME.fullmatch(path.name)
        if parts is None:
            raise RscError(
                f"{path}: not a name of Market-1501, such as 0001_c1s1_000151_01.jpg (person, camera "
                "and sequence, frame, box)"
            )
        boxes.append(Box(path, *(int(part) for part in parts.groups())))
    if not boxes:
        raise RscError(f"{folder} holds no pictures; unpack Market-1501 again")
    return boxes


def pictures(boxes: Sequence[Box], height: int = 128) -> NDArray[np.uint8]:
    """The pixels (N, H, H/2, 3) uint8 RGB.

    Raises:
        RscError: a file is damaged or of another size.
    """
    out = np.zeros((len(boxes), height, height // 2, 3), np.uint8)
    for i, box in enumerate(boxes):
        image = read_image(box.path)
        if image.shape != out.shape[1:]:
            raise RscError(
                f"{box.path} is {image.shape[1]} x {image.shape[0]}, not {height // 2} x {height}"
            )
        out[i] = image
    return out
