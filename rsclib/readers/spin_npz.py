"""SPIN's label files, ``dataset_extras/*.npz``: one form for eleven data sets.

Arrays of N people, of which a file has those that its data set knows:

.. code-block:: text

    imgname   (N,)        path below the data set's folder
    center    (N, 2)      of the person's box, pixels
    scale     (N,)        its side is 200 * scale pixels
    part      (N, 24, 3)  keypoints, pixels and a confidence (rsclib.skeleton.KEYPOINT_NAMES)
    S         (N, 24, 4)  the same points, metres from the pelvis, and a confidence
    pose      (N, 72)     axis-angle, the root in camera axes
    shape     (N, 10)     betas
    has_smpl  (N,)        whether pose and shape are known; absent where all are
    gender    (N,)        'm' or 'f' (3DPW)

``openpose`` is not read: the losses give it no weight.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsclib.errors import RscError
from rsclib.files.npz import read_npz
from rsclib.readers.found import Found

KEYS = (
    "imgname", "center", "scale", "part", "S", "pose", "shape", "has_smpl", "gender",
)  # fmt: skip
MOST = 2**32  # of a file, unpacked; Human3.6M's training file takes nearly 1 GB
# Label files by the name of their part: the folder of its pictures, and files of the same content.
PARTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "3dpw": ("3dpw", ("3dpw_test.npz",)),
    "h36m-p1": ("h36m", ("h36m_valid_protocol1.npz",)),
    "h36m-p2": ("h36m", ("h36m_valid_protocol2.npz",)),
    # SPIN releases the first name; its own script writes the second.
    "mpi-inf-3dhp": ("mpi_inf_3dhp", ("mpi_inf_3dhp_valid.npz", "mpi_inf_3dhp_test.npz")),
    "h36m-train": ("h36m", ("h36m_train_protocol1.npz", "h36m_train.npz")),
    "mpi-inf-3dhp-train": ("mpi_inf_3dhp", ("mpi_inf_3dhp_train.npz",)),
    "lsp-train": ("lsp", ("lsp_dataset_original_train.npz",)),
    "lsp-test": ("lsp", ("lsp_dataset_test.npz",)),
    "lspet": ("hr-lspet", ("hr-lspet_train.npz",)),
    "mpii": ("mpii", ("mpii_train.npz",)),
    "coco": ("coco", ("coco_2014_train.npz",)),
}
EXTRAS = "dataset_extras"


def label_file(root: Path, part: str) -> Path | None:
    """The label file of a part (a key of :data:`PARTS`), or None."""
    for name in PARTS[part][1]:
        if (root / EXTRAS / name).is_file():
            return root / EXTRAS / name
    return None


def read_part(root: Path, part: str) -> Found:
    """A part of :data:`PARTS`.

    Raises:
        RscError: its label file or pictures are missing, or the file is not of this form.
    """
    path = label_file(root, part)
    if path is None:
        names = " or ".join(PARTS[part][1])
        raise RscError(
            f"{part}: SPIN's label file was looked for in {root / EXTRAS}: {names} is not there "
            "(--data or RSC_DATA names the data root; rsc doctor says what is there)"
        )
    return read_spin_npz(path, root / PARTS[part][0], part).check_images()


def read_spin_npz(path: Path, root: Path, name: str | None = None) -> Found:
    """A label file whose pictures lie below ``root``.

    Raises:
        RscError: missing, damaged, or not of this form; a picture outside ``root``.
    """
    arrays = read_npz(path, KEYS, MOST)
    if lost := [key for key in ("imgname", "center", "scale") if key not in arrays]:
        raise RscError(f"{path} is not a label file of SPIN's form: it has no {', '.join(lost)}")
    try:
        images = [inside(text, path) for text in as_text(arrays["imgname"])]
        n = len(images)
        pose, gender = _numbers(arrays, "pose"), None
        if "gender" in arrays:
            # SPIN's own loader takes all that is not the text 'm' for a woman: also b'm'.
            gender = as_text(arrays["gender"])
            if odd := set(gender.tolist()) - {"m", "f"}:
                raise ValueError(f"gender is m or f, not {sorted(odd)[0]!r}")
        keypoints = _numbers(arrays, "part")
        has = arrays.get("has_smpl")
        return Found(
            name or path.stem, path, root, images, _required(arrays, "center"),
            200 * _required(arrays, "scale").reshape(n),
            np.zeros((n, 24, 3), np.float32) if keypoints is None else keypoints,
            clips_of(images), _numbers(arrays, "S"), pose, _numbers(arrays, "shape"),
            None if has is None else np.asarray(has, np.float32).reshape(n) > 0, gender,
        )  # fmt: skip
    except RscError:
        raise
    except (ValueError, TypeError) as error:
        raise RscError(f"{path} is not a label file of SPIN's form: {error}") from error


def as_text(values: NDArray[Any]) -> NDArray[np.str_]:
    """Names (N,) as text: Python 2 has written some files, with bytes.

    Raises:
        ValueError: they are neither.
    """
    if values.ndim != 1 or values.dtype.kind not in "US":
        raise ValueError(f"names are {values.dtype} {values.shape}, not a list of texts")
    return np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values  # type: ignore[no-any-return]


def inside(name: str, source: Path) -> str:
    """A path below the data set's folder, with / between its parts.

    Raises:
        RscError: it leads out of it.
    """
    plain = posixpath.normpath(str(name).replace("\\", "/"))
    if plain.startswith(("/", "..")) or ":" in plain or not plain.isprintable() or plain == ".":
        raise RscError(f"{source} names a picture outside the data set's folder: {name!r}")
    return plain


def clips_of(images: list[str]) -> NDArray[np.str_]:
    """The sequence of each picture, told by its path; pictures of one folder are single ones.

    Human3.6M's ``S9_Directions_1.54138969_000001.jpg`` is camera 54138969 of a recording; so is
    MPI-INF-3DHP's ``S1/Seq1/imageFrames/video_0/``. Elsewhere a folder is a recording.
    """
    folders = [posixpath.dirname(name) for name in images]
    several = len(set(folders)) > 1
    names = []
    for image, place in zip(images, folders, strict=True):
        stem = posixpath.splitext(posixpath.basename(image))[0]
        if m := re.fullmatch(r"(S\d+_.+)\.(\d{8})_\d+", stem):
            names.append(f"{m[1]}/{m[2]}")
        elif m := re.search(r"(S\d+)/(Seq\d+)/imageFrames/(video_\d+)$", place):
            names.append(f"{m[1]} {m[2]}/{m[3]}")
        else:
            parts = [p for p in place.split("/") if p not in _CONTAINERS]
            names.append(" ".join(parts) if several and parts else stem)
    return np.array(names)


_CONTAINERS = ("imageFiles", "images", "imageSequence", "mpi_inf_3dhp_test_set")


def _numbers(arrays: dict[str, Any], key: str) -> NDArray[np.float32] | None:
    value = arrays.get(key)
    if value is None:
        return None
    if value.dtype.kind not in "fiu":
        raise ValueError(f"{key} does not hold numbers")
    return np.asarray(value, np.float32)


def _required(arrays: dict[str, Any], key: str) -> NDArray[np.float32]:
    value = _numbers(arrays, key)
    assert value is not None
    return value
