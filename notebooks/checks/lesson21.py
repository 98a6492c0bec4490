"""Checks of lesson 21: the losses of two players, attention over time, and what tanh allows it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from checks import array_of, expect

Array = NDArray[np.float64]


def check_losses(answer: Callable[[Array, Array], tuple[float, float]]) -> None:
    """On piles of unlike size."""
    draw = np.random.default_rng(0)
    for many, few in ((6, 6), (3, 9), (1, 1)):
        real, fake = draw.normal(0.8, 0.5, many), draw.normal(0.1, 0.5, few)
        kept = real.copy(), fake.copy()
        got = answer(real, fake)
        critic, generator = array_of(got, (2,), "two numbers: the critic's loss, the generator's")
        expect((real == kept[0]).all() and (fake == kept[1]).all(), "an argument was changed")
        first, second = np.mean((real - 1) ** 2) + np.mean(fake**2), np.mean((fake - 1) ** 2)
        if not np.isclose(first, second):
            expect(
                not (np.isclose(critic, second) and np.isclose(generator, first)),
                "the critic's loss comes first",
            )
        expect(
            not np.isclose(critic, np.mean(real**2) + np.mean((fake - 1) ** 2)),
            "which of the two piles should score 1?",
        )
        expect(
            many == 1 or not np.isclose(critic, np.sum((real - 1) ** 2) + np.sum(fake**2)),
            "a mean or a sum?",
        )
        expect(
            not np.isclose(critic, (np.mean((real - 1) ** 2) + np.mean(fake**2)) / 2),
            "the two means are added; nothing halves them here",
        )
        expect(np.isclose(critic, first), "the critic's loss is off: one mean for each pile")
        expect(
            not np.isclose(generator, np.mean(fake**2)), "what would the generator like to score?"
        )
        expect(np.isclose(generator, second), "the generator's loss is off: whose films count?")


def check_pool(answer: Callable[[Array, Array], Array]) -> None:
    """On windows of several lengths, with logits that would overflow without care."""
    draw = np.random.default_rng(1)
    for frames, width, size in ((5, 3, 1.0), (16, 4, 1.0), (1, 2, 1.0), (7, 7, 1000.0)):
        hidden, logits = draw.normal(size=(frames, width)), size * draw.uniform(-3, 3, frames)
        kept = hidden.copy(), logits.copy()
        with np.errstate(all="ignore"):
            got = array_of(answer(hidden, logits), (width,), "one state for the whole window")
        same = np.array_equal(hidden, kept[0]) and np.array_equal(logits, kept[1])
        expect(same, "an argument was changed")
        e = np.exp(logits - logits.max())
        want = (e / e.sum()) @ hidden
        if frames > 1:
            expect(not np.allclose(got, hidden.mean(0)), "that is a plain mean: who attends?")
            expect(not np.allclose(got, logits @ hidden), "weights sum to 1: where is the softmax?")
            expect(
                not np.allclose(got, e @ hidden) or np.isclose(e.sum(), 1), "weights must sum to 1"
            )
            expect(
                not np.allclose(got, hidden[logits.argmax()]) or size > 1,
                "not the one largest moment alone",
            )
        expect(np.allclose(got, want), "off: softmax over the frames, then a weighted sum of them")


def check_largest(answer: Callable[[int], float]) -> None:
    """For several lengths of a window."""
    for frames in (1, 2, 16, 64):
        got = float(array_of(answer(frames), (), "one number, a share"))
        high, low = np.exp(1), np.exp(-1)
        want = high / (high + (frames - 1) * low)
        expect(0 <= got <= 1, "a share lies between 0 and 1")
        expect(
            frames == 1 or not np.isclose(got, high / (high + (frames - 1))),
            "how low may the others' logits go?",
        )
        expect(
            frames == 1 or not np.isclose(got, 1 / frames),
            "that is what all get when all are alike",
        )
        expect(frames == 1 or not np.isclose(got, 1), "softmax of numbers between -1 and 1")
        expect(np.isclose(got, want), "off: one logit as high as tanh allows, all others as low")
