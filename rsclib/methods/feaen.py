"""FeaEN, a rival of Table 1: features of small images are to look like those of full ones.

Where RSC-Net pulls each feature to that of the same picture (Eq. 11), a critic only asks whether it
could be that of any full image. Least squares, as the paper has it; with the Wasserstein distance
of earlier feature super-resolution it "did not work" there. Start, pictures and draws are those of
:class:`rsclib.methods.rsc.Rsc`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import nn

from rsclib.config import Within
from rsclib.critics import Critic, FeatureCritic, Kind
from rsclib.errors import RscError
from rsclib.methods import rsc
from rsclib.methods.rsc import Rsc, RscConfig
from rsclib.people import Batch
from rsclib.train import Step


@dataclass(frozen=True)
class FeaenConfig(RscConfig):
    """A row's settings (:class:`rsclib.methods.rsc.RscConfig`) and those of the critic.

    Attributes:
        adversarial: weight of what the critic says. gan: "lsgan" or "wgan" (whose critic is kept
            1-Lipschitz by spectral normalisation).
        critic_lr: of the critic's own Adam.
    """

    adversarial: Annotated[float, Within(0, 1e6)] = 0.01
    gan: Kind = "lsgan"
    critic_lr: Annotated[float, Within(1e-12, 10)] = 1e-4

    def check(self, where: str) -> None:
        """As of any row.

        Raises:
            RscError: no run could work with it.
        """
        super().check(where)
        if self.schedule[0][0] < 2:
            raise RscError(
                f"{where}: FeaEN compares sizes: schedule must start with 2 scales or more"
            )


class Feaen(Rsc):
    """FeaEN as :func:`rsclib.train.train` wants it."""

    config: FeaenConfig

    def __init__(self, config: FeaenConfig, *rest: Any) -> None:
        super().__init__(config, *rest)
        judge = FeatureCritic(self.network.config.features, bounded=config.gan == "wgan")
        device = next(self.network.parameters()).device
        self.critic = Critic(
            judge.to(device), config.adversarial, config.critic_lr, kind=config.gan
        )

    def loss(self, model: nn.Module, batch: Batch, step: int) -> Step:
        """The basic loss; the critic judges phi of the lower ranges, beside phi of range 0."""
        prediction = self.predicted(model, batch, step)
        full, *lower = prediction.phi.chunk(batch.scales)
        real = full.detach().repeat(len(lower), 1)  # an example, never a pupil
        terms = self.terms(prediction, batch.labels, batch.scales, step)
        return Step(terms, torch.cat(lower), real)


def builder(config: FeaenConfig, resumed: bool) -> Callable[[torch.device], Rsc]:
    """See :func:`rsclib.methods.rsc.builder`."""
    return rsc.builder(config, resumed, Feaen)
