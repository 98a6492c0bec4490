"""What happens to people on their way into a photograph: a box that is off, blur, noise, JPEG.

Training pictures of the open benchmark are sharp, free of noise and cut out exactly. A network that saw
nothing else moves its guess when a box is a tenth off or a file is compressed (benchmarks/jitter.py).
"""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from rsclib.people import Labels
from rsclib.resolution import enlarge, shrink

SHIFT = 0.12  # of the side, either way and in both directions, at most
BLUR = 1.2  # px at the side of the picture that it is done to, at most
NOISE = 14.0  # grey levels, standard deviation, at most
QUALITY = (15, 90)  # of JPEG
OFTEN = 0.5  # of the pictures, each of the three


class Damage(NamedTuple):
    """What is done to B pictures: ``blur`` (B,) px, ``noise`` (B,) grey levels, JPEG of ``quality`` (B,);
    0: nothing of the kind."""

    blur: NDArray[np.float64]
    noise: NDArray[np.float64]
    quality: NDArray[np.int64]


def random_shift(n: int, side: int, rng: np.random.Generator) -> Tensor:
    """Whole pixels to the right and down (n, 2) by which boxes of ``side`` pixels are off."""
    most = SHIFT * side
    return torch.from_numpy(rng.uniform(-most, most, (n, 2)).round().astype(np.int64))


def shifted(images: Tensor, labels: Labels, shift: Tensor) -> tuple[Tensor, Labels]:
    """Pictures (B, 3, S, S) moved by whole pixels (B, 2), and their keypoints. The body stays as it is:
    the camera is what a network must move. What lay outside repeats the edge."""
    side = images.shape[2]
    line = torch.arange(side)
    down, across = ((line - shift[:, k, None]).clamp(0, side - 1) for k in (1, 0))
    which = torch.arange(len(images))[:, None, None]
    # Advanced indices around a slice come first: (B, S, S, 3).
    out = images[which, :, down[:, :, None], across[:, None, :]].permute(0, 3, 1, 2)
    points = labels.keypoints2d.clone()
    points[..., :2] += (2 * shift.to(points.dtype) / side)[:, None]
    points[..., 2] *= (points[..., :2].abs() < 1).all(-1)
    return out, labels._replace(keypoints2d=points)


def random_damage(n: int, rng: np.random.Generator) -> Damage:
    """Each kind in :data:`OFTEN` of n pictures, and a random amount of it."""
    blur, noise = (rng.uniform(0, most, n) * (rng.random(n) < OFTEN) for most in (BLUR, NOISE))
    quality = rng.integers(QUALITY[0], QUALITY[1] + 1, n) * (rng.random(n) < OFTEN)
    return Damage(blur, noise, quality)


def damaged(images: Tensor, damage: Damage, rng: np.random.Generator) -> Tensor:
    """Pictures (B, 3, S, S) uint8 as a camera and a file leave them: first blurred, then noisy, then
    compressed."""
    out = images.clone()
    for k, (blur, noise, quality) in enumerate(zip(*damage, strict=True)):
        if blur > 0:
            reach = min(2 * int(np.ceil(2 * blur)) + 1, images.shape[2] - 1 | 1)
            out[k] = gaussian_blur(out[k], [reach, reach], [float(blur)])
        if noise > 0:
            grain = torch.from_numpy(rng.standard_normal(out[k].shape, np.float32))
            out[k] = (out[k] + noise * grain).round().clamp(0, 255).byte()
        if quality:
            out[k] = as_jpeg(out[k], int(quality))
    return out


def as_jpeg(image: Tensor, quality: int) -> Tensor:
    """One picture (3, S, S) uint8 through a JPEG file of this quality."""
    file = io.BytesIO()
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.asarray(Image.open(file)).copy()).permute(2, 0, 1)


def photographed(images: Tensor, size: int, rng: np.random.Generator) -> Tensor:
    """:func:`rsclib.resolution.degrade` of damaged pictures (B, 3, S, S) uint8.

    Half of them are damaged before they are shrunk to ``size``, as pictures that somebody made small; the
    others after, as a distant person in a frame of a surveillance camera.
    """
    side = images.shape[2]
    before = torch.from_numpy(rng.random(len(images)) < 0.5)
    damage = random_damage(len(images), rng)
    first, then = (
        Damage(*(kind * mask for kind in damage)) for mask in (before.numpy(), (~before).numpy())
    )
    return enlarge(damaged(shrink(damaged(images, first, rng), size), then, rng), side)
