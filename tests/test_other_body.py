"""A model's betas belong to one body: every command refuses to put them on another."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from rsclib import evaluate as E
from rsclib.body import OPEN_BODY, Body, load_body
from rsclib.checkpoints import load_model, read_header, save_model
from rsclib.cli import main
from rsclib.errors import RscError
from rsclib.files.body_files import FIRST_BODY, read_body
from rsclib.foreign import load_official
from rsclib.models import check_body, check_labels, model_named
from rsclib.network import RSCNet
from tests.official import state_dict
from tests.test_network import TINY


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another body in SMPL's layout: the open one's with another shape space."""
    folder = tmp_path_factory.mktemp("smpl")
    arrays, _ = read_body(OPEN_BODY)
    arrays = {k: v for k, v in arrays.items() if k not in ("uv", "uv_faces", "mirror")}
    arrays["shapedirs"] = arrays["shapedirs"][..., ::-1]
    for key in ("J_regressor_extra", "J_regressor_h36m"):
        np.save(folder / f"{key}.npy", arrays.pop(key))
    np.savez(folder / "SMPL_NEUTRAL.npz", **arrays)
    return folder


@pytest.fixture
def other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Body:
    """That body, which RSC_SMPL names."""
    monkeypatch.setenv("RSC_SMPL", str(folder))
    return load_body()


@pytest.fixture
def photo(tmp_path: Path) -> str:
    Image.new("RGB", (64, 64)).save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


def test_every_command_refuses_another_body(
    other: Body, photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.safetensors"
    save_model(own, RSCNet(TINY), {})
    (tmp_path / "init.yaml").write_text(yaml.safe_dump({"init": str(own)}))
    commands = {
        "eval": (["eval", "full", "--count", "8"], "full.safetensors was trained on"),
        "eval a file": (["eval", str(own), "--count", "8"], "own.safetensors was trained on"),
        "demo": (["demo", "--out", "{out}", "--count", "8"], "hr-only.safetensors was trained on"),
        "predict": (["predict", photo, "--out", "{out}"], "full.safetensors was trained on"),
        "train": (
            ["train", str(tmp_path / "init.yaml"), "--out", "{out}"],
            "own.safetensors was trained on",
        ),
        "train from a shipped one": (
            ["train", "edu", "--out", "{out}"],
            "hr-only.safetensors was trained on",
        ),
        "pretrain": (["pretrain", "--out", "{out}"], "the open benchmark is labelled with"),
        "pretrain from a model": (
            ["pretrain", "--out", "{out}", "--start", str(own)],
            "own.safetensors was trained on",
        ),
    }
    for name, (words, begin) in commands.items():
        out = tmp_path / "out" / name
        assert main([word.replace("{out}", str(out)) for word in words]) == 2, name
        error = capsys.readouterr().err.strip()
        assert error.startswith(f"rsc: {begin} the open body ({FIRST_BODY['digest'][:4]}…)"), error
        assert (
            f"but RSC_SMPL names another (smpl, {other.digest[:4]}…): unset RSC_SMPL (and leave --body out)"
            in error
        )
        assert "\n" not in error
        assert not list(out.rglob("*.*")), f"{name} wrote something"


def test_a_model_of_the_other_body(
    other: Body, photo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """It is used with that one, keeps saying so when it is saved anew, and is refused without."""
    net = RSCNet(dataclasses.replace(TINY, image_size=128))
    save_model(tmp_path / "a.safetensors", net, {"body": other.identity})
    again = model_named(str(tmp_path / "a.safetensors"))
    assert again.trained_on == other.identity
    assert again.state_dict().keys() == net.state_dict().keys()
    save_model(tmp_path / "b.safetensors", again.per_range(), {"seed": 1})
    about = read_header(tmp_path / "b.safetensors")["about"]
    assert about == {"body": other.identity, "seed": 1}
    out, model = tmp_path / "out", tmp_path / "b.safetensors"
    words = ["predict", photo, "--out", str(out), "--model", str(model)]
    assert main(words) == 0 and (out / "photo.obj").is_file()
    monkeypatch.delenv("RSC_SMPL")
    capsys.readouterr()
    assert main(words) == 2
    error = capsys.readouterr().err
    assert f"b.safetensors was trained on SMPL ({other.digest[:4]}…), but the body here is" in error
    assert "name that body with RSC_SMPL" in error


def test_fresh_weights_fit_every_body(other: Body) -> None:
    net = RSCNet(TINY)
    check_body(net, other)
    assert net.trained_on is None
    with pytest.raises(RscError, match="open benchmark is labelled with the open body"):
        check_labels(other)
    check_labels(load_body(OPEN_BODY))


def test_files_that_name_no_body(other: Body, tmp_path: Path) -> None:
    """All older ones, the shipped among them, were trained on the open body."""
    save_model(tmp_path / "m.safetensors", RSCNet(TINY), {})
    for net in (load_model(tmp_path / "m.safetensors"), model_named("full")):
        check_body(net, load_body(OPEN_BODY))
        with pytest.raises(RscError, match="RSC_SMPL names another"):
            check_body(net, other)


@pytest.mark.parametrize("body", ["open", {"name": "open"}, None, 3, {}])
def test_a_malformed_body_in_a_header(tmp_path: Path, body: Any) -> None:
    save_model(tmp_path / "m.safetensors", RSCNet(TINY), {"body": body})
    with pytest.raises(RscError, match="damaged"):
        load_model(tmp_path / "m.safetensors")


def test_other_peoples_networks_want_smpl(other: Body) -> None:
    """Their files do not say which, so any will do, but never the open body."""
    net = load_official(state_dict())
    check_body(net, other)
    with pytest.raises(
        RscError, match=r"RSC-Net was trained on SMPL, .* name that body with RSC_SMPL"
    ):
        check_body(net, load_body(OPEN_BODY))


def test_results_name_the_body(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_model(tmp_path / "m.safetensors", RSCNet(dataclasses.replace(TINY, image_size=128)), {})
    people = {
        "images": np.zeros((8, 128, 128, 3), np.uint8),
        "joints14": torch.randn(8, 14, 3).numpy(),
        "clip": np.arange(8) % 3,
    }
    monkeypatch.setattr(E, "fetch", lambda *_: people)
    words = ["eval", str(tmp_path / "m.safetensors"), "--out", str(tmp_path / "result.json")]
    assert main(words) == 0
    assert json.loads((tmp_path / "result.json").read_text())["provenance"]["body"] == FIRST_BODY


def test_evaluate_itself_refuses_another_body(other: Body, monkeypatch: pytest.MonkeyPatch) -> None:
    people = {
        "images": np.zeros((8, 128, 128, 3), np.uint8),
        "joints14": np.zeros((8, 14, 3), np.float32),
        "clip": np.arange(8) % 3,
    }
    monkeypatch.setattr(E, "fetch", lambda *_: people)
    with pytest.raises(RscError, match=r"full\.safetensors was trained on the open body"):
        E.evaluate({"x": model_named("full")})
