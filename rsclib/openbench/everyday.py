"""Poses that photographs are full of and half a minute of mocap is not: people who sit, squat, kneel, bend
down, lift their arms or show their backs.

For training parts with :attr:`rsclib.openbench.parts.Split.varied`. Frames as in
:mod:`rsclib.openbench.poses`; angles below are degrees.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from rsclib.openbench.motions import mirror_poses
from rsclib.openbench.poses import (
    LEFT_ARM,
    LEFT_LEG,
    RIGHT_ARM,
    RIGHT_LEG,
    Floats,
    PoseBatch,
    limbs,
    sample_poses,
    shoulder_towards,
)

# Shares of a varied part; the rest is drawn as in the other training parts.
KINDS = {"seated": 0.10, "squatting": 0.05, "kneeling": 0.04, "bending": 0.06, "raised": 0.15}
# Of the acrobats, who are upside down as often as not. A photograph in some hundreds shows one.
ACROBATS_LEFT = 0.15
FRONTAL = 0.3  # of the people face the camera more or less; the others turn anywhere


def sample_varied_poses(rng: np.random.Generator, n: int) -> PoseBatch:
    """``n`` poses as :func:`rsclib.openbench.poses.sample_poses` draws them for training, of which some
    give way to :data:`KINDS`, and most of the acrobats to people who stand."""
    drawn = sample_poses(rng, "train", n)
    poses, clip = drawn.poses.copy(), drawn.clip.astype("U24")
    names = ["", *KINDS]
    kinds = rng.choice(names, n, p=[1 - sum(KINDS.values()), *KINDS.values()])
    acrobat = ~np.isin(clip, ["mixed", "stance", "random", "low"]) & upside_down(poses)
    kinds[acrobat & (rng.random(n) > ACROBATS_LEFT)] = "standing"
    for name, make in MAKERS.items():
        pick = kinds == name
        poses[pick], clip[pick] = make(rng, int(pick.sum())), name
    return PoseBatch(poses, clip)


def sample_varied_headings(rng: np.random.Generator, n: int) -> Floats:
    """Angles (n,) about the vertical, radians, 0 facing the camera."""
    frontal = rng.normal(0, np.radians(55), n)
    anywhere = rng.uniform(-np.pi, np.pi, n)
    return np.where(rng.random(n) < FRONTAL, frontal, anywhere).astype(np.float32)


def upside_down(poses: Floats) -> NDArray[np.bool_]:
    """Whose trunk (n, 24, 3) lies or points to the ground: more than 60 degrees off the vertical."""
    return np.asarray(Rotation.from_rotvec(poses[:, 0]).apply([0, 1, 0])[:, 1] < 0.5)


def _standing(rng: np.random.Generator, n: int) -> Floats:
    return limbs(rng, n, low=False, still=True)


def _squatting(rng: np.random.Generator, n: int) -> Floats:
    return limbs(rng, n, low=True, still=False)


def _seated(rng: np.random.Generator, n: int) -> Floats:
    """On a chair or the ground: thighs level, legs down, bent beneath or stretched."""
    poses = limbs(rng, n, low=False, still=True)
    flexion = rng.normal(88, 9, n)
    knee = np.where(rng.random(n) < 0.2, rng.uniform(5, 50, n), rng.normal(85, 14, n))
    spread = rng.normal(7, 7, n)
    for leg in (LEFT_LEG, RIGHT_LEG):
        each = rng.normal(0, [5, 9, 4], (n, 3)).T
        _bend(poses, leg, flexion + each[0], knee + each[1], spread + each[2])
    poses[:, [3, 6, 9], 0] += (rng.normal(6, 10, n) * np.pi / 180 / 3)[:, None]
    return poses


def _kneeling(rng: np.random.Generator, n: int) -> Floats:
    """On both knees or one."""
    poses = limbs(rng, n, low=False, still=True)
    both, left = rng.random(n) < 0.4, rng.random(n) < 0.5
    for leg, down in ((LEFT_LEG, both | left), (RIGHT_LEG, both | ~left)):
        flexion = np.where(down, rng.normal(8, 10, n), rng.normal(85, 9, n))
        knee = np.where(down, rng.uniform(80, 130, n), rng.normal(88, 12, n))
        _bend(poses, leg, flexion, knee, rng.normal(6, 5, n))
    poses[:, [3, 6, 9], 0] += (rng.normal(10, 12, n) * np.pi / 180 / 3)[:, None]
    return poses


def _bending(rng: np.random.Generator, n: int) -> Floats:
    """Bent down from hips and back, arms towards the ground."""
    poses = limbs(rng, n, low=False, still=True)
    down, back = rng.uniform(20, 85, n), rng.uniform(0, 50, n)
    for leg in (LEFT_LEG, RIGHT_LEG):
        _bend(
            poses,
            leg,
            down + rng.normal(0, 6, n),
            np.abs(rng.normal(8, 18, n)),
            rng.normal(4, 5, n),
        )
    poses[:, 0, 0] += np.radians(down)
    poses[:, [3, 6, 9], 0] += (np.radians(back) / 3)[:, None]
    lean = np.radians(down + back)
    straight = np.stack([0 * lean + 0.15, -np.cos(lean), np.sin(lean)], 1)
    reach = rng.random(n) < 0.7
    for arm in (LEFT_ARM, RIGHT_ARM):
        towards = straight + rng.normal(0, 0.25, (n, 3))
        made = _arm_towards(rng, towards, np.abs(rng.normal(15, 25, n)))
        _set_arm(poses, arm, made, reach)
    return poses


def _raised(rng: np.random.Generator, n: int) -> Floats:
    """One arm or both lifted above the shoulders: waving, reaching, hanging on."""
    poses = limbs(rng, n, low=False, still=False)
    both, left = rng.random(n) < 0.55, rng.random(n) < 0.5
    for arm, up in ((LEFT_ARM, both | left), (RIGHT_ARM, both | ~left)):
        towards = rng.normal(0, [0.3, 0.25, 0.3], (n, 3)) + [0.3, 1.0, 0.1]
        bend = np.where(rng.random(n) < 0.5, np.abs(rng.normal(0, 20, n)), rng.uniform(20, 120, n))
        made = _arm_towards(rng, towards, bend)
        made[:, 0, 2] += rng.uniform(0.05, 0.35, n)  # the collar bone lifts, too
        _set_arm(poses, arm, made, up)
    return poses


def _bend(
    poses: Floats, leg: tuple[int, ...], flexion: NDArray, knee: NDArray, spread: NDArray
) -> None:
    """Set hip and knee of a leg, degrees; ``spread`` is away from the other."""
    side = 1 if leg == LEFT_LEG else -1
    poses[:, leg[0], 0] = -np.radians(np.clip(flexion, -30, 120))
    poses[:, leg[0], 2] = side * np.radians(np.clip(spread, -12, 45))
    poses[:, leg[1], 0] = np.radians(np.clip(knee, 0, 140))


def _arm_towards(rng: np.random.Generator, towards: NDArray, bend: NDArray) -> Floats:
    """A left arm (n, 5, 3) that points somewhere, its elbow bent by so many degrees."""
    n = len(towards)
    out = np.zeros((n, 5, 3), np.float32)
    out[:, 0] = rng.normal(0, 0.06, (n, 3))
    out[:, 1] = shoulder_towards(towards, np.radians(rng.uniform(-90, 60, n))).as_rotvec()
    out[:, 2, 1] = -np.radians(np.clip(bend, 0, 140))
    out[:, 2, 0] = rng.normal(0, 0.3, n)
    out[:, 3] = rng.normal(0, 0.2, (n, 3))
    return out


def _set_arm(poses: Floats, arm: tuple[int, ...], left: Floats, who: NDArray[np.bool_]) -> None:
    """Give the arm of some people a left arm, mirrored where it is the right one."""
    whole = np.zeros_like(poses)
    whole[:, LEFT_ARM] = left
    if arm == RIGHT_ARM:
        whole = mirror_poses(whole)
    poses[np.ix_(who, np.array(arm))] = whole[np.ix_(who, np.array(arm))]


MAKERS: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "standing": _standing, "seated": _seated, "squatting": _squatting, "kneeling": _kneeling,
    "bending": _bending, "raised": _raised,
}  # fmt: skip
__all__ = ["KINDS", "MAKERS", "sample_varied_headings", "sample_varied_poses", "upside_down"]
