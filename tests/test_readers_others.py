"""The other licensed sets, each on a tiny tree in its own layout."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import torch
from PIL import Image
from scipy.spatial.transform import Rotation

from rsclib.data.batches import mixed_batch, pick_shares
from rsclib.data.sources import PAPER_MIX, licensed
from rsclib.errors import RscError
from rsclib.people import Share
from rsclib.readers import amass, instavariety, mpi_inf_3dhp, surreal
from rsclib.readers.coco import read_coco
from rsclib.readers.lsp import lsp_truth, read_lsp, read_lspet
from rsclib.readers.mpii import read_mpii
from rsclib.skeleton import J14_NAMES, KEYPOINT_NAMES
from tests import trees
from tests.toys import RANGES

NAMES = {name: row for row, name in enumerate(KEYPOINT_NAMES)}


# --- MPI-INF-3DHP ------------------------------------------------------------------------------

# Where its authors' 28 training points have the joints, counted from 0.
TRAIN_POINTS = {
    "pelvis (MPII)": 4, "left hip": 18, "left knee": 19, "left ankle": 20, "right hip": 23,
    "right knee": 24, "right ankle": 25, "spine (H36M)": 3, "neck": 5, "jaw (H36M)": 6,
    "head (H36M)": 7, "left shoulder": 9, "left elbow": 10, "left wrist": 11, "right shoulder": 14,
    "right elbow": 15, "right wrist": 16,
}  # fmt: skip


def test_3dhp_training(tmp_path: Path) -> None:
    cells = trees.three_dhp_train(tmp_path)
    found = mpi_inf_3dhp.read_train(tmp_path)
    assert found.points3d is not None
    # Every tenth frame of two cameras, less the one where the pelvis left the picture.
    assert [name[-18:] for name in found.images] == [
        f"{camera}/frame_{i:06d}.jpg" for camera, i in ((0, 1), (0, 21), (1, 1), (1, 11), (1, 21))
    ]
    assert found.clip.tolist() == ["S1 Seq1/video_0"] * 2 + ["S1 Seq1/video_1"] * 3
    xy = cells["annot2"][1, 0].reshape(21, 28, 2)[10]
    xyz = cells["annot3"][1, 0].reshape(21, 28, 3)[10]
    for name, point in TRAIN_POINTS.items():
        row = NAMES[name]
        np.testing.assert_allclose(found.keypoints[3, row, :2], xy[point], rtol=1e-5)
        expected = (xyz[point] - xyz[4]) / 1000
        np.testing.assert_allclose(found.points3d[3, row, :3], expected, atol=1e-5)
    assert (found.keypoints[..., 2] > 0).sum(1).tolist() == [17] * 5
    assert found.labels().has_3d.all() and not found.labels().has_smpl.any()


class Stand:
    """Stands in for h5py where that is not installed: a dictionary of arrays in an npz."""

    class File(dict):  # type: ignore[type-arg]
        def __init__(self, path: Path, mode: str) -> None:
            self.path, self.mode = path, mode
            if mode == "r":
                with np.load(str(path) + ".npz") as file:
                    super().__init__(file)

        def __enter__(self) -> Stand.File:
            return self

        def __exit__(self, *_: object) -> None:
            if self.mode == "w":
                self.path.touch()
                np.savez(str(self.path) + ".npz", **self)


@pytest.fixture(params=["h5py", "a stand-in"])
def h5py(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    if request.param == "h5py":
        return pytest.importorskip("h5py")
    monkeypatch.setitem(sys.modules, "h5py", Stand)
    return Stand


def test_3dhp_test_set(tmp_path: Path, h5py: Any) -> None:
    rng = np.random.default_rng(0)
    for number in range(1, 7):
        home = tmp_path / f"mpi_inf_3dhp/mpi_inf_3dhp_test_set/TS{number}"
        home.mkdir(parents=True)
        xy, xyz = rng.uniform(10, 1000, (4, 1, 17, 2)), rng.normal(0, 500, (4, 1, 17, 3))
        xy[2, 0, 3] = (3000, 10)
        with h5py.File(home / "annot_data.mat", "w") as file:
            file["annot2"], file["univ_annot3"] = xy, xyz
            file["annot3"] = xyz * 0
            file["valid_frame"] = np.array([[1], [0], [1], [1]], float)
        for i in (1, 4):
            trees.picture(home / f"imageSequence/img_{i:06d}.jpg")
    found = mpi_inf_3dhp.read_test(tmp_path)
    assert len(found) == 12 and set(found.clip) == {f"TS{i}" for i in range(1, 7)}
    assert found.points3d is not None
    expected = (xyz[3, 0] - xyz[3, 0, 14]) / 1000  # of the 17, number 14 is the pelvis
    np.testing.assert_allclose(
        found.points3d[-1, NAMES["right ankle"], :3], expected[10], atol=1e-5
    )


def test_without_h5py_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    path = tmp_path / "mpi_inf_3dhp/mpi_inf_3dhp_test_set/TS1/annot_data.mat"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    with pytest.raises(RscError, match="install h5py to read it, or put SPIN's"):
        mpi_inf_3dhp.read_test(tmp_path)
    (tmp_path / "vibe_db").mkdir()
    (tmp_path / "vibe_db/insta_train_db.h5").write_bytes(b"x")
    with pytest.raises(RscError, match="HDF5: install h5py"):
        instavariety.read_insta(tmp_path)


def test_frames_of_instavariety(tmp_path: Path, h5py: Any) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "vibe_db").mkdir()
    joints = rng.uniform(0, 224, (5, 25, 3)).astype(np.float32)
    with h5py.File(tmp_path / "vibe_db/insta_train_db.h5", "w") as file:
        file["joints2D"], file["features"] = joints, rng.normal(0, 1, (5, 2048))
        file["vid_name"] = np.array([b"a", b"a", b"b", b"b", b"b"])
    frames = instavariety.read_insta(tmp_path, 1, 3)
    assert frames.clip.tolist() == ["a", "b", "b"] and frames.features.shape == (3, 2048)
    np.testing.assert_array_equal(frames.keypoints2d, instavariety.keypoints_of(joints[1:4]))
    with pytest.raises(RscError, match="no frame 9"):
        instavariety.read_insta(tmp_path, 9)


def test_points_of_instavariety() -> None:
    joints = np.random.default_rng(0).uniform(0, 224, (2, 25, 3)).astype(np.float32)
    joints[1, 14, 2] = 0
    points = instavariety.keypoints_of(joints)
    order = [
        "R heel",
        "right knee",
        "right hip",
        "left hip",
        "left knee",
        "L heel",
        "right wrist",
        "right elbow",
        "right shoulder",
        "left shoulder",
        "left elbow",
        "left wrist",
        "neck",
        "head top",
        "nose",
        "left eye",
        "right eye",
        "left ear",
        "right ear",
        "b",
        "b",
        "s",
        "s",
        "left ankle",
        "right ankle",
    ]
    for number, name in enumerate(order):
        if name in NAMES:
            expected = [*(2 * joints[0, number, :2] / 224 - 1), joints[0, number, 2]]
            np.testing.assert_allclose(points[0, NAMES[name]], expected, atol=1e-6)
    assert not points[1, NAMES["nose"]].any() and not points[:, NAMES["pelvis (MPII)"]].any()


# --- LSP, LSP-Extended, COCO, MPII -------------------------------------------------------------


def test_lsp(tmp_path: Path) -> None:
    joints = trees.lsp(tmp_path)
    train, test = read_lsp(tmp_path), read_lsp(tmp_path, "test")
    assert (len(train), len(test)) == (1000, 3)
    assert test.images == [f"images/im{i}.jpg" for i in (1001, 1002, 1003)]
    np.testing.assert_allclose(test.keypoints[1, :14, :2], joints[:2, :, 1001].T, rtol=1e-6)
    assert (train.keypoints[:, :14, 2] == 1).all() and not train.keypoints[:, 14:].any()
    extent = np.ptp(joints[:2, :, 7], axis=1).max()
    np.testing.assert_allclose(train.side[7], 1.2 * extent, rtol=1e-6)
    (tmp_path / "lsp/images/im0500.jpg").unlink()
    with pytest.raises(RscError, match=r"1 of 1000 pictures .* the first is images/im0500\.jpg"):
        read_lsp(tmp_path)


def test_lspet_takes_the_pictures_that_are_there(tmp_path: Path) -> None:
    joints = trees.lspet(tmp_path)
    found = read_lspet(tmp_path)
    assert found.images == ["im00001.png", "im00002.png", "im00007.png"]
    seen = joints[:, 2, 6] > 0
    np.testing.assert_array_equal(found.keypoints[2, :14, 2] > 0, seen)
    box = joints[seen, :2, 6]
    np.testing.assert_allclose(found.centre[2], (box.min(0) + box.max(0)) / 2, rtol=1e-6)
    trees.picture(tmp_path / "hr-lspet/im00011.png")
    with pytest.raises(RscError, match=r"no labels for the picture im00011\.png"):
        read_lspet(tmp_path)


def test_silhouette_and_parts(tmp_path: Path) -> None:
    home = tmp_path / "upi-s1h/data/lsp"
    home.mkdir(parents=True)
    mask = np.zeros((20, 30), np.uint8)
    mask[5:15, 8:20] = 255
    parts = (mask > 0) * np.random.default_rng(0).integers(1, 7, mask.shape).astype(np.uint8)
    parts[0, 0] = 255
    Image.fromarray(mask).convert("RGB").save(home / "im1001_segmentation.png")
    Image.fromarray(parts).save(home / "im1001_part_segmentation.png")
    found = lsp_truth(tmp_path, 1001)
    assert np.array_equal(found[0], mask > 0) and np.array_equal(found[1], parts)
    with pytest.raises(
        RscError, match=r"a silhouette of LSP: .*im1002_segmentation\.png was looked for"
    ):
        lsp_truth(tmp_path, 1002)
    Image.fromarray(parts + 7).save(home / "im1001_part_segmentation.png")
    with pytest.raises(RscError, match=r"not 0\.\.6 and 255"):
        lsp_truth(tmp_path, 1001)


def test_coco(tmp_path: Path) -> None:
    document = trees.coco(tmp_path)
    found = read_coco(tmp_path)
    assert len(found) == 1, "the second lacks a wrist"
    points = np.array(document["annotations"][0]["keypoints"]).reshape(17, 3)
    order = [
        "nose",
        "left eye",
        "right eye",
        "left ear",
        "right ear",
        "left shoulder",
        "right shoulder",
        "left elbow",
        "right elbow",
        "left wrist",
        "right wrist",
        "left hip",
        "right hip",
        "left knee",
        "right knee",
        "left ankle",
        "right ankle",
    ]
    for point, name in zip(points, order, strict=True):
        expected = [*point[:2], point[2] > 0]
        np.testing.assert_allclose(found.keypoints[0, NAMES[name]], expected, rtol=1e-6)
    assert found.centre.tolist() == [[25, 50]] and found.side.tolist() == [72]


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "damaged or not JSON"), ("[]", "no object"), ("{}", "it lacks 'images'"),
     ('{"images": [], "annotations": []}', "nobody"), ("[" * 100_000, "damaged or not JSON")],
)  # fmt: skip
def test_malformed_coco(tmp_path: Path, text: str, message: str) -> None:
    trees.coco(tmp_path)
    (tmp_path / "coco/annotations/person_keypoints_train2014.json").write_text(text)
    with pytest.raises(RscError, match=message):
        read_coco(tmp_path)


def test_mpii(tmp_path: Path) -> None:
    xy = trees.mpii(tmp_path)
    found = read_mpii(tmp_path)
    assert found.images == ["images/000001163.jpg"], "half people and test pictures are left out"
    order = [
        "right ankle",
        "right knee",
        "right hip",
        "left hip",
        "left knee",
        "left ankle",
        "pelvis (MPII)",
        "thorax (MPII)",
        "neck",
        "head top",
        "right wrist",
        "right elbow",
        "right shoulder",
        "left shoulder",
        "left elbow",
        "left wrist",
    ]
    for point, name in zip(xy, order, strict=True):
        np.testing.assert_allclose(found.keypoints[0, NAMES[name], :2], point, rtol=1e-6)
    assert found.centre.tolist() == [[48, 50]] and found.side.tolist() == [80]
    scipy.io.savemat(tmp_path / "mpii/mpii_human_pose_v1_u12_1.mat", {"RELEASE": {"x": 1}})
    with pytest.raises(RscError, match="not MPII's label file"):
        read_mpii(tmp_path)


@pytest.mark.parametrize("content", [b"", b"x" * 200, b"MATLAB 7.3 MAT-file" + b" " * 200])
def test_no_matlab_file(tmp_path: Path, content: bytes) -> None:
    trees.mpii(tmp_path)
    (tmp_path / "mpii/mpii_human_pose_v1_u12_1.mat").write_bytes(content)
    with pytest.raises(RscError, match=r"mpii_human_pose_v1_u12_1\.mat"):
        read_mpii(tmp_path)


def test_a_bomb_of_matlab(tmp_path: Path) -> None:
    """A few kilobytes that unpack to gigabytes are refused before they are unpacked."""
    from rsclib.files import matlab

    trees.lspet(tmp_path)
    path = tmp_path / "hr-lspet/joints.mat"
    scipy.io.savemat(path, {"joints": np.zeros((14, 3, 40_000))}, do_compression=True)
    assert path.stat().st_size < 50_000
    size = 14 * 3 * 40_000 * 8
    assert matlab.unpacked_size(path, size + 10_000) > size
    with pytest.raises(ValueError, match="unpacks to more than"):
        matlab.unpacked_size(path, size)


# --- AMASS and SURREAL -------------------------------------------------------------------------


def test_amass(tmp_path: Path) -> None:
    arrays = trees.amass(tmp_path)
    (motion,) = amass.read_motions(tmp_path)
    assert motion.name == "CMU/01/01_01_poses" and motion.poses.shape == (100, 24, 3)
    assert motion.fps == 30 and motion.trans.shape == (100, 3)
    own = arrays["poses"][4 * 10].reshape(52, 3)
    np.testing.assert_allclose(motion.poses[10, 1:22], own[1:22], atol=1e-6)
    np.testing.assert_allclose(motion.poses[10, 22:], own[[22, 37]], atol=1e-6)
    # Up (z there, y here) stays up, and so does which way is left: the turn is no mirror.
    turn = Rotation.from_euler("x", -90, degrees=True)
    expected = (turn * Rotation.from_rotvec(own[0])).as_matrix()
    np.testing.assert_allclose(
        Rotation.from_rotvec(motion.poses[10, 0]).as_matrix(), expected, atol=1e-5
    )
    np.testing.assert_allclose(motion.trans[10], turn.apply(arrays["trans"][40]), atol=1e-6)
    assert motion.trans[10, 1] == np.float32(arrays["trans"][40, 2])


@pytest.mark.parametrize("rate", [60.0, 100.0, 150.0, 30.0, 25.0])
def test_amass_at_any_rate(tmp_path: Path, rate: float) -> None:
    """Frame k shows the recording at k / 30 seconds, within half a frame of it."""
    arrays = trees.amass(tmp_path, rate)
    motion = amass.read_motion(tmp_path / "amass/CMU/01/01_01_poses.npz", "x")
    assert len(motion.poses) == int(400 * 30 / rate)
    for k in (0, 7, len(motion.poses) - 1):
        distance = np.abs(arrays["poses"][:, 3:66].reshape(-1, 21, 3) - motion.poses[k, 1:22]).max(
            (1, 2)
        )
        frame = int(distance.argmin())
        assert distance[frame] < 1e-6 and abs(frame / rate - k / 30) <= 0.5 / rate + 1e-9


def test_amass_mistakes(tmp_path: Path) -> None:
    with pytest.raises(RscError, match=r"AMASS was looked for in .*/amass"):
        amass.motion_files(tmp_path)
    trees.amass(tmp_path)
    with pytest.raises(RscError, match=r"no motion was found: .*KIT"):
        amass.motion_files(tmp_path, "KIT")
    path = tmp_path / "bad_poses.npz"
    for arrays, message in (
        ({"poses": np.zeros((9, 156)), "trans": np.zeros((9, 3))}, "frame rate"),
        (
            {"poses": np.zeros((9, 72)), "trans": np.zeros((9, 3)), "mocap_framerate": 60},
            "poses is",
        ),
        ({"trans": np.zeros((9, 3)), "mocap_framerate": 60}, "has no 'poses'"),
    ):
        np.savez(path, **arrays)
        with pytest.raises(RscError, match=message):
            amass.read_motion(path, "x")


def test_surreal(tmp_path: Path) -> None:
    with pytest.raises(RscError, match="SURREAL's textures was looked for in"):
        surreal.texture_files(tmp_path)
    for name in (
        "female/nongrey_female_0001.jpg",
        "female/grey_0002.jpg",
        "male/nongrey_male_0003.jpg",
    ):
        trees.picture(tmp_path / "surreal/textures" / name, 1, (64, 64))
    assert [p.name for p in surreal.texture_files(tmp_path)] == [
        "nongrey_female_0001.jpg", "nongrey_male_0003.jpg",
    ]  # fmt: skip
    (path,) = surreal.texture_files(tmp_path, "male")
    assert surreal.read_texture(path, 32).shape == (32, 32, 3)
    trees.picture(path, 1, (64, 32))
    with pytest.raises(RscError, match="not square"):
        surreal.read_texture(path, 32)


# --- mixes -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mixed_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LSP-Extended, COCO and MPI-INF-3DHP by their owners; Human3.6M's and MPII's are not there."""
    root = tmp_path_factory.mktemp("mix")
    trees.lspet(root)
    trees.coco(root)
    trees.three_dhp_train(root)
    return root


