"""Find, read and check the files of a body model; :mod:`rsclib.body` does the rest.

Two layouts are read: SMPL's own (``SMPL_NEUTRAL.pkl`` or the same arrays as npz, with SPIN's two
regressors beside it) and the packed ``open_body.npz`` that ships with this package.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp

from rsclib.errors import RscError
from rsclib.files.npz import is_file, read_npy, read_npz
from rsclib.files.pickles import load_smpl_pickle
from rsclib.files.shipped import ASSETS, check_shipped

OPEN_BODY = ASSETS / "open_body.npz"
VERTICES, FACES, JOINTS, BETAS = 6890, 13776, 24, 10
POSE_BASIS = 9 * (JOINTS - 1)

_SHAPES: dict[str, tuple[int, ...]] = {
    "v_template": (VERTICES, 3),
    "weights": (VERTICES, JOINTS),
    "J_regressor": (JOINTS, VERTICES),
    "J_regressor_extra": (9, VERTICES),
    "J_regressor_h36m": (17, VERTICES),
    "kintree_table": (2, JOINTS),
    "f": (FACES, 3),
}
_BESIDE = {
    "J_regressor_extra.npy": "the nine extra training joints (9, 6890)",
    "J_regressor_h36m.npy": "the joints that every table scores (17, 6890)",
}
Gender = Literal["neutral", "male", "female"]


def smpl_files(gender: Gender) -> tuple[str, ...]:
    """What SMPL's model is called in smplx and SPIN, and by its authors; in the order of choice."""
    short = gender if gender == "neutral" else gender[0]
    old = "model" if gender == "male" else "Model"  # as that release spells them
    return (
        f"SMPL_{gender.upper()}.pkl",
        f"SMPL_{gender.upper()}.npz",
        f"basicmodel_{short}_lbs_10_207_0_v1.1.0.pkl",
        f"basic{old}_{short}_lbs_10_207_0_v1.0.0.pkl",
    )


SMPL_FILES = smpl_files("neutral")
ARRAYS = (*_SHAPES, "shapedirs", "posedirs")
# The body of every model file that does not name one: it was the only one when they were written.
FIRST_BODY = {"name": "open", "digest": "b34acd185f4311d5"}


def digest_of(arrays: Mapping[str, Any]) -> str:
    """16 hex digits of a SHA-256 of the checked arrays that make a body's function.

    The same for one model as pickle and as npz: of the shape space only the components in use
    count, of the tree only the parents, and zeros have no sign.
    """
    total = hashlib.sha256()
    for key in sorted(ARRAYS):
        value = arrays[key][0] if key == "kintree_table" else arrays[key]
        value = value[..., :BETAS] if key == "shapedirs" else value
        kind = "<i8" if value.dtype.kind == "i" else "<f4"
        total.update(f"{key} {value.shape}\n".encode())
        total.update(np.ascontiguousarray(value + 0, kind).tobytes())  # -0.0 + 0 is 0.0
    return total.hexdigest()[:16]


def read_body(
    path: str | os.PathLike[str], gender: Gender = "neutral"
) -> tuple[dict[str, Any], str]:
    """The checked arrays of a body model and its name, "open" or "smpl".

    Args:
        path: a SMPL pickle or npz, a folder where :func:`find_smpl` finds one, or an open body's
            npz. SPIN's two regressors lie beside the model or in the folder.
        gender: which model to look for in a folder.

    Raises:
        RscError: a file is missing, damaged or of a wrong shape; a pickle holds more than arrays.
    """
    given = Path(path)
    file = find_smpl(given, gender) if os.path.isdir(given) else given
    if not is_file(file):
        raise RscError(
            f"there is no body model at {file}. Check the path that --body or RSC_SMPL names."
        )
    if file == OPEN_BODY:
        check_shipped(OPEN_BODY.name)
    arrays = load_smpl_pickle(file) if file.suffix == ".pkl" else read_npz(file)
    if "weights_255" in arrays:
        return _checked(_unpack_open(arrays, file), file), "open"
    for name, use in _BESIDE.items():
        beside = file.parent / name
        places = [p for p in (beside, given / name) if is_file(p)]
        if not places:
            other = f" (or {given / name})" if file.parent != given != file else ""
            raise RscError(
                f"{beside}{other} is missing: it gives {use}. SPIN's data archive has it."
            )
        arrays[beside.stem] = read_npy(places[0])
    return _checked(arrays, file), "smpl"


def find_smpl(folder: Path, gender: Gender = "neutral") -> Path:
    """The model in a folder or at most two below it, as the archives of SMPL and SPIN unpack.

    Of several the one nearest to ``folder``, then the first by the order of :func:`smpl_files`,
    then by the folder's name.

    Raises:
        RscError: there is none.
    """
    for below in ("", "*/", "*/*/"):
        for name in smpl_files(gender):
            if found := sorted(p for p in folder.glob(below + name) if is_file(p)):
                return found[0]
    raise RscError(
        f"{folder} holds no SMPL model: none of {', '.join(smpl_files(gender))} is there or up to two "
        "folders below. Put the model there, or name its file."
    )


