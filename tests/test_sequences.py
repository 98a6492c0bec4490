"""Videos of the open benchmark: motions that are long enough, and pictures that keep still while they should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from rsclib.openbench import chains as C
from rsclib.openbench.camera import Camera
from rsclib.openbench.motions import SPLIT, shipped_motions
from rsclib.openbench.occluders import Front
from rsclib.openbench.parts import SPLITS
from rsclib.openbench.sequences import make_sequences

WALK = shipped_motions()["walk"]


def motion(name: str = "walk") -> C.Motion:
    clip = shipped_motions()[name]
    return C.Motion(clip.poses, clip.trans, clip.name)


@settings(max_examples=20, deadline=None)
@given(weight=st.floats(0, 1), seed=st.integers(0, 1000))
def test_between_is_the_shortest_way(weight: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (Rotation.random(5, random_state=rng).as_rotvec().astype(np.float32) for _ in range(2))
    found = C.between(a, b, np.full(5, weight, np.float32))
    first, last, middle = (Rotation.from_rotvec(r) for r in (a, b, found))
    whole = (first.inv() * last).magnitude()
    assert (first.inv() * middle).magnitude() == pytest.approx(whole * weight, abs=1e-4)
    assert (middle.inv() * last).magnitude() == pytest.approx(whole * (1 - weight), abs=1e-4)


def test_at_tempo_one_nothing_changes_and_at_two_half_the_frames_are_left() -> None:
    same, fast = C.at_tempo(motion(), 1.0), C.at_tempo(motion(), 2.0)
    assert np.allclose(same.poses, WALK.poses, atol=1e-5)
    assert np.allclose(same.trans, WALK.trans, atol=1e-6)
    assert len(fast.poses) == len(WALK.poses[::2])
    turned = Rotation.from_rotvec(fast.poses.reshape(-1, 3)).inv() * Rotation.from_rotvec(
        WALK.poses[::2].reshape(-1, 3)
    )
    assert turned.magnitude().max() < 1e-4


def test_joined_motions_go_on_where_the_first_ends() -> None:
    first, second = motion("walk"), motion("punch")
    both = C.joined(first, second)
    assert len(both.poses) == len(first.poses) + len(second.poses) - C.BLEND
    assert np.array_equal(both.poses[: -len(second.poses)], first.poses[: -C.BLEND])
    steps = np.linalg.norm(np.diff(both.trans, axis=0), axis=1)
    assert steps.max() < 0.12, "a person does not jump where clips are joined"
    turn = (
        Rotation.from_rotvec(both.poses[:-1].reshape(-1, 3)).inv()
        * Rotation.from_rotvec(both.poses[1:].reshape(-1, 3))
    ).magnitude()
    assert turn.max() < 1.2, "no limb snaps"
    # What follows the seam is the second clip, turned as a whole.
    assert np.allclose(both.poses[-20:, 1:], second.poses[-20:, 1:], atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_a_motion_has_the_length_that_was_asked_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for found in (C.train_motion(rng, 64), C.held_out_motion(rng, "test", seed, 64)):
        assert found.poses.shape == (64, 24, 3) and found.trans.shape == (64, 3)
        assert np.isfinite(found.poses).all() and np.isfinite(found.trans).all()


def test_held_out_motions_are_each_clip_in_turn_and_never_a_training_one() -> None:
    rng = np.random.default_rng(0)
    for split in ("val", "test"):
        names = [C.held_out_motion(rng, split, i, 16).clip for i in range(2 * len(SPLIT[split]))]
        assert names == list(SPLIT[split]) * 2  # type: ignore[index]
        assert not set(names) & set(SPLIT["train"])
    assert {C.train_motion(rng, 32).clip for _ in range(30)} <= {*SPLIT["train"], "drawn"}


@pytest.fixture(scope="module")
def video() -> dict[str, np.ndarray]:
    return make_sequences(SPLITS["test-video-studio"], 0, 0, 6, 64)


def test_a_video_shows_one_person_in_one_place(video: dict[str, np.ndarray]) -> None:
    for name in ("person", "clip", "place", "sequence"):
        assert len(set(video[name].tolist())) == 1, name
    assert video["frame"].tolist() == list(range(6))
    assert (video["betas"] == video["betas"][0]).all()


def test_only_what_moves_changes_from_frame_to_frame(video: dict[str, np.ndarray]) -> None:
    """The same light and colours: neighbours differ less than frames of two videos do."""
    images = video["images"].astype(float)
    apart = np.abs(np.diff(images, axis=0)).mean()
    other = make_sequences(SPLITS["test-video-studio"], 0, 1, 1, 64)["images"].astype(float)
    assert 0 < apart < 0.4 * np.abs(images[0] - other[0]).mean()


def test_the_sensors_noise_is_new_in_each_frame() -> None:
    split = SPLITS["test-video-studio"]
    images = np.concatenate(
        [make_sequences(split, 0, shard, 2, 64)["images"][None] for shard in range(4)]
    )
    corner = images[:, :, :8, :8].astype(float)  # the place, not the person
    assert any((a[0] != a[1]).mean() > 0.05 for a in corner)


def test_the_truth_is_where_the_picture_shows_it(video: dict[str, np.ndarray]) -> None:
    points = video["keypoints2d"]
    assert (points[..., 2] == 1).mean() > 0.9
    # Keypoints move smoothly in the crop, which follows the person.
    assert np.abs(np.diff(points[..., :2], axis=0)).max() < 0.5


def test_the_same_arguments_give_the_same_bytes_and_shards_do_not_matter() -> None:
    split = SPLITS["video-val"]
    once, again = (make_sequences(split, 3, 1, 4, 64) for _ in range(2))
    assert all(np.array_equal(once[name], again[name]) for name in once)
    longer = make_sequences(split, 3, 0, 128, 32)
    assert longer["sequence"].tolist() == [0] * 64 + [1] * 64


def test_something_in_front_stands_still_in_the_scene() -> None:
    """Half a picture to the right in the crop when the crop moves half a picture to the left."""
    cover = np.zeros((32, 32), np.float32)
    cover[:, 10:14] = 1
    front = Front(cover, np.ones((32, 32, 3), np.float32), Camera(50.0, 16.0, 16.0, 32))
    same, _ = front.seen_by(Camera(50.0, 16.0, 16.0, 32))
    moved, _ = front.seen_by(Camera(50.0, 24.0, 16.0, 32))
    gone, _ = front.seen_by(Camera(50.0, 116.0, 16.0, 32))
    assert np.array_equal(same, cover)
    assert np.array_equal(moved[:, 18:22], np.ones((32, 4))) and moved.sum() == cover.sum()
    assert gone.sum() == 0
