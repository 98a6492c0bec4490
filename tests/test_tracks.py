"""Boxes by person: a strict table, and people found before a camera that stands still."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsclib.crops import MARGIN, check_tracks, crops, cut, native_of, squares_of
from rsclib.errors import RscError
from rsclib.files.photos import crop
from rsclib.tracks import COLUMNS, Track, TrackConfig, overlap, read_tracks, track, write_tracks
from tests.clips import HEIGHT, WIDTH, Clip, Walker

number = st.floats(-1e6, 1e6, allow_nan=False)
size = st.floats(1, 1e6, allow_nan=False)
box = st.tuples(number, number, size, size)
people = st.dictionaries(
    st.integers(0, 10**6), st.dictionaries(st.integers(0, 10**6), box, min_size=1, max_size=5),
    min_size=1, max_size=4,
)  # fmt: skip


@settings(max_examples=60)
@given(people)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, people: dict[int, dict[int, tuple[float, ...]]]
) -> None:
    path = tmp_path_factory.mktemp("boxes") / "boxes.csv"
    tracks = [
        Track(p, np.array(sorted(of)), np.array([of[f] for f in sorted(of)], np.float64))
        for p, of in sorted(people.items())
    ]
    write_tracks(path, tracks)
    for before, after in zip(tracks, read_tracks(path), strict=True):
        assert before.person == after.person
        np.testing.assert_array_equal(before.frames, after.frames)
        np.testing.assert_array_equal(before.boxes, after.boxes)


def test_any_order_of_lines_and_spreadsheets_marks(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    lines = ["person, frame,x,y,w,h", "2,7,1,2,3,4", "0,3,5,6,7,8", "", "2,5,1.5,2,3,4"]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    first, second = read_tracks(path)
    assert (first.person, second.person) == (0, 2)
    assert second.frames.tolist() == [5, 7] and second.boxes[0].tolist() == [1.5, 2, 3, 4]


HEAD = ",".join(COLUMNS) + "\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "first line"), ("frame,person,x,y,w,h\n1,1,1,1,1,1\n", "first line"),
        (HEAD, "holds no boxes"), (HEAD + "1,1,1,1,1\n", "line 2: 6 values"),
        (HEAD + "0,0,1,1,9,9\n0,0,1,1,9,9\n", "line 3: person 0 has a second box in frame 0"),
        (HEAD + "a,0,1,1,9,9\n", "line 2: a value is no number"),
        (HEAD + "1.5,0,1,1,9,9\n", "no number"), (HEAD + "0,-1,1,1,9,9\n", "from 0"),
        (HEAD + "0,0,nan,1,9,9\n", "finite"), (HEAD + "0,0,1,1,inf,9\n", "finite"),
        (HEAD + "0,0,1,1,0.5,9\n", "at least a pixel"), (HEAD + "0,99999999999,1,1,9,9\n", "from 0"),
        ('person,"frame\n', "no table"), ("\udcff", "no table"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "b.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RscError, match=message) as caught:
        read_tracks(path)
    assert "b.csv" in str(caught.value)


def test_no_table(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(RscError, match="cannot read"):
            read_tracks(path)


# --- people found ----------------------------------------------------------------------------

SETTINGS = TrackConfig(shortest=10, smooth=5)


def test_walkers_are_found_where_they_are() -> None:
    """Two who never meet; boxes lie within a few pixels of where they were drawn."""
    one, two = Walker(4, 2, 2.0, h=48), Walker(150, 70, -2.0, w=18, h=48)
    found = track(Clip([one, two], 60), SETTINGS)
    assert [t.person for t in found] == [0, 1]
    for walker in (one, two):
        best = min(found, key=lambda t: abs(t.boxes[0, 1] - walker.y))
        assert len(best.frames) >= 50 and (np.diff(best.frames) == 1).all()
        true = np.stack(
            [walker.x + walker.speed * best.frames, np.full(len(best.frames), walker.y)], 1
        )
        np.testing.assert_allclose(best.boxes[:, :2], true, atol=3.5)
        np.testing.assert_allclose(best.boxes[:, 2:], [[walker.w, walker.h]] * len(true), atol=5)


def test_who_meets_another_begins_anew() -> None:
    """While two overlap there is no box, and no track lasts through the meeting."""
    found = track(Clip([Walker(2, 30, 2.0), Walker(156, 32, -2.0)], 70), SETTINGS)
    meeting = (156 - 2) / 4
    assert len(found) == 4
    assert not [t for t in found if t.frames[0] <= meeting <= t.frames[-1]]


@pytest.mark.parametrize(
    "walker",
    [Walker(5, 30, 2.0, w=60, h=50), Walker(5, 10, 2.0, w=8, h=50), Walker(5, 30, 2.0, h=30),
     Walker(80, 30, 0.0), Walker(-30, 30, 0.3), Walker(5, 30, 2.0, first=20, last=26)],
    ids=["side by side", "a post", "small", "part of the wall", "half in the picture", "short"],
)  # fmt: skip
def test_what_is_no_walker(walker: Walker) -> None:
    assert not track(Clip([walker], 50), SETTINGS)


def test_a_group_is_taller_than_people() -> None:
    people = [Walker(4, 2, 2.0, w=20, h=46), Walker(150, 60, -2.0, w=22, h=46, last=30)]
    group = Walker(150, 5, -2.0, w=34, h=100, first=32, last=60)
    found = track(Clip([*people, group], 60), SETTINGS)
    assert {round(float(np.median(t.boxes[:, 3])), -1) for t in found} == {50.0}


def test_large_frames_are_looked_at_small() -> None:
    clip = Clip([Walker(4, 20, 2.0)], 60)
    small = track(clip, TrackConfig(shortest=10, smooth=5, lines=60, smallest=20))[0]
    large = track(clip, SETTINGS)[0]
    both = sorted({*small.frames} & {*large.frames})
    assert len(both) > 40
    a, b = (t.boxes[np.isin(t.frames, both)] for t in (small, large))
    assert np.median(overlap(a, b).diagonal()) > 0.85


def test_settings_are_checked() -> None:
    for wrong in ({"smooth": 4}, {"widest": 5.0}, {"samples": 1}, {"overlap": 0.0}):
        with pytest.raises(RscError):
            track(Clip([], 5), TrackConfig(**wrong))
    assert track(Clip([], 5)) == []


@settings(max_examples=50)
@given(st.lists(box, min_size=1, max_size=4), st.lists(box, min_size=1, max_size=4))
def test_overlap_is_what_pixels_say(a: list[tuple], b: list[tuple]) -> None:
    small_a, small_b = (
        np.array([(round(x % 20), round(y % 20), 1 + round(w % 9), 1 + round(h % 9)) for x, y, w, h in s], float)
        for s in (a, b)
    )  # fmt: skip

    def mask(one: np.ndarray) -> np.ndarray:
        x, y, w, h = one.astype(int)
        out = np.zeros((40, 40), bool)
        out[y : y + h, x : x + w] = True
        return out

    found = overlap(small_a, small_b)
    for i, one in enumerate(small_a):
        for j, other in enumerate(small_b):
            p, q = mask(one), mask(other)
            assert found[i, j] == pytest.approx((p & q).sum() / (p | q).sum())
    np.testing.assert_allclose(found, overlap(small_b, small_a).T)


# --- crops -----------------------------------------------------------------------------------


def test_squares_and_sizes() -> None:
    boxes = np.array([[10, 20, 30, 60], [12, 20, 70, 60.0]])
    squares = squares_of(boxes)
    np.testing.assert_allclose(squares, [[-11, 14, 72], [5, 8, 84]])
    assert native_of(squares) == 78 and native_of(squares_of(boxes, 1.0)) == 65
    np.testing.assert_allclose(squares_of(boxes)[:, 2], MARGIN * boxes[:, 2:].max(1))


def test_a_square_of_whole_pixels_is_that_of_photographs() -> None:
    frame = Clip([Walker(50, 20, 0)]).frame(0)
    for left, top, side in ((30, 10, 64), (0, 0, 100), (100, 60, 60)):
        theirs, _ = crop(frame, (left, top, side, side), 96)
        ours = cut(frame, (left, top, side), 96)
        inside = np.s_[8:-8, 8:-8]  # at the rim, the filter sees beyond the square
        np.testing.assert_allclose(ours[inside].astype(int), theirs[inside], atol=1)


def test_a_square_moves_by_parts_of_a_pixel() -> None:
    ramp = np.tile(np.arange(0, 240, 2, dtype=np.uint8)[None, :, None], (60, 1, 3))
    for shift in (0.0, 0.25, 0.5):
        row = cut(ramp, (20 + shift, 5, 32), 64)[30, 8:-8, 0].astype(float)
        expected = 2 * (20 + shift + (np.arange(8, 56) + 0.5) / 2 - 0.5)
        np.testing.assert_allclose(row, expected, atol=0.6)


def test_crops_come_as_the_frames_do_and_no_further_than_needed() -> None:
    read: list[int] = []
    clip = Clip([], 50)

    def frames():
        for t, frame in enumerate(clip):
            read.append(t)
            yield frame

    tracks = [Track(4, np.array([2, 3, 9]), np.tile([10.0, 10, 20, 40], (3, 1))),
              Track(1, np.array([3]), np.array([[60.0, 10, 20, 40]]))]  # fmt: skip
    squares = [squares_of(t.boxes) for t in tracks]
    done = [np.array([True, False, False]), np.array([False])]
    found = [(c.track, c.row, c.frame) for c in crops(frames(), tracks, squares, 32, done)]
    assert found == [(0, 1, 3), (1, 0, 3), (0, 2, 9)] and read[-1] <= 10


def test_boxes_that_show_nothing() -> None:
    def one(frame: int, *box: float) -> list[Track]:
        return [Track(7, np.array([frame]), np.array([box], np.float64))]

    check_tracks(one(4, -10, -10, 30, 60), 5, HEIGHT, WIDTH)
    for tracks, message in (
        (one(5, 10, 10, 20, 20), "frame 5, but the video has 5 frames"),
        (one(0, WIDTH, 10, 20, 20), "person 7's box in frame 0 is outside"),
        (one(0, 10, -20, 20, 20), "outside"),
        (one(0, 0, 0, 1e5, 1e5), "too large"),
    ):
        with pytest.raises(RscError, match=message):
            check_tracks(tracks, 5, HEIGHT, WIDTH)
