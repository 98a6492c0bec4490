"""Plain filters of joint films: what they leave alone, what they cannot reach, other ways to them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rsclib.errors import RscError
from rsclib.smoothing import constant_velocity, savitzky_golay

SEEDS = st.integers(0, 2**32 - 1)
LENGTHS = st.lists(st.integers(1, 25), min_size=1, max_size=5)


def film(seed: int, lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Random joints (N, 14, 3) and sequence numbers (N,)."""
    draw = np.random.default_rng(seed)
    joints = torch.from_numpy(draw.normal(size=(sum(lengths), 14, 3)))
    return joints, torch.from_numpy(np.repeat(draw.permutation(20)[: len(lengths)], lengths))


def polynomials(seed: int, lengths: list[int], order: int) -> torch.Tensor:
    """Every joint of every sequence on a polynomial of its own."""
    draw = np.random.default_rng(seed)
    parts = []
    for n in lengths:
        powers = (np.arange(n) / 10)[:, None] ** np.arange(order + 1)
        parts.append(np.einsum("tp,pjc->tjc", powers, draw.normal(size=(order + 1, 14, 3))))
    return torch.from_numpy(np.concatenate(parts))


FILTERS = {
    "savgol": savitzky_golay,
    "wide": lambda joints, sequence: savitzky_golay(joints, sequence, 15, 3),
    "kalman": constant_velocity,
    "slow": lambda joints, sequence: constant_velocity(joints, sequence, 0.01),
}
EACH = pytest.mark.parametrize("name", FILTERS)


@settings(max_examples=20, deadline=None)
@given(SEEDS, LENGTHS, st.sampled_from([1, 2, 3]), st.sampled_from([5, 7, 11]))
def test_savgol_leaves_polynomials_of_its_order_alone(
    seed: int, lengths: list[int], order: int, window: int
) -> None:
    joints, (_, sequence) = polynomials(seed, lengths, order), film(seed, lengths)
    torch.testing.assert_close(savitzky_golay(joints, sequence, window, order), joints)


def test_savgol_of_order_2_changes_a_cubic() -> None:
    joints = polynomials(0, [20], 3)
    zeros = torch.zeros(20, dtype=torch.long)
    assert (savitzky_golay(joints, zeros, 9, 2) - joints).abs().max() > 1e-3


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(9, 30))
def test_savgol_equals_a_least_squares_fit_of_every_window(seed: int, n: int) -> None:
    joints, sequence = film(seed, [n])
    flat, out = joints.numpy().reshape(n, -1), np.zeros((n, 42))
    for t in range(n):
        first = min(max(t - 4, 0), n - 9)
        time = np.arange(first, first + 9) - t
        out[t] = np.polynomial.polynomial.polyfit(time, flat[first : first + 9], 2)[0]
    found = savitzky_golay(joints, sequence, 9, 2).numpy().reshape(n, -1)
    np.testing.assert_allclose(found, out, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(SEEDS, LENGTHS, st.floats(0.001, 10))
def test_kalman_leaves_a_constant_velocity_alone(
    seed: int, lengths: list[int], agility: float
) -> None:
    joints, (_, sequence) = polynomials(seed, lengths, 1), film(seed, lengths)
    torch.testing.assert_close(constant_velocity(joints, sequence, agility), joints)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(3, 25), st.floats(0.02, 3))
def test_kalman_equals_the_least_squares_of_all_frames_so_far(
    seed: int, n: int, agility: float
) -> None:
    """The model as one sum of squares: (z - x)^2, and pushes (second differences of x) over agility."""
    joints, sequence = film(seed, [n])
    z = joints.numpy().reshape(n, -1)
    expected = z.copy()
    for t in range(2, n):
        pushes = np.diff(np.eye(t + 1), 2, axis=0) / agility
        system = np.concatenate([np.eye(t + 1), pushes])
        target = np.concatenate([z[: t + 1], np.zeros((t - 1, 42))])
        expected[t] = np.linalg.lstsq(system, target, rcond=None)[0][-1]
    found = constant_velocity(joints, sequence, agility).numpy().reshape(n, -1)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(5, 25), st.integers(3, 24))
