"""README's animation: small enough for a page, every size in it, and drawn as it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.size_sweep import HEAD, MOST_BYTES, SIDE, SIZES, titled, write

FILE = Path(__file__).parents[1] / "results" / "open" / "size_sweep.webp"


def _frames(count: int, noise: int) -> list[Image.Image]:
    """Frames of grey, each another one, with noise on it."""
    draw = np.random.default_rng(0)
    shape = (SIDE, SIDE, 3)
    return [
        titled({name: draw.integers(9 * k, 9 * k + noise, shape, dtype=np.uint8) for name in "ab"})
        for k in range(count)
    ]


def test_the_committed_animation() -> None:
    with Image.open(FILE) as film:
        assert film.n_frames == len(SIZES) > 20
        assert film.size == (4 * SIDE, SIDE + HEAD)
        assert film.info["loop"] == 0
    assert FILE.stat().st_size < MOST_BYTES
    assert SIZES[0] == 128 and SIZES[-1] == 24 and sorted(SIZES, reverse=True) == list(SIZES)


def test_an_animation_is_written_and_one_that_is_too_large_is_not(tmp_path: Path) -> None:
    write(tmp_path / "small.webp", _frames(3, 2))
    with Image.open(tmp_path / "small.webp") as film:
        assert film.n_frames == 3
    with pytest.raises(SystemExit, match="be larger than 400 kB"):
        write(tmp_path / "large.webp", _frames(9, 180))
    assert not (tmp_path / "large.webp").exists()
