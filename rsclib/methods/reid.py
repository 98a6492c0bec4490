"""The ReID network, trained to name the pedestrians of the open benchmark: Eq. 13 needs one.

Cross entropy of the whole and of each stripe, as in PCB. Pictures stay sharp: a loss that is to ask for
detail must mind a blur.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from rsclib.config import STRICT, Precision, Within
from rsclib.errors import RscError
from rsclib.openbench.build import fetch
from rsclib.openbench.pedestrians import QUERIES
from rsclib.reid import ReIDConfig, ReIDNet, embeddings
from rsclib.retrieval import cosine_distance, rank
from rsclib.runs.distributed import first_process_first, ranks
from rsclib.train import RunConfig, Step, warm_cosine

KEYS = ("images", "identity", "camera_id", "view")
WARMUP = 50  # steps


@dataclass(frozen=True)
class ReidConfig:
    """Recipe.

    Attributes:
        images: of pedestrians-train, eight of a person. held_out: of its people, the last so many,
            only scored (rank-1 in the log): settings are chosen on them, never on test people.
        steps: of training. people, views: a step's batch, people times pictures of each.
        lr: peak rate of Adam. smoothing: of the labels.
        triplet: weight of a triplet term with the hardest pairs of a batch; 0 as in PCB. With weight 1
            from the first step all features of the whole fell together and stayed so (one trial of
            180 steps: the term kept its margin). margin: of it, between features of length 1.
        pad: pixels at 128 px by which a crop may be off. erase: probability that a rectangle is
            covered. flip: probability of a mirror image.
        eval_steps: between two scores.
    """

    __pydantic_config__ = STRICT

    images: Annotated[int, Within(16, 1_000_000)] = 4096
    held_out: Annotated[int, Within(2, 10_000)] = 64
    steps: Annotated[int, Within(1, 10**9)] = 800
    people: Annotated[int, Within(2, 4096)] = 32
    views: Annotated[int, Within(2, 8)] = 2
    lr: Annotated[float, Within(1e-12, 10)] = 3e-3
    weight_decay: Annotated[float, Within(0, 10)] = 0.02
    smoothing: Annotated[float, Within(0, 0.9)] = 0.1
    margin: Annotated[float, Within(0, 2)] = 0.3
    triplet: Annotated[float, Within(0, 100)] = 0.0
    pad: Annotated[int, Within(0, 64)] = 6
    erase: Annotated[float, Within(0, 1)] = 0.5
    flip: Annotated[float, Within(0, 1)] = 0.5
    seed: Annotated[int, Within(0, 2**32 - 1)] = 0
    precision: Precision = "auto"
    save_seconds: Annotated[float, Within(0.001, 1e9)] = 60.0
    eval_steps: Annotated[int, Within(1, 10**9)] = 200

    @property
    def batch(self) -> int:
        """Pictures a step, over all processes."""
        return self.people * self.views

    @property
    def images_seen(self) -> int:
        """Pictures over all steps."""
        return self.steps * self.batch

    @property
    def settled(self) -> int:
        """The loss is the same from the first step."""
        return 0

    @property
    def run(self) -> RunConfig:
        """What the loop needs to know."""
        return RunConfig(
            self.steps, self.batch, self.seed, self.weight_decay, clip=5.0,
            precision=self.precision, save_seconds=self.save_seconds,
        )  # fmt: skip


class ReidBatch(NamedTuple):
    """images (B, 3, H, W) in [0, 1]; identity (B,) long, numbered from 0."""

    images: Tensor
    identity: Tensor


class Named(nn.Module):
    """The network and what names people: a layer a part, which does not ship."""

    def __init__(self, net: ReIDNet, identities: int) -> None:
        super().__init__()
        self.net = net
        parts, width = 1 + net.config.stripes, net.config.embedding
        self.necks = nn.ModuleList(nn.BatchNorm1d(width) for _ in range(parts))
        namers = [nn.Linear(width, identities, bias=False) for _ in range(parts)]
        for namer in namers:
            nn.init.normal_(namer.weight, std=0.01)
        self.names = nn.ModuleList(namers)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, parts, D) and the logits (B, parts, identities) of each part."""
        found = self.net(images)
        heads = zip(self.necks, self.names, found.unbind(1), strict=True)
        return found, torch.stack([name(neck(part)) for neck, name, part in heads], 1)


