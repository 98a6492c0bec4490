"""Confidence intervals that know that frames of one clip, and clips of one recording, are alike.

Neighbouring frames of a clip show nearly the same pose, and the clips cut from one recording show
one person on one day, so resampling frames would give intervals that are far too narrow. Whole
recordings are drawn with replacement instead, then clips within each drawn recording (a clip named
``recording/number`` is one of several; any other is a recording of its own, drawn whole). The
statistic is a ratio of sums over the drawn clips: clips of different length then weigh as their
frames do, and the estimate is the plain mean over all frames. Drawing twice adds the spread of the
clips within a recording to that of the recordings, so the intervals err on the wide side. The
limits are percentiles: BCa would need a leave-one-out pass and is unstable with a dozen clips.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rsclib.errors import RscError

Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """An estimate with its confidence interval, all in the unit of the values."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.1f} [{self.low:.1f}, {self.high:.1f}]"


def recording_of(clips: ArrayLike) -> NDArray[np.str_]:
    """The recording (N,) that each clip (N,) was cut from: its name up to the slash, if any."""
    return np.char.partition(np.asarray(clips).astype(np.str_), "/")[..., 0]


def cluster_bootstrap(
    values: ArrayLike,
    clusters: ArrayLike,
    n_resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """The mean of ``values`` with a percentile bootstrap interval over recordings and clips.

    Args:
        values: ``(N,)``, one per frame, any unit.
        clusters: ``(N,)``, the clip of each frame (numbers or names).
        n_resamples: how often recordings and clips are drawn.
        seed: of the draws.
        confidence: of the interval, between 0 and 1.

    Raises:
        RscError: fewer than two recordings, lengths differ, or a value is not finite.
    """
    values, group, recording = _grouped(values, clusters)
    counts = np.bincount(group).astype(np.float64)
    sums = _sums(values, group)
    return _ratio_interval(sums, counts, recording, n_resamples, seed, confidence)


def paired_difference(
    values: ArrayLike,
    baseline: ArrayLike,
    clusters: ArrayLike,
    n_resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """The mean of ``values - baseline``, both on the same frames (negative: fewer errors).

    Arguments and errors as :func:`cluster_bootstrap`. The pairing removes what all models find
    hard, so this is the interval to read when two models are compared.
    """
    values, *_ = _grouped(values, clusters)
    baseline, *_ = _grouped(baseline, clusters)
    return cluster_bootstrap(values - baseline, clusters, n_resamples, seed, confidence)


def paired_ratio(
    values: ArrayLike,
    baseline: ArrayLike,
    clusters: ArrayLike,
    n_resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """``mean(values) / mean(baseline)``, both on the same frames (0.85: 15 % below the baseline).

    Arguments and errors as :func:`cluster_bootstrap`; every clip's baseline must be above 0.
    """
    values, group, recording = _grouped(values, clusters)
    baseline, *_ = _grouped(baseline, clusters)
    denominator = _sums(baseline, group)
    if not (denominator > 0).all():
        raise RscError("a ratio needs a baseline above zero in every clip")
    sums = _sums(values, group)
    return _ratio_interval(sums, denominator, recording, n_resamples, seed, confidence)


def over_seeds(
    values: ArrayLike,
    clusters: ArrayLike,
    n_resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """The mean of ``values`` with an interval that knows of two sources of chance: what was filmed
    (recordings, and clips within them) and which seeds were trained. Both are drawn with
    replacement, independently.

    Args:
        values: ``(S, N)``, a line a training; for a comparison, the paired differences of two rows
            trained with the same S seeds.
        clusters: ``(N,)``, the clip of each frame.

    Raises:
        RscError: as :func:`cluster_bootstrap`, or fewer than two seeds.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or len(table) < 2:
        raise RscError(f"an interval over seeds needs two trainings or more, not {table.shape}")
    _, group, recording = _grouped(table[0], clusters)
    sums = np.stack([_sums(_grouped(line, clusters)[0], group) for line in table])  # (S, clips)
    counts = np.bincount(group).astype(np.float64)
    rng = np.random.default_rng(seed)
    of_seeds = _times_drawn(rng, len(table), n_resamples)
    of_clips = _clip_weights(rng, recording, n_resamples)
    means = ((of_seeds @ sums) * of_clips).sum(1) / (len(table) * (of_clips @ counts))
    low, high = np.quantile(means, _ends(confidence))
    return Interval(float(table.mean()), float(low), float(high))


def over_trainings(values: ArrayLike, clusters: ArrayLike) -> Interval:
    """:func:`over_seeds` of values (S, N) of two trainings or more, :func:`cluster_bootstrap` of one's."""
    table = np.asarray(values, np.float64)
    return over_seeds(table, clusters) if len(table) > 1 else cluster_bootstrap(table[0], clusters)


def pooled(
    counts: ArrayLike,
    clusters: ArrayLike,
    statistic: Callable[[Floats], Floats],
    n_resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """A statistic of sums over all frames, such as an F1 of pooled pixels, with an interval over
    recordings, clips and, from two on, seeds.

    Args:
        counts: ``(S, N, D)``, D numbers a frame in each of S trainings. Two methods are compared by
            putting their numbers side by side.
        clusters: ``(N,)``, the clip of each frame.
        statistic: of sums ``(R, D)``, a value a row, ``(R,)``.

    Raises:
        RscError: as :func:`cluster_bootstrap`, or other shapes.
    """
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 3 or not len(table):
        raise RscError(f"expected numbers (seeds, frames, D), got {table.shape}")
    if not np.isfinite(table).all():
        raise RscError("a value is NaN or infinite; no interval is given")
    _, group, recording = _grouped(table[0].sum(1), clusters)
    sums = np.stack(
        [[_sums(values, group) for values in line.T] for line in table]
    )  # (S, D, clips)
    rng = np.random.default_rng(seed)
    of_clips = _clip_weights(rng, recording, n_resamples)
    of_seeds = _times_drawn(rng, len(table), n_resamples)
    drawn = np.einsum("rs,rc,sdc->rd", of_seeds, of_clips, sums, optimize=True)
    low, high = np.quantile(statistic(drawn), _ends(confidence))
    return Interval(float(statistic(sums.sum((0, 2))[None])[0]), float(low), float(high))


def _grouped(
    values: ArrayLike, clusters: ArrayLike
) -> tuple[Floats, NDArray[np.intp], NDArray[np.intp]]:
    """Checked values (N,), for each the number of its clip, and for each clip (C,) the number of its
    recording."""
    floats = np.asarray(values, dtype=np.float64)
    names = np.asarray(clusters)
    if floats.ndim != 1 or names.shape != floats.shape:
        raise RscError(f"expected one clip per value, got {names.shape} and {floats.shape}")
    if not len(floats):
        raise RscError("there are no values; no interval is given")
    if not np.isfinite(floats).all():
        raise RscError("a value is NaN or infinite; no interval is given")
    clips, group = np.unique(names, return_inverse=True)
    recordings, first, inverse = np.unique(
        recording_of(clips), return_index=True, return_inverse=True
    )
    recording = np.argsort(np.argsort(first))[inverse]  # in the order of the clips, numbers too
    if len(recordings) < 2:
        raise RscError(
            f"an interval needs clips of two recordings or more; {len(clips)} clips are of one"
        )
    return floats, group, recording


def _sums(values: Floats, group: NDArray[np.intp]) -> Floats:
    """Sum of the values of each cluster."""
    return np.bincount(group, weights=values).astype(np.float64)


def _ends(confidence: float) -> tuple[float, float]:
    """The quantiles that an interval lies between."""
    if not 0 < confidence < 1:
        raise RscError(f"confidence is a share between 0 and 1, not {confidence}")
    return (1 - confidence) / 2, (1 + confidence) / 2


def _times_drawn(rng: np.random.Generator, n: int, n_resamples: int) -> Floats:
    """How often each of ``n`` is drawn in ``n`` draws with replacement: (n_resamples, n)."""
    if n_resamples < 1:
        raise RscError(f"an interval needs one resample or more, not {n_resamples}")
    drawn = rng.integers(0, n, (n_resamples, n)) + n * np.arange(n_resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=n_resamples * n).reshape(-1, n).astype(np.float64)


def _clip_weights(
    rng: np.random.Generator, recording: NDArray[np.intp], n_resamples: int
) -> Floats:
    """How often each clip (C,) is drawn: (n_resamples, C). ``recording`` (C,): numbers from 0."""
    sizes = np.bincount(recording)
    of_recordings = _times_drawn(rng, len(sizes), n_resamples)
    weights = of_recordings[:, recording]  # right where a recording is one clip
    for number in np.flatnonzero(sizes > 1):
        size = sizes[number]
        # A recording drawn k times gives k times as many clips as it has, each equally likely.
        draws = of_recordings[:, number].astype(np.int64) * size
        weights[:, recording == number] = rng.multinomial(draws, np.full(size, 1 / size))
    return weights


def _ratio_interval(
    numerator: Floats, denominator: Floats, recording: NDArray[np.intp],
    n_resamples: int, seed: int, confidence: float,
) -> Interval:  # fmt: skip
    """Percentile interval of ``sum(numerator) / sum(denominator)``, of clips (C,), over resamples."""
    weights = _clip_weights(np.random.default_rng(seed), recording, n_resamples)
    ratios = (weights @ numerator) / (weights @ denominator)
    low, high = np.quantile(ratios, _ends(confidence))
    return Interval(float(numerator.sum() / denominator.sum()), float(low), float(high))
