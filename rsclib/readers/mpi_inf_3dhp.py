"""MPI-INF-3DHP as its owners give it: eight people before eight cameras, and a test set of six.

.. code-block:: text

    mpi_inf_3dhp/S1/Seq1/annot.mat                              (MATLAB 5)
    mpi_inf_3dhp/S1/Seq1/imageFrames/video_0/frame_000001.jpg
    mpi_inf_3dhp/mpi_inf_3dhp_test_set/TS1/annot_data.mat       (MATLAB 7.3, HDF5: needs h5py)
    mpi_inf_3dhp/mpi_inf_3dhp_test_set/TS1/imageSequence/img_000001.jpg

Training: cells ``annot2`` (F, 56) pixels and ``annot3`` (F, 84) millimetres in camera axes, one a
camera, of which 0-2 and 4-8 are used and every tenth frame. Test: ``annot2`` (F, 1, 17, 2),
``univ_annot3`` (F, 1, 17, 3) and ``valid_frame``; the universal points, not ``annot3``: with the
latter published numbers come out 20 mm too high. There are no pictures among the videos: they are to
be extracted, numbered from 1 with six digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsclib.errors import RscError
from rsclib.files.matlab import read_mat
from rsclib.readers.found import Found, file, folder

CAMERAS = (0, 1, 2, 4, 5, 6, 7, 8)
EVERY = 10
MARGIN = 1.2
SIDE = 2048  # pixels of the training pictures, which are square
# Points of the 28 of training and of the 17 of the test set, and the keypoint rows that they are.
TRAIN_17 = (4, 18, 19, 20, 23, 24, 25, 3, 5, 6, 7, 9, 10, 11, 14, 15, 16)
TEST_17 = (14, 11, 12, 13, 8, 9, 10, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4)
ROWS = (14, 3, 4, 5, 2, 1, 0, 16, 12, 17, 18, 9, 10, 11, 8, 7, 6)
Floats = NDArray[np.float32]


def read_train(root: Path) -> Found:
    """Training people with 2D and 3D points.

    Raises:
        RscError: the folder, labels or pictures are missing, or of another form.
    """
    home = folder(root, "mpi_inf_3dhp", "MPI-INF-3DHP", "S1/Seq1/annot.mat in it")
    parts = [p for path in sorted(home.glob("S[1-8]/Seq[12]/annot.mat")) for p in _views(path)]
    if not parts:
        raise RscError(f"MPI-INF-3DHP: {home} has no S1/Seq1/annot.mat with people in view")
    return _found("mpi-inf-3dhp-train", home, home, parts).check_images()


def read_test(root: Path) -> Found:
    """The test people, frames where all points lie in the picture, as SPIN takes them.

    Raises:
        RscError: the folder, labels or pictures are missing, or of another form; h5py is missing.
    """
    home = folder(root, "mpi_inf_3dhp", "MPI-INF-3DHP", "mpi_inf_3dhp_test_set/TS1/ in it")
    test = home / "mpi_inf_3dhp_test_set"
    parts = []
    for number in range(1, 7):
        path = file(test / f"TS{number}/annot_data.mat", "MPI-INF-3DHP's test labels")
        parts.append(_test_subject(path, f"mpi_inf_3dhp_test_set/TS{number}"))
    return _found("mpi-inf-3dhp", test, home, parts).check_images()


def _found(name: str, source: Path, home: Path, parts: list[dict[str, Any]]) -> Found:
    keys = ("centre", "side", "keypoints", "points3d", "clip")
    joined = {key: np.concatenate([part[key] for part in parts]) for key in keys}
    return Found(name, source, home, [i for part in parts for i in part["images"]], **joined)


def _views(path: Path) -> Iterator[dict[str, Any]]:
    """Each camera of a sequence."""
    mat = read_mat(path, ("annot2", "annot3"))
    try:
        cells2, cells3 = np.ravel(mat["annot2"]), np.ravel(mat["annot3"])
        sequence = path.parent.relative_to(path.parents[2]).as_posix()
        for camera in CAMERAS:
            if camera >= len(cells2):
                continue
            xy = _shaped(cells2[camera], (28, 2))[:, TRAIN_17]
            xyz = _shaped(cells3[camera], (28, 3))[:, TRAIN_17] / np.float32(1000)
            frames = np.arange(0, len(xy), EVERY)
            inside = ((xy[frames] >= 0) & (xy[frames] < SIDE)).all((1, 2))
            frames = frames[inside]
            if len(frames):
                names = [
                    f"{sequence}/imageFrames/video_{camera}/frame_{i + 1:06d}.jpg" for i in frames
                ]
                clip = f"{sequence.replace('/', ' ')}/video_{camera}"
                yield _people(xy[frames], xyz[frames], names, clip)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise RscError(f"{path} is not a label file of MPI-INF-3DHP: {error}") from error


def _test_subject(path: Path, place: str) -> dict[str, Any]:
    arrays = _hdf5(path, ("annot2", "univ_annot3", "valid_frame"))
    try:
        xy = _shaped(arrays["annot2"], (17, 2))[:, TEST_17]
        xyz = _shaped(arrays["univ_annot3"], (17, 3))[:, TEST_17] / np.float32(1000)
        valid = np.ravel(arrays["valid_frame"]) > 0
        # TS1 to TS4 are 2048 pixels square, TS5 and TS6 1920 x 1080.
        width, height = (SIDE, SIDE) if place[-1] in "1234" else (1920, 1080)
        inside = ((xy >= 0) & (xy < (width, height))).all((1, 2))
        frames = np.flatnonzero(valid & inside)
        names = [f"{place}/imageSequence/img_{i + 1:06d}.jpg" for i in frames]
        return _people(xy[frames], xyz[frames], names, place.rpartition("/")[2])
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise RscError(f"{path} is not a label file of MPI-INF-3DHP: {error}") from error


def _shaped(value: Any, shape: tuple[int, int]) -> Floats:
    """Points (F, J, 2 or 3) of rows that hold them in any nesting."""
    array = np.asarray(value, np.float32)
    if not array.size or array.size % (shape[0] * shape[1]):
        raise ValueError(f"{array.shape} are no points (F, {shape[0]}, {shape[1]})")
    return array.reshape(-1, *shape)


def _people(xy: Floats, xyz: Floats, images: list[str], clip: str) -> dict[str, Any]:
    """Frames (F, 17, 2 or 3) as fields of :class:`Found`; 3D from the pelvis."""
    n = len(xy)
    keypoints, points3d = np.zeros((n, 24, 3), np.float32), np.zeros((n, 24, 4), np.float32)
    keypoints[:, ROWS, :2], keypoints[:, ROWS, 2] = xy, 1
    points3d[:, ROWS, :3], points3d[:, ROWS, 3] = xyz - xyz[:, :1], 1
    low, high = xy.min(1), xy.max(1)
    return {
        "images": images, "centre": (low + high) / 2, "side": MARGIN * (high - low).max(1),
        "keypoints": keypoints, "points3d": points3d, "clip": np.full(n, clip),
    }  # fmt: skip


def _hdf5(path: Path, keys: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Arrays of a file of MATLAB 7.3, in Python's order of axes as h5py gives them.

    Raises:
        RscError: h5py is not installed, or the file is damaged.
    """
    try:
        import h5py
    except ImportError as error:
        raise RscError(
            f"{path} is HDF5: install h5py to read it, or put SPIN's mpi_inf_3dhp_valid.npz into "
            "dataset_extras/"
        ) from error
    try:
        with h5py.File(path, "r") as content:
            if sum(content[key].nbytes for key in keys) > 2**30:
                raise ValueError("its arrays are larger than 1 GB")
            return {key: np.asarray(content[key]) for key in keys}
    except Exception as error:  # a malformed file can raise almost anything
        raise RscError(f"cannot read {path}: {error}; get it again") from error
