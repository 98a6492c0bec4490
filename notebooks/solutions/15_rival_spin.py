"""Solutions of 15_rival_spin, and wrong answers that the checks must turn down."""

import numpy as np


def my_pull(residual, sigma):
    return 2 * residual * sigma**4 / (sigma**2 + residual**2) ** 2


def my_error(points, marks, sure, sigma):
    seen = sure > 0
    if not seen.any():
        return np.inf
    square = (points[seen] - marks[seen]) ** 2
    cost = (sigma**2 * square / (sigma**2 + square)).sum(1)  # x and y, each alone
    return np.average(cost, weights=sure[seen] ** 2)


def my_step(best, ids, errors, threshold):
    new = dict(best)
    for k, error in zip(ids, errors, strict=True):
        new[k] = min(new.get(k, np.inf), error)
    return new, [new[k] < threshold for k in ids]


def _rho(r, sigma):
    return sigma**2 * r**2 / (sigma**2 + r**2)


def _weighted(power=2, mean=True, root=False, share=1.0, sigma_is=None, both=True):
    def wrong(points, marks, sure, sigma):
        seen = sure > 0
        if not seen.any():
            return np.inf
        off, weight = points[seen] - marks[seen], sure[seen] ** power
        off = off if both else np.linalg.norm(off, axis=1)[:, None]
        cost = weight * _rho(off, sigma_is or sigma).sum(1)
        value = share * (cost.sum() / weight.sum() if mean else cost.sum())
        return np.sqrt(value) if root else value

    return wrong


def _squares(points, marks, sure, sigma):
    seen = sure > 0
    if not seen.any():
        return np.inf
    return np.average(((points - marks)[seen] ** 2).sum(1), weights=sure[seen] ** 2)


def _nobody_is_zero(points, marks, sure, sigma):
    return my_error(points, marks, sure, sigma) if (sure > 0).any() else 0.0


def _nan_times_zero(points, marks, sure, sigma):
    return (sure**2 * _rho(points - marks, sigma).sum(1)).sum() / (sure**2).sum()


def _twenty_four(points, marks, sure, sigma):
    seen = sure > 0
    if not seen.any():
        return np.inf
    return (sure[seen] ** 2 * _rho((points - marks)[seen], sigma).sum(1)).sum() / len(sure)


def _all_marks(points, marks, sure, sigma):
    return np.nan_to_num(_rho(points - marks, sigma)).sum(1).mean() if sure.any() else np.inf


def _sets_marks(points, marks, sure, sigma):
    value = my_error(points, marks, sure, sigma)
    marks[:] = 0
    return value


def _latest(best, ids, errors, threshold):
    new = {**best, **dict(zip(ids, errors, strict=True))}
    return new, [new[k] < threshold for k in ids]


def _only_batch(best, ids, errors, threshold):
    new, taught = my_step(best, ids, errors, threshold)
    return {k: new[k] for k in ids}, taught


def _in_place(best, ids, errors, threshold):
    new, taught = my_step(best, ids, errors, threshold)
    best.update(new)
    return best, taught


def _worst(best, ids, errors, threshold):
    new = dict(best)
    for k, error in zip(ids, errors, strict=True):
        new[k] = max(new.get(k, 0), error)
    return new, [new[k] < threshold for k in ids]


def _against_the_old(best, ids, errors, threshold):
    new = dict(best)
    for k, error in zip(ids, errors, strict=True):
        if error < best.get(k, np.inf):
            new[k] = error
        new.setdefault(k, error)
    return new, [new[k] < threshold for k in ids]


def _only_good_enter(best, ids, errors, threshold):
    new = dict(best)
    for k, error in zip(ids, errors, strict=True):
        if error < min(threshold, new.get(k, np.inf)):
            new[k] = error
    return new, [new.get(k, np.inf) < threshold for k in ids]


def _mean(best, ids, errors, threshold):
    new = dict(best)
    for k, error in zip(ids, errors, strict=True):
        new[k] = (new.get(k, error) + error) / 2
    return new, [new[k] < threshold for k in ids]


def _taught_by(rule):
    def wrong(best, ids, errors, threshold):
        new, _ = my_step(best, ids, errors, threshold)
        return new, rule(new, ids, errors, threshold)

    return wrong


WRONG = {
    "my_pull": [
        lambda r, sigma: 2 * r,
        lambda r, sigma: _rho(r, sigma),
        lambda r, sigma: my_pull(r, sigma) / 2,
        lambda r, sigma: -my_pull(r, sigma),
        lambda r, sigma: np.abs(my_pull(r, sigma)),
        lambda r, sigma: my_pull(r, 100.0),
        lambda r, sigma: 2 * r * sigma**2 / (sigma**2 + r**2),
        lambda r, sigma: 2 * r * sigma**2 / (sigma**2 + r**2) ** 2,
        lambda r, sigma: 2 * r * sigma**4 / (sigma**2 + r**2),
        lambda r, sigma: 2 * r * sigma**4 / (sigma + r) ** 4,
        lambda r, sigma: 2 * r * sigma**2,
        lambda r, sigma: np.clip(2 * r, -sigma, sigma),
        lambda r, sigma: np.where(np.abs(r) < sigma, 2 * r, 0.0),
        lambda r, sigma: my_pull(r, sigma).sum(),
        lambda r, sigma: my_pull(np.linalg.norm(r, axis=-1, keepdims=True), sigma) + 0 * r,
        lambda r, sigma: _rho(r, sigma) / r,
        lambda r, sigma: my_pull(r, sigma**2),
        lambda r, sigma: None,
    ],
    "my_error": [
        _weighted(power=1),
        _weighted(power=0),
        _weighted(mean=False),
        _weighted(root=True),
        _weighted(share=0.5),
        _weighted(sigma_is=100.0),
        _weighted(both=False),
        _weighted(power=4),
        _weighted(share=2.0),
        _squares,
        _nobody_is_zero,
        _nan_times_zero,
        _twenty_four,
        _all_marks,
        _sets_marks,
        lambda points, marks, sure, sigma: np.linalg.norm(points - marks, axis=1).mean(),
        lambda points, marks, sure, sigma: np.nan,
        lambda points, marks, sure, sigma: None,
    ],
    "my_step": [
        _latest,
        _only_batch,
        _in_place,
        _worst,
        _against_the_old,
        _only_good_enter,
        _mean,
        _taught_by(lambda new, ids, errors, threshold: [e < threshold for e in errors]),
        _taught_by(lambda new, ids, errors, threshold: [new[k] <= threshold for k in ids]),
        _taught_by(lambda new, ids, errors, threshold: [new[k] > threshold for k in ids]),
        _taught_by(lambda new, ids, errors, threshold: [True for k in ids]),
        _taught_by(lambda new, ids, errors, threshold: [new[k] < threshold for k in sorted(new)]),
        _taught_by(lambda new, ids, errors, threshold: [new[k] < 100 for k in ids]),
        _taught_by(lambda new, ids, errors, threshold: [new[k] ** 0.5 < threshold for k in ids]),
        lambda best, ids, errors, threshold: (
            dict(best),
            [best.get(k, 1e9) < threshold for k in ids],
        ),
        lambda best, ids, errors, threshold: my_step(best, ids, errors, threshold)[0],
        lambda best, ids, errors, threshold: my_step(best, ids, errors, threshold)[1],
        lambda best, ids, errors, threshold: my_step({}, ids, errors, threshold),
        lambda best, ids, errors, threshold: None,
    ],
}
