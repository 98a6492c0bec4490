"""People of random numbers, where a test needs the shapes of a part and not its pictures."""

from __future__ import annotations

import numpy as np


def random_people(n: int = 96) -> dict[str, np.ndarray]:
    """What :func:`rsclib.openbench.build.fetch` gives of ``source``, n images of 128 px."""
    rng = np.random.default_rng(0)
    return {
        "images": rng.integers(0, 256, (n, 128, 128, 3), np.uint8),
        "keypoints": rng.random((n, 24, 3), np.float32),
        "joints24": rng.random((n, 24, 3), np.float32),
        "joints14": rng.random((n, 14, 3), np.float32),
        "betas": rng.random((n, 10), np.float32), "pose": rng.random((n, 72), np.float32),
        "dense": np.zeros((n, 32, 32, 4), np.uint8),
    }  # fmt: skip
