"""The benchmark's poses: possible, mostly upright, varied in training, untouched in testing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from rsclib.openbench.motions import SPLIT, mirror_poses, shipped_motions
from rsclib.openbench.poses import (
    LEFT_ARM,
    LEFT_LEG,
    RIGHT_ARM,
    RIGHT_LEG,
    SHARES,
    TRUNK,
    PoseBatch,
    clips_of,
    place_in_camera,
    replace_poses,
    sample_cameras,
    sample_headings,
    sample_poses,
    without_heading,
)

N = 3000
# Joints that mocap moves. Collars, wrists, hands and toes carry only noise.
MOVED = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 18, 19)


def _draw(split: str, n: int = N, seed: int = 0) -> PoseBatch:
    """As a part draws its poses: a test part replaces three of five."""
    drawn = sample_poses(np.random.default_rng(seed), split, n)
    if split == "train":
        return drawn
    return replace_poses(np.random.default_rng([seed, 1]), drawn, "test", 9 / 15)


@pytest.fixture(scope="module")
def train() -> PoseBatch:
    return _draw("train")


@pytest.fixture(scope="module")
def test() -> PoseBatch:
    return _draw("test")


def _quaternions(poses: np.ndarray) -> np.ndarray:
    flat = Rotation.from_rotvec(poses[:, MOVED].reshape(-1, 3)).as_quat()
    return flat.reshape(-1, len(MOVED), 4)


def _nearest(poses: np.ndarray, bank: np.ndarray) -> np.ndarray:
    """Mean angle in degrees over the moved joints to the nearest pose of ``bank``: (n,)."""
    cosine = np.abs(np.einsum("ajk,bjk->abj", _quaternions(poses), _quaternions(bank)))
    return np.degrees(2 * np.arccos(np.clip(cosine, 0, 1))).mean(-1).min(1)


def _frames(*names: str) -> np.ndarray:
    poses = np.concatenate([shipped_motions()[name].poses for name in names])
    return np.concatenate([poses, mirror_poses(poses)])


def _tilt(poses: np.ndarray) -> np.ndarray:
    """Degrees between the body's up axis and the vertical: (n,)."""
    up = Rotation.from_rotvec(poses[:, 0]).apply([0, 1, 0])
    return np.degrees(np.arccos(np.clip(up[:, 1], -1, 1)))


def test_limbs_share_no_joint_and_leave_only_the_root() -> None:
    limbs = LEFT_LEG + RIGHT_LEG + LEFT_ARM + RIGHT_ARM + TRUNK
    assert sorted(limbs) == list(range(1, 24))
    assert sum(SHARES.values()) == pytest.approx(1)


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.integers(1, 300), st.sampled_from(["train", "test"]))
def test_any_draw_is_finite_and_of_one_shape(seed: int, n: int, split: str) -> None:
    batch = _draw(split, n, seed)
    assert batch.poses.shape == (n, 24, 3) and batch.clip.shape == (n,)
    assert batch.poses.dtype == np.float32
    assert np.isfinite(batch.poses).all()
    # A rotation vector of more than half a turn would mean another, shorter rotation.
    assert np.linalg.norm(batch.poses, axis=-1).max() < np.pi + 0.3


@pytest.mark.parametrize("split", ["train", "test"])
def test_same_generator_state_same_poses(split: str) -> None:
    first, second, other = _draw(split, 300, 5), _draw(split, 300, 5), _draw(split, 300, 6)
    np.testing.assert_array_equal(first.poses, second.poses)
    np.testing.assert_array_equal(first.clip, second.clip)
    assert not np.array_equal(first.poses, other.poses)


def test_the_two_sides_name_different_clips(train: PoseBatch, test: PoseBatch) -> None:
    assert {c.name for c in clips_of("train")} == set(SPLIT["train"])
    assert set(test.clip) == set(SPLIT["test"])
    assert set(train.clip) <= set(SPLIT["train"]) | set(SHARES)
    assert not set(train.clip) & (set(SPLIT["test"]) | set(SPLIT["val"]))


def test_people_are_mostly_upright(train: PoseBatch, test: PoseBatch) -> None:
    assert (_tilt(train.poses) < 25).mean() > 0.75
    assert (_tilt(train.poses) > 60).mean() < 0.08
    assert (_tilt(test.poses) < 25).mean() > 0.9
    assert (_tilt(test.poses) > 60).mean() < 0.01


def test_poses_have_no_heading(train: PoseBatch, test: PoseBatch) -> None:
    for batch in (train, test):
        # Of those who stand: lying on one's back has no heading to speak of.
        standing = batch.poses[_tilt(batch.poses) < 60]
        forward = Rotation.from_rotvec(standing[:, 0]).apply([0, 0, 1])
        yaw = np.degrees(np.arctan2(forward[:, 0], forward[:, 2]))
        assert np.abs(yaw).max() < 1


