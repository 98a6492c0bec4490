"""Solutions of 06_just_train_on_small_images, and wrong answers that the checks must turn down."""

import numpy as np


def my_gain(new, old):
    return (old - new).mean(), (new < old).mean()


def my_split(first, middle, last):
    one, two = (first - middle).mean(), (middle - last).mean()
    return one, two, one / (one + two)


def my_break_even(gain_small, loss_full):
    if loss_full <= 0:
        return 0.0
    if gain_small <= 0:
        return 1.0
    return loss_full / (gain_small + loss_full)


def _steps(first, middle, last):
    return (first - middle).mean(), (middle - last).mean()


def _by_person(first, middle, last):
    whole = first - last
    return *_steps(first, middle, last), ((first - middle) / whole).mean()


def _by_seed(first, middle, last):
    shares = (first - middle).mean(1) / (first - last).mean(1)
    return *_steps(first, middle, last), shares.mean()


def _in_place(first, middle, last):
    middle -= first
    return -middle.mean(), 0.0, 1.0


WRONG = {
    "my_gain": [
        lambda new, old: ((new - old).mean(), (new < old).mean()),
        lambda new, old: ((old - new).sum(), (new < old).mean()),
        lambda new, old: (100 * (old - new).mean() / old.mean(), (new < old).mean()),
        lambda new, old: (np.median(old - new), (new < old).mean()),
        lambda new, old: (np.abs(old - new).mean(), (new < old).mean()),
        lambda new, old: ((old - new).mean(), (new <= old).mean()),
        lambda new, old: ((old - new).mean(), (new > old).mean()),
        lambda new, old: ((old - new).mean(), (new < old).sum()),
        lambda new, old: ((old - new).mean(), 100 * (new < old).mean()),
        lambda new, old: ((old - new).mean(), float(new.mean() < old.mean())),
        lambda new, old: ((new < old).mean(), (old - new).mean()),
        lambda new, old: ((old - new)[old > new].mean(), (new < old).mean()),
        lambda new, old: (old - new).mean(),
        lambda new, old: (old - new, new < old),
        lambda new, old: (old.__isub__(new).mean(), 0.5),
        lambda new, old: None,
    ],
    "my_split": [
        lambda first, middle, last: (
            (middle - first).mean(),
            (last - middle).mean(),
            (middle - first).mean() / (last - first).mean(),
        ),
        lambda first, middle, last: my_split(first, middle[0], last[0]),
        lambda first, middle, last: (
            (first - middle).mean(),
            (first - last).mean(),
            (first - middle).mean() / (first - last).mean(),
        ),
        lambda first, middle, last: (*_steps(first, middle, last)[::-1], 0.5),
        lambda first, middle, last: (
            *_steps(first, middle, last),
            100 * my_split(first, middle, last)[2],
        ),
        lambda first, middle, last: (
            *_steps(first, middle, last),
            1 - my_split(first, middle, last)[2],
        ),
        lambda first, middle, last: (
            *_steps(first, middle, last),
            np.divide(*_steps(first, middle, last)),
        ),
        lambda first, middle, last: (
            *_steps(first, middle, last),
            np.clip(my_split(first, middle, last)[2], 0, 1),
        ),
        lambda first, middle, last: (
            *_steps(first, middle, last),
            _steps(first, middle, last)[0] / np.abs(_steps(first, middle, last)).sum(),
        ),
        _by_person,
        _by_seed,
        _in_place,
        lambda first, middle, last: my_split(first, middle.T, last.T),  # people beside seeds
        lambda first, middle, last: (first.mean() - middle.mean(1), 0.0, 1.0),
        lambda first, middle, last: _steps(first, middle, last),
        lambda first, middle, last: None,
        lambda first, middle, last: (
            *_steps(first, middle, last),
            (first - middle).mean() / first.mean(),
        ),
    ],
    "my_break_even": [
        lambda gain_small, loss_full: loss_full / (gain_small + loss_full),
        lambda gain_small, loss_full: loss_full / gain_small if gain_small > 0 else 1.0,
        lambda gain_small, loss_full: gain_small / (gain_small + loss_full),
        lambda gain_small, loss_full: 100 * my_break_even(gain_small, loss_full),
        lambda gain_small, loss_full: float(loss_full > gain_small),
        lambda gain_small, loss_full: 0.5,
        lambda gain_small, loss_full: min(1.0, max(0.0, loss_full / (gain_small + loss_full))),
        lambda gain_small, loss_full: (
            0.0 if loss_full <= 0 else abs(loss_full) / (abs(gain_small) + abs(loss_full))
        ),
        lambda gain_small, loss_full: (
            1.0 if loss_full <= 0 else my_break_even(gain_small, loss_full)
        ),
        lambda gain_small, loss_full: (
            0.0 if gain_small <= 0 else my_break_even(gain_small, loss_full)
        ),
        lambda gain_small, loss_full: max(0.0, gain_small - loss_full),
        lambda gain_small, loss_full: (
            None if gain_small <= 0 else my_break_even(gain_small, loss_full)
        ),
        lambda gain_small, loss_full: (
            float("inf") if gain_small <= 0 else my_break_even(gain_small, loss_full)
        ),
        lambda gain_small: 0.0,
    ],
}
