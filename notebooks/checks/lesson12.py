"""Checks of 12_ablation_tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from checks import array_of, expect
from rsclib.statistics import over_seeds

Array = NDArray[np.float64]
Interval = tuple[float, float]
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


def _sample(
    seed: int,
    of_seeds: float,
    of_recordings: float,
    of_clips: float,
    of_images: float,
    trained: int,
) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
    """Gains of nine recordings of two to five clips of unequal length, the longer the larger."""
    draw = np.random.default_rng(seed)
    cut = np.array([2, 3, 4, 5, 2, 3, 4, 5, 3])
    recording = np.repeat(draw.permutation(9) * 3 + 5, cut)  # of each clip
    lengths = np.linspace(2, 14, len(recording)).astype(int)
    means = np.repeat(of_recordings * np.linspace(-1, 1, 9), cut)
    means = means + of_clips * draw.choice([-1.0, 1.0], len(recording))
    names = draw.permutation(len(recording)) + 100
    gains = 2 + np.repeat(means, lengths) + draw.normal(0, of_images, (trained, lengths.sum()))
    gains += of_seeds * np.linspace(-1, 1, trained)[:, None]
    return gains, np.repeat(recording, lengths), np.repeat(names, lengths)


def check_interval(
    answer: Callable[[Array, NDArray[Any], NDArray[Any], np.random.Generator], Interval],
) -> None:
    kinds = {
        "seeds": (3.0, 0.3, 0.3, 1.0, 4),
        "recordings": (0.2, 3.0, 0.2, 1.0, 3),
        "clips": (0.1, 0.1, 3.0, 1.0, 3),
        "images": (0.1, 0.1, 0.1, 20.0, 5),
    }
    ratios: dict[str, float] = {}
    shifts = []
    for seed, (kind, scale) in enumerate(kinds.items(), start=1):
        gains, recordings, clips = _sample(seed, *scale)
        kept = gains.copy()
        out = answer(gains, recordings, clips, np.random.default_rng(seed))
        low, high = array_of(out, (2,), "two numbers, the lower and the upper end")
        expect(np.array_equal(gains, kept), "an argument was changed")
        expect(low < high, "the lower end comes first")
        names = [f"{r}/{c}" for r, c in zip(recordings, clips, strict=True)]
        want = over_seeds(gains, names, n_resamples=8000, seed=3)
        ratios[kind] = (high - low) / (want.high - want.low)
        shifts.append(abs(low + high - want.low - want.high) / 2 / (want.high - want.low))
    expect(ratios["seeds"] > 0.6, "another training would give another gain: is that drawn?")
    expect(ratios["recordings"] > 0.6, "another day would show others: is that drawn as a whole?")
    expect(max(ratios.values()) < 1.6, "far too wide: is all that was drawn averaged each time?")
    expect(ratios["clips"] > 0.88, "a recording could have been cut elsewhere: is that drawn?")
    expect(ratios["images"] < 1.15, "too wide: is anything drawn that should stay together?")
    expect(max(shifts) < 0.13, "off centre: may a clip of 2 images weigh as much as one of 14?")
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
