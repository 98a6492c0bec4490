"""Checks of 04_training_signals."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from checks import expect


def check_2d(answer: Callable[[Tensor, Tensor], Tensor]) -> None:
    g = torch.Generator().manual_seed(0)
    flat = torch.randn(3, 24, 2, generator=g)
    keypoints = torch.cat(
        [torch.randn(3, 24, 2, generator=g), torch.rand(3, 24, 1, generator=g)], 2
    )
    off, sure = flat - keypoints[..., :2], keypoints[..., 2:]
    got = answer(flat, keypoints)
    expect(got.ndim == 0, "return one number")
    expect(not torch.allclose(got, off.square().mean()), "the confidence is missing")
    expect(
        not torch.allclose(got, (sure * off).square().mean()), "the confidence is not squared here"
    )
    expect(
        not torch.allclose(got, (sure * off.square()).sum() / 3),
        "a mean over everything, not over the batch alone",
    )
    expect(torch.allclose(got, (sure * off.square()).mean()), "mean of confidence x difference^2")


def check_masked(answer: Callable[[Tensor, Tensor], Tensor]) -> None:
    values = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    keep = torch.tensor([True, False, True, False])
    want = values[keep].mean()
    values[~keep] = torch.nan
    leaf = values.clone().requires_grad_()
    got = answer(leaf, keep)
    expect(got.isfinite(), "a NaN of a row that is not kept has leaked into the value")
    expect(torch.allclose(got, want), "divide by the number of kept values")
    if got.requires_grad:
        got.backward()
    expect(leaf.grad is not None, "the gradient is lost: stay with tensor operations")
    expect(leaf.grad.isfinite().all(), "a NaN has leaked into the gradient")
    none = answer(values.requires_grad_(), torch.zeros(4, dtype=torch.bool))
    expect(none == 0, "with no kept row the loss is 0, not NaN")


def check_translation(answer: Callable[[Tensor, Tensor, float], Tensor]) -> None:
    joints = 0.5 * torch.randn(14, 3, generator=torch.Generator().manual_seed(0))
    for truth in (torch.tensor([0.3, -0.2, 6.0]), torch.tensor([-1.0, 0.5, 12.0])):
        moved = joints + truth
        got = answer(joints, 3.0 * moved[:, :2] / moved[:, 2:], 3.0)
        expect(tuple(got.shape) == (3,), f"return (3,), not {tuple(got.shape)}")
        expect(not torch.allclose(got, -truth, atol=0.05), "the sign is turned round")
        expect(
            not torch.allclose(got[2], truth[2] - joints[:, 2].mean(), atol=1e-4)
            or torch.allclose(got[2], truth[2], atol=1e-2),
            "the joints have depths of their own: move u Z to the right side",
        )
        expect(torch.allclose(got, truth, atol=1e-2), "two rows a joint: f tx - u tz = u Z - f X")
