"""What pre-training adds to the network and takes away again: dense extra tasks, and its losses."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rsclib.body import Body
from rsclib.geometry import project
from rsclib.network import EXPANSION, NetConfig, Prediction, ResBlock, RSCNet
from rsclib.people import Batch
from rsclib.skeleton import from_hips


class DenseHead(nn.Module):
    """Extra tasks of pre-training: parts and canonical coordinates from the four stage maps, joints
    straight from phi. Thrown away afterwards."""

    def __init__(self, config: NetConfig, width: int = 64) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(p * EXPANSION, width, 1) for p in config.planes)
        self.mix = nn.Sequential(
            nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 28, 1)
        )
        self.joints = nn.Linear(config.features, 24 * 5)

    def forward(self, maps: list[Tensor], phi: Tensor) -> tuple[Tensor, Tensor]:
        """Stage maps and phi (B, C) to (B, 25 + 3, S/4, S/4) and joints (B, 24, 3 + 2)."""
        total = self.lateral[-1](maps[-1])
        for lateral, z in zip(list(self.lateral)[-2::-1], maps[-2::-1], strict=True):
            total = F.interpolate(total, size=z.shape[2:], mode="nearest") + lateral(z)
        return self.mix(total), self.joints(phi).view(-1, 24, 5)


class Pretrainer(nn.Module):
    """The network with its extra head, as one module for Fabric. Without ``extra`` the head rests."""

    def __init__(self, config: NetConfig, extra: bool = True) -> None:
        super().__init__()
        self.extra = extra
        self.net = RSCNet(config)
        # Every block starts as the identity: the first thousand steps learn faster.
        for module in self.net.trunk.modules():
            if isinstance(module, ResBlock):
                nn.init.zeros_(module.bn3.weight)
        # The contrastive head has nothing to learn from here.
        self.net.projection.requires_grad_(False)
        self.head = DenseHead(config).requires_grad_(extra)

    def forward(self, images: Tensor) -> tuple[Prediction, Tensor | None, Tensor | None]:
        maps, phi = self.net.forward_features(
            images, torch.zeros(len(images), dtype=torch.long, device=images.device)
        )
        dense, joints = self.head(maps, phi) if self.extra else (None, None)
        return self.net.regress(phi), dense, joints


def losses(
    prediction: Prediction, dense: Tensor | None, joints: Tensor | None, batch: Batch, body: Body
) -> dict[str, Tensor]:
    """Weighted terms; without ``dense`` and ``joints`` those of the network's own output alone.

    L1 throughout: with L2 the limbs shrink towards the mean of two headings."""
    limbs = joint_weights().to(prediction.cam.device)
    labels = batch.labels
    points = body.joints(prediction.rotmats, prediction.betas).keypoints3d
    flat = project(points, prediction.cam)
    truth2d, seen = labels.keypoints2d[..., :2], labels.keypoints2d[..., 2:]
    truth = from_hips(labels.keypoints3d[..., :3])
    terms = {
        "3d": 6 * ((from_hips(points) - truth).abs() * limbs).mean(),
        "2d": 3 * ((flat - truth2d).abs() * seen * limbs).mean(),
        "pose": 2 * (prediction.rotmats - labels.rotmats).abs().mean(),
        "betas": 0.03 * (prediction.betas - labels.betas).square().mean(),
    }
    if dense is None or joints is None:
        return terms
    target = batch.dense
    assert target is not None
    on_person = (target[..., 3] > 0).float()
    coordinates = (dense[:, 25:].permute(0, 2, 3, 1) - target[..., :3] / 255).abs().sum(-1)
    return terms | {
        "direct": 3 * ((joints[..., :3] - truth).abs() * limbs).mean()
        + 1.5 * ((joints[..., 3:] - truth2d).abs() * seen * limbs).mean(),
        "parts": part_loss(dense[:, :25].float(), target[..., 3].long()),
        "coordinates": (coordinates * on_person).sum() / (on_person.sum() + 1),
    }


def joint_weights() -> Tensor:
    """Weights (24, 1) of the J24 joints, 1 in the mean: knees, ankles, elbows and wrists count
    double. They are 8 of the 14 joints that are scored and carry most of the error, but only a
    third of J24, where five points lie on the face alone."""
    weights = torch.ones(24, 1)
    weights[[0, 1, 4, 5, 6, 7, 10, 11]] = 2.0
    return weights / weights.mean()


def part_loss(logits: Tensor, parts: Tensor) -> Tensor:
    """Cross-entropy of the body parts (B, 25, h, w) against labels (B, h, w), 0 the background.

    Means over the person and over the background apart: in one mean the background, two thirds of
    the pixels and easy, drowns the parts."""
    each = F.cross_entropy(logits, parts, reduction="none")
    person = (parts > 0).float()
    on = (each * person).sum() / (person.sum() + 1)
    off = (each * (1 - person)).sum() / ((1 - person).sum() + 1)
    return 0.3 * on + 0.15 * off
