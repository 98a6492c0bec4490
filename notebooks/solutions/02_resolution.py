"""Solutions of 02_resolution, and wrong answers that the checks must turn down."""

import numpy as np


def my_range(size, bounds):
    return next((i for i, low in enumerate(bounds) if size >= low), len(bounds) - 1)


def my_psnr(a, b):
    return 10 * np.log10(255**2 / np.square(a.astype(float) - b.astype(float)).mean())


def my_linear(source, target):
    stretch = max(source / target, 1)
    centre = (np.arange(target) + 0.5) * source / target
    weights = np.maximum(0, 1 - np.abs(np.arange(source) + 0.5 - centre[:, None]) / stretch)
    return weights / weights.sum(1, keepdims=True)


def _shifted(source, target):  # pixel centres at integers
    stretch = max(source / target, 1)
    centre = np.arange(target) * source / target
    weights = np.maximum(0, 1 - np.abs(np.arange(source) - centre[:, None]) / stretch)
    return weights / weights.sum(1, keepdims=True)


def _narrow(source, target):  # no antialiasing
    centre = (np.arange(target) + 0.5) * source / target
    weights = np.maximum(1e-12, 1 - np.abs(np.arange(source) + 0.5 - centre[:, None]))
    weights[weights < 1e-6] = 0
    return weights / weights.sum(1, keepdims=True)


WRONG = {
    "my_range": [
        lambda size, bounds: next((i for i, low in enumerate(bounds) if size > low), 4),
        lambda size, bounds: next((i for i, low in enumerate(bounds) if size >= low), len(bounds)),
        lambda size, bounds: int(np.argmin([abs(size - b) for b in bounds])),
    ],
    "my_psnr": [
        lambda a, b: 10 * np.log10(255**2 / np.square(a - b).astype(float).mean()),
        lambda a, b: 20 * np.log10(255**2 / np.square(a.astype(float) - b).mean()),
        lambda a, b: 10 * np.log10(1 / np.square(a.astype(float) - b).mean()),
    ],
    "my_linear": [_shifted, _narrow, lambda source, target: my_linear(source, target).T],
}
