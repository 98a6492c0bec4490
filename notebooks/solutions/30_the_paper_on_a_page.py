"""Solutions of 30_the_paper_on_a_page, and wrong answers that the checks must turn down."""

import numpy as np
from scipy.stats import binom, norm


def my_least(low, high):
    return (high - low) / 2


def my_odds(true, low, high):
    se = (high - low) / (2 * norm.ppf(0.975))
    return norm.sf(norm.ppf(0.975) - true / se)


def my_count(odds):
    chances = np.array([1.0])
    for p in odds:
        more = np.zeros(len(chances) + 1)
        more[:-1] += chances * (1 - p)
        more[1:] += chances * p
        chances = more
    return chances


def _two_sided(true, low, high):
    se = (high - low) / (2 * norm.ppf(0.975))
    z = norm.ppf(0.975)
    return norm.sf(z - true / se) + norm.cdf(-z - true / se)


WRONG = {
    "my_least": [
        lambda low, high: high - low,
        lambda low, high: -low,
        lambda low, high: abs(low),
        lambda low, high: (low + high) / 2,
        lambda low, high: (low - high) / 2,
        lambda low, high: high,
        lambda low, high: (high - low) / (2 * 1.96),
    ],
    "my_odds": [
        _two_sided,
        lambda true, low, high: norm.sf(norm.ppf(0.975) - true / ((high - low) / 2)),
        lambda true, low, high: norm.cdf(true / (high - low)),
        lambda true, low, high: norm.sf(norm.ppf(0.95) - 2 * 1.96 * true / (high - low)),
        lambda true, low, high: float(low > 0),
        lambda true, low, high: 1 - my_odds(true, low, high),
        lambda true, low, high: my_odds(0.0, low, high),
    ],
    "my_count": [
        lambda odds: my_count(odds)[::-1],
        lambda odds: binom.pmf(range(len(odds) + 1), len(odds), np.mean(odds)),
        lambda odds: my_count(odds)[:-1],
        lambda odds: np.cumsum(my_count(odds)),
        lambda odds: np.full(len(odds) + 1, 1 / (len(odds) + 1)),
        lambda odds: np.eye(len(odds) + 1)[round(float(np.sum(odds)))],
    ],
}
