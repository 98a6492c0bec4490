"""Textured bodies: where each pixel looks in the UV map, worked out once, then a look-up.

While a texture is learnt its geometry stands still (Section 3.6), so a mesh is rasterised once, to the
(u, v) of every pixel and a mask; what is left of rendering is a bilinear look-up, whose gradient in
the texture is exact. :func:`reference` is the same picture by pytorch3d's renderer.

A UV map is an image whose row 0 lies at v = 1; texel centres lie at integers + 0.5. Camera frame: x
right, y down, z forward, metres; pixel centres lie at integers + 0.5 too.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from rsclib.body import Body
from rsclib.errors import RscError
from rsclib.geometry import CROP, FOCAL, cam_to_translation
from rsclib.render.zbuffer import Floats, visible_faces

Lookup = Literal["bilinear", "nearest"]
_STEPS = 65535  # a (u, v) is kept in so many steps: 1/500 texel of a map of 128


class Atlas(NamedTuple):
    """How a body's surface lies in its UV map: ``faces`` (F, 3) of vertices, ``uv_faces`` (F, 3) of
    the corners ``uv`` (T, 2) in [0, 1]."""

    faces: NDArray[np.int32]
    uv: Floats
    uv_faces: NDArray[np.int32]

    @staticmethod
    def of(body: Body) -> Atlas:
        """The atlas of a body.

        Raises:
            RscError: the body has none.
        """
        if body.uv is None or body.uv_faces is None:
            raise RscError("this body has no UV map: unset RSC_SMPL to use the open body's")
        faces, corners = (x.cpu().numpy().astype(np.int32) for x in (body.faces, body.uv_faces))
        return Atlas(faces, body.uv.cpu().numpy(), corners)


class UvPictures(NamedTuple):
    """Where pixels look: ``uv`` (N, H, W, 2) uint16 in 1/65535; ``mask`` (N, H, W) bool, False where
    there is no body."""

    uv: NDArray[np.uint16]
    mask: NDArray[np.bool_]

    def at(self, index: Any) -> tuple[Tensor, Tensor]:
        """(u, v) (B, H, W, 2) in [0, 1] and mask (B, 1, H, W), float32, of some of the pictures."""
        uv = torch.from_numpy(self.uv[index].astype(np.float32) / _STEPS)
        return uv, torch.from_numpy(self.mask[index].astype(np.float32))[:, None]


def weak_perspective(height: int, width: int) -> Floats:
    """Intrinsics (3,) of the regressor's camera (Eq. 3) in a picture cut from the middle columns of
    a square one of ``height`` pixels: focal length and principal point x, y, pixels."""
    return np.array([FOCAL * height / CROP, width / 2, height / 2], np.float32)


def rasterise_uv(
    vertices: Tensor, atlas: Atlas, intrinsics: Floats, height: int, width: int
) -> UvPictures:
    """The (u, v) of every pixel of N meshes.

    Args:
        vertices: (N, V, 3), camera frame.
        intrinsics: (N, 3) or (3,): focal length and principal point x, y, pixels.

    Raises:
        RscError: shapes do not fit, or a vertex is not a finite number.
    """
    points = np.ascontiguousarray(vertices.detach().cpu().numpy(), np.float32)
    n, side = len(points), max(height, width)
    if points.ndim != 3 or points.shape[2] != 3 or atlas.faces.max() >= points.shape[1]:
        raise RscError(f"vertices (N, V, 3) of the atlas's body are wanted, not {points.shape}")
    if not np.isfinite(points).all():
        raise RscError("rasterise_uv: a vertex is NaN or infinite")
    cameras = np.broadcast_to(np.asarray(intrinsics, np.float32), (n, 3))
    corners = atlas.uv[atlas.uv_faces]  # (F, 3, 2)
    uv, mask = np.zeros((n, height, width, 2), np.uint16), np.zeros((n, height, width), bool)
    for i, (mesh, camera) in enumerate(zip(points, cameras, strict=True)):
        # Of the square that the z-buffer draws, the picture is the upper left part.
        focal, x, y = (float(value) for value in camera)
        face, weights, _ = visible_faces(mesh, atlas.faces, focal, x, y, side)
        face, weights = face[:height, :width], weights[:height, :width]
        seen = face >= 0
        at = np.einsum("pk,pkc->pc", weights[seen], corners[face[seen]])
        uv[i][seen] = np.clip(at * _STEPS + 0.5, 0, _STEPS).astype(np.uint16)
        mask[i] = seen
    return UvPictures(uv, mask)


def look_up(texture: Tensor, uv: Tensor, mask: Tensor, how: Lookup = "bilinear") -> Tensor:
    """The textured body as a picture (B, 3, H, W), 0 where ``mask`` is.

    Args:
        texture: UV maps (B, 3, T, T). uv, mask: of :meth:`UvPictures.at`.
        how: "bilinear" as pytorch3d renders; "nearest", one texel a pixel, as the OpenDR-style
            renderer of the baselines, a fixed sparse matrix from texels to pixels, does.
    """
    grid = torch.stack([2 * uv[..., 0] - 1, 1 - 2 * uv[..., 1]], -1)
    seen = F.grid_sample(texture, grid, how, padding_mode="border", align_corners=False)
    return seen * mask


def composite(person: Tensor, mask: Tensor, background: Tensor) -> Tensor:
    """A person (B, 3, H, W) before a background; all of one range of values."""
    return person * mask + background * (1 - mask)


def reference(
    texture: Tensor, vertices: Tensor, atlas: Atlas, camera: Any, height: int, width: int
) -> Tensor:
    """What :func:`look_up` gives, by pytorch3d: ``TexturesUV``, one face a pixel, ambient light.

    Args:
        texture: (B, 3, T, T). vertices: (B, V, 3). camera: from :func:`pytorch3d_camera` or
            :func:`pytorch3d_pinhole`; it says which frame the vertices are in.

    Raises:
        RscError: pytorch3d is not installed.
    """
    package = _pytorch3d()
    p3d, count, device = package.renderer, len(vertices), vertices.device
    faces, uv, uv_faces = (torch.from_numpy(x).to(device) for x in atlas)
    maps = texture.permute(0, 2, 3, 1)
    textures = p3d.TexturesUV(
        maps, [uv_faces.long()] * count, [uv] * count, padding_mode="border", align_corners=False
    )
    meshes = package.structures.Meshes(vertices, faces.long().expand(count, -1, -1), textures)
    raster = p3d.MeshRasterizer(
        camera,
        p3d.RasterizationSettings((height, width), blur_radius=0.0, faces_per_pixel=1, bin_size=0,
                                  cull_backfaces=True),
    )  # fmt: skip
    shader = p3d.HardPhongShader(
        device, camera, p3d.AmbientLights(device=device),
        blend_params=p3d.BlendParams(background_color=(0.0, 0.0, 0.0)),
    )  # fmt: skip
    picture = p3d.MeshRenderer(raster, shader)(meshes)
    return picture[..., :3].permute(0, 3, 1, 2)


def pytorch3d_camera(cam: Tensor, height: int, width: int) -> Any:
    """The regressor's camera [s, tx, ty] (B, 3) as pytorch3d's, for vertices about the body's origin.

    pytorch3d looks along z with x to the left and y up, so x and y change sign.
    """
    focal, x, y = map(float, weak_perspective(height, width))
    return _camera(focal, x, y, cam_to_translation(cam), height, width)


def pytorch3d_pinhole(intrinsics: Tensor, height: int, width: int) -> Any:
    """A pinhole camera with ``intrinsics`` (B, 3) as pytorch3d's, for camera-frame vertices."""
    at = torch.zeros(len(intrinsics), 3, device=intrinsics.device)
    return _camera(intrinsics[:, 0], intrinsics[:, 1], intrinsics[:, 2], at, height, width)


def _camera(focal: Any, x: Any, y: Any, translation: Tensor, height: int, width: int) -> Any:
    count, device = len(translation), translation.device
    turned = torch.tensor([-1.0, -1.0, 1.0], device=device)
    centre = torch.stack([torch.as_tensor(v, device=device).expand(count) for v in (x, y)], 1)
    return _pytorch3d().renderer.PerspectiveCameras(
        focal_length=torch.as_tensor(focal, device=device).expand(count), principal_point=centre,
        R=torch.diag(turned).expand(count, 3, 3), T=translation * turned,
        image_size=torch.tensor([[height, width]], device=device).expand(count, 2),
        in_ndc=False, device=device,
    )  # fmt: skip


def _pytorch3d() -> Any:
    try:
        import pytorch3d.renderer
        import pytorch3d.structures
    except ImportError as error:
        raise RscError("this needs pytorch3d, which is not installed") from error
    return pytorch3d
