"""Places, light and what stands in the way: everything in an image that is not the person.

A place is either one of 18 panoramas of real places (people are lit by the light measured there) or
a procedural room of textured walls and floor. World frame: y up; camera frame: x right, y down,
z forward.
"""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from rsclib.errors import RscError
from rsclib.files.shipped import ASSETS, check_shipped

Floats = NDArray[np.float32]
ASSET = ASSETS / "scenes.npz"

# No panorama is shared by training and test. The test half has a town square, a wood, an indoor
# hall, a shore and a workshop, so that each kind of place is met, but not the same place.
TEST_PANORAMAS = ("city", "forest", "lobby", "sunset", "workshop")
# Indoor places with even light, the studio-like ones.
STUDIO_TRAIN, STUDIO_TEST = ("apartment", "hall", "warehouse"), ("studio", "bridge")


@dataclass(frozen=True)
class Places:
    """The shipped panoramas: images (256, 512, 3) uint8, light, and 256 x 256 textures."""

    panoramas: dict[str, NDArray[np.uint8]]
    irradiance: dict[str, Floats]
    main_light: dict[str, Floats]
    textures: tuple[NDArray[np.uint8], ...]


@functools.cache
def load_places() -> Places:
    """Read the shipped panoramas and textures.

    Raises:
        RscError: the file is missing or damaged.
    """
    check_shipped(ASSET.name)
    try:
        with np.load(ASSET, allow_pickle=False) as file:
            names = [str(n) for n in file["names"]]
            images = {k: _decode(file[k]) for k in file.files if "_" in k and k != "main_light"}
            light = dict(zip(names, file["irradiance"], strict=True))
            main = dict(zip(names, file["main_light"], strict=True))
    except (OSError, ValueError, KeyError) as error:
        raise RscError(f"{ASSET} cannot be read ({error}); restore it with git checkout") from error
    panoramas = {n: images[f"panorama_{n}"] for n in names}
    textures = tuple(v for k, v in sorted(images.items()) if k.startswith("texture_"))
    return Places(panoramas, light, main, textures)


def _decode(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(data.tobytes())).convert("RGB"))


@dataclass(frozen=True)
class View:
    """Where the camera is and what it crops.

    Attributes:
        rotation: (3, 3) world to camera.
        size: image side in pixels. centre_ray: (2,) x/z and y/z of the crop's centre.
        ground: camera-frame point (3,) on the floor below the person.
        spread: half the crop's width as a tangent, of the background (wider than the person's).
    """

    rotation: Floats
    size: int
    centre_ray: Floats
    ground: Floats
    spread: float

    def rays(self) -> Floats:
        """Unit world direction (S, S, 3) through each pixel of the background."""
        axis = ((np.arange(self.size, dtype=np.float32) + 0.5) / self.size * 2 - 1) * self.spread
        rays = np.empty((self.size, self.size, 3), np.float32)
        rays[..., 0] = self.centre_ray[0] + axis[None, :]
        rays[..., 1] = self.centre_ray[1] + axis[:, None]
        rays[..., 2] = 1
        rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
        return rays @ self.rotation  # row vectors: R^T d


@dataclass(frozen=True)
class Place:
    """One background with its light.

    Attributes:
        image: (S, S, 3) float32 sRGB in [0, 1].
        irradiance: (9, 3) spherical harmonics in the world frame, mean about 1.
        sun: (3,) unit world direction towards the main light. name: for the no-overlap check.
    """

    image: Floats
    irradiance: Floats
    sun: Floats
    name: str


@numba.njit(cache=True, fastmath=True)
def _equirectangular(panorama: NDArray[np.uint8], rays: Floats, yaw: float) -> Floats:
    """Bilinear look-up of world rays (S, S, 3) in a panorama turned by ``yaw`` radians."""
    height, width = panorama.shape[:2]
    out = np.empty(rays.shape, np.float32)
    for i in range(rays.shape[0]):
        for j in range(rays.shape[1]):
            azimuth = np.arctan2(rays[i, j, 0], rays[i, j, 2]) + yaw
            u = (azimuth / (2 * np.pi) + 0.5) * width - 0.5
            v = np.arccos(min(1.0, max(-1.0, rays[i, j, 1]))) / np.pi * height - 0.5
            v = min(height - 1.001, max(0.0, v))
            u0, v0 = int(np.floor(u)), int(v)
            fu, fv = u - u0, v - v0
            a, b = u0 % width, (u0 + 1) % width
            for c in range(3):
                top = panorama[v0, a, c] * (1 - fu) + panorama[v0, b, c] * fu
                bottom = panorama[v0 + 1, a, c] * (1 - fu) + panorama[v0 + 1, b, c] * fu
                out[i, j, c] = (top * (1 - fv) + bottom * fv) / 255
    return out


