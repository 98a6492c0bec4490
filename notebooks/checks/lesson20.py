"""Checks of lesson 20: one step of a GRU, an average that ends with its video, and how late a film is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from checks import array_of, expect

Array = NDArray[np.float64]


def _gate(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def check_step(answer: Callable[..., Array]) -> None:
    """Against PyTorch's own cell, and against the usual mistakes to name them."""
    draw = np.random.default_rng(0)
    for inputs, width in ((5, 3), (1, 1), (2, 6), (4, 4)):
        cell = torch.nn.GRUCell(inputs, width).double()
        w_ih, w_hh = draw.normal(size=(3 * width, inputs)), draw.normal(size=(3 * width, width))
        b_ih, b_hh = draw.normal(size=3 * width), draw.normal(size=3 * width)
        given = (w_ih, w_hh, b_ih, b_hh)
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        cell.load_state_dict({n: torch.from_numpy(v) for n, v in zip(names, given, strict=True)})
        x, h = draw.normal(size=inputs), draw.normal(size=width)
        kept = [v.copy() for v in (x, h, *given)]
        got = array_of(answer(x, h, *given), (width,), "the new state, as long as the old one")
        same = all(np.array_equal(a, b) for a, b in zip((x, h, *given), kept, strict=True))
        expect(same, "an argument was changed")
        want = cell(torch.from_numpy(x)[None], torch.from_numpy(h)[None])[0].detach().numpy()
        from_x, from_h = w_ih @ x + b_ih, w_hh @ h + b_hh
        r, z = (_gate(from_x[k:k + width] + from_h[k:k + width]) for k in (0, width))  # fmt: skip
        c = 2 * width
        n = np.tanh(from_x[c:] + r * from_h[c:])
        late = np.tanh(from_x[c:] + w_hh[c:] @ (r * h) + b_hh[c:])

        def close(value: Array, got: Array = got) -> bool:
            return bool(np.allclose(got, value, atol=1e-8))

        expect(not close((1 - z) * h + z * n), "which of the two does z keep, the old or the new?")
        expect(not close(n), "that is the candidate alone: where is the old state?")
        no_reset = np.tanh(from_x[c:] + from_h[c:])
        expect(not close((1 - z) * no_reset + z * h), "who uses the reset gate?")
        expect(
            width == 1 or not close((1 - z) * late + z * h),
            "the reset gate weighs what the state says to the candidate, its bias included; some "
            "papers weigh the state itself, PyTorch does not",
        )
        swapped = np.tanh(from_x[c:] + z * from_h[c:])
        expect(not close((1 - r) * swapped + r * h), "in which order do the three blocks lie?")
        expect(np.allclose(got, want, atol=1e-8), "off: compute r, z, n and h one after the other")


def _average(phi: Array, sequence: NDArray[Any], z: float) -> Array:
    out = phi.copy()
    for t in range(1, len(phi)):
        if sequence[t] == sequence[t - 1]:
            out[t] = z * out[t - 1] + (1 - z) * phi[t]
    return out


def check_average(answer: Callable[[Array, NDArray[Any], float], Array]) -> None:
    """On videos of unlike length, in any order of numbers, and with several memories."""
    draw = np.random.default_rng(1)
    for lengths, z in (((9, 5, 14), 0.6), ((1, 7), 0.9), ((12,), 0.3), ((4, 4, 4, 4), 0.0)):
        numbers = draw.permutation(20)[: len(lengths)]
        sequence = np.repeat(numbers, lengths)
        phi = draw.normal(size=(len(sequence), 6)) + 3 * np.repeat(
            draw.normal(size=(len(lengths), 1)), lengths, axis=0
        )
        kept = phi.copy()
        got = array_of(answer(phi, sequence, z), phi.shape, "as many features as came in")
        expect(np.array_equal(phi, kept), "an argument was changed: work on a copy")
        want = _average(phi, sequence, z)
        carried = _average(phi, np.zeros_like(sequence), z)
        if len(lengths) > 1 and z:
            expect(not np.allclose(got, carried), "one video's memory reaches into the next")
        starts = np.r_[True, sequence[1:] != sequence[:-1]]
        expect(
            z == 0 or np.allclose(got[starts], phi[starts]),
            "a video's first frame has nothing before it: what should the average be there?",
        )
        if 0 < z < 1 and z != 0.5:
            expect(not np.allclose(got, _average(phi, sequence, 1 - z)), "z is what is kept")
        future = phi.copy()
        future[-1] += 100
        after = array_of(answer(future, sequence, z), phi.shape, "as many features as came in")
        expect(np.allclose(after[:-1], got[:-1]), "a frame knows of a later one")
        expect(np.allclose(got, want), "off: what does z keep of, the last frame or the average?")


def check_lag(answer: Callable[[Array, Array], float]) -> None:
    """On films that are late by a known number of frames, and tremble, or have shrunk."""
    draw = np.random.default_rng(2)
    for late, scatter, shrunk in ((0, 0, 1), (3, 0, 1), (7, 0.01, 1), (10, 0, 0.6), (2, 0.02, 0.8)):
        time = np.arange(-12, 60)[:, None, None]
        rate, phase = draw.uniform(0.08, 0.22, (1, 14, 3)), draw.uniform(0, 6, (1, 14, 3))
        path = 0.3 * np.sin(rate * time + phase)
        truth = path[12:]
        guess = shrunk * path[12 - late : len(path) - late]
        guess = guess + draw.normal(0, scatter, guess.shape) if scatter else guess.copy()
        kept = guess.copy(), truth.copy()
        got = float(array_of(answer(guess, truth), (), "one number, of frames"))
        unchanged = np.array_equal(guess, kept[0]) and np.array_equal(truth, kept[1])
        expect(unchanged, "an argument was changed")
        expect(late == 0 or got != -late, "late is positive")
        expect(late == 0 or got != 0, "this film is late: against which frames did you hold it?")
        expect(got == late, f"a film that is late by {late} frames is called late by {got:g}")
