"""Solutions of 07_row_ra, and wrong answers that the checks must turn down."""

import math

import numpy as np


def _flat(settings, before=""):
    found = {}
    for key, value in settings.items():
        inner = isinstance(value, dict)
        found |= _flat(value, f"{before}{key}.") if inner else {f"{before}{key}": value}
    return found


def my_changes(a, b):
    a, b = _flat(a), _flat(b)
    return {key for key in a.keys() | b.keys() if key not in a or key not in b or a[key] != b[key]}


def _resampled(
    difference, recording, rng, draws=2000, seeds=True, recordings=True, ends=(2.5, 97.5)
):
    _, number = np.unique(recording, return_inverse=True)
    sums = np.array([np.bincount(number, line) for line in difference])
    (S, K), N = sums.shape, np.bincount(number)
    m = rng.multinomial(S, np.full(S, 1 / S), draws) if seeds else np.ones((draws, S))
    n = rng.multinomial(K, np.full(K, 1 / K), draws) if recordings else np.ones((draws, K))
    return tuple(np.percentile(((m @ sums) * n).sum(1) / (S * (n @ N)), ends))


def my_two_level(difference, recording, rng):
    return _resampled(difference, recording, rng)


def my_recordings_needed(per_recording, z):
    return math.floor((z * per_recording.std(ddof=1) / per_recording.mean()) ** 2) + 1


def _anew_for_each_seed(difference, recording, rng):
    """Recordings drawn again for every drawn seed."""
    _, number = np.unique(recording, return_inverse=True)
    sums = np.array([np.bincount(number, line) for line in difference])
    (S, K), N = sums.shape, np.bincount(number)
    means = []
    for _ in range(1000):
        drawn = [(s, rng.integers(0, K, K)) for s in rng.integers(0, S, S)]
        total = sum(sums[s, k].sum() for s, k in drawn)
        means.append(total / sum(N[k].sum() for _, k in drawn))
    return tuple(np.percentile(means, [2.5, 97.5]))


def _cells(difference, recording, rng):
    """Each pair of a seed and a recording drawn by itself."""
    _, number = np.unique(recording, return_inverse=True)
    sums = np.array([np.bincount(number, line) for line in difference]).ravel()
    N = np.tile(np.bincount(number), len(difference))
    drawn = rng.integers(0, len(sums), (2000, len(sums)))
    return tuple(np.percentile(sums[drawn].sum(1) / N[drawn].sum(1), [2.5, 97.5]))


def _images(difference, recording, rng):
    mean = difference.mean(0)
    drawn = rng.integers(0, len(mean), (2000, len(mean)))
    return tuple(np.percentile(mean[drawn].mean(1), [2.5, 97.5]))


def _recording_means(difference, recording, rng):
    """A short recording weighs as much as a long one."""
    _, number = np.unique(recording, return_inverse=True)
    means = np.array([np.bincount(number, line) / np.bincount(number) for line in difference])
    S, K = means.shape
    m = rng.multinomial(S, np.full(S, 1 / S), 2000) / S
    n = rng.multinomial(K, np.full(K, 1 / K), 2000) / K
    return tuple(np.percentile(((m @ means) * n).sum(1), [2.5, 97.5]))


def _images_too(difference, recording, rng):
    """Images drawn within the drawn recordings."""
    groups = [np.flatnonzero(recording == c) for c in np.unique(recording)]
    means = []
    for _ in range(1000):
        seeds = rng.integers(0, len(difference), len(difference))
        parts = [groups[k] for k in rng.integers(0, len(groups), len(groups))]
        columns = np.concatenate([rng.choice(part, len(part)) for part in parts])
        means.append(difference[seeds][:, columns].mean())
    return tuple(np.percentile(means, [2.5, 97.5]))


def _one_seed(difference, recording, rng):
    """One seed drawn a time."""
    lines = [
        _resampled(line[None], recording, rng, 500, seeds=False, ends=np.arange(101))
        for line in difference
    ]
    return tuple(np.percentile(np.concatenate(lines), [2.5, 97.5]))


def _needed(per_recording, z, ddof=1, power=2.0):
    return math.floor((z * per_recording.std(ddof=ddof) / per_recording.mean()) ** power) + 1


