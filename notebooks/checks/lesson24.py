"""Checks of 24_uv_and_rendering."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from checks import array_of, expect, tensor_of
from rsclib.render.uv import look_up

Array = NDArray[np.float64]
# Texels a side, u, v: inside, between two rows, near each edge, and on corners.
_PLACES = [
    (8, 0.31, 0.77), (5, 0.62, 0.2), (2, 0.4, 0.45), (64, 0.123, 0.456), (16, 0.5, 0.71), (7, 0.85, 0.5),
    (6, 0.02, 0.6), (6, 0.99, 0.3), (6, 0.4, 0.03), (9, 0.7, 0.98), (4, 0.0, 1.0), (4, 1.0, 0.0),
]  # fmt: skip


def _weights(side: int, u: float, v: float) -> Array:
    """What every texel (side, side) counts for a look at (u, v)."""
    along = []
    for place in (1 - v, u):
        x = np.clip(place * side - 0.5, 0, side - 1)
        along.append(np.clip(1 - np.abs(np.arange(side) - x), 0, None))
    return np.outer(*along)


def _corner_centres(side: int, u: float, v: float) -> Array:
    """The same of one who thinks that the outer texels' centres lie on the edge of the map."""
    x, y = u * (side - 1), (1 - v) * (side - 1)
    n = np.arange(side)
    return np.outer(np.clip(1 - abs(n - y), 0, None), np.clip(1 - abs(n - x), 0, None))


def _mistakes(side: int, u: float, v: float) -> list[tuple[Array, str]]:
    right, steps = _weights(side, u, v), np.zeros((side, side))
    steps[np.unravel_index(right.argmax(), right.shape)] = 1
    half = 0.5 / side
    return [
        (_weights(side, u, 1 - v), "upside down: which row is v = 1?"),
        (_weights(side, v, u), "u counts columns and v rows: are they exchanged?"),
        (_weights(side, 1 - u, v), "left and right are exchanged"),
        (_weights(side, 1 - v, 1 - u), "rows and columns are exchanged"),
        (steps, "that is one texel: mix the four around the point"),
        (_weights(side, u + half, v - half), "half a texel off: where is the centre of texel 0?"),
        (_weights(side, u - half, v + half), "half a texel off: where is the centre of texel 0?"),
        (_weights(side, u + half, v + half), "half a texel off, in v"),
        (_corner_centres(side, u, v), "centres lie half a texel inside the map's edge"),
    ]


def check_look_up(answer: Callable[[Array, float, float], Array]) -> None:
    draw = np.random.default_rng(0)
    for side, u, v in _PLACES:
        texture = draw.random((side, side, 3))
        kept = texture.copy()
        got = array_of(answer(texture, u, v), (3,), "one colour, (3,)")
        expect(np.array_equal(texture, kept), "an argument was changed")
        want = np.einsum("rc,rck->k", _weights(side, u, v), texture)
        if np.abs(got - want).max() < 1e-6:
            continue
        for weights, hint in _mistakes(side, u, v):
            wrong = np.einsum("rc,rck->k", weights, texture)
            expect(np.abs(got - wrong).max() > 1e-6, hint)
        edge = not (0.5 / side < u < 1 - 0.5 / side and 0.5 / side < v < 1 - 0.5 / side)
        expect(not edge, "off near the edge: beyond the last centre the last texel goes on")
        expect(False, "off: how far is the point from each of the four centres?")


def check_gradient(answer: Callable[[int, float, float], Array]) -> None:
    for side, u, v in _PLACES:
        got = array_of(answer(side, u, v), (side, side), "a number for every texel")
        want = _weights(side, u, v)
        if np.abs(got - want).max() < 1e-6:
            continue
        for wrong, hint in _mistakes(side, u, v):
            expect(np.abs(got - wrong).max() > 1e-6, hint)
        expect(
            np.abs(got + want).max() > 1e-6, "the sign: a brighter texel makes the pixel brighter"
        )
        expect(
            abs(got.sum() - 1) < 1e-6,
            "raise all texels by 1 and the pixel rises by 1: what must the weights add up to? "
            "(At the edge two of the four are one texel.)",
        )
        expect(False, "off: which four texels does the pixel look at, and how much?")


def _scenes() -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Maps, and pictures that look at a part of them; one with nobody in it."""
    draw = torch.Generator().manual_seed(3)
    found = []
    for side, rows, columns, low, high, share in (
        (8, 6, 4, 0.1, 0.6, 0.7), (16, 9, 5, 0.3, 0.9, 0.5), (32, 16, 8, 0.0, 1.0, 0.6),
        (12, 3, 3, 0.2, 0.5, 0.0), (24, 12, 6, 0.5, 1.0, 1.0),
    ):  # fmt: skip
        uv = low + (high - low) * torch.rand(1, rows, columns, 2, generator=draw)
        mask = (torch.rand(1, 1, rows, columns, generator=draw) < share).float()
        found.append((torch.rand(1, 3, side, side, generator=draw), uv, mask))
    return found


def check_vandal(answer: Callable[..., Any]) -> None:
    for texture, uv, mask in _scenes():
        kept = texture.clone()
        given = answer(texture, uv, mask)
        got = tensor_of(given, tuple(texture.shape), "a map of the same shape").float()
        expect(torch.equal(texture, kept), "the map you were given was changed: work on a copy")
        expect(got.min() >= 0 and got.max() <= 1, "colours lie from 0 to 1")
        before, after = look_up(texture, uv, mask), look_up(got, uv, mask)
        expect((before - after).abs().max() < 1e-5, "the photograph has changed: you were seen")
        free = torch.ones(texture.shape[2:], dtype=torch.bool)
        for (u, v), inside in zip(uv.reshape(-1, 2).tolist(), mask.flatten().tolist(), strict=True):
            if inside:
                free &= torch.from_numpy(_weights(len(free), u, v)) == 0
        change = (got - texture)[0].abs()[:, free]
        expect(
            not len(change.T) or change.max() > 0.01,
            "nothing that the camera cannot see has changed",
        )
        expect(
            change.min() >= 0.29,
            "some texels that no pixel looks at are as they were, or nearly: change all, by 0.3 in "
            "every channel",
        )
