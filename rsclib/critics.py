"""Critics: networks that learn to tell what is real, and what the trained network loses to them."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

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
