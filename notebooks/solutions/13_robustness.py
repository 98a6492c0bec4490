"""Solutions of 13_robustness, and wrong answers that the checks must turn down."""

import numpy as np


def my_crossing(sizes, gain):
    if gain[0] > 0:
        return float(sizes[0])
    for k in range(1, len(sizes)):
        if gain[k] > 0:
            share = (0 - gain[k - 1]) / (gain[k] - gain[k - 1])
            return float(sizes[k - 1] + share * (sizes[k] - sizes[k - 1]))
    return 0.0


def my_crossing_interval(sizes, gain, recordings, rng):
    return _draws(sizes, gain, recordings, rng)


def my_matched(measure, target, low, high):
    while high - low > 1e-4:
        middle = (low + high) / 2
        if measure(middle) > target:  # still too good: more damage
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _draws(sizes, gain, recordings, rng, ends=(2.5, 97.5), back=True, frames=False, share=1.0):
    groups = [gain[recordings == c] for c in np.unique(recordings)]
    found = []
    for _ in range(2000):
        parts = [groups[k] for k in rng.choice(len(groups), int(share * len(groups)), replace=back)]
        if frames:
            parts = [rng.permutation(p)[rng.integers(0, len(p), len(p))] for p in parts]
        found.append(my_crossing(sizes, np.concatenate(parts).mean(0)))
    return tuple(np.percentile(found, ends))


def _by_image(sizes, gain, recordings, rng):
    return _draws(sizes, gain, np.arange(len(gain)), rng)


def _clip_means(sizes, gain, recordings, rng):
    table = np.stack([gain[recordings == c].mean(0) for c in np.unique(recordings)])
    return _by_image(sizes, table, recordings, rng)


def _one_clip(sizes, gain, recordings, rng):
    found = [my_crossing(sizes, gain[recordings == c].mean(0)) for c in np.unique(recordings)]
    return tuple(np.percentile(found, [2.5, 97.5]))


def _own(sizes, gain, recordings, rng):
    return tuple(np.percentile([my_crossing(sizes, line) for line in gain], [2.5, 97.5]))


def _mean_of_own(sizes, gain, recordings, rng):
    own = np.array([my_crossing(sizes, line) for line in gain])
    groups = [own[recordings == c] for c in np.unique(recordings)]
    found = []
    for _ in range(2000):
        found.append(
            np.concatenate([groups[k] for k in rng.integers(0, len(groups), len(groups))]).mean()
        )
    return tuple(np.percentile(found, [2.5, 97.5]))


def _last(sizes, gain):
    if gain[0] > 0:
        return float(sizes[0])
    for k in range(len(sizes) - 1, 0, -1):
        if gain[k] > 0 >= gain[k - 1]:
            return float(np.interp(0, gain[k - 1 : k + 1], sizes[k - 1 : k + 1]))
    return 0.0


def _no_zero(sizes, gain):
    return my_crossing(sizes, gain) if (gain > 0).any() else float(sizes[-1])


WRONG = {
    "my_crossing": [
        lambda sizes, gain: my_crossing(sizes, -gain),
        lambda sizes, gain: float(sizes[np.argmax(gain > 0)]) if (gain > 0).any() else 0.0,
        lambda sizes, gain: float(sizes[np.abs(gain).argmin()]),
        lambda sizes, gain: my_crossing(sizes[::-1], gain[::-1]),
        _last,
        _no_zero,
        lambda sizes, gain: float(np.interp(0, gain, sizes)),
        lambda sizes, gain: (
            my_crossing(sizes, gain)
            if gain[0] > 0 or not (gain > 0).any()
            else float(sizes[np.argmax(gain > 0) - 1 : np.argmax(gain > 0) + 1].mean())
        ),
        lambda sizes, gain: 2 ** my_crossing(np.log2(sizes), gain) if (gain > 0).any() else 0.0,
        lambda sizes, gain: my_crossing(sizes, gain) if gain[0] <= 0 else 0.0,
        lambda sizes, gain: my_crossing(sizes, gain) or float("nan"),
        lambda sizes, gain: int(my_crossing(sizes, gain)),
        lambda sizes, gain: my_crossing(sizes, gain.cumsum()),
        lambda sizes, gain: None,
    ],
    "my_crossing_interval": [
        _by_image,
        _clip_means,
        _one_clip,
        _own,
        _mean_of_own,
        lambda sizes, gain, recordings, rng: _draws(sizes, gain, recordings, rng, (5, 95)),
        lambda sizes, gain, recordings, rng: _draws(sizes, gain, recordings, rng, (0, 100)),
        lambda sizes, gain, recordings, rng: _draws(sizes, gain, recordings, rng, (25, 75)),
        lambda sizes, gain, recordings, rng: _draws(sizes, gain, recordings, rng, (97.5, 2.5)),
        lambda sizes, gain, recordings, rng: _draws(sizes, gain, recordings, rng, back=False),
        lambda sizes, gain, recordings, rng: _draws(sizes, gain, recordings, rng, frames=True),
        lambda sizes, gain, recordings, rng: _draws(sizes, gain, recordings, rng, share=0.5),
        lambda sizes, gain, recordings, rng: _draws(sizes, -gain, recordings, rng),
        lambda sizes, gain, recordings, rng: my_crossing(sizes, gain.mean(0)),
        lambda sizes, gain, recordings, rng: None,
    ],
    "my_matched": [
        lambda measure, target, low, high: target,
        lambda measure, target, low, high: (low + high) / 2,
        lambda measure, target, low, high: my_matched(lambda x: -measure(x), -target, low, high),
        lambda measure, target, low, high: (
            low + (measure(low) - target) / (measure(low) - measure(high)) * (high - low)
        ),
        lambda measure, target, low, high: min(
            np.linspace(low, high, 90), key=lambda x: abs(measure(x) - target)
        ),
        lambda measure, target, low, high: min(
            np.linspace(low, high, 10000), key=lambda x: abs(measure(x) - target)
        ),
        lambda measure, target, low, high: measure(my_matched(measure, target, low, high)),
        lambda measure, target, low, high: my_matched(measure, target, low - 100, high + 100),
        lambda measure, target, low, high: my_matched(measure, target, 0.0, 10.0),
        lambda measure, target, low, high: low if measure(low) > target else high,
        lambda measure, target, low, high: my_matched(measure, 0.9 * target, low, high),
        lambda measure, target, low, high: None,
    ],
}
