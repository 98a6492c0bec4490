"""Which frames, truth, root and joints a published number means: evaluation protocols by name.

=========  ============================  ====================  =====================================
protocol   truth on 3DPW                 root                  joints
=========  ============================  ====================  =====================================
``spin``   the model of the person's     pelvis, row 0 of the  14; on MPI-INF-3DHP 17
           gender                        H36M regressor
``vibe``   the neutral model with the    middle of the hips    14
           same pose and betas
=========  ============================  ====================  =====================================

The paper's tables of images follow ``spin`` and its tables of videos ``vibe`` (Section 4.1); numbers
of the two are not comparable. On Human3.6M and MPI-INF-3DHP the truth is the marked points of either
(MPI-INF-3DHP's test set: ``univ_annot3``, never ``annot3``). Predictions come from the predictor's
own, neutral body.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from rsclib.body import Body, load_body
from rsclib.errors import RscError
from rsclib.files.body_files import Gender
from rsclib.geometry import axis_angle_to_rotmat
from rsclib.metrics import centre
from rsclib.people import Trial
from rsclib.readers import spin_npz
from rsclib.readers.found import Found
from rsclib.readers.mpi_inf_3dhp import read_test as read_3dhp_test
from rsclib.readers.pw3d import read_3dpw
from rsclib.readers.vibe_db import read_vibe_people
from rsclib.skeleton import KEYPOINTS_TO_J14, KEYPOINTS_TO_J17, MIDHIP

Name = Literal["spin", "vibe"]
PELVIS = 14  # row of the pelvis among the 24 keypoints
GENDERS: dict[str, Gender] = {"m": "male", "f": "female", "n": "neutral"}
BATCH = 256


@dataclass(frozen=True)
class Protocol:
    """See the head of this module. ``gendered`` truth; ``root`` rows of the joints, None: pelvis;
    ``joints`` on MPI-INF-3DHP."""

    gendered: bool
    root: tuple[int, ...] | None
    joints: int


PROTOCOLS: dict[Name, Protocol] = {
    "spin": Protocol(True, None, 17),
    "vibe": Protocol(False, MIDHIP, 14),
}


def _three_dpw(root: Path) -> Found:
    """SPIN's list of frames where it is there, else the owners' files, which give the same frames."""
    return (
        spin_npz.read_part(root, "3dpw") if spin_npz.label_file(root, "3dpw") else read_3dpw(root)
    )


def _three_dhp(root: Path) -> Found:
    if spin_npz.label_file(root, "mpi-inf-3dhp"):
        return spin_npz.read_part(root, "mpi-inf-3dhp")
    return read_3dhp_test(root)


# The licensed parts that can be scored.
PARTS: dict[str, Callable[[Path], Found]] = {
    "3dpw": _three_dpw,
    "h36m-p1": lambda root: spin_npz.read_part(root, "h36m-p1"),
    "h36m-p2": lambda root: spin_npz.read_part(root, "h36m-p2"),
    "mpi-inf-3dhp": _three_dhp,
}
# Pictures of a label file that is named by its path: of the part that it belongs to, told by its
# name, else beside it.
_HOMES = {file: home for home, files in spin_npz.PARTS.values() for file in files}


def is_licensed(part: str) -> bool:
    """Whether a part is one of :data:`PARTS`, or a file of labels."""
    return part in PARTS or part.endswith((".npz", "_db.pt"))


def read_part(part: str, root: Path | None) -> Found:
    """The people of a part of :data:`PARTS`, or of a label file: SPIN's npz or VIBE's ``_db.pt``.

    Args:
        root: the data root. Of a label file named by its path it may be None: its pictures then lie
            beside it, or where the paths in it say from there.

    Raises:
        RscError: no data root, or what it lacks.
    """
    if part in PARTS:
        if root is None:
            raise RscError(
                f"{part} is licensed data: name the folder it lies in with --data or RSC_DATA "
                "(rsc doctor says what is looked for)"
            )
        return PARTS[part](root)
    path = Path(part)
    if not path.is_file():
        raise RscError(f"there is no label file {path}; check the path")
    if path.name.endswith("_db.pt"):
        home = root if root is not None else path.parent
        return read_vibe_people(path, home).check_images()
    home = path.parent if root is None else root / _HOMES.get(path.name, "")
    return spin_npz.read_spin_npz(path, home).check_images()


def trial(
    found: Found, name: Name, smpl: Path | None, size: int, count: int | None = None
) -> tuple[Trial, dict[str, dict[str, str]]]:
    """What predictions are scored on.

    Args:
        smpl: folder of SMPL's models, for truth that is given as pose and betas.
        size: side of the crops, pixels. count: so many of the people, spread evenly; None: all.

    Returns:
        It, and the identity of each body that gave truth, by gender.

    Raises:
        RscError: no 3D truth, or a model of SMPL is missing.
    """
    protocol, found = PROTOCOLS[name], found.spread(count)
    bodies: dict[Gender, Body] = {}
    if found.points3d is not None and (found.points3d[..., 3] > 0).any():
        rows = KEYPOINTS_TO_J14
        if found.name == "mpi-inf-3dhp" and protocol.joints == 17:
            rows = KEYPOINTS_TO_J17
        truth = _marked(found, rows)
    else:
        truth = _posed(found, protocol, smpl, bodies)
    if protocol.root is not None:
        truth = centre(truth, protocol.root)
    called = f"{found.name} ({name})"
    identities = {str(gender): body.identity for gender, body in bodies.items()}
    return Trial(called, found.crops(size), truth, found.clip, protocol.root), identities


def _marked(found: Found, rows: tuple[int, ...]) -> Tensor:
    """Marked points (N, J, 3) from the pelvis, metres."""
    assert found.points3d is not None
    points = found.points3d
    needed = points[:, [*rows, PELVIS], 3] > 0
    if not needed.all():
        person = int(np.flatnonzero(~needed.all(1))[0])
        raise RscError(
            f"{found.source}: person {person} ({found.images[person]}) lacks a point that is scored; "
            "such a file is for training"
        )
    return torch.from_numpy(points[:, list(rows), :3] - points[:, [PELVIS], :3]).float()


def _posed(
    found: Found, protocol: Protocol, smpl: Path | None, bodies: dict[Gender, Body]
) -> Tensor:
    """Joints (N, 14, 3) of SMPL at the known pose and betas, from the pelvis, metres."""
    if found.pose is None or found.betas is None:
        raise RscError(f"{found.source} has no 3D truth to compare with; choose a test part")
    if found.has_smpl is not None and not found.has_smpl.all():
        raise RscError(
            f"{found.source}: not everybody's pose is known; such a file is for training"
        )
    if protocol.gendered and found.gender is None:
        raise RscError(
            f"{found.source} does not say whose model each person's pose belongs to, which protocol "
            "spin needs; --protocol vibe does not"
        )
    gender = np.full(len(found), "n")
    if protocol.gendered and found.gender is not None:
        gender = found.gender
    truth = torch.zeros(len(found), 14, 3)
    for letter in sorted(set(gender.tolist())):
        body = bodies[GENDERS[letter]] = _smpl(smpl, GENDERS[letter])
        chosen = torch.from_numpy(np.flatnonzero(gender == letter))
        for some in chosen.split(BATCH):
            pose = torch.from_numpy(found.pose[some.numpy()]).float().view(-1, 24, 3)
            betas = torch.from_numpy(found.betas[some.numpy()]).float()
            truth[some] = body.joints(axis_angle_to_rotmat(pose), betas).joints14
    return truth


def _smpl(folder: Path | None, gender: Gender) -> Body:
    """One of SMPL's models from a folder.

    Raises:
        RscError: no folder was named, or it has none of that gender.
    """
    if folder is None:
        raise RscError(
            f"the truth is the {gender} model of SMPL: name its folder with --body or RSC_SMPL"
        )
    if folder.is_file():
        folder = folder.parent  # the neutral model was named; the others lie beside it
    try:
        return load_body(folder, gender)
    except RscError as error:
        hint = ""
        if gender != "neutral":
            hint = ". Without gendered models use --protocol vibe: other numbers"
        raise RscError(
            f"truth of protocol spin or vibe needs SMPL ({gender}): {error}{hint}"
        ) from error
