"""A resolution range starts from the weights of its larger neighbour, also at the first step."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from rsclib import train as T
from rsclib.network import RSCNet
from tests.test_network import TINY
from tests.test_train import CONFIG, toy  # noqa: F401


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    "schedule", [((2, 1), (5, 1)), ((5, 1),), ((2, 1), (3, 1), (4, 1), (5, 1))]
)
@pytest.mark.parametrize("learn_alpha", [True, False])
def test_every_range_starts_from_the_first(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    schedule: tuple[tuple[int, int], ...],
    learn_alpha: bool,
) -> None:
    net = RSCNet(dataclasses.replace(TINY, image_size=128))
    with torch.no_grad():
        net.alpha.normal_(1, 0.3)  # as from a pre-training that learnt row 0 alone
    first = net.alpha[0].clone()
    monkeypatch.setattr(T, "start_network", lambda config: net)
    config = dataclasses.replace(CONFIG, schedule=schedule, lr=0.0, learn_alpha=learn_alpha)
    got = T.train(config, tmp_path, progress=False)
    assert torch.equal(got.alpha, first.expand_as(got.alpha))
