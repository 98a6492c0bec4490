"""Squares of pictures on the disk, cut when they are asked for: 200,000 crops do not fit in memory."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from rsclib.errors import RscError
from rsclib.files.photos import MAX_SIZE, Pixels, read_image

LARGEST = 8000  # pixels of a square, as of a user's photograph


@dataclass(frozen=True)
class Crops:
    """N images (N, 3, S, S) uint8, as :class:`rsclib.people.Pictures`.

    Attributes:
        root: folder of the pictures. names: N paths within it.
        squares: (N, 3) left, top and side of each person's square, whole pixels; it may reach over
            the frame, where the crop is black, as in SPIN.
        size: S.
    """

    root: Path
    names: Sequence[str]
    squares: NDArray[np.int64]
    size: int

    def __post_init__(self) -> None:
        sides = self.squares[:, 2]
        if not 1 <= self.size <= MAX_SIZE:
            raise RscError(f"the size of a crop is a whole number from 1 to {MAX_SIZE}")
        if len(sides) and not (sides.min() >= 1 and sides.max() <= LARGEST):
            odd = int(np.flatnonzero((sides < 1) | (sides > LARGEST))[0])
            raise RscError(
                f"{self.names[odd]}: the person's square has {sides[odd]} pixels a side, which is not "
                f"within 1..{LARGEST}"
            )

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, 3, S, S)."""
        return len(self.names), 3, self.size, self.size

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        """Some of the images (B, 3, S, S); a picture of several people is decoded once.

        Raises:
            RscError: a picture is missing or damaged.
        """
        numbers = torch.arange(len(self))[index].tolist()
        out = torch.empty(len(numbers), 3, self.size, self.size, dtype=torch.uint8)
        places: dict[str, list[int]] = defaultdict(list)
        for place, number in enumerate(numbers):
            places[self.names[number]].append(place)

        def fill(name: str) -> None:
            picture = read_image(self.root / name)
            for place in places[name]:
                crop = cut(picture, self.squares[numbers[place]], self.size)
                out[place] = torch.from_numpy(crop).permute(2, 0, 1)

        # Decoders let other threads run.
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            list(pool.map(fill, places))
        return out

    def split(self, size: int) -> Iterator[Tensor]:
        """All images in order, at most ``size`` at a time."""
        for start in range(0, len(self), size):
            yield self[start : start + size]


def cut(picture: Pixels, square: Sequence[int] | NDArray[np.int64], size: int) -> Pixels:
    """A square (left, top, side) of a picture (H, W, 3) at ``size`` pixels: (size, size, 3).

    Outside the frame it is black; the resize is Pillow's bicubic, anti-aliased when it shrinks.
    """
    left, top, side = (int(v) for v in square)
    # What lies within the frame, pasted on black: Pillow's own crop would first make any size.
    height, width = picture.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + side, width), min(top + side, height)
    whole = np.zeros((side, side, 3), np.uint8)
    if x1 > x0 and y1 > y0:
        whole[y0 - top : y1 - top, x0 - left : x1 - left] = picture[y0:y1, x0:x1]
    resized = Image.fromarray(whole).resize((size, size), Image.Resampling.BICUBIC)
    return np.array(resized, np.uint8)
