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


def _resampled(difference, clip, rng, draws=2000, seeds=True, clips=True, ends=(2.5, 97.5)):
    _, number = np.unique(clip, return_inverse=True)
    sums = np.array([np.bincount(number, line) for line in difference])
    (S, K), N = sums.shape, np.bincount(number)
    m = rng.multinomial(S, np.full(S, 1 / S), draws) if seeds else np.ones((draws, S))
    n = rng.multinomial(K, np.full(K, 1 / K), draws) if clips else np.ones((draws, K))
    return tuple(np.percentile(((m @ sums) * n).sum(1) / (S * (n @ N)), ends))


def my_two_level(difference, clip, rng):
    return _resampled(difference, clip, rng)


def my_clips_needed(per_clip, z):
    return math.floor((z * per_clip.std(ddof=1) / per_clip.mean()) ** 2) + 1


def _anew_for_each_seed(difference, clip, rng):
    """Clips drawn again for every drawn seed."""
    _, number = np.unique(clip, return_inverse=True)
    sums = np.array([np.bincount(number, line) for line in difference])
    (S, K), N = sums.shape, np.bincount(number)
    means = []
    for _ in range(1000):
        drawn = [(s, rng.integers(0, K, K)) for s in rng.integers(0, S, S)]
        total = sum(sums[s, k].sum() for s, k in drawn)
        means.append(total / sum(N[k].sum() for _, k in drawn))
    return tuple(np.percentile(means, [2.5, 97.5]))


def _cells(difference, clip, rng):
    """Each pair of a seed and a clip drawn by itself."""
    _, number = np.unique(clip, return_inverse=True)
    sums = np.array([np.bincount(number, line) for line in difference]).ravel()
    N = np.tile(np.bincount(number), len(difference))
    drawn = rng.integers(0, len(sums), (2000, len(sums)))
    return tuple(np.percentile(sums[drawn].sum(1) / N[drawn].sum(1), [2.5, 97.5]))


def _images(difference, clip, rng):
    mean = difference.mean(0)
    drawn = rng.integers(0, len(mean), (2000, len(mean)))
    return tuple(np.percentile(mean[drawn].mean(1), [2.5, 97.5]))


def _clip_means(difference, clip, rng):
    """A short clip weighs as much as a long one."""
    _, number = np.unique(clip, return_inverse=True)
    means = np.array([np.bincount(number, line) / np.bincount(number) for line in difference])
    S, K = means.shape
    m = rng.multinomial(S, np.full(S, 1 / S), 2000) / S
    n = rng.multinomial(K, np.full(K, 1 / K), 2000) / K
    return tuple(np.percentile(((m @ means) * n).sum(1), [2.5, 97.5]))


def _images_too(difference, clip, rng):
    """Images drawn within the drawn clips."""
    groups = [np.flatnonzero(clip == c) for c in np.unique(clip)]
    means = []
    for _ in range(1000):
        seeds = rng.integers(0, len(difference), len(difference))
        parts = [groups[k] for k in rng.integers(0, len(groups), len(groups))]
        columns = np.concatenate([rng.choice(part, len(part)) for part in parts])
        means.append(difference[seeds][:, columns].mean())
    return tuple(np.percentile(means, [2.5, 97.5]))


def _one_seed(difference, clip, rng):
    """One seed drawn a time."""
    lines = [
        _resampled(line[None], clip, rng, 500, seeds=False, ends=np.arange(101))
        for line in difference
    ]
    return tuple(np.percentile(np.concatenate(lines), [2.5, 97.5]))


def _needed(per_clip, z, ddof=1, power=2.0):
    return math.floor((z * per_clip.std(ddof=ddof) / per_clip.mean()) ** power) + 1


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
        lambda difference, clip, rng: _resampled(difference, clip, rng, seeds=False),
        lambda difference, clip, rng: _resampled(difference, clip, rng, clips=False),
        lambda difference, clip, rng: _resampled(difference, clip, rng, ends=(5, 95)),
        lambda difference, clip, rng: _resampled(difference, clip, rng, ends=(0.5, 99.5)),
        lambda difference, clip, rng: _resampled(difference, clip, rng, ends=(97.5, 2.5)),
        lambda difference, clip, rng: _resampled(difference, clip, rng, ends=(25, 75)),
        _anew_for_each_seed,
        _cells,
        _images,
        _clip_means,
        _images_too,
        _one_seed,
        lambda difference, clip, rng: tuple(np.percentile(difference, [2.5, 97.5])),
        lambda difference, clip, rng: difference.mean(),
        lambda difference, clip, rng: _resampled(difference.T, clip, rng),
        lambda difference, clip, rng: _resampled(difference.__imul__(2), clip, rng),
        lambda difference, clip, rng: (
            difference.mean() - 1.96 * difference.mean(1).std(ddof=1),
            difference.mean() + 1.96 * difference.mean(1).std(ddof=1),
        ),
        lambda difference, clip, rng: None,
    ],
    "my_clips_needed": [
        lambda per_clip, z: _needed(per_clip, z, ddof=0),
        lambda per_clip, z: _needed(per_clip, z, power=1.0),
        lambda per_clip, z: _needed(per_clip, z) - 1,
        lambda per_clip, z: (z * per_clip.std(ddof=1) / per_clip.mean()) ** 2,
        lambda per_clip, z: round((z * per_clip.std(ddof=1) / per_clip.mean()) ** 2),
        lambda per_clip, z: _needed(per_clip, 1.96),
        lambda per_clip, z: math.floor(z * per_clip.var(ddof=1) / per_clip.mean() ** 2) + 1,
        lambda per_clip, z: len(per_clip),
        lambda per_clip, z: _needed(per_clip / math.sqrt(len(per_clip)), z) * len(per_clip),
        lambda per_clip, z: _needed(per_clip, z) * len(per_clip),
        lambda per_clip, z: (
            math.floor(len(per_clip) * (z * per_clip.std(ddof=1) / per_clip.mean()) ** 2) + 1
        ),
        lambda per_clip, z: math.floor((per_clip.mean() / (z * per_clip.std(ddof=1))) ** 2) + 1,
        lambda per_clip, z: _needed(per_clip, 2 * z),
        lambda per_clip, z: _needed(np.abs(per_clip), z),
        lambda per_clip, z: math.nan,
        lambda per_clip, z: None,
        lambda per_clip: 100,
    ],
}
