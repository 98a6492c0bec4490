"""Augmentation of a batch, truth included: flip, in-plane rotation and scale, colour."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from rsclib.people import Affine, Labels
from rsclib.skeleton import KEYPOINT_MIRROR, SMPL_MIRROR

# Dense parts are 1 + joint, 0 is background.
PART_MIRROR = (0, *(j + 1 for j in SMPL_MIRROR))
_REFLECT = torch.diag(torch.tensor([-1.0, 1.0, 1.0]))


def random_affine(
    n: int, generator: torch.Generator, rotation: float = 20.0, scale: float = 0.15
) -> Affine:
    """Angles in radians, scales and flips (n,): 60 % of the images are not rotated, as in SPIN."""
    angle = torch.randn(n, generator=generator).clamp(-2, 2) * math.radians(rotation)
    angle = angle * (torch.rand(n, generator=generator) > 0.6)
    factor = 1 + scale * torch.randn(n, generator=generator).clamp(-1.7, 1.7)
    return Affine(angle, factor, torch.rand(n, generator=generator) < 0.5)


def warp(
    images: Tensor, labels: Labels, angle: Tensor, factor: Tensor, flip: Tensor
) -> tuple[Tensor, Labels]:
    """Rotate, scale and flip images together with everything that is known of them.

    Args:
        images: (B, 3, S, S) float. angle, factor, flip: (B,), from :func:`random_affine`.
    """
    forward, _ = _plane(angle, factor, flip)
    grid = _grid(forward, images)
    out = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    points = labels.keypoints2d.clone()
    points[flip] = points[flip][:, KEYPOINT_MIRROR]
    points[..., :2] = points[..., :2] @ forward.mT
    inside = (points[..., :2].abs() < 1).all(-1)
    points[..., 2] = points[..., 2] * inside
    spin = _about_the_view(Affine(angle, factor, flip))
    joints = labels.keypoints3d.clone()
    joints[flip] = joints[flip][:, KEYPOINT_MIRROR]
    xyz = joints[..., :3].contiguous()
    xyz[flip] = xyz[flip] @ _REFLECT
    joints[..., :3] = xyz @ spin.mT
    rotmats = moved(labels.rotmats, Affine(angle, factor, flip))
    return out, labels._replace(keypoints2d=points, keypoints3d=joints, rotmats=rotmats)


def mirrored(rotmats: Tensor, flip: Tensor) -> Tensor:
    """Joint rotations (B, 24, 3, 3) with left and right exchanged where ``flip`` (B,) is True."""
    rotmats, reflect = rotmats.clone(), _REFLECT.to(rotmats.device)
    rotmats[flip] = reflect @ rotmats[flip][:, SMPL_MIRROR] @ reflect
    return rotmats


def moved(rotmats: Tensor, affine: Affine) -> Tensor:
    """Joint rotations (B, 24, 3, 3) of people as they stand in the pictures that :func:`warp` moves."""
    rotmats = mirrored(rotmats, affine.flip)
    rotmats[:, 0] = _about_the_view(affine) @ rotmats[:, 0]
    return rotmats


def moved_back(rotmats: Tensor, cam: Tensor, root: Tensor, affine: Affine) -> tuple[Tensor, Tensor]:
    """People of moved pictures as they stand in the pictures before: what :func:`moved` undoes.

    Args:
        rotmats: (B, 24, 3, 3). cam: (B, 3). root: (B, 3) the joint that ``rotmats[:, 0]`` turns them
            about, metres in the camera frame. It stays where it is when a body is turned, but goes
            along when its picture is.
    """
    rotmats = rotmats.clone()
    rotmats[:, 0] = _about_the_view(affine).mT @ rotmats[:, 0]
    forward, _ = _plane(*affine)
    back = torch.linalg.inv(forward) * affine.factor[:, None, None]  # the turn and the flip alone
    place = (back @ (cam[:, 1:] + root[:, :2])[..., None])[..., 0] - root[:, :2]
    size = cam[:, :1] / affine.factor[:, None]
    return mirrored(rotmats, affine.flip), torch.cat([size, place], 1)


def _about_the_view(affine: Affine) -> Tensor:
    """Rotations (B, 3, 3) about the camera's axis."""
    spin = torch.eye(3, device=affine.angle.device).repeat(len(affine.angle), 1, 1)
    spin[:, :2, :2] = _plane(*affine)[1]
    return spin


def warp_dense(dense: Tensor, angle: Tensor, factor: Tensor, flip: Tensor) -> Tensor:
    """Dense truth (B, h, w, 4) uint8 moved as :func:`warp` moves its image; float."""
    forward, _ = _plane(angle, factor, flip)
    planes = dense.permute(0, 3, 1, 2).float()
    warped = F.grid_sample(planes, _grid(forward, planes), mode="nearest", align_corners=False)
    parts = warped[:, 3].long()
    parts = torch.where(flip[:, None, None], torch.tensor(PART_MIRROR)[parts], parts)
    # A mirrored body point is the other side's: the canonical x is reflected too.
    x = torch.where(flip[:, None, None], 255 - warped[:, 0], warped[:, 0])
    return torch.stack([x, warped[:, 1], warped[:, 2], parts.float()], -1)


def _plane(angle: Tensor, factor: Tensor, flip: Tensor) -> tuple[Tensor, Tensor]:
    """The whole map of the image plane (B, 2, 2), and its rotation alone."""
    cosine, sine = torch.cos(angle), torch.sin(angle)
    turn = torch.stack([cosine, -sine, sine, cosine], 1).view(-1, 2, 2)
    forward = turn * factor[:, None, None]
    sign = torch.where(flip, -1.0, 1.0)
    return forward @ torch.diag_embed(torch.stack([sign, torch.ones_like(sign)], 1)), turn


def _grid(forward: Tensor, images: Tensor) -> Tensor:
    """Where each pixel of the moved images comes from."""
    inverse = torch.linalg.inv(forward)
    theta = torch.cat([inverse, torch.zeros(len(forward), 2, 1)], 2)
    return F.affine_grid(theta, list(images.shape), align_corners=False)


def random_colour(
    n: int, generator: torch.Generator, strength: float = 0.4
) -> tuple[Tensor, Tensor]:
    """Gains (n, 3, 1, 1), of channels as in SPIN and of all three, and shifts (n, 1, 1, 1)."""
    gain = 1 + strength * (2 * torch.rand(n, 3, 1, 1, generator=generator) - 1) * 0.5
    gain = gain * (1 + strength * (2 * torch.rand(n, 1, 1, 1, generator=generator) - 1) * 0.5)
    return gain, 20 * torch.randn(n, 1, 1, 1, generator=generator)


def colour(images: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    """Channel noise and a brightness shift on float images (B, 3, S, S) in 0..255."""
    return (images * gain + shift).clamp(0, 255)
