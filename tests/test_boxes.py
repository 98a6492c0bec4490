"""Boxes of tables, COCO and OpenPose: what was written is read, the order is never guessed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rsclib.errors import RscError
from rsclib.files import boxes as B
from rsclib.files.box_values import CORNERS, Box
from rsclib.files.boxes import MOST, BoxFile, check_inside, read_boxes

QUIET = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)  # fmt: skip
WIDTH, HEIGHT = 640, 480
SHAPE = (HEIGHT, WIDTH, 3)


@st.composite
def box(draw: Any) -> tuple[float, ...]:
    """x, y, width, height within the image."""
    w, h = draw(st.floats(1, WIDTH)), draw(st.floats(1, HEIGHT))
    x, y = draw(st.floats(0, 1)) * (WIDTH - w), draw(st.floats(0, 1)) * (HEIGHT - h)
    return x, y, w, h


people = st.dictionaries(
    st.sampled_from(["a.jpg", "b c.png", "000785.jpg", "ü.webp"]),
    st.lists(box(), min_size=1, max_size=4),
    min_size=1,
)


def corners(one: tuple[float, ...]) -> tuple[float, ...]:
    x, y, w, h = one
    return x, y, x + w, y + h


def same(got: np.ndarray, wanted: list[tuple[float, ...]]) -> None:
    np.testing.assert_allclose(got, np.array(wanted), atol=1e-9)


@QUIET
@given(people, st.sampled_from(["xywh", "xyxy"]), st.booleans(), st.permutations(range(6)))
def test_a_table_in_either_order(
    tmp_path: Path, found: Any, order: str, scored: bool, turn: list[int]
) -> None:
    """Its columns may stand in any order, too."""
    names = ["image", *CORNERS[order], *["score"] * scored]
    places = [k for k in turn if k < len(names)]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([names[k] for k in places])
    for name, boxes in found.items():
        for one in boxes:
            values = one if order == "xywh" else corners(one)
            row = [f"some/where/{name}", *map(repr, values), "0.5"]
            writer.writerow([row[k] for k in places])
    path = tmp_path / "x.csv"
    path.write_text(out.getvalue(), encoding="utf-8")
    file = read_boxes(path)
    assert file.order == order
    for name, boxes in found.items():
        same(file.of(Path("elsewhere") / name, SHAPE), boxes)
        if scored:
            with pytest.raises(RscError, match=r"nobody in .* with a score of 0\.6"):
                file.of(name, SHAPE, 0.6)
    with pytest.raises(RscError, match=r"has nobody in other\.jpg"):
        file.of("other.jpg", SHAPE)


@QUIET
@given(people, st.sampled_from(["xywh", "xyxy"]), st.booleans())
def test_plain_json_says_its_order_or_the_user_does(
    tmp_path: Path, found: Any, order: Any, said: bool
) -> None:
    values = {
        n: [list(b if order == "xywh" else corners(b)) for b in bs] for n, bs in found.items()
    }
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"boxes": values} | ({"format": order} if said else {})))
    if not said:
        with pytest.raises(RscError, match="nothing says in which order"):
            read_boxes(path)
    else:
        other: Any = "xyxy" if order == "xywh" else "xywh"
        with pytest.raises(RscError, match=f"the file says .*, but --box-format says {other}"):
            read_boxes(path, other)
    file = read_boxes(path, order)
    for name, boxes in found.items():
        same(file.of(name, SHAPE), boxes)


@QUIET
@given(st.lists(box(), min_size=1, max_size=5), st.sampled_from(["annotations", "results"]))
def test_coco(tmp_path: Path, mine: Any, kind: str) -> None:
    """People of the image, no dogs, no crowds; results by the number in the name, and by score."""
    entries = [{"image_id": 785, "category_id": 1, "bbox": list(b), "score": 0.9} for b in mine]
    dog = {"image_id": 785, "category_id": 18, "bbox": [1, 1, 9, 9], "score": 0.9}
    crowd = {"image_id": 785, "category_id": 1, "bbox": [1, 1, 9, 9], "iscrowd": 1}
    other = {"image_id": 3, "category_id": 1, "bbox": [5, 5, 50, 50]}
    weak = {"image_id": 785, "category_id": 1, "bbox": [7, 7, 9, 9], "score": 0.1}
    listed = [dog, other, *entries, crowd, weak]
    images = [{"id": 785, "file_name": "train/000000000785.jpg"}, {"id": 3, "file_name": "b.jpg"}]
    path = tmp_path / "x.json"
    content: Any = {"annotations": listed, "images": images} if kind == "annotations" else listed
    path.write_text(json.dumps(content))
    file = read_boxes(path, "xywh")
    same(file.of("000000000785.jpg", SHAPE, 0.3), mine)
    same(file.of("b.jpg" if kind == "annotations" else "3.jpg", SHAPE, 0.3), [(5, 5, 50, 50)])
    with pytest.raises(
        RscError, match="COCO's bbox is x y width height, but --box-format says xyxy"
    ):
        read_boxes(path, "xyxy")


@QUIET
@given(st.lists(st.lists(st.tuples(st.floats(2, 600), st.floats(2, 400), st.floats(0, 1)),
                         min_size=17, max_size=17), min_size=1, max_size=3))  # fmt: skip
def test_points_become_boxes_around_those_that_were_found(tmp_path: Path, found: Any) -> None:
    wanted = []
    for person in found:
        seen = np.array([p for p in person if p[2] > 0]).reshape(-1, 3)
        if len(seen):
            low, high = seen[:, :2].min(0), seen[:, :2].max(0)
            wanted.append((*low, *np.maximum(high - low, 1)))

    def flat(person: Any) -> list[float]:
        return [value for point in person for value in point]

    coco = [{"image_id": 1, "keypoints": flat(p)} for p in found]
    openpose = {"people": [{"pose_keypoints_2d": flat(p) + [0] * 24} for p in found]}
    for name, content in (("1.json", coco), ("2.json", openpose)):
        (tmp_path / name).write_text(json.dumps(content))
        if not wanted:
            with pytest.raises(RscError):
                read_boxes(tmp_path / name).of("1.png", SHAPE)
            continue
        same(read_boxes(tmp_path / name).of("1.png", SHAPE), wanted)


def test_boxes_of_every_image(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("x1,y1,x2,y2\n10,20,30,60\n\n")
    same(read_boxes(tmp_path / "x.csv").of("any.png", SHAPE), [(10, 20, 20, 40)])
    (tmp_path / "x.json").write_text('{"format": "xywh", "boxes": [[1, 2, 3, 4]]}')
    same(read_boxes(tmp_path / "x.json").of("any.png", SHAPE), [(1, 2, 3, 4)])


@QUIET
@given(st.lists(box(), min_size=1, max_size=6))
def test_corners_written_as_sizes_are_noticed_where_they_leave_the_image(boxes: Any) -> None:
    """Read in the right order nothing is said; corners read as sizes are refused with the way out,
    unless they fit both ways."""
    check_inside(np.array(boxes), SHAPE)
    wrong = np.array([corners(b) for b in boxes])
    far = ((wrong[:, :2] + wrong[:, 2:]) / [WIDTH, HEIGHT]).max() - 1
    if far > 0.2 and (wrong[:, 2:] > wrong[:, :2]).all():
        with pytest.raises(RscError, match=r"fit as x1 y1 x2 y2 \(the image has 640"):
            check_inside(wrong, SHAPE)


TABLES = {
    "": "first line must name the columns",
    "x,y,w\n1,2,3\n": "first line must name the columns",
    "x,y,w,h,x1,y1,x2,y2\n": "first line must name the columns",
    "x,y,w,h,x\n": "first line must name the columns",
    "x,y,w,h,class\n1,2,3,4,dog\n": "nothing reads the column 'class'",
    "x,y,w,h\n": "holds no boxes",
    "x,y,w,h\n1,2,3\n": "line 2: 4 values are needed, there are 3",
    "x,y,w,h\n1,2,3,four\n": "line 2: 'four' is no number",
    "x,y,w,h\n1,2,nan,4\n": "line 2: 'nan' is no number",
    "x,y,w,h\n1,2,1e12,4\n": "line 2: a number of a box is none, not finite, or far too large",
    "x,y,w,h\n1,2,0.5,4\n": "line 2: the box 1 2 0.5 4 .* below a pixel",
    "x,y,w,h,score\n1,2,3,4,-1\n": "line 2: a score is not negative",
    "x1,y1,x2,y2\n100,50,40,90\n": "line 2: the box 100 50 40 90 has no size as x1 y1 x2 y2; is it x y width",
    "image,x,y,w,h\n,1,2,3,4\n": "line 2: an image has no name",
    "image,x,y,w,h\nv/a.png,1,2,3,4\nw/a.png,1,2,3,4\n": "line 3: two images are called a.png",
    'x,y,w,h\n"1,2,3,4\n': "x.csv: ",
}  # fmt: skip
JSONS = {
    "": "is not JSON", "[" * 100_000: "is not JSON", "3": "neither boxes, nor people", "{}": "neither boxes",
    "[]": "holds no boxes", "[5]": "bare lists do not say", "[{}]": "neither bbox nor keypoints",
    '[{"bbox": [1, 2, 3]}]': "a box is four numbers", '[{"bbox": [1, 2, 3, true]}]': "a number of a box",
    '[{"bbox": [1, 2, 3, NaN]}]': "a number of a box", '[{"bbox": [1, 2, 3, 1e999]}]': "a number of a box",
    '[{"bbox": [1, 2, 3, 4], "image_id": [1]}]': "image_id is neither",
    '[{"bbox": [1, 2, 3, 4], "score": "high"}]': "a number of a box",
    '{"annotations": [{"bbox": [1, 2, 3, 4], "image_id": 9}], "images": [{"id": 1, "file_name": "a"}]}':
        "the image '9', which is not listed",
    '{"format": "yolo", "boxes": []}': "format is xywh or xyxy, not 'yolo'",
    '{"format": "xywh", "boxes": 5}': "a list of lists",
    '{"format": "xywh", "boxes": {"a": [5]}}': "a box is four numbers",
    '{"people": [{}]}': "a person has no list of numbers",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [("x.csv", *item) for item in TABLES.items()] + [("x.json", *item) for item in JSONS.items()],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_read(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(RscError, match=message) as raised:
        read_boxes(tmp_path / name)
    assert name in str(raised.value) and str(raised.value).count(name) == 1
    assert len(str(raised.value)) < 400


def test_a_table_and_the_user_disagree(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("x,y,w,h\n1,2,3,4\n")
    with pytest.raises(
        RscError, match="the columns say x y width height, but --box-format says xyxy"
    ):
        read_boxes(tmp_path / "x.csv", "xyxy")


def usable(read: Callable[[], BoxFile]) -> None:
    """Either boxes that are of use or one line."""
    said: RscError | None = None
    found: list[Box] = []
    try:
        found = [box for boxes in read().boxes.values() for box in boxes]
    except RscError as error:
        said = error
    assert said is None or str(said).isprintable()
    assert all(np.isfinite(b.xywh).all() and min(b.xywh[2:]) >= 1 for b in found)


any_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["boxes", "format", "people", "annotations", "images", "bbox", "image_id",
                         "file_name", "id", "score", "keypoints", "category_id"]), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@settings(QUIET, max_examples=200)
@given(any_json, st.sampled_from([None, "xywh", "xyxy"]))
def test_any_other_json_is_one_line(tmp_path: Path, content: Any, order: Any) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(content))
    usable(lambda: read_boxes(path, order))


@settings(QUIET, max_examples=200)
@given(st.text(alphabet='xywh12,.\n-eimagscor"\0', max_size=60), st.booleans())
def test_any_other_table_is_one_line(tmp_path: Path, text: str, headed: bool) -> None:
    path = tmp_path / "x.csv"
    path.write_text("x,y,w,h\n" * headed + text, newline="")
    usable(lambda: read_boxes(path))


def test_files_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("none.csv", "none.json"):
        with pytest.raises(RscError, match=f"there are no boxes at .*{name}"):
            read_boxes(tmp_path / name)
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(RscError, match="cannot read"):
        read_boxes(tmp_path / "d.csv")
    for name in ("x.csv", "x.json"):
        (tmp_path / name).write_bytes(b"\xff\xfe{}")
        with pytest.raises(RscError, match=name):
            read_boxes(tmp_path / name)
    monkeypatch.setattr(B, "MAX_BYTES", 3)
    for name in ("x.csv", "x.json"):
        with pytest.raises(RscError, match="is larger than"):
            read_boxes(tmp_path / name)


def test_too_many_people_and_boxes_beside_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("x,y,w,h\n" + "1,2,3,4\n" * (MOST + 1))
    with pytest.raises(RscError, match=f"{MOST + 1} people in a.png"):
        read_boxes(path).of("a.png", SHAPE)
    path.write_text("x,y,w,h\n-50,2,10,10\n")
    with pytest.raises(RscError, match=r"-50 2 10 10 .* lies outside: the image has 640 x 480"):
        read_boxes(path).of("a.png", SHAPE)
    path.write_text("x,y,w,h\n-5,-5,100,600\n")  # detectors reach over the edge
    same(read_boxes(path).of("a.png", SHAPE), [(-5, -5, 100, 600)])
