"""Checks of 10_feature_losses."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from checks import array_of, expect


def _pair(seed: int, people: int, width: int, length: float = 1.0) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    a, b = torch.randn(2, people, width, generator=draw, dtype=torch.float64)
    return length * a, length * (a + b)


def check_cosine(answer: Callable[[Tensor, Tensor], Tensor]) -> None:
    for seed, (people, width, length) in enumerate(((4, 6, 1.0), (1, 3, 0.01), (7, 2, 30.0))):
        sharp, small = _pair(seed, people, width, length)
        kept = sharp.clone(), small.clone()
        got = float(array_of(answer(sharp, small), (), "one number for the batch"))
        expect(
            torch.equal(sharp, kept[0]) and torch.equal(small, kept[1]), "an argument was changed"
        )
        cosines = F.cosine_similarity(sharp, small)
        want = float((1 - cosines).mean())

        def same(other: float, got: float = got) -> bool:
            return abs(got - other) < 1e-7 * (1 + abs(other))

        expect(not same(float(cosines.mean())), "it should be 0, not 1, for two equal features")
        expect(
            people == 1 or not same(float((1 - cosines).sum())),
            "a larger batch of the same kind should not have a larger loss",
        )
        expect(
            not same(float(1 - (sharp * small).sum(1).mean())),
            "make one feature twice as long: the angle is the same, is your answer?",
        )
        whole = float(1 - F.cosine_similarity(sharp.flatten(), small.flatten(), dim=0))
        expect(
            people == 1 or not same(whole),
            "one long vector of all people: whose feature is compared with whose?",
        )
        expect(same(want), "try two features of one person by hand: (1, 0) and (1, 1)")


def check_found(answer: Callable[[Tensor, Tensor], float]) -> None:
    for seed, (people, width, noise) in enumerate(((12, 5, 1.5), (30, 3, 1.0), (8, 9, 3.0))):
        draw = torch.Generator().manual_seed(seed)
        sharp = torch.randn(people, width, generator=draw, dtype=torch.float64) + 0.5
        sharp = sharp * (0.2 + 2 * torch.rand(people, 1, generator=draw, dtype=torch.float64))
        small = sharp + noise * torch.randn(people, width, generator=draw, dtype=torch.float64)
        got = float(array_of(answer(small, sharp), (), "one number from 0 to 1"))
        table = F.normalize(small, dim=1) @ F.normalize(sharp, dim=1).T
        own = torch.arange(people)
        want = float((table.argmax(1) == own).double().mean())

        def same(other: float, got: float = got) -> bool:
            return abs(got - other) < 1e-9

        expect(0 <= got <= 1, "a share lies between 0 and 1")
        for other, hint in (
            (
                table.argmax(0),
                "who searches, and among whom? each small image among the sharp ones",
            ),
            (
                (small @ sharp.T).argmax(1),
                "a long feature of somebody else wins: compare directions",
            ),
            (
                torch.cdist(small, sharp).argmin(1),
                "that is the nearest by distance, not by direction",
            ),
            (table.argmin(1), "the smallest cosine belongs to the one that is least alike"),
        ):
            share = float((other == own).double().mean())
            expect(share == want or not same(share), hint)
        expect(
            same(want), "count by hand for three people: a table of nine cosines, a winner a row"
        )


def check_gradient(answer: Callable[[Tensor, Tensor], Tensor]) -> None:
    for seed, (people, width, length) in enumerate(((3, 4, 1.0), (5, 2, 0.2), (2, 7, 6.0))):
        sharp, small = _pair(20 + seed, people, width, length)
        kept = sharp.clone(), small.clone()
        out = answer(sharp, small)
        shape = (people, width)
        got = torch.from_numpy(array_of(out, shape, "a gradient for every small feature"))
        expect(
            torch.equal(sharp, kept[0]) and torch.equal(small, kept[1]), "an argument was changed"
        )
        free = small.clone().requires_grad_()
        want = torch.autograd.grad((1 - F.cosine_similarity(sharp, free)).sum(), free)[0]

        def same(other: Tensor, got: Tensor = got) -> bool:
            return torch.allclose(got, other, rtol=1e-5, atol=1e-7)

        expect(not same(-want), "follow it downhill: do the two features get nearer?")
        expect(people == 1 or not same(want / people), "each person's own distance, not the mean's")
        along = (got * F.normalize(small, dim=1)).sum(1)
        expect(
            along.abs().max() < 1e-6 * (1 + got.abs().max()),
            "lengthen the small feature a little: the angle stays. So which part may the gradient "
            "not have?",
        )
        expect(
            not same(want * small.norm(dim=1, keepdim=True)),
            "the direction is right. A feature twice as long turns half as far for the same step",
        )
        expect(same(want), "compare with differences: move one number of one feature by 1e-6")
