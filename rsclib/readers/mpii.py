"""MPII Human Pose: people of everyday life, 16 points each.

.. code-block:: text

    mpii/mpii_human_pose_v1_u12_1.mat
    mpii/images/015601864.jpg

The file is one structure, ``RELEASE``: ``img_train`` (F,) and ``annolist`` (F,) with ``image.name``
and, for each person, ``annorect`` with ``scale`` (of 200 pixels), ``objpos`` and ``annopoints.point``
(``id`` 0 to 15, ``x``, ``y``). As in SPIN, training people of whom all 16 points are marked, in the
square that the annotation gives.
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
from rsclib.readers.spin_npz import inside

ROWS = (0, 1, 2, 3, 4, 5, 14, 15, 12, 13, 6, 7, 8, 9, 10, 11)  # of the keypoints, for MPII's 16
LABELS = "mpii_human_pose_v1_u12_1.mat"


def read_mpii(root: Path) -> Found:
    """The training people.

    Raises:
        RscError: the folder, labels or pictures are missing, or of another form.
    """
    home = folder(root, "mpii", "MPII", f"images/ and {LABELS} in it")
    path = file(home / LABELS, "MPII's labels")
    release = read_mat(path, ("RELEASE",))["RELEASE"]
    try:
        people = list(_people(release))
        names = [inside(f"images/{name}", path) for name, *_ in people]
    except (AttributeError, ValueError, TypeError, IndexError, OverflowError) as error:
        if isinstance(error, RscError):
            raise
        raise RscError(f"{path} is not MPII's label file: {error}") from error
    if not people:
        raise RscError(f"{path} has no training people with all 16 points")
    keypoints = np.zeros((len(people), 24, 3), np.float32)
    keypoints[:, ROWS, :2] = np.stack([points for _, _, _, points in people])
    keypoints[:, ROWS, 2] = 1
    centre = np.array([c for _, c, _, _ in people], np.float32)
    side = np.array([200 * scale for _, _, scale, _ in people], np.float32)
    clips = np.array([Path(name).stem for name in names])
    return Found("mpii", path, home, names, centre, side, keypoints, clips).check_images()


def _people(
    release: Any,
) -> Iterator[tuple[str, tuple[float, float], float, NDArray[np.float32]]]:
    """Picture, place, scale and points (16, 2) of each person."""
    pictures, training = np.atleast_1d(release.annolist), np.atleast_1d(release.img_train)
    if len(pictures) != len(training):
        raise ValueError(f"{len(pictures)} pictures, but {len(training)} marks of training")
    for picture, trained in zip(pictures, training, strict=True):
        if not trained:
            continue
        for person in np.atleast_1d(picture.annorect):
            points = getattr(getattr(person, "annopoints", None), "point", None)
            if points is None or not np.size(getattr(person, "scale", ())):
                continue  # a head only
            marked = {int(p.id): (float(p.x), float(p.y)) for p in np.atleast_1d(points)}
            if set(marked) != set(range(16)):
                continue
            place = (float(person.objpos.x), float(person.objpos.y))
            xy = np.array([marked[i] for i in range(16)], np.float32)
            yield str(picture.image.name), place, float(person.scale), xy
