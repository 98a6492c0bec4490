"""Checkpoints: strict, hashed, and never executing anything."""

from __future__ import annotations

import hashlib
import json
import pickle
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from rsclib import checkpoints as C
from rsclib import foreign
from rsclib.cli import main
from rsclib.errors import RscError
from rsclib.models import model_named
from rsclib.network import RSCNet
from rsclib.runs.states import load_training_state, save_training_state
from tests.official import state_dict
from tests.toys import TINY


def test_round_trip(tmp_path: Path) -> None:
    net = RSCNet(TINY).eval()
    C.save_model(tmp_path / "m.safetensors", net, {"why": "test"}, half=False)
    again = C.load_model(tmp_path / "m.safetensors")
    assert C.read_header(tmp_path / "m.safetensors")["about"] == {"why": "test"}
    for (name, a), (_, b) in zip(net.state_dict().items(), again.state_dict().items(), strict=True):
        assert torch.equal(a, b), name
    assert not again.training


def test_every_flipped_byte_is_detected(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    C.save_model(path, RSCNet(TINY), {})
    data = path.read_bytes()
    for place in torch.randint(0, len(data), (60,)).tolist():
        broken = bytearray(data)
        broken[place] ^= 4
        path.write_bytes(broken)
        try:
            C.load_model(path)
        except RscError:
            continue
        # The header's free text is not weights; a change there may only alter what it says.
        assert place < 2000, f"byte {place} of {len(data)} changed unnoticed"


def test_damaged_and_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    C.save_model(path, RSCNet(TINY), {})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RscError):
        C.load_model(path)
    path.write_bytes(b"")
    with pytest.raises(RscError):
        C.load_model(path)
    with pytest.raises(RscError, match="there is no model"):
        C.load_model(tmp_path / "none.safetensors")


@dataclass(frozen=True)
class ToyConfig:
    width: int = 3
    slope: float = 0.5


class Toy(nn.Module):
    """Another kind of network."""

    kind = "toy"

    def __init__(self, config: ToyConfig) -> None:
        super().__init__()
        self.config = config
        self.layer = nn.Linear(config.width, 2)


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Toy]:
    """The file of a toy, and the toy; this process knows the kind."""
    real = C.network_of

    def network_of(kind: str, settings: Any) -> nn.Module:
        if kind == "toy":
            return Toy(C.config_of(ToyConfig(), settings))
        return real(kind, settings)

    monkeypatch.setattr(C, "network_of", network_of)
    net = Toy(ToyConfig(width=5))
    C.save_model(tmp_path / "toy.safetensors", net, {"why": "test"}, half=False)
    return tmp_path / "toy.safetensors", net


def test_a_network_of_another_kind(toy: tuple[Path, Toy]) -> None:
    path, net = toy
    again = C.load_model(path)
    assert isinstance(again, Toy) and again.config == ToyConfig(width=5) and not again.training
    assert torch.equal(again.layer.weight, net.layer.weight)
    assert C.read_header(path)["kind"] == "toy"
    with pytest.raises(
        RscError, match=r"toy\.safetensors holds .*'toy'; here an RSC-Net is needed"
    ):
        model_named(str(path))


@pytest.mark.parametrize("words", [["eval"], ["predict", "photo.jpg", "--model"]])
def test_commands_refuse_another_kind(
    toy: tuple[Path, Toy], words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, str(toy[0])]) == 2
    error = capsys.readouterr().err.strip()
    assert "an RSC-Net is needed" in error and "\n" not in error


def test_an_unknown_kind_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "toy.safetensors"
    C.save_model(path, Toy(ToyConfig()), {})
    with pytest.raises(RscError, match=r"the kind 'toy', which this version .* does not know") as e:
        C.load_model(path)
    assert str(e.value).startswith(str(path)) and "damaged" not in str(e.value)


def rewritten(path: Path, **changes: str | None) -> Path:
    """``path`` with other words in its header and the old hash."""
    with safetensors.safe_open(path, "pt") as file:
        meta = {**file.metadata(), **changes}
    save_file(load_file(path), path, {k: v for k, v in meta.items() if v is not None})
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "toy"}, "damaged"),
        ({"kind": "rscnEt"}, "damaged"),
        ({"kind": None}, "not a model written by rsclib"),
        ({"format": "rsclib-2"}, "damaged"),
        ({"format": "rsclib-2", "kind": None}, "damaged"),
        ({"format": "rsclib-1"}, "damaged"),
        ({"format": "rsclib-9"}, "not a model written by rsclib"),
        ({"about": '{"seed": 1}'}, "damaged"),
    ],
)
def test_a_flipped_kind_or_format(
    toy: tuple[Path, Toy], tmp_path: Path, changes: dict[str, str | None], message: str
) -> None:
    path = tmp_path / "m.safetensors"
    C.save_model(path, RSCNet(TINY), {})
    assert isinstance(C.load_model(path), RSCNet)
    with pytest.raises(RscError, match=message):
        C.load_model(rewritten(path, **changes))


