"""Toy pedestrians: the open body in smooth random textures, and a ReID network that nobody trained."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rsclib.body import Body, load_body
from rsclib.dressed import Dressed, drawn, true_meshes
from rsclib.methods.textured import Textured, TexturedConfig
from rsclib.render.uv import Atlas, UvPictures, composite, look_up
from rsclib.texture import TextureConfig

VIEWS = 2
TINY = TextureConfig(4, True, "sum", 2, 16)
CONFIG = TexturedConfig(
    mesh="truth", held_out=1, images=16, steps=6, people=2, views=2, eval_steps=3,
    precision="32-true", save_seconds=1e9,
)  # fmt: skip


@functools.cache
def toy_body() -> Body:
    return load_body()


@functools.cache
def toy_arrays(people: int = 4) -> dict[str, np.ndarray]:
    """What a part of pedestrians holds: two sides of each person, upright, before plain walls."""
    n, rng = people * VIEWS, torch.Generator().manual_seed(0)
    pose = torch.randn(n, 24, 3, generator=rng) * 0.15
    turn = torch.arange(n) % VIEWS * torch.pi  # the front, then the back
    # A half turn about x, then one about the vertical: the rotation of both.
    half = torch.stack([torch.cos(turn / 2), torch.zeros(n), -torch.sin(turn / 2)], 1)
    pose[:, 0] = half * torch.pi
    pose[:, 16:18, 2] += torch.tensor([-1.1, 1.1])  # arms down
    betas = (torch.randn(people, 10, generator=rng) * 0.5).repeat_interleave(VIEWS, 0)
    camera = torch.tensor([310.0, 0.0, 0.1, 5.2]).expand(n, 4).contiguous()
    pattern = torch.rand(people, 3, 9, 9, generator=rng) * 0.4 - 0.2
    pattern = F.interpolate(pattern, size=128, mode="bicubic", align_corners=True)
    maps = (torch.rand(people, 3, 1, 1, generator=rng) + pattern).clamp(0, 1)
    identity = np.repeat(np.arange(people) + 40, VIEWS)
    arrays = {
        "images": np.zeros((n, 128, 64, 3), np.uint8), "identity": identity,
        "view": np.arange(n) % VIEWS, "pose": pose.flatten(1).numpy(), "betas": betas.numpy(),
        "camera": camera.numpy(), "uv": as_bytes(maps),
    }  # fmt: skip
    people_ = Dressed.of(arrays, 32)
    uv, mask = toy_pictures(people_).at(slice(None))
    texture = maps.repeat_interleave(VIEWS, 0)
    behind = torch.rand(n, 3, 1, 1, generator=rng).expand(n, 3, 128, 64)
    arrays["images"] = as_bytes(composite(look_up(texture, uv, mask), mask, behind))
    return arrays


def as_bytes(images: Tensor) -> np.ndarray:
    """(N, 3, H, W) in [0, 1] to (N, H, W, 3) uint8."""
    return (images * 255 + 0.5).byte().permute(0, 2, 3, 1).contiguous().numpy()


def toy_dressed() -> Dressed:
    return Dressed.of(toy_arrays(), 32)


def toy_pictures(people: Dressed) -> UvPictures:
    body = toy_body()
    return drawn(len(people), true_meshes(people, body), Atlas.of(body), people.height)


class ToyReID(nn.Module):
    """Nobody trained it: it sees the picture in coarse pixels, then through three random layers."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(3)
            widths = (3, 12, 16, 16)
            self.layers = nn.ModuleList(
                nn.Conv2d(a, b, 3, 2, 1) for a, b in itertools.pairwise(widths)
            )

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """See :class:`rsclib.reid.ReID`."""
        x = F.avg_pool2d(images, 4) * 2 - 1
        found = {"layer1": x}
        for number, layer in enumerate(self.layers, 2):
            x = found[f"layer{number}"] = F.leaky_relu(layer(x), 0.1)
        return found | {"embedding": F.normalize(x.mean((2, 3)), dim=1)}


def toy_builder(
    config: TexturedConfig = CONFIG, shape: TextureConfig = TINY, **changes: Any
) -> Callable[[torch.device], Textured]:
    """A builder of the toy."""
    config = dataclasses.replace(config, **changes)

    def build(device: torch.device) -> Textured:
        people = toy_dressed()
        rng = torch.Generator().manual_seed(1)
        walls = torch.randint(0, 256, (5, 3, 1, 1), dtype=torch.uint8, generator=rng)
        places = walls.expand(5, 3, 128, 64)
        return Textured(
            config, people, toy_pictures(people), places, ToyReID(), toy_body(), device, shape
        )

    return build
