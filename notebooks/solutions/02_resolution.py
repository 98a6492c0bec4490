"""Solutions of 02_resolution, and wrong answers that the checks must turn down."""

import numpy as np


def my_psnr(a, b):
    return 10 * np.log10(255**2 / np.square(a.astype(float) - b.astype(float)).mean())


def my_range(size, bounds):
    return next((i for i, low in enumerate(bounds) if size >= low), len(bounds) - 1)


def my_linear(source, target):
    stretch = max(source / target, 1)
    centre = (np.arange(target) + 0.5) * source / target
    weights = np.maximum(0, 1 - np.abs(np.arange(source) + 0.5 - centre[:, None]) / stretch)
    return weights / weights.sum(1, keepdims=True)


def _error(a, b):
    return np.square(a.astype(float) - b.astype(float)).mean()


def _triangle(source, target, half=0.5, stretched=True, wide=1.0, sums=True):
    stretch = wide * (max(source / target, 1) if stretched else 1)
    centre = (np.arange(target) + half) * source / target
    weights = np.maximum(0, 1 - np.abs(np.arange(source) + half - centre[:, None]) / stretch)
    return weights / weights.sum(1, keepdims=True) if sums else weights


def _box(source, target):
    stretch = max(source / target, 1)
    off = np.arange(source) + 0.5 - (np.arange(target)[:, None] + 0.5) * source / target
    weights = (np.abs(off) <= stretch / 2 + 1e-9).astype(float)
    return weights / weights.sum(1, keepdims=True)


def _cubic(source, target):
    stretch = max(source / target, 1)
    x = np.abs(np.arange(source) + 0.5 - (np.arange(target)[:, None] + 0.5) * source / target)
    x = x / stretch
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    weights = np.where(x < 1, near, np.where(x < 2, far, 0))
    return weights / weights.sum(1, keepdims=True)


WRONG = {
    "my_psnr": [
        lambda a, b: 10 * np.log10(255**2 / np.square(a - b).astype(float).mean()),
        lambda a, b: 20 * np.log10(255**2 / _error(a, b)),
        lambda a, b: 10 * np.log10(1 / _error(a, b)),
        lambda a, b: 10 * np.log10(float(a.max()) ** 2 / _error(a, b)),
        lambda a, b: 10 * np.log10(float(b.max()) ** 2 / _error(a, b)),
        lambda a, b: 10 * np.log10(float(max(a.max(), b.max())) ** 2 / _error(a, b)),
        lambda a, b: 10 * np.log10(255 / _error(a, b)),
        lambda a, b: 10 * np.log(255**2 / _error(a, b)),
        lambda a, b: -10 * np.log10(255**2 / _error(a, b)),
        lambda a, b: 10 * np.log10(255**2 / np.abs(a.astype(float) - b).mean()),
        lambda a, b: 10 * np.log10(256**2 / _error(a, b)),
        lambda a, b: 10 * np.log10(255**2 / np.square(a.astype(float) - b).mean(0)),
        lambda a, b: _error(a, b),
        lambda a, b: None,
        lambda a, b: (a - b).nonsense,
    ],
    "my_range": [
        lambda size, bounds: my_range(size, bounds) + 0.5,
        lambda size, bounds: next((i for i, low in enumerate(bounds) if size > low), 4),
        lambda size, bounds: next((i for i, low in enumerate(bounds) if size >= low), len(bounds)),
        lambda size, bounds: int(np.argmin([abs(size - b) for b in bounds])),
        lambda size, bounds: my_range(size, (224, 128, 64, 40, 24)),
        lambda size, bounds: next((i for i, low in enumerate(bounds) if size >= low), 4),
        lambda size, bounds: next(i for i, low in enumerate(bounds) if size >= low),
        lambda size, bounds: my_range(size, bounds) + 1,
        lambda size, bounds: len(bounds) - 1 - my_range(size, bounds),
        lambda size, bounds: bounds.index(size),
        lambda size, bounds: sum(size <= low for low in bounds),
        lambda size, bounds: min(sum(size <= low for low in bounds), len(bounds) - 1),
        lambda size, bounds: my_range(size, sorted(bounds)),
        lambda size, bounds: [my_range(size, bounds)],
        lambda size, bounds: None,
    ],
    "my_linear": [
        lambda source, target: _triangle(source, target, half=0.0),
        lambda source, target: _triangle(source, target, stretched=False),
        lambda source, target: _triangle(source, target, wide=2.0),
        lambda source, target: _triangle(source, target, sums=False),
        lambda source, target: my_linear(source, target).T,
        lambda source, target: my_linear(128, 32),
        lambda source, target: my_linear(source, target) * target / source,
        lambda source, target: np.eye(target, source),
        _box,
        _cubic,
        lambda source, target: my_linear(source, target)[::-1],
        lambda source, target: my_linear(source, target)[0],
        lambda source, target: None,
    ],
}
