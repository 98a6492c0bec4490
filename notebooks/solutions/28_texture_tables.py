"""Solutions of 28_texture_tables, and wrong answers that the checks must turn down."""

import math

import numpy as np
from scipy.stats import beta, norm


def my_gain(better, than, higher):
    return better - than if higher else than - better


def my_interval(wins, votes):
    # The ends of Clopper and Pearson are quantiles of beta distributions.
    low = 0.0 if wins == 0 else beta.ppf(0.025, wins, votes - wins + 1)
    high = 1.0 if wins == votes else beta.ppf(0.975, wins + 1, votes - wins)
    return low, high


def my_votes_needed(share):
    return next(n for n in range(1, 2001) if my_interval(round(share * n), n)[0] > 0.5)


def _normal(wins, votes):
    p = wins / votes
    half = 1.96 * math.sqrt(p * (1 - p) / votes)
    return max(0, p - half), min(1, p + half)


def _wilson(wins, votes):
    p, z = wins / votes, norm.ppf(0.975)
    middle = (p + z * z / (2 * votes)) / (1 + z * z / votes)
    half = z / (1 + z * z / votes) * math.sqrt(p * (1 - p) / votes + (z / (2 * votes)) ** 2)
    return middle - half, middle + half


def _one_sided(wins, votes):
    low = 0.0 if wins == 0 else beta.ppf(0.05, wins, votes - wins + 1)
    high = 1.0 if wins == votes else beta.ppf(0.95, wins + 1, votes - wins)
    return low, high


def _in_place(better, than, higher):
    better -= than
    return better if higher else -better


def _needed_by(interval):
    return lambda share: next(n for n in range(1, 2001) if interval(round(share * n), n)[0] > 0.5)


WRONG = {
    "my_gain": [
        lambda better, than, higher: better - than,
        lambda better, than, higher: than - better,
        lambda better, than, higher: than - better if higher else better - than,
        lambda better, than, higher: abs(better - than),
        lambda better, than, higher: np.sort(my_gain(better, than, higher)),
        lambda better, than, higher: my_gain(better, than, higher).mean(),
        lambda better, than, higher: np.full(len(better), my_gain(better, than, higher).mean()),
        lambda better, than, higher: my_gain(better, than, higher) / than,
        lambda better, than, higher: np.sign(my_gain(better, than, higher)),
        lambda better, than, higher: None,
        _in_place,
    ],
    "my_interval": [
        _normal, _wilson, _one_sided,
        lambda wins, votes: my_interval(wins, votes)[::-1],
        lambda wins, votes: tuple(100 * x for x in my_interval(wins, votes)),
        lambda wins, votes: (beta.ppf(0.025, wins + 0.5, votes - wins + 0.5),
                             beta.ppf(0.975, wins + 0.5, votes - wins + 0.5)),
        lambda wins, votes: (beta.ppf(0.025, wins + 1, votes - wins + 1),
                             beta.ppf(0.975, wins + 1, votes - wins + 1)),
        lambda wins, votes: my_interval(votes - wins, votes),
        lambda wins, votes: wins / votes,
        lambda wins, votes: None,
    ],
    "my_votes_needed": [
        _needed_by(_normal), _needed_by(_wilson), _needed_by(_one_sided),
        lambda share: my_votes_needed(share) + 1,
        lambda share: my_votes_needed(share) - 1,
        lambda share: next(n for n in range(1, 2001) if my_interval(math.floor(share * n), n)[0] > 0.5),
        lambda share: float(my_votes_needed(share)),
        lambda share: 210,
        lambda share: None,
    ],
}  # fmt: skip
