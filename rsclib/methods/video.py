"""The temporal module (Section 3.5) and VIBE: a GRU over frozen features, judged by a motion critic.

Both rows of Table 3 are this method. What differs is whose features it is given: RSC-Net's, or those
of a network that was trained at all sizes with nothing of the paper's, as SPIN is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal

import torch
from torch import nn

from rsclib.body import load_body
from rsclib.config import STRICT, Precision, Within
from rsclib.critics import Critic
from rsclib.data import sources
from rsclib.data.windows import Videos, Windows, window_batch
from rsclib.errors import RscError
from rsclib.losses import LossConfig, basic_loss
from rsclib.methods.video_features import videos_of
from rsclib.models import check_body, check_labels, model_named
from rsclib.network import RSCNet
from rsclib.predictor import ranges_of
from rsclib.runs.distributed import first_process_first
from rsclib.temporal import MotionCritic, Temporal, TemporalConfig, motion_parameters
from rsclib.train import RunConfig, Step, warm_cosine

WARMUP = 20  # steps


@dataclass(frozen=True)
class VideoConfig:
    """One row of Table 3.

    Attributes:
        net: whose features: a shipped model's name, or a path.
        frames: of the part video-train. sizes: px that its frames are shrunk to; a window has one of
            them. Empty: the middle of every range.
        window: T, frames that are seen together. batch: windows a step.
        calm: share of the videos that are trained on, those that accelerate least.
        share_3d: of the windows with 3D labels; the others have keypoints.
        steps, lr: of Adam, a short rise and a cosine to a tenth.
        width: of the GRU; 0: half of phi's length. head, start: see
            :class:`rsclib.temporal.TemporalConfig`.
        learn_head: whether the regressor learns too, or stays the image network's.
        dropout: of the regressor while training.
        critic: lambda of the motion critic's term; 0: no critic. critic_width: of its GRU.
        critic_lr, critic_decay: of its optimiser.
        amass: a data root whose ``amass`` folder holds the real motion that the critic sees, as in the
            paper; empty: the training motions.
        loss: Eq. 8's weights; nothing else of it is read.
    """

    __pydantic_config__ = STRICT
    FORMS: ClassVar = {"sizes": "a list of whole numbers"}

    net: str = "full"
    frames: Annotated[int, Within(16, 10_000_000)] = 24576
    sizes: tuple[int, ...] = ()
    window: Annotated[int, Within(3, 4096)] = 16
    batch: Annotated[int, Within(1, 65_536)] = 32
    calm: Annotated[float, Within(0, 1)] = 1.0
    share_3d: Annotated[float, Within(0, 1)] = 0.4
    steps: Annotated[int, Within(1, 10**9)] = 1500
    lr: Annotated[float, Within(1e-12, 10)] = 5e-5
    width: Annotated[int, Within(0, 8192)] = 0
    head: Literal["iterative", "mlp3"] = "iterative"
    start: Literal["frames", "average"] = "frames"
    learn_head: bool = True
    dropout: Annotated[float, Within(0, 0.9)] = 0.5
    critic: Annotated[float, Within(0, 1e6)] = 0.5
    critic_width: Annotated[int, Within(1, 8192)] = 1024
    critic_lr: Annotated[float, Within(1e-12, 10)] = 1e-4
    critic_decay: Annotated[float, Within(0, 10)] = 1e-4
    amass: str = ""
    seed: Annotated[int, Within(0, 2**32 - 1)] = 0
    precision: Precision = "32-true"
    loss: LossConfig = field(default_factory=LossConfig.paper)
    save_seconds: Annotated[float, Within(0.001, 1e9)] = 60.0

    @property
    def images_seen(self) -> int:
        """Frames over the whole schedule."""
        return self.steps * self.batch * self.window

    @property
    def settled(self) -> int:
        """Steps until all terms of the loss are in use: they are from the first on."""
        return 0

    @property
    def run(self) -> RunConfig:
        """What the loop needs to know."""
        return RunConfig(
            self.steps, self.batch, self.seed,
            precision=self.precision, save_seconds=self.save_seconds,
        )  # fmt: skip

    def check(self, where: str) -> None:
        """What the fields say together.

        Raises:
            RscError: no run could work with it.
        """
        if any(size < 1 for size in self.sizes) or len(set(self.sizes)) < len(self.sizes):
            raise RscError(f"{where}: sizes are different numbers of pixels, 1 or more")


class Video:
    """A temporal module as :func:`rsclib.train.train` wants it."""

    memory = nn.Identity()

    def __init__(
        self, config: VideoConfig, videos: Videos, module: Temporal, device: torch.device
    ) -> None:
        self.config, self.videos = config, videos
        with torch.no_grad():
            each = torch.stack([phi.std(0) for phi in videos.features.values()]).mean(0)
            module.spread.copy_(each.clamp(min=float(each.mean()) / 100))
        self.among = videos.calmest(config.calm) if config.calm < 1 else None
        self.net = module.to(device).train()
        self.net.head.requires_grad_(config.learn_head)
        self.critic: Critic | None = None
        if config.critic:
            self.critic = Critic(
                MotionCritic(config.critic_width).to(device), config.critic,
                config.critic_lr, config.critic_decay,
            )  # fmt: skip
        self.mocap = sources.mocap(config.amass) if config.critic else []
        self.body = load_body().to(device)

    def groups(self) -> list[dict[str, Any]]:
        """All weights at one rate."""
        return [{"params": [p for p in self.net.parameters() if p.requires_grad], "rate": 1.0}]

    def lr(self, step: int) -> float:
        """Twenty steps of warm-up, then a cosine to a tenth."""
        return warm_cosine(self.config.lr, step, self.config.steps, WARMUP, 0.1)

    def batch(self, step: int) -> Windows:
        """Windows of features with their labels, and as many of real motion."""
        c = self.config
        return window_batch(
            self.videos, step, batch=c.batch, frames=c.window, seed=c.seed, share_3d=c.share_3d,
            among=self.among, mocap=self.mocap,
        )  # fmt: skip

    def loss(self, model: nn.Module, batch: Windows, step: int) -> Step:
        """Eq. 8 over all frames; the critic judges the poses of each window."""
        prediction = model(batch.phi)
        points = self.body.joints(prediction.rotmats, prediction.betas).keypoints3d
        terms = basic_loss(prediction, points, batch.labels, self.config.loss)
        factor = self.config.loss.factor
        terms = {name: factor * value for name, value in terms.items()}
        if self.critic is None:
            return Step(terms)
        fake = motion_parameters(prediction.rotmats, batch.phi.shape[1])
        return Step(terms, fake, batch.real)

    def scores(self, step: int) -> Mapping[str, float]:
        """Nothing beside the losses."""
        return {}

    def finish(self) -> Temporal:
        """The module."""
        return self.net.eval()


def start_module(config: VideoConfig, net: RSCNet) -> Temporal:
    """A module that gives what the network gives frame by frame."""
    shape = TemporalConfig.over(net, config.width, config.head, config.start)
    torch.manual_seed(config.seed)
    return Temporal.over(net, replace(shape, dropout=config.dropout))


def builder(config: VideoConfig, resumed: bool) -> Callable[[torch.device], Video]:
    """Computes the features, or reads them, and makes the method, once its processes run.

    Raises:
        RscError: at once, where there is no such network or another body is in use than its own.
    """
    net, body = model_named(config.net), load_body()
    check_body(net, body)
    check_labels(body)

    def build(device: torch.device) -> Video:
        sizes = config.sizes or ranges_of(net).eval_sizes
        with first_process_first():
            videos = videos_of(net.to(device).eval(), "video-train", config.frames, sizes)
        return Video(config, videos, start_module(config, net.cpu()), device)

    return build