def panorama_place(rng: np.random.Generator, view: View, names: tuple[str, ...]) -> Place:
    """A view of one of the named panoramas, turned at random, with the light found there."""
    places = load_places()
    name = names[rng.integers(len(names))]
    yaw = float(rng.uniform(0, 2 * np.pi))
    rays = view.rays()
    flip = rng.random() < 0.5
    if flip:
        rays = rays * np.float32([-1, 1, 1])
    image = _equirectangular(places.panoramas[name], rays, yaw)
    # The panorama was turned by yaw (and mirrored), so its light is too.
    basis = np.float32([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    sun = places.main_light[name] @ basis.T
    irradiance = rotate_irradiance(places.irradiance[name], basis)
    if flip:
        sun = sun * np.float32([-1, 1, 1])
        irradiance = rotate_irradiance(irradiance, np.diag(np.float32([-1, 1, 1])))
    return Place(image, irradiance, sun, name)


def harmonics(normals: Floats) -> Floats:
    """The nine real spherical harmonics of unit vectors (N, 3) -> (N, 9)."""
    x, y, z = normals.T
    return np.stack(
        [
            np.full_like(x, 0.282095),
            0.488603 * y,
            0.488603 * z,
            0.488603 * x,
            1.092548 * x * y,
            1.092548 * y * z,
            0.315392 * (3 * z * z - 1),
            1.092548 * x * z,
            0.546274 * (x * x - y * y),
        ],
        1,
    ).astype(np.float32)


@functools.cache
def _probe() -> tuple[Floats, Floats]:
    """Sixty-four directions spread over the sphere and the pseudo-inverse of their harmonics."""
    i = np.arange(64) + 0.5
    y, azimuth = 1 - i / 32, np.pi * (1 + 5**0.5) * i
    radius = np.sqrt(1 - y * y)
    points = np.stack([radius * np.cos(azimuth), y, radius * np.sin(azimuth)], 1).astype(np.float32)
    return points, np.linalg.pinv(harmonics(points)).astype(np.float32)


def rotate_irradiance(coefficients: Floats, rotation: Floats) -> Floats:
    """Coefficients (9, 3) of the light after the world was turned by ``rotation`` (3, 3)."""
    points, inverse = _probe()
    return inverse @ (harmonics(points @ rotation) @ coefficients)


def lamp_irradiance(sun: Floats, ambient: float, colour: Floats) -> Floats:
    """Irradiance (9, 3) of one lamp in direction ``sun`` over an even ambient light."""
    points, inverse = _probe()
    lit = ambient + (1 - ambient) * 2.2 * np.clip(points @ sun, 0, None) + 0.12 * points[:, 1]
    return inverse @ (lit[:, None] * colour)


def room_place(rng: np.random.Generator, view: View, room: int, plain: bool) -> Place:
    """A room with walls and a floor. ``room`` seeds its look, ``rng`` the place in it.

    Args:
        plain: bare walls and an even floor (a laboratory); otherwise patterns, doors, pictures.
    """
    look = np.random.default_rng([room, 7919])
    rays = view.rays()
    yaw = rng.uniform(0, 2 * np.pi)
    c, s = np.float32(np.cos(yaw)), np.float32(np.sin(yaw))
    x, y, z = rays[..., 0] * c - rays[..., 2] * s, rays[..., 1], rays[..., 0] * s + rays[..., 2] * c
    height = np.float32(max(0.4, -(view.rotation.T @ view.ground)[1]))
    half = look.uniform(3.0, 7.0, 2)
    offset = rng.uniform(-0.4, 0.4, 2) * half
    big = np.float32(1e6)
    with np.errstate(divide="ignore"):
        to_floor = np.where(y < -1e-4, -height / y, big)
        to_ceiling = np.where(y > 1e-4, (2.9 - height) / y, big)
        to_x = np.where(x > 0, half[0] - offset[0], -half[0] - offset[0]) / np.where(
            x == 0, 1e-6, x
        )
        to_z = np.where(z > 0, half[1] - offset[1], -half[1] - offset[1]) / np.where(
            z == 0, 1e-6, z
        )
    distance = np.minimum(np.minimum(to_floor, to_ceiling), np.minimum(to_x, to_z))
    px, py, pz = distance * x + offset[0], distance * y + height, distance * z + offset[1]
    image = np.empty((*distance.shape, 3), np.float32)
    on_floor, on_ceiling, on_x = distance == to_floor, distance == to_ceiling, distance == to_x
    on_wall = ~(on_floor | on_ceiling)
    along = np.where(on_x, pz, px) + 10 * (on_x + 2.0 * ((x > 0) & on_x) + 3.0 * ((z > 0) & ~on_x))
    image[on_ceiling] = look.uniform(0.75, 0.95)
    image[on_floor] = _surface(look, px[on_floor], pz[on_floor], plain)
    wall = _surface(look, along[on_wall], py[on_wall], plain)
    if not plain:
        wall = _wall_things(look, wall, along[on_wall], py[on_wall])
    wall[py[on_wall] < 0.1] *= 0.55  # skirting board
    image[on_wall] = wall
    # Corners gather less light, and light falls off away from the window.
    corner = np.minimum(np.minimum(py, 2.9 - py), np.minimum(half[0] - abs(px), half[1] - abs(pz)))
    image *= (0.78 + 0.22 * np.clip(np.where(on_floor, 1, corner / 0.6), 0, 1))[..., None]
    elevation, azimuth = rng.uniform(0.5, 1.3), rng.uniform(0, 2 * np.pi)
    sun = np.float32(
        [
            np.cos(elevation) * np.sin(azimuth),
            np.sin(elevation),
            np.cos(elevation) * np.cos(azimuth),
        ]
    )
    warm = rng.uniform(-0.1, 0.12)
    colour = np.float32([1 + warm, 1, 1 - warm])
    light = lamp_irradiance(sun, rng.uniform(0.3, 0.8), colour)
    return Place(np.clip(image * colour, 0, 1), light, sun, f"room{room}")


def _surface(look: np.random.Generator, u: Floats, v: Floats, plain: bool) -> Floats:
    """Colour (N, 3) of a wall or floor at metric coordinates."""
    if len(u) == 0:
        return np.zeros((0, 3), np.float32)
    base = look.uniform(0.25, 0.95) * (1 + look.normal(0, 0.07 if plain else 0.16, 3))
    kind = 0 if plain and look.random() < 0.6 else look.integers(0, 5)
    tone = np.ones((len(u), 1), np.float32)
    if kind == 1:  # tiles
        side = look.uniform(0.2, 0.6)
        line = np.minimum(np.abs((u / side) % 1 - 0.5), np.abs((v / side) % 1 - 0.5))
        tone[line > 0.47] = 0.8
        tone *= np.where(
            (np.floor(u / side) + np.floor(v / side)) % 2 > 0, 1, look.uniform(0.7, 1)
        )[:, None]
    elif kind == 2:  # planks
        width = look.uniform(0.1, 0.25)
        tone *= (0.85 + 0.15 * np.sin(np.floor(u / width) * 12.9898) ** 2)[:, None]
        tone[(u / width) % 1 < 0.06] = 0.65
    elif kind >= 3:
        textures = load_places().textures
        texture = textures[look.integers(len(textures))]
        scale = look.uniform(22, 60)
        sample = texture[(v * scale).astype(int) % 256, (u * scale).astype(int) % 256] / 255.0
        grey = sample.mean(1, keepdims=True)
        tone = (0.4 + 0.6 * (sample if look.random() < 0.5 else grey) / sample.mean()).astype(
            np.float32
        )
    return np.clip(base * tone, 0.02, 1).astype(np.float32)


def _wall_things(look: np.random.Generator, wall: Floats, u: Floats, v: Floats) -> Floats:
    """Doors, windows, shelves and pictures as rectangles on the wall."""
    for _ in range(look.integers(2, 12)):
        width, height = look.uniform(0.3, 1.6), look.uniform(0.2, 2.1)
        left = look.uniform(-7, 55)
        bottom = 0.0 if height > 1.7 else look.uniform(0.3, 1.8)
        inside = (u > left) & (u < left + width) & (v > bottom) & (v < bottom + height)
        frame = inside & (
            (u < left + 0.05) | (u > left + width - 0.05) | (v > bottom + height - 0.05)
        )
        panorama = list(load_places().panoramas.values())[look.integers(6)]
        if look.random() < 0.4:  # a window or a picture: something is to be seen in it
            row = ((v[inside] - bottom) / height * -120 + 150).astype(int)
            column = ((u[inside] - left) / width * 160).astype(int) + look.integers(300)
            wall[inside] = panorama[np.clip(row, 0, 255), np.clip(column, 0, 511)] / 255.0
        else:
            wall[inside] = look.uniform(0.05, 0.95) * (1 + look.normal(0, 0.2, 3))
        wall[frame] = look.uniform(0.1, 0.9)
    return np.clip(wall, 0, 1)


def occluder(rng: np.random.Generator, mask: Floats, colour: Floats) -> tuple[Floats, Floats]:
    """Something in front of the person: furniture, a post, or foliage.

    Args:
        mask: (S, S) cover of the person in [0, 1]; colour: mean (3,) colour of the scene.

    Returns:
        the occluder's cover (S, S) with soft edges, and its image (S, S, 3).
    """
    size = mask.shape[0]
    ys, xs = np.nonzero(mask > 0.5)
    row, column = np.mgrid[:size, :size].astype(np.float32)
    if len(ys) == 0:
        return np.zeros_like(mask), np.zeros((size, size, 3), np.float32)
    i = rng.integers(len(ys))
    top, bottom, left, right = ys.min(), ys.max(), xs.min(), xs.max()
    kind = rng.integers(3)
    if kind == 0:  # a table, a wall, a car: everything below an edge
        edge = bottom - rng.uniform(0.1, 0.4) * (bottom - top)
        slope = rng.normal(0, 0.08)
        start = left - rng.uniform(-0.3, 1.5) * (right - left)
        stop = right + rng.uniform(-0.3, 1.5) * (right - left)
        inside = np.clip(row - edge - slope * (column - size / 2), 0, 1)
        cover = inside * np.clip(column - start, 0, 1) * np.clip(stop - column, 0, 1)
        shade = 1 - 0.35 * np.clip((row - edge) / size, 0, 1)
    elif kind == 1:  # a post or a trunk
        width = rng.uniform(0.04, 0.12) * size
        x0 = xs[i] + rng.normal(0, 0.08) * (row - size / 2)
        cover = np.clip(width / 2 - np.abs(column - x0), 0, 1)
        shade = 0.7 + 0.3 * np.clip((column - x0) / width + 0.5, 0, 1)
    else:  # leaves: smooth noise cut at a level, near one point of the person
        noise = gaussian_filter(rng.standard_normal((size, size)), rng.uniform(0.02, 0.05) * size)
        noise = noise / noise.std()
        radius = rng.uniform(0.12, 0.28) * size
        near = 1.6 - np.hypot(row - ys[i], column - xs[i]) / radius
        cover = np.clip((noise * 0.7 + near) * 3, 0, 1)
        shade = 0.6 + 0.4 * rng.random((size, size))
    places = load_places()
    if rng.random() < 0.5:
        texture = places.textures[rng.integers(len(places.textures))]
    else:
        names = [n for n in places.panoramas if n not in TEST_PANORAMAS]
        texture = places.panoramas[names[rng.integers(len(names))]][128:]
    scale = rng.uniform(0.25, 0.8)
    r0, c0 = rng.integers(512, size=2)
    image = texture[
        (row * scale + r0).astype(int) % texture.shape[0],
        (column * scale + c0).astype(int) % texture.shape[1],
    ].astype(np.float32)
    image = image / image.mean() * (0.25 + 0.75 * colour) * rng.uniform(0.5, 1.2)
    return cover.astype(np.float32), np.clip(image * shade[..., None], 0, 1).astype(np.float32)
