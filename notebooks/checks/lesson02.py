"""Checks of 02_resolution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from checks import expect
from rsclib.resolution import PAPER

Array = NDArray[np.float64]


def check_range(answer: Callable[[int, tuple[int, ...]], int]) -> None:
    bounds = PAPER.bounds
    expect(answer(224, bounds) == 0, "the full size is range 0")
    expect(answer(128, bounds) == 1, "a boundary belongs to the larger range")
    expect(answer(10, bounds) == 4, "below the last lower end is the last range")
    for size in range(1, 230):
        want = int(PAPER.index(size))
        expect(answer(size, bounds) == want, f"{size} px belongs to range {want}")
    expect(answer(90, (128, 96, 64)) == 2, "use the bounds that are given")


def check_psnr(answer: Callable[[NDArray, NDArray], float]) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    error = np.square(a.astype(float) - b).mean()
    got = float(answer(a, b))
    wrapped = np.square(a - b).astype(float).mean()
    expect(
        abs(got - 10 * np.log10(255**2 / wrapped)) > 1e-6,
        "bytes wrap around when subtracted: make floats of them first",
    )
    expect(abs(got - 20 * np.log10(255**2 / error)) > 1e-6, "the factor is 10 for squared errors")
    expect(abs(got - 10 * np.log10(1 / error)) > 1e-6, "the peak of a byte image is 255, not 1")
    expect(abs(got - 10 * np.log10(255**2 / error)) < 1e-6, "10 log10(255^2 / MSE)")


def check_linear(answer: Callable[[int, int], Array]) -> None:
    for source, target in ((128, 32), (32, 128), (10, 7)):
        stretch = max(source / target, 1)
        centre = (np.arange(target) + 0.5) * source / target
        want = np.maximum(0, 1 - np.abs(np.arange(source) + 0.5 - centre[:, None]) / stretch)
        want /= want.sum(1, keepdims=True)
        got = np.asarray(answer(source, target))
        expect(got.shape == want.shape, "the matrix is (target, source)")
        expect(np.allclose(got.sum(1), 1), "every row must sum to one")
        expect(
            target > source or (got > 0).sum(1).max() > 2,
            "shrinking must widen the filter over more than two pixels",
        )
        expect(np.allclose(got, want, atol=1e-6), "pixel centres lie at half integers")
