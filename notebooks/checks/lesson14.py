"""Checks of lesson 14: all bodies behind a picture, the losses of 25 critics, and the best critic."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from checks import array_of, expect

Array = NDArray[np.float64]


def check_depths(answer: Callable[[Array, Array], Array]) -> None:
    """On chains of one to four bones that all lean."""
    draw = np.random.default_rng(0)
    for bones in (1, 2, 3, 4):
        lengths = draw.uniform(0.2, 0.5, bones)
        share, angle = draw.uniform(0.2, 0.9, bones), draw.uniform(0, 7, bones)
        steps = (lengths * share)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
        points = draw.normal(size=2) + np.concatenate([np.zeros((1, 2)), steps.cumsum(0)])
        kept = points.copy(), lengths.copy()
        shape = (2**bones, bones + 1)
        got = array_of(answer(points, lengths), shape, "a row for every body, a column a joint")
        same = np.array_equal(points, kept[0]) and np.array_equal(lengths, kept[1])
        expect(same, "an argument was changed")
        expect(np.allclose(got[:, 0], 0), "the first joint is at depth 0 in all of them")
        rise = np.abs(np.diff(got, axis=1))
        own = np.sqrt(lengths**2 - (steps**2).sum(1))
        expect(
            not np.allclose(np.abs(got[:, 1:]), own) or bones == 1,
            "a bone begins where the one before it ends: are depths summed along the chain?",
        )
        expect(
            np.allclose(np.hypot(rise, np.linalg.norm(steps, axis=1)), lengths),
            "a bone has not its length: Pythagoras, with its length in the picture",
        )
        signs = {tuple(line) for line in np.diff(got, axis=1) > 0}
        expect(len(signs) == 2**bones, "some body is there twice, and another is missing")


def check_losses(answer: Callable[[Array, Sequence[Array]], tuple[float, float]]) -> None:
    """On batches of several sizes."""
    draw = np.random.default_rng(1)
    for images, critics in ((4, 25), (1, 25), (6, 3)):
        real = draw.normal(0.7, 0.4, (3 * images, critics))
        iterates = [draw.normal(0.2, 0.4, (images, critics)) for _ in range(3)]
        kept = real.copy(), [i.copy() for i in iterates]
        got = answer(real, iterates)
        critic, network = array_of(got, (2,), "two numbers: the critics' loss, the network's")
        same = all(np.array_equal(a, b) for a, b in zip(iterates, kept[1], strict=True))
        expect(same and np.array_equal(real, kept[0]), "an argument was changed")
        fake = np.concatenate(iterates)
        first = ((real - 1) ** 2).sum(1).mean() + (fake**2).sum(1).mean()
        second = ((fake - 1) ** 2).sum(1).mean()
        expect(
            not np.isclose(critic, second) and not np.isclose(network, first),
            "the critics' loss comes first",
        )
        expect(not np.isclose(critic, first / critics), "over the critics it is a sum, not a mean")
        last = ((iterates[-1] - 1) ** 2).sum(1).mean()
        expect(not np.isclose(network, last), "which of the iterates are judged?")
        expect(not np.isclose(network, 3 * second), "a mean over all fakes, not a sum of means")
        expect(
            not np.isclose(critic, ((real - 1) ** 2).sum() + (fake**2).sum()),
            "over the bodies it is a mean",
        )
        expect(
            not np.isclose(critic, (real**2).sum(1).mean() + ((fake - 1) ** 2).sum(1).mean()),
            "which of the two piles should score 1?",
        )
        expect(np.isclose(critic, first), "the critics' loss is off")
        expect(
            not np.isclose(network, (fake**2).sum(1).mean()), "what would the network like to hear?"
        )
        expect(np.isclose(network, second), "the network's loss is off")


def check_best(answer: Callable[[list[int], list[int], list[int]], Array]) -> None:
    """On piles of unlike length, with values that one or both lack."""
    draw = np.random.default_rng(2)
    for real_count, fake_count in ((40, 40), (30, 90), (1, 5)):
        real = draw.integers(0, 8, real_count).tolist()
        fake = draw.integers(-4, 5, fake_count).tolist()
        values = list(range(-6, 10))
        got = array_of(answer(values, list(real), list(fake)), (len(values),), "a score a value")
        p = np.array([real.count(v) / len(real) for v in values])
        q = np.array([fake.count(v) / len(fake) for v in values])
        both = p + q
        want = np.where(both > 0, p / np.where(both > 0, both, 1), 0.5)
        counts = np.array([real.count(v) + fake.count(v) for v in values])
        naive = np.where(counts > 0, [real.count(v) for v in values] / np.maximum(counts, 1), 0.5)
        expect(
            real_count == fake_count or not np.allclose(got, naive) or np.allclose(naive, want),
            "each pile's mean counts once, however many are in it: shares, not numbers",
        )
        expect(np.allclose(got[both == 0], 0.5), "where neither pile has the value it is 0.5")
        expect((got[(p > 0) & (q == 0)] == 1).all(), "who is met among the real alone scores 1")
        expect(np.allclose(got[(p == 0) & (q > 0)], 0), "who is met among the fakes alone scores 0")
        expect(np.allclose(got, want), "off where both piles have the value: minimise p(D-1)²+qD²")
