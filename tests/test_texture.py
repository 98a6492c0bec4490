"""TexGlo's network: shapes, switches, what the global context reaches, the baseline's size."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from rsclib import texture
from rsclib.errors import RscError
from rsclib.resolution import degrade, degrade_height
from rsclib.texture import GlobalContext, TexGlo, TextureConfig, as_input

TINY = TextureConfig(2, True, "sum", 2, 8)
ROWS = [(False, "none"), (True, "none"), (True, "concat"), (True, "sum")]  # of Table 8


def test_the_table_of_shapes_is_true() -> None:
    net, seen = TexGlo(dataclasses.replace(TextureConfig.paper(), reduced=2, hidden=4)), {}

    def note(name: str) -> None:
        part = getattr(net, name)
        part.register_forward_hook(lambda _m, _i, out: seen.__setitem__(name, tuple(out.shape[1:])))

    assert texture.__doc__ is not None
    rows = dict(re.findall(r"^\| (\w+) \| (\d+ x \d+ x \d+) \|", texture.__doc__, re.MULTILINE))
    shapes = {name: tuple(map(int, shape.split(" x "))) for name, shape in rows.items()}
    for name in shapes.keys() - {"input", "map"}:
        note(name)
    with torch.device("meta"):
        net = net.to("meta")
        out = net(torch.zeros(1, *shapes["input"]))
    seen |= {"input": shapes["input"], "map": tuple(out.shape[1:])}
    assert seen == shapes


def test_the_baseline_has_the_size_of_the_released_one() -> None:
    with torch.device("meta"):
        net = TexGlo(TextureConfig.paper(up=False, context="none"))
    assert round(sum(p.numel() for p in net.parameters()) / 1e6, 2) == 13.40


@pytest.mark.parametrize(("up", "context"), ROWS)
def test_every_row_of_table_8(up: bool, context: str) -> None:
    config = dataclasses.replace(TINY, up=up, context=context)
    net = TexGlo(config)
    out = net(torch.rand(2, 3, 128, 64) * 2 - 1)
    side = 128 if up else 64
    assert out.shape == (2, 3, side, side) and config.uv_side == side
    assert out.abs().max() <= 1
    out.square().sum().backward()
    for name, weight in net.named_parameters():
        # Batch normalisation takes the mean away, and a bias before it with it.
        assert weight.grad is not None and bool(weight.grad.isfinite().all()), name
    assert (net.up is None) == (not up) and isinstance(net.context, nn.Identity) == (
        context == "none"
    )


def heard_from(net: TexGlo) -> Tensor:
    """Which pixels (128, 64) the last place of the bottleneck, at the feet, hears of."""
    net.eval()
    picture = (torch.rand(1, 3, 128, 64) * 2 - 1).requires_grad_()
    seen = []
    net.context.register_forward_hook(lambda _m, _i, out: seen.append(out))
    net(picture)
    (gradient,) = torch.autograd.grad(seen[0][0, :, -1, -1].square().sum(), picture)
    return gradient[0].abs().sum(0) > 0


def test_only_the_context_hears_of_everything() -> None:
    """Without it the feet's place of the bottleneck knows nothing of the head."""
    for kind, share in (("none", 0.0), ("sum", 0.9), ("concat", 0.9)):
        heard = heard_from(TexGlo(TextureConfig(4, True, kind, 2, 32)))
        assert heard[-16:].float().mean() > 0.9, "the feet themselves"
        head = heard[:32].float().mean()
        assert head >= share and (kind != "none" or head == 0), kind


@pytest.mark.parametrize("kind", ["sum", "concat"])
def test_context_by_hand(kind: str) -> None:
    config = TextureConfig(1, True, kind, 3, 7)
    module = GlobalContext(5, 4, 2, config)
    x = torch.randn(2, 5, 4, 2)
    state = {name: value.numpy() for name, value in module.state_dict().items()}
    out = []
    for sample in x.numpy():
        pooled = sample.reshape(5, 8).mean(1)
        narrow = state["squeeze.weight"][:, :, 0, 0] @ sample.reshape(5, 8)
        flat = (narrow + state["squeeze.bias"][:, None]).reshape(-1)
        hidden = state["fc1.weight"] @ np.concatenate([pooled, flat]) + state["fc1.bias"]
        folded = state["fc2.weight"] @ np.maximum(hidden, 0) + state["fc2.bias"]
        wide = state["expand.weight"][:, :, 0, 0] @ folded.reshape(3, 8)
        wide = (wide + state["expand.bias"][:, None]).reshape(5, 4, 2)
        if kind == "sum":
            out.append(sample + wide)
        else:
            both = np.concatenate([sample, wide]).reshape(10, 8)
            merged = state["merge.weight"][:, :, 0, 0] @ both + state["merge.bias"][:, None]
            out.append(merged.reshape(5, 4, 2))
    np.testing.assert_allclose(module(x).detach().numpy(), np.stack(out), atol=1e-5)


def test_other_pictures_and_unknown_contexts_are_one_line() -> None:
    with pytest.raises(RscError, match="128, 64"):
        TexGlo(TINY)(torch.zeros(1, 3, 128, 128))
    with pytest.raises(RscError, match="none, sum, concat"):
        TexGlo(dataclasses.replace(TINY, context="product"))


def test_bytes_become_inputs_and_maps_textures() -> None:
    values = as_input(torch.tensor([0, 255], dtype=torch.uint8))
    torch.testing.assert_close(values, torch.tensor([-1.0, 1.0]))
    out = TexGlo(TINY).eval().textures(torch.zeros(1, 3, 128, 64, dtype=torch.uint8))
    assert out.min() >= 0 and out.max() <= 1


def test_small_pictures_are_pillows() -> None:
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (16, 8, 3), np.uint8))
    picture = coarse.resize((64, 128), Image.Resampling.BICUBIC)
    small = picture.resize((16, 32), Image.Resampling.BICUBIC)
    wanted = np.asarray(small.resize((64, 128), Image.Resampling.BICUBIC)).astype(int)
    bytes_ = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1)[None]
    found = degrade_height(bytes_, 32)[0].permute(1, 2, 0).numpy()
    assert np.abs(found - wanted).max() <= 3 and np.abs(found - wanted).mean() < 1
    assert degrade_height(bytes_, 128) is bytes_
    square = bytes_[:, :, :64]
    torch.testing.assert_close(degrade_height(square, 20), degrade(square, 20))
    with pytest.raises(RscError, match="1 row"):
        degrade_height(bytes_, 0)
