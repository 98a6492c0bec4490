"""The resolution-aware network (paper, Section 3.2): one forward takes a mixed-resolution batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from rsclib.errors import RscError
from rsclib.geometry import axis_angle_to_rotmat, rot6d_to_rotmat
from rsclib.range_norm import Groups, RangeNorm, grouped
from rsclib.regressor import Estimate, Regressor

__all__ = ["Estimate", "NetConfig", "Prediction", "RSCNet", "Regressor", "ResBlock", "Trunk"]

POSES = {"6d": 24 * 6, "axis-angle": 24 * 3}  # numbers of a pose
EXPANSION = 4  # a bottleneck's output is four times its inner width


@dataclass(frozen=True)
class NetConfig:
    """Shape of the network.

    Attributes:
        image_size: side of the input, a multiple of 32 (pixels).
        stem: channels after the first convolution. planes, blocks: per stage.
        ranges: P, the number of resolution ranges. hidden: width of the regressor's MLP.
        projection: widths of the contrastive head s (Eq. 12).
        activation: ReLU in the regressor (RSC-Net) or none (SPIN, VIBE: the same keys, another
            function).
        norm: "shared", one set of batch statistics, or "per_range", one a resolution range (the
            learnt scale and shift are shared): see :mod:`rsclib.range_norm`.
        pose: how the regressor writes rotations, "6d" (RSC-Net, SPIN) or "axis-angle" (HMR).
        pixels: what the input is, "imagenet" (mean and deviation) or "opencv" (blue, green, red from 0
            to 1, MandyMo's HMR).
    """

    image_size: int = 224
    stem: int = 64
    planes: tuple[int, ...] = (64, 128, 256, 512)
    blocks: tuple[int, ...] = (3, 4, 6, 3)
    ranges: int = 5
    hidden: int = 1024
    dropout: float = 0.5
    iterations: int = 3
    projection: tuple[int, int] = (1024, 256)
    activation: str = "relu"
    norm: str = "shared"
    pose: str = "6d"
    pixels: str = "imagenet"

    @staticmethod
    def paper() -> NetConfig:
        """ResNet-50 at 224 px: 29,338,157 parameters, the released network's layout."""
        return NetConfig()

    @staticmethod
    def edu() -> NetConfig:
        """Sized by experiment on two CPU cores (128 px): a quarter of the width. At half the width
        a step learns little more and takes twice as long."""
        return NetConfig(
            image_size=128, stem=16, planes=(16, 32, 64, 160), blocks=(2, 2, 3, 2), hidden=512,
            dropout=0.1, projection=(512, 128),
        )  # fmt: skip

    @property
    def features(self) -> int:
        """Length of the pooled feature phi."""
        return self.planes[-1] * EXPANSION


class Prediction(NamedTuple):
    """Output for a batch: rotmats (B, 24, 3, 3), betas (B, 10), cam = [s, tx, ty] (B, 3), the
    pooled feature phi (B, C) and its projection (B, D)."""

    rotmats: Tensor
    betas: Tensor
    cam: Tensor
    phi: Tensor
    proj: Tensor


class ResBlock(nn.Module):
    """Bottleneck block whose residual is weighted per sample, Eq. 7."""

    def __init__(self, inputs: int, planes: int, stride: int, ranges: int) -> None:
        super().__init__()
        outputs = planes * EXPANSION
        self.conv1 = nn.Conv2d(inputs, planes, 1, bias=False)
        self.bn1 = RangeNorm(planes, ranges)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)
        self.bn2 = RangeNorm(planes, ranges)
        self.conv3 = nn.Conv2d(planes, outputs, 1, bias=False)
        self.bn3 = RangeNorm(outputs, ranges)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), RangeNorm(outputs, ranges)
            )

    def forward(self, z: Tensor, alpha: Tensor, groups: Groups = None) -> Tensor:
        """z_{k-1} (B, C, h, w) and alpha_{i,k} (B,), each sample's own, to z_k."""
        h = self.bn1(self.conv1(z), groups).relu_()
        h = self.bn2(self.conv2(h), groups).relu_()
        h = self.bn3(self.conv3(h), groups)  # h_k(z_{k-1})
        shortcut = z
        if self.downsample is not None:
            shortcut = self.downsample[1](self.downsample[0](z), groups)
        # With alpha = 1 this is the plain block z_k = z_{k-1} + h_k(z_{k-1}), Eq. 4.
        return torch.addcmul(shortcut, alpha.to(h.dtype).view(-1, 1, 1, 1), h).relu_()  # Eq. 7


