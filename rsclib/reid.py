"""f_Re of Eq. 13: a network that tells pedestrians apart, Section 3.6.

Trained on people in several views (:mod:`rsclib.methods.reid`), it gives pictures of one person nearby
features. The ReID loss compares what its layers say (:mod:`rsclib.reid_loss`). As in PCB the last
stage keeps its resolution and the feature is taken stripe by stripe, head to feet.

====================  ==================  =====================================
``features(images)``  shape at 128 x 64   default settings
====================  ==================  =====================================
input                 (B, 3, 128, 64)     RGB in [0, 1]
``layer1``            (B, 32, 32, 16)
``layer2``            (B, 64, 16, 8)
``layer3``            (B, 128, 8, 4)
``layer4``            (B, 256, 8, 4)
``embedding``         (B, 640)            the whole and four stripes, 128 each
====================  ==================  =====================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from rsclib.errors import RscError
from rsclib.resolution import normalise

LAYERS = ("layer1", "layer2", "layer3", "layer4")
Features = dict[str, Tensor]


class ReID(Protocol):
    """Any network that the ReID loss can use: ours, or one of :mod:`rsclib.foreign_reid`."""

    def features(self, images: Tensor) -> Features:
        """Pictures (B, 3, H, W) in [0, 1] to ``layer1`` to ``layer4`` (B, C, h, w) and
        ``embedding`` (B, D)."""


@dataclass(frozen=True)
class ReIDConfig:
    """Shape of the network.

    Attributes:
        planes, blocks: channels and residual blocks of the four stages.
        stripes: horizontal parts of the last map. embedding: numbers for the whole and for each.
    """

    planes: tuple[int, ...] = (32, 64, 128, 256)
    blocks: tuple[int, ...] = (1, 2, 2, 1)
    stripes: int = 4
    embedding: int = 128


class Block(nn.Module):
    """Two 3 x 3 convolutions and a shortcut."""

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != planes:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, planes, 1, stride, bias=False), nn.BatchNorm2d(planes)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, planes, h / stride, w / stride)."""
        y = self.bn1(self.conv1(x)).relu_()
        return (self.bn2(self.conv2(y)) + self.shortcut(x)).relu_()


class ReIDNet(nn.Module):
    """The network; small enough to train on one core.

    >>> net = ReIDNet(ReIDConfig()).eval()
    >>> net.features(torch.zeros(2, 3, 128, 64))["embedding"].shape
    torch.Size([2, 640])
    """

    kind: ClassVar[str] = "reid"

    def __init__(self, config: ReIDConfig) -> None:
        super().__init__()
        if len(config.planes) != 4 or len(config.blocks) != 4:
            raise RscError(f"a ReID network has four stages, not {config.planes}, {config.blocks}")
        self.config = config
        first = config.planes[0]
        self.stem = nn.Sequential(
            nn.Conv2d(3, first, 5, 2, 2, bias=False), nn.BatchNorm2d(first), nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
        )  # fmt: skip
        inputs, strides = first, (1, 2, 2, 1)  # the last stage keeps its resolution, as in PCB
        stages = zip(LAYERS, config.planes, config.blocks, strides, strict=True)
        for name, planes, blocks, stride in stages:
            made = [Block(inputs if b == 0 else planes, planes, stride if b == 0 else 1) for b in range(blocks)]  # fmt: skip
            setattr(self, name, nn.Sequential(*made))
            inputs = planes
        # One small map a part: stripes differ in what is to be seen there.
        self.parts = nn.ModuleList(
            nn.Linear(inputs, config.embedding, bias=False) for _ in range(1 + config.stripes)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def maps(self, images: Tensor) -> Features:
        """``layer1`` to ``layer4`` of pictures (B, 3, H, W) in [0, 1]."""
        x = self.stem(normalise(images * 255))
        found: Features = {}
        for name in LAYERS:
            x = found[name] = getattr(self, name)(x)
        return found

    def part_features(self, last: Tensor) -> Tensor:
        """The last map (B, C, h, w) to (B, 1 + stripes, D): the whole, then head to feet."""
        count = self.config.stripes
        if last.shape[2] % count:
            raise RscError(f"a map of {last.shape[2]} rows cannot be cut into {count} stripes")
        striped = last.unflatten(2, (count, -1)).mean((3, 4)).movedim(2, 0)  # (stripes, B, C)
        pooled = [last.amax((2, 3)) + last.mean((2, 3)), *striped]
        return torch.stack([part(p) for part, p in zip(self.parts, pooled, strict=True)], 1)

    def forward(self, images: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) in [0, 1] to (B, 1 + stripes, D), for training."""
        return self.part_features(self.maps(images)["layer4"])

    def features(self, images: Tensor) -> Features:
        """Pictures (B, 3, 128, 64) in [0, 1] to a map a layer and one ``embedding`` of length 1.

        Differentiable in the pictures.
        """
        found = self.maps(images)
        parts = normalize(self.part_features(found["layer4"]), dim=2)  # each part weighs the same
        return found | {"embedding": normalize(parts.flatten(1), dim=1)}


@torch.no_grad()
def embeddings(net: ReID, images: Tensor, batch: int = 128) -> Tensor:
    """The embedding (N, D) of uint8 pictures (N, 3, H, W)."""
    parts = [net.features(part.float() / 255)["embedding"] for part in images.split(batch)]
    return torch.cat(parts)
