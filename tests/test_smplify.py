"""SMPLify: it finds people again, treats each alone, and looks at nothing that is not marked."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rsclib.body import load_body
from rsclib.errors import RscError
from rsclib.geometry import axis_angle_to_rotmat, cam_to_translation, project
from rsclib.metrics import mpjpe
from rsclib.openbench.poses import sample_poses
from rsclib.pose_mixture import load_mixture
from rsclib.skeleton import KEYPOINT_NAMES, SMPL_NAMES
from rsclib.smplify import (
    TORSO,
    FitConfig,
    Pose,
    fit,
    geman_mcclure,
    image_points,
    prior_loss,
    reprojection_error,
    upright_starts,
)

SHORT = FitConfig(camera_steps=5, body_steps=5)
BODY, MIXTURE = load_body(), load_mixture()


def people(n: int, seed: int = 0) -> tuple[Pose, torch.Tensor]:
    """People of the benchmark before the camera, and their keypoints."""
    rng = np.random.default_rng(seed)
    pose = torch.from_numpy(sample_poses(rng, "train", n).poses).float()
    rotmats = axis_angle_to_rotmat(pose)
    down = axis_angle_to_rotmat(torch.tensor([torch.pi, 0.0, 0.0]))
    yaw = torch.zeros(n, 3)
    yaw[:, 1] = torch.from_numpy(rng.uniform(-1, 1, n)).float()
    rotmats[:, 0] = down @ axis_angle_to_rotmat(yaw) @ rotmats[:, 0]
    betas = torch.from_numpy(rng.normal(0, 0.5, (n, 10))).float()
    cam = torch.tensor([[0.8, 0.05, 0.1]]).repeat(n, 1)
    points = BODY.joints(rotmats, betas).keypoints3d
    flat = torch.cat([project(points, cam), torch.ones(n, 24, 1)], 2)
    return Pose(rotmats, betas, cam_to_translation(cam)), flat


def astray(truth: Pose, seed: int = 1, by: float = 0.15) -> Pose:
    """A start nearby: every joint turned, the mean shape, the place a little off."""
    rng = torch.Generator().manual_seed(seed)
    n = len(truth.betas)
    off = axis_angle_to_rotmat(torch.randn(n, 24, 3, generator=rng) * by)
    moved = truth.translation + torch.randn(n, 3, generator=rng) * torch.tensor([0.05, 0.05, 0.5])
    return Pose(off @ truth.rotmats, torch.zeros(n, 10), moved)


def apart(a: Pose, b: Pose) -> torch.Tensor:
    """MPJPE, mm."""
    return mpjpe(*(BODY.joints(p.rotmats, p.betas).joints14 for p in (a, b)))


def test_a_known_pose_is_found_again() -> None:
    truth, points = people(12)
    start = astray(truth)
    found = fit(BODY, MIXTURE, points, start, FitConfig(camera_steps=30, body_steps=60))
    before = reprojection_error(BODY, start, points)
    assert (found.error < 0.1 * before).all() and found.error.max() < 30
    assert apart(found.pose, truth).mean() < 0.75 * apart(start, truth).mean()
    assert (apart(found.pose, truth) < apart(start, truth)).float().mean() > 0.7
    torch.testing.assert_close(found.error, reprojection_error(BODY, found.pose, points))


def test_a_batch_is_what_each_would_get_alone() -> None:
    truth, points = people(4)
    start = astray(truth)
    whole = fit(BODY, MIXTURE, points, start, SHORT)
    for k in range(4):
        one = Pose(*(value[k : k + 1] for value in start))
        alone = fit(BODY, MIXTURE, points[k : k + 1], one, SHORT)
        for got, wanted in zip(alone.pose, whole.pose, strict=True):
            torch.testing.assert_close(got[0], wanted[k], atol=1e-3, rtol=1e-4)
        assert float(alone.error) == pytest.approx(float(whole.error[k]), rel=1e-2)


def test_points_that_are_not_marked_are_not_looked_at() -> None:
    truth, points = people(3)
    hidden = points.clone()
    hidden[:, [0, 4, 8, 19], 2] = 0
    wild = hidden.clone()
    wild[:, [0, 4], :2] = torch.nan
    wild[:, [8, 19], :2] = 1e6
    a, b = (fit(BODY, MIXTURE, p, astray(truth), SHORT) for p in (hidden, wild))
    assert all(map(torch.equal, a.pose, b.pose)) and torch.equal(a.error, b.error)
    c = fit(BODY, MIXTURE, points, astray(truth), SHORT)
    assert not torch.equal(a.pose.rotmats, c.pose.rotmats)


def test_nothing_marked_at_all() -> None:
    """The prior alone moves the body; such a fit is never a good one."""
    truth, points = people(2)
    points[..., 2] = 0
    found = fit(BODY, MIXTURE, points, truth, SHORT)
    assert torch.isinf(found.error).all() and all(bool(v.isfinite().all()) for v in found.pose)
    torch.testing.assert_close(found.pose.translation, truth.translation)


def test_gradients_at_rest() -> None:
    """The rotation by nothing has no axis: theta = 0 must not divide by its angle."""
    _, points = people(2)
    rest = Pose(torch.eye(3).repeat(2, 24, 1, 1), torch.zeros(2, 10), torch.tensor([[0.0, 0, 50]] * 2))  # fmt: skip
    rest.rotmats[1, 0] = torch.diag(torch.tensor([1.0, -1, -1]))  # half a turn: the other end
    found = fit(BODY, MIXTURE, points, rest, SHORT)
    assert all(bool(v.isfinite().all()) for v in found.pose)
    assert not torch.equal(found.pose.rotmats, rest.rotmats)


def test_the_camera_stage_moves_and_turns_the_whole_body_only() -> None:
    truth, points = people(3)
    start = astray(truth, by=0.3)
    found = fit(BODY, MIXTURE, points, start, FitConfig(camera_steps=60, body_steps=0)).pose
    torch.testing.assert_close(found.rotmats[:, 1:], start.rotmats[:, 1:], atol=1e-5, rtol=0)
    torch.testing.assert_close(found.betas, start.betas)
    assert not torch.allclose(found.rotmats[:, 0], start.rotmats[:, 0], atol=1e-2)
    assert (found.translation - start.translation)[:, 2].abs().max() < 0.02  # it holds the depth

    def torso(pose: Pose) -> torch.Tensor:
        shown = image_points(BODY.joints(pose.rotmats, pose.betas).keypoints3d, pose.translation)
        return (shown - points[..., :2] * 112)[:, list(TORSO)].square().sum((1, 2))

    assert (torso(found) < 0.5 * torso(start)).all()


def test_the_body_stage_leaves_the_place() -> None:
    truth, points = people(2)
    found = fit(BODY, MIXTURE, points, astray(truth), FitConfig(camera_steps=0, body_steps=3))
    torch.testing.assert_close(found.pose.translation, astray(truth).translation)
    moved = (found.pose.rotmats - astray(truth).rotmats).abs().amax((2, 3))
    assert (moved > 1e-3).float().mean() > 0.9


def test_the_error_by_hand() -> None:
    truth, points = people(2)
    pose = astray(truth)
    points[0, :5, 2], points[1, 6, 2] = torch.tensor([0.0, 0.5, 1, 1, 0.25]), 0.5
    got = reprojection_error(BODY, pose, points)
    x = BODY.joints(pose.rotmats, pose.betas).keypoints3d + pose.translation[:, None]
    for b in range(2):
        total = weight = 0.0
        for j in range(24):
            if KEYPOINT_NAMES[j].endswith("hip"):  # as SPIN has it
                continue
            sure, seen = float(points[b, j, 2]), x[b, j]
            for axis in range(2):
                off = float(seen[axis] / seen[2] * 5000 - points[b, j, axis] * 112)
                total += sure**2 * off**2 * 100**2 / (off**2 + 100**2)
            weight += sure**2
        assert float(got[b]) == pytest.approx(total / weight, rel=1e-4)
    with_hips = reprojection_error(BODY, pose, points, FitConfig(hips=True))
    assert not torch.allclose(with_hips, got)


@given(st.floats(-1e4, 1e4), st.floats(0.1, 1e3))
def test_far_points_count_no_more(off: float, sigma: float) -> None:
    value = float(geman_mcclure(torch.tensor(off, dtype=torch.float64), sigma))
    assert 0 <= value <= min(off**2, sigma**2) * (1 + 1e-9)
    if abs(off) < sigma / 100:
        assert value == pytest.approx(off**2, rel=1e-3)


def test_one_wild_point_hardly_moves_the_rest() -> None:
    truth, points = people(6)
    wrong = points.clone()
    wrong[:, 6, :2] += 1.2  # a wrist, 134 px away
    strict = FitConfig(camera_steps=5, body_steps=30, sigma=1e4)
    robust = dataclasses.replace(strict, sigma=20.0)
    off = [float(apart(fit(BODY, MIXTURE, wrong, truth, c).pose, truth).mean()) for c in (strict, robust)]  # fmt: skip
    assert off[1] < 0.7 * off[0]


def bent(joint: str, axis: int, by: float) -> torch.Tensor:
    pose = torch.zeros(1, 24, 3)
    pose[0, SMPL_NAMES.index(joint), axis] = by
    return pose


@pytest.mark.parametrize(
    ("joint", "axis", "sign", "point", "direction"),
    [("left_elbow", 1, -1, "left wrist", 1), ("right_elbow", 1, 1, "right wrist", 1),
     ("left_knee", 0, 1, "left ankle", -1), ("right_knee", 0, 1, "right ankle", -1)],
)  # fmt: skip
def test_hinges_bend_the_way_that_people_do(
    joint: str, axis: int, sign: int, point: str, direction: int
) -> None:
    """A bent arm brings the hand forward, a bent knee the foot back; the other way is dear."""
    flat = dataclasses.replace(SHORT, pose=0.0, shape=0.0)
    cost = []
    for way in (1, -1):
        pose = bent(joint, axis, way * sign * 1.0)
        cost.append(float(prior_loss(MIXTURE, pose[:, 1:].flatten(1), torch.zeros(1, 10), flat)))
        x = BODY.joints(axis_angle_to_rotmat(pose), torch.zeros(1, 10)).keypoints3d[0]
        ahead = float(x[KEYPOINT_NAMES.index(point), 2]) * direction * way
        assert ahead > 0.1, "metres in front of the body (or behind it)"
    rest = float(prior_loss(MIXTURE, torch.zeros(1, 69), torch.zeros(1, 10), flat))
    assert cost[0] < rest < cost[1] and rest == pytest.approx(4 * 15.2**2)
    assert cost[1] - rest == pytest.approx(15.2**2 * (np.exp(2) - 1), rel=1e-4)


def test_an_unusual_shape_is_dear() -> None:
    zero, betas = torch.zeros(1, 69), torch.full((1, 10), 0.5)
    more = prior_loss(MIXTURE, zero, betas, SHORT) - prior_loss(MIXTURE, zero, betas * 0, SHORT)
    assert float(more) == pytest.approx(25 * 10 * 0.25, rel=1e-3)


def test_history_is_the_way() -> None:
    truth, points = people(2)
    start = astray(truth)
    found = fit(BODY, MIXTURE, points, start, SHORT, history=(0, 2, 5))
    assert [(m.stage, m.step) for m in found.history] == [
        (stage, step) for stage in ("camera", "body") for step in (0, 2, 5)
    ]
    torch.testing.assert_close(found.history[0].pose.rotmats, start.rotmats, atol=1e-5, rtol=0)
    assert all(map(torch.equal, found.history[-1].pose, found.pose))
    assert torch.equal(found.history[-1].error, found.error)
    assert not torch.equal(found.history[1].pose.translation, start.translation)
    assert not fit(BODY, MIXTURE, points, start, SHORT).history


def test_the_network_before_it_is_left_in_peace() -> None:
    """Its output may carry a gradient, or come from inference mode; neither is touched."""
    truth, points = people(1)
    leaf = truth.betas.clone().requires_grad_(True)
    found = fit(BODY, MIXTURE, points, truth._replace(betas=leaf * 1), SHORT)
    assert leaf.grad is None and not any(v.requires_grad for v in found.pose)
    with torch.inference_mode():
        frozen = Pose(*(value.clone() for value in truth))
    again = fit(BODY, MIXTURE, points, frozen, SHORT)
    assert torch.equal(again.pose.rotmats, found.pose.rotmats)
    with torch.no_grad():
        assert torch.equal(fit(BODY, MIXTURE, points, truth, SHORT).error, found.error)


def test_starts_from_nothing() -> None:
    _, points = people(1)
    starts = upright_starts(BODY, MIXTURE, points)
    assert starts.rotmats.shape == (4, 24, 3, 3) and (starts.translation[:, 2] > 0).all()
    x = BODY.joints(starts.rotmats, starts.betas).keypoints3d
    head, foot = KEYPOINT_NAMES.index("head top"), KEYPOINT_NAMES.index("left ankle")
    assert (x[:, head, 1] < x[:, foot, 1] - 1).all(), "upright: y points down"
    shown = image_points(x, starts.translation)[:, list(TORSO)]
    marked = points[0, list(TORSO), :2] * 112
    for torso in shown:  # as large and where she is
        assert torch.dist(torso.mean(0), marked.mean(0)) < 2
        size = (torso - torso.mean(0)).norm() / (marked - marked.mean(0)).norm()
        assert float(size) == pytest.approx(1, abs=0.05)
    # The four face four ways: from each to the next a quarter of a turn.
    ahead = starts.rotmats[:, 0, :, 2]
    torch.testing.assert_close((ahead * ahead.roll(1, 0)).sum(1), torch.zeros(4), atol=1e-5, rtol=0)
    points[0, list(TORSO[1:]), 2] = 0
    with pytest.raises(RscError, match="two of shoulders and hips"):
        upright_starts(BODY, MIXTURE, points)


def test_mistakes() -> None:
    truth, points = people(2)
    with pytest.raises(RscError, match=r"keypoints \(B, 24, 3\)"):
        fit(BODY, MIXTURE, points[:, :23], truth)
    with pytest.raises(RscError, match="not"):
        fit(BODY, MIXTURE, points[:1], truth)
    for bad in (torch.nan, torch.inf):
        with pytest.raises(RscError, match="finite"):
            fit(BODY, MIXTURE, points, truth._replace(betas=truth.betas + bad))
        marked = points.clone()
        marked[0, 3, 0] = bad
        with pytest.raises(RscError, match="finite"):
            fit(BODY, MIXTURE, marked, truth)
    with pytest.raises(RscError, match="negative"):
        fit(BODY, MIXTURE, -points, truth)
    with pytest.raises(RscError, match="in front of the camera"):
        fit(BODY, MIXTURE, points, truth._replace(translation=-truth.translation))
