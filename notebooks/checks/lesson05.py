"""Checks of 05_iterative_regressor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from checks import array_of, expect
from rsclib.geometry import axis_angle_to_rotmat, rot6d_to_rotmat


def _rotations(count: int, seed: int) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return axis_angle_to_rotmat(2 * torch.randn(count, 3, generator=draw))


def check_six(answer: Callable[[Tensor], Tensor]) -> None:
    for count, seed in ((1, 0), (4, 1), (3, 2)):
        rotmats = _rotations(count, seed)
        before = rotmats.clone()
        got = torch.from_numpy(
            array_of(answer(rotmats), (count, 6), "six numbers for each")
        ).float()
        expect(torch.equal(rotmats, before), "the argument was changed: return a new tensor")

        def same(other: Tensor, got: Tensor = got) -> bool:
            return torch.allclose(got, other.reshape(len(got), 6), atol=1e-5)

        expect(
            not same(rotmats[:, :2]),
            "those are two rows: the network's six numbers are made of columns",
        )
        expect(
            not same(rotmats[:, :, :2].mT),
            "the right numbers, one column after the other: how do they lie when a (3, 2) matrix is "
            "read row by row?",
        )
        expect(not same(rotmats[:, :, 1:]), "which two of the three columns?")
        expect(
            torch.allclose(rot6d_to_rotmat(got), rotmats, atol=1e-4),
            "the way back does not lead to the same rotation: write out the six for a quarter turn",
        )
        expect(
            same(rotmats[:, :, :2]), "a rotation comes out, but are these entries of the matrix?"
        )


def check_rotation(answer: Callable[[Tensor], Tensor]) -> None:
    draw = torch.Generator().manual_seed(0)
    for count, spread in ((1, 1.0), (5, 0.3), (3, 4.0)):
        six = spread * torch.randn(count, 6, generator=draw)
        before = six.clone()
        out = array_of(answer(six), (count, 3, 3), "a 3 x 3 matrix for each")
        got = torch.from_numpy(out).float()
        expect(torch.equal(six, before), "the argument was changed: return a new tensor")
        lengths = got.norm(dim=1)
        expect(
            (lengths - 1).abs().max() < 1e-4,
            "a column is not of length 1: a rotation neither stretches nor shrinks",
        )
        gram = got.mT @ got
        expect(
            (gram - torch.eye(3)).abs().max() < 1e-4,
            "two columns are not at right angles: what of the second lies along the first?",
        )
        expect(
            (torch.linalg.det(got) - 1).abs().max() < 1e-4,
            "that is a mirror, not a rotation: in which order is the cross product taken?",
        )
        want = rot6d_to_rotmat(six)
        expect(
            not torch.allclose(got, want.mT, atol=1e-4),
            "the right vectors, but as rows: where does a column of a matrix stand?",
        )
        expect(
            torch.allclose(got, want, atol=1e-4),
            "a rotation, but another one: which of the six numbers belong to the first column, and "
            "which column keeps its direction?",
        )


Correct = Callable[[Any, Any], Any]


def check_loop(answer: Callable[[Correct, Any, Any, int], Sequence[Any]]) -> None:
    rng = np.random.default_rng(0)
    for count, size, rate in ((3, 4, 0.5), (1, 2, 0.3), (5, 3, 1.3), (0, 2, 0.5)):
        phi, start = rng.normal(size=(2, size))
        kept = phi.copy(), start.copy()
        calls = 0

        def correct(phi: Any, estimate: Any, rate: float = rate) -> Any:
            nonlocal calls
            calls += 1
            return rate * (phi - estimate) + 0.1

        found = answer(correct, phi, start, count)
        expect((phi == kept[0]).all() and (start == kept[1]).all(), "an argument was changed")
        expect(found is not None, "it returns nothing: is there a return?")
        expect(
            isinstance(found, (list, tuple, np.ndarray, Tensor)) and len(found) == count + 1,
            f"for {count} corrections there are {count + 1} estimates: which one is missing, or is "
            "there one too many?",
        )
        expect(calls == count, "correct is called once for each correction")
        estimates = [array_of(f, (size,), "a list of estimates like the start") for f in found]
        expect(np.allclose(estimates[0], start), "the first estimate is the start itself")
        want = [start]
        for _ in range(count):
            want.append(want[-1] + rate * (phi - want[-1]) + 0.1)
        if count:
            step = rate * (phi - start) + 0.1
            expect(
                not np.allclose(estimates[1], step),
                "the correction is added to the estimate, it does not take its place",
            )
            expect(
                count < 2 or not np.allclose(estimates[2] - estimates[1], step),
                "every step is the same as the first: does the network see where it is now?",
            )
        expect(np.allclose(estimates, want), "follow three steps by hand: what goes into each?")
