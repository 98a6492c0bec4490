"""Solutions of 17_rival_feaen, and wrong answers that the checks must turn down."""

import itertools

import numpy as np
from scipy.optimize import linear_sum_assignment


def my_lsgan(real, made):
    return ((real - 1) ** 2).mean() + (made**2).mean(), ((made - 1) ** 2).mean()


def my_best_critic(real, made):
    p, q = real / real.sum(), made / made.sum()
    score = np.full(len(real), 0.5)
    there = p + q > 0
    score[there] = p[there] / (p + q)[there]
    return score


def my_mates(small, sharp):
    apart = ((small[:, None] - sharp[None]) ** 2).sum(-1)
    return linear_sum_assignment(apart)[1]


def _apart(small, sharp):
    return ((small[:, None] - sharp[None]) ** 2).sum(-1)


def _greedy(small, sharp):
    apart, rows = _apart(small, sharp), []
    for line in apart:
        free = [k for k in range(len(sharp)) if k not in rows]
        rows.append(free[int(np.argmin(line[free]))])
    return np.array(rows)


def _nearest_pairs_first(small, sharp):
    apart, rows = _apart(small, sharp), np.zeros(len(small), int)
    for _ in small:
        i, j = np.unravel_index(apart.argmin(), apart.shape)
        rows[i] = j
        apart[i], apart[:, j] = np.inf, np.inf
    return rows


def _plain_distances(small, sharp):
    return linear_sum_assignment(np.sqrt(_apart(small, sharp)))[1]


def _worst(small, sharp):
    return linear_sum_assignment(-_apart(small, sharp))[1]


def _sorted(small, sharp):
    rows = np.zeros(len(small), int)
    rows[np.argsort(small[:, 0])] = np.argsort(sharp[:, 0])
    return rows


def _neighbours_only(small, sharp):
    count = len(small)
    apart = _apart(small, sharp)
    some = list(itertools.permutations(range(count)))[: max(1, count)]
    return np.array(min(some, key=lambda order: apart[np.arange(count), order].sum()))


def _in_place(small, sharp):
    small -= small.mean(0)
    return my_mates(small, sharp)


def _fills(value):
    def wrong(real, made):
        p, q = real / real.sum(), made / made.sum()
        return np.where(p + q > 0, p / np.maximum(p + q, 1e-12), value)

    return wrong


def _normalises_in_place(real, made):
    score = my_best_critic(real, made)
    real[:] = 0
    return score


WRONG = {
    "my_lsgan": [
        lambda real, made: my_lsgan(real, made)[::-1],
        lambda real, made: (my_lsgan(real, made)[0] / 2, my_lsgan(real, made)[1]),
        lambda real, made: (my_lsgan(real, made)[0] / 2, my_lsgan(real, made)[1] / 2),
        lambda real, made: my_lsgan(made, real),
        lambda real, made: (my_lsgan(real, made)[0], (made**2).mean()),
        lambda real, made: (my_lsgan(real, made)[0], -(made**2).mean()),
        lambda real, made: (my_lsgan(real, made)[0], -my_lsgan(real, made)[0]),
        lambda real, made: (((real - 1) ** 2).sum() + (made**2).sum(), ((made - 1) ** 2).sum()),
        lambda real, made: (
            (((real - 1) ** 2).sum() + (made**2).sum()) / (len(real) + len(made)),
            ((made - 1) ** 2).mean(),
        ),
        lambda real, made: ((real.mean() - 1) ** 2 + made.mean() ** 2, (made.mean() - 1) ** 2),
        lambda real, made: (made.mean() - real.mean(), -made.mean()),
        lambda real, made: ((real**2).mean() + ((made - 1) ** 2).mean(), ((made - 1) ** 2).mean()),
        lambda real, made: (np.abs(real - 1).mean() + np.abs(made).mean(), np.abs(made - 1).mean()),
        lambda real, made: (((real - 1) ** 2).mean(), ((made - 1) ** 2).mean()),
        lambda real, made: sum(my_lsgan(real, made)),
        lambda real, made: (my_lsgan(real, made)[0], sum(my_lsgan(real, made))),
        lambda real, made: None,
    ],
    "my_best_critic": [
        lambda real, made: real / (real + made),
        lambda real, made: real / np.maximum(real + made, 1),
        lambda real, made: np.where(real + made > 0, real / np.maximum(real + made, 1), 0.5),
        lambda real, made: 1 - my_best_critic(real, made),
        lambda real, made: my_best_critic(real, made) * 2 - 1,
        lambda real, made: (my_best_critic(real, made) > 0.5).astype(float),
        lambda real, made: real / real.sum(),
        lambda real, made: real / real.sum() - made / made.sum(),
        lambda real, made: (real + 1) / (real.sum() + made.sum() + 2),
        lambda real, made: my_best_critic(real + 1, made + 1),
        lambda real, made: my_best_critic(real, made) ** 2,
        lambda real, made: my_best_critic(real, made).mean(),
        _fills(0.0),
        _fills(1.0),
        _fills(np.nan),
        _normalises_in_place,
        lambda real, made: None,
    ],
    "my_mates": [
        _greedy,
        _nearest_pairs_first,
        _plain_distances,
        _worst,
        _sorted,
        _neighbours_only,
        _in_place,
        lambda small, sharp: _apart(small, sharp).argmin(1),
        lambda small, sharp: np.arange(len(small)),
        lambda small, sharp: np.argsort(my_mates(small, sharp)),
        lambda small, sharp: my_mates(small, sharp) + 1,
        lambda small, sharp: _apart(small, sharp).argmin(0),
        lambda small, sharp: linear_sum_assignment(-small @ sharp.T)[1][::-1],
        lambda small, sharp: linear_sum_assignment(_apart(small[:, :1], sharp[:, :1]))[1],
        lambda small, sharp: my_mates(small, sharp)[:-1],
        lambda small, sharp: _apart(small, sharp).min(1),
        lambda small, sharp: None,
    ],
}
