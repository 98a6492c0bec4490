"""TexGlo (Section 3.6) and the rows of Tables 4 and 8: UV maps learnt from pictures alone.

No true texture is shown. What the network makes of the small picture x_L is drawn on the mesh of the
sharp one, x_H, and has to look to a ReID network like the person in x_H (Eq. 13). As no loss on pictures
knows what a face is like, the map's face is pulled towards other people's painted ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rsclib.body import Body, load_body
from rsclib.checkpoints import load_model
from rsclib.config import STRICT, Precision, Within
from rsclib.data.backdrops import backdrops
from rsclib.dressed import Dressed, chart_mask, face_mask
from rsclib.errors import RscError
from rsclib.files.npz import is_file
from rsclib.foreign_reid import load_reid
from rsclib.methods.uv_cache import mesh_of, pictures_of
from rsclib.models import model_file
from rsclib.openbench.build import fetch
from rsclib.reid import ReID, ReIDNet
from rsclib.reid_loss import printed, released
from rsclib.render.uv import Atlas, UvPictures, composite, look_up
from rsclib.runs.distributed import first_process_first, ranks
from rsclib.texture import HEIGHT, LOW, TexGlo, TextureConfig, as_input
from rsclib.texture_scores import psnr
from rsclib.train import RunConfig, Step, warm_cosine

PART = "pedestrians-train"
BACKDROPS = 512
WARMUP = 20  # steps


@dataclass(frozen=True)
class TexturedConfig:
    """One row of Table 4 or 8.

    Attributes:
        net: "edu" or "paper" size. up: the extra up-sampling layer. context: the global context
            module, see :class:`rsclib.texture.TextureConfig`.
        mesh: whose M and delta: a shipped RSC-Net's name, a model file, or "truth".
        lookup: how the map is looked up: "bilinear" as pytorch3d does; "nearest", the OpenDR-style
            hard renderer of Baseline and Baseline-dagger.
        reid: the ReID network, a shipped one's name or a file. reid_form: Eq. 13 as the "released" code of [57] or the paper
            ("printed") has it. reid_weight: the code's 5000 belongs to PCB's layers, which are 50
            times as wide as ours: 100 gives the same loss for the same cosine.
        face_weight: of the mean squared error to the face and hands of somebody else.
        rows: of the small picture. images: of the training part, eight of a person. held_out: of
            its people, the last so many, only scored.
        people, views: a step's batch, people times pictures of each.
        lr: peak rate of Adam.
        eval_steps: between two scores in the log.
    """

    __pydantic_config__ = STRICT

    net: Literal["edu", "paper"] = "edu"
    up: bool = True
    context: Literal["none", "sum", "concat"] = "sum"
    mesh: str = "full"
    lookup: Literal["bilinear", "nearest"] = "bilinear"
    reid: str = "reid"
    reid_form: Literal["released", "printed"] = "released"
    reid_weight: Annotated[float, Within(0, 1e9)] = 100.0
    face_weight: Annotated[float, Within(0, 1e9)] = 1.0
    rows: Annotated[int, Within(2, HEIGHT)] = LOW
    images: Annotated[int, Within(16, 1_000_000)] = 4096
    held_out: Annotated[int, Within(1, 10_000)] = 32
    steps: Annotated[int, Within(1, 10**9)] = 1200
    people: Annotated[int, Within(1, 4096)] = 4
    views: Annotated[int, Within(1, 8)] = 4
    lr: Annotated[float, Within(1e-12, 10)] = 1e-3
    weight_decay: Annotated[float, Within(0, 10)] = 1e-5
    seed: Annotated[int, Within(0, 2**32 - 1)] = 0
    precision: Precision = "auto"
    save_seconds: Annotated[float, Within(0.001, 1e9)] = 60.0
    eval_steps: Annotated[int, Within(1, 10**9)] = 200

    @property
    def shape(self) -> TextureConfig:
        """The network's."""
        sizes = {"edu": TextureConfig.edu, "paper": TextureConfig.paper}
        return sizes[self.net](self.up, self.context)

    @property
    def batch(self) -> int:
        """Pictures a step."""
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
            self.steps, self.batch, self.seed, self.weight_decay,
            precision=self.precision, save_seconds=self.save_seconds,
        )  # fmt: skip


class TexturedBatch(NamedTuple):
    """B pictures: ``small`` the network's input; ``sharp`` x_H (B, 3, H, W) in [0, 1]; ``uv`` and ``mask``
    of its mesh; ``behind`` a place, as ``sharp``; ``faces`` somebody else's maps (B, 3, T, T)."""

    small: Tensor
    sharp: Tensor
    uv: Tensor
    mask: Tensor
    behind: Tensor
    faces: Tensor