def test_kalman_knows_the_past_alone(seed: int, n: int, now: int) -> None:
    now = min(now, n - 1)
    joints, sequence = film(seed, [n])
    other = joints.clone()
    other[now:] += 1
    a, b = (constant_velocity(x, sequence) for x in (joints, other))
    torch.testing.assert_close(a[:now], b[:now], atol=0, rtol=0)
    assert (a[now] - b[now]).abs().min() > 0


@EACH
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, lengths=LENGTHS)
def test_nothing_crosses_sequences(name: str, seed: int, lengths: list[int]) -> None:
    joints, sequence = film(seed, lengths)
    together = FILTERS[name](joints, sequence)
    parts = [
        FILTERS[name](joints[sequence == k], sequence[sequence == k])
        for k in dict.fromkeys(sequence.tolist())
    ]
    torch.testing.assert_close(together, torch.cat(parts), atol=1e-12, rtol=0)
    assert together.dtype == torch.float64 and together.shape == joints.shape


@EACH
def test_one_or_two_frames_stay_and_the_input_is_kept(name: str) -> None:
    joints, sequence = film(1, [1, 2, 12])
    kept = joints.clone()
    out = FILTERS[name](joints, sequence)
    torch.testing.assert_close(out[:3], joints[:3], atol=1e-12, rtol=0)
    assert (out[5:] - joints[5:]).abs().max() > 0.01  # but they do something
    assert torch.equal(joints, kept)


@EACH
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, scale=st.floats(0.1, 10))
def test_linear_in_the_joints(name: str, seed: int, scale: float) -> None:
    joints, sequence = film(seed, [17, 6])
    moved = scale * joints + torch.tensor([1.0, -2.0, 3.0])
    expected = scale * FILTERS[name](joints, sequence) + torch.tensor([1.0, -2.0, 3.0])
    torch.testing.assert_close(FILTERS[name](moved, sequence), expected)


@EACH
def test_they_calm_a_trembling_walk(name: str) -> None:
    time = torch.arange(90).double().view(-1, 1, 1)
    truth = 0.3 * torch.sin(2 * np.pi * time / 60 + torch.arange(14).view(1, -1, 1)).expand(
        90, 14, 3
    )
    noise = 0.03 * torch.randn(90, 14, 3, generator=torch.Generator().manual_seed(0)).double()
    zeros = torch.zeros(90, dtype=torch.long)
    out = FILTERS[name](truth + noise, zeros)

    def shake(x: torch.Tensor) -> float:
        return float(x.diff(2, dim=0)[10:].norm(dim=-1).mean())

    assert shake(out) < 0.6 * shake(truth + noise)


def test_a_large_agility_follows_every_guess() -> None:
    joints, sequence = film(2, [30])
    torch.testing.assert_close(constant_velocity(joints, sequence, 1e6), joints, atol=1e-6, rtol=0)


def test_wrong_input_is_one_line() -> None:
    joints, sequence = film(3, [10])
    for window, order in ((4, 2), (3, 3), (0, 0), (-1, 0), (5, -1)):
        with pytest.raises(RscError, match="odd and longer"):
            savitzky_golay(joints, sequence, window, order)
    for agility in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(RscError, match="above zero"):
            constant_velocity(joints, sequence, agility)
    for filtered in FILTERS.values():
        with pytest.raises(RscError, match="sequence numbers"):
            filtered(joints, sequence[:-1])
        with pytest.raises(RscError, match="NaN"):
            filtered(joints.index_fill(0, torch.tensor([3]), float("nan")), sequence)
        assert filtered(joints[:0], sequence[:0]).shape == (0, 14, 3)
