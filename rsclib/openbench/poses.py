"""Poses to render: mocap, multiplied for training, untouched for testing.

Half a minute of mocap is too little to learn from, so a training pose mixes limbs of different
frames and clips, limbs drawn at random within the joints' limits, and everyday stances; test poses
are frames of held-out clips: short ones and, by a draw of its own, some cut from long recordings.
World frame: y up; a body with no heading faces +z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from rsclib.openbench.motions import SPLIT, Clip, mirror_poses, shipped_motions

Floats = NDArray[np.float32]
LEFT_LEG, RIGHT_LEG = (1, 4, 7, 10), (2, 5, 8, 11)
LEFT_ARM, RIGHT_ARM = (13, 16, 18, 20, 22), (14, 17, 19, 21, 23)
TRUNK = (3, 6, 9, 12, 15)

# Shares of a training set. The paper's data (COCO, MPII, Human3.6M, 3DPW) is mostly people who
# stand, walk or reach; lying down and acrobatics are rare.
SHARES = {
    "mocap": 0.40,
    "mixed": 0.27,
    "stance": 0.13,
    "random": 0.14,
    "low": 0.03,
    "acrobatic": 0.03,
}


@dataclass(frozen=True)
class PoseBatch:
    """poses (n, 24, 3) axis-angle without heading; clip: name of the source per sample."""

    poses: Floats
    clip: NDArray[np.str_]


def clips_of(split: str, cut: bool = False) -> list[Clip]:
    """The short clips of "train" or "test"; with ``cut``, those cut from long recordings, of "val" or
    "test"."""
    names = [name for name in SPLIT[split] if ("/" in name) == cut]  # type: ignore[index]
    return [c for c in shipped_motions().values() if c.name in names]


def without_heading(poses: Floats) -> Floats:
    """Turn each root about the vertical so that the body faces +z; lean and roll are kept."""
    root = Rotation.from_rotvec(poses[:, 0])
    forward = root.apply([0, 0, 1])
    yaw = np.arctan2(forward[:, 0], forward[:, 2])
    out = poses.copy()
    turn = Rotation.from_rotvec(np.stack([0 * yaw, -yaw, 0 * yaw], 1))
    out[:, 0] = (turn * root).as_rotvec()
    return out


def frames(
    rng: np.random.Generator, clips: list[Clip], n: int, weights: list[float] | None = None
) -> tuple[Floats, NDArray[np.str_]]:
    """Poses at random moments of random clips, between frames too, mirrored half the time."""
    # Without weights the draw is the older one: the test part's images hang on it.
    share = None if weights is None else np.array(weights) / np.sum(weights)
    which = (
        rng.integers(len(clips), size=n) if share is None else rng.choice(len(clips), n, p=share)
    )
    out = np.zeros((n, 24, 3), np.float32)
    for c, clip in enumerate(clips):
        chosen = np.flatnonzero(which == c)
        time = rng.uniform(0, len(clip.poses) - 1, len(chosen))
        first = np.minimum(time.astype(int), len(clip.poses) - 2)
        a = Rotation.from_rotvec(clip.poses[first].reshape(-1, 3))
        b = Rotation.from_rotvec(clip.poses[first + 1].reshape(-1, 3))
        step = (a.inv() * b).as_rotvec() * np.repeat(time - first, 24)[:, None]
        out[chosen] = (a * Rotation.from_rotvec(step)).as_rotvec().reshape(-1, 24, 3)
    flip = rng.random(n) < 0.5
    out[flip] = mirror_poses(out[flip])
    return without_heading(out), np.array([clips[i].name for i in which])


def shoulder_towards(direction: NDArray, twist: NDArray) -> Rotation:
    """Rotations of the left shoulder that point the arm, +x in the T-pose, along directions (n, 3), after
    twists (n,) about itself, radians."""
    direction = direction / np.linalg.norm(direction, axis=1, keepdims=True)
    axis = np.cross([1.0, 0, 0], direction)
    sine = np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.arctan2(sine, direction[:, :1])
    swing = Rotation.from_rotvec(axis / (sine + 1e-9) * angle)
    return swing * Rotation.from_rotvec(np.stack([twist, 0 * twist, 0 * twist], 1))


def _arm(rng: np.random.Generator, n: int) -> Floats:
    """Left collar, shoulder, elbow, wrist, hand (n, 5, 3): hanging, bent with the hand before the
    body or the face (carrying, a guard, a phone), or anywhere a hand goes."""
    direction = rng.normal(size=(n, 3)) * [0.7, 0.8, 0.8] + [0.45, -0.25, 0.35]
    way = rng.random(n)
    hanging, bent = way < 0.4, (way >= 0.4) & (way < 0.65)
    direction[hanging] = rng.normal(size=(hanging.sum(), 3)) * [0.12, 0.05, 0.2] + [0.2, -1, 0.0]
    direction[bent] = rng.normal(size=(bent.sum(), 3)) * [0.2, 0.25, 0.3] + [0.25, -0.8, 0.3]
    direction[:, 2] = np.maximum(direction[:, 2], -0.5)  # a shoulder reaches little behind the back
    direction[:, 0] = np.maximum(direction[:, 0], -0.35)
    twist = np.radians(np.where(hanging, rng.normal(0, 25, n), rng.uniform(-90, 40, n)))
    shoulder = shoulder_towards(direction, twist)
    bend = np.radians(np.where(hanging, np.abs(rng.normal(15, 25, n)), rng.uniform(0, 135, n)))
    twist[bent] = np.radians(rng.normal(5, 35, bent.sum()))
    bend[bent] = np.radians(rng.normal(95, 30, bent.sum()))
    out = np.zeros((n, 5, 3), np.float32)
    out[:, 0] = rng.normal(0, 0.06, (n, 3))
    out[:, 1] = shoulder.as_rotvec()
    out[:, 2, 1] = -np.clip(bend, 0, 2.5)
    out[:, 2, 0] = rng.normal(0, 0.3, n)  # the forearm turns
    out[:, 3] = rng.normal(0, 0.2, (n, 3))
    return out


def _leg(rng: np.random.Generator, n: int, low: bool, still: bool) -> Floats:
    """Left hip, knee, ankle, foot (n, 4, 3): standing, stepping, or bent as in a squat."""
    if low:
        flexion, knee = rng.uniform(55, 110, n), rng.uniform(60, 130, n)
    elif still:
        flexion, knee = rng.normal(2, 6, n), np.abs(rng.normal(0, 8, n))
    else:
        flexion, knee = rng.normal(15, 28, n), np.abs(rng.normal(0, 40, n))
    flexion = np.clip(flexion, -30, 115)
    out = np.zeros((n, 4, 3), np.float32)
    out[:, 0, 0] = -np.radians(flexion)
    out[:, 0, 1] = rng.normal(0.1, 0.2, n)
    out[:, 0, 2] = np.radians(np.clip(rng.normal(5, 5 if still else 10, n), -12, 45))
    out[:, 1, 0] = np.radians(np.clip(knee, 0, 135))
    out[:, 2] = rng.normal(0, [0.15, 0.08, 0.08], (n, 3))
    return out


def limbs(rng: np.random.Generator, n: int, low: bool, still: bool) -> Floats:
    """Whole poses (n, 24, 3) with every limb drawn at random within its limits."""
    poses = np.zeros((n, 24, 3), np.float32)
    poses[:, LEFT_ARM], poses[:, LEFT_LEG] = _arm(rng, n), _leg(rng, n, low, still)
    flipped = np.zeros_like(poses)
    flipped[:, LEFT_ARM], flipped[:, LEFT_LEG] = _arm(rng, n), _leg(rng, n, low, still)
    if low:  # both legs bend alike in a squat or a seat
        flipped[:, LEFT_LEG] = poses[:, LEFT_LEG] + rng.normal(0, 0.15, (n, 4, 3))
        flipped[:, 4, 0] = np.clip(flipped[:, 4, 0], 0, 2.3)
    other = mirror_poses(flipped)
    poses[:, RIGHT_ARM], poses[:, RIGHT_LEG] = other[:, RIGHT_ARM], other[:, RIGHT_LEG]
    # Some people hold both arms alike (hands on hips, carrying something).
    alike = rng.random(n) < 0.25
    poses[np.ix_(alike, np.array(RIGHT_ARM))] = mirror_poses(poses[alike])[:, RIGHT_ARM]
    lean = rng.normal(0.06, 0.1, n) + (0.3 * rng.random(n) if low else 0)
    poses[:, TRUNK] = rng.normal(0, [0.06, 0.08, 0.05], (n, 5, 3))
    poses[:, [3, 6, 9], 0] += lean[:, None] / 3
    poses[:, [12, 15]] += rng.normal(0, [0.12, 0.25, 0.08], (n, 1, 3)) / 2
    poses[:, 0] = rng.normal(0, [0.07, 0, 0.04], (n, 3))
    return poses


def _held_out(rng: np.random.Generator, clips: list[Clip], n: int) -> PoseBatch:
    """Frames of ``clips``, each clip equally often, with 1 degree of noise on every joint."""
    poses, clip = frames(rng, clips, n)
    poses[:, 1:] += rng.normal(0, 0.017, (n, 23, 3)).astype(np.float32)
    return PoseBatch(poses, clip)


def replace_poses(
    rng: np.random.Generator, drawn: PoseBatch, split: str, share: float
) -> PoseBatch:
    """Give about a ``share`` of the people a frame of a long recording of "val" or "test" instead.

    ``rng`` is one of its own: the stream that the rest of a person comes from goes on as if nothing
    had been replaced, so whoever keeps her pose keeps her picture.
    """
    n = len(drawn.poses)
    new = rng.random(n) < share
    other = _held_out(rng, clips_of(split, cut=True), n)
    return PoseBatch(
        np.where(new[:, None, None], other.poses, drawn.poses),
        np.where(new, other.clip, drawn.clip),
    )


def sample_poses(rng: np.random.Generator, split: str, n: int) -> PoseBatch:
    """Draw ``n`` poses of the training or the test distribution.

    Args:
        split: "train" (all the multipliers) or "test" (frames of the short held-out clips; each clip
            equally often, mirrored half the time, 1 degree of joint noise).
    """
    if split == "test":
        return _held_out(rng, clips_of("test"), n)
    clips = clips_of("train")
    upright = [c for c in clips if c.kind != "acrobatic"]
    weights = [1.0 if c.kind == "everyday" else 0.5 for c in upright]
    kinds = rng.choice(list(SHARES), size=n, p=list(SHARES.values()))
    poses, clip = frames(rng, upright, n, weights)
    rolled, rolled_clip = frames(rng, [c for c in clips if c.kind == "acrobatic"], n)
    pick = kinds == "acrobatic"
    poses[pick], clip[pick] = rolled[pick], rolled_clip[pick]
    # Limbs of four different frames; a limb is sometimes drawn at random instead.
    mixed = np.flatnonzero(kinds == "mixed")
    free = limbs(rng, len(mixed), low=False, still=False)
    for limb in (LEFT_ARM, RIGHT_ARM, LEFT_LEG + RIGHT_LEG, TRUNK):
        other, _ = frames(rng, upright, len(mixed), weights)
        use = np.where(rng.random(len(mixed))[:, None, None] < 0.3, free[:, limb], other[:, limb])
        poses[np.ix_(mixed, np.array(limb))] = use
    for kind, low, still in (
        ("stance", False, True),
        ("random", False, False),
        ("low", True, False),
    ):
        pick = kinds == kind
        poses[pick] = limbs(rng, int(pick.sum()), low, still)
    clip = np.where(np.isin(kinds, ["mocap", "acrobatic"]), clip, kinds)
    poses[:, 1:] += rng.normal(0, 0.05, (n, 23, 3)).astype(np.float32)
    return PoseBatch(poses, clip.astype(np.str_))


def sample_headings(rng: np.random.Generator, n: int) -> Floats:
    """Angles (n,) about the vertical, 0 facing the camera: photographs show more faces than backs."""
    frontal = rng.normal(0, np.radians(55), n)
    return np.where(rng.random(n) < 0.6, frontal, rng.uniform(-np.pi, np.pi, n)).astype(np.float32)


def sample_cameras(rng: np.random.Generator, n: int) -> Floats:
    """World-to-camera rotations (n, 3, 3): mostly level, looking down a little, rarely a lot."""
    pitch = rng.normal(0.1, 0.12, n) + np.where(rng.random(n) < 0.1, rng.uniform(0, 0.4, n), 0)
    roll = rng.normal(0, 0.05, n)
    zero = np.zeros(n)
    down = Rotation.from_rotvec(np.stack([pitch + np.pi, zero, zero], 1))  # y up to y down
    tilt = Rotation.from_rotvec(np.stack([zero, zero, roll], 1))
    return (tilt * down).as_matrix().astype(np.float32)


def place_in_camera(poses: Floats, headings: Floats, cameras: Floats) -> Floats:
    """Poses (n, 24, 3) whose root takes the body frame to the camera frame."""
    turn = Rotation.from_rotvec(np.stack([0 * headings, headings, 0 * headings], 1))
    root = Rotation.from_matrix(cameras) * turn * Rotation.from_rotvec(poses[:, 0])
    out = poses.copy()
    out[:, 0] = root.as_rotvec()
    return out
