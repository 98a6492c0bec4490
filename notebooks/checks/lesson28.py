"""Checks of 28_texture_tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from checks import array_of, expect
from rsclib.votes import share_of

Array = NDArray[np.float64]
_POLLS = [(7, 10), (10, 10), (0, 10), (194, 210), (1, 3), (60, 128), (1, 1), (499, 900)]
_SHARES = (0.924, 0.75, 0.6, 1.0, 0.66, 0.57)


def check_gain(answer: Callable[[Array, Array, bool], Array]) -> None:
    draw = np.random.default_rng(0)
    for people, higher in ((5, False), (5, True), (12, False), (9, True)):
        better, than = draw.normal(20, 4, (2, people))
        kept = better.copy(), than.copy()
        got = array_of(answer(better, than, higher), (people,), "a gain for every person")
        expect(np.array_equal(better, kept[0]) and np.array_equal(than, kept[1]),
               "an argument was changed")  # fmt: skip
        want = better - than if higher else than - better
        expect(not np.allclose(got, -want), "the sign: above 0 the first one is better")
        expect(not np.allclose(got, np.sort(want)), "keep the people in their order")
        expect(not np.allclose(got, np.abs(want)), "some people lose: their gain is below 0")
        expect(np.allclose(got, want), "off: one difference a person, in the measure's own unit")


def check_interval(answer: Callable[[int, int], Any]) -> None:
    for wins, votes in _POLLS:
        low, high = array_of(answer(wins, votes), (2,), "two ends, low and high")
        exact = share_of(wins, votes)
        where = f"{wins} of {votes}"
        expect(low <= high, f"{where}: the low end comes first")
        expect(high <= 1, f"{where}: shares lie from 0 to 1, not per cent")
        p = wins / votes
        normal = 1.96 * np.sqrt(p * (1 - p) / votes)
        expect(
            not np.allclose((low, high), np.clip((p - normal, p + normal), 0, 1), atol=2e-4)
            or np.allclose((low, high), exact[3:], atol=2e-4),
            f"{where}: that is the normal approximation, which is sure of 10 of 10",
        )
        expect(
            np.allclose((low, high), exact[3:], atol=1e-5),
            f"{where}: off. At the low end as many wins or more have a chance of 2.5 %, at the high end as "
            "many or fewer",
        )


def _needed(share: float) -> int:
    return next(n for n in range(1, 2001) if share_of(round(share * n), n).low > 0.5)


def check_votes_needed(answer: Callable[[float], int]) -> None:
    for share in _SHARES:
        got = answer(share)
        expect(
            isinstance(got, int | np.integer) and not isinstance(got, bool), "return a whole number"
        )
        want = _needed(share)
        expect(got >= want, f"share {share}: with {got} votes the interval still reaches a half")
        expect(got == want, f"share {share}: fewer than {got} votes are enough")