def test_a_mix_of_what_is_there(mixed_root: Path) -> None:
    people, words = licensed(mixed_root, RANGES.full)
    shares = {g.name: (g.number, g.share) for g in people.mix}
    # 0.6 in the wild by size (3 and 1 people) and 0.1 in the lab, of 0.7.
    assert shares == {
        "lspet": (3, pytest.approx(0.6 * 3 / 4 / 0.7)), "coco": (1, pytest.approx(0.6 / 4 / 0.7)),
        "mpi-inf-3dhp-train": (5, pytest.approx(0.1 / 0.7)),
    }  # fmt: skip
    assert sum(share for _, share in shares.values()) == pytest.approx(1)
    assert words.startswith(
        "mixed: 64.3 % lspet (3 people), 21.4 % coco (1 people), 14.3 % mpi-inf"
    )
    assert words.endswith("not there, so the others' shares grew: h36m-train, lsp-train, mpii")
    assert people.labels.has_3d.tolist() == [False] * 4 + [True] * 5
    assert len(people) == 9 and people.labels.ids.tolist() == list(range(9))


def test_batches_come_from_it(mixed_root: Path) -> None:
    """The loop's own batches, with crops cut from the disk."""
    people, _ = licensed(mixed_root, RANGES.full)
    options = {"scales": 3, "batch": 6, "seed": 1, "lab_share": 0.4, "rotation": 20, "scale": 0.1}
    first = mixed_batch(people, RANGES, 0, **options)  # type: ignore[arg-type]
    again = mixed_batch(people, RANGES, 0, **options)  # type: ignore[arg-type]
    assert first.images.shape == (18, 3, RANGES.full, RANGES.full)
    assert torch.equal(first.images, again.images) and torch.equal(
        first.labels.ids, again.labels.ids
    )
    assert bool(first.images.isfinite().all())
    other = mixed_batch(people, RANGES, 1, **options)  # type: ignore[arg-type]
    assert not torch.equal(first.images, other.images)


