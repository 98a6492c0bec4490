"""Table 2's metrics against scikit-learn, and meshes drawn where the rendered truth has them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from rsclib import segmentation as S
from rsclib.body import load_body
from rsclib.errors import RscError
from rsclib.geometry import axis_angle_to_rotmat, fit_translation, project
from rsclib.network import NetConfig, Prediction, RSCNet
from rsclib.predictor import NetPredictor
from rsclib.skeleton import SMPL_MIRROR, SMPL_NAMES
from rsclib.statistics import cluster_bootstrap, over_seeds, pooled

SEEDS = st.integers(0, 2**31)


def maps(seed: int, classes: int, n: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Truth and a guess that is right in places; some classes may be lacking."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, rng.integers(1, classes + 1), (n, 6, 5))
    wrong = rng.integers(0, rng.integers(1, classes + 1), truth.shape)
    found = np.where(rng.random(truth.shape) < rng.random(), truth, wrong)
    return torch.from_numpy(truth), torch.from_numpy(found)


@given(seed=SEEDS, classes=st.sampled_from([2, 7]))
def test_counts_are_scikit_learns(seed: int, classes: int) -> None:
    truth, found = maps(seed, classes)
    counts = S.confusion(truth, found, classes)
    for k in range(len(truth)):
        wanted = confusion_matrix(
            truth[k].flatten(), found[k].flatten(), labels=list(range(classes))
        )
        assert np.array_equal(counts[k], wanted)


@given(seed=SEEDS, classes=st.sampled_from([2, 7]))
def test_metrics_are_scikit_learns(seed: int, classes: int) -> None:
    truth, found = maps(seed, classes)
    counts = S.confusion(truth, found, classes)
    pairs = [*zip(truth, found, strict=True), (truth, found)]
    for (a, b), c in zip(pairs, [*counts, counts.sum(0)], strict=True):
        t, f = a.flatten().numpy(), b.flatten().numpy()
        assert S.accuracy(c) == pytest.approx(100 * accuracy_score(t, f))
        assert S.f1(c) == pytest.approx(f1_score(t, f, average="macro"))  # labels that occur


def test_all_right_and_all_wrong() -> None:
    truth = torch.randint(0, 7, (2, 8, 8))
    right = S.confusion(truth, truth, 7)
    wrong = S.confusion(truth, (truth + 1) % 7, 7)
    assert (S.accuracy(right) == 100).all() and (S.f1(right) == 1).all()
    assert (S.accuracy(wrong) == 0).all() and (S.f1(wrong) == 0).all()


def test_a_class_that_is_none_is_refused() -> None:
    good = torch.zeros(1, 4, 4).long()
    for bad in (good + 7, good - 1):
        with pytest.raises(RscError, match="a class is 0 to 6"):
            S.confusion(good, bad, 7)
    with pytest.raises(RscError, match="maps of one shape"):
        S.confusion(good, good[:, :2], 7)


def test_six_parts_of_24_joints() -> None:
    by_name = {name: S.SIX_PARTS[S.six_part(name) - 1] for name in SMPL_NAMES}
    assert by_name["head"] == by_name["neck"] == "head"
    for name in ("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar"):
        assert by_name[name] == "torso"
    assert by_name["left_shoulder"] == by_name["left_hand"] == "left arm"
    assert by_name["right_hip"] == by_name["right_foot"] == "right leg"
    # Mirrored joints move mirrored parts.
    swap = {"left arm": "right arm", "left leg": "right leg", "head": "head", "torso": "torso"}
    swap |= {b: a for a, b in swap.items()}
    for joint, other in enumerate(SMPL_MIRROR):
        assert by_name[SMPL_NAMES[other]] == swap[by_name[SMPL_NAMES[joint]]]
    assert S.CLASSES.tolist()[0] == 0 and sorted(set(S.CLASSES.tolist())) == list(range(7))


# --- over clips and seeds --------------------------------------------------------------------

CLIPS = np.repeat([f"r{i // 2}/{i}" for i in range(8)], 3)


def segmentation(seed: int, right: float) -> S.Segmentation:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 7, (len(CLIPS), 10, 10))
    found = np.where(rng.random(truth.shape) < right, truth, rng.integers(0, 7, truth.shape))
    t, f = torch.from_numpy(truth), torch.from_numpy(found)
    two = S.confusion((t > 0).long(), (f > 0).long(), 2)
    return S.Segmentation("test-wild", 32, CLIPS, two, S.confusion(t, f, 7))


def test_the_tables_number_is_of_all_pixels_together() -> None:
    found = segmentation(0, 0.6)
    for metric in S.METRICS:
        counts = found.counts(metric).sum(0)
        wanted = (S.f1 if metric.endswith("f1") else S.accuracy)(counts)
        interval = found.pooled(metric)
        assert interval.mean == pytest.approx(float(wanted))
        assert interval.low < interval.mean < interval.high
    assert found.pooled("part_accuracy").mean == pytest.approx(found.each("part_accuracy").mean())
    assert found.pooled("part_f1").mean != pytest.approx(found.each("part_f1").mean(), abs=1e-6)
    with pytest.raises(RscError, match="there is no metric 'iou'"):
        found.each("iou")


def test_a_row_is_compared_with_another_on_the_same_draws() -> None:
    ours, theirs = [segmentation(s, 0.7) for s in (0, 1)], [segmentation(s, 0.6) for s in (0, 1)]
    for metric in S.METRICS:
        gain, back = (S.over_clips(a, b, metric) for a, b in ((ours, theirs), (theirs, ours)))
        assert 0 < gain.low < gain.mean < gain.high
        assert gain.mean == pytest.approx(-back.mean) and gain.low == pytest.approx(-back.high)
        nothing = S.over_clips(ours, ours, metric)
        assert nothing.low == nothing.mean == nothing.high == 0
    with pytest.raises(RscError, match="2 trainings cannot be paired with 1"):
        S.over_clips(ours, theirs[:1], "part_f1")


def test_pooled_is_the_mean_where_the_statistic_is_one() -> None:
    """The same draws as the intervals of means, for one training."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(1, len(CLIPS)))
    both = np.stack([values, np.ones_like(values)], -1)

    def mean(sums: Any) -> Any:
        return sums[:, 0] / sums[:, 1]

    found, wanted = pooled(both, CLIPS, mean), cluster_bootstrap(values[0], CLIPS)
    assert np.allclose(found, wanted)
    two = rng.normal(size=(2, len(CLIPS)))
    seeds = pooled(np.stack([two, np.ones_like(two)], -1), CLIPS, mean)
    assert seeds.mean == pytest.approx(over_seeds(two, CLIPS).mean)
    assert np.allclose(seeds, over_seeds(two, CLIPS), atol=0.1)  # other draws
    with pytest.raises(RscError, match="numbers"):
        pooled(values, CLIPS, mean)


