"""Meshes as pictures: over the image they were guessed from, from the side, from the front."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from rsclib.body import Body
from rsclib.geometry import CROP, FOCAL, cam_to_translation
from rsclib.network import Prediction
from rsclib.predictor import NetPredictor
from rsclib.render.zbuffer import vertex_normals, visible_faces
from rsclib.resolution import Ranges, degrade

# Okabe and Ito's blue and vermilion: told apart by every kind of eye.
BLUE, VERMILION = (0.0, 0.447, 0.698), (0.835, 0.369, 0.0)
GREY = (0.68, 0.68, 0.68)  # the truth, always


def predict(
    net: Any, image: NDArray[np.uint8], size: int, ranges: Ranges
) -> tuple[NDArray[np.uint8], Prediction]:
    """What the network sees of an image (S, S, 3) at ``size`` pixels, and what it predicts."""
    images = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
    seen = degrade(images, size)
    prediction = NetPredictor(net, ranges=ranges)(seen, size)
    return seen[0].permute(1, 2, 0).numpy(), prediction


def mesh_of(prediction: Prediction, body: Body) -> NDArray[np.float32]:
    """Vertices (6890, 3) of the first sample in the camera frame, metres."""
    with torch.inference_mode():
        vertices = body(prediction.rotmats[:1], prediction.betas[:1]).vertices[0]
        vertices = vertices + cam_to_translation(prediction.cam[:1])
    return vertices.numpy()


def shaded(
    vertices: NDArray[np.float32], faces: NDArray[np.int32], size: int, colour: tuple[float, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Image (size, size, 3) and cover (size, size) of a mesh before the weak-perspective camera."""
    return shaded_by(vertices, faces, FOCAL * size / CROP, (size / 2, size / 2), size, colour)


def shaded_by(
    vertices: NDArray[np.float32], faces: NDArray[np.int32], focal: float,
    centre: tuple[float, float], size: int, colour: tuple[float, ...],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:  # fmt: skip
    """:func:`shaded` before a camera of this focal length and principal point (pixels)."""
    big, cx, cy = size * 2, 2 * centre[0], 2 * centre[1]
    face, bary, _ = visible_faces(np.ascontiguousarray(vertices), faces, 2 * focal, cx, cy, big)
    normals = vertex_normals(np.ascontiguousarray(vertices), faces)
    light = np.clip(normals @ _array([0.35, -0.5, -0.79]), 0, 1) * 0.75 + 0.25
    value = (light[faces[face]] * bary).sum(-1) * (face >= 0)
    value = value.reshape(size, 2, size, 2).mean((1, 3))
    cover = (face >= 0).reshape(size, 2, size, 2).mean((1, 3)).astype(np.float32)
    shades = value[..., None] * _array(colour) * 1.25
    return shades.clip(0, 1).astype(np.float32), cover


def _array(values: ArrayLike) -> NDArray[np.float32]:
    return np.asarray(values, np.float32)


def _bytes(image: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Values of 0 to 1 as bytes; what is outside is clipped."""
    return (image.clip(0, 1) * 255).astype(np.uint8)


def overlay(
    image: NDArray[np.uint8],
    vertices: NDArray[np.float32],
    body: Body,
    colour: tuple[float, ...] = BLUE,
) -> NDArray[np.uint8]:
    """The mesh drawn over the image, (S, S, 3) uint8."""
    faces = body.faces.numpy().astype(np.int32)
    mesh, cover = shaded(vertices, faces, image.shape[0], colour)
    out = image / 255.0 * (1 - cover[..., None]) + mesh
    return _bytes(out)


def side_view(
    vertices: NDArray[np.float32], body: Body, size: int, colour: tuple[float, ...] = BLUE
) -> NDArray[np.uint8]:
    """The mesh turned by 90 degrees about the vertical, on white, (size, size, 3) uint8."""
    centre = vertices.mean(0)
    turned = (vertices - centre) @ _array([[0, 0, -1], [0, 1, 0], [1, 0, 0]]) + centre
    faces = body.faces.numpy().astype(np.int32)
    mesh, cover = shaded(_array(turned), faces, size, colour)
    return _bytes(1 - cover[..., None] + mesh)


def portrait(
    vertices: NDArray[np.float32],
    body: Body,
    turn: float = 0.0,
    size: int = 320,
    colour: tuple[float, ...] = BLUE,
) -> NDArray[np.uint8]:
    """A mesh in the body frame (6890, 3), metres, y up, turned by ``turn`` degrees about the
    vertical, seen from the front on white: (size, size, 3) uint8. The frame is 2.4 m wide and
    centred on the mesh."""
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    around = _array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    seen = vertices @ around * _array([1, -1, -1])  # y down, z forward
    seen = seen - (seen.min(0) + seen.max(0)) / 2
    seen = seen + cam_to_translation(torch.tensor([[2 / 2.4, 0.0, 0.0]])).numpy()
    mesh, cover = shaded(_array(seen), body.faces.numpy().astype(np.int32), size, colour)
    return _bytes(1 - cover[..., None] + mesh)


def enlarged(image: NDArray[np.uint8], side: int = 320) -> NDArray[np.uint8]:
    """An image (S, S, 3) as (side, side, 3), bicubic: a mesh laid over it gets sharp edges."""
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))


def sheet(nets: dict[str, Any], image: NDArray[np.uint8], sizes: tuple[int, ...], ranges: Ranges, body: Body) -> Any:  # fmt: skip
    """A figure: one column per size; input, then overlay and side view of each network."""
    import matplotlib.pyplot as plt

    rows = 1 + 2 * len(nets)
    figure, axes = plt.subplots(
        rows, len(sizes), figsize=(2.1 * len(sizes), 2.1 * rows), squeeze=False
    )
    for column, size in enumerate(sizes):
        for k, (name, net) in enumerate(nets.items()):
            seen, prediction = predict(net, image, size, ranges)
            vertices = mesh_of(prediction, body)
            colour = (BLUE, VERMILION)[k % 2]
            axes[0, column].imshow(seen)
            axes[0, column].set_title(f"{size} px", fontsize=11)
            axes[1 + 2 * k, column].imshow(overlay(enlarged(seen), vertices, body, colour))
            axes[2 + 2 * k, column].imshow(side_view(vertices, body, 320, colour))
            if column == 0:
                axes[1 + 2 * k, 0].set_ylabel(f"{name}\noverlay", fontsize=10)
                axes[2 + 2 * k, 0].set_ylabel(f"{name}\nfrom the side", fontsize=10)
    axes[0, 0].set_ylabel("input", fontsize=10)
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    figure.tight_layout(pad=0.4)
    return figure
