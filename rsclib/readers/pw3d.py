"""3DPW as its owners give it: sequences filmed outdoors, one or two people each.

.. code-block:: text

    3dpw/sequenceFiles/test/downtown_arguing_00.pkl     (also train/ and validation/)
    3dpw/imageFiles/downtown_arguing_00/image_00000.jpg

A sequence file is a pickle of Python 2: ``sequence`` its name; for each person in a list ``poses``
(F, 72) axis-angle with the root in the world, ``betas`` (10 or more), ``poses2d`` (F, 3, 18) pixels
and confidence in COCO-18's order, ``campose_valid`` (F,), ``genders`` 'm' or 'f'; and for all
``cam_poses`` (F, 4, 4), world to camera.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import roma
import torch
from numpy.typing import NDArray

from rsclib.errors import RscError
from rsclib.files.nested_pickles import read_pickle
from rsclib.readers.found import Found, folder

Split = Literal["train", "validation", "test"]
# Rows of the 24 keypoints for COCO-18's points; its neck (1), the middle of the shoulders, is none.
_ROWS = (19, 8, 7, 6, 9, 10, 11, 2, 1, 0, 3, 4, 5, 21, 20, 23, 22)
_POINTS = (0, *range(2, 18))
MARGIN = 1.2  # of the square round the keypoints, as in SPIN


def read_3dpw(root: Path, split: Split = "test") -> Found:
    """The people of a split in frames where the camera is known (``campose_valid``), as SPIN takes
    them; frames in which nothing of the person was found have no box and are left out.

    Args:
        root: the data root.

    Raises:
        RscError: a folder or picture is missing, or a sequence file is damaged or of another form.
    """
    home = folder(root, "3dpw", "3DPW", f"sequenceFiles/{split}/*.pkl and imageFiles/ in it")
    paths = sorted((home / "sequenceFiles" / split).glob("*.pkl"))
    if not paths:
        raise RscError(
            f"3DPW: no sequence was found: {home / 'sequenceFiles' / split} has no .pkl file; "
            "unpack sequenceFiles.zip there"
        )
    parts = [part for path in paths for part in _people_of(path)]
    if not parts:
        raise RscError(f"3DPW: no frame of {home / 'sequenceFiles' / split} shows a known person")
    joined = {
        key: np.concatenate([part[key] for part in parts])
        for key in ("centre", "side", "keypoints", "pose", "betas", "gender", "clip")
    }
    images = [image for part in parts for image in part["images"]]
    return Found("3dpw", home / "sequenceFiles" / split, home, images, **joined).check_images()


def _people_of(path: Path) -> list[dict[str, Any]]:
    """Each person of a sequence: the fields of :class:`Found`."""
    content = read_pickle(path, "a sequence of 3DPW")
    try:
        name, people = str(content["sequence"]), len(content["poses"])
        if not name.isprintable() or "/" in name or "\\" in name or name.startswith("."):
            raise ValueError(f"{name[:40]!r} is not the name of a sequence")
        cameras = _array(content["cam_poses"], "cam_poses", (-1, 4, 4))
        found = []
        for person in range(people):
            pose = _array(content["poses"][person], "poses", (len(cameras), 72))
            points = _array(content["poses2d"][person], "poses2d", (len(cameras), 3, 18))
            betas = _array(content["betas"][person], "betas", (-1,))[:10]
            known = _array(content["campose_valid"][person], "campose_valid", (len(cameras),)) > 0
            gender = str(content["genders"][person])
            if gender not in ("m", "f") or len(betas) < 10:
                raise ValueError(f"person {person} has the gender {gender!r}, {len(betas)} betas")
            seen = (points[:, 2] > 0).sum(1) >= 2
            frames = np.flatnonzero(known & seen)
            if not len(frames):
                continue
            centre, side = _squares(points[frames])
            keep = side >= 1
            frames, centre, side = frames[keep], centre[keep], side[keep]
            found.append({
                "images": [f"imageFiles/{name}/image_{i:05d}.jpg" for i in frames],
                "centre": centre, "side": side, "keypoints": _keypoints(points[frames]),
                "pose": _in_camera(pose[frames], cameras[frames]),
                "betas": np.tile(betas, (len(frames), 1)),
                "gender": np.full(len(frames), gender),
                "clip": np.full(len(frames), f"{name}/{person}"),
            })  # fmt: skip
        return found
    except (KeyError, IndexError, ValueError, TypeError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise RscError(f"{path} is not a sequence of 3DPW: {reason}") from error


def _array(value: Any, key: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Finite numbers of a shape, in which -1 is any length."""
    array = np.asarray(value)
    fits = array.ndim == len(shape) and all(
        w in (-1, n) for w, n in zip(shape, array.shape, strict=True)
    )
    if array.dtype.kind not in "fiub" or not fits or not np.isfinite(array).all():
        raise ValueError(f"{key} is {array.dtype} {array.shape}, not finite numbers {shape}")
    return array.astype(np.float32)


def _squares(points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Centre (F, 2) and side (F,) of the square round the seen points (F, 3, 18)."""
    seen = points[:, None, 2] > 0
    low = np.where(seen, points[:, :2], np.inf).min(2)
    high = np.where(seen, points[:, :2], -np.inf).max(2)
    side = MARGIN * (high - low).max(1)
    return ((low + high) / 2).astype(np.float32), side.astype(np.float32)


def _keypoints(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The 24 keypoints (F, 24, 3) as far as COCO-18 (F, 3, 18) has them."""
    out = np.zeros((len(points), 24, 3), np.float32)
    out[:, _ROWS] = points[:, :, _POINTS].transpose(0, 2, 1)
    return out


def _in_camera(pose: NDArray[np.float32], cameras: NDArray[np.float32]) -> NDArray[np.float32]:
    """Poses (F, 72) with the root turned from the world into the camera: R_cam R_root."""
    root = roma.rotvec_to_rotmat(torch.from_numpy(pose[:, :3]).double())
    turned = torch.from_numpy(cameras[:, :3, :3]).double() @ root
    out = pose.copy()
    out[:, :3] = roma.rotmat_to_rotvec(turned).float().numpy()
    return out
