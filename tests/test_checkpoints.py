"""Checkpoints: strict, hashed, and never executing anything."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from rsclib import checkpoints as C
from rsclib import foreign
from rsclib.errors import RscError
from rsclib.network import RSCNet
from rsclib.runs.states import load_training_state, save_training_state
from tests.official import state_dict
from tests.test_network import TINY


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
