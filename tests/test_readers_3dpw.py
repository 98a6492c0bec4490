"""3DPW: the owners' files and SPIN's list, read right or refused in one line."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.spatial.transform import Rotation

from rsclib.errors import RscError
from rsclib.files.nested_pickles import read_pickle
from rsclib.geometry import axis_angle_to_rotmat
from rsclib.people import Labels
from rsclib.readers.crops import Crops, cut
from rsclib.readers.found import Found
from rsclib.readers.pw3d import MARGIN, read_3dpw
from rsclib.readers.spin_npz import clips_of, inside, read_part, read_spin_npz
from rsclib.skeleton import KEYPOINT_NAMES
from tests import trees


@pytest.mark.parametrize("protocol", [2, 4])
def test_the_owners_files(tmp_path: Path, protocol: int) -> None:
    made = trees.raw_3dpw(tmp_path, protocol=protocol)
    found = read_3dpw(tmp_path)
    assert len(found) == 4 + 3 * 2
    assert found.gender is not None and found.gender.tolist() == ["m"] * 7 + ["f"] * 3
    assert found.clip.tolist() == (
        ["downtown_cafe_00/0"] * 4 + ["office_phoneCall_00/0"] * 3 + ["office_phoneCall_00/1"] * 3
    )
    assert found.images[5] == "imageFiles/office_phoneCall_00/image_00001.jpg"
    # The second person of the second sequence, in the axes of that frame's camera.
    second = made[1]
    for frame in range(3):
        camera, pose = second["cam_poses"][frame, :3, :3], second["poses"][1][frame]
        root = camera @ Rotation.from_rotvec(pose[:3]).as_matrix()
        ours = found.labels().rotmats[7 + frame]
        np.testing.assert_allclose(ours[0], root, atol=1e-5)
        np.testing.assert_allclose(
            ours[1:], Rotation.from_rotvec(pose[3:].reshape(23, 3)).as_matrix(), atol=1e-5
        )
    assert found.betas is not None
    np.testing.assert_allclose(found.betas[9], second["betas"][1][:10], atol=1e-6)
    points = second["poses2d"][1][2]
    np.testing.assert_allclose(found.side[9], MARGIN * np.ptp(points[:2], axis=1).max(), rtol=1e-5)
    left_wrist = KEYPOINT_NAMES.index("left wrist")
    np.testing.assert_allclose(found.keypoints[9, left_wrist, :2], points[:2, 7], rtol=1e-6)
    neck = KEYPOINT_NAMES.index("neck")
    assert not found.keypoints[:, neck].any(), "COCO's neck is another point"


def test_frames_without_camera_or_person_are_left_out(tmp_path: Path) -> None:
    trees.raw_3dpw(tmp_path)
    content = trees.sequence("a_00", 4, 1)
    content["campose_valid"][0][1] = False
    content["poses2d"][0][2, 2] = 0
    path = tmp_path / "3dpw/sequenceFiles/train/a_00.pkl"
    path.parent.mkdir()
    path.write_bytes(pickle.dumps(content, 2))
    for i in range(4):
        trees.picture(tmp_path / f"3dpw/imageFiles/a_00/image_{i:05d}.jpg")
    assert [name[-9:-4] for name in read_3dpw(tmp_path, "train").images] == ["00000", "00003"]


def test_both_sources_give_the_same_people(tmp_path: Path) -> None:
    """SPIN's list written from the owners' files, as its script does it."""
    trees.raw_3dpw(tmp_path)
    raw = read_3dpw(tmp_path)
    assert raw.pose is not None and raw.betas is not None and raw.gender is not None
    path = tmp_path / "dataset_extras/3dpw_test.npz"
    path.parent.mkdir()
    np.savez(
        path, imgname=np.array(raw.images), center=raw.centre, scale=raw.side / 200, pose=raw.pose,
        shape=raw.betas, gender=raw.gender,
    )  # fmt: skip
    npz = read_part(tmp_path, "3dpw")
    a, b = raw.labels(), npz.labels()
    for key in set(Labels._fields) - {"keypoints2d"}:
        assert torch.allclose(getattr(a, key).float(), getattr(b, key).float()), key
    assert torch.equal(raw.crops(32)[:], npz.crops(32)[:])
    assert np.char.partition(raw.clip, "/")[:, 0].tolist() == npz.clip.tolist()


def broken(tmp_path: Path, **changes: Any) -> None:
    trees.raw_3dpw(tmp_path)
    content = trees.sequence("a_00", 3, 1) | changes
    (tmp_path / "3dpw/sequenceFiles/test/a_00.pkl").write_bytes(pickle.dumps(content, 2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"poses": [np.zeros((3, 71))]}, r"poses is float64 \(3, 71\)"),
        ({"poses": [np.full((3, 72), np.nan)]}, "not finite"),
        ({"cam_poses": np.zeros((2, 4, 4))}, "poses is"),
        ({"genders": ["x"]}, "gender 'x'"),
        ({"genders": []}, "out of range"),
        ({"sequence": "../../etc"}, "not the name of a sequence"),
        ({"betas": [np.zeros(5)]}, "5 betas"),
    ],
)
def test_a_malformed_sequence(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    broken(tmp_path, **changes)
    with pytest.raises(RscError, match=f"a_00.pkl is not a sequence of 3DPW: .*{message}"):
        read_3dpw(tmp_path)


class Payload:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("it ran",)


def test_nothing_in_a_sequence_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for where in ({"poses": [Payload()]}, {"texture_maps": [[Payload()]]}):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(trees.sequence("a", 2, 1) | where))
        with pytest.raises(RscError, match=r"asks for builtins\.print.*Nothing was run"):
            read_pickle(tmp_path / "a.pkl", "a sequence")
    assert "it ran" not in capsys.readouterr().out


def test_shared_and_endless_lists(tmp_path: Path) -> None:
    """An array that is named a thousand times is made once; a list that holds itself is refused."""
    array = np.zeros(1000)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"a": [array] * 1000}))
    read = read_pickle(tmp_path / "a.pkl", "x")["a"]
    assert len(read) == 1000 and all(item is read[0] for item in read)
    many = {"a": [np.full(3, i) for i in range(500)]}  # as many arrays as a long file has
    for protocol in (2, 4):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(many, protocol))
        assert [int(x[0]) for x in read_pickle(tmp_path / "a.pkl", "x")["a"]] == list(range(500))
    endless: list[Any] = []
    endless.append(endless)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"a": endless}))
    with pytest.raises(RscError, match="nested too deeply"):
        read_pickle(tmp_path / "a.pkl", "x")


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(RscError, match=r"3DPW was looked for in .*/3dpw, which is no folder"):
        read_3dpw(tmp_path)
    (tmp_path / "3dpw").mkdir()
    with pytest.raises(RscError, match=r"3dpw/sequenceFiles/test has no \.pkl file"):
        read_3dpw(tmp_path)
    trees.raw_3dpw(tmp_path)
    lost = tmp_path / "3dpw/imageFiles/office_phoneCall_00/image_00001.jpg"
    lost.unlink()
    with pytest.raises(RscError, match=r"1 of 7 pictures .*office_phoneCall_00/image_00001\.jpg$"):
        read_3dpw(tmp_path)
    with pytest.raises(RscError, match=r"dataset_extras: 3dpw_test\.npz is not there"):
        read_part(tmp_path, "3dpw")
    path = trees.spin_3dpw(tmp_path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(RscError, match=r"cannot read .*3dpw_test\.npz: .*Get the file again"):
        read_part(tmp_path, "3dpw")


# --- SPIN's label files ------------------------------------------------------------------------


def test_files_of_python_2_have_bytes(tmp_path: Path) -> None:
    path = trees.spin_3dpw(tmp_path)
    with np.load(path) as file:
        arrays = dict(file)
    arrays["imgname"] = arrays["imgname"].astype("S")
    arrays["gender"] = arrays["gender"].astype("S")
    np.savez(path, **arrays)
    found = read_part(tmp_path, "3dpw")
    assert found.gender is not None and found.gender.tolist() == ["m", "f"] * 3
    assert found.images[0] == "imageFiles/downtown_arguing_00/image_00000.jpg"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"imgname": np.array(["../x.jpg"] * 6)}, "outside the data set's folder"),
        ({"imgname": np.array(["/etc/passwd"] * 6)}, "outside the data set's folder"),
        ({"imgname": np.arange(6)}, "not a list of texts"),
        ({"imgname": np.array([], "U5")}, "has no people|not a label file"),
        ({"gender": np.array(["m", "n"] * 3)}, "gender is m or f, not 'n'"),
        ({"scale": np.zeros(6)}, "square has no size"),
        ({"scale": np.full(6, 1e5)}, "pixels a side"),
        ({"center": np.full((6, 2), np.inf)}, "center|centre has numbers that are not finite"),
        ({"pose": np.zeros((6, 69))}, r"pose has shape \(6, 69\) instead of \(6, 72\)"),
        ({"shape": np.array(["a"] * 6)}, "shape does not hold numbers"),
    ],
)
def test_a_malformed_label_file(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = trees.spin_3dpw(tmp_path, **changes)
    with pytest.raises(RscError, match=message):
        read_spin_npz(path, tmp_path / "3dpw").crops(32)


def test_objects_in_a_label_file_are_refused(tmp_path: Path) -> None:
    path = trees.spin_3dpw(tmp_path, gender=np.array([Payload()] * 6, object))
    with pytest.raises(RscError, match="Python objects, which are not read"):
        read_spin_npz(path, tmp_path)


@given(
    st.text(max_size=30)
    | st.lists(st.sampled_from(["..", "a", ".", "", "/", "b.jpg", "\\"])).map("/".join)
)
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    home = Path("some") / "set"
    try:
        plain = inside(name, Path("x.npz"))
    except RscError:
        return
    assert Path(os.path.normpath(home / plain)).is_relative_to(home) and plain not in ("", ".")
    assert inside(plain, Path("x.npz")) == plain


def test_sequences_are_told_by_the_paths() -> None:
    names = [
        "images/S9_Walk Dog_1.54138969_000001.jpg", "S1/Seq2/imageFrames/video_3/frame_000001.jpg",
        "mpi_inf_3dhp_test_set/TS4/imageSequence/img_000006.jpg", "imageFiles/a_00/image_00000.jpg",
    ]  # fmt: skip
    assert clips_of(names).tolist() == ["S9_Walk Dog_1/54138969", "S1 Seq2/video_3", "TS4", "a_00"]
    assert clips_of(["images/a.jpg", "images/b.jpg"]).tolist() == ["a", "b"]


# --- pictures and labels belong together -------------------------------------------------------


def one(centre: tuple[float, float], side: float, point: tuple[float, float], root: Path) -> Found:
    keypoints = np.zeros((1, 24, 3), np.float32)
    keypoints[0, 5] = (*point, 1)
    return Found(
        "x", root, root, ["a.png"], np.array([centre], np.float32), np.array([side], np.float32),
        keypoints, np.array(["a"]),
    )  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    x=st.integers(3, 60), y=st.integers(3, 44), side=st.integers(24, 150),
    dx=st.floats(-9, 9), dy=st.floats(-9, 9), size=st.sampled_from([32, 64, 96]),
)  # fmt: skip
def test_a_keypoint_stays_on_what_it_marks(
    tmp_path: Path, x: int, y: int, side: int, dx: float, dy: float, size: int
) -> None:
    """A white spot is drawn, the crop is cut, and the label must lie on the spot."""
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[y - 2 : y + 3, x - 2 : x + 3] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    inside = pixels[..., 0] > 0
    middle = tuple(np.argwhere(inside).mean(0)[::-1] + 0.5)
    found = one((x + dx, y + dy), side, middle, tmp_path)  # type: ignore[arg-type]
    crop = found.crops(size)[:][0, 0].double().numpy()
    spot = [(np.arange(size) + 0.5) @ crop.sum(axis) / crop.sum() for axis in (0, 1)]
    label = (found.labels().keypoints2d[0, 5, :2].double().numpy() + 1) * size / 2
    np.testing.assert_allclose(spot, label, atol=0.2 * max(1, size / side))


def test_outside_the_picture_it_is_black() -> None:
    picture = np.full((10, 20, 3), 200, np.uint8)
    crop = cut(picture, (-10, -10, 40), 40)
    assert (crop[10:20, 10:30] == 200).all()
    crop[10:20, 10:30] = 0
    assert not crop.any()
    assert not cut(picture, (500, 500, 30), 8).any()


def test_crops_are_cut_alike_in_any_order(tmp_path: Path) -> None:
    for name in "abc":
        trees.picture(tmp_path / f"{name}.png", ord(name))
    names = ["a.png", "b.png", "a.png", "c.png"]
    squares = np.array([[0, 0, 96], [10, 5, 40], [3, 60, 70], [-20, 0, 96]])
    crops = Crops(tmp_path, names, squares, 32)
    assert len(crops) == 4 and crops.shape == (4, 3, 32, 32)
    whole = torch.cat(list(crops.split(3)))
    assert whole.dtype == torch.uint8 and whole.shape == (4, 3, 32, 32)
    index = torch.tensor([3, 0, 0, 2])
    assert torch.equal(crops[index], whole[index]) and torch.equal(crops[1:3], whole[1:3])
    with Image.open(tmp_path / "b.png") as image:
        own = image.crop((10, 5, 50, 45)).resize((32, 32), Image.Resampling.BICUBIC)
    assert torch.equal(whole[1].permute(1, 2, 0), torch.from_numpy(np.array(own)))
    (tmp_path / "c.png").write_bytes(b"")
    with pytest.raises(RscError, match=r"c\.png is empty"):
        crops[torch.tensor([0, 3])]


def test_what_is_not_known_is_not_claimed(tmp_path: Path) -> None:
    labels = one((20, 20), 30, (15, 15), tmp_path).labels()
    assert not labels.has_3d.any() and not labels.has_smpl.any()
    assert torch.equal(labels.rotmats[0], torch.eye(3).expand(24, 3, 3))
    assert int((labels.keypoints2d[0, :, 2] > 0).sum()) == 1


def test_poses_of_some_only(tmp_path: Path) -> None:
    path = trees.spin_3dpw(tmp_path, has_smpl=np.array([1, 0, 1, 1, 0, 1]))
    found = read_spin_npz(path, tmp_path / "3dpw")
    labels = found.labels()
    assert labels.has_smpl.tolist() == [True, False, True, True, False, True]
    assert found.pose is not None
    pose = axis_angle_to_rotmat(torch.from_numpy(found.pose).view(6, 24, 3))
    assert torch.equal(labels.rotmats[labels.has_smpl], pose[labels.has_smpl])
    assert not labels.betas[~labels.has_smpl].any()


def test_spread(tmp_path: Path) -> None:
    trees.spin_3dpw(tmp_path)
    found = read_part(tmp_path, "3dpw")
    some = found.spread(2)
    assert some.images == [found.images[0], found.images[-1]] and len(some) == 2
    assert found.spread(None) is found and found.spread(99) is found
    with pytest.raises(RscError, match="1 or more"):
        found.spread(0)
