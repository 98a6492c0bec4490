"""Checks of 07_row_ra."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from checks import array_of, expect
from rsclib.statistics import over_seeds

Array = NDArray[np.float64]
Settings = dict[str, Any]

_PAIRS: list[tuple[Settings, Settings, set[str]]] = [
    ({"lr": 1.0, "batch": 8}, {"lr": 1.0, "batch": 8}, set()),
    ({"lr": 1.0, "batch": 8}, {"lr": 2.0, "batch": 8}, {"lr"}),
    ({"alpha": False, "loss": {"ss": "none"}}, {"loss": {"ss": "none"}}, {"alpha"}),
    ({"loss": {"ss": "none"}}, {"seed": None, "loss": {"ss": "none"}}, {"seed"}),
    ({"loss": {"ss": "none", "feat": "mse"}}, {"loss": {"ss": "none", "feat": "nce"}}, {"loss.feat"}),
    ({"loss": {"ss": "none"}}, {"loss": {"ss": "none", "tau": 0.1}}, {"loss.tau"}),
    ({"net": {"wide": 4, "deep": 2}}, {"net": {"wide": 5}, "x": 1}, {"net.wide", "net.deep", "x"}),
    ({}, {"loss": {"ss": "none", "feat": "none"}}, {"loss.ss", "loss.feat"}),
    ({"steps": [[2, 40], [5, 80]]}, {"steps": [[2, 40], [5, 90]]}, {"steps"}),
]  # fmt: skip


def check_changes(answer: Callable[[Settings, Settings], set[str]]) -> None:
    for first, second, want in _PAIRS:
        for a, b in ((first, second), (second, first)):
            kept = copy.deepcopy(a), copy.deepcopy(b)
            got = answer(a, b)
            expect((a, b) == kept, "an argument was changed")
            expect(got is not None, "it returns nothing: is there a return?")
            expect(
                isinstance(got, set | frozenset | list | tuple),
                f"return a set of names, not {type(got).__name__}",
            )
            found = set(got)
            expect(all(isinstance(name, str) for name in found), "return names, not values")
            outer = {name.split(".")[0] for name in want}
            expect(want or not found, "two equal settings differ in nothing")
            if found == outer and found != want:
                expect(False, "which of the inner settings is it? name it")
            inner = {name.split(".")[-1] for name in want}
            if found == inner and found != want:
                expect(False, "whose inner setting is it? two outer ones may share such a name")
            missing, more = want - found, found - want
            alone = {n for n in missing if n in a.keys() ^ b.keys()}
            expect(
                not alone, "a setting that only one of the two has differs too, whatever it holds"
            )
            expect(not missing, "a difference is overlooked: swap the two, look inside, look again")
            expect(not more, "something is named that is the same in both")


def _sample(
    seed: int, trainings: int, of_seed: float, of_clip: float, within: float, longest: int
) -> tuple[Array, NDArray[np.int64]]:
    """Differences (S, N) of 12 recordings of different length, of which the long ones gain more."""
    draw = np.random.default_rng(seed)
    lengths = np.linspace(2, longest, 12).astype(int)
    clips = of_clip * np.linspace(-1.5, 1.5, 12) + draw.normal(0, of_clip / 3, 12)
    lines = of_seed * np.linspace(-1.3, 1.3, trainings)
    table = 2 + np.repeat(clips, lengths) + draw.permutation(lines)[:, None]
    table = table + draw.normal(0, within, (trainings, lengths.sum()))
    return table, np.repeat(draw.permutation(12) * 5 + 3, lengths)


def check_two_level(
    answer: Callable[[Array, Any, np.random.Generator], tuple[float, float]],
) -> None:
    kinds = {
        "seeds": [_sample(k, 5 + k, of_seed=3, of_clip=1, within=1, longest=30) for k in range(3)],
        "clips": [
            _sample(k, 3 + k, of_seed=0.2, of_clip=4, within=1, longest=30) for k in range(3)
        ],
        "within": [_sample(k, 3, of_seed=0.2, of_clip=0.5, within=9, longest=5) for k in range(3)],
    }
    ratios: dict[str, float] = {}
    for kind, samples in kinds.items():
        found, shifts = [], []
        for k, (difference, clip) in enumerate(samples):
            kept = difference.copy()
            out = answer(difference, clip, np.random.default_rng(k))
            expect((difference == kept).all(), "an argument was changed")
            low, high = array_of(out, (2,), "two numbers, the lower and the upper end")
            expect(low < high, "the lower end comes first")
            _, *want = over_seeds(difference, clip, n_resamples=10000, seed=k + 7)
            width = want[1] - want[0]
            found.append((high - low) / width)
            shifts.append(abs(low + high - sum(want)) / 2 / width)
        ratios[kind] = float(np.mean(found))
        expect(
            max(shifts) < 0.15,
            "off centre: may a recording of 2 images weigh as much as one of 30?",
        )
    expect(
        ratios["seeds"] > 0.75,
        "too narrow where trainings differ: is a seed drawn as a whole, for all recordings at once?",
    )
    expect(ratios["seeds"] < 1.35, "too wide where trainings differ: how many seeds make one mean?")
    expect(
        ratios["clips"] > 0.75,
        "too narrow where recordings differ: a repeated test has the same ones for every seed",
    )
    expect(
        ratios["clips"] < 1.35, "too wide where recordings differ: how many has a repeated test?"
    )
    expect(ratios["within"] < 1.15, "too wide: is something drawn that should stay whole?")
    worst = max(abs(math.log(ratio)) for ratio in ratios.values())
    expect(worst < 0.1, "the width is a little off: how many of the means should lie outside?")


def check_recordings_needed(answer: Callable[[Array, float], int]) -> None:
    draw = np.random.default_rng(2)
    for clips, mean, spread, z in (
        (6, 1.0, 3.0, 1.96), (9, 0.5, 2.6, 2.8), (20, 0.8, 1.5, 1.96), (5, 2.0, 4.0, 2.8), (40, 0.3, 2.0, 1.64),
    ):  # fmt: skip
        values = draw.normal(size=clips)
        values = mean + spread * (values - values.mean()) / values.std(ddof=1)
        kept = values.copy()
        n = float(array_of(answer(values, z), (), "one whole number"))
        expect((values == kept).all(), "an argument was changed")
        exact = (z * spread / mean) ** 2
        want = math.floor(exact) + 1
        expect(n == round(n), "a test has a whole number of recordings")
        if (biased := math.floor(exact * (clips - 1) / clips) + 1) != want:
            expect(
                n != biased, "the spread of these few is a little less than that of all recordings"
            )
        expect(
            n != math.floor(math.sqrt(exact)) + 1,
            "how many times as many halve an interval: two, or four?",
        )
        expect(n != want - 1, "with that many the interval is still a little too wide")
        expect(
            n != math.floor(exact * clips) + 1,
            "s is the spread of recordings, not that of their mean",
        )
        if z != 1.96:
            expect(n != math.floor(exact * (1.96 / z) ** 2) + 1, "z is an argument: use it")
        expect(
            n == want, "put your n into the formula of the text: is it smaller than the gain now?"
        )
