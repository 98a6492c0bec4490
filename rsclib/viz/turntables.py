"""A textured body that turns, as a short film."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rsclib.files.atomic import write_bytes
from rsclib.geometry import CROP, FOCAL
from rsclib.render.uv import Atlas, look_up
from rsclib.render.zbuffer import vertex_normals, visible_faces
from rsclib.viz.films import webp

FRAMES, MILLISECONDS = 36, 80  # a turn takes three seconds
_MARGIN = 1.08  # of the picture's height over the body's
_OVER = 2  # samples along a pixel's side
_LIGHT = np.array([0.35, -0.5, -0.79], np.float32)  # from above, beside the camera


def turntable(
    vertices: NDArray[np.float32], atlas: Atlas, uv_map: NDArray[np.uint8], frames: int = FRAMES,
    height: int = 320, width: int = 240, light: float = 0.35,
) -> list[NDArray[np.uint8]]:  # fmt: skip
    """Pictures (height, width, 3) uint8 on white of a body that turns about the vertical once.

    Args:
        vertices: (V, 3), axes of the camera frame, metres; the first picture shows it as it stands.
        uv_map: (T, T, 3) uint8. light: how much of a colour depends on the light's direction.
    """
    low, high = vertices.min(0), vertices.max(0)
    about = (vertices - (low + high) / 2).astype(np.float32)
    radius = float(np.hypot(about[:, 0], about[:, 2]).max())
    extent = _MARGIN * max(float(high[1] - low[1]), 2 * radius * height / width)
    distance = FOCAL * extent / CROP  # as far away as makes the body fill the picture
    rows, columns = height * _OVER, width * _OVER
    texture = torch.from_numpy(uv_map.copy()).permute(2, 0, 1)[None].float() / 255
    corners = atlas.uv[atlas.uv_faces]
    out = []
    for angle in np.arange(frames) * 2 * np.pi / frames:
        c, s = np.cos(angle), np.sin(angle)
        around = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)
        seen = np.ascontiguousarray(about @ around + [0, 0, distance], np.float32)
        face, weights, _ = visible_faces(
            seen, atlas.faces, FOCAL * rows / CROP, columns / 2, rows / 2, max(rows, columns)
        )
        face, weights = face[:rows, :columns], weights[:rows, :columns]
        uv = np.einsum("hwk,hwkc->hwc", weights, corners[face])
        facing = np.clip(vertex_normals(seen, atlas.faces) @ _LIGHT, 0, 1)
        shade = 1 - light + light * (facing[atlas.faces[face]] * weights).sum(-1)
        mask = torch.from_numpy((face >= 0).astype(np.float32))[None, None]
        colour = look_up(texture, torch.from_numpy(uv)[None], mask)
        frame = colour * torch.from_numpy(shade.astype(np.float32)) + (1 - mask)
        frame = torch.nn.functional.avg_pool2d(frame, _OVER)[0].permute(1, 2, 0)
        out.append((frame.clamp(0, 1) * 255 + 0.5).byte().numpy())
    return out


def write_turntable(
    path: Path, vertices: NDArray[np.float32], atlas: Atlas, uv_map: NDArray[np.uint8],
    frames: int = FRAMES, height: int = 320, width: int = 240,
) -> None:  # fmt: skip
    """:func:`turntable` as an animated WebP that repeats for ever.

    Raises:
        RscError: the file cannot be written.
    """
    pictures = turntable(vertices, atlas, uv_map, frames, height, width)
    write_bytes(path, webp(pictures, [MILLISECONDS * FRAMES // frames] * frames))