def test_shares_are_kept() -> None:
    mix = (Share("a", 10, 0.3), Share("b", 1000, 0.6), Share("c", 1, 0.1))
    chosen = pick_shares(mix, np.random.default_rng(0), 20_000).numpy()
    found = [
        ((chosen >= low) & (chosen < high)).mean()
        for low, high in ((0, 10), (10, 1010), (1010, 1011))
    ]
    np.testing.assert_allclose(found, [0.3, 0.6, 0.1], atol=0.01)
    assert chosen.min() == 0 and chosen.max() == 1010 and len(set(chosen)) > 1000


def test_the_whole_mix_is_the_papers(mixed_root: Path) -> None:
    assert sum(PAPER_MIX.values()) == pytest.approx(1)
    assert PAPER_MIX["h36m-train",] == 0.3 and PAPER_MIX["mpi-inf-3dhp-train",] == 0.1
    assert len([n for group in PAPER_MIX for n in group]) == 6


def test_nothing_to_mix_and_half_a_set(tmp_path: Path) -> None:
    with pytest.raises(RscError, match="no training set was found below"):
        licensed(tmp_path, 32)
    trees.lspet(tmp_path)
    trees.coco(tmp_path)
    (tmp_path / "coco/annotations/person_keypoints_train2014.json").unlink()
    with pytest.raises(
        RscError, match=r"COCO's labels: .*train2014\.json was looked for and is not there"
    ):
        licensed(tmp_path, 32)  # a set that is there in part is no reason to leave it out


def test_every_set_that_is_missing_says_where_it_was_looked_for(tmp_path: Path) -> None:
    for read in (
        mpi_inf_3dhp.read_train,
        mpi_inf_3dhp.read_test,
        read_lsp,
        read_lspet,
        read_coco,
        read_mpii,
    ):
        with pytest.raises(
            RscError, match=rf"was looked for in {tmp_path}/.*, which is no folder"
        ) as error:
            read(tmp_path)
        assert "\n" not in str(error.value)
    assert len(J14_NAMES) == 14 and json.dumps(str(tmp_path))
