"""Rotations and the weak-perspective camera. Camera frame: x right, y down, z forward; metres."""

from __future__ import annotations

import numpy as np
import roma
import torch
from numpy.typing import NDArray
from torch import Tensor

FOCAL = 5000.0  # pixels of a 224 x 224 crop, as in SPIN
CROP = 224.0  # the crop that the focal length belongs to; results do not depend on the real size


def rot6d_to_rotmat(pose6d: Tensor) -> Tensor:
    """Rotation matrices of SPIN's 6D pose.

    The six numbers are a (3, 2) matrix row by row: its two columns, made orthonormal, are the first
    two columns of the rotation. (PyTorch3D's 6D holds two rows instead: not interchangeable.)

    Args:
        pose6d: ``(..., 6)``.

    Returns:
        ``(..., 3, 3)``.
    """
    return roma.special_gramschmidt(pose6d.reshape(*pose6d.shape[:-1], 3, 2))


def axis_angle_to_rotmat(pose: Tensor) -> Tensor:
    """``(..., 3)`` axis-angle in radians to ``(..., 3, 3)``."""
    return roma.rotvec_to_rotmat(pose)


def rotmat_to_axis_angle(rotmats: Tensor) -> Tensor:
    """``(..., 3, 3)`` to axis-angle ``(..., 3)`` in radians."""
    return roma.rotmat_to_rotvec(rotmats)


def cam_to_translation(cam: Tensor) -> Tensor:
    """Camera-frame position of the body, metres ``(B, 3)``, from ``[s, tx, ty]`` ``(B, 3)``."""
    depth = 2 * FOCAL / (CROP * cam[:, 0] + 1e-9)
    return torch.stack([cam[:, 1], cam[:, 2], depth], 1)


def project(joints: Tensor, cam: Tensor) -> Tensor:
    """Perspective projection, Eq. 3.

    Args:
        joints: X ``(B, J, 3)`` metres, axes of the camera frame, origin at the body.
        cam: ``[s, tx, ty]`` ``(B, 3)``, from which the translation delta follows.

    Returns:
        J ``(B, J, 2)``, normalised so that the crop spans [-1, 1].
    """
    points = joints + cam_to_translation(cam)[:, None]  # X + delta
    return (
        points[..., :2] / points[..., 2:] * (FOCAL / (CROP / 2))
    )  # J = f_project(X, delta)  Eq. 3


def fit_translation(joints: Tensor, keypoints: Tensor, confidence: Tensor) -> Tensor:
    """Translation that best projects joints onto keypoints: linear least squares.

    Args:
        joints: ``(B, J, 3)`` metres. keypoints: ``(B, J, 2)`` in [-1, 1]. confidence: ``(B, J)``.

    Returns:
        ``(B, 3)`` metres. With x = X + t: f (X + tx) = u (Z + tz) is linear in t, so two rows a
        joint and three unknowns.
    """
    f = FOCAL / (CROP / 2)
    root = confidence.sqrt()[..., None]
    zeros = torch.zeros_like(confidence)
    u, v = keypoints[..., 0], keypoints[..., 1]
    rows_x = torch.stack([torch.full_like(u, f), zeros, -u], -1) * root
    rows_y = torch.stack([zeros, torch.full_like(v, f), -v], -1) * root
    right_x = (u * joints[..., 2] - f * joints[..., 0])[..., None] * root
    right_y = (v * joints[..., 2] - f * joints[..., 1])[..., None] * root
    matrix = torch.cat([rows_x, rows_y], 1).double()
    right = torch.cat([right_x, right_y], 1).double()
    normal = matrix.mT @ matrix + 1e-8 * torch.eye(3, dtype=torch.float64, device=matrix.device)
    return torch.linalg.solve(normal, matrix.mT @ right)[..., 0].to(joints)


def before_one_camera(
    cam: NDArray[np.floating], squares: NDArray[np.floating], width: int, height: int
) -> NDArray[np.float64]:
    """Where bodies stand, (B, 3) metres, before one camera for the whole picture.

    The squares' weak-perspective cameras [s, tx, ty] say how large and where in the square a body is;
    with the focal length f of the picture that fixes its place: depth 2 f / (side s).

    Args:
        cam: (B, 3). squares: (B, 3) left, top, side, pixels. width, height: of the picture, whose
            focal length is taken to be its diagonal (:func:`assumed_focal`).
    """
    focal = assumed_focal(width, height)
    s, tx, ty = np.asarray(cam, np.float64).T
    left, top, side = np.asarray(squares, np.float64).T
    depth = 2 * focal / (side * s + 1e-9)
    x = tx + (left + side / 2 - width / 2) * depth / focal
    y = ty + (top + side / 2 - height / 2) * depth / focal
    return np.stack([x, y, depth], 1)


def assumed_focal(width: int, height: int) -> float:
    """The focal length in pixels that is assumed of an unknown camera: its picture's diagonal."""
    return float(np.hypot(height, width))