class Reid:
    """ReID as :func:`rsclib.train.train` wants it."""

    critic = None
    memory = nn.Identity()

    def __init__(
        self, config: ReidConfig, data: Mapping[str, NDArray], shape: ReIDConfig, device: torch.device
    ) -> None:  # fmt: skip
        self.config = config
        identities = np.unique(data["identity"])
        if len(identities) < config.held_out + config.people:
            raise RscError(
                f"{len(identities)} people are too few: {config.held_out} are held out and a step "
                f"needs {config.people}"
            )
        kept = np.isin(data["identity"], identities[: -config.held_out])
        self.held_out = {k: data[k][~kept] for k in KEYS}
        self.images = torch.from_numpy(np.ascontiguousarray(data["images"][kept])).movedim(3, 1)
        names, self.identity = np.unique(data["identity"][kept], return_inverse=True)
        self.rows = [np.flatnonzero(self.identity == i) for i in range(len(names))]
        self.net = Named(ReIDNet(shape), len(names)).to(device)

    def groups(self) -> list[dict[str, Any]]:
        """All weights at one rate."""
        return [{"params": self.net.parameters(), "rate": 1.0}]

    def lr(self, step: int) -> float:
        """A linear warm-up, then a cosine."""
        c = self.config
        return warm_cosine(c.lr, step, c.steps, max(1, min(WARMUP, c.steps // 5)), 0.01)

    def batch(self, step: int) -> ReidBatch:
        """Views of people drawn at random; every process draws its own people."""
        c, (process, world) = self.config, ranks()
        rng = np.random.default_rng([c.seed, step * world + process])
        people = rng.choice(len(self.rows), max(2, c.people // world), replace=False)
        chosen = np.concatenate(
            [rng.choice(self.rows[i], c.views, replace=len(self.rows[i]) < c.views) for i in people]
        )
        images = augmented(self.images[torch.from_numpy(chosen)].float() / 255, rng, c)
        return ReidBatch(images, torch.from_numpy(self.identity[chosen]))

    def loss(self, model: nn.Module, batch: ReidBatch, step: int) -> Step:
        """Cross entropy of every part, and the triplet term where it has a weight."""
        c = self.config
        found, logits = model(batch.images)
        parts = logits.shape[1]
        names = F.cross_entropy(
            logits.float().flatten(0, 1), batch.identity.repeat_interleave(parts),
            label_smoothing=c.smoothing,
        )  # fmt: skip
        terms = {"names": names}
        if c.triplet:
            terms["triplet"] = c.triplet * hardest_triplet(found[:, 0].float(), batch.identity, c.margin)  # fmt: skip
        return Step(terms)

    def scores(self, step: int) -> Mapping[str, float]:
        """Now and then rank-1 and mAP, in per cent, of the held-out people, by the first process."""
        due = step % self.config.eval_steps == 0 or step == self.config.steps
        if not due or ranks()[0]:
            return {}
        self.net.eval()
        found = retrieve(self.net.net, self.held_out)
        self.net.train()
        return {name: 100 * float(value.mean()) for name, value in found.items()}

    def finish(self) -> ReIDNet:
        """The network without its names."""
        return self.net.net.eval()


def hardest_triplet(features: Tensor, identity: Tensor, margin: float) -> Tensor:
    """max(0, margin + d(same, farthest) - d(other, nearest)), the mean over a batch.

    Args:
        features: (B, D), compared at length 1. identity: (B,).
    """
    unit = F.normalize(features, dim=1)
    distance = (2 - 2 * unit @ unit.T).clamp_min(1e-6).sqrt()
    same = identity[:, None] == identity[None]
    farthest = distance.masked_fill(~same, 0).amax(1)
    nearest = distance.masked_fill(same, torch.inf).amin(1)
    return (margin + farthest - nearest).clamp_min(0).mean()


def augmented(images: Tensor, rng: np.random.Generator, config: ReidConfig) -> Tensor:
    """Shifted, mirrored, brighter or darker, and partly covered: (B, 3, H, W) in [0, 1]."""
    count, _, height, width = images.shape
    pad = config.pad * height // 128
    padded = F.pad(images, (pad, pad, pad, pad), mode="replicate")
    out = torch.empty_like(images)
    for i in range(count):
        top, left = rng.integers(0, 2 * pad + 1, 2)
        view = padded[i, :, top : top + height, left : left + width]
        out[i] = view.flip(2) if rng.random() < config.flip else view
        gain, shift = rng.uniform(0.85, 1.15), rng.uniform(-0.05, 0.05)
        out[i] = (out[i] * gain + shift).clamp(0, 1)
        if rng.random() < config.erase:
            area, aspect = rng.uniform(0.02, 0.25) * height * width, np.exp(rng.uniform(-1, 1))
            h = int(min(height - 1, max(1, (area * aspect) ** 0.5)))
            w = int(min(width - 1, max(1, (area / aspect) ** 0.5)))
            y, x = rng.integers(0, height - h), rng.integers(0, width - w)
            out[i, :, y : y + h, x : x + w] = torch.from_numpy(rng.random((3, 1, 1), np.float32))
    return out


def retrieve(net: Any, data: Mapping[str, NDArray]) -> dict[str, NDArray[np.float64]]:
    """``rank1`` and ``map`` of every query, two views of each person against the others."""
    images = torch.from_numpy(np.ascontiguousarray(data["images"])).movedim(3, 1)
    device = next(net.parameters()).device
    found = embeddings(net, images.to(device)).cpu().numpy()
    query = np.isin(data["view"], QUERIES)
    ranked = rank(
        cosine_distance(found[query], found[~query]), data["identity"][query],
        data["identity"][~query], data["camera_id"][query], data["camera_id"][~query],
    )  # fmt: skip
    return {"rank1": ranked.rank1, "map": ranked.ap}


def builder(
    config: ReidConfig, resumed: bool, shape: ReIDConfig | None = None
) -> Callable[[torch.device], Reid]:
    """Fetches the people and makes the method, once its processes run."""

    def build(device: torch.device) -> Reid:
        with first_process_first():
            data = fetch("pedestrians-train", config.images, keys=KEYS)
        return Reid(config, data, shape or ReIDConfig(), device)

    return build
