"""Stored errors of every image: read back exactly, compared image by image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rsclib import evaluate as E
from rsclib.errors import RscError
from rsclib.scores import Scores
from tests.toys import random_arrays

CLIPS = np.repeat(["a", "b", "c"], 4)


def made(offset: float = -2.0) -> Scores:
    rng = np.random.default_rng(0)
    hard = rng.uniform(50, 200, 12)  # what every method finds hard
    return Scores(
        "test-wild", CLIPS, {("old", 32, "mpjpe"): hard, ("new", 32, "mpjpe"): hard + offset}
    )


def test_a_difference_is_paired() -> None:
    """Errors spread over 150 mm, yet 2 mm on every image are seen exactly."""
    mean, low, high = made().difference("new", "old", 32)
    assert (round(mean, 9), round(low, 9), round(high, 9)) == (-2, -2, -2)
    back = made().difference("old", "new", 32)
    assert back.mean == pytest.approx(2)


def test_rows_are_compared_over_clips_and_seeds() -> None:
    rng = np.random.default_rng(1)
    hard = rng.uniform(50, 200, 12)
    errors = {}
    for k, gain in enumerate((1.0, 2.0, 3.0)):
        errors[f"old/seed{k}", 32, "mpjpe"] = hard + 10 * k  # seeds differ more than rows do
        errors[f"new/seed{k}", 32, "mpjpe"] = hard + 10 * k - gain
    scores = Scores("test-wild", CLIPS, errors)
    new, old = ([f"{row}/seed{k}" for k in range(3)] for row in ("new", "old"))
    mean, low, high = scores.difference_over_seeds(new, old, 32)
    assert mean == pytest.approx(-2) and -3 <= low < -2 < high <= -1
    with pytest.raises(RscError, match="3 trainings cannot be paired with 2"):
        scores.difference_over_seeds(new, old[:2], 32)


@given(
    errors=hnp.arrays(np.float32, (2, 12), elements=st.floats(0, 500, width=32)),
    names=st.tuples(st.text(max_size=5), st.text(max_size=5)).filter(lambda n: n[0] != n[1]),
)
def test_what_is_saved_is_read(
    tmp_path_factory: pytest.TempPathFactory, errors: np.ndarray, names: tuple[str, str]
) -> None:
    # numpy's text drops zeros at the end
    names = tuple(name.replace("\0", "") + str(k) for k, name in enumerate(names))  # type: ignore[assignment]
    file = tmp_path_factory.getbasetemp() / "scores.npz"
    keys = [(name, 32, "mpjpe") for name in names]
    Scores("part", CLIPS, dict(zip(keys, errors.astype(np.float64), strict=True))).save(file)
    again = Scores.load(file)
    assert again.part == "part" and again.clip.tolist() == CLIPS.tolist()
    assert again.methods == list(names)
    for key, values in zip(keys, errors, strict=True):
        np.testing.assert_array_equal(again.of(*key), values)


def test_scores_of_two_runs_are_joined() -> None:
    first = made()
    other = Scores("test-wild", CLIPS, {("third", 32, "mpjpe"): np.ones(12)})
    assert first.joined(other).methods == ["old", "new", "third"]
    with pytest.raises(RscError, match=r"'(old|new)' stands in both"):
        first.joined(first)
    with pytest.raises(RscError, match="other images"):
        first.joined(Scores("test-wild", CLIPS[::-1], other.errors))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"errors": np.ones((2, 3), np.float32)}, "do not fit"),
        ({"errors": np.full((2, 12), np.nan, np.float32)}, "not a finite"),
        ({"method": np.array(["x", "x"])}, "do not fit"),
        ({"size": np.array([1])}, "zip"),
        ({"clip": None}, "clip"),
    ],
)
def test_damaged_scores_are_refused(tmp_path: Path, change: dict, message: str) -> None:
    made().save(tmp_path / "s.npz")
    with np.load(tmp_path / "s.npz") as file:
        arrays = {k: file[k] for k in file.files} | change
    np.savez(tmp_path / "s.npz", **{k: v for k, v in arrays.items() if v is not None})
    with pytest.raises(RscError, match=message):
        Scores.load(tmp_path / "s.npz")


def test_what_was_not_measured_is_named() -> None:
    with pytest.raises(RscError, match=r"no mpjpe of 'new' at 40 px.*\('new', 32\)"):
        made().of("new", 40)


class Shifted:
    """A predictor of somebody else: the truth, shifted more the smaller the image."""

    def __init__(self, truth: torch.Tensor) -> None:
        self.truth, self.at = truth, 0

    def joints14(self, images: torch.Tensor, size: int) -> torch.Tensor:
        start = self.at
        self.at = (start + len(images)) % len(self.truth)
        move = torch.zeros(14, 3)
        move[0, 0] = 1.4 / size
        return self.truth[start : start + len(images)] + move


def test_anything_with_joints14_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    people = random_arrays()
    monkeypatch.setattr(E, "fetch", lambda *_: people)
    truth = torch.from_numpy(people["joints14"])
    scores = E.score({"theirs": Shifted(truth)}, "x", (100, 10))
    assert scores.methods == ["theirs", E.CONSTANT]
    np.testing.assert_allclose(scores.of("theirs", 100), 1.0, atol=1e-3)  # 14 mm of one joint in 14
    np.testing.assert_allclose(scores.of("theirs", 10), 10.0, atol=1e-3)
    table = E.rows(scores)
    assert {(r["method"], r["resolution"], r["images"]) for r in table} == {
        ("theirs", 100, 96), ("theirs", 10, 96), (E.CONSTANT, 128, 96),
    }  # fmt: skip
    assert E.pivot(table).loc["theirs", "10 px"] == "10.0 [10.0, 10.0]"


def test_a_part_without_truth_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    people = {k: v for k, v in random_arrays().items() if k != "joints14"}
    monkeypatch.setattr(E, "fetch", lambda *_: people)
    with pytest.raises(RscError, match="no 3D truth"):
        E.score({}, "train-wild")