class Textured:
    """Textures from pictures as :func:`rsclib.train.train` wants it."""

    critic = None
    memory = nn.Identity()

    def __init__(
        self, config: TexturedConfig, people: Dressed, pictures: UvPictures, places: Tensor,
        reid: ReID, body: Body, device: torch.device, shape: TextureConfig | None = None,
    ) -> None:  # fmt: skip
        """``pictures`` are of the meshes of x_H; ``places`` (K, 3, H, W) uint8 nobody stands in."""
        self.config, self.people, self.pictures, self.places = config, people, pictures, places
        net = TexGlo(shape or config.shape).to(device)
        # Convolutions are faster so: 0.8 s of one core a step at edu size, and 1.3 s otherwise.
        self.net: TexGlo = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.reid = _frozen(reid, device)
        self.learners = len(people.identity) - config.held_out
        if self.learners < max(2, config.people):
            raise RscError(
                f"{len(people.identity)} people, {config.held_out} held out: too few for a batch of "
                f"{config.people}; ask for more images"
            )
        atlas, side = Atlas.of(body), self.net.config.uv_side
        self.face = face_mask(body, atlas, side).float().to(device)
        self.chart = chart_mask(atlas, side)
        maps = F.interpolate(
            people.uv_maps.float() / 255, size=side, mode="bilinear", antialias=True
        )
        self.faces = maps[: self.learners]
        rows = np.arange(len(people))
        self.views_of = [rows[people.person == p] for p in range(len(people.identity))]

    def groups(self) -> list[dict[str, Any]]:
        """All weights at one rate."""
        return [{"params": self.net.parameters(), "rate": 1.0}]

    def lr(self, step: int) -> float:
        """A short warm-up, then a cosine to a tenth."""
        return warm_cosine(self.config.lr, step, self.config.steps, WARMUP, 0.1)

    def batch(self, step: int) -> TexturedBatch:
        """Some views of some people, before random places; a function of (seed, step) alone."""
        c = self.config
        rng = np.random.default_rng([c.seed, step])
        who = rng.choice(self.learners, c.people, replace=False)
        rows = np.concatenate(
            [rng.choice(self.views_of[p], c.views, len(self.views_of[p]) < c.views) for p in who]
        )
        place = rng.integers(len(self.places), size=len(rows))
        # Somebody else, so that the map is never told the answer.
        other = (
            np.repeat(who, c.views) + rng.integers(1, self.learners, len(rows))
        ) % self.learners
        rank, world = ranks()
        mine, behind, else_ = (
            torch.from_numpy(drawn[rank::world]) for drawn in (rows, place, other)
        )
        uv, mask = self.pictures.at(mine.numpy())
        small = as_input(self.people.small[mine]).contiguous(memory_format=torch.channels_last)
        return TexturedBatch(
            small, self.people.sharp[mine].float() / 255, uv, mask,
            self.places[behind].float() / 255, self.faces[else_],
        )  # fmt: skip

    def loss(self, model: nn.Module, batch: TexturedBatch, step: int) -> Step:
        """The ReID loss of the drawn person, and the face term."""
        c = self.config
        texture = (model(batch.small) + 1) / 2  # T(x_L)
        person = look_up(texture, batch.uv, batch.mask, c.lookup)  # R(M(x_H), delta(x_H), T(x_L))
        shown = composite(person, batch.mask, batch.behind)
        with torch.no_grad():
            target = self.reid.features(batch.sharp)  # f_Re(x_H)
        distance = {"released": released, "printed": printed}[c.reid_form]
        reid = distance(self.reid.features(shown), target).mean()  # Eq. 13
        face = ((texture - batch.faces) * self.face).square().mean()
        return Step({"reid": c.reid_weight * reid, "face": c.face_weight * face})

    @torch.no_grad()
    def scores(self, step: int) -> Mapping[str, float]:
        """Now and then how true the maps of held-out people are, dB, by the first process."""
        if (step % self.config.eval_steps and step != self.config.steps) or ranks()[0]:
            return {}
        held = torch.from_numpy(self.people.person >= self.learners).nonzero()[:, 0]
        device = self.face.device
        self.net.eval()
        values = []
        for some in held.split(32):
            texture = self.net.textures(self.people.small[some].to(device)).cpu()
            truth = self.people.uv_maps[torch.from_numpy(self.people.person)[some]].float() / 255
            truth = F.interpolate(truth, size=texture.shape[2], mode="bilinear", antialias=True)
            values.append(psnr(texture, truth, self.chart.expand(len(some), 1, -1, -1)))
        self.net.train()
        return {"uv_psnr": float(torch.cat(values).mean())}

    def finish(self) -> TexGlo:
        """The network."""
        return self.net.eval()


def reid_named(name: str) -> ReID:
    """A ReID network: a file of ours, or a PCB or strong-baseline checkpoint.

    Raises:
        RscError: missing, foreign or damaged file, or a network of another kind.
    """
    file = model_file(name)
    if file.suffix != ".safetensors" and is_file(file):
        return load_reid(file)
    net = load_model(file)
    if not isinstance(net, ReIDNet):
        raise RscError(f"{name} holds a network of the kind {net.kind!r}, not a ReID network")
    return net


def _frozen(reid: ReID, device: torch.device) -> ReID:
    """It judges and does not learn."""
    if isinstance(reid, nn.Module):
        reid.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        reid.requires_grad_(False).eval()
    return reid


def builder(
    config: TexturedConfig, resumed: bool, reid: ReID | None = None
) -> Callable[[torch.device], Textured]:
    """Fetches the people, draws their meshes and makes the method, once its processes run.

    Args:
        reid: instead of the network that the settings name.

    Raises:
        RscError: at once, where a model that is named is not there.
    """
    body = load_body()
    judge = reid if reid is not None else reid_named(config.reid)
    meshes = mesh_of(config.mesh, body)

    def build(device: torch.device) -> Textured:
        with first_process_first():
            people = Dressed.of(fetch(PART, config.images, HEIGHT), config.rows)
            pictures = pictures_of(people, people.sharp, people.height, meshes, body)
            places = backdrops(BACKDROPS, HEIGHT, config.seed)
        return Textured(config, people, pictures, places, judge, body, device)

    return build
