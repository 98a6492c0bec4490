"""Super-resolution before the body network: ImgSR, a rival of Table 1.

A residual dense network (Zhang et al., Residual Dense Network for Image Super-Resolution, CVPR 2018)
sharpens the picture, and a plain network sees that. Where pictures are enlarged: before it, bicubic,
as for every other row, so it corrects a picture of the full side instead of enlarging a small one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rsclib.config import STRICT, Within
from rsclib.errors import RscError
from rsclib.network import NetConfig, Prediction, RSCNet
from rsclib.resolution import MEAN, STD, degrade, normalise


@dataclass(frozen=True)
class RdnConfig:
    """Size of the residual dense network.

    Attributes:
        blocks: D. layers: C, convolutions a block. growth: G, channels that each adds. width: G_0.
        fold: so many pixels a side become channels of one position, and turn back at the end. 1 is
            the paper's; with 2 a picture of 128 px is worked on as 64 x 64, at a quarter of the cost.

    The defaults are for a CPU. In short trainings on the image loss alone, of which no file is kept,
    they sharpened more than (4, 4, 32, 32) with a fold of 4, in less time.
    """

    __pydantic_config__ = STRICT

    blocks: Annotated[int, Within(1, 64)] = 2
    layers: Annotated[int, Within(1, 64)] = 3
    growth: Annotated[int, Within(1, 1024)] = 16
    width: Annotated[int, Within(1, 1024)] = 32
    fold: Annotated[int, Within(1, 32)] = 2

    @staticmethod
    def paper() -> RdnConfig:
        """As published: 22 million parameters, every pixel its own position."""
        return RdnConfig(16, 8, 64, 64, 1)


class DenseBlock(nn.Module):
    """Convolutions that each see all before them, fused and added to what came in."""

    def __init__(self, config: RdnConfig) -> None:
        super().__init__()
        width, growth = config.width, config.growth
        self.convs = nn.ModuleList(
            nn.Conv2d(width + c * growth, growth, 3, padding=1) for c in range(config.layers)
        )
        self.fuse = nn.Conv2d(width + config.layers * growth, width, 1)

    def forward(self, z: Tensor) -> Tensor:
        """(B, G_0, h, w) to the same shape."""
        found = [z]
        for conv in self.convs:
            found.append(conv(torch.cat(found, 1)).relu())
        return z + self.fuse(torch.cat(found, 1))


class RDN(nn.Module):
    """Pictures to sharper pictures of the same side. Its last layer starts at zero, so that it
    begins as the identity and what follows it sees what it always saw.

    >>> RDN(RdnConfig(blocks=1))(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 3, 32, 32])
    """

    def __init__(self, config: RdnConfig) -> None:
        super().__init__()
        self.config = config
        width, colours = config.width, 3 * config.fold**2
        self.first = nn.Conv2d(colours, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.blocks = nn.ModuleList(DenseBlock(config) for _ in range(config.blocks))
        self.fuse = nn.Sequential(
            nn.Conv2d(config.blocks * width, width, 1), nn.Conv2d(width, width, 3, padding=1)
        )
        self.last = nn.Conv2d(width, colours, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images (B, 3, S, S), S a multiple of ``fold``, to float32 of the same shape."""
        shallow = self.first(F.pixel_unshuffle(images, self.config.fold))
        z, found = self.second(shallow), []
        for block in self.blocks:
            z = block(z)
            found.append(z)
        z = shallow + self.fuse(torch.cat(found, 1))
        return images + F.pixel_shuffle(self.last(z), self.config.fold).float()


@dataclass(frozen=True)
class SharpConfig:
    """Shape of the two networks."""

    rdn: RdnConfig = field(default_factory=RdnConfig)
    net: NetConfig = field(default_factory=NetConfig)


class SharpNet(nn.Module):
    """An RSC-Net that sees what a residual dense network makes of its image."""

    kind: ClassVar[str] = "imgsr"  # in the header of its model files
    source: str = "this network"
    trained_on: dict[str, str] | None = None

    def __init__(self, config: SharpConfig) -> None:
        super().__init__()
        self.config = config
        self.rdn, self.net = RDN(config.rdn), RSCNet(config.net)

    def forward(self, images: Tensor, range_index: Tensor) -> tuple[Prediction, Tensor]:
        """Normalised images (B, 3, S, S) that were enlarged bicubic, and range_index (B,), to a
        Prediction and the sharper images (B, 3, S, S) that it was made from."""
        sharper = self.rdn(images)
        return self.net(sharper, range_index), sharper


def as_bytes(images: Tensor) -> Tensor:
    """A network's input or RDN's output (B, 3, S, S) as pictures, uint8."""
    mean, std = (torch.tensor(v, device=images.device).view(1, 3, 1, 1) * 255 for v in (MEAN, STD))
    return (images.float() * std + mean).round().clamp(0, 255).byte()


def psnr(images: Tensor, truth: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of pictures (B, 3, S, S) uint8, dB, (B,); infinite where equal.

    Raises:
        RscError: not bytes, or of different shapes.
    """
    if images.shape != truth.shape or images.dtype != torch.uint8 or truth.dtype != torch.uint8:
        raise RscError(
            f"psnr compares bytes of one shape, not {images.dtype} {tuple(images.shape)} and "
            f"{truth.dtype} {tuple(truth.shape)}"
        )
    error = (images.double() - truth.double()).square().flatten(1).mean(1)
    return 10 * torch.log10(255**2 / error)


Measure = Callable[[Tensor, Tensor], Tensor]  # pictures and truth, uint8 (B, 3, S, S), to (B,)


def sharpness(
    rdn: RDN, images: Tensor, size: int, measures: Mapping[str, Measure] | None = None
) -> dict[str, tuple[Tensor, Tensor]]:
    """How near pictures shrunk to ``size`` come to the full ones: enlarged bicubic, and sharpened.

    Args:
        images: uint8 (N, 3, S, S). measures: by name; default PSNR alone. LPIPS goes in here.

    Returns:
        For each measure, (N,) before and (N,) after.
    """
    measures = {"psnr": psnr} if measures is None else measures
    parts: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in measures}
    device = next(rdn.parameters()).device
    with torch.inference_mode():
        for some in images.split(32):
            seen = degrade(some, size)
            better = as_bytes(rdn(normalise(seen.to(device)))).cpu()
            for name, measure in measures.items():
                parts[name].append((measure(seen, some), measure(better, some)))
    return {
        name: (torch.cat([a for a, _ in found]), torch.cat([b for _, b in found]))
        for name, found in parts.items()
    }
