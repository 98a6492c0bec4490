"""Accelerations of films: known motions, a NumPy loop, the windows of the released VIBE, units."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rsclib.errors import RscError
from rsclib.metrics import WINDOW, Jitter, jitter, middle_frames, per_second, spans, whole_windows
from rsclib.skeleton import MIDHIP

SEEDS = st.integers(0, 2**32 - 1)
LENGTHS = st.lists(st.integers(1, 36), min_size=1, max_size=4).filter(lambda n: max(n) >= WINDOW)


def films(seed: int, lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Random guesses and truths (N, 14, 3), each sequence about a pose of its own, and its number."""
    draw = np.random.default_rng(seed)
    made = [
        0.4 * draw.normal(size=(2, 1, 14, 3)) + 0.02 * draw.normal(size=(2, n, 14, 3))
        for n in lengths
    ]
    pred, gt = torch.from_numpy(np.concatenate(made, axis=1))
    numbers = draw.permutation(50)[: len(lengths)]
    return pred, gt, torch.from_numpy(np.repeat(numbers, lengths))


def by_loop(
    pred: np.ndarray, gt: np.ndarray, sequence: np.ndarray, joined: bool
) -> tuple[list[float], list[float], list[int]]:
    """ACC, ACC-ERR and the middle frames, frame by frame and joint by joint."""
    rows = list(range(len(pred)))
    if joined:
        rows = []
        for name in dict.fromkeys(sequence.tolist()):
            own = np.flatnonzero(sequence == name).tolist()
            while len(own) >= 16:
                rows, own = rows + own[:16], own[16:]
    acc, err, middle = [], [], []
    for a, b, c in zip(rows, rows[1:], rows[2:], strict=False):
        if not joined and not sequence[a] == sequence[b] == sequence[c]:
            continue
        lengths, differences = [], []
        for j in range(14):
            of = []
            for film in (pred, gt):
                x, y, z = (film[t, j] - (film[t, 2] + film[t, 3]) / 2 for t in (a, b, c))
                of.append((z - y) - (y - x))
            lengths.append(np.sqrt((of[0] ** 2).sum()))
            differences.append(np.sqrt(((of[0] - of[1]) ** 2).sum()))
        acc.append(1000 * sum(lengths) / 14)
        err.append(1000 * sum(differences) / 14)
        middle.append(b)
    return acc, err, middle


@pytest.mark.parametrize("joined", [False, True])
@settings(max_examples=12, deadline=None)
@given(seed=SEEDS, lengths=LENGTHS)
def test_equals_a_numpy_loop(joined: bool, seed: int, lengths: list[int]) -> None:
    pred, gt, sequence = films(seed, lengths)
    acc, err, middle = by_loop(pred.numpy(), gt.numpy(), sequence.numpy(), joined)
    found = jitter(pred, gt, sequence, vibe_compat=joined)
    np.testing.assert_allclose(found.acc.numpy(), acc, atol=1e-6)
    np.testing.assert_allclose(found.acc_err.numpy(), err, atol=1e-6)
    assert found.frame.tolist() == middle


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.lists(st.sampled_from([16, 32, 48]), min_size=2, max_size=5))
def test_joined_windows_add_the_jumps_between_videos_and_nothing_else(
    seed: int, lengths: list[int]
) -> None:
    pred, gt, sequence = films(seed, lengths)  # whole windows only: nothing is dropped
    apart, joined = jitter(pred, gt, sequence), jitter(pred, gt, sequence, vibe_compat=True)
    jumps = ~torch.isin(joined.frame, apart.frame)
    assert int(jumps.sum()) == 2 * (len(lengths) - 1)  # two threes reach over every boundary
    for a, b in ((apart.acc, joined.acc), (apart.acc_err, joined.acc_err)):
        torch.testing.assert_close(b[~jumps], a, atol=1e-9, rtol=0)
        total = a.sum() + b[jumps].sum()
        torch.testing.assert_close(b.mean() * len(b), total, atol=1e-6, rtol=0)
    # By hand: the guess of a film that stands still, a jump d, and another that stands still.
    assert joined.acc[jumps].min() > 5 * apart.acc.max()


def test_a_jump_of_a_known_length_counts_twice() -> None:
    still, moved = torch.zeros(16, 14, 3), torch.zeros(16, 14, 3)
    moved[:, 0, 1] = (
        0.14  # one joint of fourteen is elsewhere in the second video: 10 mm in the mean
    )
    pred, sequence = torch.cat([still, moved]), torch.arange(2).repeat_interleave(16)
    assert jitter(pred, pred, sequence).acc.abs().max() == 0
    joined = jitter(pred, pred, sequence, vibe_compat=True)
    assert joined.acc.sum() == pytest.approx(20.0)
    assert joined.acc.nonzero().flatten().tolist() == [14, 15]
    assert joined.acc_err.abs().max() == 0  # the truth jumps with it


