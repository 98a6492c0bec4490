"""Checks of 12_ablation_tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from checks import array_of, expect

Array = NDArray[np.float64]
WORDS = ("reproduced", "undecided", "contradicted")


def check_verdict(answer: Callable[[float, float], str]) -> None:
    draw = np.random.default_rng(0)
    cases = [
        (0.1, 2.0),
        (-2.0, 0.1),
        (-0.1, 2.0),
        (-2.0, -0.1),
        (0.0, 1.0),
        (-1.0, 0.0),
        (0.0, 0.0),
    ]
    cases += [(low, low + wide) for low, wide in draw.uniform((-4, 0.1), (4, 5), (40, 2))]
    for low, high in cases:
        got = answer(low, high)
        expect(got is not None, "it returns nothing: is there a return?")
        expect(isinstance(got, str) and got in WORDS, f"return one of {', '.join(WORDS)}")
        if low < 0 < high:
            expect(got == "undecided", "is zero, no gain at all, still possible?")
        elif low > 0:
            expect(got != "undecided", "the whole interval lies on one side of zero")
            expect(got == "reproduced", "on which side of zero does the claim hold?")
        elif high < 0:
            expect(got != "undecided", "the whole interval lies on one side of zero")
            expect(got == "contradicted", "on which side of zero does the claim hold?")
        else:
            expect(got == "undecided", "an interval that touches zero does not exclude it")


Interval = tuple[float, float]


def _reference(gains: Array, clips: NDArray[Any]) -> Interval:
    """Clips and seeds drawn independently, of ten times as many draws."""
    names = np.unique(clips)
    sums = np.stack([gains[:, clips == name].sum(1) for name in names], 1)  # (S, clips)
    counts = np.array([(clips == name).sum() for name in names])
    draw = np.random.default_rng(3)
    a, b = (draw.multinomial(n, np.full(n, 1 / n), 20000) for n in sums.shape)
    means = ((a @ sums) * b).sum(1) / (len(gains) * (b @ counts))
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _sample(
    seed: int, of_seeds: float, of_clips: float, of_images: float, trained: int, longest: int
) -> tuple[Array, NDArray[np.int64]]:
    """Gains of clips of unequal length, the longer the larger."""
    draw = np.random.default_rng(seed)
    lengths = np.linspace(2, longest, 10).astype(int)
    clips = np.repeat(draw.permutation(10) * 3 + 5, lengths)
    means = of_clips * np.linspace(-1, 1, 10) + draw.normal(0, of_clips / 2, 10)
    offsets = of_seeds * np.linspace(-1, 1, trained)
    noise = draw.normal(0, of_images, (trained, lengths.sum()))
    return 2 + offsets[:, None] + np.repeat(means, lengths) + noise, clips


def check_interval(
    answer: Callable[[Array, NDArray[Any], np.random.Generator], Interval],
) -> None:
    kinds = {
        "seeds": (3.0, 0.3, 1.0, 4, 12),
        "clips": (0.2, 3.0, 1.0, 3, 30),
        "images": (0.1, 0.2, 20.0, 5, 6),
    }
    ratios: dict[str, float] = {}
    shifts = []
    for kind, scale in kinds.items():
        found = []
        for seed in range(2):
            gains, clips = _sample(seed, *scale)
            kept = gains.copy(), clips.copy()
            out = answer(gains, clips, np.random.default_rng(seed))
            low, high = array_of(out, (2,), "two numbers, the lower and the upper end")
            same = np.array_equal(gains, kept[0]) and np.array_equal(clips, kept[1])
            expect(same, "an argument was changed")
            expect(low < high, "the lower end comes first")
            want = _reference(gains, clips)
            found.append((high - low) / (want[1] - want[0]))
            shifts.append(abs(low + high - sum(want)) / 2 / (want[1] - want[0]))
        ratios[kind] = float(np.mean(found))
    expect(ratios["seeds"] > 0.6, "another training would give another gain: is that drawn?")
    expect(ratios["clips"] > 0.6, "another film would show others: is that drawn, in whole clips?")
    expect(
        max(ratios.values()) < 1.7, "far too wide: are all clips and seeds drawn, then averaged?"
    )
    expect(
        ratios["images"] < 1.2, "too wide: what of one clip stays together, and is it drawn twice?"
    )
    expect(max(shifts) < 0.15, "off centre: may a clip of 2 images weigh as much as one of 30?")
    expect(
        all(0.9 < r < 1.12 for r in ratios.values()),
        "the width is off: how many means should lie outside, and is what is drawn put back?",
    )


def check_holm(answer: Callable[[Array, float], NDArray[np.bool_]]) -> None:
    draw = np.random.default_rng(1)
    cases: list[tuple[list[float], float]] = [
        ([0.01, 0.02, 0.03, 0.2], 0.05),
        ([0.2, 0.012, 0.001, 0.03], 0.05),
        ([0.04, 0.001, 0.3, 0.012, 0.016], 0.05),
        ([0.3, 0.024, 0.0249], 0.05),
        ([0.001, 0.04, 0.045], 0.1),
        ([0.02], 0.025),
        ([0.6, 0.7], 0.05),
        ([0.03, 0.03, 0.001], 0.05),
    ]
    cases += [(list(draw.uniform(0, 0.08, n)), level) for n in (3, 6, 9) for level in (0.05, 0.2)]
    for p, level in cases:
        given = np.array(p)
        out = answer(given, level)
        expect(np.array_equal(given, p), "an argument was changed: sort a copy")
        got = array_of(out, given.shape, "True or False for every claim, in the order given") > 0.5
        want = _holm(given, level)
        expect(
            not (got & (given > level)).any(),
            "a claim above the level alone cannot stay with others",
        )
        if got.sum() == want.sum() and not np.array_equal(got, want):
            expect(False, "as many as should stay, but not the same: is the order the given one?")
        alone = given <= level
        if np.array_equal(got, alone) and not np.array_equal(alone, want):
            expect(False, "every claim is judged as if it were the only one")
        strict = given <= level / len(given)
        if np.array_equal(got, strict) and not np.array_equal(strict, want):
            expect(False, "once the best claim stays, how many others are still competing?")
        expect(not (got & ~want).any(), "too many stay: what happens after the first that fails?")
        expect(not (want & ~got).any(), "too few stay: how many competitors has the second best?")


def _holm(p: Array, level: float) -> NDArray[np.bool_]:
    order = np.argsort(p, kind="stable")
    stays = np.zeros(len(p), bool)
    for k, claim in enumerate(order):
        if p[claim] > level / (len(p) - k):
            break
        stays[claim] = True
    return stays
