"""One rasteriser, two engines: pytorch3d's data structures at the speed of the z-buffer.

The result is pytorch3d's ``Fragments``, so its textures and shaders take it. Both engines draw the
front of opaque meshes: faces wind counter-clockwise seen from outside, and what is seen from its
back, or has a corner less than :data:`NEAR` in front of the camera, is not drawn. Nothing here has
a gradient.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rsclib.errors import RscError
from rsclib.geometry import CROP, FOCAL
from rsclib.render.zbuffer import Floats, visible_faces

try:
    from pytorch3d.renderer.mesh.rasterizer import Fragments
except ImportError:  # there is a wheel for Linux on x86-64 alone

    class Fragments(NamedTuple):  # type: ignore[no-redef]
        """Stands in for pytorch3d's class of this name where pytorch3d is not installed."""

        pix_to_face: Tensor
        zbuf: Tensor
        bary_coords: Tensor
        dists: Tensor | None


NEAR = 0.01  # metres, the z-buffer's limit


def rasterize(
    vertices: Tensor,
    faces: Tensor,
    size: int,
    focal: float | None = None,
    centre: tuple[float, float] | None = None,
    backend: Literal["zbuffer", "pytorch3d"] = "zbuffer",
) -> Any:
    """Which face each pixel of a square image shows, and where on the face.

    Args:
        vertices: (B, V, 3) in the camera frame (x right, y down, z forward), metres: body vertices
            plus :func:`rsclib.geometry.cam_to_translation`.
        faces: (F, 3) integers.
        size: side S of the image, pixels; pixel centres lie at integers + 0.5.
        focal: focal length, pixels; default: that of the weak-perspective camera, 5000 at 224 px.
        centre: principal point (x, y), pixels; default: the middle of the image.
        backend: "zbuffer" (numba) or "pytorch3d" (its general rasteriser, the reference).

    Returns:
        ``Fragments`` of pytorch3d with one face a pixel. ``pix_to_face`` (B, S, S, 1) long: face f
        of mesh b is b F + f. ``zbuf`` (B, S, S, 1): depth, metres. ``bary_coords`` (B, S, S, 1, 3):
        perspective-correct. ``dists`` (B, S, S, 1): minus the squared distance to the face's
        outline, in units of half the image's side. All are -1 where there is no face.

    Raises:
        RscError: wrong shapes, a value that is not finite, a face without its vertex, an unknown
            backend, or pytorch3d is wanted and not installed.
    """
    _check(vertices, faces, size)
    focal = FOCAL * size / CROP if focal is None else focal
    x, y = (size / 2, size / 2) if centre is None else centre
    points = vertices.detach().float().cpu()
    result: tuple[Tensor, ...]
    if backend not in ("zbuffer", "pytorch3d"):
        raise RscError(f"backend is 'zbuffer' or 'pytorch3d', not {backend!r}")
    if not len(points) or not len(faces):
        empty = torch.full((len(points), size, size, 1), -1.0)
        result = (empty.long(), empty, empty[..., None].repeat(1, 1, 1, 1, 3), empty.clone())
    elif backend == "zbuffer":
        result = _zbuffer(points, faces, size, focal, x, y)
    else:
        result = _pytorch3d(points, faces.cpu().long(), size, focal, x, y)
    return Fragments(*(t.to(vertices.device) for t in result))


def _check(vertices: Tensor, faces: Tensor, size: int) -> None:
    if vertices.ndim != 3 or vertices.shape[2] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
        raise RscError(
            "rasterize wants vertices (B, V, 3) and faces (F, 3), not "
            f"{tuple(vertices.shape)} and {tuple(faces.shape)}"
        )
    if size < 1:
        raise RscError(f"an image size must be at least 1 pixel, not {size}")
    if not bool(vertices.isfinite().all()):
        raise RscError("rasterize: a vertex is NaN or infinite")
    # The z-buffer reads memory without asking.
    low, high = (int(v) for v in faces.aminmax()) if len(faces) else (0, -1)
    if low < 0 or high >= vertices.shape[1]:
        raise RscError(f"faces name vertices {low}..{high}, there are {vertices.shape[1]}")


