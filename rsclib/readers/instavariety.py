"""InstaVariety as VIBE ships it: features and points of a quarter million videos, without pictures.

.. code-block:: text

    vibe_db/insta_train_db.h5       (18 GB, HDF5: needs h5py)

Data sets of N frames: ``vid_name`` (bytes), ``frame_id``, ``joints2D`` (N, 25, 3) in pixels of a crop
of 224 and a confidence, ``features`` (N, 2048). HMMR's tfrecords, which have the pictures, are not
read.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rsclib.errors import RscError
from rsclib.geometry import CROP
from rsclib.readers.found import file

# Keypoint rows, and which of the 25 points they are; heels and toes are none of the 24.
ROWS = (0, 1, 2, 3, 4, 5, *range(6, 14), 19, 20, 21, 22, 23)
POINTS = (24, 1, 2, 3, 4, 23, *range(6, 14), 14, 15, 16, 17, 18)


class Frames(NamedTuple):
    """``features`` (N, 2048), ``keypoints2d`` (N, 24, 3) in [-1, 1] and a confidence, ``clip`` (N,)."""

    features: NDArray[np.float32]
    keypoints2d: NDArray[np.float32]
    clip: NDArray[np.str_]


def read_insta(root: Path, start: int = 0, count: int = 100_000) -> Frames:
    """Frames ``start`` to ``start + count``; all of them take 18 GB.

    Raises:
        RscError: the file is missing, damaged or of another form, or h5py is missing.
    """
    path = file(root / "vibe_db" / "insta_train_db.h5", "VIBE's InstaVariety")
    try:
        import h5py
    except ImportError as error:
        raise RscError(f"{path} is HDF5: install h5py to read it") from error
    some = slice(start, start + count)
    try:
        with h5py.File(path, "r") as content:
            joints = np.asarray(content["joints2D"][some], np.float32)
            features = np.asarray(content["features"][some], np.float32)
            clip = np.char.decode(np.asarray(content["vid_name"][some]).astype(np.bytes_), "utf-8")
        if joints.shape[1:] != (25, 3) or features.shape != (len(joints), 2048):
            raise ValueError(f"joints2D is {joints.shape}, features {features.shape}")
        if not len(joints):
            raise ValueError(f"it has no frame {start}")
    except Exception as error:  # a malformed file can raise almost anything
        raise RscError(f"cannot read {path}: {error}; get it again") from error
    return Frames(features, keypoints_of(joints), clip)


def keypoints_of(joints: NDArray[np.float32]) -> NDArray[np.float32]:
    """The 24 keypoints (N, 24, 3) in [-1, 1] of InstaVariety's 25 points (N, 25, 3), pixels of 224."""
    out = np.zeros((len(joints), 24, 3), np.float32)
    out[:, ROWS] = joints[:, POINTS]
    out[..., :2] = (2 * out[..., :2] / CROP - 1) * (out[..., 2:] > 0)
    return out