def test_tails_and_short_videos_are_dropped_as_vibe_does() -> None:
    sequence = torch.tensor([7] * 37 + [3] * 15 + [5] * 16)
    expected = [*range(32), *range(52, 68)]
    assert whole_windows(sequence).tolist() == expected
    with pytest.raises(RscError, match="no sequence has 16 frames"):
        whole_windows(sequence[33:52])


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.floats(0.1, 3))
def test_invariances(seed: int, scale: float) -> None:
    pred, gt, sequence = films(seed, [9, 20])
    before = jitter(pred, gt, sequence)
    velocity = torch.from_numpy(np.random.default_rng(seed).normal(size=(1, 14, 3)))
    time = torch.arange(len(pred)).double().view(-1, 1, 1) / 100
    walked = torch.from_numpy(np.random.default_rng(seed + 1).normal(size=(len(pred), 1, 3)))
    drift = torch.cat([velocity * time[:9], 0.5 + velocity * time[9:]])
    # A constant velocity of every joint, and any path of the whole body, are not seen.
    for other in (
        jitter(pred + drift, gt, sequence),
        jitter(pred + walked, gt + walked, sequence),
        jitter(pred.flip(0), gt.flip(0), sequence.flip(0)),
    ):
        for a, b in zip(before[:2], other[:2], strict=True):
            torch.testing.assert_close(a.sort().values, b.sort().values, atol=1e-6, rtol=0)
    larger = jitter(scale * pred, scale * gt, sequence)
    torch.testing.assert_close(larger.acc, scale * before.acc, atol=1e-6, rtol=0)
    torch.testing.assert_close(larger.acc_err, scale * before.acc_err, atol=1e-6, rtol=0)
    still = jitter(drift, drift, sequence)
    assert still.acc.max() < 1e-6 and still.acc_err.max() < 1e-6


@given(SEEDS)
def test_the_two_accelerations_keep_the_triangle(seed: int) -> None:
    pred, gt, sequence = films(seed, [12])
    acc, err, _ = jitter(pred, gt, sequence)
    own = jitter(gt, gt, sequence).acc
    assert (err <= acc + own + 1e-9).all() and (err >= (acc - own).abs() - 1e-9).all()
    frozen = jitter(gt[:1].expand_as(gt), gt, sequence)  # frozen: the error is the truth's own ACC
    assert frozen.acc.max() < 1e-9
    torch.testing.assert_close(frozen.acc_err, own, atol=1e-9, rtol=0)


def test_white_noise_has_the_acceleration_that_theory_says() -> None:
    """Second differences of white noise scatter with sqrt 6 sigma; the mean length in 3D is
    sqrt(8 / pi) of that. The hips are taken out of the mean, because they are centred."""
    noise = 0.01 * torch.randn(20000, 14, 3, generator=torch.Generator().manual_seed(0)).double()
    noise[:, list(MIDHIP)] = 0
    acc = jitter(noise, noise, torch.zeros(len(noise), dtype=torch.long)).acc
    assert acc.mean().item() * 14 / 12 == pytest.approx(10 * (6 * 8 / np.pi) ** 0.5, rel=0.01)


def test_units() -> None:
    time = torch.arange(60.0).view(-1, 1, 1).double()
    falling = torch.zeros(60, 14, 3).double()
    falling[:, 0] = 0.5 * 9.81 * (time[:, 0] / 30) ** 2 * torch.tensor([0.0, 1.0, 0.0])
    zeros = torch.zeros(60, dtype=torch.long)
    assert 14 * per_second(jitter(falling, falling, zeros).acc, 30).mean() == pytest.approx(9810)
    half = jitter(falling[::2], falling[::2], zeros[::2]).acc  # the same fall, 15 frames a second
    assert half.mean() == pytest.approx(4 * jitter(falling, falling, zeros).acc.mean())
    assert 14 * per_second(half, 15).mean() == pytest.approx(9810)
    for fps in (0, -30, float("nan"), float("inf")):
        with pytest.raises(RscError, match="above zero"):
            per_second(half, fps)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), max_size=6))
def test_spans_cut_where_the_number_changes(parts: list[tuple[int, int]]) -> None:
    sequence = torch.tensor([name for name, n in parts for _ in range(n)], dtype=torch.long)
    found = spans(sequence)
    assert [row for a, b in found for row in range(a, b)] == list(range(len(sequence)))
    for (a, b), (c, _) in itertools.pairwise(found):
        assert (sequence[a:b] == sequence[a]).all() and sequence[c] != sequence[a]
    assert all((sequence[a:b] == sequence[a]).all() for a, b in found)


def test_middle_frames() -> None:
    assert middle_frames(torch.tensor([4, 4, 4, 4, 1, 1, 2, 2, 2])).tolist() == [1, 2, 7]


def test_wrong_input_is_one_line() -> None:
    pred, gt, sequence = films(0, [20])
    assert isinstance(jitter(pred, gt, sequence), Jitter)
    with pytest.raises(RscError, match="14 evaluation joints, got 13"):
        jitter(pred[:, :13], gt[:, :13], sequence)
    with pytest.raises(RscError, match="one shape"):
        jitter(pred[:-1], gt, sequence)
    for compat in (False, True):
        with pytest.raises(RscError, match="sequence numbers"):
            jitter(pred, gt, sequence[:-1], vibe_compat=compat)
    with pytest.raises(RscError, match="Divide by 1000"):
        jitter(1000 * pred, gt, sequence)
    with pytest.raises(RscError, match="three consecutive"):
        jitter(pred, gt, torch.arange(20))
