"""Real places and their light: 18 panoramas, the views a camera has of them, spherical harmonics.

People are lit by the light that was measured in the panorama. What is made up instead is in
:mod:`rsclib.openbench.rooms` and :mod:`rsclib.openbench.occluders`. World frame: y up; camera frame:
x right, y down, z forward.
"""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from PIL import Image

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


def training_panoramas() -> tuple[str, ...]:
    """All that no test part shows: also on the walls, and as what an occluder is made of."""
    return tuple(n for n in load_places().panoramas if n not in TEST_PANORAMAS + STUDIO_TEST)


def test_panoramas() -> tuple[str, ...]:
    """Those of the test parts, which no training image shows a scrap of."""
    return TEST_PANORAMAS + STUDIO_TEST


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
        rays = rays * np.array([-1, 1, 1], np.float32)
    image = _equirectangular(places.panoramas[name], rays, yaw)
    # The panorama was turned by yaw (and mirrored), so its light is too.
    basis = np.array(
        [[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]], np.float32
    )
    sun = places.main_light[name] @ basis.T
    irradiance = rotate_irradiance(places.irradiance[name], basis)
    if flip:
        sun = sun * np.array([-1, 1, 1], np.float32)
        irradiance = rotate_irradiance(irradiance, np.diag(np.array([-1, 1, 1], np.float32)))
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
