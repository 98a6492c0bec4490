"""Checks of 15_rival_spin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from checks import array_of, expect

Array = NDArray[np.float64]


def _rho(residual: Array, sigma: float) -> Array:
    return sigma**2 * residual**2 / (sigma**2 + residual**2)


def check_pull(answer: Callable[[Array, float], Array]) -> None:
    draw = np.random.default_rng(0)
    for sigma in (100.0, 30.0, 1.5):
        residual = draw.normal(0, 2 * sigma, (6, 2))
        kept = residual.copy()
        got = array_of(answer(residual, sigma), (6, 2), "one pull for each residual")
        expect(np.array_equal(residual, kept), "an argument was changed")
        square = sigma**2 + residual**2
        want = 2 * residual * sigma**4 / square**2
        expect(not np.allclose(got, _rho(residual, sigma)), "that is the cost; we want its slope")
        expect(
            not np.allclose(got, 2 * residual), "that is the slope of squares: no point gives up"
        )
        expect(not np.allclose(got, np.abs(want)), "a pull has a direction: what of its sign?")
        expect(not np.allclose(got, -want), "the slope, not the step that goes down it")
        expect(not np.allclose(got, want / 2), "half of it: what is the slope of a square?")
        expect(
            np.allclose(got, want, rtol=1e-6, atol=1e-12),
            "off: compare it with (rho(r + h) - rho(r - h)) / (2 h) for a small h, and vary sigma",
        )
    still = array_of(answer(np.zeros(3), 50.0), (3,), "one pull for each residual")
    expect((still == 0).all(), "a point on its mark pulls nowhere")


def check_error(answer: Callable[[Array, Array, Array, float], float]) -> None:
    draw = np.random.default_rng(1)
    for case in range(6):
        sigma = float(draw.uniform(20, 150))
        points = draw.uniform(-112, 112, (24, 2))
        marks = points + draw.normal(0, 0.5 * sigma, (24, 2))
        sure = draw.uniform(0.2, 1, 24) if case else np.ones(24)
        if case > 1:
            sure[draw.random(24) < 0.3] = 0
        if case > 3:
            marks[sure == 0] = np.nan if case > 4 else 9000
        kept = points.copy(), marks.copy(), sure.copy()
        found = answer(points, marks, sure, sigma)
        same = all(
            np.array_equal(a, b, equal_nan=True)
            for a, b in zip((points, marks, sure), kept, strict=True)
        )
        expect(same, "an argument was changed")
        got = float(array_of(found, (), "one number, px²"))
        seen = sure > 0
        off, weight = (points - marks)[seen], sure[seen] ** 2
        cost = _rho(off, sigma).sum(1)
        want = (weight * cost).sum() / weight.sum()

        def is_(value: float, got: float = got) -> bool:
            return abs(got - value) < 1e-7 * abs(value)

        expect(case == 0 or not is_((sure[seen] * cost).sum() / sure[seen].sum()), "confidence counts squared")  # fmt: skip
        expect(case == 0 or not is_(cost.mean()), "sure points count as much as unsure ones?")
        expect(
            not is_((weight * cost).sum()), "a sum, not a mean: two marks are not better than 24"
        )
        expect(not is_((weight * cost).sum() / 24) or case == 0, "divide by the weights")
        expect(not is_(want / 2), "the costs of x and y add up")
        expect(not is_(float(np.sqrt(want))), "px², without the root")
        squares = (weight * (off**2).sum(1)).sum() / weight.sum()
        expect(not is_(squares), "plain squares: where is Geman and McClure's function?")
        whole = (weight * _rho(np.linalg.norm(off, axis=1), sigma)).sum() / weight.sum()
        expect(not is_(whole), "the library takes rho of x and of y, each alone")
        expect(is_(want), "off: try one point, 30 px from its mark in x, and vary sigma")
    nobody = answer(points, marks, np.zeros(24), 100.0)
    expect(nobody is not None and np.isinf(float(nobody)) and float(nobody) > 0,
           "nothing is marked: such a fit must never count as the best one")  # fmt: skip


def check_step(answer: Callable[[dict[int, float], list[int], list[float], float], Any]) -> None:
    inf = float("inf")
    cases: list[tuple[dict[int, float], list[int], list[float], float]] = [
        ({}, [3, 5], [50.0, 150.0], 100.0),
        ({3: 50.0, 9: 8.0}, [3, 5], [80.0, 99.0], 100.0),
        ({3: 50.0}, [3], [20.0], 30.0),
        ({1: 40.0, 2: 400.0}, [2, 1, 2], [90.0, 300.0, 60.0], 70.0),
        ({1: 40.0}, [4, 4, 1], [100.0, 120.0, inf], 100.0),
        ({7: inf}, [7, 8], [inf, 12.0], 100.0),
        ({7: 30.0}, [7], [30.0], 30.0),
    ]
    for best, ids, errors, threshold in cases:
        kept = dict(best), list(ids), list(errors)
        got = answer(best, ids, errors, threshold)
        expect((best, ids, errors) == kept, "an argument was changed: make a new dictionary")
        expect(
            isinstance(got, tuple | list) and len(got) == 2, "return two things: best and taught"
        )
        new, taught = got
        expect(isinstance(new, dict), "best is a dictionary, image to error")
        want = dict(best)
        for k, e in zip(ids, errors, strict=True):
            want[k] = min(want.get(k, inf), e)
        expect(set(best) <= set(new), "images outside this batch keep what is known of them")
        expect(
            set(new) == set(want), "every image of the batch has an entry, and no other is added"
        )
        expect(
            all(new[k] <= best.get(k, inf) for k in ids),
            "a worse fit must not replace a better one",
        )
        expect(new == want, "an image may be there twice: then its better fit counts")
        marks = [bool(x) for x in array_of(taught, (len(ids),), "taught, one for each of ids")]
        at = [want[k] == threshold for k in ids]
        expect(
            not any(a and m for a, m in zip(at, marks, strict=True)),
            "only *below* the threshold, not at it",
        )
        expect(
            marks == [want[k] < threshold for k in ids],
            "what teaches is the best fit known of an image, not the fit just made",
        )
