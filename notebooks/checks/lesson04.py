"""Checks of 04_training_signals."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from checks import array_of, expect


def check_2d(answer: Callable[[Tensor, Tensor], Tensor]) -> None:
    draw = torch.Generator().manual_seed(0)
    for people, points in ((3, 24), (2, 14), (5, 7)):
        flat = torch.randn(people, points, 2, generator=draw)
        where = torch.randn(people, points, 2, generator=draw)
        sure = torch.rand(people, points, 1, generator=draw)
        sure[0, 0] = 0
        keypoints = torch.cat([where, sure], 2)
        kept = flat.clone(), keypoints.clone()
        got = float(array_of(answer(flat, keypoints), (), "one number"))
        expect(
            torch.equal(flat, kept[0]) and torch.equal(keypoints, kept[1]), "an argument changed"
        )
        off = flat - where

        def same(other: Tensor, got: float = got) -> bool:
            return abs(got - float(other)) < 1e-5 * max(1.0, abs(float(other)))

        weighed = sure * off.square()
        expect(not same(off.square().mean()), "a joint that nobody clicked counts like the others")
        expect(not same((sure * off).square().mean()), "is the confidence squared too?")
        expect(not same((sure * off.abs()).mean()), "what does twice the distance cost in Eq. 8?")
        expect(not same(weighed.sum() / people), "with more joints the loss would grow")
        expect(not same(weighed.sum()), "a mean is asked for, not a sum")
        expect(
            not same(weighed.sum(-1).mean()), "over which numbers is averaged: joints, or x and y?"
        )
        expect(
            not same(weighed.sum() / (2 * sure.sum())),
            "one sure joint among unsure ones would weigh as much as all of them",
        )
        expect(not same(5 * weighed.mean()), "the factor of Eq. 8 stays outside")
        expect(not same(weighed.mean().sqrt()), "Eq. 8 has no root")
        expect(same(weighed.mean()), "try one joint that is off by 1 along x, of confidence 0.5")


def _differentiable(got: object) -> Tensor:
    expect(got is not None, "it returns nothing: is there a return?")
    expect(
        isinstance(got, Tensor),
        f"return a tensor, not {type(got).__name__}: training calls backward() on what you return",
    )
    assert isinstance(got, Tensor)
    expect(got.ndim == 0, f"return one number, not a tensor of the shape {tuple(got.shape)}")
    return got


def check_masked(answer: Callable[[Tensor, Tensor], Tensor]) -> None:
    draw = torch.Generator().manual_seed(0)
    for keep, width in (((1, 0, 1, 0), 5), ((0, 1, 1, 1, 0), 3), ((1, 1, 1), 4), ((0, 0, 1), 2)):
        kept, values = torch.tensor(keep).bool(), torch.randn(len(keep), width, generator=draw)
        want = values[kept].mean()
        values[~kept] = torch.nan
        values[~kept, 0] = torch.inf
        leaf, before = values.clone().requires_grad_(), kept.clone()
        got = _differentiable(answer(leaf, kept))
        expect(
            torch.equal(kept, before) and torch.equal(leaf.nan_to_num(), values.nan_to_num()),
            "an argument was changed",
        )
        expect(got.isfinite(), "something of a row that is not kept has leaked into the value")
        if not kept.all():
            everybody = want * kept.sum() / len(kept)
            expect(not torch.allclose(got, everybody), "people without labels thin out the mean")
        expect(
            not torch.allclose(got, want * width), "a wider row would have a larger loss: average"
        )
        expect(torch.allclose(got, want), "compute it for two kept rows of two numbers by hand")
        expect(got.requires_grad, "no gradient flows through it: stay with tensor operations")
        got.backward()
        grad = leaf.grad
        assert grad is not None
        expect(grad.isfinite().all(), "the value is clean, but a NaN has leaked into the gradient")
        expect((grad[~kept] == 0).all(), "something is taught to people without labels")
    for width in (5, 3):
        values = torch.randn(4, width, generator=draw)
        values[1] = torch.nan
        leaf = values.requires_grad_()
        none = answer(leaf, torch.zeros(4, dtype=torch.bool))
        none = _differentiable(none)
        expect(none == 0, "what is the loss of a batch in which nobody has labels?")
        expect(
            none.requires_grad,
            "zero, but cut off: backward() would fail in a batch without a label",
        )
        none.backward()
        expect(
            leaf.grad is not None and (leaf.grad == 0).all(), "with nobody kept, nothing is taught"
        )


def check_translation(answer: Callable[[Tensor, Tensor, float], Tensor]) -> None:
    draw = torch.Generator().manual_seed(0)
    cases = (((0.3, -0.2, 6.0), 3.0, 14), ((-1.0, 0.5, 12.0), 44.6, 24), ((0.4, 1.1, 4.0), 1.5, 6))
    for place, focal, count in cases:
        truth = torch.tensor(place)
        joints = 0.5 * torch.randn(count, 3, generator=draw) + torch.tensor([0.1, -0.2, 0.15])
        moved = joints + truth
        seen = focal * moved[:, :2] / moved[:, 2:]
        kept = joints.clone(), seen.clone()
        out = answer(joints, seen, focal)
        expect(
            torch.equal(joints, kept[0]) and torch.equal(seen, kept[1]), "an argument was changed"
        )
        got = torch.from_numpy(array_of(out, (3,), "one translation of three numbers")).float()
        expect(not torch.allclose(got, -truth, atol=0.05), "is it added to X or taken away?")
        middle = truth + joints.mean(0)
        expect(
            not torch.allclose(got, middle, atol=0.05),
            "that is where the middle of the joints stands, not what was added",
        )
        expect(got[2] > 0, "she must stand before the camera")
        level = torch.allclose(got[:2], truth[:2], atol=0.01)
        expect(
            torch.allclose(got[2], truth[2], atol=0.02 * float(truth[2])),
            "the depth is off: the joints have depths of their own, and f is an argument",
        )
        expect(level, "the depth is right, the place beside the axis is not: which rows hold it?")
        expect(
            torch.allclose(got, truth, atol=0.01), "put your answer in: are the joints seen at J?"
        )
