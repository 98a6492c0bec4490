"""Signs of a bad prediction: what they measure, and the file behind the threshold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import unsure
from rsclib.body import load_body
from rsclib.doubts import (
    MOST_OUTSIDE,
    SMALLEST_SPAN,
    body_doubts,
    disagreement,
    extent,
    picture_doubts,
)
from rsclib.errors import RscError
from rsclib.files.photos import read_photo, square
from rsclib.geometry import project
from rsclib.pictured import UNSURE_MM
from rsclib.runs.results import read_result
from rsclib.skeleton import J14_MIRROR, J14_NAMES
from tests.attacks.images import encode
from tests.toys import random_arrays

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_mirror_order_swaps_right_and_left() -> None:
    other = {"right": "left", "left": "right"}
    for name, k in zip(J14_NAMES, J14_MIRROR, strict=True):
        side, _, part = name.partition(" ")
        assert J14_NAMES[k] == (f"{other[side]} {part}" if side in other else name)


def test_a_mirrored_pose_does_not_disagree() -> None:
    body = load_body()
    generator = torch.Generator().manual_seed(0)
    joints = torch.randn(3, 14, 3, generator=generator) * 0.3
    mirrored = joints[:, list(J14_MIRROR)] * torch.tensor([-1.0, 1, 1])
    torch.testing.assert_close(disagreement(joints, mirrored), torch.zeros(3).double())
    rest = body.joints(torch.eye(3).expand(1, 24, 3, 3), torch.zeros(1, 10)).joints14
    assert float(disagreement(rest, rest)) < 15  # mm: a T-pose is nearly symmetric
    assert float(disagreement(rest, mirrored[:1])) > 100
    moved = mirrored + torch.tensor([0.0, 0.05, 0.0])
    torch.testing.assert_close(
        disagreement(joints, moved), torch.full((3,), 50.0).double(), atol=1e-3, rtol=0
    )


def test_extent_and_what_is_said_of_it() -> None:
    body = load_body()
    joints = body.joints(torch.eye(3).expand(1, 24, 3, 3), torch.zeros(1, 10)).joints24
    for scale, shift, said in ((0.9, 0.0, ""), (0.3, 0.0, "tighter --box"), (0.9, 1.2, "outside")):
        points = project(joints - joints.mean(1, keepdim=True), torch.tensor([[scale, shift, 0]]))
        span, outside = (float(v) for v in extent(points))
        assert (span < SMALLEST_SPAN) == (said == "tighter --box")
        assert (outside > MOST_OUTSIDE) == (said == "outside")
        doubts = body_doubts(points)
        assert len(doubts) == bool(said) and all(said in line for line in doubts)
    assert extent(torch.tensor([[[-0.5, 0.0], [0.5, 0.2]]]))[0].item() == pytest.approx(0.5)


def test_opacity_is_read_with_the_picture() -> None:
    clear = Image.fromarray(np.array([[[255, 0, 0, 255], [9, 9, 9, 7]]], np.uint8), "RGBA")
    for kind in ("PNG", "TIFF"):
        alpha = read_photo(encode(clear, kind)).alpha
        assert alpha is not None and alpha.tolist() == [[255, 7]]
    assert read_photo(encode(clear.convert("RGB"), "PNG")).alpha is None
    deep = Image.fromarray(np.array([[300, 400]], np.uint16))
    alpha = read_photo(encode(deep, "PNG", transparency=300)).alpha
    assert alpha is not None and alpha.tolist() == [[0, 255]]


def test_a_few_pixels_do_not_hide_an_empty_picture() -> None:
    cut = np.full((128, 128, 3), 90, np.uint8)
    cut[3:6, 3:6] = 255
    assert "no contrast" in picture_doubts(cut)[0]
    cut[:] = np.arange(128, dtype=np.uint8)[:, None] // 8
    cut[0, 0] = 255
    assert "nearly black" in picture_doubts(cut)[0]
    assert (
        picture_doubts(np.arange(128, dtype=np.uint8)[:, None, None].repeat(128, 1).repeat(3, 2))
        == []
    )


@pytest.mark.parametrize(
    ("box", "guess"),
    [
        ((60, 20, 120, 90), "60 20 60 70"), ((0, 50, 150, 100), "0 50 150 50"),
        ((100, 0, 90, 50), None), ((0, 0, 500, 5), None), ((-5, 0, 10, 10), None),
    ],
)  # fmt: skip
def test_corners_given_for_a_box(box: tuple[int, ...], guess: str | None) -> None:
    with pytest.raises(RscError, match="leaves the image, which has 150 x 100") as caught:
        square((100, 150), box)
    assert ("x1 y1 x2 y2" in str(caught.value)) == bool(guess)
    assert str(caught.value).endswith(guess or "pixels")


# --- the benchmark ---------------------------------------------------------------------------


def test_auc_counts_pairs() -> None:
    rng = np.random.default_rng(0)
    bad, good = rng.integers(0, 9, 30) + 2.0, rng.integers(0, 9, 40) * 1.0
    pairs = (bad[:, None] > good).mean() + (bad[:, None] == good).mean() / 2
    assert unsure.auc(bad, good) == pytest.approx(pairs)


def test_the_rule_and_the_rows() -> None:
    good = np.r_[np.full(98, 10.0), 93.0, 200.0]
    assert unsure.choose(good) == 95
    rows = list(unsure.rows_of("both", np.r_[good, 100, 20], np.r_[np.zeros(100), 151, 200]))
    at = {(r["metric"], r.get("threshold_mm")): r["value"] for r in rows}
    assert at["bad called unsure", 95] == 0.5 and at["good called unsure", 95] == 0.01
    assert len(rows) == 1 + 2 * len(unsure.THRESHOLDS)


def test_the_whole_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsure, "fetch", lambda *_: random_arrays(8))
    with pytest.raises(RscError, match="no threshold"):  # nothing good in random numbers
        unsure.measure()
    monkeypatch.setattr(unsure, "MOST_FALSE", 1.0)
    monkeypatch.setattr(unsure, "GOOD", 1e9)
    monkeypatch.setattr(unsure, "BAD", 0.0)
    rows, threshold = unsure.measure()
    assert threshold in unsure.THRESHOLDS
    assert {r["metric"] for r in rows} == {
        "auc",
        "bad called unsure",
        "good called unsure",
        "called small",
    }
    assert {r["resolution"] for r in rows} == {128, 32, "both"}


def test_the_threshold_is_that_of_the_result_file() -> None:
    result = read_result(ROOT / "results/open/unsure.csv")
    rows = result["rows"]
    (chosen,) = (r["value"] for r in rows if r["metric"] == "chosen threshold")
    assert chosen == UNSURE_MM
    at = {
        (r["metric"], r["threshold_mm"]): r["value"]
        for r in rows
        if r["resolution"] == "both" and "threshold_mm" in r
    }
    false = {t: at["good called unsure", t] for t in unsure.THRESHOLDS}
    assert min(t for t, share in false.items() if share <= unsure.MOST_FALSE) == chosen  # the rule
    bad = at["bad called unsure", chosen]
    assert f"more than {chosen} mm away" in README
    assert f"{bad:.0%} of the bad".replace("%", " %") in README
    assert f"{100 * false[chosen]:.1f} % of the good" in README
    config = result["provenance"]["config"]
    assert (config["bad_mm"], config["good_mm"]) == (unsure.BAD, unsure.GOOD)
    assert config["smallest_span"] == SMALLEST_SPAN
    small = {r["share"]: r["value"] for r in rows if r["metric"] == "called small"}
    assert small[1.0] < 0.015 and small[0.6] > 0.8 and small[0.3] > 0.6
    assert not result["provenance"]["git"]["dirty"]


def test_a_smaller_picture_keeps_its_edges() -> None:
    images = torch.from_numpy(random_arrays()["images"]).permute(0, 3, 1, 2)[:1]
    small = unsure.shrunk(images, 0.5)
    assert small.shape == images.shape
    torch.testing.assert_close(small[..., 0, :], small[..., 30, :])
    torch.testing.assert_close(unsure.shrunk(images, 1.0), images)
