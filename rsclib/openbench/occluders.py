"""What stands in front of the person: furniture, a post or foliage, coloured like shipped images.

It is laid over the finished person, so the truth (mask, parts, dense) does not know of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from rsclib.openbench.camera import Camera
from rsclib.openbench.scenes import Floats, load_places, training_panoramas


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
        names = training_panoramas()  # in test parts too: an occluder is no place
        texture = places.panoramas[names[rng.integers(len(names))]][128:]
    scale = rng.uniform(0.25, 0.8)
    r0, c0 = rng.integers(512, size=2)
    image = texture[
        (row * scale + r0).astype(int) % texture.shape[0],
        (column * scale + c0).astype(int) % texture.shape[1],
    ].astype(np.float32)
    image = image / image.mean() * (0.25 + 0.75 * colour) * rng.uniform(0.5, 1.2)
    return cover.astype(np.float32), np.clip(image * shade[..., None], 0, 1).astype(np.float32)


@dataclass(frozen=True)
class Front:
    """Something that stands in a place while a person passes: ``cover`` (S, S) and ``image`` (S, S, 3) as
    the crop ``camera`` shows them."""

    cover: Floats
    image: Floats
    camera: Camera

    def seen_by(self, camera: Camera) -> tuple[Floats, Floats]:
        """Cover and image in another crop of the same scene, moved by whole pixels."""
        there, here = self.camera, camera
        size, ratio = here.size, here.focal / there.focal
        pixel = np.arange(size)
        column = ((pixel - here.cx) / ratio + there.cx).round().astype(int)
        row = ((pixel - here.cy) / ratio + there.cy).round().astype(int)
        inside = ((row >= 0) & (row < size))[:, None] & ((column >= 0) & (column < size))
        grid = np.ix_(np.clip(row, 0, size - 1), np.clip(column, 0, size - 1))
        return self.cover[grid] * inside, self.image[grid]
