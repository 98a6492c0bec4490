"""Checks of 03_resolution_aware_network."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from checks import expect


def check_count(answer: Callable[[Sequence[int], int], int]) -> None:
    expect(answer((3, 4, 6, 3), 5) != 3 * 4 * 6 * 3 * 5, "blocks follow each other: they add up")
    expect(answer((3, 4, 6, 3), 5) != 16, "every range has a row of its own")
    expect(answer((3, 4, 6, 3), 5) == 80, "a number per block and range")
    expect(answer((2, 2, 3, 2), 4) == 36, "use the arguments")


def check_block(answer: Callable[[Tensor, Tensor, Tensor, int, Tensor], Tensor]) -> None:
    g = torch.Generator().manual_seed(0)
    z, h = torch.randn(2, 5, 4, 3, 3, generator=g)
    alpha, index = torch.randn(5, 6, generator=g), torch.tensor([0, 4, 4, 2, 1])
    want = torch.stack([z[b] + alpha[index[b], 3] * h[b] for b in range(5)])
    before = z.clone()
    got = answer(z, h, alpha, 3, index)
    expect(got.shape == want.shape, f"return (B, C, H, W), not {tuple(got.shape)}")
    expect(torch.equal(z, before), "the input must stay as it is")
    by_batch = z + alpha[:, 3].view(-1, 1, 1, 1) * h
    expect(not torch.allclose(got, by_batch), "that takes row b for sample b, whatever its range")
    weighted_input = torch.stack([alpha[index[b], 3] * z[b] + h[b] for b in range(5)])
    expect(not torch.allclose(got, weighted_input), "alpha weighs the residual h, not z")
    expect(torch.allclose(got, want, atol=1e-6), "z + alpha[range of the sample, k] h")


def check_join(answer: Callable[[Tensor, int], Tensor]) -> None:
    alpha = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    before = alpha.clone()
    for active in (1, 3):
        got = answer(alpha, active)
        expect(torch.equal(alpha, before), "the argument was changed: work on a copy")
        expect(torch.equal(got[:active], alpha[:active]), "the rows that are active stay")
        expect(
            all(torch.equal(got[i], alpha[active - 1]) for i in range(active, 5)),
            "every later row is a copy of the last active one",
        )