def test_test_poses_are_frames_of_their_clip(test: PoseBatch) -> None:
    bank = _frames(*SPLIT["train"])
    for name in SPLIT["test"]:
        poses = test.poses[test.clip == name][:80]
        own = _nearest(poses, _frames(name))
        # Between two frames (the fist flies 5° a frame), and about 1.5° of noise per joint.
        assert own.max() < 6 and np.median(own) < 2.5, name
        assert np.median(own) < 0.7 * np.median(_nearest(poses, bank)), name


def test_test_clips_are_drawn_equally_and_mirrored_half_the_time(test: PoseBatch) -> None:
    share = [(test.clip == name).mean() for name in SPLIT["test"]]
    np.testing.assert_allclose(share, 1 / len(share), atol=0.02)
    # The right hand punches in the source, so the left one does in the mirror image.
    punch = shipped_motions()["punch"].poses
    drawn = test.poses[test.clip == "punch"]
    unmirrored = _nearest(drawn, punch) < _nearest(drawn, mirror_poses(punch))
    assert 0.4 < unmirrored.mean() < 0.6


def test_whoever_is_not_replaced_keeps_her_pose() -> None:
    old = sample_poses(np.random.default_rng(0), "train", N)
    new = replace_poses(np.random.default_rng(1), old, "val", 0.5)
    kept = new.clip == old.clip
    np.testing.assert_array_equal(new.poses[kept], old.poses[kept])
    assert set(new.clip[~kept]) == {name for name in SPLIT["val"] if "/" in name}
    assert kept.mean() == pytest.approx(0.5, abs=0.04)
    assert new.poses.dtype == np.float32 and new.clip.dtype.kind == "U"
    none = replace_poses(np.random.default_rng(1), old, "val", 0.0)
    np.testing.assert_array_equal(none.poses, old.poses)


def test_training_draws_what_it_always_drew() -> None:
    """Its images hang on it: neither a new clip nor a new draw may move the generator."""
    drawn = _draw("train", 200)
    assert drawn.poses.sum(dtype=np.float64) == pytest.approx(81.1592, abs=1e-3)
    assert len("".join(drawn.clip)) == 1354


def test_composed_training_poses_are_new(train: PoseBatch) -> None:
    """Limbs of different frames make poses that no clip has; whole frames are still there."""
    bank = _frames(*SPLIT["train"])
    mixed = _nearest(train.poses[train.clip == "mixed"][:150], bank)
    whole = _nearest(train.poses[np.isin(train.clip, SPLIT["train"])][:150], bank)
    assert np.median(mixed) > 1.8 * np.median(whole)
    assert np.median(whole) < 7


def test_training_comes_nearer_to_held_out_motion_than_its_clips_do() -> None:
    """Most of all where the clips are far away: noise on every joint hides what is left nearby."""
    held_out = ("dance_b", "jump", "punch")
    target = np.concatenate([shipped_motions()[name].poses[::5] for name in held_out])
    clips = _nearest(target, _frames(*SPLIT["train"]))
    drawn = np.split(_draw("train", 12_000, 1).poses, 12)
    composed = np.min([_nearest(target, part) for part in drawn], axis=0)
    assert composed.mean() < clips.mean() - 0.5  # degrees per joint
    assert np.percentile(composed, 90) < np.percentile(clips, 90) - 1


def test_every_kind_of_training_pose_has_its_share(train: PoseBatch) -> None:
    for kind, share in SHARES.items():
        if kind in ("mocap", "acrobatic"):
            continue
        assert (train.clip == kind).mean() == pytest.approx(share, abs=0.03), kind
    acrobats = [c.name for c in clips_of("train") if c.kind == "acrobatic"]
    assert np.isin(train.clip, acrobats).mean() == pytest.approx(SHARES["acrobatic"], abs=0.015)


def test_hinges_bend_one_way_within_their_range(train: PoseBatch) -> None:
    for poses in (train.poses, _draw("test").poses):
        knees = np.degrees(poses[:, [4, 5], 0])
        elbows = np.degrees(poses[:, [18, 19], 1] * (-1, 1))
        # Noise on a straight joint may turn it a little too far; nobody's knee points forward.
        assert knees.min() > -25 and (knees < -5).mean() < 0.01 and knees.max() < 165
        assert elbows.min() > -25 and (elbows < -5).mean() < 0.01 and elbows.max() < 165
        # The other two axes of a knee have only play, those of an elbow the forearm's turn.
        for play in (poses[:, [4, 5], 1:], poses[:, [18, 19], 2]):
            sideways = np.degrees(np.abs(play))
            assert np.quantile(sideways, 0.99) < 25 and sideways.max() < 45


