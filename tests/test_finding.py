"""People found for ``--detect``: several in a picture, each once, in tight boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rsclib.cli import main
from rsclib.outside import finding
from rsclib.outside.blazepose import NAMES, Pose
from rsclib.outside.detector import SIZE, anchors, best, detect_all, everybody
from rsclib.outside.finding import CROWN, FLESH, box_of, find_people
from rsclib.outside.squares import Square
from rsclib.tracks import overlap

AT = anchors() * SIZE


def answer(people: list[tuple[int, float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """What the detector says where anchors (number, side of the box, score) see somebody: hips at the
    anchor, the circle's point half a side above."""
    values = np.zeros((len(AT), 12), np.float32)
    logits = np.full((len(AT), 1), -50, np.float32)
    for number, side, score in people:
        values[number, 2:4] = side
        values[number, 7] = -side / 2
        logits[number] = np.log(score / (1 - score))
    return values, logits


def anchor_at(x: float, y: float) -> int:
    return int(np.linalg.norm(AT - [x, y], axis=1).argmin())


def test_each_person_once_and_the_surest_first() -> None:
    left, right = anchor_at(60, 110), anchor_at(170, 110)
    near = next(k for k in range(len(AT)) if 0 < np.linalg.norm(AT[k] - AT[left]) < 9)
    values, logits = answer([(left, 60, 0.7), (near, 60, 0.9), (right, 80, 0.8)])
    found = everybody(values, logits)
    assert [round(p.score, 4) for p in found] == [0.9, 0.8]
    middle = (0.9 * AT[near] + 0.7 * AT[left]) / 1.6  # of the two that overlap, by their scores
    np.testing.assert_allclose((found[0].box[:2] + found[0].box[2:]) / 2, middle, atol=1e-4)
    np.testing.assert_allclose(found[0].points[0], middle, atol=1e-4)
    one = best(values, logits)
    assert one is not None and one.score == found[0].score
    np.testing.assert_array_equal(one.points, found[0].points)
    assert len(everybody(values, logits, most=1)) == 1
    assert everybody(*answer([])) == [] and best(*answer([(left, 60, 0.4)])) is None


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, len(AT) - 1), st.floats(1, 200), st.floats(0.51, 0.99)), max_size=12))  # fmt: skip
def test_nobody_is_counted_twice(people: list[tuple[int, float, float]]) -> None:
    found = everybody(*answer(people))
    scores = [p.score for p in found]
    assert scores == sorted(scores, reverse=True)
    assert len(found) <= len({number for number, *_ in people}) and bool(found) == bool(people)


def pose(x: float, y: float, tall: float, presence: float = 0.9) -> Pose:
    """Somebody whose middle is x, y, upright: the ears a tenth below the top of the points."""
    image = np.tile([x, y], (33, 1)).astype(float)
    ways = {"left ear": (0.05, -0.5), "right ear": (-0.05, -0.5), "left shoulder": (0.1, -0.4),
            "right shoulder": (-0.1, -0.4), "left heel": (0.1, 0.5), "right heel": (-0.1, 0.5)}  # fmt: skip
    for name, (across, down) in ways.items():
        image[NAMES.index(name)] += [across * tall, down * tall]
    rest: Any = (np.zeros((33, 3)), np.ones(33), presence, np.zeros((1, 1), np.float32))
    return Pose(image, *rest, Square(x, y, 2 * tall, 0.0))


def test_the_box_reaches_to_the_crown_and_around_the_flesh() -> None:
    x, y, w, h = box_of(pose(200, 300, 100))
    top, low = 250 - CROWN * 10, 350  # ears, shoulders 10 px below them; heels
    flesh = FLESH * (low - top)
    assert (y, y + h) == pytest.approx((top - flesh, low + flesh))
    assert (x, x + w) == pytest.approx((190 - flesh, 210 + flesh))


class Fake:
    """A BlazePose whose landmarks are given, one a square."""

    def __init__(self, poses: list[Pose]) -> None:
        self.poses, self.seen = poses, 0
        places = [(20 + 37 * k, 112) for k in range(len(poses))]
        values, logits = answer([(anchor_at(*p), 20, 0.9 - 0.05 * k) for k, p in enumerate(places)])
        self.detector = lambda picture: [values[None], logits[None]]

    def at(self, picture: Any, square: Square) -> Pose:
        self.seen += 1
        return self.poses[self.seen - 1]


def test_who_is_there_and_who_is_not() -> None:
    picture = np.zeros((224, 224, 3), np.uint8)
    a, same, absent, b, outside = (
        pose(60, 110, 80), pose(61, 110, 80), pose(120, 110, 80, 0.2), pose(170, 110, 60),
        pose(900, 110, 60),
    )  # fmt: skip
    fake: Any = Fake([a, same, absent, b, outside])
    found = find_people(fake, picture)
    assert fake.seen == 5
    np.testing.assert_allclose(found, [box_of(a), box_of(b)])
    nobody: Any = Fake([])
    assert find_people(nobody, picture).shape == (0, 4)
    assert detect_all(nobody.detector, picture) == []


@given(st.tuples(*[st.floats(0, 50)] * 2, *[st.floats(1, 50)] * 2),
       st.tuples(*[st.floats(0, 50)] * 2, *[st.floats(1, 50)] * 2))  # fmt: skip
def test_overlap(a: tuple[float, ...], b: tuple[float, ...]) -> None:
    one, other = np.array([a]), np.array([b])
    (shared,) = overlap(one, other)[0]
    assert shared == pytest.approx(overlap(other, one)[0, 0]) and -1e-9 <= shared <= 1 + 1e-9
    assert overlap(one, one)[0, 0] == pytest.approx(1)
    aside = other + [one[0, 2] + 51 + other[0, 2], 0, 0, 0]
    assert overlap(one, aside)[0, 0] == 0


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two people, a picture without any, and no models at all."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("a.png", "dark.png"):
        levels = rng.integers(0, 256, (60, 90, 3)) * (name == "a.png")
        Image.fromarray(levels.astype(np.uint8)).save(name)
    boxes = np.array([(10.0, 5, 20, 35), (50, 20, 6, 30)])
    with monkeypatch.context() as patched:
        patched.setattr(finding, "people_finder", lambda: lambda p: boxes[: 2 * bool(p.any())])
        assert main(["predict", "a.png", "dark.png", "--detect", "--out", "out"]) == 2
    said = capsys.readouterr()
    assert said.out.startswith("a.png: 2 people of 42, 36 px")
    assert "rsc: dark.png: nobody was found in it; say where" in said.err
    with np.load("out/a-person1.npz", allow_pickle=False) as file:
        assert file["box"].tolist() == [50, 20, 6, 30]
    monkeypatch.setenv("RSC_CACHE", str(tmp_path / "empty"))
    assert main(["predict", "a.png", "--detect", "--out", "none"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("rsc: --detect: ") and error.count("\n") == 1
    assert "rsc fetch blazepose" in error or "outside" in error
    assert not Path("none").exists()
