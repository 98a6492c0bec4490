"""Checkpoints of other people, by name and by what is in them."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.models import resnet50

from rsclib import evaluate as E
from rsclib.checkpoints import load_model, save_model
from rsclib.cli import main
from rsclib.errors import RscError
from rsclib.files.recognise import TITLES, whose
from rsclib.foreign import load_imagenet_trunk, load_official, load_spin
from rsclib.models import model_named
from rsclib.network import NetConfig, RSCNet
from rsclib.runs.results import read_result
from rsclib.runs.states import save_training_state
from tests.official import FOLDER, state_dict
from tests.test_network import TINY
from tests.test_other_body import folder, other  # noqa: F401 (fixtures)

ONE = torch.zeros(1)
OFFICIAL = list(json.loads((FOLDER / "official_keys.json").read_text()))
PLAIN = [key.replace(".hmr_layer", "") for key in OFFICIAL]
SPIN = [key for key in PLAIN if "alphas" not in key and "layer4_mlp" not in key]
RESNET = list(resnet50(weights=None).state_dict())


class Settings(dict):
    """Stands for the class of HMR2's settings, which no reader of plain data takes."""


def named(names: list[str]) -> dict[str, torch.Tensor]:
    return dict.fromkeys(names, ONE)


KNOWN: dict[str, tuple[str, Any]] = {
    "the released": ("rsc-net", named(OFFICIAL)),
    "its trainer's": ("rsc-net", {"model": named(OFFICIAL), "optimizer": {}, "epoch": 3}),
    "of several GPUs": ("rsc-net", {"model": named([f"module.{key}" for key in OFFICIAL])}),
    "without hmr_layer": ("rsc-net", named(PLAIN)),
    "SPIN": ("spin", {"model": named(SPIN), "total_step_count": 1}),
    "VIBE": (
        "vibe",
        {
            "epoch": 1,
            "gen_state_dict": named(
                ["encoder.gru.weight_ih_l0", "regressor.fc1.weight", "regressor.decpose.weight"]
            ),
        },
    ),
    "MandyMo's HMR": (
        "hmr",
        named(["module.encoder.layer1.0.conv1.weight",
               "module.regressor.fc_blocks.regressor_fc_0.weight"]),
    ),
    "HMR2": (
        "hmr2",
        {
            "state_dict": named(
                ["backbone.pos_embed", "backbone.blocks.0.attn.qkv.weight",
                 "smpl_head.transformer.to_token_embedding.weight", "smpl_head.init_body_pose"]
            ),
            "hyper_parameters": Settings(lr=1.0),
            "pytorch-lightning_version": "1.8.1",
        },
    ),
    "ResNet-50": ("resnet", named(RESNET)),
    "PARE": (
        "unknown",
        {"state_dict": named(["model.backbone.conv1.weight", "model.head.keypoint_final_layer.bias"])},
    ),
    "no names at all": ("unknown", {}),
    "a list": ("unknown", [ONE]),
}  # fmt: skip


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("title", KNOWN)
def test_a_foreign_file_is_called_by_its_name(tmp_path: Path, title: str, zipped: bool) -> None:
    """As torch writes it now, and as it did when most of these were released."""
    owner, content = KNOWN[title]
    path = tmp_path / "given.pth.tar"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert whose(path) == owner
    with pytest.raises(RscError) as caught:
        load_model(path)
    assert str(caught.value) == f"{path} is {TITLES[owner]}"
    with pytest.raises(
        RscError, match="does not fit" if owner in ("rsc-net", "spin", "vibe", "hmr") else "is an?"
    ):
        model_named(str(path))


@pytest.mark.parametrize("words", [["eval"], ["predict", "photo.jpg", "--model"]])
def test_commands_say_what_a_file_is(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hmr2.ckpt"
    torch.save(KNOWN["HMR2"][1], path)
    assert main([*words, str(path)]) == 2
    assert capsys.readouterr().err == f"rsc: {path} is {TITLES['hmr2']}\n"


def test_our_own_files_given_for_a_model(tmp_path: Path) -> None:
    net = RSCNet(TINY)
    state = {"step": 3, "optimiser": {}, "seconds": 1.0, "net": net.state_dict()}
    save_training_state(tmp_path / "state.pt", state)
    with pytest.raises(RscError, match=r"model\.safetensors that lies beside it"):
        model_named(str(tmp_path / "state.pt"))
    body = {"v_template": np.zeros(3), "shapedirs": np.zeros(3)}
    (tmp_path / "SMPL_NEUTRAL.pkl").write_bytes(pickle.dumps(body, 2))
    with pytest.raises(RscError, match="name it with RSC_SMPL"):
        model_named(str(tmp_path / "SMPL_NEUTRAL.pkl"))
    np.savez(tmp_path / "a.npz", a=np.zeros(3))
    (tmp_path / "note.txt").write_text("hello")
    save_model(tmp_path / "m.safetensors", net, {})
    for name in ("a.npz", "note.txt", "m.safetensors"):
        assert whose(tmp_path / name) is None
    content = (tmp_path / "m.safetensors").read_bytes()
    (tmp_path / "like.safetensors").write_bytes(b"\x80\x02" + content[2:])
    with pytest.raises(RscError, match="not a model written by rsclib"):
        model_named(str(tmp_path / "like.safetensors"))


def test_prefixes_of_several_gpus_are_stripped() -> None:
    state = {f"module.{key}": value for key, value in state_dict().items()}
    assert torch.equal(load_official({"model": state}).alpha, load_official(state_dict()).alpha)
    spin = {k.replace(".hmr_layer", ""): v for k, v in state.items()
            if "alphas" not in k and "layer4_mlp" not in k}  # fmt: skip
    assert load_spin(spin).config.activation == "none"
    trunk = resnet50(weights=None).state_dict()
    net = RSCNet(NetConfig.paper())
    load_imagenet_trunk(net, {f"module.{key}": value for key, value in trunk.items()})
    assert torch.equal(net.trunk.conv1.weight, trunk["conv1.weight"])
    del state["module.bn1.bias"]
    with pytest.raises(RscError, match="unexpected"):  # some with it and some without
        load_official(state | {"bn1.bias": torch.zeros(64)})


def test_the_released_network_is_evaluated_at_its_size(
    other: Any,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On SMPL only, at 224 px, and not in one table with models of another size."""
    path, asked = tmp_path / "rsc-net" / "RSC-Net.pt", []
    path.parent.mkdir()
    torch.save({"model": state_dict()}, path)
    words = ["eval", str(path), "--out", str(tmp_path / "result.json")]
    people = {
        "images": np.zeros((2, 224, 224, 3), np.uint8),
        "joints14": torch.randn(2, 14, 3).numpy(),
        "clip": np.arange(2),
    }
    monkeypatch.setattr(E, "fetch", lambda *given: asked.append(given) or people)
    assert main(words) == 0
    assert asked == [("test-wild", None, 224)]
    result = read_result(tmp_path / "result.json")
    found = {row["resolution"] for row in result["rows"] if row["method"] == "rsc-net/RSC-Net"}
    assert found == {224, 176, 96, 52, 32}
    assert result["provenance"]["body"] == other.identity
    ours = tmp_path / "ours" / "model.safetensors"
    save_model(ours, RSCNet(NetConfig.edu()), {"body": other.identity})
    assert main(["eval", str(path), str(ours)]) == 2
    assert "models of one size share a table" in capsys.readouterr().err
    monkeypatch.delenv("RSC_SMPL")
    assert main(words) == 2
    assert "RSC-Net.pt was trained on SMPL, but the body here is another" in capsys.readouterr().err
