"""Solutions of 12_ablation_tables, and wrong answers that the checks must turn down."""

import numpy as np


def my_verdict(low, high):
    if low > 0:
        return "reproduced"
    return "contradicted" if high < 0 else "undecided"


def _draws(
    gains, recordings, clips, rng, ends=(2.5, 97.5), seeds=True, days=True, cuts=True, back=True,
    images=False,
):  # fmt: skip
    """Draws of seeds, of recordings (days) and of clips within them (cuts); any left out at will."""
    inside = {
        r: [np.flatnonzero(clips == c) for c in np.unique(clips[recordings == r])]
        for r in np.unique(recordings)
    }
    names = list(inside)
    means = []
    for _ in range(2000):
        s = rng.choice(len(gains), len(gains), replace=back) if seeds else np.arange(len(gains))
        drawn = rng.choice(len(names), len(names), replace=back) if days else range(len(names))
        parts = []
        for k in drawn:
            own = inside[names[k]]
            parts += [
                own[j] for j in (rng.integers(0, len(own), len(own)) if cuts else range(len(own)))
            ]
        if images:
            parts = [rng.choice(part, len(part)) for part in parts]
        means.append(gains[s][:, np.concatenate(parts)].mean())
    return tuple(np.percentile(means, ends))


def my_interval(gains, recordings, clips, rng):
    return _draws(gains, recordings, clips, rng)


def _one_urn(gains, recordings, clips, rng):
    """All clips in one urn, whatever they were cut from."""
    return _draws(gains, clips, clips, rng)


def _by_image(gains, recordings, clips, rng):
    n, means = gains.shape[1], []
    for _ in range(2000):
        s = rng.integers(0, len(gains), len(gains))
        means.append(gains[s][:, rng.integers(0, n, n)].mean())
    return tuple(np.percentile(means, [2.5, 97.5]))


def _no_clips(gains, recordings, clips, rng):
    means = [gains[rng.integers(0, len(gains), len(gains))].mean() for _ in range(2000)]
    return tuple(np.percentile(means, [2.5, 97.5]))


def _one_seed(gains, recordings, clips, rng):
    lines = [_draws(line[None], recordings, clips, rng) for line in gains]
    return min(low for low, _ in lines), max(high for _, high in lines)


def _clip_means(gains, recordings, clips, rng):
    names = np.unique(clips)
    table = np.stack([gains[:, clips == c].mean(1) for c in names], 1)
    return _draws(table, np.array([recordings[clips == c][0] for c in names]), names, rng)


def _normal(gains, recordings, clips, rng):
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
        lambda gains, recordings, clips, rng: _draws(gains, recordings, clips, rng, seeds=False),
        lambda gains, recordings, clips, rng: _draws(gains, recordings, clips, rng, days=False),
        lambda gains, recordings, clips, rng: _draws(gains, recordings, clips, rng, cuts=False),
        lambda gains, recordings, clips, rng: _draws(gains, recordings, clips, rng, (5, 95)),
        lambda gains, recordings, clips, rng: _draws(gains, recordings, clips, rng, (0, 100)),
        lambda gains, recordings, clips, rng: _draws(gains, recordings, clips, rng, (97.5, 2.5)),
        lambda gains, recordings, clips, rng: _draws(gains, recordings, clips, rng, back=False),
        lambda gains, recordings, clips, rng: _draws(gains, recordings, clips, rng, images=True),
        lambda gains, recordings, clips, rng: _draws(gains, clips, recordings, rng),
        _one_urn,
        _by_image,
        _no_clips,
        _one_seed,
        _clip_means,
        _normal,
        lambda gains, recordings, clips, rng: tuple(np.percentile(gains, [2.5, 97.5])),
        lambda gains, recordings, clips, rng: _draws(gains[:1], recordings, clips, rng),
        lambda gains, recordings, clips, rng: gains.mean(),
        lambda gains, recordings, clips, rng: None,
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
