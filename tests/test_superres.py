"""Super-resolution: the network's parts, its start as the identity, and what PSNR says."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rsclib.checkpoints import load_model, save_model
from rsclib.errors import RscError
from rsclib.models import model_named
from rsclib.network import NetConfig, RSCNet
from rsclib.predictor import NetPredictor, SharpPredictor, predictor_named, predictor_of
from rsclib.resolution import degrade, normalise
from rsclib.superres import RDN, RdnConfig, SharpConfig, SharpNet, as_bytes, psnr, sharpness
from tests.toys import RANGES, TINY

SMALL = RdnConfig(2, 3, 16, 32)


def pictures(n: int = 4, side: int = 32) -> torch.Tensor:
    """Smooth random pictures: noise alone cannot be sharpened."""
    noise = torch.rand(n, 3, side // 4, side // 4)
    large = torch.nn.functional.interpolate(noise, size=side, mode="bicubic").clamp(0, 1)
    return (255 * large.round()).byte()  # with edges


@pytest.mark.parametrize("fold", [1, 2, 4])
def test_it_begins_as_the_identity(fold: int) -> None:
    images = torch.randn(2, 3, 32, 32)
    rdn = RDN(RdnConfig(2, 2, 8, 8, fold))
    assert torch.equal(rdn(images), images)
    torch.nn.init.normal_(rdn.last.weight, 0, 0.1)
    assert rdn(images).shape == images.shape and not torch.allclose(rdn(images), images)


def test_the_network_by_hand() -> None:
    """Layer by layer with plain functions, as the paper of RDN draws it."""
    rdn, images = RDN(RdnConfig(2, 3, 4, 6, 2)), torch.randn(2, 3, 8, 8)
    torch.nn.init.normal_(rdn.last.weight, 0, 0.1)
    w = rdn.state_dict()

    def conv(name: str, z: torch.Tensor) -> torch.Tensor:
        weight = w[f"{name}.weight"]
        return torch.conv2d(z, weight, w[f"{name}.bias"], padding=weight.shape[-1] // 2)

    # Two pixels a side become channels: rows first, then columns.
    z = torch.stack(
        [images[:, c, i::2, j::2] for c in range(3) for i in range(2) for j in range(2)], 1
    )
    shallow = conv("first", z)
    z, blocks = conv("second", shallow), []
    for d in range(2):
        seen = z
        for c in range(3):
            seen = torch.cat([seen, torch.relu(conv(f"blocks.{d}.convs.{c}", seen))], 1)
        z = z + conv(f"blocks.{d}.fuse", seen)
        blocks.append(z)
    z = conv("last", conv("fuse.1", conv("fuse.0", torch.cat(blocks, 1))) + shallow)
    out = images.clone()
    for k in range(12):
        c, i, j = k // 4, k % 4 // 2, k % 2
        out[:, c, i::2, j::2] += z[:, k]
    assert torch.allclose(rdn(images), out, atol=1e-5)


def test_the_published_size() -> None:
    """Zhang et al. report 22 million parameters at scale 2, up-sampling included."""
    with torch.device("meta"):
        count = sum(p.numel() for p in RDN(RdnConfig.paper()).parameters())
    assert 21e6 < count < 22.5e6
    blocks = sum((64 + 64 * c) * 9 * 64 + 64 for c in range(8)) + (64 + 8 * 64) * 64 + 64
    assert count > 16 * blocks


def test_it_learns_to_sharpen() -> None:
    torch.manual_seed(0)
    images = pictures(16)
    rdn = RDN(RdnConfig(1, 2, 16, 16, 2))
    seen, full = normalise(degrade(images, 12)), normalise(images)
    optimiser = torch.optim.Adam(rdn.parameters(), 3e-3)
    for _ in range(80):
        optimiser.zero_grad()
        (rdn(seen) - full).abs().mean().backward()
        optimiser.step()
    before, after = sharpness(rdn, images, 12)["psnr"]
    assert (after > before).all() and (after - before).mean() > 1
    assert torch.equal(before, psnr(degrade(images, 12), images))


def test_further_measures_see_the_same_pictures() -> None:
    rdn, images = RDN(SMALL), pictures(3)
    calls: list[tuple[torch.Tensor, torch.Tensor]] = []

    def measure(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        calls.append((a, b))
        return torch.zeros(len(a))

    found = sharpness(rdn, images, 16, {"lpips": measure, "psnr": psnr})
    assert list(found) == ["lpips", "psnr"] and found["lpips"][0].shape == (3,)
    assert torch.equal(calls[0][0], degrade(images, 16)) and torch.equal(calls[0][1], images)
    assert torch.equal(found["psnr"][0], found["psnr"][1]), "untrained, it changes nothing"


@given(seed=st.integers(0, 2**31), spread=st.integers(1, 255))
def test_psnr_is_opencvs(seed: int, spread: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 256, (2, 3, 8, 8))
    images = np.clip(truth + rng.integers(-spread, spread + 1, truth.shape), 0, 255)
    a, b = images.astype(np.uint8), truth.astype(np.uint8)
    found = psnr(torch.from_numpy(a), torch.from_numpy(b))
    for k in range(2):
        if (a[k] != b[k]).any():
            assert float(found[k]) == pytest.approx(cv2.PSNR(a[k], b[k]), abs=1e-6)
        else:
            assert math.isinf(float(found[k]))


def test_psnr_wants_bytes_of_one_shape() -> None:
    images = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    for other in (images.float(), torch.zeros(2, 3, 4, 4, dtype=torch.uint8)):
        with pytest.raises(RscError, match="bytes of one shape"):
            psnr(images, other)


def test_pictures_survive_normalisation() -> None:
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(1, 3, 16, 16)
    assert torch.equal(as_bytes(normalise(images)), images)


# --- the predictor ---------------------------------------------------------------------------


def sharp(trained: bool = False) -> SharpNet:
    net = SharpNet(SharpConfig(SMALL, TINY)).eval()
    if trained:
        torch.nn.init.normal_(net.rdn.last.weight, 0, 0.05)
    return net


def test_untrained_it_finds_what_the_plain_network_finds() -> None:
    net, images = sharp(), pictures(3)
    ours, plain = SharpPredictor(net, ranges=RANGES), NetPredictor(net.net, ranges=RANGES)
    for size in (32, 14, 10):
        assert torch.equal(ours.at(images, size).rotmats, plain.at(images, size).rotmats)
        assert torch.equal(ours.joints14(images, size), plain.joints14(images, size))


def test_the_enlarged_picture_goes_in_and_the_sharper_one_is_looked_at() -> None:
    net, images = sharp(True), pictures(3)
    ours = SharpPredictor(net, ranges=RANGES)
    with torch.no_grad():
        better = net.rdn(normalise(degrade(images, 14)))
        wanted = net.net(better, RANGES.index(14).expand(3))
        assert torch.allclose(ours.at(images, 14).rotmats, wanted.rotmats, atol=1e-6)
        assert torch.equal(ours.sharpened(images, 14), as_bytes(better))
    plain = NetPredictor(net.net, ranges=RANGES).at(images, 14)
    assert not torch.allclose(ours.at(images, 14).rotmats, plain.rotmats, atol=1e-4)


def test_a_predictor_by_the_name_of_a_file(tmp_path: Path) -> None:
    edu = SharpNet(SharpConfig(RdnConfig(1, 1, 4, 4), NetConfig.edu()))
    torch.nn.init.normal_(edu.rdn.last.weight, 0, 0.05)
    path = tmp_path / "m.safetensors"
    save_model(path, edu, {"body": {"name": "open", "digest": ""}})
    found = predictor_named(str(path))
    assert isinstance(found, SharpPredictor) and found.ranges.full == 128
    assert found.net.source == "m.safetensors" and found.net.trained_on is not None
    with pytest.raises(RscError, match="kind 'imgsr'; here an RSC-Net is needed"):
        model_named(str(path))
    assert type(predictor_named("hr-only")) is NetPredictor
    with pytest.raises(RscError, match=r"kind '\?'; here an RSC-Net is needed"):
        predictor_of(torch.nn.Linear(1, 1))
    assert type(predictor_of(RSCNet(TINY), ranges=RANGES)) is NetPredictor


@pytest.mark.parametrize(
    "broken", [{"rdn": {}}, {"net": {}, "rdn": {"blocks": 10**6}}, {"net": {}, "rdn": [], "x": 1}]
)
def test_a_header_that_asks_for_the_impossible(tmp_path: Path, broken: dict) -> None:
    from rsclib.checkpoints import network_of

    with pytest.raises((ValueError, AttributeError)):
        network_of("imgsr", broken)
    save_model(tmp_path / "m.safetensors", sharp(), {})
    assert isinstance(load_model(tmp_path / "m.safetensors"), SharpNet)
