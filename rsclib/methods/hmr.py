"""HMR, a rival of Table 1: the plain network, and critics that tell impossible bodies from real ones.

Where an image has keypoints only, many bodies fit them, most of them broken. Kanazawa et al. (End-to-
end Recovery of Human Shape and Pose, CVPR 2018) train 25 critics on mocap, and the network is to
please them with every iterate of its regressor. Start, pictures and draws are those of
:class:`rsclib.methods.rsc.Rsc`; the paper's row has neither alpha nor its losses
(``presets/tables/runs.yaml``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor, nn

from rsclib.config import Within
from rsclib.critics import CRITICS, BodyCritic, Critic, as_bodies
from rsclib.data import sources
from rsclib.geometry import rot6d_to_rotmat
from rsclib.methods import rsc
from rsclib.methods.rsc import Rsc, RscConfig
from rsclib.network import Estimate, Prediction, RSCNet
from rsclib.people import Batch
from rsclib.runs.distributed import ranks
from rsclib.train import Step


@dataclass(frozen=True)
class HmrConfig(RscConfig):
    """A row's settings (:class:`rsclib.methods.rsc.RscConfig`) and those of the critics.

    Attributes:
        prior: weight of what the 25 critics say together, a mean over sizes and iterates. HMR gives
            them 1 beside a 2D term of 60; beside ours of 5, of one size, that is a twelfth.
        critic_lr, critic_decay: of the critics' own Adam, as in HMR. Ten times the rate cost accuracy
            (one trial of 80 steps, of which no file is kept).
        mocap: how many real bodies are drawn, once, from the training motions.
        amass: a data root; the real poses are drawn from its ``amass`` folder instead, as in HMR. Its
            shapes are SMPL-H's, so shapes are drawn from the prior there too.
    """

    prior: Annotated[float, Within(0, 1e6)] = 1 / 12
    critic_lr: Annotated[float, Within(1e-12, 10)] = 1e-4
    critic_decay: Annotated[float, Within(0, 10)] = 1e-4
    mocap: Annotated[int, Within(1, 10_000_000)] = 8192
    amass: str = ""


class Iterated(nn.Module):
    """The network with all iterates of its regressor, as one module for Fabric."""

    def __init__(self, net: RSCNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor, range_index: Tensor) -> tuple[Prediction, list[Estimate]]:
        """The network's output, and the estimates after each correction, the last being its own."""
        _, phi = self.net.forward_features(images, range_index)
        with torch.autocast(phi.device.type, enabled=False):
            found = self.net.regressor.iterates(phi.float())[
                1:
            ]  # the mean person is nobody's guess
        return self.net.regress(phi, found[-1]), found


class Hmr(Rsc):
    """HMR as :func:`rsclib.train.train` wants it.

    Args:
        bodies: the real ones (N, 217) of :func:`rsclib.critics.as_bodies`; None: as the config says.
    """

    config: HmrConfig

    def __init__(self, config: HmrConfig, *rest: Any, bodies: Tensor | None = None) -> None:
        super().__init__(config, *rest)
        self.net = Iterated(self.network)
        device = next(self.network.parameters()).device
        if bodies is None:
            bodies = as_bodies(*sources.bodies(config.mocap, config.seed, config.amass))
        self.bodies = bodies.to(device)
        # The loop takes the mean over the critics, HMR their sum.
        weight = CRITICS * config.prior
        self.critic = Critic(BodyCritic().to(device), weight, config.critic_lr, config.critic_decay)

    def loss(self, model: nn.Module, batch: Batch, step: int) -> Step:
        """The basic loss of the last iterate; the critics judge all, beside as many real bodies."""
        self.join(batch.scales, step)
        prediction, found = model(batch.images, batch.range_index)
        bodies = [as_bodies(rot6d_to_rotmat(p.unflatten(1, (24, 6))), b) for p, b, _ in found]
        fake = torch.cat(bodies)
        terms = self.terms(prediction, batch.labels, batch.scales, step)
        return Step(terms, fake, self.real(len(fake), step))

    def real(self, count: int, step: int) -> Tensor:
        """This process's share of a step's real bodies (count, 217): a function of the step."""
        rank, world = ranks()
        rng = np.random.default_rng([self.config.seed, step, CRITICS])
        chosen = rng.integers(0, len(self.bodies), count * world)[rank::world]
        return self.bodies[torch.from_numpy(chosen).to(self.bodies.device)]


def builder(config: HmrConfig, resumed: bool) -> Callable[[torch.device], Rsc]:
    """See :func:`rsclib.methods.rsc.builder`."""
    return rsc.builder(config, resumed, Hmr)
