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


def _clip_means(values, clips, rng):
    means = np.array([values[clips == c].mean() for c in np.unique(clips)])
    drawn = rng.integers(0, len(means), (2000, len(means)))
    return tuple(np.percentile(means[drawn].mean(1), [2.5, 97.5]))


def _draws(values, clips, rng, ends=(2.5, 97.5), replace=True, frames=False, share=1.0):
    groups = [values[clips == c] for c in np.unique(clips)]
    means = []
    for _ in range(2000):
        drawn = rng.choice(len(groups), int(share * len(groups)), replace=replace)
        parts = [groups[d] for d in drawn]
        if frames:
            parts = [rng.choice(part, len(part)) for part in parts]
        means.append(np.concatenate(parts).mean())
    return tuple(np.percentile(means, ends))


WRONG = {
    "my_mpjpe": [
        lambda a, b: np.linalg.norm(a - b, axis=1).mean(),
        lambda a, b: 1000 * np.sqrt(((a - b) ** 2).sum(1).mean()),
        lambda a, b: 1000 * np.linalg.norm(a - b, axis=1).sum(),
        lambda a, b: 1000 * np.linalg.norm(a - b, axis=1),  # one number a joint
        lambda a, b: None,
        lambda a, b: 1000 * np.abs(a - b).sum(1).mean(),
        lambda a, b: 1000 * np.abs(a - b).mean(),
        lambda a, b: 1000 * np.linalg.norm(a - b),
        lambda a, b: 1000 * np.linalg.norm(a - a.mean(0) - b + b.mean(0), axis=1).mean(),
        lambda a, b: 1000 * np.linalg.norm(a - b, axis=2).mean(),  # no such axis
        lambda a, b: 1000 * np.linalg.norm(a.__isub__(b), axis=1).mean(),
        lambda a: 0.0,
    ],
    "my_centred": [
        lambda joints, root: joints - joints[:, root].mean((0, 1)),
        lambda joints, root: joints - joints[:, root[0]][:, None],
        lambda joints, root: joints - joints.mean(1, keepdim=True),
        lambda joints, root: joints.sub_(joints[:, root].mean(1, keepdim=True)),
        lambda joints, root: joints - joints[:, [2, 3]].mean(1, keepdim=True),
        lambda joints, root: joints - joints[:, root].mean(1),  # no keepdim
        lambda joints, root: joints - joints[:, root].sum(1, keepdim=True),
        lambda joints, root: joints + joints[:, root].mean(1, keepdim=True),
        lambda joints, root: joints[:, root].mean(1, keepdim=True),
        lambda joints, root: joints - joints[:, root].mean(),
        lambda joints, root: joints - joints[root].mean(0),
        lambda joints, root: None,
    ],
    "my_interval": [
        _by_frame,
        _one_clip,
        _spread,
        _clip_means,
        lambda values, clips, rng: _draws(values, clips, rng, (5, 95)),
        lambda values, clips, rng: _draws(values, clips, rng, (25, 75)),
        lambda values, clips, rng: _draws(values, clips, rng, (97.5, 2.5)),
        lambda values, clips, rng: _draws(values, clips, rng, (0, 100)),
        lambda values, clips, rng: _draws(values, clips, rng, frames=True),
        lambda values, clips, rng: _draws(values, clips, rng, replace=False),
        lambda values, clips, rng: _draws(values, clips, rng, replace=False, share=0.75),
        lambda values, clips, rng: _draws(values, clips, rng, share=0.5),
        lambda values, clips, rng: values.mean(),
        lambda values, clips, rng: (
            values.mean() - 1.96 * values.std(),
            values.mean() + 1.96 * values.std(),
        ),
        lambda values, clips, rng: [values[c] for c in clips],  # indexes by name
    ],
}
