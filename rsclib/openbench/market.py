"""The open benchmark's pedestrians as files in Market-1501's layout, for code that reads that set.

``python -m rsclib.openbench.market FOLDER`` builds both parts if need be and writes them.
"""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rsclib.errors import RscError
from rsclib.files.atomic import check_writable, write_bytes
from rsclib.openbench.build import fetch
from rsclib.openbench.pedestrians import QUERIES, VIEWS

KEYS = ("images", "identity", "camera_id", "view")
QUALITY = 95  # of the JPEGs


def file_name(identity: int, camera: int, view: int) -> str:
    """Such as ``0012_c3s1_000101_01.jpg``: person, camera and sequence, frame, box.

    Frames are 25 apart, a second of Market's cameras; no two views of a person share one.
    """
    return f"{identity:04d}_c{camera}s1_{view * 25 + 1:06d}_01.jpg"


def export_market1501(
    folder: str | os.PathLike[str],
    train: Mapping[str, NDArray],
    test: Mapping[str, NDArray],
) -> int:
    """Write pedestrians as ``bounding_box_train``, ``query`` and ``bounding_box_test``.

    Args:
        train, test: of ``fetch("pedestrians-train")`` and ``fetch("pedestrians-test")``, with
            :data:`KEYS`; people of one part must not be in the other.

    Returns:
        The number of files.

    Raises:
        RscError: the folder holds something already or cannot be written, or parts share people.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise RscError(f"{folder} is not empty; choose another folder")
    if both := set(train["identity"].tolist()) & set(test["identity"].tolist()):
        raise RscError(f"person {min(both)} is in both parts")
    check_writable(folder)
    written = 0
    for data, names in (
        (train, lambda view: "bounding_box_train"),
        (test, lambda view: "query" if view in QUERIES else "bounding_box_test"),
    ):
        for image, identity, camera, view in zip(*(data[key] for key in KEYS), strict=True):
            out = io.BytesIO()
            Image.fromarray(np.asarray(image)).save(out, "JPEG", quality=QUALITY, subsampling=0)
            name = file_name(int(identity), int(camera), int(view))
            write_bytes(folder / names(int(view)) / name, out.getvalue())
            written += 1
    return written


def main() -> None:
    """Write both parts."""
    parser = argparse.ArgumentParser(description="Pedestrians in Market-1501's layout.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, nargs=2, default=(512, 128), help="train, test")
    options = parser.parse_args()
    parts = [
        fetch(f"pedestrians-{name}", count * VIEWS, keys=KEYS)
        for name, count in zip(("train", "test"), options.people, strict=True)
    ]
    print(f"{export_market1501(options.folder, *parts)} pictures in {options.folder}")


if __name__ == "__main__":
    main()
