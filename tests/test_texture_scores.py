"""Scores of textures against loops by hand, and against the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from rsclib.dressed import chart_mask
from rsclib.errors import RscError
from rsclib.perceptual import Metric
from rsclib.render.uv import Atlas
from rsclib.texture_scores import C1, C2, opposite, psnr, score_textures, ssim
from tests.dressed_toys import ToyReID, toy_body, toy_dressed, toy_pictures


def ssim_by_loops(a: np.ndarray, b: np.ndarray, mask: np.ndarray) -> float:
    """Of pictures (C, H, W), pixel by pixel."""
    axis = np.arange(-5, 6)
    window = np.exp(-(axis[:, None] ** 2 + axis**2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for x, y in zip(np.pad(a, ((0, 0), (5, 5), (5, 5)), "reflect"),
                    np.pad(b, ((0, 0), (5, 5), (5, 5)), "reflect"), strict=True):  # fmt: skip
        for i, j in zip(*np.nonzero(mask), strict=True):
            p, q = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
            mp, mq = (window * p).sum(), (window * q).sum()
            vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
            both = (window * (p - mp) * (q - mq)).sum()
            top = (2 * mp * mq + C1) * (2 * both + C2)
            values.append(top / ((mp**2 + mq**2 + C1) * (vp + vq + C2)))
    return float(np.mean(values))


@given(st.integers(0, 10**6))
def test_ssim_and_psnr_by_hand(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.random((2, 2, 3, 9, 8))
    mask = rng.random((2, 1, 9, 8)) < 0.5
    mask[:, :, 0, 0] = True
    x, y, m = torch.from_numpy(a), torch.from_numpy(b), torch.from_numpy(mask)
    wanted = [ssim_by_loops(a[i], b[i], mask[i, 0]) for i in range(2)]
    np.testing.assert_allclose(ssim(x, y, m).numpy(), wanted, atol=1e-6)
    mse = [((a[i] - b[i]) ** 2)[:, mask[i, 0]].mean() for i in range(2)]
    np.testing.assert_allclose(psnr(x, y, m).numpy(), [-10 * math.log10(e) for e in mse], rtol=1e-6)
    torch.testing.assert_close(ssim(x, x, m), torch.ones(2, dtype=torch.float64))
    assert psnr(x, x, m).tolist() == [100, 100]
    outside = torch.where(m, x, 1 - x)  # what is not in the mask does not count for PSNR
    torch.testing.assert_close(psnr(outside, y, m), psnr(x, y, m))


def test_the_other_side() -> None:
    people = toy_dressed()
    assert opposite(people).tolist() == [1, 0, 3, 2, 5, 4, 7, 6]
    alone = type(people)(**{**vars(people), "person": np.array([0, 1, 1, 1, 2, 2, 3, 3])})
    with pytest.raises(RscError, match="person 40 has one picture"):
        opposite(alone)


class Known(nn.Module):
    """Knows the true maps, darker by a share."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share, self.none, self.at = share, nn.Parameter(torch.zeros(1)), 0

    def textures(self, small: Tensor) -> Tensor:
        people = toy_dressed()
        rows = slice(self.at, self.at + len(small))
        self.at += len(small)
        return people.uv_maps[people.person[rows]].float() / 255 * (1 - self.share)


def test_truth_scores_best_and_every_column_tells() -> None:
    people = toy_dressed()
    pictures, chart = toy_pictures(people), chart_mask(Atlas.of(toy_body()), 128)
    far = Metric("LPIPS (toy)", "here", lambda a, b: (a - b).abs().mean((1, 2, 3)))
    tables = [
        score_textures(Known(s), people, pictures, pictures, chart, ToyReID(), [far])  # type: ignore[arg-type]
        for s in (0.0, 0.2, 0.5)
    ]
    truth = tables[0]
    assert truth.index.tolist() == [40, 41, 42, 43]
    assert (truth["uv_psnr"] == 100).all() and (truth["unseen_psnr"] == 100).all()
    assert (truth["psnr"] > 45).all() and (truth["ssim"] > 0.99).all()
    assert (truth["reid_cosine"] > 0.99).all()
    np.testing.assert_allclose(truth["reid_rescaled"], truth["reid_raw"] * 1e7)
    for name in truth.columns:
        values = [float(t[name].mean()) for t in tables]
        falls = name.endswith(("psnr", "ssim", "cosine"))
        assert values == sorted(values, reverse=falls) and values[0] != values[2], name
    # One person's numbers are means over their pictures.
    single = tables[1]["uv_psnr"].to_numpy()
    maps = people.uv_maps.float() / 255
    wanted = psnr(maps * 0.8, maps, chart.expand(4, 1, -1, -1)).numpy()
    np.testing.assert_allclose(single, wanted, rtol=1e-5)
