"""Settings of RSC-Net's rows and, with more fields, of its rivals': checked when they are read."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from rsclib.config import STRICT, Precision, Within
from rsclib.errors import RscError
from rsclib.losses import LossConfig
from rsclib.resolution import PRESETS
from rsclib.train import RunConfig


@dataclass(frozen=True)
class RscConfig:
    """One row of a table. Presets are YAML files under rsclib/presets, checked against this.

    Attributes:
        ranges, net: "edu" (128 px) or "paper" (224 px).
        schedule: (number of scales, steps) in order: progressive training adds a range at a time;
            "w/o PT" of Table 7 is one entry with all of them.
        batch: images a step, over all processes, each seen at every active scale. batches: a number
            for each entry of the schedule instead. lab_share: of them with 3D labels.
        data: "open", the open benchmark; "licensed", the paper's data sets, as many as are there, in
            the paper's mix (:mod:`rsclib.methods.licensed`): then ``lab`` to ``swapped`` mean nothing.
        lab, wild: images of the two training parts. people_seed: which people they show; None: as
            ``seed`` says.
        wild_labels: of the wild images, "2d" (keypoints); "full": the oracle, which knows the 3D
            truth of the very same pictures and draws; or "varied": the 3D truth of other people, whose
            poses, headings and clothes differ more (:mod:`rsclib.openbench.everyday`).
        jitter, missing, swapped: how the wild images' keypoints differ from the truth, see
            :func:`rsclib.data.annotators.as_annotated`.
        lr: peak rate of Adam. lr_end: what share of it is left at the end; 1: it is constant.
        alpha_rate: alpha's rate in multiples of lr; Adam moves a weight by at most about its rate a
            step, so a short training leaves alpha where it was.
        rotation, scale: of the augmentation, degrees and share.
        photographed: pictures are damaged as photographs are: :mod:`rsclib.data.photographs`.
        pixels: "released": small images get the contrast that the released code gives them, by which the
            published network was trained; score such a model with ``rsc eval --pixels released``.
        norm: batch statistics "shared" by the ranges, "per_range", or "measured": per range, taken
            from training images before the first step and frozen (see rsclib.range_norm).
        soften: at the end each range's statistics move by this share towards its larger neighbour's.
        sync_norm: processes that train together share batch statistics; worth its time where a
            process has few images of a range.
        dropout: of the regressor while training; None: as the starting network has it.
        keep: what ships is the mean of the trained weights and those of ``init``, which have this share
            (Wortsman et al., Robust fine-tuning of zero-shot models, 2022).
        learn_alpha: False is the baseline of Table 6 (alpha stays as the start has it: 1 from scratch,
            HR-only's otherwise).
        init: model to start from, a path or the name of a shipped one; None: from scratch; of licensed
            data also "spin-released", the checkpoint of SPIN's authors below the data root.
        precision: see :class:`rsclib.train.RunConfig`.
    """

    __pydantic_config__ = STRICT
    FORMS: ClassVar = {"schedule": "a list of [scales, steps], whole numbers"}

    ranges: Literal["paper", "edu"] = "edu"
    net: Literal["edu", "paper"] = "edu"
    schedule: tuple[tuple[int, int], ...] = ((2, 120), (3, 120), (4, 120), (5, 600))
    batch: Annotated[int, Within(1, 65_536)] = 16
    batches: tuple[Annotated[int, Within(1, 65_536)], ...] = ()
    data: Literal["open", "licensed"] = "open"
    lab: Annotated[int, Within(1, 10_000_000)] = 4096
    wild: Annotated[int, Within(1, 10_000_000)] = 8192
    people_seed: Annotated[int, Within(0, 2**32 - 1)] | None = None
    wild_labels: Literal["2d", "full", "varied"] = "2d"
    jitter: Annotated[float, Within(0, 100)] = 0.0
    missing: Annotated[float, Within(0, 0.95)] = 0.0
    swapped: Annotated[float, Within(0, 1)] = 0.0
    lab_share: Annotated[float, Within(0, 1)] = 0.4
    lr: Annotated[float, Within(1e-12, 10)] = 2e-4
    lr_end: Annotated[float, Within(0, 1)] = 0.1
    alpha_rate: Annotated[float, Within(0, 1e12)] = 1.0
    rotation: Annotated[float, Within(0, 180)] = 20.0
    scale: Annotated[float, Within(0, 0.9)] = 0.15
    photographed: bool = False
    pixels: Literal["plain", "released"] = "plain"
    norm: Literal["shared", "per_range", "measured"] = "shared"
    soften: Annotated[float, Within(0, 1)] = 0.0
    sync_norm: bool = False
    dropout: Annotated[float, Within(0, 0.9)] | None = None
    keep: Annotated[float, Within(0, 1)] = 0.0
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
        stages = zip(self.schedule, self._batches, strict=True)
        return sum(batch * scales * steps for (scales, steps), batch in stages)

    @property
    def _batches(self) -> tuple[int, ...]:
        return self.batches or (self.batch,) * len(self.schedule)

    @property
    def settled(self) -> int:
        """Steps until all sizes and terms of the loss are in use: only then losses compare."""
        return max(self.steps - self.schedule[-1][1], self.loss.ramp_steps)

    @property
    def run(self) -> RunConfig:
        """What the loop needs to know."""
        shared = math.gcd(*self._batches)  # what processes must be able to share
        return RunConfig(
            self.steps, shared, self.seed,
            precision=self.precision, save_seconds=self.save_seconds,
        )  # fmt: skip

    def scales_at(self, step: int) -> int:
        """P', how many resolution ranges are trained at this step."""
        return self.schedule[self._stage(step)][0]

    def batch_at(self, step: int) -> int:
        """Images of this step, over all processes."""
        return self._batches[self._stage(step)]

    def _stage(self, step: int) -> int:
        ends = itertools.accumulate(steps for _, steps in self.schedule)
        return min(sum(step >= end for end in ends), len(self.schedule) - 1)

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
        if self.batches and len(self.batches) != len(self.schedule):
            raise RscError(f"{where}: batches needs a number for each of the schedule's entries")
        if self.keep and (self.init is None or self.data == "licensed"):
            raise RscError(f"{where}: keep is a share of a model in init, of open data")
        if self.init == "":
            raise RscError(f"{where}: init is null, a shipped model's name or a path")
        if self.soften and self.norm == "shared":
            raise RscError(
                f"{where}: soften moves statistics of each range's own, and norm: shared has none; "
                "set soften to 0"
            )
