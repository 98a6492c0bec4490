"""TexGlo: a texture for the whole body from one small picture (Section 3.6).

An encoder-decoder turns the person's picture into the UV map of their body. What the picture does
not show has to be guessed from what it does, so the bottleneck is given a summary of the whole
picture, the *global context*; and an extra up-sampling layer makes the map finer than the picture.
Both are switches (Table 8): without them this is the U-Net of the baseline.

Shapes at ``paper`` size (width 64; ``edu`` has a quarter of the channels), channels x rows x columns:

| stage | shape | what |
|---|---|---|
| input | 3 x 128 x 64 | 32 rows enlarged to 128, in [-1, 1] |
| enc1 | 64 x 128 x 64 | double convolution |
| enc2 | 128 x 64 x 32 | maximum of 2 x 2, double convolution |
| enc3 | 256 x 32 x 16 | the same |
| enc4 | 512 x 16 x 8 | the same |
| enc5 | 512 x 8 x 4 | the same: the bottleneck X |
| context | 512 x 8 x 4 | X and its global context (``context`` sum or concat) |
| dec4 | 256 x 16 x 8 | up x 2, beside enc4, double convolution |
| dec3 | 128 x 32 x 16 | the same with enc3 |
| dec2 | 64 x 64 x 32 | the same with enc2 |
| dec1 | 64 x 128 x 64 | the same with enc1 |
| up | 64 x 256 x 128 | up x 2, double convolution (``up``) |
| map | 3 x 128 x 128 | 1 x 1 convolution, tanh, resized (64 x 64 without ``up``) |

Dimensions that the paper does not give are those of the released baseline and of choices that
:class:`TextureConfig` names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rsclib.errors import RscError

HEIGHT, WIDTH = 128, 64  # px of the input, in rows and columns
LOW = 32  # rows of the small picture, Section 4.2
UV_SIDE = 128  # texels of the finer map
_DOWN = 16  # the bottleneck's pixels are so many of the input's
Context = Literal["none", "sum", "concat"]


@dataclass(frozen=True)
class TextureConfig:
    """The network's shape; each switch of Table 8 is one setting.

    Attributes:
        width: channels of the first stage; the bottleneck has eight times as many.
        up: the extra up-sampling layer; without it ("w/o Up") the map has 64 x 64 texels.
        context: the global context module: "none" ("w/o Glo"), "sum" ("Glo-S", the paper's choice)
            or "concat" ("Glo-C").
        reduced: channels that the module's flattening branch keeps. hidden: units between its two
            fully connected layers. The paper gives neither.
    """

    width: int = 64
    up: bool = True
    context: str = "sum"
    reduced: int = 32
    hidden: int = 1024

    @staticmethod
    def paper(up: bool = True, context: Context = "sum") -> TextureConfig:
        """The size of the released baseline."""
        return TextureConfig(up=up, context=context)

    @staticmethod
    def edu(up: bool = True, context: Context = "sum") -> TextureConfig:
        """A quarter of the channels everywhere: for a CPU."""
        return TextureConfig(16, up, context, 8, 256)

    @property
    def uv_side(self) -> int:
        """Texels along one side of the map."""
        return UV_SIDE if self.up else UV_SIDE // 2


def double_conv(before: int, after: int) -> nn.Sequential:
    """Twice a 3 x 3 convolution with batch normalisation and ReLU."""
    layers: list[nn.Module] = []
    for channels in (before, after):
        layers += [nn.Conv2d(channels, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(True)]
    return nn.Sequential(*layers)


def enlarge(x: Tensor) -> Tensor:
    """Twice the side, bilinear, corner to corner as the baseline does it."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)


class GlobalContext(nn.Module):
    """What the whole picture says, given to every place of the bottleneck.

    Two summaries of X, its means and a narrow copy laid flat, go through two fully connected
    layers, so that every place hears of every other; the result is folded back into a picture.
    """

    def __init__(self, channels: int, rows: int, columns: int, config: TextureConfig) -> None:
        super().__init__()
        self.kind, self.shape = config.context, (config.reduced, rows, columns)
        flat = config.reduced * rows * columns
        self.squeeze = nn.Conv2d(channels, config.reduced, 1)
        self.fc1 = nn.Linear(channels + flat, config.hidden)
        self.fc2 = nn.Linear(config.hidden, flat)
        self.expand = nn.Conv2d(config.reduced, channels, 1)
        self.merge = nn.Conv2d(2 * channels, channels, 1) if self.kind == "concat" else None

    def forward(self, x: Tensor) -> Tensor:
        """X (B, C, 8, 4) with its context, of the same shape."""
        pooled = x.mean((2, 3))  # (B, C)
        flattened = self.squeeze(x).flatten(1)  # (B, 8 4 C_r)
        both = torch.cat([pooled, flattened], 1)
        out = self.fc2(F.relu(self.fc1(both)))  # (B, 8 4 C_r)
        out = self.expand(out.unflatten(1, self.shape))  # (B, C, 8, 4)
        return x + out if self.merge is None else self.merge(torch.cat([x, out], 1))


class TexGlo(nn.Module):
    """From pictures of people to UV maps of their bodies.

    Raises:
        RscError: ``context`` is none of the three.
    """

    kind: ClassVar[str] = "texglo"  # of model files

    def __init__(self, config: TextureConfig) -> None:
        super().__init__()
        if config.context not in ("none", "sum", "concat"):
            raise RscError(f"context is one of none, sum, concat, not {config.context!r}")
        self.config = config
        w = config.width
        self.enc1, self.enc2 = double_conv(3, w), double_conv(w, 2 * w)
        self.enc3, self.enc4 = double_conv(2 * w, 4 * w), double_conv(4 * w, 8 * w)
        self.enc5 = double_conv(8 * w, 8 * w)
        self.context = (
            nn.Identity() if config.context == "none"
            else GlobalContext(8 * w, HEIGHT // _DOWN, WIDTH // _DOWN, config)
        )  # fmt: skip
        self.dec4, self.dec3 = double_conv(16 * w, 4 * w), double_conv(8 * w, 2 * w)
        self.dec2, self.dec1 = double_conv(4 * w, w), double_conv(2 * w, w)
        self.up = double_conv(w, w) if config.up else None
        self.map = nn.Conv2d(w, 3, 1)

    def forward(self, images: Tensor) -> Tensor:
        """UV maps (B, 3, T, T) in [-1, 1] of pictures (B, 3, 128, 64) in [-1, 1], RGB; T is the
        configuration's ``uv_side``. Row 0 is v = 1, as in an image file.

        Raises:
            RscError: the pictures have another shape: the context module knows one size only.
        """
        if images.shape[1:] != (3, HEIGHT, WIDTH):
            raise RscError(f"pictures must be (B, 3, {HEIGHT}, {WIDTH}), not {tuple(images.shape)}")
        e1 = self.enc1(images)
        e2 = self.enc2(F.max_pool2d(e1, 2))
        e3 = self.enc3(F.max_pool2d(e2, 2))
        e4 = self.enc4(F.max_pool2d(e3, 2))
        x = self.context(self.enc5(F.max_pool2d(e4, 2)))
        x = self.dec4(torch.cat([e4, enlarge(x)], 1))
        x = self.dec3(torch.cat([e3, enlarge(x)], 1))
        x = self.dec2(torch.cat([e2, enlarge(x)], 1))
        x = self.dec1(torch.cat([e1, enlarge(x)], 1))
        if self.up is not None:
            x = self.up(enlarge(x))
        uv_map = torch.tanh(self.map(x))
        return F.interpolate(uv_map, size=(self.config.uv_side,) * 2, mode="bilinear")

    def textures(self, images: Tensor) -> Tensor:
        """UV maps (B, 3, T, T) with values 0 to 1 of pictures (B, 3, 128, 64) uint8."""
        return (self(as_input(images)) + 1) / 2


def as_input(images: Tensor) -> Tensor:
    """Pictures (B, 3, 128, 64) of bytes as the network wants them, in [-1, 1]."""
    return images.float() / 127.5 - 1
