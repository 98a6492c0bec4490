"""Intervals by clip: agreement with a naive loop, coverage, and what they must not do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsclib.errors import RscError
from rsclib.statistics import (
    Interval,
    cluster_bootstrap,
    over_seeds,
    paired_difference,
    paired_ratio,
    recording_of,
)


def clips(seed: int, n_clips: int = 12, spread: float = 10.0) -> tuple[np.ndarray, np.ndarray]:
    """Errors around 100 with a common offset per clip; clips of 3 to 20 frames."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, 21, n_clips)
    cluster = np.repeat(np.arange(n_clips), lengths)
    values = (
        100 + spread * rng.standard_normal(n_clips)[cluster] + rng.standard_normal(len(cluster))
    )
    return values, cluster


def naive(values: np.ndarray, baseline: np.ndarray | None, cluster: np.ndarray) -> Interval:
    """Draw clips and average their frames, one resample at a time (seed 3, 200 resamples)."""
    names = np.unique(cluster)
    draws = np.random.default_rng(3).integers(0, len(names), (200, len(names)))
    estimates = []
    for draw in draws:
        drawn = np.concatenate([values[cluster == names[i]] for i in draw])
        if baseline is None:
            estimates.append(drawn.mean())
        else:
            drawn_baseline = np.concatenate([baseline[cluster == names[i]] for i in draw])
            estimates.append(drawn.mean() / drawn_baseline.mean())
    low, high = np.quantile(estimates, [0.025, 0.975])
    mean = values.mean() if baseline is None else values.mean() / baseline.mean()
    return Interval(float(mean), float(low), float(high))


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_equals_a_naive_loop(seed: int) -> None:
    values, cluster = clips(seed)
    baseline = values + 5 + np.sin(np.arange(len(values)))
    fast = cluster_bootstrap(values, cluster, 200, seed=3)
    assert fast == pytest.approx(naive(values, None, cluster), abs=1e-9)
    ratio = paired_ratio(values, baseline, cluster, 200, seed=3)
    assert ratio == pytest.approx(naive(values, baseline, cluster), abs=1e-9)
    difference = paired_difference(values, baseline, cluster, 200, seed=3)
    assert difference == pytest.approx(naive(values - baseline, None, cluster), abs=1e-9)


