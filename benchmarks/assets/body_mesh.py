"""Geometry of the open body: fill the cavities, decimate to SMPL's counts, carry the UVs over."""

from __future__ import annotations

from dataclasses import dataclass

import fast_simplification
import numpy as np
import scipy.sparse as sp
import scipy.sparse.csgraph
import scipy.sparse.linalg as spl
from anny_source import Source, edge_laplacian
from scipy.spatial import cKDTree

HALF_FACES = 13776 // 2


def closest_points(
    points: np.ndarray, triangles: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Closest point of each point (Q, 3) on its own candidate triangles (Q, C, 3, 3).

    Returns the index of the best candidate (Q,), the barycentric coordinates (Q, 3) and the
    distance (Q,).
    """
    a, b, c = triangles[..., 0, :], triangles[..., 1, :], triangles[..., 2, :]
    p = points[:, None]

    def on_segment(s: np.ndarray, e: np.ndarray) -> np.ndarray:
        d = e - s
        t = ((p - s) * d).sum(-1) / np.maximum((d * d).sum(-1), 1e-20)
        return np.clip(t, 0, 1)

    ab, ac, ap = b - a, c - a, p - a
    d00, d01, d11 = (ab * ab).sum(-1), (ab * ac).sum(-1), (ac * ac).sum(-1)
    d20, d21 = (ap * ab).sum(-1), (ap * ac).sum(-1)
    det = np.maximum(d00 * d11 - d01 * d01, 1e-24)
    v, w = (d11 * d20 - d01 * d21) / det, (d00 * d21 - d01 * d20) / det
    inside = (v >= 0) & (w >= 0) & (v + w <= 1)
    zero = np.zeros_like(v)
    t_ab, t_bc, t_ca = on_segment(a, b), on_segment(b, c), on_segment(c, a)
    options = np.stack(
        [
            np.stack([1 - v - w, v, w], -1),
            np.stack([1 - t_ab, t_ab, zero], -1),
            np.stack([zero, 1 - t_bc, t_bc], -1),
            np.stack([t_ca, zero, 1 - t_ca], -1),
        ],
        2,
    )  # (Q, C, 4, 3)
    feet = np.einsum("qcob,qcbx->qcox", options, triangles)
    distance = np.linalg.norm(feet - points[:, None, None], axis=-1)
    distance[..., 0] = np.where(inside, distance[..., 0], np.inf)
    flat = distance.reshape(len(points), -1)
    best = flat.argmin(1)
    row = np.arange(len(points))
    return best // 4, options.reshape(len(points), -1, 3)[row, best], flat[row, best]


def closest_on_mesh(
    points: np.ndarray, vertices: np.ndarray, faces: np.ndarray, candidates: int = 48
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Face (Q,), barycentrics (Q, 3) and distance (Q,) of the closest point on a mesh."""
    triangles = vertices[faces]
    near = cKDTree(triangles.mean(1)).query(points, min(candidates, len(faces)))[1]
    parts = []
    for s in range(0, len(points), 4000):
        pick, bary, distance = closest_points(points[s : s + 4000], triangles[near[s : s + 4000]])
        parts.append((near[s : s + 4000][np.arange(len(pick)), pick], bary, distance))
    return tuple(np.concatenate(x) for x in zip(*parts, strict=True))  # type: ignore[return-value]


def uv_charts(source: Source) -> np.ndarray:
    """Chart index of every source face (connected components in UV space)."""
    n = len(source.uv)
    tf = source.uv_faces
    graph = sp.coo_matrix((np.ones(tf.size), (tf.ravel(), np.roll(tf, 1, 1).ravel())), (n, n))
    _, component = scipy.sparse.csgraph.connected_components(graph, directed=False)
    return component[tf[:, 0]]


@dataclass
class Filled:
    """The source with eye and mouth cavities closed by a smooth membrane."""

    matrix: sp.csr_matrix  # (N, N): filled vertices = matrix @ source vertices
    uv: np.ndarray  # (T', 2): the cavities' faces use the UVs of the surrounding skin
    uv_faces: np.ndarray  # (F, 3)
    chart: np.ndarray  # (F,)
    cavity_vertices: np.ndarray  # (N,) bool, the cavities and their rims


def fill_cavities(source: Source) -> Filled:
    """Replace the inside of the eye sockets and mouth by harmonic membranes.

    The fill is linear in the vertices (harmonic weights of the rim), so it holds for every shape,
    and the same weights give the membranes UVs inside the face's chart.
    """
    faces, n = source.faces, len(source.template)
    chart = uv_charts(source)
    cavities = []
    for c in np.unique(chart):
        u, v = source.uv[source.uv_faces[chart == c].ravel()].mean(0)
        # The places of the eye sockets and the mouth in MakeHuman's atlas.
        if (u < 0.16 and 0.5 < v < 0.65) or (u > 0.75 and v < 0.15):
            cavities.append(c)
    inner = np.isin(chart, cavities)
    is_inner, is_outer = np.zeros(n, bool), np.zeros(n, bool)
    is_inner[faces[inner].ravel()] = True
    is_outer[faces[~inner].ravel()] = True
    free = is_inner & ~is_outer
    lap = edge_laplacian(faces, n)
    inside, rest = np.flatnonzero(free), np.flatnonzero(~free)
    solved = spl.spsolve(lap[inside][:, inside].tocsc(), -lap[inside][:, rest].tocsc()).tocoo()
    matrix = sp.coo_matrix((np.ones(len(rest)), (rest, rest)), (n, n)).tocsr()
    matrix = (
        matrix
        + sp.coo_matrix((solved.data, (inside[solved.row], rest[solved.col])), (n, n)).tocsr()
    )
    # One UV per vertex for the membranes: that of the surrounding chart on the rim.
    vertex_uv = np.zeros((n, 2))
    vertex_uv[faces[~inner].ravel()] = source.uv[source.uv_faces[~inner].ravel()]
    vertex_uv = matrix @ vertex_uv
    skin_chart = np.zeros(n, np.int64)
    skin_chart[faces[~inner].ravel()] = np.repeat(chart[~inner], 3)
    rim_faces = inner[:, None] & is_outer[faces]
    face_chart = np.bincount(skin_chart[faces[rim_faces]]).argmax()
    new_chart = np.where(inner, face_chart, chart)
    uv_faces = np.where(inner[:, None], faces + len(source.uv), source.uv_faces)
    return Filled(matrix, np.concatenate([source.uv, vertex_uv]), uv_faces, new_chart, is_inner)


@dataclass
class Decimated:
    """The 6890-vertex mesh, embedded in the source surface."""

    matrix: sp.csr_matrix  # (6890, N): vertices = matrix @ source vertices
    faces: np.ndarray  # (13776, 3)
    mirror: np.ndarray  # (6890,)


def decimate(source: Source, filled: Filled, vertices: np.ndarray) -> Decimated:
    """Decimate one half of the filled body, mirror it and weld the seam.

    A closed genus-0 mesh with 13,776 faces has exactly 6,890 vertices, so hitting 6,888 faces on
    the half fixes both counts.
    """
    n = len(vertices)
    shape = filled.matrix @ vertices
    side = np.where(source.mirror == np.arange(n), 0, np.sign(source.template[:, 0]))
    half = source.faces[(side[source.faces] >= 0).all(1)]
    used = np.unique(half)
    index = np.full(n, -1)
    index[used] = np.arange(len(used))
    start = shape[used].copy()
    start[side[used] == 0, 0] = 0
    for aggression in [3.0, *np.arange(2, 9, 0.25)]:
        points, faces = fast_simplification.simplify(
            start, index[half], target_count=HALF_FACES, agg=float(aggression)
        )
        if len(faces) == HALF_FACES:
            break
    else:
        raise RuntimeError("decimation never hit the wanted number of faces")
    ends = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1)
    edges, uses = np.unique(ends, axis=0, return_counts=True)
    border = np.unique(edges[uses == 1])
    points = points.astype(np.float64)
    points[border, 0] = 0
    face, bary, _ = closest_on_mesh(points, shape, half)
    count = len(points)
    embed = sp.coo_matrix(
        (bary.ravel(), (np.repeat(np.arange(count), 3), half[face].ravel())), (count, n)
    ).tocsr()
    swap = sp.coo_matrix((np.ones(n), (source.mirror, np.arange(n))), (n, n)).tocsr()
    flipped = embed @ swap
    is_border = np.zeros(count, bool)
    is_border[border] = True
    inner = np.flatnonzero(~is_border)
    ni, nb = len(inner), len(border)
    matrix = sp.vstack([embed[inner], (embed[border] + flipped[border]) / 2, flipped[inner]])
    left, right = np.zeros(count, np.int64), np.zeros(count, np.int64)
    left[inner], right[inner] = np.arange(ni), ni + nb + np.arange(ni)
    left[border] = right[border] = ni + np.arange(nb)
    all_faces = np.concatenate([left[faces], right[faces][:, ::-1]])
    mirror = np.concatenate([ni + nb + np.arange(ni), ni + np.arange(nb), np.arange(ni)])
    return Decimated((matrix.tocsr() @ filled.matrix).tocsr(), all_faces, mirror)


