"""Motions that are long enough for a video: clips at another tempo, joined one to the next, with the arms
of another, or poses drawn at random with a way from each to the next.

World frame: y up; a body with no heading faces +z. 30 frames a second, as the shipped clips.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from rsclib.openbench import poses as P
from rsclib.openbench.motions import SPLIT, Clip, mirror_poses, shipped_motions

Floats = P.Floats
BLEND = 8  # frames in which one clip becomes the next
# Shares of a training part. Half a minute of mocap repeats itself, so half of the sequences are not
# in it: with arms of another clip, or going from one drawn pose to the next.
SHARES = {"mocap": 0.4, "mixed": 0.3, "drawn": 0.3}
_WEIGHT = {"everyday": 1.0, "sport": 0.5, "acrobatic": 0.15}  # how often a clip is taken


class Motion(NamedTuple):
    """T frames of one person.

    Attributes:
        poses: (T, 24, 3) axis-angle, the root with its heading. trans: (T, 3) of the root, m.
        clip: its source, or "drawn". grounded: whether ``trans`` knows how high the root is; else its y
            is 0 and the feet are to be put on the floor.
    """

    poses: Floats
    trans: Floats
    clip: str
    grounded: bool = True

    def cut(self, frames: int) -> Motion:
        """Its first frames."""
        return self._replace(poses=self.poses[:frames], trans=self.trans[:frames])


def between(first: Floats, second: Floats, weight: Floats) -> Floats:
    """Rotations (..., 3) on the shortest way from ``first`` (weight 0) to ``second`` (1), axis-angle."""
    a, b = (Rotation.from_rotvec(np.reshape(r, (-1, 3))) for r in (first, second))
    weights = np.broadcast_to(weight, first.shape[:-1]).reshape(-1, 1)
    step = Rotation.from_rotvec((a.inv() * b).as_rotvec() * weights)
    return (a * step).as_rotvec().reshape(first.shape).astype(np.float32)


def at_tempo(motion: Motion, tempo: float) -> Motion:
    """The same played ``tempo`` times as fast."""
    last = len(motion.poses) - 1
    time = np.arange(0, last + 1e-6, tempo)
    first = np.minimum(time.astype(int), last - 1)
    weight = (time - first).astype(np.float32)
    poses = between(motion.poses[first], motion.poses[first + 1], weight[:, None])
    trans = motion.trans[first] * (1 - weight[:, None]) + motion.trans[first + 1] * weight[:, None]
    return motion._replace(poses=poses, trans=trans.astype(np.float32))


def joined(first: Motion, second: Motion, blend: int = BLEND) -> Motion:
    """One after the other: the second is turned and moved to where the first ends, and over
    ``blend`` frames one becomes the other."""
    blend = min(blend, len(first.poses), len(second.poses))
    here, start = len(first.poses) - blend, second.poses[:1, 0]
    turn = Rotation.from_rotvec([0, _yaw(first.poses[here : here + 1, 0]) - _yaw(start), 0])
    poses, trans = second.poses.copy(), second.trans.copy()
    poses[:, 0] = (turn * Rotation.from_rotvec(poses[:, 0])).as_rotvec()
    flat = turn.apply(trans - trans[:1]) + first.trans[here]
    trans[:, [0, 2]] = flat[:, [0, 2]]
    ramp = np.linspace(0, 1, blend + 2, dtype=np.float32)[1:-1]
    weight = ramp * ramp * (3 - 2 * ramp)
    middle = between(first.poses[here:], poses[:blend], weight[:, None])
    moved = first.trans[here:] * (1 - weight[:, None]) + trans[:blend] * weight[:, None]
    return first._replace(
        poses=np.concatenate([first.poses[:here], middle, poses[blend:]]),
        trans=np.concatenate([first.trans[:here], moved, trans[blend:]]).astype(np.float32),
    )


def _yaw(root: Floats) -> float:
    """Heading of one root (1, 3), radians."""
    forward = Rotation.from_rotvec(root).apply([0, 0, 1])[0]
    return float(np.arctan2(forward[0], forward[2]))


def _of(clip: Clip) -> Motion:
    return Motion(clip.poses, clip.trans, clip.name)


def repeated(clip: Clip, frames: int, tempo: float) -> Motion:
    """A clip at a tempo, joined to itself until it is long enough."""
    motion = once = at_tempo(_of(clip), tempo)
    while len(motion.poses) < frames:
        motion = joined(motion, once)
    return motion.cut(frames)


def _chained(rng: np.random.Generator, frames: int) -> Motion:
    """Training clips one after the other, the first from somewhere in its middle."""
    clips = P.clips_of("train")
    share = np.array([_WEIGHT[c.kind] for c in clips])
    tempo = np.exp(rng.uniform(np.log(0.7), np.log(1.4)))
    motion: Motion | None = None
    while motion is None or len(motion.poses) < frames:
        following = at_tempo(_of(clips[rng.choice(len(clips), p=share / share.sum())]), tempo)
        if motion is None:
            begin = int(rng.integers(max(1, len(following.poses) - 2 * BLEND)))
            motion = following._replace(
                poses=following.poses[begin:], trans=following.trans[begin:]
            )
        else:
            motion = joined(motion, following)
    return motion.cut(frames)


def _drawn(rng: np.random.Generator, frames: int) -> Motion:
    """From one drawn pose to the next in a quarter of a second to a second, turning slowly."""
    lengths = rng.integers(8, 31, frames // 8 + 2)
    keys = P.sample_poses(rng, "train", len(lengths) + 1).poses
    poses = []
    for a, b, length in zip(keys, keys[1:], lengths, strict=False):
        time = np.arange(length, dtype=np.float32) / length
        weight = time * time * (3 - 2 * time)
        poses.append(
            between(np.repeat(a[None], length, 0), np.repeat(b[None], length, 0), weight[:, None])
        )
    found = np.concatenate(poses)[:frames]
    turn = gaussian_filter1d(np.cumsum(rng.normal(0, 0.05, frames)), 6)
    found[:, 0] = (
        Rotation.from_rotvec(np.stack([0 * turn, turn, 0 * turn], 1))
        * Rotation.from_rotvec(found[:, 0])
    ).as_rotvec()
    return Motion(found, np.zeros((frames, 3), np.float32), "drawn", grounded=False)


def train_motion(rng: np.random.Generator, frames: int) -> Motion:
    """A motion of the training distribution."""
    kind = rng.choice(list(SHARES), p=list(SHARES.values()))
    motion = _drawn(rng, frames) if kind == "drawn" else _chained(rng, frames)
    if kind == "mixed":
        arms = P.LEFT_ARM + P.RIGHT_ARM
        motion.poses[:, arms] = _chained(rng, frames).poses[:, arms]
    return _mirrored(rng, motion)


def held_out_motion(rng: np.random.Generator, split: str, number: int, frames: int) -> Motion:
    """Motion of a clip of "val" or "test", each clip in turn: its ``number`` tells which."""
    names = SPLIT[split]  # type: ignore[index]
    clip = shipped_motions()[names[number % len(names)]]
    motion = at_tempo(_of(clip), tempo := float(np.exp(rng.uniform(np.log(0.85), np.log(1.18)))))
    if len(motion.poses) <= frames:
        return _mirrored(rng, repeated(clip, frames, tempo))
    begin = int(rng.integers(len(motion.poses) - frames))
    return _mirrored(rng, Motion(motion.poses[begin:], motion.trans[begin:], clip.name).cut(frames))


def _mirrored(rng: np.random.Generator, motion: Motion) -> Motion:
    """Left and right exchanged, half the time."""
    if rng.random() < 0.5:
        return motion
    flip = np.array([-1, 1, 1], np.float32)
    return motion._replace(poses=mirror_poses(motion.poses), trans=motion.trans * flip)