def test_arms_mostly_hang_and_sometimes_reach(train: PoseBatch) -> None:
    for limb, side in ((16, 1.0), (17, -1.0)):
        down = -Rotation.from_rotvec(train.poses[:, limb]).apply([side, 0, 0])[:, 1]
        assert (down > 0.7).mean() > 0.4  # hanging
        assert 0.02 < (down < -0.3).mean() < 0.3  # above the shoulder


def test_left_and_right_are_drawn_alike(train: PoseBatch) -> None:
    mirrored = mirror_poses(train.poses)
    for joint in (1, 4, 16, 18):
        np.testing.assert_allclose(
            train.poses[:, joint].mean(0), mirrored[:, joint].mean(0), atol=0.06
        )


@given(st.integers(0, 1000))
def test_mirror_is_its_own_inverse_and_the_one_of_the_clips(seed: int) -> None:
    poses = np.random.default_rng(seed).normal(size=(5, 24, 3)).astype(np.float32)
    np.testing.assert_array_equal(mirror_poses(mirror_poses(poses)), poses)


@given(st.floats(-3, 3), st.floats(-0.8, 0.8), st.floats(-0.8, 0.8))
def test_without_heading_forgets_a_turn_and_keeps_the_lean(
    yaw: float, pitch: float, roll: float
) -> None:
    lean = Rotation.from_euler("xz", [pitch, roll])
    poses = np.zeros((2, 24, 3), np.float32)
    poses[0, 0] = lean.as_rotvec()
    poses[1, 0] = (Rotation.from_euler("y", yaw) * lean).as_rotvec()
    poses[:, 1:] = 0.1
    straight = without_heading(poses)
    roots = Rotation.from_rotvec(straight[:, 0])
    assert (roots[0].inv() * roots[1]).magnitude() < 1e-5
    np.testing.assert_allclose(_tilt(straight), _tilt(poses), atol=1e-3)
    np.testing.assert_array_equal(straight[:, 1:], poses[:, 1:])


# Camera frame: x right, y down, z forward.

LEVEL = Rotation.from_euler("x", np.pi).as_matrix().astype(np.float32)[None]


def _root(heading: float, camera: np.ndarray = LEVEL) -> Rotation:
    poses = np.zeros((1, 24, 3), np.float32)
    placed = place_in_camera(poses, np.array([heading], np.float32), camera)
    return Rotation.from_rotvec(placed[0, 0])


def test_a_person_who_faces_a_level_camera_has_root_rx_pi() -> None:
    root = _root(0.0).as_matrix()
    np.testing.assert_allclose(root, np.diag([1.0, -1.0, -1.0]), atol=1e-6)


def test_headings_turn_about_the_vertical_in_the_camera_too() -> None:
    for heading in (0.5, 2.0, -1.2):
        np.testing.assert_allclose(_root(heading).apply([0, 1, 0]), [0, -1, 0], atol=1e-6)
    # A quarter turn to the body's left: it faces the right edge of the picture.
    np.testing.assert_allclose(_root(np.pi / 2).apply([0, 0, 1]), [1, 0, 0], atol=1e-6)


def test_placing_touches_only_the_root() -> None:
    poses = _draw("train", 50).poses
    rng = np.random.default_rng(0)
    placed = place_in_camera(poses, sample_headings(rng, 50), sample_cameras(rng, 50))
    np.testing.assert_array_equal(placed[:, 1:], poses[:, 1:])
    assert np.isfinite(placed).all()


def test_cameras_are_rotations_that_look_down_a_little() -> None:
    cameras = sample_cameras(np.random.default_rng(0), N)
    identity = np.broadcast_to(np.eye(3), cameras.shape)
    np.testing.assert_allclose(cameras @ cameras.transpose(0, 2, 1), identity, atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(cameras), 1, atol=1e-5)
    up = cameras[:, :, 1]  # the world's up axis, in the camera frame
    assert up[:, 1].max() < -0.5  # never upside down
    pitch = np.degrees(np.arcsin(-up[:, 2]))  # the up axis tips towards a camera that looks down
    assert 3 < pitch.mean() < 13 and 4 < pitch.std() < 14
    roll = np.degrees(np.arctan2(up[:, 0], -up[:, 1]))
    assert abs(roll.mean()) < 1 and 1 < roll.std() < 6


def test_more_faces_than_backs() -> None:
    heading = np.degrees(sample_headings(np.random.default_rng(0), N))
    wrapped = np.abs((heading + 180) % 360 - 180)
    assert 0.65 < (wrapped < 90).mean() < 0.85  # 0.6 · 0.90 + 0.4 · 0.5
    assert (wrapped > 150).mean() > 0.05  # backs are there too
    assert abs(np.sin(np.radians(heading)).mean()) < 0.05  # neither side is preferred
