"""From pixels to joints: what evaluation, pictures and photographs share."""

from __future__ import annotations

import pytest
import torch

from rsclib.body import load_body
from rsclib.errors import RscError
from rsclib.models import model_named
from rsclib.network import RSCNet
from rsclib.predictor import NetPredictor, ranges_of
from rsclib.resolution import EDU, PAPER, degrade, normalise
from tests.toys import RANGES, TINY


def test_joints_are_those_of_the_network_and_the_body() -> None:
    net, body = model_named("full"), load_body()
    images = torch.randint(0, 256, (3, 3, 128, 128), dtype=torch.uint8)
    got = NetPredictor(net, body).joints14(images, 40)
    with torch.no_grad():
        p = net(normalise(degrade(images, 40)), torch.full((3,), 3))
        wanted = body.joints(p.rotmats, p.betas).joints14
    assert torch.equal(got, wanted)
    other = NetPredictor(net, body).joints14(images, 39)  # the next range
    assert (other - wanted).abs().max() > 1e-4


def test_the_native_size_alone_names_the_range() -> None:
    """A small photograph, enlarged already, is not degraded once more."""
    net = model_named("full")
    images = torch.randint(0, 256, (1, 3, 128, 128), dtype=torch.uint8)
    sharp = NetPredictor(net)(images, 32)
    with torch.no_grad():
        assert torch.equal(sharp.phi, net(normalise(images), torch.tensor([4])).phi)
    assert not torch.equal(sharp.phi, NetPredictor(net).at(images, 32).phi)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(2, 3, 60, 60, dtype=torch.uint8), "multiple of 32"),
        (torch.zeros(2, 1, 64, 64, dtype=torch.uint8), "B, 3, S, S"),
        (torch.zeros(3, 64, 64, dtype=torch.uint8), "B, 3, S, S"),
        (torch.zeros(2, 3, 0, 0, dtype=torch.uint8), "multiple of 32"),
        (torch.zeros(2, 3, 64, 64), "uint8"),
    ],
)
def test_wrong_images_are_refused(images: torch.Tensor, message: str) -> None:
    with pytest.raises(RscError, match=message):
        NetPredictor(RSCNet(TINY).eval(), ranges=RANGES)(images, 32)


def test_lost_weights_are_refused() -> None:
    net = RSCNet(TINY).eval()
    with torch.no_grad():
        net.regressor.fc1.weight[0, 0] = torch.nan
    with pytest.raises(RscError, match="not finite"):
        NetPredictor(net, ranges=RANGES)(torch.zeros(1, 3, 32, 32, dtype=torch.uint8), 32)


def test_ranges_follow_from_the_networks_shape() -> None:
    import dataclasses

    assert ranges_of(model_named("full")) is EDU
    paper = dataclasses.replace(TINY, image_size=224)
    assert ranges_of(RSCNet(paper)) is PAPER
    with pytest.raises(RscError, match="no ranges are known"):
        ranges_of(RSCNet(TINY))
