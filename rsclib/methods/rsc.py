"""RSC-Net (Sections 3.2 and 3.3) and the rows of its ablation: weak supervision at all resolutions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal

import torch
from torch import nn

from rsclib.body import load_body
from rsclib.config import STRICT, Precision, Within
from rsclib.contrastive import FeatureQueue
from rsclib.critics import Critic
from rsclib.data import sources
from rsclib.data.annotators import as_annotated
from rsclib.data.batches import mixed_batch
from rsclib.errors import RscError
from rsclib.losses import LossConfig, Terms, rsc_loss
from rsclib.methods.measured import measure_or_load
from rsclib.models import check_body, check_labels, model_named
from rsclib.network import NetConfig, Prediction, RSCNet
from rsclib.people import Batch, Labels, People
from rsclib.range_norm import freeze, soften
from rsclib.resolution import PRESETS, Ranges
from rsclib.runs.distributed import first_process_first, ranks
from rsclib.train import RunConfig, Step, warm_cosine

MEASURED = (16, 128)  # batches, images each
WARMUP = 20  # steps


@dataclass(frozen=True)
class RscConfig:
    """One row of a table. Presets are YAML files under rsclib/presets, checked against this.

    Attributes:
        ranges: "edu" (128 px) or "paper" (224 px). net: "edu" or "paper".
        schedule: (number of scales, steps) in order: progressive training adds a range at a time;
            "w/o PT" of Table 7 is one entry with all of them.
        batch: images a step, over all processes; each is seen at every active scale. lab_share: of
            them with 3D labels.
        lab, wild: images of the two training parts. people_seed: which people they show; None: as
            ``seed`` says.
        wild_labels: of the wild images, "2d" (keypoints) or "full": the oracle, which knows the 3D
            truth of the very same pictures and draws.
        jitter, missing, swapped: how the wild images' keypoints differ from the truth, see
            :func:`rsclib.data.annotators.as_annotated`.
        lr: peak rate of Adam. alpha_rate: alpha's rate in multiples of it; Adam moves a weight by
            at most about its rate a step, so a short training leaves alpha where it was.
        rotation, scale: of the augmentation, degrees and share.
        norm: batch statistics "shared" by the ranges, "per_range", or "measured": per range, taken
            from training images before the first step and frozen (see rsclib.range_norm).
        soften: at the end each range's statistics move by this share towards its larger neighbour's.
        sync_norm: processes that train together share batch statistics; worth its time where a
            process has few images of a range.
        dropout: of the regressor while training; None: as the starting network has it.
        learn_alpha: False is the baseline of Table 6 (alpha stays as the start has it: 1 from scratch,
            HR-only's otherwise).
        init: model to start from, a path or the name of a shipped one; None: from scratch.
        precision: see :class:`rsclib.train.RunConfig`.
    """

    __pydantic_config__ = STRICT
    FORMS: ClassVar = {"schedule": "a list of [scales, steps], whole numbers"}

    ranges: Literal["paper", "edu"] = "edu"
    net: Literal["edu", "paper"] = "edu"
    schedule: tuple[tuple[int, int], ...] = ((2, 120), (3, 120), (4, 120), (5, 600))
    batch: Annotated[int, Within(1, 65_536)] = 16
    lab: Annotated[int, Within(1, 10_000_000)] = 4096
    wild: Annotated[int, Within(1, 10_000_000)] = 8192
    people_seed: Annotated[int, Within(0, 2**32 - 1)] | None = None
    wild_labels: Literal["2d", "full"] = "2d"
    jitter: Annotated[float, Within(0, 100)] = 0.0
    missing: Annotated[float, Within(0, 0.95)] = 0.0
    swapped: Annotated[float, Within(0, 1)] = 0.0
    lab_share: Annotated[float, Within(0, 1)] = 0.4
    lr: Annotated[float, Within(1e-12, 10)] = 2e-4
    alpha_rate: Annotated[float, Within(0, 1e12)] = 1.0
    rotation: Annotated[float, Within(0, 180)] = 20.0
    scale: Annotated[float, Within(0, 0.9)] = 0.15
    norm: Literal["shared", "per_range", "measured"] = "shared"
    soften: Annotated[float, Within(0, 1)] = 0.0
    sync_norm: bool = False
    dropout: Annotated[float, Within(0, 0.9)] | None = None
    learn_alpha: bool = True
    init: str | None = "hr-only"
    seed: Annotated[int, Within(0, 2**32 - 1)] = 0
    precision: Precision = "auto"
    loss: LossConfig = field(default_factory=LossConfig.paper)
    save_seconds: Annotated[float, Within(0.001, 1e9)] = 60.0

    @property
    def steps(self) -> int:
        """Steps over the whole schedule."""
        return sum(n for _, n in self.schedule)

    @property
    def images_seen(self) -> int:
        """Images over the whole schedule, each size of one counted."""
        return self.batch * sum(scales * steps for scales, steps in self.schedule)

    @property
    def settled(self) -> int:
        """Steps until all sizes and terms of the loss are in use: only then losses compare."""
        return max(self.steps - self.schedule[-1][1], self.loss.ramp_steps)

    @property
    def run(self) -> RunConfig:
        """What the loop needs to know."""
        return RunConfig(
            self.steps, self.batch, self.seed,
            precision=self.precision, save_seconds=self.save_seconds,
        )  # fmt: skip

    def scales_at(self, step: int) -> int:
        """P', how many resolution ranges are trained at this step."""
        for scales, steps in self.schedule:
            if step < steps:
                return scales
            step -= steps
        return self.schedule[-1][0]

    def check(self, where: str) -> None:
        """What the fields say together.

        Raises:
            RscError: no run could work with it.
        """
        count = PRESETS[self.ranges].count
        scales = [s for s, _ in self.schedule]
        if not scales or sorted(set(scales)) != scales or not 1 <= scales[0] <= scales[-1] <= count:
            raise RscError(f"{where}: the scales of schedule must grow, within 1..{count}")
        if min(n for _, n in self.schedule) < 1 or self.steps > 10**9:
            raise RscError(f"{where}: the steps of schedule must be 1 or more, 1e+09 in all")
        if self.init == "":
            raise RscError(f"{where}: init is null, a shipped model's name or a path")
        if self.soften and self.norm == "shared":
            raise RscError(
                f"{where}: soften moves statistics of each range's own, and norm: shared has none; "
                "set soften to 0"
            )


class Rsc:
    """RSC-Net as :func:`rsclib.train.train` wants it.

    Attributes:
        network: the RSC-Net. net: what learns: the same, or a module of a rival's with it inside.
    """

    critic: Critic | None = None

    def __init__(
        self, config: RscConfig, people: People, net: RSCNet, ranges: Ranges, device: torch.device,
        resumed: bool = False,
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
        self.body = load_body().to(device)

    def _measure(self, net: RSCNet) -> None:
        """Batch statistics of every range from training images, frozen."""
        count, size = MEASURED
        device = next(net.parameters()).device
        net.sync_norm(True)  # the same for any number of processes
        batches = (self._mixed(step, self.ranges.count, size) for step in range(count))
        drawn = ("seed", "lab_share", "rotation", "scale", "ranges")
        measure_or_load(
            net, self.people, {name: getattr(self.config, name) for name in drawn}
            | {"batches": MEASURED, "processes": ranks()[1]},
            ((b.images.to(device), b.range_index.to(device)) for b in batches),
        )  # fmt: skip

    def _mixed(self, step: int, scales: int, batch: int) -> Batch:
        c = self.config
        return mixed_batch(
            self.people, self.ranges, step, scales=scales, batch=batch, seed=c.seed,
            lab_share=c.lab_share, rotation=c.rotation, scale=c.scale,
        )  # fmt: skip

    def groups(self) -> list[dict[str, Any]]:
        """All weights at the run's rate, alpha at its own."""
        alpha = self.network.alpha
        others = [p for p in self.net.parameters() if p.requires_grad and p is not alpha]
        own = [{"params": [alpha], "rate": self.config.alpha_rate}] * self.config.learn_alpha
        return [{"params": others, "rate": 1.0}, *own]

    def lr(self, step: int) -> float:
        """Twenty steps of warm-up, then a cosine to a tenth."""
        return warm_cosine(self.config.lr, step, self.config.steps, WARMUP, 0.1)

    def batch(self, step: int) -> Batch:
        """The same people at a size of every range that has joined."""
        batch = self._mixed(step, self.config.scales_at(step), self.config.batch)
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
        """The network with its statistics softened; not in the state, so it happens once."""
        soften(self.network, self.config.soften)
        return self.network.eval()


def start_network(config: RscConfig) -> RSCNet:
    """The network a run starts from: a model, or fresh weights.

    Raises:
        RscError: there is no such model.
    """
    shapes = {"edu": NetConfig.edu, "paper": NetConfig.paper}
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
    people = sources.lab_and_wild(c.lab, c.wild, size, seed, c.wild_labels == "full")
    marked = as_annotated(people.labels, c.jitter, c.missing, c.swapped, seed)
    points = torch.cat([people.labels.keypoints2d[: people.lab], marked.keypoints2d[people.lab :]])
    return replace(people, labels=people.labels._replace(keypoints2d=points))
