"""The shipped motion-capture clips, their train/val/test split, and mirrored poses.

A clip is named ``recording/number`` where it was cut from a longer recording; a clip without a slash
is a recording of its own.

Frames and units: SMPL's body frame (y up, faces +z, its left is +x), axis-angle in radians, metres.
The source and how the clips were converted: ``rsclib/assets/motions.md``.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from rsclib.errors import RscError
from rsclib.files.shipped import ASSETS, check_shipped
from rsclib.skeleton import SMPL_MIRROR, SMPL_NAMES

Array = NDArray[np.float32]
Kind = Literal["everyday", "sport", "acrobatic"]
Split = Literal["train", "val", "test"]

ASSET = ASSETS / "motions.npz"
FPS = 30

# Fixed by clip, and whole recordings on one side, so that no frame of a test clip is ever trained on.
# The short test clips have relatives in training (in brackets); run stays in training, because there
# is only one. The longer recordings are of movements that training does not have.
SPLIT: dict[Split, tuple[str, ...]] = {
    "train": (
        "walk_forward",
        "walk_turn_left0",
        "walk_turn_right1",
        "run",
        "dance_a",
        "kick",
        "spin",
        "spinkick",
        "crawl",
        "getup_facedown",
        "getup_faceup",
        "roll",
        "cartwheel",
        "backflip",
    ),
    "test": (
        "walk",  # walk_forward
        "walk_turn_left1",  # walk_turn_left0
        "walk_turn_right0",  # walk_turn_right1 and the other walks
        "dance_b",  # dance_a, spin
        "jump",  # the upright frames of backflip, spin and getup_faceup
        "punch",  # the guard of kick, the bent arms of run
        *(f"cmu_01_03/{i:02d}" for i in range(9)),  # walks, climbs, hangs from a bar and swings
    ),
    "val": (
        *(f"cmu_01_01/{i:02d}" for i in range(6)),  # jumps forwards
        *(f"boxing/{i:02d}" for i in range(7)),
    ),
}

_MAX_FRAMES = 10_000  # per clip; a bigger array is not ours


class Clip(NamedTuple):
    """One motion. ``poses`` (T, 24, 3) axis-angle, ``trans`` (T, 3) root position in m, y up."""

    name: str
    poses: Array
    trans: Array
    fps: int
    kind: Kind


def _array(archive: zipfile.ZipFile, file: np.lib.npyio.NpzFile, key: str) -> NDArray[np.generic]:
    if key not in file.files:
        raise ValueError(f"{key} is missing")
    if archive.getinfo(f"{key}.npy").file_size > _MAX_FRAMES * 24 * 3 * 4:
        raise ValueError(f"{key} is too large")
    return cast("NDArray[np.generic]", file[key])


def _clip(archive: zipfile.ZipFile, file: np.lib.npyio.NpzFile, name: str, kind: str) -> Clip:
    poses = _array(archive, file, f"{name}/poses")
    trans = _array(archive, file, f"{name}/trans")
    if kind not in ("everyday", "sport", "acrobatic"):
        raise ValueError(f"{name} is of the unknown kind {kind!r}")
    if poses.dtype.kind != "f" or poses.ndim != 3 or poses.shape[1:] != (24, 3) or len(poses) < 2:
        raise ValueError(f"{name}/poses is {poses.dtype} {poses.shape}, not float (T, 24, 3)")
    if trans.dtype.kind != "f" or trans.shape != (len(poses), 3):
        raise ValueError(f"{name}/trans is {trans.dtype} {trans.shape}, not float (T, 3)")
    if not (np.isfinite(poses).all() and np.isfinite(trans).all()):
        raise ValueError(f"{name} has a value that is not finite")
    if np.linalg.norm(poses.astype(np.float64), axis=-1).max() > np.pi + 0.01:
        raise ValueError(f"{name} has a rotation of more than half a turn")
    return Clip(
        name,
        poses.astype(np.float32),
        trans.astype(np.float32),
        FPS,
        cast("Kind", kind),
    )


def load_motions(path: str | os.PathLike[str] | None = None) -> dict[str, Clip]:
    """All clips by name, in the file's order (the shipped file when ``path`` is None).

    Raises:
        RscError: the file is missing, damaged, or not of this format.
    """
    if path is None:
        check_shipped(ASSET.name)
    path = ASSET if path is None else Path(path)
    try:
        with (
            zipfile.ZipFile(path) as archive,
            np.load(path, allow_pickle=False) as file,
        ):
            raw = _array(archive, file, "metadata")
            if raw.dtype != np.uint8 or raw.ndim != 1:
                raise ValueError("its metadata are not text")
            metadata = json.loads(raw.tobytes().decode())
            if metadata["format"] != 1 or metadata["fps"] != FPS:
                raise ValueError("it is of another format or frame rate")
            if tuple(metadata["joints"]) != SMPL_NAMES:
                raise ValueError("its joints are in another order")
            clips = [_clip(archive, file, c["name"], c["kind"]) for c in metadata["clips"]]
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise RscError(
            f"cannot use the motion file {path}: {error}. Reinstall rsclib or rebuild the file with "
            "benchmarks/assets/build_motions.py."
        ) from error
    return {clip.name: clip for clip in clips}


@lru_cache(maxsize=1)
def shipped_motions() -> dict[str, Clip]:
    """The shipped clips, read once per process. Treat the arrays as read-only."""
    return load_motions()


def mirror_poses(poses: Array) -> Array:
    """Exchange left and right of poses (..., 24, 3): swap the joints, negate y and z."""
    flip = np.array([1.0, -1.0, -1.0], dtype=poses.dtype)
    return cast("Array", poses[..., SMPL_MIRROR, :] * flip)
