"""People who sit, squat, kneel, bend, lift their arms or turn their backs: each kind is what it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from rsclib.openbench.everyday import (
    KINDS,
    MAKERS,
    sample_varied_headings,
    sample_varied_poses,
    upside_down,
)
from rsclib.openbench.motions import mirror_poses
from rsclib.openbench.parts import SPLITS
from rsclib.openbench.people import make_people, outfit_of, posed
from rsclib.openbench.poses import sample_headings, sample_poses
from rsclib.skeleton import SMPL_NAMES

N = 400
AT = {name: k for k, name in enumerate(SMPL_NAMES)}


def joints(kind: str) -> np.ndarray:
    """Joints (N, 24, 3) of people of a kind, metres, y up, facing +z."""
    poses = MAKERS[kind](np.random.default_rng(3), N)
    return posed(poses, np.zeros((N, 10), np.float32))[0].joints24.numpy()


def high(points: np.ndarray, name: str) -> np.ndarray:
    return points[:, AT[name], 1]


@pytest.mark.parametrize("kind", MAKERS)
def test_every_kind_is_finite_and_of_both_sides_alike(kind: str) -> None:
    poses = MAKERS[kind](np.random.default_rng(0), N)
    assert poses.shape == (N, 24, 3) and np.isfinite(poses).all()
    assert np.linalg.norm(poses, axis=2).max() < np.pi + 0.01
    # A limb's mean bend is the other's, within what N draws leave open.
    large = [AT[f"left_{joint}"] for joint in ("hip", "knee", "shoulder", "elbow")]
    bends, mirrored = (np.linalg.norm(p, axis=2).mean(0) for p in (poses, mirror_poses(poses)))
    assert np.abs(bends - mirrored)[large].max() < 0.15


def test_who_sits_has_level_thighs() -> None:
    points = joints("seated")
    for side in ("left", "right"):
        thigh = points[:, AT[f"{side}_knee"]] - points[:, AT[f"{side}_hip"]]
        up = np.degrees(np.arcsin(thigh[:, 1] / np.linalg.norm(thigh, axis=1)))
        assert abs(np.median(up)) < 12 and np.quantile(np.abs(up), 0.9) < 35
        assert (thigh[:, 2] > 0.2).mean() > 0.95  # in front of the hips


def test_who_kneels_has_a_shin_on_the_ground() -> None:
    points = joints("kneeling")
    ground = points[..., 1].min(1)
    knees = np.minimum(high(points, "left_knee"), high(points, "right_knee"))
    assert np.quantile(knees - ground, 0.8) < 0.25


def test_who_bends_brings_the_head_down() -> None:
    bent, upright = joints("bending"), joints("standing")
    fall = high(upright, "head").mean() - high(bent, "head")
    assert (fall > 0.1).mean() > 0.9 and fall.max() > 0.6
    assert (bent[:, AT["head"], 2] - bent[:, AT["pelvis"], 2] > 0.15).mean() > 0.9
    # Legs stay beneath the hips.
    assert (high(bent, "pelvis") - high(bent, "left_ankle") > 0.5).mean() > 0.9


def test_who_lifts_an_arm_has_a_hand_above_the_head() -> None:
    points = joints("raised")
    hands = np.maximum(high(points, "left_wrist"), high(points, "right_wrist"))
    assert (hands > high(points, "head")).mean() > 0.75
    shoulders = np.maximum(high(points, "left_elbow"), high(points, "right_elbow"))
    assert (shoulders > high(points, "neck")).mean() > 0.9


def test_a_varied_part_has_the_kinds_it_names() -> None:
    drawn = sample_varied_poses(np.random.default_rng(0), 6000)
    for kind, share in KINDS.items():
        assert abs((drawn.clip == kind).mean() - share) < 0.02
    assert len(drawn.poses) == 6000 and np.isfinite(drawn.poses).all()
    again = sample_varied_poses(np.random.default_rng(0), 6000)
    assert np.array_equal(drawn.poses, again.poses)


def test_hardly_anybody_is_upside_down() -> None:
    usual = sample_poses(np.random.default_rng(0), "train", 20_000).poses
    varied = sample_varied_poses(np.random.default_rng(0), 20_000)
    lying = upside_down(varied.poses) & (varied.clip != "bending")
    assert 0 < lying.mean() < 0.4 * upside_down(usual).mean()
    head = Rotation.from_rotvec(varied.poses[:, 0]).apply([0, 1, 0])[:, 1] < -0.5
    assert 0 < head.mean() < 1 / 300


def test_backs_are_more_often_seen() -> None:
    def backs(heading: np.ndarray) -> float:
        return float((np.cos(heading) < -0.5).mean())

    rng = np.random.default_rng(0)
    usual, varied = sample_headings(rng, 20_000), sample_varied_headings(rng, 20_000)
    assert backs(varied) > 1.4 * backs(usual)


def test_every_second_person_comes_from_the_street() -> None:
    assert np.array_equal(outfit_of(6000, True).texture, outfit_of(6000).texture)
    assert not np.array_equal(outfit_of(6001, True).texture, outfit_of(6001).texture)


def test_the_part_has_full_labels_and_nobody_of_another_part() -> None:
    data = make_people(SPLITS["varied-wild"], 0, 0, 4, 64)
    assert {"pose", "betas", "joints14"} <= data.keys()
    first, last = SPLITS["varied-wild"].outfits
    assert ((data["person"] >= first) & (data["person"] < last)).all()
