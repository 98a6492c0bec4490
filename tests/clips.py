"""Videos made by the tests: people of paper before a wall that stands still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rsclib.files.films import write_mp4

HEIGHT, WIDTH = 120, 180


@dataclass(frozen=True)
class Walker:
    """A rectangle ``w`` x ``h`` whose corner is at ``x`` + ``speed`` t, ``y``; seen in frames
    ``first`` to ``last``."""

    x: float
    y: float
    speed: float
    w: int = 20
    h: int = 50
    first: int = 0
    last: int = 10**6
    level: int = 250


class Clip:
    """Frames of walkers, drawn when they are asked for."""

    def __init__(self, walkers: Sequence[Walker], count: int = 60, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        coarse = Image.fromarray(rng.integers(40, 140, (12, 18, 3)).astype(np.uint8))
        self.wall = np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
        self.walkers, self.count = walkers, count

    def __iter__(self):
        for t in range(self.count):
            yield self.frame(t)

    def frame(self, t: int) -> NDArray[np.uint8]:
        frame = self.wall.copy()
        for one in self.walkers:
            if one.first <= t <= one.last:
                x, y = round(one.x + one.speed * t), round(one.y)
                frame[y : y + one.h, max(x, 0) : max(x + one.w, 0)] = one.level
        return frame

    def write(self, path: Path, fps: float = 10.0) -> Path:
        write_mp4(path, self, fps, crf=10)
        return path
