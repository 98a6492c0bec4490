"""Sparse, non-negative joint regressors of the open body, fitted in its own shape space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from anny_source import FLIP, MIRROR_JOINTS, PARENTS
from scipy.optimize import nnls
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

# The rows of SMPL's two regressor files, in their order.
EXTRA = ("R_hip", "L_hip", "neck", "head_top", "pelvis", "thorax", "spine", "jaw", "head")
H36M = (
    "pelvis", "L_hip", "L_knee", "L_ankle", "R_hip", "R_knee", "R_ankle", "spine", "neck", "jaw",
    "head", "L_shoulder", "L_elbow", "L_wrist", "R_shoulder", "R_elbow", "R_wrist",
)  # fmt: skip


@dataclass
class ShapeSpace:
    """Vertices and joints as linear functions of the betas (V = 6890)."""

    mean: np.ndarray  # (V, 3)
    dirs: np.ndarray  # (V, 3, 10), per standard deviation
    joints: np.ndarray  # (24, 3)
    joint_dirs: np.ndarray  # (24, 3, 10)
    weights: np.ndarray  # (V, 24)
    mirror: np.ndarray  # (V,)

    def anchors(self) -> np.ndarray:
        """Vertices with mean and components stacked: (V, 3, 11)."""
        return np.concatenate([self.mean[:, :, None], self.dirs], 2)

    def joint_anchors(self) -> np.ndarray:
        """(24, 3, 11)."""
        return np.concatenate([self.joints[:, :, None], self.joint_dirs], 2)


def _solve(columns: np.ndarray, target: np.ndarray, keep: int) -> np.ndarray:
    """Non-negative weights that sum to one: min |columns w - target|, at most ``keep`` non-zero.

    The sum is held by a heavy extra row; the support is pruned from the largest weights down and
    the kept weights are fitted again.
    """
    heavy = 30.0 * np.sqrt(len(target))
    a = np.concatenate([columns, np.full((1, columns.shape[1]), heavy)])
    b = np.append(target, heavy)
    weights, _ = nnls(a, b, maxiter=50 * a.shape[1])
    while (weights > 0).sum() > keep:
        count = (weights > 0).sum()
        top = np.argsort(weights)[::-1][: max(keep, int(count * 0.8))]
        top = top[weights[top] > 0]
        weights = np.zeros_like(weights)
        weights[top], _ = nnls(a[:, top], b, maxiter=50 * len(top))
    weights[weights < 1e-4] = 0
    return weights / weights.sum()


def fit_rest_joints(space: ShapeSpace, candidates: int = 1500) -> np.ndarray:
    """The J_regressor (24, V): joints of the rest shape from its vertices.

    Vertices and joints are linear in the betas, so 3 x 11 equations per joint say everything; a
    basic NNLS solution has at most that many non-zeros. Joints on the midline use mirrored pairs.
    """
    anchors, wanted = space.anchors(), space.joint_anchors()
    regressor = np.zeros((24, len(space.mean)))
    tree = cKDTree(space.mean)
    for j in range(24):
        other = MIRROR_JOINTS[j]
        if other < j:
            continue
        near = np.sort(tree.query(space.joints[j], candidates)[1])
        if other == j:
            near = near[near <= space.mirror[near]]
            columns = (anchors[near] + anchors[space.mirror[near]] * FLIP[:, None]) / 2
            weights = _solve(columns.reshape(len(near), -1).T, wanted[j].ravel(), 24)
            np.add.at(regressor[j], near, weights / 2)
            np.add.at(regressor[j], space.mirror[near], weights / 2)
        else:
            weights = _solve(anchors[near].reshape(len(near), -1).T, wanted[j].ravel(), 36)
            regressor[j, near] = weights
            regressor[other] = regressor[j][space.mirror]
    return regressor


def _random_poses(rng: np.random.Generator, count: int) -> np.ndarray:
    """Local rotations (count, 24, 3, 3): lively limbs, calm trunk."""
    spread = np.full(24, 0.5)
    spread[[0]] = 0.0
    spread[[3, 6, 9, 12, 13, 14, 15]] = 0.2
    spread[[10, 11, 22, 23]] = 0.1
    vectors = rng.normal(size=(count, 24, 3)) * spread[:, None]
    vectors[:, [4, 5], 0] += np.abs(rng.normal(0, 0.7, (count, 2)))  # knees bend one way
    vectors[:, [4, 5], 1:] *= 0.2
    vectors[:, 18, 1] -= np.abs(rng.normal(0, 0.8, count))  # and so do elbows
    vectors[:, 19, 1] += np.abs(rng.normal(0, 0.8, count))
    return Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix().reshape(count, 24, 3, 3)


def fit_posed_points(
    space: ShapeSpace, rng: np.random.Generator, count: int = 120, keep: int = 24
) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    """``J_regressor_extra`` (9, V), ``J_regressor_h36m`` (17, V) and their posed errors in mm.

    These rows are applied to *posed* vertices, so they are fitted on random poses and shapes: a
    row tuned on the rest pose alone drifts by centimetres when its limb bends.
    """
    betas = rng.normal(size=(count, 10))
    poses = _random_poses(rng, count)
    rest = space.mean + np.einsum("vck,bk->bvc", space.dirs, betas)
    joints = space.joints + np.einsum("jck,bk->bjc", space.joint_dirs, betas)
    world = np.zeros((count, 24, 3, 4))
    for j, parent in enumerate(PARENTS):
        if parent < 0:
            world[:, j, :, :3], world[:, j, :, 3] = poses[:, j], joints[:, j]
            continue
        turn, base = world[:, parent, :, :3], world[:, parent, :, 3]
        world[:, j, :, :3] = turn @ poses[:, j]
        step = (joints[:, j] - joints[:, parent])[..., None]
        world[:, j, :, 3] = base + (turn @ step)[..., 0]
    moved = world[..., 3]  # (B, 24, 3) posed joints

    def carried(points: np.ndarray, joint: int) -> np.ndarray:
        """Rest points (B, 3) moved rigidly with a joint."""
        local = (points - joints[:, joint])[..., None]
        return moved[:, joint] + (world[:, joint, :, :3] @ local)[..., 0]

    crown_ids = np.argsort(space.mean[:, 1])[::-1][:12]
    crown_ids = np.unique(np.concatenate([crown_ids, space.mirror[crown_ids]]))
    nose_id = nose_vertex(space)
    crown = rest[:, crown_ids].mean(1)
    nose = rest[:, nose_id] * [0, 1, 1]
    shoulders = (joints[:, 16] + joints[:, 17]) / 2
    neck = carried(joints[:, 12], 9)
    thorax = carried((joints[:, 12] + shoulders) / 2, 9)
    pelvis = (moved[:, 1] + moved[:, 2]) / 2
    targets = {
        "pelvis": pelvis,
        "neck": neck,
        "thorax": thorax,
        "spine": (pelvis + thorax) / 2,
        "jaw": carried((joints[:, 15] + nose) / 2, 15),
        "head": carried(0.1 * joints[:, 15] + 0.9 * crown, 15),
        "head_top": carried(crown, 15),
    }
    left = {"hip": 1, "knee": 4, "ankle": 7, "shoulder": 16, "elbow": 18, "wrist": 20}
    targets |= {f"L_{name}": moved[:, j] for name, j in left.items()}
    around = {
        "pelvis": 0,
        "neck": 9,
        "thorax": 9,
        "spine": 3,
        "jaw": 15,
        "head": 15,
        "head_top": 15,
    }
    bones = np.zeros((count, len(space.mean), 3))
    for j in range(24):
        part = np.flatnonzero(space.weights[:, j] > 0)
        local = rest[:, part] - joints[:, j, None]
        placed = np.einsum("bxy,bvy->bvx", world[:, j, :, :3], local) + moved[:, j, None]
        bones[:, part] += placed * space.weights[part, j, None]
    fit, held = slice(0, count * 3 // 4), slice(count * 3 // 4, count)
    rows: dict[str, np.ndarray] = {}
    errors: dict[str, float] = {}
    tree = cKDTree(space.mean)
    for name, target in targets.items():
        centre = space.joints[around[name] if name in around else left[name[2:]]]
        if name in ("head", "head_top"):
            centre = space.mean[crown_ids].mean(0)
        near = np.sort(tree.query(centre, 1500 if name in ("pelvis", "spine") else 900)[1])
        row = np.zeros(len(space.mean))
        if name.startswith("L_"):
            columns = bones[fit][:, near].transpose(1, 0, 2).reshape(len(near), -1).T
            row[near] = _solve(columns, target[fit].ravel(), keep)
        else:
            near = near[near <= space.mirror[near]]
            pairs = (bones[fit][:, near] + bones[fit][:, space.mirror[near]]) / 2
            columns = pairs.transpose(1, 0, 2).reshape(len(near), -1).T
            weights = _solve(columns, target[fit].ravel(), keep // 2)
            np.add.at(row, near, weights / 2)
            np.add.at(row, space.mirror[near], weights / 2)
        rows[name] = row
        miss = np.einsum("v,bvc->bc", row, bones[held]) - target[held]
        errors[name] = float(np.linalg.norm(miss, axis=1).mean() * 1e3)
        if name.startswith("L_"):
            rows["R_" + name[2:]] = row[space.mirror]
    return np.stack([rows[n] for n in EXTRA]), np.stack([rows[n] for n in H36M]), errors


def nose_vertex(space: ShapeSpace) -> int:
    """The vertex furthest forward on the midline of the head."""
    head = space.joints[15]
    y = space.mean[:, 1]
    mask = (np.abs(space.mean[:, 0]) < 0.01) & (y > head[1]) & (y < head[1] + 0.1)
    ids = np.flatnonzero(mask)
    return int(ids[space.mean[ids, 2].argmax()])
