"""Solutions of 27_lpips, and wrong answers that the checks must turn down."""

from math import comb

import numpy as np


def my_chance(right, votes):
    return sum(comb(votes, k) for k in range(right, votes + 1)) / 2**votes


def my_lpips(a, b, weights):
    total = 0.0
    for x, y, w in zip(a, b, weights, strict=True):
        x, y = x / x.norm(dim=1, keepdim=True), y / y.norm(dim=1, keepdim=True)
        total += float(((x - y) ** 2 * w.view(1, -1, 1, 1)).sum(1).mean())
    return total


def my_blur_pool(x):
    x = np.pad(x, 2, mode="reflect")
    return (x[:-2] + 2 * x[1:-1] + x[2:])[::2] / 4


def _pool(mode):
    def pool(x):
        x = np.pad(x, 2, mode=mode)
        return (x[:-2] + 2 * x[1:-1] + x[2:])[::2] / 4

    return pool


def _without_units(a, b, weights):
    parts = zip(a, b, weights, strict=True)
    return sum(float(((x - y) ** 2 * w.view(1, -1, 1, 1)).sum(1).mean()) for x, y, w in parts)


def _of_places(a, b, weights):
    parts = zip(a, b, weights, strict=True)
    return sum(my_lpips([x], [y], [w]) * x[0, 0].numel() for x, y, w in parts)


def _in_place(a, b, weights):
    answer = my_lpips(a, b, weights)
    a[0] /= 2
    return answer


WRONG = {
    "my_chance": [
        lambda right, votes: comb(votes, right) / 2**votes,
        lambda right, votes: 1 - my_chance(right, votes),
        lambda right, votes: my_chance(right + 1, votes),
        lambda right, votes: my_chance(votes - right, votes),
        lambda right, votes: 0.5**right,
        lambda right, votes: min(1, 2 * my_chance(right, votes)),
        lambda right, votes: right / votes,
        lambda right, votes: 100 * my_chance(right, votes),
        lambda right, votes: None,
    ],
    "my_lpips": [
        _without_units,
        _of_places,
        lambda a, b, w: my_lpips([x / x.norm() for x in a], [x / x.norm() for x in b], w) / len(a),
        lambda a, b, w: my_lpips(a, b, [x * 0 + 1 for x in w]),
        lambda a, b, w: my_lpips(a, b, w) / len(a),
        lambda a, b, w: my_lpips(a[-1:], b[-1:], w[-1:]),
        lambda a, b, w: my_lpips(a, b, [x**2 for x in w]),
        lambda a, b, w: my_lpips(a, b, [x / len(x) for x in w]),
        lambda a, b, w: my_lpips(a, b, w) ** 0.5,
        lambda a, b, w: my_lpips(a[:3], b[:3], w[:3]) if len(a) == 3 else 0.0,
        lambda a, b, w: [my_lpips(a, b, w)],
        lambda a, b, w: None,
        _in_place,
    ],
    "my_blur_pool": [
        lambda x: x[::2],
        lambda x: np.pad(x, 2, mode="reflect")[::2],
        lambda x: my_blur_pool(x)[1:],
        lambda x: 4 * my_blur_pool(x),
        lambda x: (lambda p: (p[:-2] + 2 * p[1:-1] + p[2:]) / 4)(np.pad(x, 2, mode="reflect")),
        lambda x: (lambda p: (p[:-2] + p[1:-1] + p[2:])[::2] / 3)(np.pad(x, 2, mode="reflect")),
        lambda x: (lambda p: (p[:-2] + 2 * p[1:-1] + p[2:])[1::2] / 4)(np.pad(x, 2, mode="reflect")),
        lambda x: (lambda p: (p[:-2] + 2 * p[1:-1] + p[2:])[::2] / 4)(np.pad(x, 1, mode="reflect")),
        _pool("constant"), _pool("edge"), _pool("symmetric"), _pool("wrap"),
        lambda x: my_blur_pool(x)[None],
        lambda x: None,
    ],
}  # fmt: skip
