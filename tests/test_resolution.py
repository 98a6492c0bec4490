"""Ranges and bicubic synthesis against Pillow."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rsclib import resolution as R
from rsclib.errors import RscError


@pytest.mark.parametrize(
    ("size", "index"),
    [(300, 0), (224, 0), (223, 1), (176, 1), (128, 1), (127, 2), (96, 2), (64, 2), (63, 3), (52, 3),
     (40, 3), (39, 4), (32, 4), (24, 4), (23, 4), (1, 4)],
)  # fmt: skip
def test_boundaries_belong_to_the_larger_range(size: int, index: int) -> None:
    assert int(R.PAPER.index(size)) == index


@given(st.integers(1, 400), st.sampled_from([R.PAPER, R.EDU]))
def test_index_equals_a_loop(size: int, ranges: R.Ranges) -> None:
    naive = next((i for i, low in enumerate(ranges.bounds) if size >= low), ranges.count - 1)
    assert int(ranges.index(size)) == naive
    assert ranges.index(torch.tensor([size, size])).tolist() == [naive] * 2


@given(st.integers(0, 2**31), st.sampled_from([R.PAPER, R.EDU]))
def test_sampled_sizes_lie_in_their_ranges(seed: int, ranges: R.Ranges) -> None:
    sizes = ranges.sample_sizes(np.random.default_rng(seed))
    assert [int(ranges.index(s)) for s in sizes] == list(range(ranges.count))


def test_midpoints() -> None:
    assert R.PAPER.midpoints == (176, 96, 52, 32)
    for ranges in R.PRESETS.values():
        got = [int(ranges.index(s)) for s in ranges.eval_sizes]
        assert got == list(range(ranges.count))


def _photo(size: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (9, 9, 3)).astype(np.uint8)
    smooth = np.asarray(R.Image.fromarray(coarse).resize((size, size), R.Image.Resampling.BICUBIC))
    return np.uint8(np.clip(smooth + rng.normal(0, 25, smooth.shape), 0, 255))


@pytest.mark.parametrize("side", [128, 224])
@pytest.mark.parametrize("size", [24, 32, 39, 52, 64, 96, 127])
def test_batched_path_agrees_with_pillow(side: int, size: int) -> None:
    image = _photo(side)
    fast = R.degrade(torch.from_numpy(image).permute(2, 0, 1)[None], size)[0].permute(1, 2, 0)
    exact = R.degrade_reference(image, size)
    difference = np.abs(fast.numpy().astype(int) - exact.astype(int))
    assert difference.mean() < 1, "more than 1/255 in the mean"
    assert difference.max() <= 3


def test_full_size_is_untouched_and_constants_stay_constant() -> None:
    images = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    assert torch.equal(R.degrade(images, 64), images)
    flat = torch.full((1, 3, 64, 64), 77, dtype=torch.uint8)
    assert torch.equal(R.degrade(flat, 13), flat)


def test_bad_input() -> None:
    with pytest.raises(RscError):
        R.degrade(torch.zeros(1, 3, 8, 8), 4)
    with pytest.raises(RscError):
        R.degrade(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), 0)
    with pytest.raises(RscError):
        R.EDU.index(0)


def test_stretch_as_released() -> None:
    assert R.stretch_as_released(np.float32([[10, 20], [15, 10]])).tolist() == [[0, 255], [128, 0]]
    assert R.stretch_as_released(np.full((2, 2), 9, np.float32)).max() == 0


def test_the_batched_stretch_is_the_same() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(40, 200, (5, 3, 8, 8), np.uint8)
    images[4] = 7
    batch = R.stretch_batch_as_released(torch.from_numpy(images)).numpy()
    for one, image in zip(batch, images, strict=True):
        np.testing.assert_allclose(one, R.stretch_as_released(image.astype(np.float32)), atol=1)
    assert batch[:4].min() == 0 and batch[:4].max() == 255 and not batch[4].any()
