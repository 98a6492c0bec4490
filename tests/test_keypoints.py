"""Keypoints of OpenPose and COCO: what was written is read, what is odd is one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rsclib.errors import RscError
from rsclib.files import keypoints as K
from rsclib.files.keypoints import read_keypoints
from rsclib.skeleton import FROM_BODY_25, FROM_COCO_17, KEYPOINT_NAMES

# As OpenPose and COCO name them.
BODY_25 = (
    *("nose", "neck", "r_shoulder", "r_elbow", "r_wrist", "l_shoulder", "l_elbow"),
    *("l_wrist", "mid_hip", "r_hip", "r_knee", "r_ankle", "l_hip", "l_knee"),
    *("l_ankle", "r_eye", "l_eye", "r_ear", "l_ear", "l_big_toe", "l_small_toe"),
    *("l_heel", "r_big_toe", "r_small_toe", "r_heel"),
)
COCO_17 = (
    *("nose", "l_eye", "r_eye", "l_ear", "r_ear", "l_shoulder", "r_shoulder"),
    *("l_elbow", "r_elbow", "l_wrist", "r_wrist", "l_hip", "r_hip", "l_knee"),
    *("r_knee", "l_ankle", "r_ankle"),
)
SIDES = {"r": "right", "l": "left"}
OF_A_SIDE = {name.split()[1] for name in KEYPOINT_NAMES if name.split()[0] in SIDES.values()}


@pytest.mark.parametrize(("rows", "names"), [(FROM_BODY_25, BODY_25), (FROM_COCO_17, COCO_17)])
def test_points_go_where_their_names_say(
    rows: tuple[int | None, ...], names: tuple[str, ...]
) -> None:
    assert len(rows) == len(names)
    used = [row for row in rows if row is not None]
    assert len(set(used)) == len(used)
    for row, name in zip(rows, names, strict=True):
        side, _, part = name.partition("_")
        if name == "mid_hip":
            assert row is not None and KEYPOINT_NAMES[row] == "pelvis (MPII)"
        elif name == "nose":
            assert row is not None and KEYPOINT_NAMES[row] == name
        elif part in OF_A_SIDE:
            assert row is not None and KEYPOINT_NAMES[row] == f"{SIDES[side]} {part}"
        else:
            assert row is None, "a neck or a foot"


number = st.floats(-1e5, 1e5) | st.integers(-(10**5), 10**5)
sure = st.floats(0, 2)


def people(count: int) -> Any:
    point = st.tuples(number, number, sure)
    person = st.lists(point, min_size=count, max_size=count)
    return st.lists(person, min_size=1, max_size=3)


def flat(person: Any) -> list[float]:
    return [value for point in person for value in point]


QUIET = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)  # fmt: skip


@QUIET
@given(people(25))
def test_open_pose_round_trip(tmp_path: Path, found: Any) -> None:
    found[0][0] = (300.0, 200.0, 1.0)  # so that nobody takes it for shares of the image
    for person in found[1:]:
        person[0] = (300.0, 200.0, 1.0)
    entries = [{"person_id": [-1], "pose_keypoints_2d": flat(p), "face_keypoints_2d": []} for p in found]  # fmt: skip
    path = tmp_path / "a_keypoints.json"
    path.write_text(json.dumps({"version": 1.3, "people": entries}))
    got = read_keypoints(path, "a.png")
    wanted = np.array(found, float)
    wanted[..., 2] = wanted[..., 2].clip(max=1)
    assert got.layout == "BODY_25"
    np.testing.assert_array_equal(got.points, wanted)


@QUIET
@given(people(17), st.sampled_from(["annotations", "results", "one"]))
def test_coco_round_trip(tmp_path: Path, found: Any, kind: str) -> None:
    """Of a file of annotations those of the image, by its name; of results by its number."""
    mine = [{"id": k, "image_id": 785, "category_id": 1, "num_keypoints": 17, "keypoints": flat(p)}
            for k, p in enumerate(found)]  # fmt: skip
    other = {"id": 99, "image_id": 3, "keypoints": [1.0] * 51, "num_keypoints": 17}
    unmarked = {"id": 98, "image_id": 785, "keypoints": [0] * 51, "num_keypoints": 0}
    images = [{"id": 785, "file_name": "000000000785.jpg"}, {"id": 3, "file_name": "b.jpg"}]
    content: Any = {"annotations": [other, *mine, unmarked], "images": images}
    if kind != "annotations":
        content, found = ([*mine, other], found) if kind == "results" else (mine[0], found[:1])
    path = tmp_path / "person_keypoints.json"
    path.write_text(json.dumps(content))
    got = read_keypoints(path, Path("somewhere") / "000000000785.jpg")
    wanted = np.array(found, float)
    wanted[..., 2] = wanted[..., 2].clip(max=1)
    assert got.layout == "COCO_17"
    np.testing.assert_array_equal(got.points, wanted)


def test_annotations_without_a_table_of_images(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"annotations": [{"image_id": 1, "keypoints": [5] * 51}]}))
    assert read_keypoints(path, "any.png").points.shape == (1, 17, 3)


def person(**changes: Any) -> str:
    return json.dumps({"people": [{"pose_keypoints_2d": [100.0] * 75} | changes]})


NAN = [float("nan")] + [100.0] * 74
BAD = {
    "": "is not JSON",
    "{": "is not JSON",
    "[" * 100_000: "is not JSON",
    '{"people": ' + "9" * 5000 + "}": "is not JSON",
    "3": "neither people .OpenPose. nor annotations",
    "{}": "neither people .OpenPose. nor annotations",
    '{"people": 5}': "people is not a list",
    '{"people": [5]}': "people is not a list",
    '{"people": []}': "nobody in it",
    "[]": "nobody in it",
    '{"annotations": {}}': "annotations is not a list",
    '{"annotations": [], "images": 7}': "images is not a list",
    '{"people": [{}]}': "a person has no list of numbers, but BODY_25 has 25",
    person(pose_keypoints_2d=[100.0] * 54): "a person has 54 numbers, but BODY_25 has 25",
    person(pose_keypoints_2d=NAN): "not all finite",
    person(pose_keypoints_2d=["1"] * 75): "not all finite",
    person(pose_keypoints_2d=[True] * 75): "not all finite",
    person(pose_keypoints_2d=[10**400] * 75): "not all finite",
    person(pose_keypoints_2d=[100.0, 100.0, -0.1] * 25): "negative",
    person(pose_keypoints_2d=[0.5, 0.5, 1.0] * 25): "within a pixel; write them in pixels",
    json.dumps([{"image_id": i, "keypoints": [5] * 51} for i in (1, 2)]): "of 2 images, and the name 'a.png'",
    json.dumps({"annotations": [], "images": [{"file_name": "b.png"}]}): "no image is called 'a.png'",
    json.dumps([{"image_id": {"a": []}, "keypoints": [5] * 50}]): "a person has 50 numbers",
}  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=lambda t: t[:40])
def test_what_cannot_be_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(RscError, match=BAD[text]) as raised:
        read_keypoints(path, "a.png")
    assert "x.json" in str(raised.value) and len(str(raised.value)) < 600


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["people", "annotations", "images", "keypoints", "image_id", "file_name",
                         "pose_keypoints_2d", "num_keypoints"]), inner, max_size=4),
    max_leaves=20,
))  # fmt: skip
def test_any_other_json_is_one_line(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(content))
    with pytest.raises(RscError) as raised:
        read_keypoints(path, "a.png")
    assert "\n" not in str(raised.value)


def test_files_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RscError, match="there are no keypoints at"):
        read_keypoints(tmp_path)
    (tmp_path / "x.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(RscError, match="is not JSON"):
        read_keypoints(tmp_path / "x.json")
    monkeypatch.setattr(K, "MAX_BYTES", 3)
    with pytest.raises(RscError, match="is larger than"):
        read_keypoints(tmp_path / "x.json")
