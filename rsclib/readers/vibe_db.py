"""VIBE's databases, ``vibe_db/*_db.pt``: dumps of joblib (not of torch), which are mapped, not run.

Arrays of N frames:

.. code-block:: text

    vid_name  (N,)         sequence and person         img_name  (N,)  path of the picture
    frame_id  (N,)                                     bbox      (N, 4) centre x, y, width, height
    pose      (N, 72)      shape  (N, 10)              (3DPW, Human3.6M)
    joints3D  (N, 14 or 49, 3) metres                  joints2D  (N, 14 or 49, 3) pixels, confidence
    features  (N, 2048)    SPIN's pooled features of each frame
    theta     (N, 82)      pose and shape              (amass_db.pt, which has no pictures)

14 joints are in the order of :data:`rsclib.skeleton.J14_NAMES`; of 49 the last 24 are the keypoints.
``insta_train_db.h5`` is HDF5 and holds features without pictures: see
:mod:`rsclib.readers.instavariety`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsclib.errors import RscError
from rsclib.files.joblib_files import read_joblib
from rsclib.readers.found import Found
from rsclib.readers.spin_npz import as_text, inside

CROP = 1.2  # VIBE cuts so much more than its boxes say
# Where a path of VIBE's own machine leads to below the data root.
_PLACES = (
    (re.compile(r"(?:.*/)?(imageFiles/.+)"), "3dpw"),
    (re.compile(r"(?:.*/)?(mpi_inf_3dhp_test_set/.+|S\d+/Seq\d+/.+)"), "mpi_inf_3dhp"),
    (re.compile(r"(?:.*/)?(images/S\d+_.+)"), "h36m"),
)


def read_vibe_db(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a database, mapped from the file; each has N rows.

    Raises:
        RscError: missing, damaged, of other arrays; nothing in it has been run.
    """
    entries = read_joblib(path)
    arrays = {k: v for k, v in entries.items() if isinstance(v, np.ndarray) and v.ndim}
    lengths = {len(value) for value in arrays.values()}
    if len(lengths) != 1 or "vid_name" not in arrays:
        known = ", ".join(f"{k} {v.shape}" for k, v in list(arrays.items())[:8]) or "no arrays"
        raise RscError(f"{path} is not a database of VIBE: it holds {known[:300]}")
    return arrays


def read_vibe_people(path: Path, root: Path, name: str | None = None) -> Found:
    """The people of a database that names pictures.

    Args:
        root: the data root, below which ``3dpw/``, ``mpi_inf_3dhp/`` or ``h36m/`` has them.

    Raises:
        RscError: as :func:`read_vibe_db`, or it names no pictures or boxes.
    """
    arrays = read_vibe_db(path)
    if lost := [key for key in ("img_name", "bbox") if key not in arrays]:
        raise RscError(f"{path} names no pictures to look at: it has no {', '.join(lost)}")
    try:
        images = [_place(text, path) for text in as_text(arrays["img_name"])]
        bbox = _numbers(arrays, "bbox", (4,))
        assert bbox is not None
        clips = as_text(arrays["vid_name"])
        return Found(
            name or path.stem, path, root, images, bbox[:, :2], CROP * bbox[:, 2],
            _keypoints(_joints(arrays, "joints2D"), len(images)),
            np.array([_clip(text) for text in clips]),
            pose=_numbers(arrays, "pose", (72,)), betas=_numbers(arrays, "shape", (10,)),
        )  # fmt: skip
    except (ValueError, TypeError) as error:
        if isinstance(error, RscError):
            raise
        raise RscError(f"{path} is not a database of VIBE: {error}") from error


def _place(text: str, path: Path) -> str:
    plain = str(text).replace("\\", "/")
    for pattern, home in _PLACES:
        if m := pattern.fullmatch(plain):
            return inside(f"{home}/{inside(m[1], path)}", path)
    raise RscError(f"{path}: no data set is known for the picture {plain[:100]!r}")


def _clip(text: str) -> str:
    """``downtown_arguing_00_1``: person 1 of a sequence; other names are whole sequences."""
    m = re.fullmatch(r"(.+_\d\d)_(\d)", str(text))
    return f"{m[1]}/{m[2]}" if m else str(text).replace("/", " ")


def _numbers(
    arrays: dict[str, NDArray[Any]], key: str, shape: tuple[int, ...]
) -> NDArray[np.float32] | None:
    value = arrays.get(key)
    if value is None:
        return None
    if value.dtype.kind not in "fiu" or value.shape[1:] != shape:
        raise ValueError(f"{key} is {value.dtype} {value.shape}, not numbers (N, {shape[0]})")
    return np.array(value, np.float32)


def _joints(arrays: dict[str, NDArray[Any]], key: str) -> NDArray[np.float32] | None:
    value = arrays.get(key)
    if value is None:
        return None
    if value.dtype.kind != "f" or value.shape[1:] not in ((14, 3), (49, 3)):
        raise ValueError(f"{key} is {value.dtype} {value.shape}, not joints (N, 14 or 49, 3)")
    return np.array(value, np.float32)


def _keypoints(joints: NDArray[np.float32] | None, n: int) -> NDArray[np.float32]:
    out = np.zeros((n, 24, 3), np.float32)
    if joints is not None:
        own = joints[:, 25:] if joints.shape[1] == 49 else joints
        out[:, : own.shape[1]] = own
    return out
