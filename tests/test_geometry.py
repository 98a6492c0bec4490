"""Rotations and camera against independent formulas."""

from __future__ import annotations

import math

import torch

from rsclib import geometry as G
from rsclib.resolution import EDU


def test_spin_layout_of_6d() -> None:
    """a1 = x[0, 2, 4], a2 = x[1, 3, 5] become the first two columns."""
    x = torch.randn(50, 6)
    got = G.rot6d_to_rotmat(x)
    for row, r in zip(x, got, strict=True):
        a1, a2 = row[[0, 2, 4]], row[[1, 3, 5]]
        b1 = a1 / a1.norm()
        b2 = a2 - (b1 @ a2) * b1
        b2 = b2 / b2.norm()
        expected = torch.stack([b1, b2, torch.linalg.cross(b1, b2)], 1)
        assert (r - expected).abs().max() < 1e-4
    assert torch.equal(G.rot6d_to_rotmat(torch.tensor([1.0, 0, 0, 1, 0, 0])), torch.eye(3))


def test_axis_angle_round_trip() -> None:
    v = torch.randn(20, 24, 3) * 0.5  # below half a turn, where it is unique
    assert (G.rotmat_to_axis_angle(G.axis_angle_to_rotmat(v)) - v).abs().max() < 1e-4
    quarter = G.axis_angle_to_rotmat(torch.tensor([0.0, 0.0, math.pi / 2]))
    assert torch.allclose(quarter @ torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1, 0]), atol=1e-6)


def test_projection_by_hand() -> None:
    cam = torch.tensor([[0.9, 0.1, -0.2]])
    joint = torch.tensor([[[0.3, 0.4, 0.5]]])
    z = 2 * 5000 / (224 * 0.9) + 0.5
    expected = [(0.3 + 0.1) * 5000 / z / 112, (0.4 - 0.2) * 5000 / z / 112]
    assert torch.allclose(G.project(joint, cam)[0, 0], torch.tensor(expected), atol=1e-5)
    assert EDU.full == 128  # normalised coordinates do not depend on it


def test_fitted_translation_recovers_the_camera() -> None:
    cam = torch.rand(6, 3) * torch.tensor([0.5, 0.4, 0.4]) + torch.tensor([0.6, -0.2, -0.2])
    joints = torch.randn(6, 24, 3) * 0.4
    confidence = (torch.rand(6, 24) > 0.2).float()
    got = G.fit_translation(joints, G.project(joints, cam), confidence)
    assert torch.allclose(got, G.cam_to_translation(cam), rtol=1e-2, atol=1e-2)
