"""Solutions of 00_start_here. Each is checked in CI against the notebook's own check."""

import numpy as np


def my_mpjpe(a, b):
    """Mean distance of corresponding joints, (14, 3) metres to millimetres."""
    return 1000 * np.linalg.norm(np.asarray(a) - np.asarray(b), axis=1).mean()


# What the check must turn down, with the mistake behind it.
WRONG = {
    "metres": lambda a, b: np.linalg.norm(a - b, axis=1).mean(),
    "root of the mean": lambda a, b: 1000 * np.sqrt(((a - b) ** 2).sum(1).mean()),
    "sum": lambda a, b: 1000 * np.linalg.norm(a - b, axis=1).sum(),
}
