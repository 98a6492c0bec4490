"""One clothed person in one place: pixels, mask, parts and dense truth.

Order of work: pose the clothed surface, light its vertices, rasterise at twice the size, shade,
average 2 x 2, lay the person and their shadow over the place, put things in front, add the camera's
faults (blur, noise, white balance, JPEG).
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from rsclib.openbench.outfits import Outfit
from rsclib.openbench.scenes import Place, View, harmonics, occluder
from rsclib.render import zbuffer

Floats = NDArray[np.float32]
OVERSAMPLING = 2  # 2 x 2 samples a pixel: silhouettes at 32 px need soft edges

_TO_LINEAR = np.float32([(i / 255) ** 2.2 for i in range(256)])
_TO_SRGB = np.float32([(i / 4095) ** (1 / 2.2) for i in range(4096)])


@dataclass(frozen=True)
class Surface:
    """What the renderer needs to know of the body, as arrays.

    Attributes:
        faces, uv_faces: (13776, 3) int32. uv: (T, 2). template: (6890, 3) rest vertices, metres.
        skin_joints (6890, 4) int32, skin_weights (6890, 4): the influences of each vertex.
        part_of_vertex: (6890,) uint8 joint with the largest weight. normals: (6890, 3) at rest.
        canonical: (6890, 3) uint8 rest position scaled to the body's box: dense truth.
    """

    faces: NDArray[np.int32]
    uv: Floats
    uv_faces: NDArray[np.int32]
    template: Floats
    normals: Floats
    skin_joints: NDArray[np.int32]
    skin_weights: Floats
    part_of_vertex: NDArray[np.uint8]
    canonical: NDArray[np.uint8]

    @staticmethod
    def of(
        template: Floats,
        faces: NDArray[np.integer],
        uv: Floats,
        uv_faces: NDArray[np.integer],
        weights: Floats,
    ) -> Surface:
        """Derive the renderer's arrays from the body's; weights is (6890, 24)."""
        joints = np.argsort(-weights, axis=1)[:, :4].astype(np.int32)
        kept = np.take_along_axis(weights, joints.astype(np.int64), 1)
        low, high = template.min(0), template.max(0)
        faces = np.ascontiguousarray(faces, np.int32)
        return Surface(
            faces=faces,
            uv=np.ascontiguousarray(uv, np.float32),
            uv_faces=np.ascontiguousarray(uv_faces, np.int32),
            template=np.ascontiguousarray(template, np.float32),
            normals=zbuffer.vertex_normals(np.ascontiguousarray(template, np.float32), faces),
            skin_joints=joints,
            skin_weights=np.float32(kept / kept.sum(1, keepdims=True)),
            part_of_vertex=weights.argmax(1).astype(np.uint8),
            canonical=np.uint8((template - low) / (high - low) * 255),
        )


@dataclass(frozen=True)
class Camera:
    """A pinhole camera looking along z. Pixels; ``size`` is the image's side."""

    focal: float
    cx: float
    cy: float
    size: int

    @staticmethod
    def around(points: Floats, size: int, margin: float, shift: Floats) -> Camera:
        """The square crop around camera-frame points (J, 3), as in the paper's data.

        Args:
            margin: side of the crop over the larger extent of the points (1.2 in SPIN's crops).
            shift: (2,) how far the crop's centre is off, as a part of its side.
        """
        flat = points[:, :2] / points[:, 2:]
        low, high = flat.min(0), flat.max(0)
        side = float((high - low).max()) * margin
        centre = (low + high) / 2 + shift * side
        focal = size / side
        return Camera(focal, size / 2 - focal * centre[0], size / 2 - focal * centre[1], size)

    def project(self, points: Floats) -> Floats:
        """Pixels (..., 2) of camera-frame points (..., 3)."""
        flat = points[..., :2] / points[..., 2:] * np.float32(self.focal)
        return flat + np.float32([self.cx, self.cy])

    def view(self, rotation: Floats, ground: Floats, spread: float) -> View:
        """The same crop as the background sees it."""
        half = self.size / 2
        centre = np.float32([(half - self.cx) / self.focal, (half - self.cy) / self.focal])
        return View(rotation, self.size, centre, ground, max(spread, half / self.focal))


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
        np.float32(rest), surface.skin_joints, surface.skin_weights, np.float32(transforms)
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
    flat = vertices - along
    screen = np.where(flat[:, 2:] > 0.2, camera.project(flat), np.nan).astype(np.float32)
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
) -> Picture:
    """Render a clothed person in a place.

    Args:
        vertices: (6890, 3) clothed vertices, camera frame, metres.
        rotation: (3, 3) world to camera. ground: camera-frame point on the floor.
        occlusion: probability that something stands in front.
    """
    size, big = camera.size, camera.size * OVERSAMPLING
    faces = surface.faces
    face_of_pixel, barycentric, _ = zbuffer.rasterise(
        vertices, faces, camera.focal * OVERSAMPLING, camera.cx * 2, camera.cy * 2, big
    )
    normals = zbuffer.vertex_normals(vertices, faces) @ rotation  # camera to world
    light = np.clip(harmonics(normals) @ place.irradiance, 0.03, None) * rng.uniform(0.75, 1.3)
    tints = _tints(rng)
    colour, cover = _shade(
        face_of_pixel, barycentric, faces, surface.uv, surface.uv_faces, np.float32(light),
        outfit.texture, outfit.labels, tints, _TO_LINEAR, OVERSAMPLING,
    )  # fmt: skip
    person = _TO_SRGB[np.minimum(colour * 4095, 4095).astype(np.int32)]

    # The floor darkens under the body (light from the whole sky) and along the sun's shadow.
    up = np.float32(rotation[:, 1])
    blurred = gaussian_filter(shadow(vertices, faces, camera, up, ground, up), size * 0.025)
    dark = blurred * rng.uniform(0.2, 0.55)
    sun = np.float32(rotation @ place.sun)
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

    top = face_of_pixel[OVERSAMPLING // 2 :: OVERSAMPLING, OVERSAMPLING // 2 :: OVERSAMPLING]
    parts = np.where(top >= 0, surface.part_of_vertex[faces[top, 0]] + 1, 0).astype(np.uint8)
    dense = _dense(surface, face_of_pixel, barycentric, OVERSAMPLING * 4)
    return Picture(_photograph(rng, np.float32(image)), cover >= 0.5, parts, dense)


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


def _photograph(rng: np.random.Generator, image: Floats) -> NDArray[np.uint8]:
    """What a cheap camera does to the light: blur, contrast, white balance, noise, JPEG."""
    size = image.shape[0]
    if rng.random() < 0.3:
        image = gaussian_filter(image, (rng.uniform(0.3, 0.7) * size / 128,) * 2 + (0,))
    image = (image - 0.5) * rng.uniform(0.8, 1.2) + 0.5 + rng.uniform(-0.06, 0.06)
    image = image * rng.uniform(0.93, 1.07, 3).astype(np.float32)
    image = image + rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(0, 0.02))
    out = np.uint8(np.clip(image, 0, 1) * 255 + 0.5)
    if rng.random() < 0.3:
        buffer = io.BytesIO()
        Image.fromarray(out).save(buffer, "JPEG", quality=int(rng.integers(45, 92)))
        out = np.asarray(Image.open(buffer))
    return out
