"""The camera: which square it crops, where points fall in it, and what a cheap one does to the light.

Camera frame: x right, y down, z forward, metres.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from rsclib.openbench.scenes import Floats, View


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
        return flat + np.array([self.cx, self.cy], np.float32)

    def view(self, rotation: Floats, ground: Floats, spread: float) -> View:
        """The same crop as the background sees it."""
        half = self.size / 2
        centre = np.array(
            [(half - self.cx) / self.focal, (half - self.cy) / self.focal], np.float32
        )
        return View(rotation, self.size, centre, ground, max(spread, half / self.focal))


def photograph(
    rng: np.random.Generator, image: Floats, noise: np.random.Generator | None = None
) -> NDArray[np.uint8]:
    """What a cheap camera does to the light: blur, contrast, white balance, noise, JPEG.

    ``noise``: draws the noise of a frame where the rest is drawn alike in all of them.
    """
    size = image.shape[0]
    if rng.random() < 0.3:
        image = gaussian_filter(image, (rng.uniform(0.3, 0.7) * size / 128,) * 2 + (0,))
    image = (image - 0.5) * rng.uniform(0.8, 1.2) + 0.5 + rng.uniform(-0.06, 0.06)
    image = image * rng.uniform(0.93, 1.07, 3).astype(np.float32)
    grain = (noise or rng).standard_normal(image.shape, np.float32)
    image = image + grain * np.float32(rng.uniform(0, 0.02))
    out = (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
    if rng.random() < 0.3:
        buffer = io.BytesIO()
        Image.fromarray(out).save(buffer, "JPEG", quality=int(rng.integers(45, 92)))
        out = np.asarray(Image.open(buffer))
    return out
