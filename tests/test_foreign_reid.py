"""Other people's ReID networks: told by their keys, loaded strictly, with the layers of Eq. 13."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torchvision.models import resnet50

from rsclib.errors import RscError
from rsclib.foreign_reid import ForeignReID, load_reid
from rsclib.models import reid_named
from rsclib.reid_loss import measure

PEOPLE = 5


def normed(name: str, width: int) -> dict[str, Tensor]:
    ones = {f"{name}.{k}": torch.ones(width) for k in ("weight", "running_var")}
    return ones | {f"{name}.{k}": torch.zeros(width) for k in ("bias", "running_mean")}


def linear(name: str, outputs: int, inputs: int) -> dict[str, Tensor]:
    return {f"{name}.weight": torch.zeros(outputs, inputs), f"{name}.bias": torch.zeros(outputs)}


@pytest.fixture(scope="module")
def states() -> dict[str, dict[str, Tensor]]:
    """The keys and shapes of each layout, written out here; counters only in one of them."""
    torch.manual_seed(0)
    trunk = resnet50(weights=None).state_dict()
    old = {k: v for k, v in trunk.items() if not k.endswith("num_batches_tracked")}
    base = {f"base.{k}": v for k, v in old.items()}
    headless = {k: v for k, v in base.items() if not k.startswith("base.fc.")}
    shared = base | {"local_conv.weight": torch.zeros(256, 2048, 1, 1)} | normed("feat_bn2d", 256)
    lists, blocks = dict(headless), {f"model.{k}": v for k, v in trunk.items()}
    for k in range(6):
        shared |= linear(f"instance{k}", PEOPLE, 256)
        lists |= {
            f"local_conv_list.{k}.0.weight": torch.zeros(256, 2048, 1, 1),
            f"local_conv_list.{k}.0.bias": torch.zeros(256),
        }
        lists |= normed(f"local_conv_list.{k}.1", 256) | linear(f"fc_list.{k}", PEOPLE, 256)
        blocks |= linear(f"classifier{k}.add_block.0", 256, 2048)
        blocks |= normed(f"classifier{k}.add_block.1", 256)
        blocks |= linear(f"classifier{k}.classifier.0", PEOPLE, 256)
    strong = headless | normed("bottleneck", 2048)
    strong["classifier.weight"] = torch.zeros(PEOPLE, 2048)
    return {"pcb-shared": shared, "pcb-lists": lists, "pcb-blocks": blocks, "strong": strong}


LAYOUTS = ("pcb-shared", "pcb-lists", "pcb-blocks", "strong")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_checkpoint_is_told_by_its_keys(layout: str, states: dict) -> None:
    net = load_reid({"state_dict": {f"module.{k}": v for k, v in states[layout].items()}})
    assert net.layout == layout and not any(p.requires_grad for p in net.parameters())
    key = "model" if layout == "pcb-blocks" else "base"
    torch.testing.assert_close(
        net.trunk.layer4[2].conv3.weight, states[layout][f"{key}.layer4.2.conv3.weight"]  # type: ignore[index]
    )  # fmt: skip


def test_the_layers_have_the_size_that_the_released_loss_divides_by(states: dict) -> None:
    """At 384 x 128, from a picture of 128 x 64."""
    net = load_reid(states["pcb-shared"])
    images = torch.rand(1, 3, 128, 64, requires_grad=True)
    found = net.features(images)
    sizes = {k: v[0].numel() for k, v in found.items()}
    assert sizes == {
        "layer1": 786432, "layer2": 393216, "layer3": 196608, "layer4": 393216, "embedding": 12288,
    }  # fmt: skip
    with torch.no_grad():
        other = net.features(torch.rand(1, 3, 128, 64))
    measured = measure(found, other)
    measured.raw.sum().backward()
    assert images.grad is not None and float(images.grad.abs().sum()) > 0
    assert 0 < float(measured.raw.detach()) < 4 * 2 / 196608, "tiny, as said"


def test_the_strong_baseline_gives_its_neck(states: dict) -> None:
    state = dict(states["strong"])
    net = load_reid(state)
    image = torch.rand(1, 3, 128, 64)
    before = net.features(image)
    assert before["embedding"].shape == (1, 2048) and before["layer4"].shape == (1, 2048, 16, 8)
    state["bottleneck.running_mean"] = torch.full((2048,), 1e3)
    after = load_reid(state).features(image)["embedding"]
    torch.testing.assert_close(after, torch.full_like(after, -(2048**-0.5)), atol=1e-3, rtol=0.1)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_does_not_fit_is_listed(layout: str, states: dict) -> None:
    key = "model" if layout == "pcb-blocks" else "base"
    state = {k: v for k, v in states[layout].items() if k != f"{key}.layer2.1.bn2.running_var"}
    state["surplus"] = torch.zeros(1)
    state[f"{key}.conv1.weight"] = torch.zeros(64, 1, 7, 7)
    with pytest.raises(RscError) as said:
        load_reid(state)
    for words in (
        "1 missing",
        "layer2.1.bn2.running_var",
        "1 unexpected: surplus",
        "(64, 1, 7, 7)",
    ):
        assert words in str(said.value)


def test_a_file_is_named_like_a_shipped_network(states: dict, tmp_path: Path) -> None:
    torch.save({"state_dict": states["strong"]}, tmp_path / "theirs.pth")
    assert isinstance(net := reid_named(str(tmp_path / "theirs.pth")), ForeignReID)
    assert net.layout == "strong"
    with pytest.raises(RscError, match="kind 'rscnet'; here a ReID network is needed"):
        reid_named("full")


def test_what_is_nobodys_is_refused(states: dict) -> None:
    with pytest.raises(RscError, match="no ReID checkpoint that rsclib knows"):
        load_reid(resnet50(weights=None).state_dict())
    headless = {k: v for k, v in states["strong"].items() if k != "classifier.weight"}
    with pytest.raises(RscError, match=r"has no classifier\.weight"):
        load_reid(headless)
