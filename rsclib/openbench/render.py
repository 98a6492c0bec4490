"""One clothed person in one place: pixels, mask, parts and dense truth.

Order of work: pose the clothed surface, light its vertices, rasterise at twice the size, shade,
average 2 x 2, lay the person and their shadow over the place, put things in front, add the camera's
faults (blur, noise, white balance, JPEG).
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from rsclib.openbench.camera import Camera, photograph
from rsclib.openbench.occluders import occluder
from rsclib.openbench.outfits import Outfit
from rsclib.openbench.scenes import Place, harmonics
from rsclib.openbench.surface import Surface
from rsclib.render import zbuffer

Floats = NDArray[np.float32]
OVERSAMPLING = 2  # 2 x 2 samples a pixel: silhouettes at 32 px need soft edges

_TO_LINEAR = np.array([(i / 255) ** 2.2 for i in range(256)], np.float32)
_TO_SRGB = np.array([(i / 4095) ** (1 / 2.2) for i in range(4096)], np.float32)


@dataclass(frozen=True)
class Picture:
    """A finished sample. ``size`` = S.

    Attributes:
        image: (S, S, 3) uint8. mask: (S, S) bool, the person without what is in front.
        parts: (S, S) uint8, 0 background, 1 + joint index on the person.
        dense: (S/4, S/4, 4) uint8, canonical x, y, z and 1 + joint (0: background).
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    parts: NDArray[np.uint8]
    dense: NDArray[np.uint8]


@numba.njit(cache=True, fastmath=True, error_model="numpy")
def _shade(
    face_of_pixel: NDArray[np.int32],
    barycentric: Floats,
    faces: NDArray[np.int32],
    uv: Floats,
    uv_faces: NDArray[np.int32],
    light: Floats,
    texture: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    tints: Floats,
    to_linear: Floats,
    factor: int,
) -> tuple[Floats, Floats]:
    """Linear colour (S, S, 3), averaged over covered samples, and cover (S, S)."""
    size = face_of_pixel.shape[0] // factor
    colour = np.zeros((size, size, 3), np.float32)
    cover = np.zeros((size, size), np.float32)
    side = texture.shape[0]
    for row in range(face_of_pixel.shape[0]):
        for column in range(face_of_pixel.shape[1]):
            t = face_of_pixel[row, column]
            if t < 0:
                continue
            u, v = np.float32(0), np.float32(0)
            lr, lg, lb = np.float32(0), np.float32(0), np.float32(0)
            for k in range(3):
                w = barycentric[row, column, k]
                corner, vertex = uv_faces[t, k], faces[t, k]
                u += w * uv[corner, 0]
                v += w * uv[corner, 1]
                lr += w * light[vertex, 0]
                lg += w * light[vertex, 1]
                lb += w * light[vertex, 2]
            x = min(side - 1.001, max(0.0, u * side - 0.5))
            y = min(side - 1.001, max(0.0, (1 - v) * side - 0.5))
            x0, y0 = int(x), int(y)
            fx, fy = x - x0, y - y0
            label = labels[int(y + 0.5), int(x + 0.5)]
            i, j = row // factor, column // factor
            cover[i, j] += 1
            for c in range(3):
                top = (
                    to_linear[texture[y0, x0, c]] * (1 - fx)
                    + to_linear[texture[y0, x0 + 1, c]] * fx
                )
                low = (
                    to_linear[texture[y0 + 1, x0, c]] * (1 - fx)
                    + to_linear[texture[y0 + 1, x0 + 1, c]] * fx
                )
                albedo = (top * (1 - fy) + low * fy) * tints[label, c]
                colour[i, j, c] += albedo * (lr if c == 0 else (lg if c == 1 else lb))
    for i in range(size):
        for j in range(size):
            if cover[i, j] > 0:
                for c in range(3):
                    colour[i, j, c] /= cover[i, j]
                cover[i, j] /= factor * factor
    return colour, cover


def clothe(surface: Surface, shaped: Floats, outfit: Outfit, transforms: Floats) -> Floats:
    """Posed vertices (6890, 3) of a dressed body; ``shaped`` (6890, 3) is its nude rest shape."""
    rest = shaped + surface.normals * outfit.offset[:, None]
    return zbuffer.skin(
        np.asarray(rest, np.float32),
        surface.skin_joints,
        surface.skin_weights,
        np.asarray(transforms, np.float32),
    )


def shadow(
    vertices: Floats,
    faces: NDArray[np.int32],
    camera: Camera,
    up: Floats,
    ground: Floats,
    sun: Floats,
) -> Floats:
    """Cover (S, S) of the shadow that the body casts on the floor along ``sun`` (camera frame)."""
    slant = max(float(sun @ up), 0.35)  # a sun near the horizon would throw it out of the picture
    along = ((vertices - ground) @ up)[:, None] / slant * sun
    flat = np.asarray(vertices - along, np.float32)
    ahead = flat[:, 2] > 0.2  # the others have no place in the picture, at depth 0 not even one
    screen = np.full((len(flat), 2), np.nan, np.float32)
    screen[ahead] = camera.project(flat[ahead])
    x, y = np.ascontiguousarray(screen[:, 0]), np.ascontiguousarray(screen[:, 1])
    return zbuffer.silhouette(x, y, faces, camera.size, camera.size).astype(np.float32)