@pytest.mark.parametrize("version", [1, 2])
def test_files_of_older_formats(tmp_path: Path, version: int) -> None:
    """Written by hand as the code of their time did: without a kind, and with fewer settings."""
    net, path = RSCNet(TINY).eval(), tmp_path / "old.safetensors"
    state = {k: v.contiguous() for k, v in net.state_dict().items()}
    config = {k: v for k, v in asdict(TINY).items() if k not in ("norm", "activation")}
    meta = {"format": f"rsclib-{version}", "config": json.dumps(config), "about": "{}"}
    total = hashlib.sha256()
    if version == 2:
        total.update(f"{meta['config']}\n{meta['about']}\n".encode())
    for name in sorted(state):
        total.update(name.encode() + state[name].numpy().tobytes())
    save_file(state, path, meta | {"sha256": total.hexdigest()})
    again = C.load_model(path)
    assert isinstance(again, RSCNet) and again.config == TINY
    assert all(
        torch.equal(a, b) for a, b in zip(again.state_dict().values(), state.values(), strict=True)
    )
    assert C.read_header(path)["kind"] == "rscnet" and C.read_header(path)["about"] == {}


def test_official_containers() -> None:
    state = state_dict()
    a, b = foreign.load_official(state), foreign.load_official({"model": state, "epoch": 3})
    assert torch.equal(a.alpha, b.alpha)
    assert a.alpha[4, 0] == state["layer1.alphas.4"].flatten()[0]
    assert a.alpha[2, 15] == state["layer4.alphas.2"].flatten()[2]


def test_official_lists_what_is_wrong() -> None:
    state = state_dict()
    state["bn1.weigth"] = state.pop("bn1.weight")
    state["fc1.bias"] = torch.zeros(3)
    with pytest.raises(RscError) as caught:
        foreign.load_official(state)
    text = str(caught.value)
    assert "1 missing: trunk.bn1.weight" in text
    assert "1 unexpected: trunk.bn1.weigth" in text
    assert "fc1.bias (3,) instead of (1024,)" in text
    lost = state_dict()
    del lost["layer2.alphas.3"]
    with pytest.raises(RscError, match=r"layer2\.alphas\.3"):
        foreign.load_official(lost)


def test_spin_has_no_activation() -> None:
    state = {
        k.replace(".hmr_layer", ""): v
        for k, v in state_dict().items()
        if "alphas" not in k and "layer4_mlp" not in k
    }
    assert len(state) == 331
    net = foreign.load_spin({"model": state})
    assert net.config.activation == "none"
    assert (net.alpha == 1).all()


class _Evil:
    def __reduce__(self):
        return (open, (str(_Evil.target), "w"))  # type: ignore[attr-defined]


def test_no_pickled_code_runs(tmp_path: Path) -> None:
    _Evil.target = tmp_path / "pwned"  # type: ignore[attr-defined]
    for name, writer in (
        ("a.pt", lambda p: torch.save({"model": _Evil()}, p)),
        ("b.pt", lambda p: p.write_bytes(pickle.dumps(_Evil()))),
    ):
        writer(tmp_path / name)
        with pytest.raises(RscError):
            foreign.load_official(tmp_path / name)
    assert not (tmp_path / "pwned").exists()
    (tmp_path / "c.pt").write_bytes(b"\x80\x04garbage")
    with pytest.raises(RscError):
        foreign.load_official(tmp_path / "c.pt")


def test_training_state_round_trip(tmp_path: Path) -> None:
    state = {"step": 3, "curve": "a,b\n", "net": {"w": torch.ones(2)}}
    save_training_state(tmp_path / "s.pt", state)
    again = load_training_state(tmp_path / "s.pt")
    assert again["step"] == 3
    assert torch.equal(again["net"]["w"], torch.ones(2))
    assert load_training_state(tmp_path / "s.pt", ("step", "net")).keys() == state.keys()
    with pytest.raises(RscError, match="another kind of training: it has no optimiser, queue"):
        load_training_state(tmp_path / "s.pt", ("step", "queue", "optimiser"))


def test_somebody_elses_safetensors(tmp_path: Path) -> None:
    """The line says what is missed, in words."""
    save_file({"a": torch.zeros(3)}, tmp_path / "x.safetensors")
    with pytest.raises(RscError, match=r"not a model written by rsclib \(its header has no format"):
        C.load_model(tmp_path / "x.safetensors")
