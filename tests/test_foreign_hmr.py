"""MandyMo's HMR and VIBE: strict, and the function that their names mean, against loops by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import roma
import torch
import torch.nn.functional as F
from torchvision.models import resnet50

from rsclib.checkpoints import load_model, save_model
from rsclib.cli import main
from rsclib.errors import RscError
from rsclib.files.recognise import whose
from rsclib.foreign_hmr import load_hmr, load_vibe
from rsclib.models import model_named, network_named, temporal_named
from rsclib.predictor import NetPredictor
from tests.test_other_body import folder, other  # noqa: F401 (fixtures)

Weights = dict[str, torch.Tensor]
BLOCKS = "regressor.fc_blocks.regressor_fc_"


@pytest.fixture(scope="module")
def hmr() -> Weights:
    """A generator's names with random weights, with DataParallel's prefix left out."""
    torch.manual_seed(0)
    trunk = {
        f"encoder.{k}": v for k, v in resnet50(weights=None).state_dict().items() if k[:3] != "fc."
    }
    sizes = ((1024, 2133), (1024, 1024), (85, 1024))
    weights = {f"{BLOCKS}{k}.weight": 0.02 * torch.randn(s) for k, s in enumerate(sizes)}
    biases = {f"{BLOCKS}{k}.bias": 0.02 * torch.randn(s[0]) for k, s in enumerate(sizes)}
    mean = 0.1 * torch.randn(1, 85)
    mean[:, 0], mean[:, 3:6] = 0.9, torch.tensor([3.14159, 0.0, 0.0])
    return trunk | weights | biases | {"regressor.mean_theta": mean.expand(4, 85).clone(),
                                       "smpl.v_template": torch.zeros(6890, 3)}  # fmt: skip


@pytest.fixture(scope="module")
def vibe() -> Weights:
    torch.manual_seed(1)
    gru = torch.nn.GRU(2048, 1024, 2)
    state = {f"encoder.gru.{k}": v.detach() for k, v in gru.named_parameters()}
    for name, shape in (
        ("encoder.linear", (2048, 1024)), ("regressor.fc1", (1024, 2205)),
        ("regressor.fc2", (1024, 1024)), ("regressor.decpose", (144, 1024)),
        ("regressor.decshape", (10, 1024)), ("regressor.deccam", (3, 1024)),
    ):  # fmt: skip
        state[f"{name}.weight"] = 0.02 * torch.randn(shape)
        state[f"{name}.bias"] = 0.02 * torch.randn(shape[0])
    start = torch.tensor([1.0, 0, 0, 1, 0, 0]).repeat(24)[None]
    return state | {
        "regressor.init_pose": start, "regressor.init_shape": torch.zeros(1, 10),
        "regressor.init_cam": torch.tensor([[0.9, 0, 0]]),
        "regressor.smpl.v_template": torch.zeros(6890, 3),
    }  # fmt: skip


def by_hand(state: Weights, phi: torch.Tensor) -> torch.Tensor:
    """HMR's regressor as it is written: theta is added to three times; ReLU after two layers."""
    theta = state["regressor.mean_theta"][:1].expand(len(phi), -1)
    for _ in range(3):
        x = torch.cat([phi, theta], 1)
        for k in range(3):
            x = F.linear(x, state[f"{BLOCKS}{k}.weight"], state[f"{BLOCKS}{k}.bias"])
            x = x.relu() if k < 2 else x
        theta = theta + x
    return theta


def test_hmr_is_what_its_regressor_says(hmr: Weights) -> None:
    net, phi = load_hmr(hmr), torch.rand(3, 2048)
    theta = by_hand(hmr, phi)
    with torch.no_grad():
        found = net.regress(phi)
    torch.testing.assert_close(found.cam, theta[:, :3], atol=1e-5, rtol=0)
    torch.testing.assert_close(found.betas, theta[:, 75:], atol=1e-5, rtol=0)
    rotmats = roma.rotvec_to_rotmat(theta[:, 3:75].reshape(3, 24, 3))
    torch.testing.assert_close(found.rotmats, rotmats, atol=1e-5, rtol=0)
    assert net.config.activation == "relu" and net.config.pose == "axis-angle"
    assert bool((net.alpha == 1).all())


def test_hmrs_trunk_is_a_resnet(hmr: Weights) -> None:
    reference = resnet50(weights=None)
    trunk = {k.removeprefix("encoder."): v for k, v in hmr.items() if k.startswith("encoder.")}
    reference.load_state_dict(trunk, strict=False)
    reference.fc = torch.nn.Identity()
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        phi = load_hmr(hmr).forward_features(images, torch.zeros(1, dtype=torch.long))[1]
        torch.testing.assert_close(phi, reference.eval()(images), atol=1e-4, rtol=1e-4)


def test_hmr_sees_blue_green_red_from_zero_to_one(hmr: Weights) -> None:
    """As ``cv2.imread`` gives a picture, over 255: nothing in its loader exchanges the colours."""
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 3, 1, 1).expand(2, 3, 32, 32)
    prepared = NetPredictor(load_hmr(hmr)).prepared(images)
    assert prepared.shape == images.shape
    torch.testing.assert_close(prepared[0, :, 0, 0], torch.tensor([1.0, 0.2, 0.0]))


