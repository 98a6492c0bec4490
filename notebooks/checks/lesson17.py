"""Checks of 17_rival_feaen."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from checks import array_of, expect

Array = NDArray[np.float64]


def check_lsgan(answer: Callable[[Array, Array], Any]) -> None:
    draw = np.random.default_rng(0)
    for many, few in ((5, 3), (2, 9), (40, 10)):
        real, made = draw.normal(0.7, 0.8, many), draw.normal(0.2, 0.6, few)
        kept = real.copy(), made.copy()
        found = answer(real, made)
        expect(np.array_equal(real, kept[0]), "an argument was changed")
        expect(np.array_equal(made, kept[1]), "an argument was changed")
        got = array_of(found, (2,), "two numbers, the critic's loss first")
        high, low = ((real - 1) ** 2).mean(), (made**2).mean()
        want = np.array([high + low, ((made - 1) ** 2).mean()])
        expect(not np.allclose(got, want[::-1]), "the critic's loss comes first")
        pooled = (((real - 1) ** 2).sum() + (made**2).sum()) / (many + few)
        expect(
            abs(got[0] - pooled) > 1e-9, "each kind has a mean of its own, however many there are"
        )
        swapped = (real**2).mean() + ((made - 1) ** 2).mean()
        expect(abs(got[0] - swapped) > 1e-9, "the critic wants 1 for which kind?")
        expect(abs(got[0] - want[0] / 2) > 1e-9, "half of it: the formula above has no half")
        expect(abs(got[1] - low) > 1e-9, "the network wants its own features to be taken for real")
        expect(
            abs(got[0] - want[0]) < 1e-7,
            "the critic's loss: what is it for scores of exactly 1 and 0, and for two scores of ½?",
        )
        expect(
            abs(got[1] - want[1]) < 1e-7,
            "the network's part: only made-up features have a share in it; for scores of 1 it is 0",
        )


def check_best_critic(answer: Callable[[Array, Array], Array]) -> None:
    draw = np.random.default_rng(1)
    for bins, many, few in ((4, 30, 12), (9, 50, 400), (1, 3, 5)):
        real = draw.multinomial(many, draw.dirichlet(np.ones(bins))).astype(float)
        made = draw.multinomial(few, draw.dirichlet(np.ones(bins))).astype(float)
        if bins > 1:
            real[1] += real[0]
            made[1] += made[0]
            real[0] = made[0] = 0  # nobody there
            real[2] += 2
            made[2] = 0
        kept = real.copy(), made.copy()
        given = real.astype(np.int64), made.astype(np.int64)
        with np.errstate(all="ignore"):
            found = answer(*given)
        same = all(np.array_equal(a, b) for a, b in zip(given, kept, strict=True))
        expect(same, "an argument was changed")
        values = np.asarray(found, dtype=np.float64) if found is not None else None
        if values is not None and values.shape == (bins,) and bins > 1:
            expect(np.isfinite(values[0]), "0 of 0: what of a bin where nobody was found?")
        got = array_of(found, (bins,), "one score a bin")
        p, q = real / real.sum(), made / made.sum()
        total = p + q
        want = np.where(total > 0, p / np.where(total > 0, total, 1), 0.5)
        counted = real + made
        naive = np.where(counted > 0, real / np.where(counted > 0, counted, 1), 0.5)
        if not np.allclose(naive, want):
            expect(
                not np.allclose(got, naive),
                "twice as many real features everywhere should change nothing: shares, not counts",
            )
        if not np.allclose(1 - want, want):
            expect(not np.allclose(got, 1 - want), "that is the chance of being made up")
        there = total > 0
        expect(
            bins == 1 or abs(got[2] - 1) < 1e-9, "only real ones there: what would the critic say?"
        )
        expect(
            np.allclose(got[there], want[there], atol=1e-9),
            "put two real and one made-up feature of three each into a bin, and minimise on paper",
        )
        expect(np.allclose(got, want), "a bin where nobody was found: ½")


def check_mates(answer: Callable[[Array, Array], Any]) -> None:
    draw = np.random.default_rng(2)
    for count, width in ((1, 2), (4, 2), (6, 3), (8, 2)):
        small, sharp = draw.normal(0, 1, (2, count, width))
        if count > 4:
            # Somebody far out makes a far claim: greedy pairing and plain distances go wrong here.
            sharp[0] = 6 * small[1]
            small[0] = 1.2 * small[1]
        kept = small.copy(), sharp.copy()
        got = array_of(answer(small, sharp), (count,), "a row of sharp for each small feature")
        expect(
            np.array_equal(small, kept[0]) and np.array_equal(sharp, kept[1]),
            "an argument was changed",
        )
        rows = got.astype(int)
        expect((rows == got).all(), "whole numbers, rows of sharp")
        expect(
            sorted(rows) == list(range(count)),
            "every sharp feature is used exactly once, or the heap would not be the sharp one",
        )
        apart = ((small[:, None] - sharp[None]) ** 2).sum(-1)
        orders = np.array(list(itertools.permutations(range(count))))
        costs = apart[np.arange(count), orders].sum(1)
        best, mine = orders[costs.argmin()], apart[np.arange(count), rows].sum()
        inverse = np.argsort(best)
        if not np.array_equal(inverse, best):
            expect(
                not np.array_equal(rows, inverse),
                "that says for each sharp feature who becomes it; the other way round",
            )
        plain = np.sqrt(apart)[np.arange(count), orders].sum(1)
        if plain.argmin() != costs.argmin():
            expect(
                not np.array_equal(rows, orders[plain.argmin()]), "squared distances are added up"
            )
        expect(
            mine < costs.min() + 1e-7,
            f"it moves {mine:.2f} in all, and {costs.min():.2f} is possible: may the first choose first?",
        )
