"""HR-only: pre-training at full resolution with full labels, where every row of every table starts.

The paper starts from ImageNet and then SPIN weights; neither is free. This trains the same network
on the ``source`` part with dense truth (body parts, canonical coordinates) as an extra task, images
growing from 64 to 128 px. It only ever sees full-resolution people: it is also the *HR-only* model
that the resolution-aware one is compared with.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from rsclib.body import load_body
from rsclib.config import STRICT, Precision, Within
from rsclib.data import augment, sources
from rsclib.errors import RscError
from rsclib.evaluate import joint_errors
from rsclib.files.npz import is_file
from rsclib.methods.dense_tasks import Pretrainer, losses
from rsclib.models import SHIPPED, check_body, check_labels, model_named
from rsclib.network import NetConfig, RSCNet
from rsclib.openbench.build import fetch
from rsclib.people import Batch, People
from rsclib.predictor import NetPredictor
from rsclib.resolution import PRESETS, normalise
from rsclib.runs.distributed import first_process_first, ranks
from rsclib.runs.states import load_training_state
from rsclib.train import RunConfig, Step

FULL = 128  # px of the source part
HELD_OUT = 512  # people of val-wild that the log's scores are measured on


@dataclass(frozen=True)
class HrOnlyConfig:
    """Recipe.

    Attributes:
        stages: (image side, steps). Small images teach the most in a minute; the last stage adapts
            to the size in use, which needs a real share.
        images: of the source part. batch: images a step, over all processes.
        lr: peak rate of the first stage; each later stage starts anew at 0.4 of it.
        rotation, scale: of the augmentation, degrees and share; narrower than SPIN's, chosen in
            short trials of which no file is kept, as was the batch of 48 a process against 128.
        start: what this run starts from: another run's folder (network and extra heads), or a model
            (a shipped one's name or a .safetensors file; the heads begin anew); empty: from nothing.
        extra: the dense tasks and direct joints beside the network's own output; without, a run that
            starts from a model has no heads to learn anew.
        compile: fuse the trunk's small operations (PyTorch needs a C++ compiler for that).
        eval_steps: between two scores on held-out people, in the log.
    """

    __pydantic_config__ = STRICT
    FORMS: ClassVar = {"stages": "a list of [image side, steps], whole numbers"}

    stages: tuple[tuple[int, int], ...] = ((64, 24000), (96, 1500), (128, 2500))
    images: Annotated[int, Within(1, 10_000_000)] = 40960
    batch: Annotated[int, Within(1, 65_536)] = 96
    lr: Annotated[float, Within(1e-12, 10)] = 3e-3
    weight_decay: Annotated[float, Within(0, 10)] = 0.02
    warmup: Annotated[int, Within(1, 1_000_000)] = 300
    rotation: Annotated[float, Within(0, 180)] = 8.0
    scale: Annotated[float, Within(0, 0.9)] = 0.07
    start: str = ""
    extra: bool = True
    compile: bool = True
    seed: Annotated[int, Within(0, 2**32 - 1)] = 0
    precision: Precision = "auto"
    save_seconds: Annotated[float, Within(0.001, 1e9)] = 120.0
    eval_steps: Annotated[int, Within(1, 1_000_000_000)] = 1000

    @property
    def steps(self) -> int:
        """Steps over all stages."""
        return sum(n for _, n in self.stages)

    @property
    def images_seen(self) -> int:
        """Images over all stages."""
        return self.batch * self.steps

    @property
    def settled(self) -> int:
        """Steps before the last stage, whose images are larger and whose loss is another."""
        return self.steps - self.stages[-1][1]

    @property
    def run(self) -> RunConfig:
        """What the loop needs to know."""
        return RunConfig(
            self.steps, self.batch, self.seed, self.weight_decay, clip=2.0,
            precision=self.precision, save_seconds=self.save_seconds,
        )  # fmt: skip

    def side_at(self, step: int) -> int:
        """Side of the images at a step, pixels."""
        for side, steps in self.stages:
            if step < steps:
                return side
            step -= steps
        return self.stages[-1][0]

    def check(self, where: str) -> None:
        """What the fields say together.

        Raises:
            RscError: no run could work with it.
        """
        if self.steps < 1 or min(n for _, n in self.stages) < 0:
            raise RscError("there is nothing to train: give at least one stage some steps")
        if any(side % 32 or not 32 <= side <= FULL for side, _ in self.stages):
            raise RscError(f"{where}: the sides of stages are 32, 64, 96 or {FULL} px")
        if self.compile and shutil.which("c++") is None:
            raise RscError(
                "torch.compile needs a C++ compiler: install g++, or set compile to false"
            )


class HrOnly:
    """Pre-training as :func:`rsclib.train.train` wants it."""

    critic = None
    memory = nn.Identity()

    def __init__(
        self, config: HrOnlyConfig, people: People, held_out: Mapping[str, NDArray],
        shape: NetConfig, device: torch.device,
    ) -> None:  # fmt: skip
        self.config, self.people, self.held_out = config, people, held_out
        self.body = load_body().to(device)
        self.net: Pretrainer = Pretrainer(shape, config.extra).to(  # type: ignore[call-overload]
            device, memory_format=torch.channels_last
        )
        if config.compile:
            self.net.net.trunk.compile()
        self.side, self.images = 0, torch.empty(0)

    def groups(self) -> list[dict[str, Any]]:
        """All weights at one rate."""
        return [{"params": self.net.parameters(), "rate": 1.0}]

    def lr(self, step: int) -> float:
        """In every stage a linear warm-up to its peak, then a cosine to 2 % of it."""
        peak = self.config.lr
        for _, steps in self.config.stages:
            if step < steps:
                warmup = min(self.config.warmup, steps // 5)
                if step < warmup:
                    return peak * (step + 1) / warmup
                progress = (step - warmup) / (steps - warmup)
                return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
            step, peak = step - steps, 0.4 * self.config.lr
        return 0.02 * peak

    def batch(self, step: int) -> Batch:
        """Augmented images of the stage's side; every process has its own share of the data."""
        c, side = self.config, self.config.side_at(step)
        if side != self.side:
            assert isinstance(self.people.images, torch.Tensor)  # rendered people, all in memory
            self.side, self.images = side, shrunk(self.people.images, side)
        rank, world = ranks()
        turn = step * world + rank
        chosen = torch.from_numpy(batch_indices(c.seed, turn, c.batch // world, len(self.images)))
        generator = torch.Generator().manual_seed(c.seed * 1_000_003 + turn)
        affine = augment.random_affine(len(chosen), generator, c.rotation, c.scale)
        images, labels = augment.warp(
            self.images[chosen].float(), self.people.labels.at(chosen), *affine
        )
        dense = None
        if c.extra:  # dense truth at a quarter of the image's side (32 rows at 128 px)
            assert self.people.dense is not None
            rows = torch.arange(side // 4) * FULL // side
            dense = augment.warp_dense(self.people.dense[chosen], *affine)[:, rows][:, :, rows]
        images = augment.colour(images, *augment.random_colour(len(chosen), generator))
        inputs = normalise(images).contiguous(memory_format=torch.channels_last)
        return Batch(inputs, torch.zeros(len(chosen), dtype=torch.long), labels, 1, dense)

    def loss(self, model: nn.Module, batch: Batch, step: int) -> Step:
        """The network's own output against the truth, and the extra tasks."""
        prediction, dense, joints = model(batch.images)
        return Step(losses(prediction, dense, joints, batch, self.body))

    def scores(self, step: int) -> Mapping[str, float]:
        """Now and then the errors (mm) on held-out people at the stage's side, by the first process."""
        due = step % self.config.eval_steps == 0 or step == self.config.steps
        if not due or ranks()[0]:
            return {}
        side = self.config.side_at(step - 1)
        images = shrunk(torch.from_numpy(self.held_out["images"]).permute(0, 3, 1, 2), side)
        truth = torch.from_numpy(self.held_out["joints14"])
        predictor = NetPredictor(self.net.net.eval(), self.body, PRESETS["edu"])
        errors = joint_errors(predictor, images, truth, side)
        self.net.net.train()
        return {"side": side, **{name: float(value.mean()) for name, value in errors.items()}}

    def finish(self) -> RSCNet:
        """The network alone. Only row 0 was learnt; weight decay has shrunk the others, which had no
        gradient. The HR-only model treats every resolution alike."""
        net = self.net.net
        for target in range(1, net.config.ranges):
            net.copy_row(0, target)
        net.projection.requires_grad_(True)
        return net.eval()


def shrunk(images: Tensor, side: int) -> Tensor:
    """All images (N, 3, S, S) uint8 at another side, once per stage; no copy at full size."""
    if side == images.shape[2]:
        return images
    out = torch.empty((len(images), 3, side, side), dtype=torch.uint8)
    for i in range(0, len(images), 512):
        part = images[i : i + 512].float()
        part = F.interpolate(part, size=side, mode="bilinear", antialias=True)
        out[i : i + 512] = part.round().byte()
    return out


def batch_indices(seed: int, step: int, batch: int, total: int) -> NDArray[np.int64]:
    """The samples of a step: a function of the step alone, so a resumed run repeats none."""
    per_epoch = total // batch
    order = np.random.default_rng([seed, step // per_epoch]).permutation(total)
    start = (step % per_epoch) * batch
    return order[start : start + batch]


def builder(
    config: HrOnlyConfig, resumed: bool, shape: NetConfig | None = None
) -> Callable[[torch.device], HrOnly]:
    """Fetches the people and makes the method, once its processes run.

    Raises:
        RscError: at once, where there is nothing to start from.
    """
    begin = Path(config.start) / "state.pt"
    given, body = None, load_body()
    if config.start and not resumed:
        if (
            config.start in SHIPPED
            or is_file(config.start)
            or config.start.endswith(".safetensors")
        ):
            net = model_named(config.start)
            check_body(net, body)
            given = net.state_dict()
        elif not begin.is_file():
            raise RscError(f"there is no run to start from in {config.start}: {begin} is missing")
    check_labels(body)

    def build(device: torch.device) -> HrOnly:
        with first_process_first():
            people = sources.source(config.images, config.seed)
            held_out = fetch(
                "val-wild", HELD_OUT
            )  # no test image is looked at while settings change
        method = HrOnly(config, people, held_out, shape or NetConfig.edu(), device)
        if given is not None:
            method.net.net.load_state_dict(given)
        elif config.start and not resumed:
            method.net.load_state_dict(load_training_state(begin)["net"])
        return method

    return build
