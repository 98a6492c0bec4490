"""Checks of 16_rival_imgsr."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from checks import array_of, expect, tensor_of

Array = NDArray[np.float64]
Kernel = tuple[Tensor, Tensor]


def check_best(answer: Callable[[Array, Array], Array]) -> None:
    draw = np.random.default_rng(0)
    for count, height, width in ((2, 3, 4), (5, 4, 2), (7, 6, 6)):
        pictures = draw.uniform(0, 255, (count, height, width))
        chances = draw.uniform(0.2, 3, count) ** 2
        kept = pictures.copy(), chances.copy()
        got = array_of(answer(pictures, chances), (height, width), "one picture")
        same = np.array_equal(pictures, kept[0]) and np.array_equal(chances, kept[1])
        expect(same, "an argument was changed")
        share = chances / chances.sum()
        want = np.tensordot(share, pictures, 1)
        expect(
            not np.allclose(got, pictures[chances.argmax()]),
            "the likeliest one: how wrong is it when it is wrong?",
        )
        expect(not np.allclose(got, pictures.mean(0)), "are all candidates equally likely?")
        expect(
            not np.allclose(got, np.tensordot(chances, pictures, 1)),
            "far too bright or too dark: what do the chances add up to?",
        )
        expect(
            not np.allclose(got, np.median(pictures, 0)),
            "that is the bet for absolute errors of equal chances; ours are squared",
        )

        def cost(guess: Array, share: Array = share, pictures: Array = pictures) -> float:
            return float((share * ((pictures - guess) ** 2).mean((1, 2))).sum())

        expect(
            np.allclose(got, want, rtol=1e-6),
            f"its expected squared error is {cost(got):.1f}, and {cost(want):.1f} is possible: "
            "set the slope to zero on paper, for one pixel",
        )


def check_hidden(answer: Callable[[Array, Array], Array]) -> None:
    draw = np.random.default_rng(1)
    for few, many in ((1, 3), (3, 8), (4, 16), (7, 9)):
        shrink, x = draw.normal(0, 1, (few, many)), draw.normal(0, 2, many)
        kept = x.copy(), shrink.copy()
        got = array_of(answer(x, shrink), (many,), "as many numbers as x has")
        expect(
            np.array_equal(x, kept[0]) and np.array_equal(shrink, kept[1]),
            "an argument was changed",
        )
        seen = np.linalg.pinv(shrink) @ shrink @ x
        expect(not np.allclose(got, seen), "that is the part that is seen")
        expect(not np.allclose(got, 0), "something is hidden: fewer rows than columns")
        expect(
            np.allclose(shrink @ got, 0, atol=1e-7),
            "shrink @ your answer should be zero: nothing of it may be seen",
        )
        expect(
            abs(got @ seen) < 1e-7,
            "hidden and seen part should be orthogonal",
        )
        expect(
            np.allclose(got, x - seen, atol=1e-7),
            "what is left of x without it still has a hidden part, or the sign is wrong",
        )


def _block(z: Tensor, kernels: Sequence[Kernel], fuse: Kernel) -> Tensor:
    found = [z]
    for weight, bias in kernels:
        found.append(F.conv2d(torch.cat(found, 1), weight, bias, padding=1).relu())
    return z + F.conv2d(torch.cat(found, 1), *fuse)


def check_block(answer: Callable[[Tensor, list[Kernel], Kernel], Tensor]) -> None:
    draw = torch.Generator().manual_seed(2)

    def random(*shape: int) -> Tensor:
        return 0.5 * torch.randn(*shape, generator=draw).double()

    for width, growth, layers in ((4, 3, 3), (2, 5, 1), (3, 2, 4)):
        z = 2 * random(2, width, 5, 6)
        kernels = [
            (random(growth, width + c * growth, 3, 3), random(growth)) for c in range(layers)
        ]
        fuse = random(width, width + layers * growth, 1, 1), random(width)
        kept = z.clone()
        out = answer(z, list(kernels), fuse)
        got = tensor_of(out, (2, width, 5, 6), "a map of the shape of z")
        expect(torch.equal(z, kept), "z was changed in place")
        want = _block(z, kernels, fuse)

        def same(other: Tensor, got: Tensor = got) -> bool:
            return torch.allclose(got, other, atol=1e-7)

        expect(not same(want - z), "the residual: what came in is added at the end")
        expect(not same(want.relu()), "no ReLU after the sum")
        inner = [z]
        for weight, bias in kernels:
            inner.append(F.conv2d(torch.cat(inner, 1), weight, bias, padding=1))
        expect(
            not same(z + F.conv2d(torch.cat(inner, 1), *fuse)), "every convolution ends in a ReLU"
        )
        fused = F.conv2d(torch.cat([z, *_found(z, kernels)], 1), *fuse)
        expect(not same(z + fused.relu()), "the fusion has no ReLU: it may take something away")
        last = z + F.conv2d(torch.cat([*_found(z, kernels), z], 1), *fuse)
        expect(not same(last), "in which order do the channels stand? z comes first")
        expect(
            same(want),
            "compare with the library's block on a single layer, then on two; mind biases and padding",
        )


def _found(z: Tensor, kernels: Sequence[Kernel]) -> list[Tensor]:
    found = [z]
    for weight, bias in kernels:
        found.append(F.conv2d(torch.cat(found, 1), weight, bias, padding=1).relu())
    return found[1:]
