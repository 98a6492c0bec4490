"""Solutions of 00_start_here, and wrong answers that the checks must turn down."""

import numpy as np


def my_mpjpe(a, b):
    return 1000 * np.linalg.norm(np.asarray(a) - np.asarray(b), axis=1).mean()


def my_centred(joints, root):
    return joints - joints[:, list(root)].mean(1, keepdim=True)


def my_interval(values, clips, rng):
    groups = [values[clips == c] for c in np.unique(clips)]
    means = []
    for _ in range(2000):
        drawn = rng.integers(0, len(groups), len(groups))
        means.append(np.concatenate([groups[d] for d in drawn]).mean())
    return tuple(np.percentile(means, [2.5, 97.5]))


def _by_frame(values, clips, rng):
    means = [rng.choice(values, len(values)).mean() for _ in range(2000)]
    return tuple(np.percentile(means, [2.5, 97.5]))


def _one_clip(values, clips, rng):
    means = [values[clips == rng.choice(clips)].mean() for _ in range(2000)]
    return tuple(np.percentile(means, [2.5, 97.5]))


def _spread(values, clips, rng):
    return tuple(np.percentile(values, [2.5, 97.5]))


WRONG = {
    "my_mpjpe": [
        lambda a, b: np.linalg.norm(a - b, axis=1).mean(),
        lambda a, b: 1000 * np.sqrt(((a - b) ** 2).sum(1).mean()),
        lambda a, b: 1000 * np.linalg.norm(a - b, axis=1).sum(),
    ],
    "my_centred": [
        lambda joints, root: joints - joints[:, root].mean((0, 1)),
        lambda joints, root: joints - joints[:, root[0]][:, None],
        lambda joints, root: joints - joints.mean(1, keepdim=True),
        lambda joints, root: joints.sub_(joints[:, root].mean(1, keepdim=True)),
    ],
    "my_interval": [_by_frame, _one_clip, _spread],
}
