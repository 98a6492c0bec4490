"""Critics: networks that learn to tell what is real, and what the trained network loses to them.

Two rivals of the paper's Table 1 have one: HMR judges bodies (:class:`BodyCritic`), FeaEN features of
small images (:class:`FeatureCritic`).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

Kind = Literal["lsgan", "wgan"]


class Critic(NamedTuple):
    """A critic and how it is trained.

    Attributes:
        net: (N, ...) to scores. weight: of its term in the trained network's loss.
        kind: least squares ("lsgan", HMR's pose prior) or Wasserstein ("wgan").
    """

    net: nn.Module
    weight: float
    lr: float = 1e-4
    weight_decay: float = 0.0
    kind: Kind = "lsgan"

    def optimiser(self) -> torch.optim.Optimizer:
        """Adam, with weight decay where it is asked for."""
        parameters = self.net.parameters()
        return torch.optim.AdamW(parameters, self.lr, weight_decay=self.weight_decay)


def generator_loss(fake: Tensor, kind: Kind = "lsgan") -> Tensor:
    """What the trained network loses: its scores should look like those of real samples."""
    return (fake - 1).square().mean() if kind == "lsgan" else -fake.mean()


def critic_loss(real: Tensor, fake: Tensor, kind: Kind = "lsgan") -> Tensor:
    """What the critic loses: real samples should score 1 and the network's 0 (or far apart)."""
    if kind == "lsgan":
        return (real - 1).square().mean() + fake.square().mean()
    return fake.mean() - real.mean()


JOINTS = (
    23  # of the body; the root's turn says where the camera stands, not whether a pose is human
)
CRITICS = JOINTS + 2


def as_bodies(rotmats: Tensor, betas: Tensor) -> Tensor:
    """What :class:`BodyCritic` judges, (N, 23 * 9 + 10).

    Args:
        rotmats: (N, 24, 3, 3), the root first, which is left out. betas: (N, 10).
    """
    return torch.cat([rotmats[:, 1:].flatten(1), betas], 1)


class BodyCritic(nn.Module):
    """HMR's 25 critics: one of each joint's rotation, one of all of them, one of the shape.

    The 23 share two layers, so that a bend is a bend, and end in a layer of their own, because what
    a knee can do an elbow cannot. No camera, no picture: a body is judged by itself.
    """

    def __init__(self, width: int = 32, hidden: int = 1024) -> None:
        super().__init__()
        self.shared = nn.Sequential(
            nn.Linear(9, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
        )
        # 23 linear layers as one convolution with a group a joint.
        self.each = nn.Conv1d(JOINTS * width, JOINTS, 1, groups=JOINTS)
        self.pose = nn.Sequential(
            nn.Linear(JOINTS * width, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Linear(hidden, 1),
        )  # fmt: skip
        self.shape = nn.Sequential(
            nn.Linear(10, 10), nn.ReLU(), nn.Linear(10, 5), nn.ReLU(), nn.Linear(5, 1)
        )

    def forward(self, bodies: Tensor) -> Tensor:
        """Bodies of :func:`as_bodies` (N, 217) to scores (N, 25): the joints', the pose's, the
        shape's."""
        rotmats, betas = bodies.split([JOINTS * 9, 10], 1)
        features = self.shared(rotmats.unflatten(1, (JOINTS, 9))).flatten(1)
        return torch.cat(
            [self.each(features[..., None])[..., 0], self.pose(features), self.shape(betas)], 1
        )


class FeatureCritic(nn.Module):
    """FeaEN's: tells the pooled features phi of full images from those of small ones.

    Args:
        features: length C of phi. bounded: spectral normalisation of every layer, so that no score
            changes faster than its input: a Wasserstein critic is a distance only then.
    """

    def __init__(self, features: int, bounded: bool = False) -> None:
        super().__init__()
        layers = [nn.Linear(features, 1024), nn.Linear(1024, 512), nn.Linear(512, 1)]
        first, second, last = [spectral_norm(layer) if bounded else layer for layer in layers]
        self.layers = nn.Sequential(first, nn.LeakyReLU(0.2), second, nn.LeakyReLU(0.2), last)

    def forward(self, phi: Tensor) -> Tensor:
        """phi (N, C) to scores (N, 1)."""
        return self.layers(phi)  # type: ignore[no-any-return]
