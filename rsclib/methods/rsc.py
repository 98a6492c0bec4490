"""RSC-Net (Sections 3.2 and 3.3) and the rows of its ablation: weak supervision at all resolutions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from rsclib.body import Body, load_body
from rsclib.contrastive import FeatureQueue
from rsclib.critics import Critic
from rsclib.data import sources
from rsclib.data.annotators import wild_as_annotated
from rsclib.data.batches import mixed_batch
from rsclib.losses import Terms, rsc_loss
from rsclib.methods.measured import measure_or_load
from rsclib.methods.rsc_config import RscConfig
from rsclib.models import check_body, check_labels, model_named
from rsclib.network import NetConfig, Prediction, RSCNet
from rsclib.people import Batch, Labels, People
from rsclib.range_norm import freeze, soften
from rsclib.resolution import PRESETS, Ranges
from rsclib.runs.distributed import first_process_first, ranks
from rsclib.train import Step, warm_cosine

__all__ = ["MEASURED", "Rsc", "RscConfig", "blend", "builder", "people_of", "start_network"]

MEASURED = (16, 128)  # batches, images each
WARMUP = 20  # steps


class Rsc:
    """RSC-Net as :func:`rsclib.train.train` wants it.

    Attributes:
        network: the RSC-Net. net: what learns: the same, or a module of a rival's with it inside.
    """

    critic: Critic | None = None

    def __init__(
        self, config: RscConfig, people: People, net: RSCNet, ranges: Ranges, device: torch.device,
        resumed: bool = False, body: Body | None = None,
    ) -> None:  # fmt: skip
        self.config, self.people, self.ranges = config, people, ranges
        net = net.to(device).train()
        if config.norm == "measured" and resumed:
            freeze(net)  # what was measured comes with the state
        elif config.norm == "measured":
            self._measure(net)
        net.sync_norm(config.sync_norm)
        net.trunk.alpha.requires_grad_(config.learn_alpha)
        self.network: RSCNet = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.net: nn.Module = self.network
        self.memory = FeatureQueue(config.loss.queue, net.config.projection[1]).to(device)
        self.body = (load_body() if body is None else body).to(device)

    def _measure(self, net: RSCNet) -> None:
        """Batch statistics of every range from training images, frozen."""
        count, size = MEASURED
        device = next(net.parameters()).device
        net.sync_norm(True)  # the same for any number of processes
        batches = (self._mixed(step, self.ranges.count, size) for step in range(count))
        drawn = ("seed", "lab_share", "rotation", "scale", "ranges")
        measure_or_load(
            net, self.people, {name: getattr(self.config, name) for name in drawn}
            | {"batches": MEASURED, "processes": ranks()[1]}
            | ({"photographed": True} if self.config.photographed else {})
            | ({"pixels": "released"} if self.config.pixels == "released" else {}),
            ((b.images.to(device), b.range_index.to(device)) for b in batches),
        )  # fmt: skip

    def _mixed(self, step: int, scales: int, batch: int) -> Batch:
        c = self.config
        return mixed_batch(
            self.people, self.ranges, step, scales=scales, batch=batch, seed=c.seed,
            lab_share=c.lab_share, rotation=c.rotation, scale=c.scale, photographed=c.photographed,
            pixels=c.pixels,
        )  # fmt: skip

    def groups(self) -> list[dict[str, Any]]:
        """All weights at the run's rate, alpha at its own."""
        alpha = self.network.alpha
        others = [p for p in self.net.parameters() if p.requires_grad and p is not alpha]
        own = [{"params": [alpha], "rate": self.config.alpha_rate}] * self.config.learn_alpha
        return [{"params": others, "rate": 1.0}, *own]

    def lr(self, step: int) -> float:
        """Twenty steps of warm-up, then a cosine to a share of the peak."""
        return warm_cosine(self.config.lr, step, self.config.steps, WARMUP, self.config.lr_end)

    def batch(self, step: int) -> Batch:
        """The same people at a size of every range that has joined."""
        batch = self._mixed(step, self.config.scales_at(step), self.config.batch_at(step))
        return batch._replace(images=batch.images.contiguous(memory_format=torch.channels_last))

    def loss(self, model: nn.Module, batch: Batch, step: int) -> Step:
        """L_b + lambda_s L_s + lambda_f L_f."""
        prediction = self.predicted(model, batch, step)
        return Step(self.terms(prediction, batch.labels, batch.scales, step))

    def predicted(self, model: nn.Module, batch: Batch, step: int) -> Prediction:
        """What the network makes of a batch, once the ranges that join at this step have begun."""
        self.join(batch.scales, step)
        prediction: Prediction = model(batch.images, batch.range_index)
        return prediction

    def join(self, scales: int, step: int) -> None:
        """A range that joins at a step starts from its larger neighbour."""
        before = self.config.scales_at(step - 1) if step else 1
        for row in range(before, scales):
            self.network.copy_row(row - 1, row)

    def terms(self, prediction: Prediction, labels: Labels, scales: int, step: int) -> Terms:
        """The weighted terms of a prediction of P' scales; ``labels`` are of one."""
        points = self.body.joints(prediction.rotmats, prediction.betas).keypoints3d
        return rsc_loss(prediction, points, labels, scales, self.memory, step, self.config.loss)

    def scores(self, step: int) -> Mapping[str, float]:
        """Nothing beside the losses."""
        return {}

    def finish(self) -> nn.Module:
        """The network moved back towards its start, with softened statistics; not in the state, so it
        happens once."""
        if self.config.keep:
            blend(self.network, start_network(self.config), self.config.keep)
        soften(self.network, self.config.soften)
        return self.network.eval()


@torch.no_grad()
def blend(net: nn.Module, start: nn.Module, keep: float) -> None:
    """Weights become the mean of their own and, by the share ``keep``, those of another network of the
    same shape. Batch statistics stay."""
    for own, other in zip(net.parameters(), start.parameters(), strict=True):
        own.lerp_(other.to(own.device), keep)


def start_network(config: RscConfig, start: RSCNet | None = None) -> RSCNet:
    """The network a run starts from: a model, or fresh weights.

    Args:
        start: it is already known; None: as ``config.init`` says.

    Raises:
        RscError: there is no such model.
    """
    shapes = {"edu": NetConfig.edu, "paper": NetConfig.paper}
    net = start
    if net is None:
        net = RSCNet(shapes[config.net]()) if config.init is None else model_named(config.init)
    net = net if config.norm == "shared" else net.per_range()
    if config.dropout is not None:
        net.regressor.dropout.p = config.dropout
    return net


def builder(
    config: RscConfig, resumed: bool, kind: Callable[..., Rsc] = Rsc
) -> Callable[[torch.device], Rsc]:
    """Fetches the people and makes the method, once its processes run.

    Args:
        kind: the method's class; a rival's takes the same arguments, and so sees the same batches.

    Raises:
        RscError: at once, where another body is in use than the people's.
    """
    ranges, body = PRESETS[config.ranges], load_body()
    if config.init is not None:
        check_body(model_named(config.init), body)
    check_labels(body)

    def build(device: torch.device) -> Rsc:
        with first_process_first():
            people = people_of(config, ranges.full)
        return kind(config, people, start_network(config), ranges, device, resumed)

    return build


def people_of(config: RscConfig, size: int) -> People:
    """The training people of a run; the wild ones' keypoints as annotated."""
    c = config
    seed = c.seed if c.people_seed is None else c.people_seed
    people = sources.lab_and_wild(c.lab, c.wild, size, seed, c.wild_labels)
    return wild_as_annotated(people, c.jitter, c.missing, c.swapped, seed)