def transfer_uvs(
    source: Source, filled: Filled, vertices: np.ndarray, mesh: Decimated, candidates: int = 64
) -> tuple[np.ndarray, np.ndarray]:
    """UVs of the decimated mesh: ``uv (T, 2)`` and ``uv_faces (13776, 3)``.

    Each face lies wholly in the chart of the source face nearest to its centroid. Its corners are
    looked up among the source faces that are near *in the atlas*, so that a corner past a seam
    never jumps to the other side of it; past the chart's border the UV is continued linearly.
    Corners of one vertex that agree are then merged.
    """
    shape, coarse = filled.matrix @ vertices, mesh.matrix @ vertices
    corners = coarse[mesh.faces]
    home, _, _ = closest_on_mesh(corners.mean(1), shape, source.faces)
    uv_triangles, triangles = filled.uv[filled.uv_faces], shape[source.faces]
    uv_centre = uv_triangles.mean(1)
    uv_corners = np.zeros((len(corners), 3, 2))
    for chart in np.unique(filled.chart[home]):
        members = np.flatnonzero(filled.chart == chart)
        sel = np.flatnonzero(filled.chart[home] == chart)
        k = min(candidates, len(members))
        near = cKDTree(uv_centre[members]).query(uv_centre[home[sel]], k)[1].reshape(-1, k)
        near = members[near]
        for s in range(0, len(sel), 1000):
            part, cand = sel[s : s + 1000], near[s : s + 1000]
            for corner in range(3):
                point = corners[part, corner]
                pick, bary, _ = closest_points(point, triangles[cand])
                face = cand[np.arange(len(part)), pick]
                foot = np.einsum("qb,qbx->qx", bary, triangles[face])
                edges = triangles[face][:, 1:] - triangles[face][:, :1]  # (Q, 2, 3)
                uv_edges = uv_triangles[face][:, 1:] - uv_triangles[face][:, :1]
                local = np.einsum("qxk,qx->qk", np.linalg.pinv(edges), point - foot)
                uv_corners[part, corner] = np.einsum(
                    "qb,qbx->qx", bary, uv_triangles[face]
                ) + np.einsum("qk,qkx->qx", local, uv_edges)
    return _merge_corners(mesh.faces, np.clip(uv_corners, 0, 1), filled.chart[home])


def _merge_corners(
    faces: np.ndarray, uv_corners: np.ndarray, chart: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give the corners of one vertex one UV where they lie close together in the same chart."""
    edge = np.linalg.norm(uv_corners - np.roll(uv_corners, 1, 1), axis=2).mean(1)
    vertex, value = faces.ravel(), uv_corners.reshape(-1, 2)
    tolerance, corner_chart = 0.35 * np.repeat(edge, 3), np.repeat(chart, 3)
    order = np.argsort(vertex, kind="stable")
    starts = np.searchsorted(vertex[order], np.arange(faces.max() + 2))
    uv: list[np.ndarray] = []
    index = np.zeros(len(vertex), np.int64)
    for v in range(faces.max() + 1):
        todo = list(order[starts[v] : starts[v + 1]])
        while todo:
            seed = todo[0]
            group = [
                c
                for c in todo
                if corner_chart[c] == corner_chart[seed]
                and np.linalg.norm(value[c] - value[seed]) <= min(tolerance[c], tolerance[seed])
            ]
            index[group] = len(uv)
            uv.append(value[group].mean(0))
            todo = [c for c in todo if c not in group]
    return np.array(uv), index.reshape(-1, 3)