WRONG = {
    "my_changes": [
        lambda a, b: {k for k in a if a[k] != b.get(k)},
        lambda a, b: {k for k in a.keys() | b.keys() if a.get(k) != b.get(k)},
        lambda a, b: {k for k in a.keys() & b.keys() if a[k] != b[k]},
        lambda a, b: a.keys() ^ b.keys(),
        lambda a, b: {k.split(".")[-1] for k in my_changes(a, b)},
        lambda a, b: {k.split(".")[0] for k in my_changes(a, b)},
        lambda a, b: {k for k in _flat(a) if k in _flat(b) and _flat(a)[k] != _flat(b)[k]},
        lambda a, b: {k for k in _flat(a) if _flat(a)[k] != _flat(b).get(k)},
        lambda a, b: {
            k for k in _flat(a).keys() | _flat(b).keys() if _flat(a).get(k) != _flat(b).get(k)
        },
        lambda a, b: set(_flat(a)) | set(_flat(b)),
        lambda a, b: len(my_changes(a, b)),
        lambda a, b: {(k, 0) for k in my_changes(a, b)},
        lambda a, b: {k.replace(".", "/") for k in my_changes(a, b)},
        lambda a, b: a != b,
        lambda a, b: {k for k in a if a[k] != b[k]},
        lambda a, b: a.pop("lr", None) or my_changes(a, b),
        lambda a, b: None,
    ],
    "my_two_level": [
        lambda difference, recording, rng: _resampled(difference, recording, rng, seeds=False),
        lambda difference, recording, rng: _resampled(difference, recording, rng, recordings=False),
        lambda difference, recording, rng: _resampled(difference, recording, rng, ends=(5, 95)),
        lambda difference, recording, rng: _resampled(difference, recording, rng, ends=(0.5, 99.5)),
        lambda difference, recording, rng: _resampled(difference, recording, rng, ends=(97.5, 2.5)),
        lambda difference, recording, rng: _resampled(difference, recording, rng, ends=(25, 75)),
        _anew_for_each_seed,
        _cells,
        _images,
        _recording_means,
        _images_too,
        _one_seed,
        lambda difference, recording, rng: tuple(np.percentile(difference, [2.5, 97.5])),
        lambda difference, recording, rng: difference.mean(),
        lambda difference, recording, rng: _resampled(difference.T, recording, rng),
        lambda difference, recording, rng: _resampled(difference.__imul__(2), recording, rng),
        lambda difference, recording, rng: (
            difference.mean() - 1.96 * difference.mean(1).std(ddof=1),
            difference.mean() + 1.96 * difference.mean(1).std(ddof=1),
        ),
        lambda difference, recording, rng: None,
    ],
    "my_recordings_needed": [
        lambda per_recording, z: _needed(per_recording, z, ddof=0),
        lambda per_recording, z: _needed(per_recording, z, power=1.0),
        lambda per_recording, z: _needed(per_recording, z) - 1,
        lambda per_recording, z: (z * per_recording.std(ddof=1) / per_recording.mean()) ** 2,
        lambda per_recording, z: round((z * per_recording.std(ddof=1) / per_recording.mean()) ** 2),
        lambda per_recording, z: _needed(per_recording, 1.96),
        lambda per_recording, z: (
            math.floor(z * per_recording.var(ddof=1) / per_recording.mean() ** 2) + 1
        ),
        lambda per_recording, z: len(per_recording),
        lambda per_recording, z: (
            _needed(per_recording / math.sqrt(len(per_recording)), z) * len(per_recording)
        ),
        lambda per_recording, z: _needed(per_recording, z) * len(per_recording),
        lambda per_recording, z: (
            math.floor(
                len(per_recording) * (z * per_recording.std(ddof=1) / per_recording.mean()) ** 2
            )
            + 1
        ),
        lambda per_recording, z: (
            math.floor((per_recording.mean() / (z * per_recording.std(ddof=1))) ** 2) + 1
        ),
        lambda per_recording, z: _needed(per_recording, 2 * z),
        lambda per_recording, z: _needed(np.abs(per_recording), z),
        lambda per_recording, z: math.nan,
        lambda per_recording, z: None,
        lambda per_recording: 100,
    ],
}
