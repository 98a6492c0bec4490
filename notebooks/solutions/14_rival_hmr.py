"""Solutions of 14_rival_hmr, and wrong answers that the checks must turn down."""

import itertools

import numpy as np


def my_depths(points, lengths):
    across = np.linalg.norm(np.diff(points, axis=0), axis=1)
    rise = np.sqrt(lengths**2 - across**2)
    signs = np.array(list(itertools.product([-1, 1], repeat=len(lengths))))
    return np.concatenate([np.zeros((len(signs), 1)), (signs * rise).cumsum(1)], 1)


def my_losses(real, iterates):
    fake = np.concatenate(iterates)
    critics = ((real - 1) ** 2).sum(1).mean() + (fake**2).sum(1).mean()
    return critics, ((fake - 1) ** 2).sum(1).mean()


def my_best(values, real, fake):
    scores = []
    for value in values:
        p, q = real.count(value) / len(real), fake.count(value) / len(fake)
        scores.append(p / (p + q) if p + q else 0.5)
    return scores


def _not_summed(points, lengths):
    out = my_depths(points, lengths)
    out[:, 1:] = np.diff(out, axis=1)
    return out


def _no_pythagoras(points, lengths):
    across = np.linalg.norm(np.diff(points, axis=0), axis=1)
    signs = np.array(list(itertools.product([-1, 1], repeat=len(lengths))))
    return np.concatenate([np.zeros((len(signs), 1)), (signs * (lengths - across)).cumsum(1)], 1)


def _twice(points, lengths):
    out = my_depths(points, lengths)
    out[len(out) // 2 :] = out[: len(out) // 2]
    return out


def _sort_of(loss):
    def wrong(real, iterates):
        return loss(real, np.concatenate(iterates))

    return wrong


def _by_number(values, real, fake):
    counts = [(real.count(v), fake.count(v)) for v in values]
    return [a / (a + b) if a + b else 0.5 for a, b in counts]


def _nobody_is_zero(values, real, fake):
    scores = my_best(values, real, fake)
    return [s if v in real or v in fake else 0.0 for s, v in zip(scores, values, strict=True)]


WRONG = {
    "my_depths": [
        lambda points, lengths: my_depths(points, lengths)[:, 1:],
        lambda points, lengths: my_depths(points, lengths)[::2],
        lambda points, lengths: my_depths(points, lengths) + 0.1,
        lambda points, lengths: my_depths(points, 1.1 * lengths),
        _not_summed,
        _no_pythagoras,
        _twice,
        lambda points, lengths: None,
    ],
    "my_losses": [
        lambda real, iterates: my_losses(real, iterates)[::-1],
        lambda real, iterates: tuple(v / real.shape[1] for v in my_losses(real, iterates)),
        lambda real, iterates: (my_losses(real, iterates)[0], my_losses(real, iterates[-1:])[1]),
        lambda real, iterates: (my_losses(real, iterates)[0], 3 * my_losses(real, iterates)[1]),
        _sort_of(lambda r, f: (((r - 1) ** 2).sum() + (f**2).sum(), ((f - 1) ** 2).sum())),
        _sort_of(lambda r, f: ((r**2).sum(1).mean() + ((f - 1) ** 2).sum(1).mean(), 0.0)),
        _sort_of(
            lambda r, f: (((r - 1) ** 2).sum(1).mean() + (f**2).sum(1).mean(), (f**2).sum(1).mean())
        ),
        lambda real, iterates: (my_losses(real, iterates[-1:])[0], my_losses(real, iterates)[1]),
        lambda real, iterates: None,
    ],
    "my_best": [
        _by_number,
        _nobody_is_zero,
        lambda values, real, fake: [float(v in real) for v in values],
        lambda values, real, fake: [1 - s for s in my_best(values, real, fake)],
        lambda values, real, fake: [0.5 for _ in values],
        lambda values, real, fake: my_best(values, real, fake)[:-1],
        lambda values, real, fake: None,
    ],
}