class Trunk(nn.Module):
    """ResNet whose blocks are fused by alpha (P, n_blocks).

    Stacking Eq. 4 gives Eq. 5, z_B = z_0 + sum_k h_k(z_{k-1}); stacking Eq. 7 gives Eq. 6,
    z_{i,B} = z_{i,0} + sum_k alpha_{i,k} h_k(z_{i,k-1}). As in the released code the
    down-sampling blocks have an alpha too, and row 0 is learnt like the others.
    """

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        if config.norm not in ("shared", "per_range"):
            raise RscError(f"norm is 'shared' or 'per_range', not {config.norm!r}")
        sets = config.ranges if config.norm == "per_range" else 1
        self.per_range = config.norm == "per_range"
        self.conv1 = nn.Conv2d(3, config.stem, 7, 2, 3, bias=False)
        self.bn1 = RangeNorm(config.stem, sets)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.alpha = nn.Parameter(torch.ones(config.ranges, sum(config.blocks)))
        stages: list[nn.Module] = []
        inputs = config.stem
        for s, (planes, blocks) in enumerate(zip(config.planes, config.blocks, strict=True)):
            stage = nn.ModuleList()
            for b in range(blocks):
                stage.append(ResBlock(inputs, planes, 2 if s > 0 and b == 0 else 1, sets))
                inputs = planes * EXPANSION
            stages.append(stage)
        self.layers = nn.ModuleList(stages)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor, range_index: Tensor) -> list[Tensor]:
        """Images (B, 3, S, S) and range_index (B,) to the maps after each of the four stages."""
        order = None
        if self.per_range and self.training and bool((range_index.diff() < 0).any()):
            order = range_index.argsort(stable=True)  # statistics want a range's samples together
            images, range_index = images[order], range_index[order]
        groups = grouped(range_index) if self.per_range else None
        z = self.pool(self.bn1(self.conv1(images), groups).relu_())  # z_{i,0}
        alpha = self.alpha[range_index]  # (B, n_blocks): each sample its own row
        maps, k = [], 0
        for stage in self.layers:
            for block in stage:  # type: ignore[attr-defined]
                z = block(z, alpha[:, k], groups)
                k += 1
            maps.append(z if order is None else z[order.argsort()])
        return maps


class RSCNet(nn.Module):
    """f_RA: images of any resolution range to SMPL parameters and camera.

    >>> net = RSCNet(NetConfig.edu()).eval()
    >>> net(torch.zeros(2, 3, 128, 128), torch.tensor([0, 4])).rotmats.shape
    torch.Size([2, 24, 3, 3])
    """

    kind: ClassVar[str] = "rscnet"  # in the header of its model files
    # Of a model from a file: its name, and the body whose shape space its betas are in.
    source: str = "this network"
    trained_on: dict[str, str] | None = None

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        if config.image_size % 32 or config.image_size < 32:
            raise RscError(f"image_size must be a multiple of 32, not {config.image_size}")
        if config.pose not in POSES or config.pixels not in ("imagenet", "opencv"):
            raise RscError(f"pose is one of {', '.join(POSES)}, pixels is imagenet or opencv")
        self.config = config
        self.trunk = Trunk(config)
        self.regressor = Regressor(config, POSES[config.pose])
        wide, narrow = config.projection
        self.projection = nn.Sequential(
            nn.Linear(config.features, wide), nn.ReLU(), nn.Linear(wide, narrow)
        )

    @property
    def alpha(self) -> Tensor:
        """The matrix alpha (P, n_blocks) of Eq. 6."""
        return self.trunk.alpha

    def forward_features(self, images: Tensor, range_index: Tensor) -> tuple[list[Tensor], Tensor]:
        """The four stage maps and the pooled feature phi (B, C), float32."""
        maps = self.trunk(images, range_index)
        return maps, maps[-1].float().mean((2, 3))

    def regress(self, phi: Tensor, estimate: Estimate | None = None) -> Prediction:
        """From the pooled feature phi (B, C) to a Prediction (always in float32): of ``estimate``,
        by default the regressor's last."""
        with torch.autocast(phi.device.type, enabled=False):
            pose, betas, cam = estimate or self.regressor(phi.float())
            return Prediction(self.rotmats_of(pose), betas, cam, phi, self.projection(phi.float()))

    def rotmats_of(self, pose: Tensor) -> Tensor:
        """Rotations (B, 24, 3, 3) of the regressor's pose: 6 or 3 numbers a joint, as configured."""
        if self.config.pose == "6d":
            return rot6d_to_rotmat(pose.reshape(-1, 24, 6))
        return axis_angle_to_rotmat(pose.reshape(-1, 24, 3))

    def forward(self, images: Tensor, range_index: Tensor) -> Prediction:
        """Normalised images (B, 3, S, S) and range_index (B,) long to a Prediction.

        Nothing is checked here: :class:`rsclib.predictor.NetPredictor` does it for its callers.
        """
        return self.regress(self.forward_features(images, range_index)[1])

    @torch.no_grad()
    def copy_row(self, source: int, target: int) -> None:
        """Start the alpha of a range that joins (and its statistics, where it has some of its own
        that are not frozen) from those of its larger neighbour."""
        self.trunk.alpha[target] = self.trunk.alpha[source]
        for module in self.modules():
            if isinstance(module, RangeNorm) and not module.frozen:
                module.copy_row(source, target)

    def sync_norm(self, on: bool) -> None:
        """Whether processes that train together share the statistics of batch normalisation."""
        for module in self.modules():
            if isinstance(module, RangeNorm):
                module.sync = on

    def per_range(self) -> RSCNet:
        """The same function with batch statistics of each range's own, equal to begin with."""
        net = RSCNet(replace(self.config, norm="per_range"))
        state = self.state_dict()
        for name, module in net.named_modules():
            if isinstance(module, RangeNorm):
                for key in ("running_mean", "running_var"):
                    value = state[f"{name}.{key}"]
                    state[f"{name}.{key}"] = value.reshape(-1, value.shape[-1]).expand(
                        self.config.ranges, -1
                    )
        net.load_state_dict(state)
        net.source, net.trained_on = self.source, self.trained_on
        return net.train(self.training)
