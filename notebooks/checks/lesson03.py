"""Checks of 03_resolution_aware_network."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from checks import array_of, expect


def check_count(answer: Callable[[Sequence[int], int], int]) -> None:
    for blocks, ranges in (((3, 4, 6, 3), 5), ((2, 2, 3, 2), 4), ((3, 8), 7), ([1, 4, 5], 3)):
        got = float(array_of(answer(blocks, ranges), (), "one number"))
        product = 1
        for b in blocks:
            product *= b
        expect(got not in (product, product * ranges), "are the blocks of two stages combined?")
        expect(got != sum(blocks), "how many rows does the matrix have?")
        expect(got != sum(blocks) + ranges, "a matrix has an entry for each pair")
        expect(got != len(blocks) * ranges, "a stage has several blocks")
        expect(
            got != (sum(blocks) - len(blocks)) * ranges,
            "the blocks that shrink the map have an alpha too",
        )
        expect(got == sum(blocks) * ranges, "draw the matrix for two stages and three ranges")


def check_block(answer: Callable[[Tensor, Tensor, Tensor, int, Tensor], Tensor]) -> None:
    draw = torch.Generator().manual_seed(0)
    cases = (((5, 4, 3, 3), [0, 4, 4, 2, 1], 3), ((6, 3, 2, 4), [1, 1, 0, 3, 4, 2], 0))
    for shape, ranges, k in cases:
        shortcut, h = torch.randn(2, *shape, generator=draw)
        alpha, index = torch.randn(5, 6, generator=draw), torch.tensor(ranges)
        kept = [v.clone() for v in (shortcut, h, alpha, index)]
        weight = alpha[index, k][:, None, None, None]
        out = answer(shortcut, h, alpha, k, index)
        for name, now, before in zip(
            ("shortcut", "h", "alpha", "range_index"),
            (shortcut, h, alpha, index),
            kept,
            strict=True,
        ):
            expect(torch.equal(now, before), f"{name} was changed in place: the caller may need it")
        got = torch.from_numpy(array_of(out, shape, "maps of (B, C, H, W)")).float()

        def same(other: Tensor, got: Tensor = got) -> bool:
            return any(torch.allclose(got, v, atol=1e-5) for v in (other, other.relu()))

        first = alpha[: len(h), k]
        if len(first) == len(h):
            by_place = shortcut + first[:, None, None, None] * h
            expect(not same(by_place), "is the third sample of a batch always of the third range?")
        expect(not same(weight * shortcut + h), "which of the two branches is weighed?")
        expect(not same(weight * (shortcut + h)), "the shortcut goes through unweighed")
        expect(not same(shortcut + h), "alpha is not used")
        expect(not same(shortcut + alpha[0, k] * h), "every sample has the range of the first")
        expect(
            not same(shortcut + alpha[index].mean(1)[:, None, None, None] * h),
            "one block has one weight: which column?",
        )
        plain = shortcut + weight * h
        expect(
            not torch.allclose(got, plain, atol=1e-5),
            "that is Eq. 7 as printed: what does the network do after the addition?",
        )
        expect(
            not torch.allclose(got, shortcut + (weight * h).relu(), atol=1e-5),
            "in the diagram, what goes through the ReLU?",
        )
        expect(same(plain) and bool((got >= 0).all()), "do one sample by hand, box by box")


def check_join(answer: Callable[[Tensor, int], Tensor]) -> None:
    draw = torch.Generator().manual_seed(0)
    for shape, active in (((5, 6), 1), ((5, 6), 3), ((4, 9), 2), ((3, 2), 3)):
        alpha = torch.randn(shape, generator=draw)
        before = alpha.clone()
        out = answer(alpha, active)
        expect(torch.equal(alpha, before), "the argument was changed: work on a copy")
        got = torch.from_numpy(array_of(out, shape, "a matrix like alpha")).float()
        expect(torch.equal(got[:active], before[:active]), "the rows that are active stay")
        if active < len(alpha):
            expect(not torch.equal(got, before), "nothing has joined")
            expect(
                active == 1 or not torch.equal(got[active], before[0]),
                "the first row is the neighbour of the second alone",
            )
        joined = before[active - 1].expand(len(alpha) - active, -1)
        expect(
            torch.equal(got[active:], joined),
            "which row has learnt already and is nearest in size, for all that join?",
        )
        got_memory = getattr(out, "data_ptr", lambda: None)()
        expect(got_memory != alpha.data_ptr(), "it shares its memory with the argument")
