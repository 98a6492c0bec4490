"""Checks of 13_robustness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from checks import array_of, expect

Array = NDArray[np.float64]


def _crossing(sizes: Array, gain: Array) -> float:
    if gain[0] > 0:
        return float(sizes[0])
    for k in range(1, len(sizes)):
        if gain[k] > 0:
            share = -gain[k - 1] / (gain[k] - gain[k - 1])
            return float(sizes[k - 1] + share * (sizes[k] - sizes[k - 1]))
    return 0.0


def check_crossing(answer: Callable[[Array, Array], float]) -> None:
    draw = np.random.default_rng(0)
    cases: list[tuple[list[float], list[float]]] = [
        ([128, 64, 32], [-4, -2, 6]),
        ([128, 112, 80, 52, 32], [-3, -3, 1, 4, 20]),
        ([100, 60, 20], [-1, 3, 5]),
        ([128, 64, 32, 16], [-2, 2, -2, 2]),
        ([128, 64, 32], [-4, -2, -1]),
        ([128, 64, 32], [2, 3, 4]),
        ([224, 96], [-30, 10]),
        ([90, 80, 70, 60], [-1, 0, 2, 2]),
    ]
    for _ in range(6):
        sizes = np.sort(draw.choice(np.arange(16, 224), 7, replace=False))[::-1]
        cases.append((sizes.tolist(), (np.linspace(-5, 8, 7) + draw.normal(0, 1, 7)).tolist()))
    for some, values in cases:
        sizes, gain = np.array(some, float), np.array(values, float)
        kept = sizes.copy(), gain.copy()
        got = float(array_of(answer(sizes, gain), (), "one size in pixels"))
        expect((sizes == kept[0]).all() and (gain == kept[1]).all(), "an argument was changed")
        want = _crossing(sizes, gain)
        if not (gain > 0).any():
            expect(got == 0, "the gain never rises above zero here: which size says never?")
        if gain[0] > 0:
            expect(got == sizes[0], "here the gain is above zero at the first size already")
        expect(not (want > 0 and got == 0), "there is a crossing here: which sign has the gain?")
        between = abs(got - want) < 1e-6 * max(want, 1)
        if not between and (np.abs(sizes - got) < 1e-9).any():
            expect(False, "the crossing lies between two sizes: where on the straight line?")
        expect(between or got <= want + 1e-6, "too early: is the gain above zero there?")
        expect(between, "too late: which of the crossings comes first, and where on the line?")


Interval = tuple[float, float]


def _reference(sizes: Array, gain: Array, clips: NDArray[Any]) -> Interval:
    names = np.unique(clips)
    sums = np.stack([gain[clips == name].sum(0) for name in names])  # (clips, sizes)
    counts = np.array([(clips == name).sum() for name in names])
    n = len(names)
    drawn = np.random.default_rng(5).multinomial(n, np.full(n, 1 / n), 6000)
    means = (drawn @ sums) / (drawn @ counts)[:, None]
    low, high = np.percentile([_crossing(sizes, line) for line in means], [2.5, 97.5])
    return float(low), float(high)


def check_crossing_interval(
    answer: Callable[[Array, Array, NDArray[Any], np.random.Generator], Interval],
) -> None:
    ratios: dict[str, list[float]] = {"clips": [], "images": []}
    shifts = []
    for seed in range(4):
        kind = ("clips", "images")[seed % 2]
        draw = np.random.default_rng(seed)
        lengths = np.linspace(2, 24 if kind == "clips" else 6, 12).astype(int)
        clips = np.repeat(draw.permutation(12) * 3 + 5, lengths)
        sizes = np.array([128.0, 112, 80, 60, 44, 32, 24])
        curve = np.array([-6.0, -5, -2, 1, 4, 8, 12]) + seed / 2
        between, within = (3.0, 1.0) if kind == "clips" else (0.3, 12.0)
        offset = np.repeat(between * np.linspace(-1, 1, 12), lengths)
        gain = curve + offset[:, None] + draw.normal(0, within, (len(clips), 1))
        kept = gain.copy()
        out = answer(sizes, gain, clips, np.random.default_rng(seed))
        low, high = array_of(out, (2,), "two sizes, the smaller and the larger")
        expect(np.array_equal(gain, kept), "an argument was changed")
        expect(low <= high, "the smaller size comes first")
        expect(low < high, "no width at all: what should be another one in every draw?")
        want = _reference(sizes, gain, clips)
        expect(
            high <= 128 and low >= 0, "a crossing lies between the smallest and the largest size"
        )
        ratios[kind].append((high - low) / (want[1] - want[0]))
        shifts.append(abs(low + high - sum(want)) / 2 / (want[1] - want[0]))
    clip, image = np.mean(ratios["clips"]), np.mean(ratios["images"])
    expect(clip > 0.7, "too narrow: are the images of one recording independent?")
    expect(clip < 1.5, "far too wide: is the mean curve taken first, or each one's own crossing?")
    expect(
        max(shifts) < 0.13, "off centre: may a recording of 2 images weigh as much as one of 24?"
    )
    expect(image < 1.15, "too wide: are all recordings drawn, and each of them whole?")
    expect(
        0.9 < clip < 1.12 and image > 0.88,
        "the width is off: how many crossings should lie outside, and is a recording put back?",
    )


def check_matched(
    answer: Callable[[Callable[[float], float], float, float, float], float],
) -> None:
    cases: list[tuple[Callable[[float], float], float, float, float, float]] = [
        (lambda x: 40 - 5 * x, 25.0, 0.0, 8.0, 3.0),
        (lambda x: 30 / x, 20.0, 0.5, 60.0, 1.5),
        (lambda x: 50 - x**3, 23.0, 0.0, 10.0, 3.0),
        (lambda x: 20 * np.exp(-x), 20 * np.exp(-6.2), 1.0, 9.0, 6.2),
        (lambda x: 10 - (x > 2.25) * 5 - x, 6.0, 1.0, 7.0, 2.25),
        (lambda x: -x, -0.125, 0.0, 1000.0, 0.125),
        (lambda x: 500 - x, 200.0, 0.0, 1000.0, 300.0),
    ]
    for fall, target, low, high, want in cases:
        asked: list[float] = []

        def measured(
            x: float,
            fall: Callable[[float], float] = fall,
            low: float = low,
            high: float = high,
            asked: list[float] = asked,
        ) -> float:
            asked.append(float(x))
            expect(low - 1e-9 <= x <= high + 1e-9, "a strength outside low and high was asked for")
            expect(len(asked) <= 100, "more than 100 measurements: halve what is left each time")
            return float(fall(float(x)))

        got = float(array_of(answer(measured, target, low, high), (), "one strength"))
        expect(
            not (abs(got - target) < 1e-6 and abs(want - target) > 1e-3),
            "that is the target itself: at which strength is it reached?",
        )
        expect(len(asked) > 0, "the function was never called: what does it say in the middle?")
        expect(
            low <= got <= high
            and not (min(got - low, high - got) < 1e-3 < min(want - low, high - want)),
            "it ran to an end: does the value rise or fall with the strength?",
        )
        expect(abs(got - want) < 1e-3, "not near enough: is the answer in the half that you keep?")
