"""Confidence intervals that know that the frames of one clip are not independent.

Neighbouring frames of a clip show nearly the same pose, so resampling frames would give intervals
that are far too narrow. Whole clips are drawn with replacement instead, and the statistic is a
ratio of sums over the drawn clips: clips of different length then weigh as their frames do, and
the estimate is the plain mean over all frames. The resampling is SciPy's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from rsclib.errors import RscError

Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """An estimate with its confidence interval, all in the unit of the values."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.1f} [{self.low:.1f}, {self.high:.1f}]"


def cluster_bootstrap(
    values: ArrayLike,
    clusters: ArrayLike,
    n_resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """The mean of ``values`` with a percentile bootstrap interval over clusters.

    Args:
        values: ``(N,)``, one per frame, any unit.
        clusters: ``(N,)``, the clip of each frame (numbers or names).
        n_resamples: how often the clips are drawn.
        seed: of the draws.
        confidence: of the interval, between 0 and 1.

    Raises:
        RscError: fewer than two clips, lengths differ, or a value is not finite.
    """
    values, group = _grouped(values, clusters)
    counts = np.bincount(group).astype(np.float64)
    return _ratio_interval(_sums(values, group), counts, n_resamples, seed, confidence)


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
    values, _ = _grouped(values, clusters)
    baseline, _ = _grouped(baseline, clusters)
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
    values, group = _grouped(values, clusters)
    baseline, _ = _grouped(baseline, clusters)
    denominator = _sums(baseline, group)
    if not (denominator > 0).all():
        raise RscError("a ratio needs a baseline above zero in every clip")
    return _ratio_interval(_sums(values, group), denominator, n_resamples, seed, confidence)


def over_seeds(
    values: ArrayLike,
    clusters: ArrayLike,
    n_resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """The mean of ``values`` with an interval that knows of two sources of chance: which clips were
    filmed and which seeds were trained. Both are drawn with replacement, independently.

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
    sums = np.stack([_sums(*_grouped(line, clusters)) for line in table])  # (S, clips)
    counts = np.bincount(_grouped(table[0], clusters)[1]).astype(np.float64)
    rng = np.random.default_rng(seed)
    of_seeds, of_clips = (  # how often each is drawn, in every resample
        rng.multinomial(n, np.full(n, 1 / n), n_resamples).astype(np.float64) for n in sums.shape
    )
    means = ((of_seeds @ sums) * of_clips).sum(1) / (len(table) * (of_clips @ counts))
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(table.mean()), float(low), float(high))


def _grouped(values: ArrayLike, clusters: ArrayLike) -> tuple[Floats, NDArray[np.intp]]:
    """Checked values and, for each, the index of its cluster."""
    floats = np.asarray(values, dtype=np.float64)
    names = np.asarray(clusters)
    if floats.ndim != 1 or names.shape != floats.shape:
        raise RscError(f"expected one clip per value, got {names.shape} and {floats.shape}")
    if not np.isfinite(floats).all():
        raise RscError("a value is NaN or infinite; no interval is given")
    unique, group = np.unique(names, return_inverse=True)
    if len(unique) < 2:
        raise RscError(f"an interval by clip needs two clips or more, there are {len(unique)}")
    return floats, group


def _sums(values: Floats, group: NDArray[np.intp]) -> Floats:
    """Sum of the values of each cluster."""
    return np.bincount(group, weights=values).astype(np.float64)


def _ratio_interval(
    numerator: Floats, denominator: Floats, n_resamples: int, seed: int, confidence: float
) -> Interval:
    """Percentile interval of ``sum(numerator) / sum(denominator)`` over resampled clusters."""

    def ratio(numerator: Floats, denominator: Floats, axis: int = -1) -> Any:
        return numerator.sum(axis=axis) / denominator.sum(axis=axis)

    result = stats.bootstrap(
        (numerator, denominator),
        ratio,
        paired=True,
        vectorized=True,
        n_resamples=n_resamples,
        confidence_level=confidence,
        # BCa would need a leave-one-clip-out pass and is unstable with the dozen clips of a test.
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    interval = result.confidence_interval
    return Interval(float(ratio(numerator, denominator)), float(interval.low), float(interval.high))
