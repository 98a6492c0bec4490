"""Checkpoints out: safetensors with a card, ONNX that gives what the network gives."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rsclib.anyone import Outside
from rsclib.body import load_body
from rsclib.checkpoints import read_header, save_model
from rsclib.cli import main
from rsclib.errors import RscError
from rsclib.files.body_files import FIRST_BODY
from rsclib.models import model_named
from rsclib.network import RSCNet
from rsclib.onnx_files import OnnxModel, OnnxNet, Plain, export_onnx, needed
from rsclib.predictor import NetPredictor
from tests.test_network import TINY

EDU_SIZED = dataclasses.replace(TINY, image_size=128, norm="per_range")
LOST = [n for n in ("onnx", "onnxscript", "onnxruntime") if importlib.util.find_spec(n) is None]
with_onnx = pytest.mark.skipif(bool(LOST), reason=f"{', '.join(LOST)} not installed (extra export)")


def network(**changes: Any) -> RSCNet:
    """A network whose rows of alpha and statistics differ."""
    torch.manual_seed(4)
    net = RSCNet(dataclasses.replace(EDU_SIZED, **changes))
    torch.nn.init.normal_(net.trunk.alpha, 1.0, 0.3)
    for name, value in net.named_buffers():
        if name.endswith("running_mean"):
            value.normal_(0, 0.1)
        elif name.endswith("running_var"):
            value.uniform_(0.5, 2)
    for head in (net.regressor.decpose, net.regressor.decshape):
        torch.nn.init.normal_(head.weight, std=0.2)
    net.trained_on = dict(FIRST_BODY)
    return net.eval()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported network; only tests that need onnx ask for it."""
    path = tmp_path_factory.mktemp("onnx") / "tiny.onnx"
    export_onnx(network(), path, "tiny")
    return path


@pytest.mark.parametrize("norm", ["shared", "per_range"])
@pytest.mark.parametrize("pose", ["6d", "axis-angle"])
def test_what_is_exported_is_the_network(norm: str, pose: str) -> None:
    """Without onnx, too: the module that is traced gives the network's outputs, each row its own."""
    net = network(norm=norm, pose=pose)
    images, index = torch.randn(7, 3, 128, 128), torch.tensor([3, 0, 4, 1, 2, 0, 4])
    with torch.no_grad():
        found, wanted = Plain(net)(images, index), net(images, index)
    for name, value in zip(("rotmats", "betas", "cam", "phi"), found, strict=True):
        torch.testing.assert_close(value, getattr(wanted, name), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(found[0][1], found[0][5], atol=1e-4)


@with_onnx
@pytest.mark.parametrize("count", [1, 7])
def test_onnxruntime_gives_the_same(file: Path, count: int) -> None:
    """Any batch, any mixture of ranges, within 1e-4."""
    net, session = network(), OnnxNet(file)
    images = torch.randn(count, 3, 128, 128)
    index = torch.arange(count) % 5
    with torch.no_grad():
        wanted = net(images, index)
    for name, value in session(images, index).items():
        reference = getattr(wanted, name).numpy()
        assert value.shape == reference.shape and np.abs(value - reference).max() < 1e-4, name


@with_onnx
def test_an_onnx_file_is_a_predictor(file: Path) -> None:
    """Two methods, the joints of the network's own predictor at every size."""
    body = load_body()
    theirs, ours = Outside(OnnxModel(file, body)), NetPredictor(network(), body)
    assert theirs.about.name == "tiny (ONNX)"
    images = torch.randint(0, 256, (5, 3, 128, 128), dtype=torch.uint8)
    for size in (128, 52, 24):
        torch.testing.assert_close(
            theirs.joints14(images, size), ours.joints14(images, size), atol=1e-4, rtol=0
        )


@with_onnx
def test_another_body_is_refused(file: Path) -> None:
    other = load_body()
    other.name = "smpl"
    with pytest.raises(RscError, match=r"tiny.onnx was trained on the open body"):
        OnnxModel(file, other)


@with_onnx
@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_damaged_files_are_one_line(file: Path, tmp_path: Path, share: float) -> None:
    content = file.read_bytes()
    (tmp_path / "cut.onnx").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(RscError, match=r"cut.onnx is no ONNX file of rsclib: ") as caught:
        OnnxNet(tmp_path / "cut.onnx")
    assert "\n" not in str(caught.value)


@with_onnx
def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_model(tmp_path / "m.safetensors", network(), {})
    words = ["export", str(tmp_path / "m.safetensors"), "--onnx", str(tmp_path / "out/m.onnx")]
    assert main(words) == 0
    assert capsys.readouterr().out == f"{tmp_path}/out/m.onnx\n"
    assert OnnxNet(tmp_path / "out/m.onnx").facts["name"] == "m.safetensors"
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["m.onnx"]


@with_onnx
def test_its_answers_can_be_scored(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "answers"
    words = [
        "score",
        "--images",
        str(folder),
        "--part",
        "test-lab",
        "--count",
        "3",
        "--sizes",
        "32",
    ]
    assert main([*words, "--example", str(file)]) == 0
    assert "What tiny (ONNX) answers" in capsys.readouterr().out
    model = json.loads((folder / "manifest.json").read_text())["model"]
    assert (model["name"], model["joints"], model["link"]) == ("tiny (ONNX)", 14, "rsc export")
    assert main([*words, "--example", str(tmp_path / "none.onnx")]) == 2


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import importlib

    def lost(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", lost)
    with pytest.raises(RscError, match=r"ONNX needs the package onnx: .*rsclib\[export\]"):
        needed("onnx")
    with pytest.raises(RscError, match="needs the package onnx"):
        export_onnx(network(), tmp_path / "a.onnx", "x")
    with pytest.raises(RscError, match="needs the package onnxruntime"):
        OnnxNet(tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_safetensors_with_a_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exact, in 32 bits; the card says where it comes from and what may be done with it."""
    save_model(tmp_path / "m.safetensors", network(), {"seed": 3}, half=False)
    out = tmp_path / "given" / "net.safetensors"
    assert main(["export", str(tmp_path / "m.safetensors"), "--safetensors", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n{out.with_suffix('.md')}\n"
    again, net = model_named(str(out)), network()
    for name, value in net.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    about = read_header(out)["about"]
    assert about["seed"] == 3 and about["exported_from"]["file"] == "m.safetensors"
    card = out.with_suffix(".md").read_text()
    assert read_header(out)["sha256"] in card and about["exported_from"]["sha256"] in card
    assert f"{sum(p.numel() for p in net.parameters()):,}" in card and "image_size | 128" in card
    assert "Trained on the open benchmark" in card and "Do not publish" not in card
    licensed = network()
    licensed.trained_on = {"name": "smpl", "digest": ""}
    save_model(tmp_path / "l.safetensors", licensed, {})
    assert main(["export", str(tmp_path / "l.safetensors"), "--safetensors", str(out)]) == 0
    assert "Do not publish it" in out.with_suffix(".md").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["full"], "say what to write: --onnx FILE, --safetensors FILE, or both"),
        (["full", "--onnx", "a.pt"], "a.pt does not end with .onnx"),
        (["nowhere.pt", "--safetensors", "{tmp}/a.safetensors"], "there is no model at nowhere.pt"),
        (["video", "--onnx", "{tmp}/a.onnx"], "network of the kind 'temporal'"),
    ],
)
def test_mistakes(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", *(w.format(tmp=tmp_path) for w in words)]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("a.*"))