@pytest.mark.parametrize("zipped", [True, False])
def test_files_are_known_by_their_names(
    hmr: Weights, vibe: Weights, tmp_path: Path, zipped: bool
) -> None:
    """As torch writes it now and did then; HMR's keys have the prefix of several GPUs."""
    path, video = tmp_path / "30000_generator.pkl", tmp_path / "vibe_model.pth.tar"
    given: Any = {f"module.{k}": v for k, v in hmr.items()}
    torch.save(given, path, _use_new_zipfile_serialization=zipped)
    torch.save({"gen_state_dict": vibe, "disc_motion_state_dict": {"x": torch.zeros(1)}}, video,
               _use_new_zipfile_serialization=zipped)  # fmt: skip
    assert (whose(path), whose(video)) == ("hmr", "vibe")
    net = model_named(str(path))
    assert net.source == path.name and net.trained_on == {"name": "smpl", "digest": ""}
    assert network_named(str(video)).source == video.name  # type: ignore[comparison-overlap]
    assert temporal_named(str(video)).config.activation == "none"


def test_hmr_is_kept_as_a_file_of_ours(hmr: Weights, tmp_path: Path) -> None:
    net = load_hmr(hmr)
    save_model(tmp_path / "m.safetensors", net, {}, half=False)
    again = load_model(tmp_path / "m.safetensors")
    phi = torch.rand(2, 2048)
    with torch.no_grad():
        assert torch.equal(again.regress(phi).rotmats, net.regress(phi).rotmats)  # type: ignore[operator]
    assert again.config == net.config


def test_hmr_is_evaluated_by_path(
    hmr: Weights,
    other: Any,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from rsclib import evaluate as E

    path = tmp_path / "hmr" / "generator.pkl"
    path.parent.mkdir()
    torch.save(hmr, path)
    people = {
        "images": np.zeros((2, 224, 224, 3), np.uint8),
        "joints14": torch.randn(2, 14, 3).numpy(), "clip": np.arange(2),
    }  # fmt: skip
    monkeypatch.setattr(E, "fetch", lambda *_: people)
    assert main(["eval", str(path)]) == 0
    assert "| generator " in capsys.readouterr().out


def change(state: Weights, **changes: Any) -> Weights:
    out = dict(state)
    for key, value in changes.items():
        name = key.replace("__", ".")
        if value is None:
            del out[name]
        else:
            out[name] = value
    return out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder__bn1__weight": None}, r"1 missing: trunk.bn1.weight"),
        ({"encoder__fc__weight": torch.zeros(1)}, r"1 unexpected: encoder.fc.weight"),
        ({"regressor__mean_theta": None}, r"does not fit HMR: missing regressor.mean_theta"),
        ({"regressor__mean_theta": torch.zeros(85)}, r"mean_theta \(85,\)"),
        ({f"{BLOCKS}2.bias": torch.zeros(84)}, r"regressor_fc_2.bias \(84,\)"),
        ({"regressor__fc3": torch.zeros(1)}, r"1 unexpected: regressor.fc3"),
        ({"encoder__conv1__weight": torch.full((64, 3, 7, 7), torch.nan)}, "not finite"),
    ],
)
def test_hmr_is_strict(changes: dict[str, Any], message: str, hmr: Weights) -> None:
    with pytest.raises(RscError, match=message):
        load_hmr(change(hmr, **changes))


def test_vibe_is_what_its_layers_say(vibe: Weights) -> None:
    """phi + linear(relu(gru(phi))), then SPIN's regressor without an activation."""
    module, phi = load_vibe({"gen_state_dict": vibe}), torch.rand(2, 5, 2048)
    gru = torch.nn.GRU(2048, 1024, 2)
    gru.load_state_dict({k.removeprefix("encoder.gru."): v for k, v in vibe.items()
                         if k.startswith("encoder.gru.")})  # fmt: skip
    with torch.no_grad():
        hidden = gru(phi.transpose(0, 1))[0].relu()
        linear = F.linear(hidden, vibe["encoder.linear.weight"], vibe["encoder.linear.bias"])
        x = (linear + phi.transpose(0, 1)).transpose(0, 1).flatten(0, 1)
        pose, betas, cam = (
            vibe[f"regressor.init_{k}"].expand(10, -1) for k in ("pose", "shape", "cam")
        )
        for _ in range(3):
            h = torch.cat([x, pose, betas, cam], 1)
            for k in ("fc1", "fc2"):
                h = F.linear(h, vibe[f"regressor.{k}.weight"], vibe[f"regressor.{k}.bias"])
            pose, betas, cam = (
                v + F.linear(h, vibe[f"regressor.{k}.weight"], vibe[f"regressor.{k}.bias"])
                for v, k in ((pose, "decpose"), (betas, "decshape"), (cam, "deccam"))
            )
        found = module(phi)
    torch.testing.assert_close(found.betas, betas, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.cam, cam, atol=1e-4, rtol=1e-4)


def test_vibe_is_strict(vibe: Weights) -> None:
    with pytest.raises(RscError, match=r"1 missing: back.bias"):
        load_vibe({"gen_state_dict": change(vibe, **{"encoder.linear.bias": None})})
    with pytest.raises(RscError, match=r"1 unexpected: encoder.extra"):
        load_vibe(change(vibe, **{"encoder.extra": torch.zeros(1)}))
    with pytest.raises(RscError, match="gen_state_dict of this file is not a state dict"):
        load_vibe({"gen_state_dict": 3})


def test_vibe_is_no_network_for_images(
    vibe: Weights, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"gen_state_dict": vibe}, tmp_path / "vibe.pth.tar")
    assert main(["eval", str(tmp_path / "vibe.pth.tar")]) == 2
    error = capsys.readouterr().err
    assert "holds a network of the kind 'temporal'" in error and error.count("\n") == 1