def _unpack_open(packed: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Undo the packing of ``open_body.npz``: sparse rows, weights in 1/255, UVs in 1/65535."""
    try:
        if odd := [k for k, v in packed.items() if not isinstance(v, np.ndarray)]:
            raise ValueError(f"{odd[0]!r} is not an array")
        arrays = {
            key: packed[key] for key in ("v_template", "shapedirs", "f", "uv_faces", "mirror")
        }
        arrays["uv"] = packed["uv"].astype(np.float32) / 65535
        arrays["posedirs"] = np.zeros((VERTICES, 3, POSE_BASIS), np.float32)
        # Slots that are not used name a joint too, never twice the same and with weight zero.
        arrays["weights"] = np.zeros((VERTICES, JOINTS), np.float32)
        if packed["uv"].ndim != 2 or not np.isfinite(packed["uv"]).all():
            raise ValueError("uv is not (T, 2) finite numbers")
        shares = packed["weights_255"].astype(np.float32) / 255
        np.put_along_axis(arrays["weights"], packed["weights_joint"].astype(np.int64), shares, 1)
        parents = packed["parents"].astype(np.int64)
        arrays["kintree_table"] = np.stack([parents, np.arange(len(parents))])
        for key, rows in (
            ("J_regressor", JOINTS),
            ("J_regressor_extra", 9),
            ("J_regressor_h36m", 17),
        ):
            entry = [packed[f"{key}_{part}"] for part in ("val", "row", "col")]
            matrix = np.zeros((rows, VERTICES), np.float32)
            matrix[entry[1], entry[2]] = entry[0]
            arrays[key] = matrix
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise RscError(f"{path} is a damaged open body ({error}). Get the file again.") from error
    return arrays


def _checked(arrays: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The arrays of a SMPL file as dense, finite float32 or int64 of SMPL's shapes.

    Raises:
        RscError: an array is missing or of a wrong shape, holds NaN, or points past the end.
    """
    dirs: tuple[int, ...] = getattr(arrays.get("shapedirs"), "shape", ())
    count = max(dirs[-1], BETAS) if len(dirs) == 3 else BETAS
    wanted = _SHAPES | {
        "shapedirs": (VERTICES, 3, count),
        "posedirs": (VERTICES, 3, POSE_BASIS),
    }
    checked: dict[str, Any] = {key: arrays.get(key) for key in ("uv", "uv_faces", "mirror")}
    for key, value in checked.items():
        if value is not None and (type(value) is not np.ndarray or value.ndim == 0):
            raise RscError(f"{path}: {key} is not an array of numbers.")
    for key, shape in wanted.items():
        if key not in arrays:
            raise RscError(f"{path} is not a body model of SMPL's layout: it has no {key}.")
        value = arrays[key]
        sparse = bool(sp.issparse(value))
        if not sparse and type(value) is not np.ndarray:
            raise RscError(f"{path}: {key} is a {type(value).__name__}, not an array.")
        if value.shape != shape:  # before a sparse one is made dense: it may claim any size
            raise RscError(f"{path}: {key} has shape {value.shape} instead of {shape}.")
        value = value.toarray() if sparse else value
        if value.dtype.kind not in "fiu" or not np.isfinite(value).all():
            raise RscError(f"{path}: {key} does not hold finite numbers.")
        whole = key in ("f", "kintree_table")
        if np.abs(value.astype(np.float64)).max() > (2**53 if whole else 1e30):
            raise RscError(f"{path}: {key} holds numbers that are too large.")
        checked[key] = value.astype(np.int64 if whole else np.float32)
    parents = checked["kintree_table"][0]
    parents[0] = -1  # SMPL's own file has 2**32 - 1
    if (parents[1:] < 0).any() or (parents[1:] >= np.arange(1, JOINTS)).any():
        raise RscError(f"{path}: kintree_table is not a tree with parents before children.")
    sums = checked["weights"].sum(1)
    if np.abs(sums - 1).max() > 1e-3:
        raise RscError(f"{path}: the skinning weights of a vertex do not sum to one.")
    limits: dict[str, tuple[int, tuple[int, ...]]] = {"f": (VERTICES, (FACES, 3))}
    if checked["uv"] is not None:
        limits["uv_faces"] = (len(checked["uv"]), (FACES, 3))
    if checked["mirror"] is not None:
        limits["mirror"] = (VERTICES, (VERTICES,))
    for key, (limit, shape) in limits.items():
        value = checked[key]
        if value is None or (value.dtype.kind not in "iu" and key != "f"):
            raise RscError(f"{path}: {key} does not hold indices.")
        if np.shape(value) != shape or np.min(value) < 0 or np.max(value) >= limit:
            raise RscError(f"{path}: {key} is not {shape} indices below {limit}.")
        checked[key] = np.asarray(value).astype(np.int64)
    return checked
