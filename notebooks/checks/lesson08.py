"""Checks of 08_self_supervision."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from checks import array_of, expect


def _steps(scales: int) -> Tensor:
    """j - i, (P, P)."""
    index = torch.arange(scales, dtype=torch.float64)
    return index[None] - index[:, None]


def check_weights(answer: Callable[[int], Tensor]) -> None:
    for scales in (5, 3, 2, 7, 1):
        out = answer(scales)
        got = torch.from_numpy(array_of(out, (scales, scales), "a row and a column per range"))
        gap = _steps(scales)
        want = gap.clamp(min=0)

        def same(other: Tensor, got: Tensor = got) -> bool:
            return torch.equal(got, other)

        expect(
            scales < 2 or not same(want.T),
            "who teaches whom? the row is the teacher and the larger image",
        )
        expect(
            scales < 2 or not same(gap), "a pair of negative weight would push two answers apart"
        )
        expect(
            scales < 2 or not same(gap.abs()), "here the small image teaches the large one as well"
        )
        expect(
            scales < 3 or not same((gap > 0).double()),
            "all pairs weigh the same: what does a larger difference of sizes earn?",
        )
        expect(not got.diagonal().any(), "what could an image learn from its own answer?")
        expect(
            same(want),
            "take the smallest of three ranges: how far above it is each of its teachers?",
        )


def _outputs(seed: int, scales: int, people: int, width: int) -> list[Tensor]:
    draw = torch.Generator().manual_seed(seed)
    made = torch.randn(scales, people, width, generator=draw, dtype=torch.float64)
    return [row.clone().requires_grad_() for row in made]


def check_consistency(answer: Callable[[list[Tensor], Tensor], Tensor]) -> None:
    for seed, (scales, people, width) in enumerate(((3, 4, 5), (5, 2, 7), (2, 6, 3), (4, 1, 2))):
        draw = torch.Generator().manual_seed(10 + seed)
        weights = torch.rand(scales, scales, generator=draw, dtype=torch.float64).triu(1)
        outputs, kept = _outputs(seed, scales, people, width), weights.clone()
        got = answer(outputs, weights)
        expect(isinstance(got, Tensor), "return a tensor, so that a gradient can come back")
        array_of(got, (), "one number for the batch")
        expect(torch.equal(weights, kept), "the weights were changed")
        plain = [o.detach() for o in outputs]
        pairs = [
            (i, j, (plain[i] - plain[j]).square())
            for i in range(scales)
            for j in range(scales)
            if i < j
        ]
        want = sum(float(weights[i, j]) * d.mean() for i, j, d in pairs)

        def same(other: Tensor, got: Tensor = got) -> bool:
            return abs(float(got.detach()) - float(other)) < 1e-9 * (1 + abs(float(other)))

        expect(
            not same(sum(d.mean() for _, _, d in pairs)),
            "does every pair weigh the same in Eq. 10?",
        )
        expect(
            not same(sum(float(weights[i, j]) * d.sum() for i, j, d in pairs)),
            "twice as many people should not make the loss twice as large",
        )
        expect(
            scales < 3
            or not same(sum(float(weights[0, j]) * d.mean() for i, j, d in pairs if i == 0)),
            "only the largest image teaches here: that is SS-h of Table 7",
        )
        expect(
            same(want), "count the pairs: is each one there once, and are its differences squared?"
        )
        expect(got.requires_grad, "nothing can be learnt from it: no gradient leads to an output")
        grads = torch.autograd.grad(got, outputs, allow_unused=True)
        first = grads[0]
        expect(
            first is None or not bool(first.any()),
            "the largest image moves too: whose answer should be a fixed target?",
        )
        for j in range(1, scales):
            pull = sum(2 * float(weights[i, j]) * (plain[j] - plain[i]) for i in range(j))
            pull = pull / plain[j].numel()
            mine = grads[j]
            expect(mine is not None, "a smaller image's answer gets no gradient at all")
            expect(
                mine is not None and torch.allclose(mine, pull, atol=1e-10),
                "in a pair both answers move, or the wrong one: look at the one in the middle, "
                "which is a pupil in one pair and a teacher in another",
            )


def check_target(answer: Callable[[Tensor, int], Tensor]) -> None:
    draw = torch.Generator().manual_seed(4)
    for scales, pupil, people, width in ((5, 4, 2, 3), (3, 2, 4, 2), (6, 3, 1, 5), (4, 1, 3, 2)):
        outputs = torch.randn(scales, people, width, generator=draw, dtype=torch.float64)
        kept = outputs.clone()
        out = answer(outputs, pupil)
        got = torch.from_numpy(array_of(out, (people, width), "one target for every person"))
        expect(torch.equal(outputs, kept), "the outputs were changed")
        weights = _steps(scales).clamp(min=0)[:, pupil]

        def same(other: Tensor, got: Tensor = got) -> bool:
            return torch.allclose(got, other, atol=1e-9)

        teachers = outputs[:pupil]
        if pupil > 1:
            expect(
                not same(teachers.mean(0)),
                "do all teachers pull equally hard? look at their column of w",
            )
            expect(
                not same(outputs[0]), "that is the target of SS-h: has the pupil no other teacher?"
            )
            backwards = (weights[:pupil].flip(0)[:, None, None] * teachers).sum(0)
            expect(
                not same(backwards / weights.sum()),
                "the nearest teacher pulls hardest here: which one does Eq. 10 trust most?",
            )
        pulls = (weights[:, None, None] * outputs).sum(0)
        expect(
            weights.sum() == 1 or not same(pulls),
            "if all teachers say the same, what must the target be?",
        )
        expect(
            same(pulls / weights.sum()),
            "set the sum of the pulls on the pupil to zero and solve for where it stands",
        )