def _zbuffer(
    points: Tensor, faces: Tensor, size: int, focal: float, x: float, y: float
) -> tuple[Tensor, ...]:
    corners = np.ascontiguousarray(faces.cpu().numpy(), np.int32)
    shape = (len(points), size, size, 1)
    faces_of_pixels = np.empty(shape, np.int64)
    depths, dists = np.empty(shape, np.float32), np.empty(shape, np.float32)
    barycentrics = np.empty((*shape, 3), np.float32)
    for b, mesh in enumerate(points.contiguous().numpy()):
        face, barycentric, depth = visible_faces(mesh, corners, focal, x, y, size)
        dists[b, ..., 0] = _outline(face, mesh, corners, focal, x, y)
        empty = face < 0
        depth[empty] = -1
        barycentric[empty] = -1
        faces_of_pixels[b, ..., 0] = np.where(empty, -1, face.astype(np.int64) + b * len(corners))
        depths[b, ..., 0] = depth
        barycentrics[b, ..., 0, :] = barycentric
    return tuple(map(torch.from_numpy, (faces_of_pixels, depths, barycentrics, dists)))


@numba.njit(cache=True, error_model="numpy")
def _outline(
    face_of_pixel: NDArray[np.int32],
    vertices: Floats,
    faces: NDArray[np.int32],
    focal: float,
    cx: float,
    cy: float,
) -> Floats:
    """Minus the squared distance of each covered pixel to its face's outline, (S, S); -1 outside.

    The unit is half the image's side, pytorch3d's NDC.
    """
    size = face_of_pixel.shape[0]
    out = np.full((size, size), -1, np.float32)
    for row in range(size):
        for column in range(size):
            t = face_of_pixel[row, column]
            if t < 0:
                continue
            nearest = np.inf
            for k in range(3):
                a, b = vertices[faces[t, k]], vertices[faces[t, (k + 1) % 3]]
                ax, ay = a[0] / a[2] * focal + cx, a[1] / a[2] * focal + cy
                dx, dy = b[0] / b[2] * focal + cx - ax, b[1] / b[2] * focal + cy - ay
                px, py = column + 0.5 - ax, row + 0.5 - ay
                # A covered face has an area, so none of its edges is a point.
                along = min(1.0, max(0.0, (px * dx + py * dy) / (dx * dx + dy * dy)))
                apart = (px - along * dx) ** 2 + (py - along * dy) ** 2
                nearest = min(nearest, apart)
            out[row, column] = -nearest * 4 / (size * size)
    return out


def _pytorch3d(
    points: Tensor, faces: Tensor, size: int, focal: float, x: float, y: float
) -> tuple[Tensor, ...]:
    try:
        from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes
        from pytorch3d.structures import Meshes
    except ImportError as error:
        raise RscError(
            "backend 'pytorch3d' needs pytorch3d, which is not installed; use 'zbuffer'"
        ) from error
    z = points[..., 2]
    seen = (z > NEAR)[:, faces].all(-1)  # (B, F)
    # A face that is not drawn becomes a point, which pytorch3d skips, and so keeps its number.
    drawn = torch.where(seen[..., None], faces, faces[:, :1])
    # Its corners may have any z; 1 m keeps their projection finite.
    flat = points[..., :2] / torch.where(z > NEAR, z, 1.0)[..., None] * focal
    # pytorch3d's screen: x to the left, y up, [-1, 1] across the image.
    shift = torch.tensor([1 - 2 * x / size, 1 - 2 * y / size])
    screen = torch.cat([shift - flat * (2 / size), z[..., None]], -1)
    return rasterize_meshes(
        Meshes(screen, drawn), image_size=size, blur_radius=0.0, faces_per_pixel=1,
        perspective_correct=True, cull_backfaces=True,
    )  # fmt: skip
