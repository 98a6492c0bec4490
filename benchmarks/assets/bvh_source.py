"""Motion capture in the BVH format → SMPL's 24 joints at 30 fps, cut into clips.

The files come with Debian's package of assimp's test models; nothing of it is installed or run:

    apt-get download assimp-testmodels
    dpkg-deb --extract assimp-testmodels_*.deb models

A BVH file has a skeleton (each joint's offset from its parent and the names of its channels) and
one line of numbers a frame. Frames of both skeletons: y up, the body faces +z, its left is +x.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from rsclib.errors import RscError
from rsclib.files.atomic import sha256
from rsclib.openbench.motions import FPS
from rsclib.skeleton import SMPL_NAMES

HOW_TO_GET = "apt-get download assimp-testmodels; dpkg-deb --extract assimp-testmodels_*.deb models"
FOLDER = "usr/share/assimp/models/BVH"  # in the package

Floats = NDArray[np.float64]

# The parent of each joint of SMPL, in the order of SMPL_NAMES.
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)

# Which joint of the source turns each of SMPL's; hands have none, nor has a joint left out here.
_CMU = {
    "pelvis": "Hips", "spine1": "LowerBack", "spine2": "Spine", "spine3": "Spine1",
    "neck": "Neck1", "head": "Head",
    "{}_hip": "{}UpLeg", "{}_knee": "{}Leg", "{}_ankle": "{}Foot", "{}_foot": "{}ToeBase",
    "{}_collar": "{}Shoulder", "{}_shoulder": "{}Arm", "{}_elbow": "{}ForeArm", "{}_wrist": "{}Hand",
}  # fmt: skip
_BOXER = {
    "pelvis": "Hips", "spine1": "Ab", "spine3": "Chest", "neck": "Neck", "head": "Head",
    "{}_hip": "{}Hip", "{}_knee": "{}Knee", "{}_ankle": "{}Ankle", "{}_foot": "{}Toes",
    "{}_collar": "{}Collar", "{}_shoulder": "{}Shoulder", "{}_elbow": "{}Elbow", "{}_wrist": "{}Wrist",
}  # fmt: skip


@dataclass(frozen=True)
class Recording:
    """One file, and how it becomes clips.

    Attributes:
        name: of the recording; its clips are ``name/00``, ``name/01``, …
        joints: SMPL's joint → the file's, ``{}`` for the side.
        metres: one unit of the file, in metres (CMU's is an inch / 0.45).
        t_pose: its first frame is a T-pose, which is dropped; else its T-pose has no rotations.
        kinds: of each clip, what more than half of it is; their number is that of equal pieces.
    """

    name: str
    file: str
    sha256: str
    joints: dict[str, str]
    metres: float
    t_pose: bool
    kinds: tuple[str, ...]


RECORDINGS = (
    Recording(
        "cmu_01_01", "01_01.bvh",
        "1d9ee909452ee62784306545cf1fcd634243db1173e0c90cecbed793e50361a8",
        _CMU, 0.0254 / 0.45, True, ("sport",) * 6,
    ),
    Recording(
        "cmu_01_03", "01_03.bvh",
        "72d3f37de5af9adfc228dda72422cadb8cfc58d1cd8336076241ba115715c87c",
        _CMU, 0.0254 / 0.45, True, ("everyday", *("sport",) * 7, "everyday"),
    ),
    Recording(
        "boxing", "Boxing_Toes.bvh",
        "ad81c1e3bb2349cb8ea5ac5d753b8a199fce9182bf9015bcc45c2f0414bc99af",
        _BOXER, 0.01, False, (*("sport",) * 5, "acrobatic", "acrobatic"),
    ),
)  # fmt: skip


class Motion(NamedTuple):
    """A BVH file. ``parents`` (J,), −1 for the root; ``offsets`` (J, 3); ``turns``: rotations (T, 3, 3)
    of each joint against its parent; ``root`` (T, 3) its positions; ``fps``."""

    names: list[str]
    parents: list[int]
    offsets: Floats
    turns: list[Floats]
    root: Floats
    fps: float


def read(text: str) -> Motion:
    """Parse a BVH file. End sites, which never turn, are left out.

    Raises:
        ValueError: it is none.
    """
    head, found, tail = text.partition("MOTION")
    if not found:
        raise ValueError("it has no MOTION")
    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    channels: list[list[str]] = []
    open_joints: list[int] = []  # −1 for an end site
    words = iter(head.split())
    for word in words:
        if word in ("ROOT", "JOINT"):
            names.append(next(words))
            parents.append(open_joints[-1] if open_joints else -1)
        elif word == "End":
            next(words)
        elif word == "{":
            is_joint = len(names) > len(offsets)
            open_joints.append(len(names) - 1 if is_joint else -1)
        elif word == "}":
            open_joints.pop()
        elif word == "OFFSET":
            offset = [float(next(words)) for _ in range(3)]
            if open_joints[-1] >= 0:
                offsets.append(offset)
        elif word == "CHANNELS":
            channels.append([next(words) for _ in range(int(next(words)))])
    lines = tail.strip().splitlines()
    seconds = float(lines[1].partition(":")[2])
    frames = np.array([line.split() for line in lines[2:] if line.strip()], dtype=np.float64)
    if frames.shape[1] != sum(map(len, channels)) or not np.isfinite(frames).all():
        raise ValueError("its frames do not fit its channels")
    turns, column = [], 0
    for names_of in channels:
        values = frames[:, column : column + len(names_of)]
        column += len(names_of)
        axes = "".join(n[0] for n in names_of if n.endswith("rotation"))
        angles = values[:, [n.endswith("rotation") for n in names_of]]
        # Capital letters: about axes that turn along, in the order of the channels.
        turns.append(Rotation.from_euler(axes, angles, degrees=True).as_matrix())
    if [n[0] for n in channels[0][:3]] != ["X", "Y", "Z"]:
        raise ValueError("its root does not begin with its position")
    return Motion(names, parents, np.array(offsets), turns, frames[:, :3], 1 / seconds)


def world(motion: Motion) -> Floats:
    """Rotations (T, J, 3, 3) of all joints in the world."""
    out: list[Floats] = []
    for turn, parent in zip(motion.turns, motion.parents, strict=True):
        out.append(turn if parent < 0 else out[parent] @ turn)
    return np.stack(out, 1)


def retarget(motion: Motion, recording: Recording) -> tuple[Floats, Floats]:
    """Poses (T, 24, 3) axis-angle and root positions (T, 3) in m, at 30 fps.

    What a bone has turned in the world since the source's T-pose, SMPL's bone turns since its own:
    the two T-poses differ by a few degrees of the legs only.
    """
    turned, root = world(motion), motion.root
    if recording.t_pose:
        turned, root = turned[1:] @ turned[:1].swapaxes(-1, -2), root[1:]
    time = np.arange(len(turned)) / motion.fps
    at = np.arange(int(time[-1] * FPS + 1e-6) + 1) / FPS

    def of(name: str) -> Rotation:
        """World rotations of a source joint at 30 fps."""
        matrices = turned[:, motion.names.index(name)]
        return Slerp(time, Rotation.from_matrix(matrices))(at)

    source = {
        smpl.format(side.lower()): theirs.format(side)
        for side in ("Left", "Right")
        for smpl, theirs in recording.joints.items()
    }
    poses = np.zeros((len(at), 24, 3))
    in_world: list[Rotation] = []
    for joint, (name, parent) in enumerate(zip(SMPL_NAMES, PARENTS, strict=True)):
        above = in_world[parent] if parent >= 0 else Rotation.identity(len(at))
        in_world.append(of(source[name]) if name in source else above)
        poses[:, joint] = (above.inv() * in_world[joint]).as_rotvec()
    _straighten_elbows(poses)
    if "spine2" not in source:  # the chest's turn, shared equally
        shared = [SMPL_NAMES.index(name) for name in ("spine2", "spine3")]
        poses[:, shared] = poses[:, shared[1:]] / 2
    metres = recording.metres * root
    return poses, np.stack([np.interp(at, time, metres[:, k]) for k in range(3)], 1)


def _straighten_elbows(poses: Floats) -> None:
    """Make the elbows of ``poses`` hinges about SMPL's vertical axis, in place; no bone moves.

    In the sources' T-poses the upper arms are rolled otherwise than in SMPL's: there, elbows bend
    forwards and up. Upper arm and forearm are rolled about the arm (x) until the forearm bends
    forwards only, and the wrist takes it back, so that the palm stays where it was.
    """
    for side, along in (("left", 1.0), ("right", -1.0)):
        shoulder, elbow, wrist = (
            SMPL_NAMES.index(f"{side}_{name}") for name in ("shoulder", "elbow", "wrist")
        )
        bend = Rotation.from_rotvec(poses[:, elbow])
        forearm = bend.apply([along, 0, 0])
        roll = Rotation.from_euler("x", -np.arctan2(forearm[:, 1], forearm[:, 2])[:, None])
        poses[:, shoulder] = (Rotation.from_rotvec(poses[:, shoulder]) * roll).as_rotvec()
        poses[:, elbow] = (roll.inv() * bend * roll).as_rotvec()
        poses[:, wrist] = (roll.inv() * Rotation.from_rotvec(poses[:, wrist])).as_rotvec()


def clips(folder: Path) -> Iterator[tuple[str, str, str, Floats, Floats]]:
    """Name, kind, file, poses and positions of every clip of the recordings in ``folder``.

    Raises:
        RscError: a file is missing, or not the one that is meant.
    """
    for recording in RECORDINGS:
        path = folder / recording.file
        if not path.is_file():
            raise RscError(f"there is no {path}. Get it: {HOW_TO_GET}")
        if sha256(path) != recording.sha256:
            raise RscError(f"{path} is another file than expected. Get it: {HOW_TO_GET}")
        poses, trans = retarget(read(path.read_text(encoding="ascii")), recording)
        pieces = np.array_split(np.arange(len(poses)), len(recording.kinds))
        for number, (kind, rows) in enumerate(zip(recording.kinds, pieces, strict=True)):
            yield f"{recording.name}/{number:02d}", kind, recording.file, poses[rows], trans[rows]
