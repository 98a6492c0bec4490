"""Checks of 27_lpips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from checks import array_of, expect


def check_chance(answer: Callable[[int, int], Any]) -> None:
    for right, votes in ((8, 10), (12, 12), (0, 7), (6, 12), (1, 1), (5, 9), (40, 60)):
        got = float(array_of(answer(right, votes), (), "one number"))
        want = sum(comb(votes, k) for k in range(right, votes + 1)) / 2**votes
        if abs(got - want) < 1e-9:
            continue
        for wrong, hint in (
            (comb(votes, right) / 2**votes, "that is exactly so many: a coin that is right more often counts, too"),
            (1 - want, "that is the chance of fewer"),
            (want - comb(votes, right) / 2**votes, "that is the chance of more: so many itself belongs to it"),
            (sum(comb(votes, k) for k in range(right + 1)) / 2**votes, "that is the chance of so many or fewer"),
            (0.5**right, "that is so many in a row; the others may fall either way, in any order"),
            (min(1.0, 2 * want), "one side: so many or more"),
            (right / votes, "that is the share of right votes, not the chance that a coin does as well"),
        ):  # fmt: skip
            expect(abs(got - wrong) > 1e-9, hint)
        expect(
            False, "off: sum over k = right to votes; in how many orders can k of them be right?"
        )


def _case(seed: int) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Maps of two pictures and the weights of their channels."""
    draw = torch.Generator().manual_seed(seed)
    sizes = ((3, 6, 4), (5, 3, 2), (4, 2, 2))
    a, b = ([torch.rand(1, *s, generator=draw) + 0.05 for s in sizes] for _ in range(2))
    return a, b, [torch.rand(s[0], generator=draw) for s in sizes]


def _distance(a: Sequence[Tensor], b: Sequence[Tensor], weights: Sequence[Tensor]) -> float:
    total = 0.0
    for x, y, w in zip(a, b, weights, strict=True):
        x, y = x / x.norm(dim=1, keepdim=True), y / y.norm(dim=1, keepdim=True)
        total += float((w.view(1, -1, 1, 1) * (x - y) ** 2).sum(1).mean())
    return total


def _mistakes(a: list[Tensor], b: list[Tensor], w: list[Tensor]) -> list[tuple[float, str]]:
    plain = [torch.ones_like(x) for x in w]
    flat = [[x / x.norm() for x in maps] for maps in (a, b)]
    parts = [_distance([x], [y], [z]) for x, y, z in zip(a, b, w, strict=True)]
    raw = [(z.view(1, -1, 1, 1) * (x - y) ** 2).sum(1) for x, y, z in zip(a, b, w, strict=True)]
    whole = [(z.view(1, -1, 1, 1) * (x - y) ** 2).sum(1) for x, y, z in zip(*flat, w, strict=True)]
    places = [x.shape[2] * x.shape[3] for x in a]
    return [
        (sum(float(r.mean()) for r in raw), "make the channels at every place a vector of length 1 first"),
        (sum(float(r.mean()) for r in whole), "length 1 at every place, not of the whole map"),
        (_distance(a, b, plain), "where are the weights of the channels?"),
        (sum(parts) / len(parts), "the layers are added; no mean over them"),
        (parts[-1], "that is the last layer alone"),
        (sum(p * n for p, n in zip(parts, places, strict=True)), "over places it is a mean: pictures of any size must compare"),
        (sum(p / len(z) for p, z in zip(parts, w, strict=True)), "over channels it is a sum, not a mean"),
        (_distance(a, b, [z**2 for z in w]), "the weights count once: they stand outside the square"),
        (sum(parts) ** 0.5, "no root"),
    ]  # fmt: skip


def check_lpips(answer: Callable[..., Any]) -> None:
    for seed in range(4):
        a, b, weights = _case(seed)
        kept = [x.clone() for x in (*a, *b, *weights)]
        got = float(array_of(answer(a, b, weights), (), "one number"))
        untouched = all(torch.equal(x, y) for x, y in zip((*a, *b, *weights), kept, strict=True))
        expect(untouched, "an argument was changed")
        if abs(got - _distance(a, b, weights)) < 1e-5:
            continue
        for wrong, hint in _mistakes(a, b, weights):
            expect(abs(got - wrong) > 1e-5, hint)
        expect(
            False, "off: unit vectors, squares, weights, sum over channels, mean over places, sum"
        )
    a, b, weights = _case(9)
    more = a[:2], b[:2], weights[:2]
    got = float(array_of(answer(*more), (), "one number"))
    expect(abs(got - _distance(*more)) < 1e-5, "it must work for any number of layers")


def _blurred(x: NDArray[np.float64], step: int = 2) -> NDArray[np.float64]:
    padded = np.pad(x, 2, mode="reflect")
    return (padded[:-2] + 2 * padded[1:-1] + padded[2:])[::step] / 4


def check_blur_pool(answer: Callable[[NDArray[np.float64]], Any]) -> None:
    draw = np.random.default_rng(0)
    for length in (8, 9, 5, 20):
        x = draw.normal(size=length)
        kept, want = x.copy(), _blurred(x)
        got = np.asarray(answer(x), dtype=np.float64)
        expect(np.array_equal(x, kept), "an argument was changed")
        expect(got.ndim == 1, "return a row of numbers")
        padded = np.pad(x, 2, mode="reflect")
        for wrong, hint in (
            (x[::2], "every second number without a blur is what LPIPS does"),
            (_blurred(x, 1), "the blur is right; now keep every second number"),
            (padded[::2], "where is the blur?"),
            (_blurred(x)[1:], "one is missing at the beginning"),
            (4 * want, "the weights 1, 2, 1 must sum to 1"),
            ((padded[:-2] + padded[1:-1] + padded[2:])[::2] / 3, "the middle counts twice"),
        ):
            expect(got.shape != wrong.shape or not np.allclose(got, wrong), hint)
        for mode in ("constant", "edge", "symmetric", "wrap"):
            bent = np.pad(x, 2, mode=mode)  # type: ignore[call-overload]
            other = (bent[:-2] + 2 * bent[1:-1] + bent[2:])[::2] / 4
            expect(
                got.shape != other.shape or not np.allclose(got, other),
                "beyond the ends the row is mirrored, the last number not repeated: 2 1 | 0 1 2",
            )
        expect(
            got.shape == want.shape,
            f"{length} numbers, two more at each end, in windows of three, every second window: how "
            "many are these?",
        )
        expect(
            np.allclose(got, want), "off: mirror two at each end, weigh 1 2 1, keep every second"
        )
