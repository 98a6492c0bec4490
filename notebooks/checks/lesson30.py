"""Checks of 30_the_paper_on_a_page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import norm

from checks import array_of, expect


def check_least(answer: Callable[..., Any]) -> None:
    draw = np.random.default_rng(0)
    cases = [(-1.0, 3.0), (2.0, 2.5), (-6.0, -1.0), *draw.normal(0, 4, (6, 2)).tolist()]
    for a, b in cases:
        low, high = min(a, b), max(a, b)
        got = float(array_of(answer(low, high), (), "one number, mm"))
        expect(
            abs(got - (high - low)) > 1e-9,
            "from the gain to its lower end it is not the whole width",
        )
        expect(got > 0, "a width does not depend on which side of 0 the interval lies")
        expect(abs(got - (high - low) / 2) < 1e-9, "how far is the lower end below the gain?")


def check_odds(answer: Callable[..., Any]) -> None:
    draw = np.random.default_rng(1)
    for _ in range(12):
        true, half = draw.normal(0, 3), draw.uniform(0.3, 5)
        low, high = draw.normal(0, 5) + np.array([-half, half])
        got = float(array_of(answer(true, low, high), (), "one probability"))
        se = half / norm.ppf(0.975)
        want = norm.sf(norm.ppf(0.975) - true / se)
        expect(0 <= got <= 1, "a probability lies between 0 and 1")
        two = want + norm.cdf(-norm.ppf(0.975) - true / se)
        expect(
            abs(got - two) > 1e-6 or abs(two - want) < 1e-6,
            "an interval wholly below 0 is no success: only one side counts",
        )
        expect(
            abs(got - norm.sf(norm.ppf(0.975) - true / half)) > 1e-6,
            "half the interval is 1.96 standard errors, not one",
        )
        expect(
            abs(got - want) < 1e-6,
            "the gain found is normal about the true one; when is low above 0?",
        )


def check_count(answer: Callable[..., Any]) -> None:
    draw = np.random.default_rng(2)
    for n in (1, 2, 3, 7, 22):
        odds = draw.uniform(0, 1, n)
        kept = odds.copy()
        got = array_of(answer(odds), (n + 1,), "n + 1 probabilities, of 0 to n successes")
        expect((odds == kept).all(), "the argument was changed")
        want = np.array([1.0])
        for p in odds:
            want = np.convolve(want, [1 - p, p])
        expect(abs(got.sum() - 1) < 1e-6, "the probabilities of all counts add up to one")
        expect(
            n == 1 or not np.allclose(got, np.convolve(want, [1.0])[::-1]),
            "entry k is the probability of k successes, not of k failures",
        )
        from scipy.stats import binom

        alike = binom.pmf(range(n + 1), n, odds.mean())
        expect(
            n == 1 or not np.allclose(got, alike),
            "claims have chances of their own, not the mean one",
        )
        expect(
            np.allclose(got, want, atol=1e-8),
            "one claim more: either it fails, or the count moves by one",
        )
