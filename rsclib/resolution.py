"""Resolution ranges and bicubic synthesis (paper, Sections 3.2 and 4.1).

A low-resolution image is the full image shrunk to ``size`` and enlarged again, both bicubic. The
reference is Pillow's resize, which is anti-aliased when it shrinks; :func:`degrade` does the same
for a batch as two matrix products.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from rsclib.errors import RscError


@dataclass(frozen=True)
class Ranges:
    """The P resolution ranges of a network. Index 0 is the full size, the paper's i = 1.

    Attributes:
        full: side of the network's input, pixels.
        bounds: lower ends of ranges 0 .. P-1; a size belongs to the first range whose lower end it
            reaches, so a boundary belongs to the larger range. Smaller sizes fall in the last.
        midpoints: the sizes at which ranges 1 .. P-1 are evaluated.
    """

    full: int
    bounds: tuple[int, ...]
    midpoints: tuple[int, ...]

    @property
    def count(self) -> int:
        """P."""
        return len(self.bounds)

    def index(self, size: int | Tensor) -> Tensor:
        """Range index of an image of ``size`` pixels: a long tensor of the input's shape."""
        sizes = torch.as_tensor(size)
        if bool((sizes < 1).any()):
            raise RscError(f"an image size must be at least 1 pixel, not {int(sizes.min())}")
        # How many lower ends are larger than the size: that many ranges are passed over.
        bounds = torch.tensor(self.bounds, device=sizes.device)
        return (sizes[..., None] < bounds).sum(-1).clamp(max=self.count - 1)

    def sample_sizes(self, rng: np.random.Generator) -> tuple[int, ...]:
        """One size per range: the full size, then a random integer from each lower range."""
        uppers = self.bounds[:-1]
        lower = (int(rng.integers(lo, hi)) for lo, hi in zip(self.bounds[1:], uppers, strict=True))
        return (self.full, *lower)

    @property
    def eval_sizes(self) -> tuple[int, ...]:
        """The full size and the mid-points."""
        return (self.full, *self.midpoints)


# {224}, (224, 128], (128, 64], (64, 40], (40, 24]: Section 4.1.
PAPER = Ranges(224, (224, 128, 64, 40, 24), (176, 96, 52, 32))
# The same lower ends at a size that a laptop can train: the two small ranges are the paper's.
EDU = Ranges(128, (128, 96, 64, 40, 24), (112, 80, 52, 32))
PRESETS = {"paper": PAPER, "edu": EDU}


def degrade_reference(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Shrink to ``size`` and enlarge again with Pillow's bicubic filter: (S, S, 3) to (S, S, 3)."""
    side = image.shape[0]
    if size >= side:
        return image
    small = Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(small.resize((side, side), Image.Resampling.BICUBIC))


@functools.cache
def _resampler(source: int, target: int) -> Tensor:
    """(target, source) matrix of Pillow's bicubic filter along one axis."""
    scale = source / target
    stretch = max(scale, 1.0)  # shrinking widens the filter: that is the anti-aliasing
    centre = (torch.arange(target, dtype=torch.float64) + 0.5) * scale
    x = (torch.arange(source, dtype=torch.float64) + 0.5 - centre[:, None]).abs() / stretch
    a = -0.5
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    weights = torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))
    return (weights / weights.sum(1, keepdim=True)).float()


def degrade(images: Tensor, size: int) -> Tensor:
    """The batched path: shrink to ``size`` and enlarge, rounding to bytes as Pillow does.

    Args:
        images: ``(B, 3, S, S)`` uint8.
        size: side of the small image, pixels; ``>= S`` returns the images unchanged.

    Returns:
        ``(B, 3, S, S)`` uint8, within 1/255 of :func:`degrade_reference` in the mean.
    """
    _check(images, size)
    return images if size >= images.shape[2] else _through(images, size, size)


def shrink(images: Tensor, size: int) -> Tensor:
    """The first half of :func:`degrade`: the small images themselves (B, 3, size, size) uint8.

    Args:
        size: ``>= S`` returns the images unchanged.

    Raises:
        RscError: as :func:`degrade`.
    """
    _check(images, size)
    return images if size >= images.shape[2] else _resized(images, size, size).to(torch.uint8)


def enlarge(images: Tensor, side: int) -> Tensor:
    """The second half: small images (B, 3, s, s) uint8 at ``side`` pixels (larger ones as they are)."""
    _check(images, side)
    return images if side <= images.shape[2] else _resized(images, side, side).to(torch.uint8)


def _check(images: Tensor, size: int) -> None:
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[2] != images.shape[3]:
        raise RscError(
            f"degrade wants uint8 (B, 3, S, S), not {images.dtype} {tuple(images.shape)}"
        )
    if size < 1:
        raise RscError(f"an image size must be at least 1 pixel, not {size}")


def degrade_height(images: Tensor, height: int) -> Tensor:
    """:func:`degrade` for pictures that are not square: shrunk to ``height`` rows, in proportion.

    Args:
        images: ``(B, 3, H, W)`` uint8. height: rows of the small picture; ``>= H``: unchanged.

    Raises:
        RscError: not bytes, or nothing would be left of a side.
    """
    rows, columns = images.shape[2:]
    width = round(columns * height / rows)
    if images.dtype != torch.uint8 or height < 1 or width < 1:
        raise RscError(
            f"pictures of bytes can be shrunk to 1 row or more, not {images.dtype} to {height}"
        )
    return images if height >= rows else _through(images, height, width)


def _through(images: Tensor, height: int, width: int) -> Tensor:
    """Shrunk to ``height`` x ``width`` and enlarged again."""
    rows, columns = images.shape[2:]
    return _resized(_resized(images, height, width), rows, columns).to(torch.uint8)


def _resized(images: Tensor, height: int, width: int) -> Tensor:
    """Whole numbers from 0 to 255, float32. Pillow rounds after each axis, the horizontal one first."""
    rows, columns = images.shape[2:]
    across, down = (
        _resampler(*pair).to(images.device) for pair in ((columns, width), (rows, height))
    )
    return _bytes(down @ _bytes(images.float() @ across.mT))


def _bytes(values: Tensor) -> Tensor:
    return values.round_().clamp_(0, 255)


MEAN = (0.485, 0.456, 0.406)  # ImageNet's, for the network's input
STD = (0.229, 0.224, 0.225)


def normalise(images: Tensor) -> Tensor:
    """uint8 ``(B, 3, S, S)`` to the network's input, float32 of the same shape."""
    mean = torch.tensor(MEAN, device=images.device).view(1, 3, 1, 1) * 255
    std = torch.tensor(STD, device=images.device).view(1, 3, 1, 1) * 255
    return (images.float() - mean) / std


def stretch_as_released(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The released code's quirk: a float image is min-max stretched to 0..255 before it is resized.

    ``scipy.misc.imresize`` did so, hence every low-resolution image there, in training and in
    evaluation, has more contrast than the full-size one. A constant image maps to 0.
    """
    low, high = float(image.min()), float(image.max())
    return np.asarray((image - low) * (255 / (high - low) if high > low else 0) + 0.5, np.uint8)


def stretch_batch_as_released(images: Tensor) -> Tensor:
    """The same of each image of a batch (B, 3, S, S) uint8."""
    pixels = images.flatten(1).double()
    low, high = pixels.amin(1, keepdim=True), pixels.amax(1, keepdim=True)
    gain = torch.where(high > low, 255 / (high - low).clamp(min=1), 0)
    return ((pixels - low) * gain + 0.5).to(torch.uint8).view_as(images)
