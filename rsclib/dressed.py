"""Pictures of dressed people for textures: what the network sees, whose mesh it is drawn on, the truth.

A pedestrian's picture x_H (128 x 64) is seen through 32 rows (x_L). The mesh M and the camera delta
come from a regressor or from the truth, and are rasterised once (:mod:`rsclib.render.uv`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from rsclib.body import Body
from rsclib.errors import RscError
from rsclib.geometry import axis_angle_to_rotmat, cam_to_translation
from rsclib.predictor import NetPredictor
from rsclib.render.uv import Atlas, UvPictures, rasterise_uv, weak_perspective
from rsclib.render.zbuffer import silhouette, vertex_normals
from rsclib.resolution import degrade_height
from rsclib.skeleton import SMPL_NAMES

_AT_ONCE = 64  # meshes of 6890 vertices in memory
FRONT = 0.2  # least z of a face vertex's normal: the hair behind is left alone


@dataclass(frozen=True)
class Dressed:
    """N pictures of P people.

    Attributes:
        sharp: x_H (N, 3, H, H/2) uint8. small: x_L, as large again, through a few rows only.
        person: (N,) from 0 to P - 1. identity: (P,) their numbers.
        uv_maps: the true textures (P, 3, T, T) uint8.
        pose (N, 72) axis-angle in the camera frame, betas (N, 10), camera (N, 4): the true body;
            camera is a focal length in pixels and a translation in metres.
    """

    sharp: Tensor
    small: Tensor
    person: NDArray[np.int64]
    identity: NDArray[np.int64]
    uv_maps: Tensor
    pose: Tensor
    betas: Tensor
    camera: Tensor

    def __len__(self) -> int:
        return len(self.sharp)

    @property
    def height(self) -> int:
        """Rows of the pictures."""
        return self.sharp.shape[2]

    @staticmethod
    def of(arrays: Mapping[str, NDArray[Any]], rows: int) -> Dressed:
        """A part of pedestrians (:func:`rsclib.openbench.build.fetch`), seen through ``rows`` rows.

        Raises:
            RscError: there is not one texture for each person.
        """
        identity, first, person = np.unique(
            arrays["identity"], return_index=True, return_inverse=True
        )
        if len(arrays["uv"]) != len(identity):
            raise RscError(f"{len(identity)} people, but {len(arrays['uv'])} textures")
        order = np.argsort(np.argsort(first))  # textures come in the order of the pictures
        sharp = torch.from_numpy(arrays["images"]).permute(0, 3, 1, 2).contiguous()
        small = torch.cat([degrade_height(part, rows) for part in sharp.split(256)])
        maps = torch.from_numpy(arrays["uv"][order]).permute(0, 3, 1, 2).contiguous()
        body = (
            torch.from_numpy(np.asarray(arrays[k], np.float32)) for k in ("pose", "betas", "camera")
        )
        return Dressed(sharp, small, person, identity, maps, *body)


def true_meshes(people: Dressed, body: Body) -> Callable[[slice], tuple[Tensor, NDArray]]:
    """Of some of the pictures: vertices (B, V, 3) in the camera frame and intrinsics (B, 3)."""

    def some(part: slice) -> tuple[Tensor, NDArray]:
        rotmats = axis_angle_to_rotmat(people.pose[part].view(-1, 24, 3))
        vertices = body(rotmats, people.betas[part]).vertices
        assert vertices is not None
        camera = people.camera[part]
        middle = torch.tensor([people.height / 4, people.height / 2]).expand(len(camera), 2)
        return vertices + camera[:, None, 1:], torch.cat([camera[:, :1], middle], 1).numpy()

    return some


def guessed_meshes(
    images: Tensor, native: int, predictor: NetPredictor
) -> Callable[[slice], tuple[Tensor, NDArray]]:
    """The same by a regressor, which sees the pictures (N, 3, H, W) uint8 made square by repeating
    their edges; ``native`` is the number of rows that they really have."""
    height, width = images.shape[2:]
    side = predictor.ranges.full

    def some(part: slice) -> tuple[Tensor, NDArray]:
        left = (height - width) // 2
        square = F.pad(images[part].float(), (left, height - width - left, 0, 0), "replicate")
        if side != height:
            square = F.interpolate(square, size=side, mode="bicubic", antialias=True)
        square = square.round().clamp(0, 255).byte()
        rotmats, betas, cam, *_ = predictor(square, max(1, native * side // height))
        vertices = predictor.body(rotmats, betas).vertices
        assert vertices is not None
        intrinsics = np.tile(weak_perspective(height, width), (len(cam), 1))
        return (vertices + cam_to_translation(cam)[:, None]).cpu(), intrinsics

    return some


def drawn(
    count: int, meshes: Callable[[slice], tuple[Tensor, NDArray]], atlas: Atlas, height: int
) -> UvPictures:
    """Where the pixels of ``count`` pictures (H, H/2) look on their meshes."""
    parts = []
    for begin in range(0, count, _AT_ONCE):
        with torch.inference_mode():
            vertices, intrinsics = meshes(slice(begin, min(begin + _AT_ONCE, count)))
        parts.append(rasterise_uv(vertices, atlas, intrinsics, height, height // 2))
    return UvPictures(*(np.concatenate(x) for x in zip(*parts, strict=True)))


def chart_mask(atlas: Atlas, side: int, chosen: NDArray[np.bool_] | None = None) -> Tensor:
    """Which texels (T, T) bool of a map lie on the body; ``chosen`` (F,): on these faces of it."""
    corners = atlas.uv_faces if chosen is None else atlas.uv_faces[chosen]
    x, y = (np.ascontiguousarray(v * side) for v in (atlas.uv[:, 0], 1 - atlas.uv[:, 1]))
    cover = silhouette(x, y, np.ascontiguousarray(corners), side, side)
    return torch.from_numpy(cover.astype(bool))


def face_mask(body: Body, atlas: Atlas, side: int) -> Tensor:
    """Texels (T, T) bool of the face (the head's front) and of the hands: where the face term looks."""
    parts = body.part_of_vertex.cpu().numpy()
    normals = vertex_normals(np.ascontiguousarray(body.template.cpu().numpy()), atlas.faces)
    hands = [SMPL_NAMES.index(name) for name in ("left_hand", "right_hand")]
    wanted = np.isin(parts, hands) | ((parts == SMPL_NAMES.index("head")) & (normals[:, 2] > FRONT))
    return chart_mask(atlas, side, wanted[atlas.faces].all(1))
