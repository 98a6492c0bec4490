"""How good textures are: the paper's metrics, and those that need the truth, which it did not have.

Of the picture: LPIPS and the ReID loss (Tables 4 and 8), SSIM and PSNR, all on what the mesh covers. Of the
UV map, and of the person seen from another side, both against the true texture without any light on
it: PSNR and SSIM.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from rsclib.dressed import Dressed
from rsclib.errors import RscError
from rsclib.perceptual import Metric
from rsclib.reid import ReID
from rsclib.reid_loss import measure
from rsclib.render.uv import Lookup, UvPictures, composite, look_up
from rsclib.texture import TexGlo

WINDOW, SIGMA = 11, 1.5  # of SSIM, px
C1, C2 = 0.01**2, 0.03**2  # of SSIM, for values of 0 to 1
_AT_ONCE = 32


def psnr(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Peak signal-to-noise ratio (B,), dB, of pictures (B, C, H, W) in [0, 1] where ``mask`` (B, 1, H, W)
    is; equal pictures have 100."""
    weight = mask.float()
    error = ((a - b).square().mean(1, keepdim=True) * weight).sum((1, 2, 3))
    mse = error / weight.sum((1, 2, 3)).clamp(min=1)
    return -10 * torch.log10(mse.clamp(min=1e-10))


def ssim(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Structural similarity (B,) of pictures (B, C, H, W) in [0, 1], 1 for equal ones.

    Gaussian windows of 11 px, edges mirrored; the mean over channels and over the pixels of ``mask``
    (B, 1, H, W). Source: Wang et al. 2004, whose constants these are.
    """
    axis = torch.arange(WINDOW) - WINDOW // 2
    window = torch.exp(-axis.square() / (2 * SIGMA**2)).to(a)
    window = window / window.sum()

    def blur(x: Tensor) -> Tensor:
        channels = x.shape[1]
        x = F.pad(x, (WINDOW // 2,) * 4, "reflect")
        x = F.conv2d(x, window.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
        return F.conv2d(x, window.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)

    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    both = blur(a * b) - mean_a * mean_b
    similar = ((2 * mean_a * mean_b + C1) * (2 * both + C2)) / (
        (mean_a**2 + mean_b**2 + C1) * (var_a + var_b + C2)
    )
    weight = mask.float()
    total = (similar.mean(1, keepdim=True) * weight).sum((1, 2, 3))
    return total / weight.sum((1, 2, 3)).clamp(min=1)


def opposite(people: Dressed) -> NDArray[np.int64]:
    """For each picture (N,) another one of the person, as many further on as half of their views:
    the other side, where views go round."""
    out = np.empty(len(people), np.int64)
    for p in range(len(people.identity)):
        rows = np.nonzero(people.person == p)[0]
        if len(rows) < 2:
            raise RscError(f"person {people.identity[p]} has one picture: no other view to score")
        out[rows] = np.roll(rows, -(len(rows) // 2))
    return out


@torch.no_grad()
def score_textures(
    net: TexGlo, people: Dressed, seen: UvPictures, true: UvPictures, chart: Tensor, reid: ReID,
    metrics: Sequence[Metric] = (), lookup: Lookup = "bilinear",
) -> pd.DataFrame:  # fmt: skip
    """Score the textures that a network makes of small pictures, person by person.

    Args:
        net: in eval mode. people: whose ``small`` pictures it sees.
        seen: where pixels look on the meshes of these, M(x_L): the picture is drawn on them.
        true: the same on the true meshes: views that were not the input are drawn on them.
        chart: (T, T) bool, texels that lie on the body, at the side of the true maps.
        reid, metrics: networks that compare pictures.

    Returns:
        A row a person, index ``identity``, means over their pictures. Columns ``LPIPS ...`` by metric;
        ``reid_raw``, ``reid_cosine``, ``reid_printed``, ``reid_rescaled`` (:mod:`rsclib.reid_loss`);
        ``psnr``, ``ssim`` of the picture; ``uv_psnr``, ``uv_ssim`` of the map; ``unseen_psnr``,
        ``unseen_ssim`` of the other side.
    """
    device = next(net.parameters()).device
    other = opposite(people)
    found: list[dict[str, NDArray]] = []
    for begin in range(0, len(people), _AT_ONCE):
        rows = np.arange(begin, min(begin + _AT_ONCE, len(people)))
        texture = net.textures(people.small[rows].to(device)).cpu()
        truth = people.uv_maps[people.person[rows]].float() / 255
        found.append(
            _of_picture(
                texture, people.sharp[rows].float() / 255, seen.at(rows), reid, metrics, lookup
            )
            | _of_map(texture, truth, chart)
            | _of_view(texture, truth, true.at(other[rows]), lookup)
        )
    table = pd.DataFrame({k: np.concatenate([f[k] for f in found]) for k in found[0]})
    table.insert(0, "identity", people.identity[people.person])
    return table.groupby("identity").mean()


def _of_picture(
    texture: Tensor, sharp: Tensor, where: tuple[Tensor, Tensor], reid: ReID,
    metrics: Sequence[Metric], lookup: Lookup,
) -> dict[str, NDArray]:  # fmt: skip
    """The drawn person against the photograph. Perceptual metrics see both on black; the ReID network
    sees the drawn person in the photograph's own place, so that only the person differs."""
    uv, mask = where
    person, real = look_up(texture, uv, mask, lookup), sharp * mask
    values = {m.name: m.distance(person, real) for m in metrics}
    values |= {"psnr": psnr(person, real, mask), "ssim": ssim(person, real, mask)}
    rendered = composite(person, mask, sharp)
    look = measure(reid.features(rendered), reid.features(sharp))
    values |= {f"reid_{name}": value for name, value in look._asdict().items()}
    return {name: value.double().cpu().numpy() for name, value in values.items()}


def _of_map(texture: Tensor, truth: Tensor, chart: Tensor) -> dict[str, NDArray]:
    texture = F.interpolate(texture, size=truth.shape[2:], mode="bilinear")
    mask = chart.expand(len(truth), 1, -1, -1)
    values = {"uv_psnr": psnr(texture, truth, mask), "uv_ssim": ssim(texture, truth, mask)}
    return {name: value.double().numpy() for name, value in values.items()}


def _of_view(
    texture: Tensor, truth: Tensor, where: tuple[Tensor, Tensor], lookup: Lookup
) -> dict[str, NDArray]:
    uv, mask = where
    a, b = look_up(texture, uv, mask, lookup), look_up(truth, uv, mask)
    values = {"unseen_psnr": psnr(a, b, mask), "unseen_ssim": ssim(a, b, mask)}
    return {name: value.double().numpy() for name, value in values.items()}
