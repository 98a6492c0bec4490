"""Augmentation moves the truth exactly as it moves the pixels."""

from __future__ import annotations

import torch

from rsclib.body import load_body
from rsclib.data import augment
from rsclib.geometry import axis_angle_to_rotmat


def _batch(n: int = 3) -> augment.Batch:
    body = load_body()
    rotmats = axis_angle_to_rotmat(torch.randn(n, 24, 3) * 0.3)
    joints = body.joints(rotmats, torch.zeros(n, 10)).joints49[:, 25:]
    points = torch.cat([joints[..., :2] * 0.5, torch.ones(n, 24, 1)], 2)
    return {
        "images": torch.rand(n, 3, 32, 32), "joints24": joints, "rotmats": rotmats,
        "keypoints": points,
    }  # fmt: skip


def test_pose_and_joints_stay_consistent() -> None:
    """The body in the warped pose has the warped joints (the open body is mirror-symmetric)."""
    batch = _batch()
    angle = torch.tensor([0.4, -0.3, 0.0])
    flip = torch.tensor([True, False, True])
    out = augment.warp(batch, angle, torch.ones(3), flip)
    again = load_body().joints(out["rotmats"], torch.zeros(3, 10)).joints49[:, 25:]
    assert (again - out["joints24"]).abs().max() < 5e-3


def test_keypoints_turn_with_the_joints() -> None:
    batch = _batch()
    out = augment.warp(
        batch,
        torch.tensor([0.5, 0.1, 0.0]),
        torch.tensor([1.0, 1.2, 0.9]),
        torch.tensor([True] * 3),
    )
    expected = out["joints24"][..., :2] * 0.5 * torch.tensor([1.0, 1.2, 0.9]).view(3, 1, 1)
    assert (out["keypoints"][..., :2] - expected).abs().max() < 1e-5


def test_a_marked_pixel_lands_on_its_keypoint() -> None:
    images = torch.zeros(1, 3, 65, 65)
    row, column = 20, 44
    images[0, :, row, column] = 1
    point = torch.tensor([(column + 0.5) / 65 * 2 - 1, (row + 0.5) / 65 * 2 - 1, 1.0])
    batch = {"images": images, "keypoints": point.expand(1, 24, 3).clone()}
    out = augment.warp(batch, torch.tensor([0.2]), torch.tensor([1.3]), torch.tensor([True]))
    where = out["images"][0, 0].flatten().argmax()
    got = torch.tensor([(where % 65 + 0.5) / 65 * 2 - 1, (where // 65 + 0.5) / 65 * 2 - 1])
    assert (got - out["keypoints"][0, 0, :2]).abs().max() < 0.05


def test_identity_changes_nothing() -> None:
    batch = _batch()
    out = augment.warp(batch, torch.zeros(3), torch.ones(3), torch.zeros(3, dtype=torch.bool))
    for key in batch:
        assert (out[key] - batch[key]).abs().max() < 1e-4, key


def test_flip_twice_is_the_identity() -> None:
    batch = _batch()
    flip = torch.ones(3, dtype=torch.bool)
    once = augment.warp(batch, torch.zeros(3), torch.ones(3), flip)
    twice = augment.warp(once, torch.zeros(3), torch.ones(3), flip)
    assert (twice["rotmats"] - batch["rotmats"]).abs().max() < 1e-5
    assert (twice["joints24"] - batch["joints24"]).abs().max() < 1e-6
    assert (once["rotmats"] - batch["rotmats"]).abs().max() > 0.1


def test_colour_stays_in_range() -> None:
    images = torch.rand(4, 3, 8, 8) * 255
    out = augment.colour(
        images, *augment.random_colour(len(images), torch.Generator().manual_seed(0))
    )
    assert out.min() >= 0
    assert out.max() <= 255
    assert (out - images).abs().max() > 1
