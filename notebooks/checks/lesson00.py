"""Checks of 00_start_here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from checks import expect

Array = NDArray[np.float64]


def check_mpjpe(answer: Callable[[Array, Array], float]) -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 14, 3))
    want = 1000 * np.linalg.norm(a - b, axis=1).mean()
    got = answer(a, b)
    expect(abs(got / want - 0.001) > 1e-6, "that is in metres: multiply by 1000")
    squared = 1000 * np.sqrt(((a - b) ** 2).sum(1).mean())
    expect(abs(got - squared) > 1e-6, "take the root of each joint's distance first, then the mean")
    expect(abs(got - want) < 1e-6, "the mean over joints of the distance, in millimetres")


def check_centred(answer: Callable[[Tensor, Sequence[int]], Tensor]) -> None:
    joints = torch.randn(3, 14, 3, generator=torch.Generator().manual_seed(0))
    before = joints.clone()
    want = joints - joints[:, [2, 3]].mean(1, keepdim=True)
    got = answer(joints, [2, 3])
    expect(torch.equal(joints, before), "the argument was changed: return a new tensor")
    expect(got.shape == joints.shape, f"return (B, J, 3), not {tuple(got.shape)}")
    everyone = joints - joints[:, [2, 3]].mean((0, 1))
    expect(not torch.allclose(got, everyone), "every person has a root of their own")
    expect(not torch.allclose(got, joints - joints[:, 2:3]), "the mean of all the root joints")
    expect(torch.allclose(got, want, atol=1e-6), "subtract the mean of the root joints")


def check_interval(
    answer: Callable[[Array, Array, np.random.Generator], tuple[float, float]],
) -> None:
    draw = np.random.default_rng(1)
    clips = np.repeat(np.arange(8), 25)
    values = draw.normal(100, 5, 200) + np.repeat(draw.normal(0, 20, 8), 25)
    means = [values[clips == c].mean() for c in range(8)]
    pick = np.random.default_rng(2).integers(0, 8, (20000, 8))
    low, high = np.percentile(np.array(means)[pick].mean(1), [2.5, 97.5])
    got = answer(values, clips, np.random.default_rng(0))
    expect(len(got) == 2 and got[0] < got[1], "return the lower and the upper end")
    width, want = got[1] - got[0], high - low
    expect(width > 0.5 * want, "far too narrow: resample whole clips, not single values")
    expect(width < 1.4 * want, "too wide: take the mean of all drawn clips, not of one")
    expect(abs(got[0] - low) < 0.1 * want, "the lower end is the 2.5 percentile")
    expect(abs(got[1] - high) < 0.1 * want, "the upper end is the 97.5 percentile")
