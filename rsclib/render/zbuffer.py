"""A z-buffer for one body: thousands of times faster than a general rasteriser on a CPU.

Conventions are those of ``pytorch3d.renderer.rasterize_meshes`` with ``blur_radius=0``,
``faces_per_pixel=1`` and perspective-correct barycentrics: pixel centres lie at integer + 0.5, the
nearest face wins. Vertices come in the camera frame (x right, y down, z forward; metres).
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@numba.njit(cache=True, fastmath=True, error_model="numpy")
def visible_faces(
    vertices: Floats, faces: NDArray[np.int32], focal: float, cx: float, cy: float, size: int
) -> tuple[NDArray[np.int32], Floats, Floats]:
    """Rasterise a closed mesh whose faces wind counter-clockwise seen from outside.

    Args:
        vertices: ``(V, 3)`` camera frame, metres; faces with a vertex at z <= 1 cm are dropped.
        faces: ``(F, 3)``.
        focal: focal length in pixels; ``cx, cy``: principal point in pixels.
        size: the image is ``size`` x ``size``.

    Returns:
        ``face_of_pixel`` ``(size, size)``, -1 where nothing was hit; ``barycentric``
        ``(size, size, 3)``, perspective-correct; ``depth`` ``(size, size)`` in metres, 0 where
        nothing was hit.
    """
    count = vertices.shape[0]
    x = np.empty(count, np.float32)
    y = np.empty(count, np.float32)
    inverse_z = np.empty(count, np.float32)
    for i in range(count):
        z = vertices[i, 2]
        # Anything behind the camera is marked, not projected.
        w = 1.0 / z if z > 0.01 else -1.0
        inverse_z[i] = w
        # Pixel centres at integer coordinates from here on, hence the half.
        x[i] = vertices[i, 0] * w * focal + cx - 0.5
        y[i] = vertices[i, 1] * w * focal + cy - 0.5

    nearest = np.zeros((size, size), np.float32)  # 1/z of the nearest face so far
    face_of_pixel = np.full((size, size), -1, np.int32)
    barycentric = np.zeros((size, size, 3), np.float32)
    for t in range(faces.shape[0]):
        a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
        wa, wb, wc = inverse_z[a], inverse_z[b], inverse_z[c]
        if wa < 0 or wb < 0 or wc < 0:
            continue
        ax, ay, bx, by, cx_, cy_ = x[a], y[a], x[b], y[b], x[c], y[c]
        area = (bx - ax) * (cy_ - ay) - (by - ay) * (cx_ - ax)
        if area >= 0:  # y points down, so a front face has a negative area
            continue
        x0 = max(0, math.ceil(min(ax, bx, cx_)))
        x1 = min(size - 1, math.floor(max(ax, bx, cx_)))
        y0 = max(0, math.ceil(min(ay, by, cy_)))
        y1 = min(size - 1, math.floor(max(ay, by, cy_)))
        if x1 < x0 or y1 < y0:
            continue
        scale = 1.0 / area
        for row in range(y0, y1 + 1):
            for column in range(x0, x1 + 1):
                ub = ((column - ax) * (cy_ - ay) - (row - ay) * (cx_ - ax)) * scale
                uc = ((bx - ax) * (row - ay) - (by - ay) * (column - ax)) * scale
                ua = 1.0 - ub - uc
                if ua < 0 or ub < 0 or uc < 0:
                    continue
                w = ua * wa + ub * wb + uc * wc  # 1/z is linear on the screen
                if w > nearest[row, column]:
                    nearest[row, column] = w
                    face_of_pixel[row, column] = t
                    barycentric[row, column, 0] = ua * wa / w
                    barycentric[row, column, 1] = ub * wb / w
                    barycentric[row, column, 2] = uc * wc / w
    depth = np.zeros((size, size), np.float32)
    for row in range(size):
        for column in range(size):
            if face_of_pixel[row, column] >= 0:
                depth[row, column] = 1.0 / nearest[row, column]
    return face_of_pixel, barycentric, depth


@numba.njit(cache=True, fastmath=True, error_model="numpy")
def silhouette(
    x: Floats, y: Floats, faces: NDArray[np.int32], height: int, width: int
) -> NDArray[np.uint8]:
    """Cover of the screen-space triangles, whatever their winding: 1 inside, 0 outside.

    Args:
        x, y: ``(V,)`` screen position of each vertex in pixels (NaN: the vertex is not drawn).
    """
    out = np.zeros((height, width), np.uint8)
    for t in range(faces.shape[0]):
        a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
        ax, ay, bx, by, cx, cy = x[a], y[a], x[b], y[b], x[c], y[c]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if not (abs(area) > 1e-9 and abs(area) < 1e9):
            continue
        x0 = max(0, math.ceil(min(ax, bx, cx) - 0.5))
        x1 = min(width - 1, math.floor(max(ax, bx, cx) - 0.5))
        y0 = max(0, math.ceil(min(ay, by, cy) - 0.5))
        y1 = min(height - 1, math.floor(max(ay, by, cy) - 0.5))
        scale = 1.0 / area
        for row in range(y0, y1 + 1):
            for column in range(x0, x1 + 1):
                px, py = column + 0.5, row + 0.5
                ub = ((px - ax) * (cy - ay) - (py - ay) * (cx - ax)) * scale
                uc = ((bx - ax) * (py - ay) - (by - ay) * (px - ax)) * scale
                if ub >= 0 and uc >= 0 and ub + uc <= 1:
                    out[row, column] = 1
    return out


@numba.njit(cache=True, fastmath=True, error_model="numpy")
def vertex_normals(vertices: Floats, faces: NDArray[np.int32]) -> Floats:
    """Area-weighted unit normals ``(V, 3)``, pointing out of the body."""
    normals = np.zeros_like(vertices)
    for t in range(faces.shape[0]):
        a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
        ux = vertices[b, 0] - vertices[a, 0]
        uy = vertices[b, 1] - vertices[a, 1]
        uz = vertices[b, 2] - vertices[a, 2]
        vx = vertices[c, 0] - vertices[a, 0]
        vy = vertices[c, 1] - vertices[a, 1]
        vz = vertices[c, 2] - vertices[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in (a, b, c):
            normals[k, 0] += nx
            normals[k, 1] += ny
            normals[k, 2] += nz
    for i in range(vertices.shape[0]):
        length = math.sqrt(normals[i, 0] ** 2 + normals[i, 1] ** 2 + normals[i, 2] ** 2) + 1e-12
        for k in range(3):
            normals[i, k] /= length
    return normals


@numba.njit(cache=True, fastmath=True, error_model="numpy")
def skin(
    vertices: Floats, joints: NDArray[np.int32], weights: Floats, transforms: Floats
) -> Floats:
    """Linear blend skinning with K influences per vertex.

    The body itself is posed by smplx; this poses its *clothed* surface, whose rest vertices differ
    for every outfit. It equals smplx where there is no clothing (see tests/test_render.py).

    Args:
        vertices: ``(V, 3)`` shaped rest vertices with cloth offsets, metres.
        joints, weights: ``(V, K)`` influencing joint and its weight.
        transforms: ``(24, 3, 4)`` rest-to-posed transform of each joint.

    Returns:
        ``(V, 3)`` posed vertices, metres.
    """
    out = np.empty_like(vertices)
    for i in range(vertices.shape[0]):
        for r in range(3):
            value = np.float32(0.0)
            for k in range(joints.shape[1]):
                m = transforms[joints[i, k]]
                value += weights[i, k] * (
                    m[r, 0] * vertices[i, 0]
                    + m[r, 1] * vertices[i, 1]
                    + m[r, 2] * vertices[i, 2]
                    + m[r, 3]
                )
            out[i, r] = value
    return out
