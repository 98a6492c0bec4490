"""Textures: a look-up on meshes that were rasterised once against pytorch3d's renderer."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from benchmarks.speed.measure import Case, differences, largest, with_first
from rsclib.body import load_body
from rsclib.geometry import axis_angle_to_rotmat, cam_to_translation
from rsclib.reid import ReIDConfig, ReIDNet
from rsclib.reid_loss import released
from rsclib.render import uv as R
from rsclib.texture import TexGlo, TextureConfig

GREY_LEVEL = 1 / 255


def textures(quick: bool) -> Iterator[Case]:
    """The picture alone with its gradient, then a whole step of training: picture to weights."""
    if importlib.util.find_spec("pytorch3d") is None:
        print("textures: skipped, pytorch3d is not installed (it has no wheel for this platform)")
        return
    count, height, width = (1, 32, 16) if quick else (16, 128, 64)
    body = load_body()
    atlas = R.Atlas.of(body)
    pose = torch.randn(count, 24, 3) * 0.2
    pose[:, 0] = torch.tensor([torch.pi, 0.0, 0.0])
    with torch.no_grad():
        vertices = body(axis_angle_to_rotmat(pose), torch.randn(count, 10)).vertices
    assert vertices is not None
    cam = torch.tensor([[0.9, 0.0, 0.1]]).expand(count, 3)
    camera = R.pytorch3d_camera(cam, height, width)
    placed = vertices + cam_to_translation(cam)[:, None]
    pictures = R.rasterise_uv(placed, atlas, R.weak_perspective(height, width), height, width)
    uv, mask = pictures.at(slice(None))

    def by_pytorch3d(maps: Tensor) -> Tensor:
        return R.reference(maps, vertices, atlas, camera, height, width)

    def by_look_up(maps: Tensor) -> Tensor:
        return R.look_up(maps, uv, mask)

    renderers = {"pytorch3d": by_pytorch3d, "look-up": by_look_up}
    maps = torch.rand(count, 3, 128, 128, requires_grad=True)
    weights = torch.rand(count, 3, height, width)

    def with_gradient(render: Callable[[Tensor], Tensor]) -> Tensor:
        picture = render(maps)
        (gradient,) = torch.autograd.grad((picture * weights).mean(), maps)
        assert bool(gradient.any())
        return picture

    def case(what: str, call: Callable[..., Tensor], rounds: int) -> Case:
        runs = {name: functools.partial(call, render) for name, render in renderers.items()}
        pairs = with_first(runs)
        return Case(
            "textures", f"{what}, {count} bodies, {height} x {width} px", runs,
            dict.fromkeys(runs, count), pairs, differences(runs, pairs, largest),
            "picture (0 to 1)", dict.fromkeys(runs, GREY_LEVEL), "look-up", rounds=rounds,
            goal=None if quick else 10.0,
        )  # fmt: skip

    yield case("picture and gradient", with_gradient, 3)
    if quick:
        return  # the networks want pictures of 128 x 64
    net, judge = (
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for model in (TexGlo(TextureConfig.edu()), ReIDNet(ReIDConfig()).eval())
    )
    judge.requires_grad_(False)
    optimiser = torch.optim.AdamW(net.parameters(), 0.0)  # weights that stay, so pictures compare
    small = torch.rand(count, 3, height, width) * 2 - 1
    small = small.contiguous(memory_format=torch.channels_last)
    sharp = torch.rand(count, 3, height, width)

    def step(render: Callable[[Tensor], Tensor]) -> Tensor:
        picture = render((net(small) + 1) / 2)
        shown = R.composite(picture, mask, sharp)
        with torch.no_grad():
            target = judge.features(sharp)
        released(judge.features(shown), target).mean().backward()
        optimiser.step()
        optimiser.zero_grad()
        return picture.detach()

    yield case("a step of training (edu)", step, 3)
