"""Solutions of 12_ablation_tables, and wrong answers that the checks must turn down."""

import numpy as np


def my_verdict(low, high):
    if low > 0:
        return "reproduced"
    return "contradicted" if high < 0 else "undecided"


def _draws(gains, clips, rng, ends=(2.5, 97.5), seeds=True, whole=True, back=True, frames=False):
    groups = [np.flatnonzero(clips == c) for c in np.unique(clips)]
    means = []
    for _ in range(2000):
        s = rng.integers(0, len(gains), len(gains)) if seeds else np.arange(len(gains))
        if whole:
            drawn = [groups[k] for k in rng.choice(len(groups), len(groups), replace=back)]
            if frames:
                drawn = [rng.choice(g, len(g)) for g in drawn]
            i = np.concatenate(drawn)
        else:
            i = rng.integers(0, gains.shape[1], gains.shape[1])
        means.append(gains[s][:, i].mean())
    return tuple(np.percentile(means, ends))


def my_interval(gains, clips, rng):
    return _draws(gains, clips, rng)


def _no_clips(gains, clips, rng):
    means = [gains[rng.integers(0, len(gains), len(gains))].mean() for _ in range(2000)]
    return tuple(np.percentile(means, [2.5, 97.5]))


def _one_seed(gains, clips, rng):
    groups = [np.flatnonzero(clips == c) for c in np.unique(clips)]
    means = []
    for _ in range(2000):
        i = np.concatenate([groups[k] for k in rng.integers(0, len(groups), len(groups))])
        means.append(gains[rng.integers(len(gains))][i].mean())
    return tuple(np.percentile(means, [2.5, 97.5]))


def _clip_means(gains, clips, rng):
    table = np.stack([gains[:, clips == c].mean(1) for c in np.unique(clips)], 1)
    return _draws(table, np.arange(table.shape[1]), rng)


def _everything(gains, clips, rng):
    """A line a training and clip, all in one urn."""
    pool = [line[clips == c] for line in gains for c in np.unique(clips)]
    means = []
    for _ in range(2000):
        drawn = rng.integers(0, len(pool), len(pool))
        means.append(np.concatenate([pool[d] for d in drawn]).mean())
    return tuple(np.percentile(means, [2.5, 97.5]))


def _normal(gains, clips, rng):
    error = gains.std() / np.sqrt(gains.size)
    return gains.mean() - 1.96 * error, gains.mean() + 1.96 * error


def my_holm(p, level):
    order = np.argsort(p, kind="stable")
    stays = np.zeros(len(p), bool)
    for k, claim in enumerate(order):
        if p[claim] > level / (len(p) - k):
            break
        stays[claim] = True
    return stays


def _go_on(p, level):
    """Does not stop at the first that fails."""
    order = np.argsort(p)
    stays = np.zeros(len(p), bool)
    stays[order] = p[order] <= level / (len(p) - np.arange(len(p)))
    return stays


def _step_up(p, level):
    """Benjamini and Hochberg: another promise."""
    order = np.argsort(p)
    passed = np.flatnonzero(p[order] <= level * np.arange(1, len(p) + 1) / len(p))
    stays = np.zeros(len(p), bool)
    stays[order[: passed.max() + 1 if len(passed) else 0]] = True
    return stays


def _hochberg(p, level):
    order = np.argsort(p)
    passed = np.flatnonzero(p[order] <= level / (len(p) - np.arange(len(p))))
    stays = np.zeros(len(p), bool)
    stays[order[: passed.max() + 1 if len(passed) else 0]] = True
    return stays


def _unsorted(p, level):
    stays = np.zeros(len(p), bool)
    for k, value in enumerate(p):
        if value > level / (len(p) - k):
            break
        stays[k] = True
    return stays


def _off_by_one(p, level):
    order = np.argsort(p)
    stays = np.zeros(len(p), bool)
    for k, claim in enumerate(order):
        if p[claim] > level / (len(p) - k + 1):
            break
        stays[claim] = True
    return stays


WRONG = {
    "my_verdict": [
        lambda low, high: "reproduced" if low + high > 0 else "contradicted",
        lambda low, high: "reproduced" if high > 0 else "contradicted",
        lambda low, high: "reproduced" if low > 0 else "undecided",
        lambda low, high: "contradicted" if low > 0 else "reproduced" if high < 0 else "undecided",
        lambda low, high: "reproduced" if low >= 0 else my_verdict(low, high),
        lambda low, high: "contradicted" if high <= 0 else my_verdict(low, high),
        lambda low, high: "undecided",
        lambda low, high: "reproduced" if low > 1 else my_verdict(min(low, 0), high),
        lambda low, high: my_verdict(high, low),
        lambda low, high: my_verdict(low, high).upper(),
        lambda low, high: low > 0,
        lambda low, high: None,
        lambda low: "undecided",
    ],
    "my_interval": [
        lambda gains, clips, rng: _draws(gains, clips, rng, seeds=False),
        lambda gains, clips, rng: _draws(gains, clips, rng, whole=False),
        lambda gains, clips, rng: _draws(gains, clips, rng, whole=False, seeds=False),
        lambda gains, clips, rng: _draws(gains, clips, rng, (5, 95)),
        lambda gains, clips, rng: _draws(gains, clips, rng, (0, 100)),
        lambda gains, clips, rng: _draws(gains, clips, rng, (97.5, 2.5)),
        lambda gains, clips, rng: _draws(gains, clips, rng, back=False),
        lambda gains, clips, rng: _draws(gains, clips, rng, frames=True),
        _no_clips,
        _one_seed,
        _clip_means,
        _everything,
        _normal,
        lambda gains, clips, rng: tuple(np.percentile(gains, [2.5, 97.5])),
        lambda gains, clips, rng: _draws(gains[:1], clips, rng),
        lambda gains, clips, rng: gains.mean(),
        lambda gains, clips, rng: None,
    ],
    "my_holm": [
        lambda p, level: p <= level,
        lambda p, level: p <= level / len(p),
        _go_on,
        _step_up,
        _hochberg,
        _unsorted,
        _off_by_one,
        lambda p, level: np.sort(my_holm(p, level))[::-1],
        lambda p, level: my_holm(p, 0.05),
        lambda p, level: my_holm(p, level / 2),
        lambda p, level: ~my_holm(p, level),
        lambda p, level: np.flatnonzero(my_holm(p, level)),
        lambda p, level: my_holm(np.sort(p), level),
        lambda p, level: [p.sort(), my_holm(p, level)][1],
        lambda p, level: None,
    ],
}