def nested(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Errors of three recordings cut into 4, 2 and 7 clips, and of five clips on their own."""
    rng = np.random.default_rng(seed)
    names = [f"{r}/{i:02d}" for r, n in (("a", 4), ("b", 2), ("c", 7)) for i in range(n)]
    names += [f"alone{i}" for i in range(5)]
    clip = np.repeat(names, rng.integers(2, 9, len(names)))
    of_recording = dict(zip(np.unique(recording_of(names)), rng.normal(0, 20, 8), strict=True))
    values = np.array([100 + of_recording[r] for r in recording_of(clip)])
    return values + rng.normal(0, 5, len(clip)), clip


def naive_nested(
    values: np.ndarray, baseline: np.ndarray, clip: np.ndarray, n_resamples: int
) -> Interval:
    """Draw recordings, then clips within each, and average all drawn frames, one after another."""
    rng = np.random.default_rng(5)
    of: dict[str, list[str]] = {}
    for name in dict.fromkeys(clip.tolist()):
        of.setdefault(name.split("/")[0], []).append(name)
    rows = {name: np.flatnonzero(clip == name) for names in of.values() for name in names}
    ratios = []
    for _ in range(n_resamples):
        drawn: list[np.ndarray] = []
        for recording in rng.choice(list(of), len(of)):
            drawn += [rows[name] for name in rng.choice(of[recording], len(of[recording]))]
        frames = np.concatenate(drawn)
        ratios.append(values[frames].mean() / baseline[frames].mean())
    low, high = np.quantile(ratios, [0.025, 0.975])
    return Interval(float(values.mean() / baseline.mean()), float(low), float(high))


def test_recordings_and_clips_equal_a_naive_loop_in_distribution() -> None:
    values, clip = nested(0)
    baseline = 90 + 10 * np.cos(np.arange(len(values)))
    slow = naive_nested(values, baseline, clip, 3000)
    fast = paired_ratio(values, baseline, clip, 20000)
    assert fast.mean == pytest.approx(slow.mean)
    width = slow.high - slow.low
    assert fast.low == pytest.approx(slow.low, abs=0.06 * width)
    assert fast.high == pytest.approx(slow.high, abs=0.06 * width)
    alone = naive_nested(values, np.ones_like(values), clip, 3000)
    assert cluster_bootstrap(values, clip, 20000) == pytest.approx(
        alone, abs=0.06 * (alone.high - alone.low)
    )


def test_the_recording_is_the_part_before_the_slash() -> None:
    assert recording_of(["cmu_01_03/05", "walk", "a/b/c"]).tolist() == ["cmu_01_03", "walk", "a"]
    assert recording_of(np.array([3, 4])).tolist() == ["3", "4"]


def test_clips_of_one_recording_are_not_worth_as_much_as_clips_of_many() -> None:
    values, clip = nested(1)
    as_if_apart = cluster_bootstrap(values, np.char.replace(clip, "/", "-"))
    honest = cluster_bootstrap(values, clip)
    assert honest.mean == as_if_apart.mean
    assert honest.high - honest.low > 1.2 * (as_if_apart.high - as_if_apart.low)
    with pytest.raises(RscError, match="two recordings"):
        cluster_bootstrap(values[:20], np.repeat(["a/0", "a/1"], 10))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(-50, 50), st.floats(0.1, 10))
def test_intervals_follow_shift_scale_and_forget_the_order(
    seed: int, shift: float, scale: float
) -> None:
    values, clip = nested(seed)
    before = np.array(cluster_bootstrap(values, clip, 200))
    after = np.array(cluster_bootstrap(scale * values + shift, clip, 200))
    np.testing.assert_allclose(after, scale * before + shift, atol=1e-8)
    order = np.random.default_rng(seed).permutation(len(values))
    np.testing.assert_allclose(cluster_bootstrap(values[order], clip[order], 200), before)
    twice = over_seeds(np.stack([values, values + 2]), clip, 200)
    shifted = over_seeds(np.stack([values[order], values[order] + 2]) + shift, clip[order], 200)
    np.testing.assert_allclose(shifted, np.array(twice) + shift, atol=1e-8)


def test_mean_is_over_frames_not_over_clips() -> None:
    values, cluster = np.array([0.0, 0, 0, 0, 0, 0, 8, 8]), np.array([0] * 6 + [1] * 2)
    assert cluster_bootstrap(values, cluster).mean == 2.0


def test_clip_names_and_order_do_not_matter() -> None:
    values, cluster = clips(1)
    names = np.array([f"clip {i:02d}" for i in cluster])
    order = np.random.default_rng(0).permutation(len(values))
    expected = cluster_bootstrap(values, cluster)
    assert cluster_bootstrap(values[order], names[order]) == pytest.approx(expected)


def test_same_seed_same_interval() -> None:
    values, cluster = clips(2)
    assert cluster_bootstrap(values, cluster, seed=1) == cluster_bootstrap(values, cluster, seed=1)
    assert cluster_bootstrap(values, cluster, seed=1) != cluster_bootstrap(values, cluster, seed=2)


def test_intervals_cover_the_truth_and_frame_intervals_do_not() -> None:
    by_clip = by_frame = 0
    for seed in range(200):
        values, cluster = clips(seed, n_clips=30)
        interval = cluster_bootstrap(values, cluster, 400, seed)
        by_clip += interval.low <= 100 <= interval.high
        interval = cluster_bootstrap(values, np.arange(len(values)), 400, seed)
        by_frame += interval.low <= 100 <= interval.high
    # Nominal 190; 30 clips and the percentile method cost a few, binomial noise is 3.
    assert 176 <= by_clip <= 199
    assert by_frame < 140  # what ignoring the clips would claim


def test_wider_with_confidence_and_contains_the_mean() -> None:
    values, cluster = clips(3)
    narrow = cluster_bootstrap(values, cluster, confidence=0.5)
    wide = cluster_bootstrap(values, cluster, confidence=0.99)
    assert wide.low < narrow.low < narrow.mean < narrow.high < wide.high


def test_pairing_removes_what_both_find_hard() -> None:
    values, cluster = clips(4, spread=30)
    difference = paired_difference(values - 3, values, cluster)
    assert difference == pytest.approx((-3, -3, -3))
    ratio = paired_ratio(0.8 * values, values, cluster)
    assert ratio == pytest.approx((0.8, 0.8, 0.8))
    alone = cluster_bootstrap(values, cluster)
    assert alone.high - alone.low > 5


def test_equal_values_have_no_width() -> None:
    assert cluster_bootstrap(np.full(6, 4.0), [0, 0, 1, 1, 2, 2]) == (4.0, 4.0, 4.0)


def test_wrong_input_is_named() -> None:
    with pytest.raises(RscError, match="two recordings"):
        cluster_bootstrap([1.0, 2.0], [0, 0])
    with pytest.raises(RscError, match="one clip per value"):
        cluster_bootstrap([1.0, 2.0], [0])
    with pytest.raises(RscError, match="NaN"):
        cluster_bootstrap([1.0, np.nan], [0, 1])
    with pytest.raises(RscError, match="above zero"):
        paired_ratio([1.0, 2.0], [0.0, 1.0], [0, 1])


def test_printed_form() -> None:
    assert str(Interval(123.44, 120.06, 126.0)) == "123.4 [120.1, 126.0]"


def test_over_seeds_equal_trainings_leave_the_clips_alone() -> None:
    """Seeds that agree add nothing: the interval is that of the clips, up to the draws."""
    rng = np.random.default_rng(0)
    clips = np.repeat(np.arange(12), 5)
    values = rng.normal(100, 20, 12)[clips] + rng.normal(0, 1, 60)
    one = cluster_bootstrap(values, clips, n_resamples=20000)
    many = over_seeds(np.stack([values] * 4), clips, n_resamples=20000)
    assert many.mean == pytest.approx(one.mean)
    assert many.low == pytest.approx(one.low, abs=0.6) and many.high == pytest.approx(
        one.high, abs=0.6
    )


def test_over_seeds_knows_both_kinds_of_chance() -> None:
    """95 % intervals hold the true mean about as often as they say, where clips or seeds alone do
    not."""
    rng = np.random.default_rng(0)
    clips = np.repeat(np.arange(15), 4)
    held = alone = 0
    for _ in range(200):
        of_seeds, of_clips = rng.normal(0, 2, (8, 1)), rng.normal(0, 2, 15)
        values = of_seeds + of_clips[clips] + rng.normal(0, 1, (8, 60))
        _, low, high = over_seeds(values, clips, n_resamples=300)
        held += low <= 0 <= high
        _, low, high = cluster_bootstrap(values.mean(0), clips, n_resamples=300)
        alone += low <= 0 <= high
    assert held >= 0.87 * 200 > alone


def test_over_seeds_wants_several() -> None:
    with pytest.raises(RscError, match="two trainings"):
        over_seeds(np.ones((1, 4)), [0, 0, 1, 1])
    with pytest.raises(RscError, match="two recordings"):
        over_seeds(np.ones((2, 4)), [0, 0, 0, 0])


@pytest.mark.parametrize(
    ("values", "options", "complaint"),
    [
        ([], {}, "there are no values"),
        ([1.0, 2.0], {"n_resamples": 0}, "one resample or more, not 0"),
        ([1.0, 2.0], {"confidence": 95}, "between 0 and 1, not 95"),
    ],
)
def test_senseless_requests_are_one_line(
    values: list[float], options: dict[str, float], complaint: str
) -> None:
    with pytest.raises(RscError, match=complaint):
        cluster_bootstrap(values, ["a", "b"][: len(values)], **options)  # type: ignore[arg-type]
