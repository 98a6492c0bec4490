"""ImgSR, a rival of Table 1: sharpen the picture first, then find the body in it.

A residual dense network before the plain network learns from the full image, which the training
knows, and from the basic loss, whose gradient flows through the sharper picture. Start, pictures and
draws are those of :class:`rsclib.methods.rsc.Rsc`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import torch
from torch import nn

from rsclib.config import Within
from rsclib.errors import RscError
from rsclib.methods import rsc
from rsclib.methods.rsc import Rsc, RscConfig
from rsclib.network import RSCNet
from rsclib.people import Batch
from rsclib.resolution import PRESETS
from rsclib.superres import RdnConfig, SharpConfig, SharpNet
from rsclib.train import Step


@dataclass(frozen=True)
class ImgsrConfig(RscConfig):
    """A row's settings (:class:`rsclib.methods.rsc.RscConfig`) and those of what sharpens.

    Attributes:
        rdn: its size. image: weight of the image loss, the mean squared difference of the small pictures
            in units of the normalised input. With 100 it is about as large as the basic loss to begin
            with. Not absolute differences, and not of the full picture, which is right as it is: there
            every change costs at once, so the network stayed the identity (trials of 60 steps, of which
            no file is kept). The paper does not say.
        rdn_lr: peak rate of its weights, which start from nothing; it rises and falls as ``lr`` does.
    """

    rdn: RdnConfig = field(default_factory=RdnConfig)
    image: Annotated[float, Within(0, 1e6)] = 100.0
    rdn_lr: Annotated[float, Within(1e-12, 10)] = 2e-3

    def check(self, where: str) -> None:
        """As of any row.

        Raises:
            RscError: no run could work with it.
        """
        super().check(where)
        full = PRESETS[self.ranges].full
        if full % self.rdn.fold:
            raise RscError(f"{where}: rdn: fold must divide the image's side, {full} px")


class Imgsr(Rsc):
    """ImgSR as :func:`rsclib.train.train` wants it."""

    config: ImgsrConfig
    net: SharpNet

    def __init__(self, config: ImgsrConfig, people: Any, net: RSCNet, *rest: Any) -> None:
        super().__init__(config, people, net, *rest)
        sharp = SharpNet(SharpConfig(config.rdn, net.config))
        sharp.rdn.to(next(net.parameters()).device)
        sharp.net = self.network
        sharp.source, sharp.trained_on = net.source, net.trained_on
        self.net = sharp.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def groups(self) -> list[dict[str, Any]]:
        """Those of the body network at the run's rate, what sharpens at its own."""
        ours, *alpha = super().groups()
        sharpens = list(self.net.rdn.parameters())
        known = {id(p) for p in sharpens}
        body = [p for p in ours["params"] if id(p) not in known]
        rate = self.config.rdn_lr / self.config.lr
        return [{"params": body, "rate": 1.0}, {"params": sharpens, "rate": rate}, *alpha]

    def loss(self, model: nn.Module, batch: Batch, step: int) -> Step:
        """The basic loss, and how far every sharpened small image is from the full one."""
        self.join(batch.scales, step)
        prediction, sharper = model(batch.images, batch.range_index)
        full, *_ = batch.images.chunk(batch.scales)
        small = sharper.unflatten(0, (batch.scales, -1))[1:]
        off = (small - full).square().sum() / max(1, small.numel())  # none in a stage of one range
        terms = self.terms(prediction, batch.labels, batch.scales, step)
        return Step(terms | {"image": self.config.image * off})

    def finish(self) -> SharpNet:
        """Both networks, the statistics of the second softened."""
        super().finish()
        return self.net.eval()


def builder(config: ImgsrConfig, resumed: bool) -> Callable[[torch.device], Rsc]:
    """See :func:`rsclib.methods.rsc.builder`."""
    return rsc.builder(config, resumed, Imgsr)