def test_counts_are_read_as_they_were_written(tmp_path: Path) -> None:
    found, path = segmentation(0, 0.6), tmp_path / "seed0-test-wild-pixels.npz"
    for factor in (1, 2000):  # more pixels than 16 bits can count
        large = replace(found, silhouette=found.silhouette * factor, parts=found.parts * factor)
        large.save(path)
        again = S.Segmentation.load(path)
        assert (again.part, again.size) == ("test-wild", 32)
        for a, b in ((again.clip, large.clip), (again.parts, large.parts)):
            assert np.array_equal(a, b)
        assert np.array_equal(again.silhouette, large.silhouette)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"parts": np.zeros((24, 7, 6), np.uint16)}, "do not fit one another"),
        ({"silhouette": np.zeros((24, 2, 2), np.float32)}, "whole numbers"),
        ({"silhouette": np.full((24, 2, 2), 3, np.uint16)}, "not of one size"),
        ({"clip": np.array("one")}, "do not fit one another"),
        ({"size": np.array("large")}, "does not hold counted pixels"),
        ({"part": None}, "does not hold counted pixels"),
    ],
)
def test_what_is_no_counts_is_refused(tmp_path: Path, change: dict, complaint: str) -> None:
    path = tmp_path / "pixels.npz"
    segmentation(0, 0.6).save(path)
    with np.load(path) as stored:
        arrays = {k: v for k, v in ({**stored} | change).items() if v is not None}
    np.savez(path, **arrays)
    with pytest.raises(RscError, match=complaint):
        S.Segmentation.load(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(RscError, match="cannot read"):
        S.Segmentation.load(path)


# --- meshes against rendered truth -----------------------------------------------------------


N = 8


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    """Eight rendered people with masks, by the benchmark's own renderer."""
    from rsclib.openbench.parts import SPLITS
    from rsclib.openbench.people import make_people

    return make_people(SPLITS["test-studio"], 0, 0, N, 128)


def true_prediction(truth: dict[str, Any]) -> Prediction:
    """The true pose and shape, and the camera that fits the keypoints best."""
    n = len(truth["pose"])
    rotmats = axis_angle_to_rotmat(torch.from_numpy(truth["pose"]).view(n, 24, 3))
    betas = torch.from_numpy(truth["betas"])
    points = torch.from_numpy(truth["keypoints2d"])
    shift = fit_translation(
        torch.from_numpy(truth["keypoints3d"]), points[..., :2], torch.ones(n, 24)
    )
    cam = torch.stack([2 * 5000 / (224 * shift[:, 2]), shift[:, 0], shift[:, 1]], 1)
    nothing = torch.zeros(n, 1)
    return Prediction(rotmats, betas, cam, nothing, nothing)


def test_the_true_body_covers_the_person(truth: dict[str, Any]) -> None:
    body = load_body()
    prediction = true_prediction(truth)
    found = S.part_map(prediction, body, 128)
    masks = torch.from_numpy(np.unpackbits(truth["mask"], axis=2, count=128))
    parts = S.CLASSES[torch.from_numpy(truth["parts"]).long()]
    whole = S.confusion(masks, (found > 0).long(), 2)
    six = S.confusion(parts, found, 7)
    # What is lacking is cloth and hair, outside the body, and the perspective of a near camera.
    assert S.accuracy(whole).min() > 93 and S.f1(whole).min() > 0.9
    assert np.median(whole[:, 0, 1] / whole[:, :, 1].sum(1)) < 0.03
    # Each vertex, projected by Eq. 3, lies on the person (or on its very edge).
    points = project(body(prediction.rotmats, prediction.betas).vertices, prediction.cam)
    x, y = ((points + 1) * 64).floor().long().clamp(0, 127).unbind(-1)
    on = (found > 0)[torch.arange(N)[:, None], y, x]
    assert on.float().mean() > 0.9
    assert S.accuracy(six).mean() > 94 and S.f1(six).mean() > 0.8
    # Left for right would be seen: the parts' names are the truth's.
    swapped = torch.tensor([0, 1, 2, 4, 3, 6, 5])[found]
    assert S.f1(S.confusion(parts, swapped, 7)).mean() < 0.6
    # And so would a mesh that is a pixel off, whichever way.
    pixel = 2 / 128 / prediction.cam[:, :1]  # metres
    moved = []
    for way in ([0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]):
        off = prediction._replace(cam=prediction.cam + pixel * torch.tensor(way))
        found = S.part_map(off, body, 128)
        moved.append(S.accuracy(S.confusion(masks, (found > 0).long(), 2)).mean())
    right, left, down, up = moved
    assert max(moved) < S.accuracy(whole).mean()
    assert abs(right - left) < 0.3 and abs(down - up) < 0.6  # hair stands on one side alone


def test_scores_of_a_part(truth: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def fetch(part: str, count: int | None, size: int, keys: tuple[str, ...]) -> dict[str, Any]:
        asked.append((part, count, size))
        there = set(keys) - ({"mask", "parts"} if part == "train-wild" else set())
        return {k: v[:count] for k, v in truth.items() if k in there}

    monkeypatch.setattr(S, "fetch", fetch)
    monkeypatch.setattr(S, "BATCH", 5)
    torch.manual_seed(0)
    predictor = NetPredictor(RSCNet(NetConfig.edu()).eval(), load_body())
    wanted = true_prediction(truth)
    seen = iter(torch.arange(N).split(5))

    def at(images: torch.Tensor, size: int) -> Prediction:
        rows = next(seen)
        assert size == 32 and torch.equal(
            images, torch.from_numpy(truth["images"])[rows].permute(0, 3, 1, 2)
        )
        return Prediction(*(v[rows] for v in wanted))

    monkeypatch.setattr(predictor, "at", at)
    found = S.segmentation_scores(predictor, "test-studio", 32, N)
    assert set(asked) == {("test-studio", N, 128)} and found.size == 32
    assert found.silhouette.shape == (N, 2, 2) and found.parts.shape == (N, 7, 7)
    assert (found.silhouette.sum((1, 2)) == 128 * 128).all()
    six = S.confusion(
        S.CLASSES[torch.from_numpy(truth["parts"]).long()],
        S.part_map(wanted, predictor.body, 128), 7,
    )  # fmt: skip
    assert np.array_equal(found.parts, six) and found.each("silhouette_accuracy").min() > 93
    predictions = [Prediction(*(v[rows] for v in wanted)) for rows in torch.arange(N).split(3)]
    same = S.segment(predictions, predictor.body, "test-studio", 32, N)
    assert np.array_equal(same.parts, six)
    for wrong in (predictions[:1], predictions * 2):
        with pytest.raises(RscError, match=f"test-studio has {N} people"):
            S.segment(wrong, predictor.body, "test-studio", 32, N)
    with pytest.raises(RscError, match="train-wild has no masks"):
        S.segmentation_scores(predictor, "train-wild", 32, N)
