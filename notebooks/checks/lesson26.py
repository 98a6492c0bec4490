"""Checks of 26_reid_loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from checks import array_of, expect, tensor_of


def _maps(seed: int, *shape: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    a, b = (torch.rand(shape, generator=draw) + 0.1 for _ in range(2))
    return a, b * torch.linspace(0.5, 3, shape[0]).view(-1, 1, 1, 1)  # lengths differ


def check_layer(answer: Callable[[Tensor, Tensor], Any]) -> None:
    for seed, shape in enumerate(((2, 3, 4, 2), (5, 2, 3, 3), (3, 8, 1, 1))):
        a, b = _maps(seed, *shape)
        kept = a.clone(), b.clone()
        got = tensor_of(answer(a, b), (shape[0],), "one number a picture, (B,)").float()
        expect(torch.equal(a, kept[0]) and torch.equal(b, kept[1]), "an argument was changed")
        unit = [x.flatten(1) / x.flatten(1).norm(dim=1, keepdim=True) for x in (a, b)]
        right = (unit[0] - unit[1]).square().mean(1)
        if torch.allclose(got, right, rtol=1e-4, atol=1e-9):
            continue
        each = [x / x.norm(dim=1, keepdim=True) for x in (a, b)]
        for wrong, hint in (
            ((a - b).flatten(1).square().mean(1), "the maps' lengths still count: make each map one vector of length 1"),
            ((unit[0] - unit[1]).square().sum(1), "that is the sum over the numbers: the released form takes their mean"),
            ((unit[0] - unit[1]).norm(dim=1), "that is the norm: the released form does not take the root"),
            ((each[0] - each[1]).square().flatten(1).mean(1), "length 1 of what? of the whole flattened map, not at every place"),
            ((unit[0] - unit[1]).abs().mean(1), "squares, not absolute values"),
        ):  # fmt: skip
            expect(not torch.allclose(got, wrong, rtol=1e-4, atol=1e-9), hint)
        expect(False, "off: flatten each map, give it length 1, subtract, square, take the mean")


def check_mean_cosine(answer: Callable[[float, list[int]], Any]) -> None:
    for cosine in (0.9, 0.5, 0.0, -0.3):
        for sizes in ([10, 20], [4, 4, 4], [786432, 393216, 196608, 393216], [7]):
            raw = sum((2 - 2 * cosine) / d for d in sizes)
            got = float(array_of(answer(raw, sizes), (), "one number"))
            if abs(got - cosine) < 1e-9:
                continue
            for wrong, hint in (
                (1 - raw / 2, "each layer divides by its own number of numbers: where are the sizes?"),
                (1 - raw * sum(sizes) / 2, "the layers' losses are added, each with its own 1/d: sum the 1/d, not the d"),
                (1 - raw / sum(1 / d for d in sizes), "the square of a difference of unit vectors is 2 - 2 cos: half is missing"),
                (raw / (2 * sum(1 / d for d in sizes)), "that is one minus the cosine"),
                (1 - raw * sum(sizes) / len(sizes) ** 2 / 2, "a mean size is not what the mean of 1/d asks for"),
            ):  # fmt: skip
                expect(abs(got - wrong) > 1e-9, hint)
            expect(False, "off: write the loss of one layer with its cosine, add the layers, solve")


def check_gradient(answer: Callable[[Tensor, Tensor], Any]) -> None:
    draw = torch.Generator().manual_seed(5)
    for count, width in ((3, 4), (1, 6), (4, 2)):
        f, g = (torch.randn(count, width, generator=draw) for _ in range(2))
        f[-1] = g[-1] if count > 1 else f[-1]  # one pair is equal
        kept = f.clone()
        got = tensor_of(
            answer(f, g), (count, width), "a gradient for every feature, (B, D)"
        ).float()
        expect(torch.equal(f, kept), "an argument was changed")
        length = (f - g).norm(dim=1, keepdim=True)
        right = torch.where(length > 0, (f - g) / length.clamp_min(1e-30), torch.zeros(()))
        if torch.allclose(got, right, atol=1e-5):
            continue
        for wrong, hint in (
            (-right, "the sign: away from g the distance grows"),
            (2 * (f - g), "that is the gradient of the square; Eq. 13 has a root"),
            (f - g, "the direction is right, the length is not: how fast does a distance grow?"),
            (right / count, "every picture has its own distance: no mean over the batch"),
        ):
            expect(not torch.allclose(got, wrong, atol=1e-5), hint)
        same = length.flatten() == 0
        expect(torch.equal(got[same], right[same]), "an equal pair has gradient zero here")
        expect(False, "off: the derivative of a length is a direction of length 1; which one?")