def draw(
    rng: np.random.Generator,
    surface: Surface,
    vertices: Floats,
    outfit: Outfit,
    camera: Camera,
    place: Place,
    rotation: Floats,
    ground: Floats,
    occlusion: float,
    noise: np.random.Generator | None = None,
    in_front: tuple[Floats, Floats] | None = None,
) -> Picture:
    """Render a clothed person in a place.

    Args:
        vertices: (6890, 3) clothed vertices, camera frame, metres.
        rotation: (3, 3) world to camera. ground: camera-frame point on the floor.
        occlusion: probability that something stands in front.
        noise: draws the sensor's noise, where all else is drawn alike in many frames; None: ``rng``.
        in_front: cover (S, S) and image (S, S, 3) of what stands in front for certain.
    """
    size, big = camera.size, camera.size * OVERSAMPLING
    faces = surface.faces
    face_of_pixel, barycentric, _ = zbuffer.visible_faces(
        vertices, faces, camera.focal * OVERSAMPLING, camera.cx * 2, camera.cy * 2, big
    )
    normals = zbuffer.vertex_normals(vertices, faces) @ rotation  # camera to world
    light = np.clip(harmonics(normals) @ place.irradiance, 0.03, None) * rng.uniform(0.75, 1.3)
    tints = _tints(rng)
    colour, cover = _shade(
        face_of_pixel, barycentric, faces, surface.uv, surface.uv_faces,
        np.asarray(light, np.float32), outfit.texture, outfit.labels, tints, _TO_LINEAR, OVERSAMPLING,
    )  # fmt: skip
    person = _TO_SRGB[np.minimum(colour * 4095, 4095).astype(np.int32)]

    # The floor darkens under the body (light from the whole sky) and along the sun's shadow.
    up = rotation[:, 1].astype(np.float32)
    blurred = gaussian_filter(shadow(vertices, faces, camera, up, ground, up), size * 0.025)
    dark = blurred * rng.uniform(0.2, 0.55)
    sun = (rotation @ place.sun).astype(np.float32)
    if float(sun @ up) > 0.15 and rng.random() < 0.8:
        cast = gaussian_filter(
            shadow(vertices, faces, camera, up, ground, sun), size * rng.uniform(0.004, 0.02)
        )
        dark = 1 - (1 - dark) * (1 - cast * rng.uniform(0.2, 0.5))
    image = place.image * (1 - dark[..., None])
    # Slightly out of focus behind the person, as portraits are.
    if rng.random() < 0.3:
        image = gaussian_filter(image, (size * rng.uniform(0.003, 0.012),) * 2 + (0,))
    image = image * (1 - cover[..., None]) + person * cover[..., None]
    if rng.random() < occlusion:
        front, thing = occluder(rng, cover, place.image.mean((0, 1)))
        image = image * (1 - front[..., None]) + thing * front[..., None]
    if in_front is not None:
        front, thing = in_front
        image = image * (1 - front[..., None]) + thing * front[..., None]

    top = face_of_pixel[OVERSAMPLING // 2 :: OVERSAMPLING, OVERSAMPLING // 2 :: OVERSAMPLING]
    parts = np.where(top >= 0, surface.part_of_vertex[faces[top, 0]] + 1, 0).astype(np.uint8)
    dense = _dense(surface, face_of_pixel, barycentric, OVERSAMPLING * 4)
    return Picture(
        photograph(rng, np.asarray(image, np.float32), noise), cover >= 0.5, parts, dense
    )


def _tints(rng: np.random.Generator) -> Floats:
    """A colour factor (256, 3) per garment label, so that one outfit is worn in many colours.

    Label 0 is skin and 1 hair (see outfits.LABELS): they are left nearly as painted.
    """
    tints = np.ones((256, 3), np.float32)
    tints[:2] = rng.uniform(0.92, 1.08, (2, 1))
    tints[2:] = rng.uniform(0.6, 1.25, (254, 1)) * (1 + rng.normal(0, 0.18, (254, 3)))
    return np.clip(tints, 0.3, 1.6)


def _dense(
    surface: Surface, face_of_pixel: NDArray[np.int32], barycentric: Floats, step: int
) -> NDArray[np.uint8]:
    """Canonical position and part at the centre of every ``step`` x ``step`` block."""
    pick = slice(step // 2, None, step)
    faces, corner = face_of_pixel[pick, pick], barycentric[pick, pick].argmax(-1)
    vertex = surface.faces[faces, corner]
    dense = np.zeros((*faces.shape, 4), np.uint8)
    dense[..., :3] = surface.canonical[vertex]
    dense[..., 3] = surface.part_of_vertex[vertex] + 1
    dense[faces < 0] = 0
    return dense
