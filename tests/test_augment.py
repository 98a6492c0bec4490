"""Augmentation moves the truth exactly as it moves the pixels."""

from __future__ import annotations

import torch

from rsclib.body import load_body
from rsclib.data import augment
from rsclib.geometry import CROP, FOCAL, axis_angle_to_rotmat, fit_translation, project
from rsclib.people import Labels
from rsclib.skeleton import KEYPOINT_NAMES, SMPL_NAMES


def _labels(n: int = 3) -> Labels:
    body = load_body()
    rotmats = axis_angle_to_rotmat(torch.randn(n, 24, 3) * 0.3)
    points = body.joints(rotmats, torch.zeros(n, 10)).keypoints3d
    sure, has = torch.rand(n, 24, 1), torch.ones(n, dtype=torch.bool)
    flat = torch.cat([points[..., :2] * 0.5, torch.ones(n, 24, 1)], 2)
    solid = torch.cat([points, sure], 2)
    return Labels(flat, solid, rotmats, torch.zeros(n, 10), has, has, torch.arange(n))


def _images(n: int = 3) -> torch.Tensor:
    return torch.rand(n, 3, 32, 32)


def test_pose_and_points_stay_consistent() -> None:
    """The body in the warped pose has the warped points (the open body is mirror-symmetric)."""
    angle = torch.tensor([0.4, -0.3, 0.0])
    flip = torch.tensor([True, False, True])
    _, out = augment.warp(_images(), _labels(), angle, torch.ones(3), flip)
    again = load_body().joints(out.rotmats, torch.zeros(3, 10)).keypoints3d
    assert (again - out.keypoints3d[..., :3]).abs().max() < 5e-3


def test_a_points_confidence_goes_with_it() -> None:
    before = _labels()
    _, after = augment.warp(_images(), before, torch.zeros(3), torch.ones(3), torch.tensor([True, False, True]))  # fmt: skip
    left, right = KEYPOINT_NAMES.index("left wrist"), KEYPOINT_NAMES.index("right wrist")
    assert torch.equal(after.keypoints3d[[0, 2], left, 3], before.keypoints3d[[0, 2], right, 3])
    assert torch.equal(after.keypoints3d[1], before.keypoints3d[1])


def test_keypoints_turn_with_the_points() -> None:
    factor = torch.tensor([1.0, 1.2, 0.9])
    _, out = augment.warp(
        _images(), _labels(), torch.tensor([0.5, 0.1, 0.0]), factor, torch.tensor([True] * 3)
    )
    expected = out.keypoints3d[..., :2] * 0.5 * factor.view(3, 1, 1)
    assert (out.keypoints2d[..., :2] - expected).abs().max() < 1e-5


def test_a_marked_pixel_lands_on_its_keypoint() -> None:
    images = torch.zeros(1, 3, 65, 65)
    row, column = 20, 44
    images[0, :, row, column] = 1
    point = torch.tensor([(column + 0.5) / 65 * 2 - 1, (row + 0.5) / 65 * 2 - 1, 1.0])
    labels = _labels(1)._replace(keypoints2d=point.expand(1, 24, 3).clone())
    out, moved = augment.warp(
        images, labels, torch.tensor([0.2]), torch.tensor([1.3]), torch.tensor([True])
    )
    where = out[0, 0].flatten().argmax()
    got = torch.tensor([(where % 65 + 0.5) / 65 * 2 - 1, (where // 65 + 0.5) / 65 * 2 - 1])
    assert (got - moved.keypoints2d[0, 0, :2]).abs().max() < 0.05


def test_dense_truth_moves_with_its_pixels() -> None:
    """A patch of the left hand, flipped, is a patch of the right hand on the other side."""
    dense = torch.zeros(1, 8, 8, 4, dtype=torch.uint8)
    dense[0, 2, 1] = torch.tensor([200, 10, 20, 1 + SMPL_NAMES.index("left_hand")])
    still = torch.zeros(1), torch.ones(1)
    out = augment.warp_dense(dense, *still, torch.tensor([True]))
    assert out[0, 2, 6].tolist() == [255 - 200, 10, 20, 1 + SMPL_NAMES.index("right_hand")]
    assert torch.equal(augment.warp_dense(dense, *still, torch.tensor([False])), dense.float())


def test_identity_changes_nothing() -> None:
    images, labels = _images(), _labels()
    out, same = augment.warp(
        images, labels, torch.zeros(3), torch.ones(3), torch.zeros(3, dtype=torch.bool)
    )
    assert (out - images).abs().max() < 1e-4
    for name in Labels._fields:
        change = (getattr(same, name).float() - getattr(labels, name).float()).abs().max()
        assert change < 1e-4, name


def test_flip_twice_is_the_identity() -> None:
    before, flip = _labels(), torch.ones(3, dtype=torch.bool)
    images, once = augment.warp(_images(), before, torch.zeros(3), torch.ones(3), flip)
    _, twice = augment.warp(images, once, torch.zeros(3), torch.ones(3), flip)
    assert (twice.rotmats - before.rotmats).abs().max() < 1e-5
    assert (twice.keypoints3d - before.keypoints3d).abs().max() < 1e-6
    assert (once.rotmats - before.rotmats).abs().max() > 0.1


def test_colour_stays_in_range() -> None:
    images = torch.rand(4, 3, 8, 8) * 255
    out = augment.colour(
        images, *augment.random_colour(len(images), torch.Generator().manual_seed(0))
    )
    assert out.min() >= 0
    assert out.max() <= 255
    assert (out - images).abs().max() > 1


def test_people_move_with_their_picture_and_back() -> None:
    """A body in front of the camera, told in the moved picture, then back: the same points."""
    n, body, rng = 6, load_body(), torch.Generator().manual_seed(0)
    pose, betas = torch.randn(n, 24, 3, generator=rng) * 0.4, torch.randn(n, 10, generator=rng)
    rotmats, cam = axis_angle_to_rotmat(pose), torch.tensor([[0.8, 0.1, -0.05]]).repeat(n, 1)
    affine = augment.random_affine(n, rng, 40.0, 0.15)
    affine = affine._replace(flip=torch.arange(n) % 2 == 0)
    seen = body.joints(augment.moved(rotmats, affine), betas)
    root = seen.joints24[:, 0]
    before = body.joints(rotmats, betas)
    # Where the moved picture shows the points of the body before it was moved.
    flat = torch.cat([project(before.keypoints3d, cam), torch.ones(n, 24, 1)], 2)
    has = torch.ones(n, dtype=torch.bool)
    labels = Labels(flat, torch.zeros(n, 24, 4), rotmats, betas, has, has, torch.arange(n))
    _, moved = augment.warp(_images(n), labels, *affine)
    torch.testing.assert_close(moved.rotmats, augment.moved(rotmats, affine))
    # The camera that sees the moved body there: any, as long as the way back undoes it.
    shift = fit_translation(seen.keypoints3d, moved.keypoints2d[..., :2], torch.ones(n, 24))
    told = torch.cat([2 * FOCAL / (CROP * shift[:, 2:]), shift[:, :2]], 1)
    back, camera = augment.moved_back(moved.rotmats, told, root, affine)
    torch.testing.assert_close(back, rotmats, atol=1e-5, rtol=0)
    shown = project(body.joints(back, betas).keypoints3d, camera)
    # Not exact: enlarging a picture is not quite coming nearer, and no body is quite symmetric.
    assert (shown - flat[..., :2]).abs().max() < 0.01
    assert (camera - cam).abs().max() < 0.01
