"""Checks of 02_resolution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from checks import array_of, expect

Array = NDArray[np.float64]


def check_psnr(answer: Callable[[NDArray[np.uint8], NDArray[np.uint8]], Any]) -> None:
    rng = np.random.default_rng(0)
    for low, high, shape in ((0, 256, (16, 16, 3)), (10, 200, (8, 20, 3)), (100, 140, (12, 5))):
        a, b = rng.integers(low, high, (2, *shape), dtype=np.uint8)
        kept = a.copy(), b.copy()
        got = float(array_of(answer(a, b), (), "one number of decibels"))
        expect((a == kept[0]).all() and (b == kept[1]).all(), "an argument was changed")
        error = np.square(a.astype(float) - b).mean()

        def same(other: float, got: float = got) -> bool:
            return abs(got - other) < 1e-4

        wrapped = np.square(a - b).astype(float).mean()
        expect(not same(10 * np.log10(255**2 / wrapped)), "what is 3 - 5 when both are bytes?")
        peaks = {float(image.max()) for image in (a, b)} - {255.0}
        expect(
            not any(same(10 * np.log10(peak**2 / error)) for peak in peaks),
            "a dark picture would look worse for the same error: what is the peak of any byte?",
        )
        expect(not same(10 * np.log10(1 / error)), "compared with which value is the error small?")
        expect(
            not same(20 * np.log10(255**2 / error)) and not same(10 * np.log10(255 / error)),
            "is the ratio one of values or one of squares? once is enough",
        )
        expect(
            not same(-10 * np.log10(255**2 / error)), "closer pictures should have more decibels"
        )
        expect(
            not same(10 * np.log(255**2 / error)), "decibels count powers of ten: which logarithm?"
        )
        expect(
            same(10 * np.log10(255**2 / error)),
            "two pictures that differ by one everywhere have 48.1 dB: what has yours?",
        )


def check_range(answer: Callable[[int, tuple[int, ...]], Any]) -> None:
    for bounds in ((224, 128, 64, 40, 24), (200, 100, 50), (64, 16, 8, 4), (90, 31)):
        last = len(bounds) - 1
        for size in range(1, bounds[0] + 40):
            want = next((i for i, low in enumerate(bounds) if size >= low), last)
            number = float(array_of(answer(size, bounds), (), "the number of one range"))
            expect(number.is_integer(), "ranges are counted: 0, 1, 2 and so on")
            got = int(number)
            if got == want:
                continue
            expect(
                size not in bounds, f"{size} px with bounds {bounds}: whose is a boundary itself?"
            )
            expect(size < bounds[0], "a picture may be larger than the network's input")
            expect(
                size >= bounds[-1], "below the last lower end there is still a range to belong to"
            )
            expect(
                bounds[0] == 224,
                f"right for the paper's bounds, not for {bounds}: use the argument",
            )
            expect(False, f"where does {size} px lie between the bounds {bounds}?")


def check_linear(answer: Callable[[int, int], Any]) -> None:
    for source, target in ((128, 32), (32, 128), (10, 7), (7, 10), (9, 9)):
        stretch = max(source / target, 1)
        off = np.arange(source) + 0.5 - (np.arange(target)[:, None] + 0.5) * source / target

        def triangle(x: Array) -> Array:
            weights = np.maximum(0, 1 - np.abs(x))
            return weights / np.maximum(weights.sum(1, keepdims=True), 1e-9)

        shape = (target, source)
        got = array_of(answer(source, target), shape, "a row for each new pixel")
        expect(np.allclose(got.sum(1), 1), "a flat picture would not stay flat")
        expect((got > -1e-9).all(), "a triangle has no dips: where do negative weights come from?")
        if stretch > 1:
            narrow = triangle(off)
            expect(
                not np.allclose(got, narrow, atol=1e-6),
                "some old pixels have no say in any new one: what must a shrink do to the filter?",
            )
        shifted = np.arange(source) - np.arange(target)[:, None] * source / target
        if source != target:
            expect(
                not np.allclose(got, triangle(shifted / stretch), atol=1e-6),
                "the picture would move a little: where in a pixel is its centre?",
            )
        expect(
            np.allclose(got, triangle(off / stretch), atol=1e-6),
            "compare a row with the drawing of the kernel: how wide is it, and where is its top?",
        )
