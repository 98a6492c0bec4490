"""Checks of 00_start_here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from checks import array_of, expect

Array = NDArray[np.float64]


def check_mpjpe(answer: Callable[[Array, Array], float]) -> None:
    draw = np.random.default_rng(0)
    for spread in (1.0, 0.1, 3.0):
        a, b = spread * draw.normal(size=(2, 14, 3)) + draw.normal(size=(2, 1, 3))
        kept = a.copy(), b.copy()
        got = float(array_of(answer(a, b), (), "one number for all joints"))
        expect((a == kept[0]).all() and (b == kept[1]).all(), "an argument was changed")
        distances = np.linalg.norm(a - b, axis=1)
        want = 1000 * distances.mean()

        def same(other: float, got: float = got) -> bool:
            return abs(got - other) < 1e-6 * abs(other)

        expect(not same(want / 1000), "which unit do the joints have, and which the answer?")
        expect(not same(1000 * distances.sum()), "a body with more joints would look worse: why?")
        expect(
            not same(1000 * np.sqrt((distances**2).mean())),
            "one joint that is far off counts too much: a mean of distances has no squares in it",
        )
        expect(
            not same(1000 * np.abs(a - b).sum(1).mean()),
            "a diagonal is shorter than the way along the axes",
        )
        expect(
            not same(1000 * np.abs(a - b).mean()), "average over joints, not over coordinates too"
        )
        expect(
            same(want), "try two joints by hand: one where it should be, one 3 cm off along an axis"
        )


def check_centred(answer: Callable[[Tensor, Sequence[int]], Tensor]) -> None:
    draw = torch.Generator().manual_seed(0)
    for root, people in (([2, 3], 3), ([0], 2), ([5, 1, 9], 4)):
        joints = torch.randn(people, 14, 3, generator=draw)
        before = joints.clone()
        out = answer(joints, root)
        expect(torch.equal(joints, before), "the argument was changed: return a new tensor")
        got = torch.from_numpy(array_of(out, tuple(joints.shape), "joints like the argument"))
        root_of_each = joints[:, root].mean(1, keepdim=True)

        def same(other: Tensor, got: Tensor = got) -> bool:
            return torch.allclose(got, other.double(), atol=1e-5)

        everyone = joints - root_of_each.mean(0, keepdim=True)
        expect(not same(everyone), "where is the second person's root now?")
        if len(root) > 1:
            one = joints - joints[:, root[:1]]
            expect(not same(one), "several joints are named: the root lies between them")
        expect(
            not same(joints - joints.mean(1, keepdim=True)),
            "that is the middle of the whole body: lifting an arm would move it",
        )
        expect(not same(joints + root_of_each), "it went the wrong way")
        moved = got - joints
        expect(
            torch.allclose(moved, moved[:, :1].expand_as(moved), atol=1e-5),
            "a person is moved as a whole: every joint by the same vector",
        )
        expect(
            same(joints - root_of_each),
            "look at the joints that root names, before and after: where should they lie?",
        )


Interval = tuple[float, float]


def _by_clip(values: Array, clips: Array) -> Interval:
    """The reference, of ten times as many draws."""
    names = np.unique(clips)
    sums = np.array([values[clips == name].sum() for name in names])
    counts = np.array([(clips == name).sum() for name in names])
    pick = np.random.default_rng(2).integers(0, len(names), (20000, len(names)))
    low, high = np.percentile(sums[pick].sum(1) / counts[pick].sum(1), [2.5, 97.5])
    return float(low), float(high)


def _sample(seed: int, between: float, within: float, longest: int) -> tuple[Array, Array]:
    """Errors of clips of different length, of which the long ones are the harder ones."""
    draw = np.random.default_rng(seed)
    lengths = np.linspace(2, longest, 12).astype(int)
    means = 100 + between * np.linspace(-1, 1, 12) + draw.normal(0, between / 2, 12)
    values = np.repeat(means, lengths) + draw.normal(0, within, lengths.sum())
    return values, np.repeat(draw.permutation(12) * 7 + 3, lengths)


def check_interval(answer: Callable[[Array, Array, np.random.Generator], Interval]) -> None:
    far = [_sample(seed, between=20, within=5, longest=40) for seed in range(3)]
    noisy = [_sample(seed, between=4, within=30, longest=5) for seed in range(3)]
    ratios, shifts = [], []
    for seed, (values, clips) in enumerate((*far, *noisy)):
        out = answer(values, clips, np.random.default_rng(seed))
        low, high = array_of(out, (2,), "two numbers, the lower and the upper end")
        expect(low < high, "the lower end comes first")
        expect(low < values.mean() < high, "the mean of all values should lie between the ends")
        want = _by_clip(values, clips)
        width = want[1] - want[0]
        ratios.append((high - low) / width)
        shifts.append(abs(low + high - sum(want)) / 2 / width)
    between, within = np.mean(ratios[:3]), np.mean(ratios[3:])
    expect(between > 0.6, "too narrow: are the frames of one clip independent, and who is outside?")
    expect(between < 1.6, "far too wide: how many clips does a second test set have?")
    expect(max(shifts) < 0.12, "off centre: may a clip of 2 frames weigh as much as one of 40?")
    expect(within < 1.15, "too wide: is something drawn that should stay whole? are all drawn?")
    expect(
        0.92 < between < 1.1 and within > 0.92,
        "the width is off: how many of the means should lie outside, and is a drawn clip put back?",
    )
