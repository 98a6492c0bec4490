"""Checks of 25_texglo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from checks import array_of, expect

Array = NDArray[np.float64]
_SHAPES = ((2, 1, 2, 2), (3, 2, 2, 3), (4, 2, 3, 2), (5, 3, 4, 2))  # C, C_r, h, w


def _summary(x: Array, squeeze: Array) -> Array:
    narrow = np.einsum("rc,chw->rhw", squeeze, x)
    return np.concatenate([x.mean((1, 2)), narrow.reshape(-1)])


def check_summary(answer: Callable[[Array, Array], Array]) -> None:
    draw = np.random.default_rng(0)
    for c, r, h, w in _SHAPES:
        x, squeeze = draw.normal(size=(c, h, w)), draw.normal(size=(r, c))
        kept = x.copy(), squeeze.copy()
        got = array_of(answer(x, squeeze), (c + r * h * w,), "C + C_r h w numbers")
        expect(np.array_equal(x, kept[0]) and np.array_equal(squeeze, kept[1]),
               "an argument was changed")  # fmt: skip
        want = _summary(x, squeeze)
        expect(not np.allclose(got, np.roll(want, -c)), "the pooled numbers come first")
        expect(np.allclose(got[:c], want[:c]), "the first C numbers are means over all places")
        narrow = want[c:].reshape(r, h, w)
        expect(
            not np.allclose(got[c:], narrow.transpose(1, 2, 0).reshape(-1)) or r == 1,
            "laid flat channel by channel, each row by row",
        )
        expect(
            np.allclose(got, want), "off: squeeze mixes channels, a place at a time; nothing else"
        )


def _context(x: Array, squeeze: Array, fc1: Array, fc2: Array, expand: Array) -> Array:
    hidden = np.maximum(fc1 @ _summary(x, squeeze), 0)
    out = (fc2 @ hidden).reshape(len(squeeze), *x.shape[1:])
    return x + np.einsum("cr,rhw->chw", expand, out)


def check_context(answer: Callable[..., Array]) -> None:
    draw = np.random.default_rng(1)
    for c, r, h, w in _SHAPES:
        flat, hidden = r * h * w, 6
        given = [
            draw.normal(size=shape)
            for shape in ((c, h, w), (r, c), (hidden, c + flat), (flat, hidden), (c, r))
        ]
        kept = [a.copy() for a in given]
        got = array_of(answer(*given), (c, h, w), "a tensor of x's shape")
        expect(all(np.array_equal(a, b) for a, b in zip(given, kept, strict=True)),
               "an argument was changed")  # fmt: skip
        x, squeeze, fc1, fc2, expand = given
        want = _context(*given)
        expect(not np.allclose(got, want - x), "Glo-S adds the result to x")
        linear = x + np.einsum(
            "cr,rhw->chw", expand, (fc2 @ (fc1 @ _summary(x, squeeze))).reshape(r, h, w)
        )
        expect(not np.allclose(got, linear), "a ReLU stands between the two layers")
        expect(np.allclose(got, want), "off: summary, FC1, ReLU, FC2, unflatten, expand, sum")


def check_messenger(answer: Callable[[int, int], Any]) -> None:
    draw = np.random.default_rng(2)
    one = np.ones((1, 1))
    for h, w in ((2, 2), (3, 2), (4, 4), (8, 4)):
        given = answer(h, w)
        expect(isinstance(given, tuple) and len(given) == 2, "return two matrices: fc1, fc2")
        fc1 = np.asarray(given[0], dtype=np.float64)
        expect(fc1.ndim == 2, "fc1 is a matrix (hidden, 1 + h w)")
        fc1 = array_of(fc1, (len(fc1), 1 + h * w), "fc1 (hidden, 1 + h w)")
        fc2 = array_of(given[1], (h * w, len(fc1)), "fc2 (h w, hidden)")
        for sign in (1, -1, 0):
            x = draw.normal(size=(1, h, w))
            x = np.abs(x) * sign if sign else x
            got = _context(x, one, fc1, fc2, one) - x
            expect(not np.allclose(got, x.mean()), "that is the mean: the message is x[0, 0, 0]")
            expect(
                not np.allclose(got, max(0.0, x[0, 0, 0])) or x[0, 0, 0] >= 0,
                "a message below 0 is lost in the ReLU: send its two signs through two hidden units",
            )
            expect(
                np.allclose(got, x[0, 0, 0]), "every place should get x[0, 0, 0], and nothing else"
            )
