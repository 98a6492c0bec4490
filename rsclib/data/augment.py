"""Augmentation of a batch, truth included: flip, in-plane rotation and scale, colour."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from rsclib.openbench.motions import MIRROR

# Left and right exchanged, in SMPL's 24 joints and in the 24 keypoints of the ground truth (J24).
SMPL_FLIP = list(MIRROR)
J24_FLIP = [5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13, 14, 15, 16, 17, 18, 19, 21, 20, 23, 22]
# Dense parts are 1 + joint, 0 is background.
PART_FLIP = [0, *(j + 1 for j in SMPL_FLIP)]

Batch = dict[str, Tensor]


def random_affine(
    n: int, generator: torch.Generator, rotation: float = 20.0, scale: float = 0.15
) -> tuple[Tensor, Tensor, Tensor]:
    """Angles in radians, scales and flips (n,): 60 % of the images are not rotated, as in SPIN."""
    angle = torch.randn(n, generator=generator).clamp(-2, 2) * math.radians(rotation)
    angle = angle * (torch.rand(n, generator=generator) > 0.6)
    factor = 1 + scale * torch.randn(n, generator=generator).clamp(-1.7, 1.7)
    return angle, factor, torch.rand(n, generator=generator) < 0.5


def warp(batch: Batch, angle: Tensor, factor: Tensor, flip: Tensor) -> Batch:
    """Rotate, scale and flip images together with everything that is known of them.

    Args:
        batch: ``images`` (B, 3, S, S) float; any of ``dense`` (B, h, w, 4) uint8, ``keypoints``
            (B, 24, 3) in [-1, 1], ``joints24`` (B, 24, 3) metres in camera axes, ``rotmats``
            (B, 24, 3, 3). Other entries are kept.
        angle, factor, flip: (B,), from :func:`random_affine`.
    """
    out = dict(batch)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    turn = torch.stack([cosine, -sine, sine, cosine], 1).view(-1, 2, 2)
    forward = turn * factor[:, None, None]
    sign = torch.where(flip, -1.0, 1.0)
    forward = forward @ torch.diag_embed(torch.stack([sign, torch.ones_like(sign)], 1))
    inverse = torch.linalg.inv(forward)
    theta = torch.cat([inverse, torch.zeros(len(angle), 2, 1)], 2).to(batch["images"].device)
    images = batch["images"]
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    out["images"] = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    if "dense" in batch:
        dense = batch["dense"].permute(0, 3, 1, 2).float()
        grid = F.affine_grid(theta, list(dense.shape), align_corners=False)
        warped = F.grid_sample(dense, grid, mode="nearest", align_corners=False)
        parts = warped[:, 3].long()
        swap = torch.tensor(PART_FLIP, device=parts.device)
        parts = torch.where(flip[:, None, None], swap[parts], parts)
        # A mirrored body point is the other side's: the canonical x is reflected too.
        x = torch.where(flip[:, None, None], 255 - warped[:, 0], warped[:, 0])
        out["dense"] = torch.stack([x, warped[:, 1], warped[:, 2], parts.float()], -1)
    if "keypoints" in batch:
        points = batch["keypoints"].clone()
        points[flip] = points[flip][:, J24_FLIP]
        points[..., :2] = points[..., :2] @ forward.mT
        inside = (points[..., :2].abs() < 1).all(-1)
        points[..., 2] = points[..., 2] * inside
        out["keypoints"] = points
    reflect = torch.diag(torch.tensor([-1.0, 1.0, 1.0]))
    spin = torch.eye(3).repeat(len(angle), 1, 1)
    spin[:, :2, :2] = turn
    for key in ("joints24", "joints14"):
        if key in batch:
            joints = batch[key].clone()
            order = J24_FLIP if key == "joints24" else J24_FLIP[:14]
            joints[flip] = joints[flip][:, order] @ reflect
            out[key] = joints @ spin.mT
    if "rotmats" in batch:
        rotmats = batch["rotmats"].clone()
        rotmats[flip] = reflect @ rotmats[flip][:, SMPL_FLIP] @ reflect
        rotmats[:, 0] = spin @ rotmats[:, 0]
        out["rotmats"] = rotmats
    return out


def random_colour(
    n: int, generator: torch.Generator, strength: float = 0.4
) -> tuple[Tensor, Tensor]:
    """Gains (n, 3, 1, 1), of channels as in SPIN and of all three, and shifts (n, 1, 1, 1)."""
    gain = 1 + strength * (2 * torch.rand(n, 3, 1, 1, generator=generator) - 1) * 0.5
    gain = gain * (1 + strength * (2 * torch.rand(n, 1, 1, 1, generator=generator) - 1) * 0.5)
    return gain, 20 * torch.randn(n, 1, 1, 1, generator=generator)


def colour(images: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    """Channel noise and a brightness shift on float images (B, 3, S, S) in 0..255."""
    return (images * gain.to(images.device) + shift.to(images.device)).clamp(0, 255)
