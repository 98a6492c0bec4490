"""AMASS: motion capture as SMPL's poses, for priors and as motions to render.

.. code-block:: text

    amass/CMU/01/01_01_poses.npz        (any folders; *shape.npz has no motion and is left out)

Each file has ``poses`` (F, 156) of SMPL-H or (F, 165) of SMPL-X, axis-angle; ``trans`` (F, 3) metres;
``mocap_framerate`` (or ``mocap_frame_rate``). Its world has z up; here, as everywhere, y is up. Of the
hands SMPL's two joints are the first joints of the index fingers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import roma
import torch
from numpy.typing import NDArray

from rsclib.errors import RscError
from rsclib.files.npz import read_npz
from rsclib.readers.found import folder

FPS = 30
BODY = tuple(range(22))
HANDS = {156: (22, 37), 165: (25, 40)}  # by the width of poses
SHORTEST = 60  # frames of a motion, as in VIBE
_Y_UP = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], np.float64)  # z of AMASS becomes y


class Motion(NamedTuple):
    """``poses`` (T, 24, 3) axis-angle, ``trans`` (T, 3) root position in m, y up, at ``fps``."""

    name: str
    poses: NDArray[np.float32]
    trans: NDArray[np.float32]
    fps: int


def motion_files(root: Path, subset: str = "*") -> list[Path]:
    """The motions of a subset, e.g. "CMU", sorted.

    Raises:
        RscError: the folder is missing, or has none.
    """
    home = folder(root, "amass", "AMASS", "CMU/01/01_01_poses.npz in it")
    paths = sorted(p for p in home.glob(f"{subset}/**/*.npz") if not p.name.endswith("shape.npz"))
    if not paths:
        raise RscError(f"AMASS: no motion was found: {home}/{subset}/**/*.npz was looked for")
    return paths


def read_motions(root: Path, subset: str = "*") -> Iterator[Motion]:
    """The motions of a subset that are long enough, one after the other.

    Raises:
        RscError: as :func:`motion_files` and :func:`read_motion`.
    """
    home = root / "amass"
    for path in motion_files(root, subset):
        motion = read_motion(path, path.relative_to(home).with_suffix("").as_posix())
        if len(motion.poses) >= SHORTEST:
            yield motion


def read_motion(path: Path, name: str) -> Motion:
    """A motion at 30 frames a second: the nearest frame of the recording to each.

    Raises:
        RscError: missing, damaged, or of another form.
    """
    arrays = read_npz(path, ("poses", "trans", "mocap_framerate", "mocap_frame_rate"))
    rate_of = arrays.get("mocap_framerate", arrays.get("mocap_frame_rate"))
    try:
        if rate_of is None:
            raise ValueError("it does not say its frame rate")
        poses, trans, rate = arrays["poses"], arrays["trans"], float(rate_of)
        hands = HANDS.get(poses.shape[1] if poses.ndim == 2 else 0)
        if hands is None or poses.dtype.kind != "f" or not len(poses):
            raise ValueError(f"poses is {poses.dtype} {poses.shape}, not (F, 156) or (F, 165)")
        if trans.dtype.kind != "f" or trans.shape != (len(poses), 3) or not 1 <= rate <= 1000:
            raise ValueError(f"trans is {trans.dtype} {trans.shape}, at {rate:g} frames a second")
        if not (np.isfinite(poses).all() and np.isfinite(trans).all()):
            raise ValueError("it has numbers that are not finite")
    except (KeyError, ValueError, TypeError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise RscError(f"{path} is not a motion of AMASS: {reason}") from error
    count = max(1, int(len(poses) * FPS / rate))
    frames = np.minimum(np.rint(np.arange(count) * rate / FPS).astype(np.intp), len(poses) - 1)
    body = poses[frames].reshape(count, -1, 3)[:, [*BODY, *hands]].astype(np.float64)
    turned = torch.from_numpy(_Y_UP) @ roma.rotvec_to_rotmat(torch.from_numpy(body[:, 0]))
    body[:, 0] = roma.rotmat_to_rotvec(turned).numpy()
    moved = trans[frames].astype(np.float64) @ _Y_UP.T
    return Motion(name, body.astype(np.float32), moved.astype(np.float32), FPS)
