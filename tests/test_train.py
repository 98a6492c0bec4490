"""Training: presets are checked, a stopped run goes on bit for bit, batches are functions of the step."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from rsclib import config as C
from rsclib import train as T
from rsclib.errors import RscError
from rsclib.network import NetConfig
from rsclib.resolution import EDU
from tests.test_network import TINY
from tests.workers.train_toy import CONFIG, toy_data


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random images instead of rendered ones, and a tiny network."""

    monkeypatch.setattr(T.Data, "load", staticmethod(toy_data))
    tiny = dataclasses.replace(TINY, image_size=128)
    monkeypatch.setattr(NetConfig, "edu", staticmethod(lambda: tiny))


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("norm", ["shared", "measured"])
def test_a_stopped_run_goes_on_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, norm: str
) -> None:
    monkeypatch.setattr(T, "MEASURED", (2, 8))
    config = dataclasses.replace(CONFIG, norm=norm)
    whole = T.train(config, tmp_path / "whole", progress=False)
    made, real = [], T.make_batch

    class Killed(Exception):
        pass

    def stop_at_three(data, config, ranges, step):
        if step == 3 and config.batch == CONFIG.batch and not made:
            made.append(step)
            raise Killed
        return real(data, config, ranges, step)

    monkeypatch.setattr(T, "make_batch", stop_at_three)
    eager = dataclasses.replace(config, save_seconds=0.0)
    with pytest.raises(Killed):
        T.train(eager, tmp_path / "cut", progress=False)
    resumed = T.train(eager, tmp_path / "cut", progress=False)
    for (name, a), b in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    assert (tmp_path / "cut" / "model.safetensors").is_file()


@pytest.mark.usefixtures("toy")
def test_statistics_are_softened_once_however_often_a_run_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(T, "MEASURED", (2, 8))
    config = dataclasses.replace(CONFIG, norm="measured", soften=0.5)
    first = T.train(config, tmp_path, progress=False).state_dict()
    again = T.train(config, tmp_path, progress=False).state_dict()
    plain = T.load_training_state(tmp_path / "state.pt", T.STATE)["net"]
    for key in first:
        assert torch.equal(first[key], again[key]), key
        if "running_mean" in key:
            assert torch.allclose(first[key][1:], (plain[key][1:] + plain[key][:-1]) / 2, atol=1e-6)


@pytest.mark.usefixtures("toy")
def test_a_lost_loss_ends_the_run_and_is_never_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = T.make_batch

    def lost_from_three_on(data, config, ranges, step):
        images, index, targets = real(data, config, ranges, step)
        return images * (torch.nan if step >= 3 else 1), index, targets

    monkeypatch.setattr(T, "make_batch", lost_from_three_on)
    with pytest.raises(RscError, match="the loss is nan"):
        T.train(dataclasses.replace(CONFIG, save_seconds=1e-3), tmp_path, progress=False)
    state = T.load_training_state(tmp_path / "state.pt", T.STATE)
    assert state["step"] == 3
    assert all(v.isfinite().all() for v in state["net"].values())


@pytest.mark.usefixtures("toy")
def test_a_lost_gradient_is_neither_saved_nor_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its loss is a number: only the weights, after the last step, tell."""
    real = T.rsc_loss

    def lost(prediction, joints, targets, scales, queue, step, weights):
        loss, terms = real(prediction, joints, targets, scales, queue, step, weights)
        if step == CONFIG.steps - 1:
            loss.register_hook(lambda gradient: gradient * torch.nan)
        return loss, terms

    monkeypatch.setattr(T, "rsc_loss", lost)
    with pytest.raises(RscError, match=f"step {CONFIG.steps} has no finite gradient"):
        T.train(dataclasses.replace(CONFIG, save_seconds=1e-3), tmp_path, progress=False)
    state = T.load_training_state(tmp_path / "state.pt", T.STATE)
    assert state["step"] == CONFIG.steps - 1
    assert all(v.isfinite().all() for v in state["net"].values())
    assert not (tmp_path / "model.safetensors").exists()


@pytest.mark.usefixtures("toy")
def test_another_config_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    T.train(CONFIG, tmp_path, progress=False)
    with pytest.raises(RscError, match="other settings"):
        T.train(dataclasses.replace(CONFIG, lr=1.0), tmp_path, progress=False)


@pytest.mark.usefixtures("toy")
def test_baseline_leaves_alpha_at_one(tmp_path: Path) -> None:
    net = T.train(dataclasses.replace(CONFIG, learn_alpha=False), tmp_path / "ba", progress=False)
    assert (net.alpha == 1).all()
    net = T.train(CONFIG, tmp_path / "ra", progress=False)
    assert (net.alpha != 1).any()


@pytest.mark.usefixtures("toy")
def test_alpha_has_a_rate_of_its_own(tmp_path: Path) -> None:
    moved = {}
    for rate in (1.0, 0.0):
        config = dataclasses.replace(CONFIG, alpha_rate=rate)
        moved[rate] = (T.train(config, tmp_path / str(rate), progress=False).alpha - 1).abs().max()
    assert moved[0.0] == 0 < moved[1.0]


@pytest.mark.usefixtures("toy")
def test_batches_are_functions_of_the_step() -> None:
    data = T.Data.load(CONFIG, 128)
    a, b = (T.make_batch(data, CONFIG, EDU, 5) for _ in range(2))
    assert torch.equal(a[0], b[0])
    assert a[0].shape == (5 * 4, 3, 128, 128)
    assert a[1].tolist() == np.repeat(range(5), 4).tolist()
    assert not torch.equal(a[0], T.make_batch(data, CONFIG, EDU, 4)[0][:20])
    assert int(a[2].has_3d.sum()) == round(4 * CONFIG.lab_share)


def test_progressive_schedule() -> None:
    assert [C.scales_at(CONFIG, s) for s in range(6)] == [2, 2, 3, 3, 5, 5]


@pytest.mark.parametrize("name", ["ci", "edu", "paper"])
def test_presets_fit(name: str) -> None:
    config = C.load_config(name)
    assert config.steps > 0
    assert config.ranges in T.PRESETS
    assert hasattr(NetConfig, config.net)


@pytest.mark.parametrize("norm", ["shared", "measured"])
def test_dropout_is_the_networks_own_unless_given(tmp_path: Path, norm: str) -> None:
    (tmp_path / "x.yaml").write_text(f"{{init: null, norm: {norm}, dropout: null}}")
    own = T.start_network(C.load_config(str(tmp_path / "x.yaml")))
    assert own.regressor.dropout.p == NetConfig.edu().dropout > 0
    (tmp_path / "x.yaml").write_text(f"{{init: null, norm: {norm}, dropout: 0}}")
    assert T.start_network(C.load_config(str(tmp_path / "x.yaml"))).regressor.dropout.p == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lerning_rate: 1", "unknown key 'lerning_rate'"),
        ("loss: {taw: 1}", "unknown key 'taw'"),
        ("batch: many", "batch must be a whole number"),
        ("lr: 4e-5", "lr must be a finite number, not '4e-5'; .* 4.0e-5"),
        ("schedule: 5", "schedule is a list"),
        ("dropout: much", "dropout must be a finite number"),
        ("dropout: 1", "dropout must lie within 0..0.9"),
        ("soften: 0.5", "norm: shared has none; set soften to 0"),
        ("- 1", "keys and values"),
        ("a: [", "not YAML"),
    ],
)
def test_bad_presets(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(RscError, match=message):
        C.load_config(str(tmp_path / "x.yaml"))
    with pytest.raises(RscError, match="presets: ci, edu, paper"):
        C.load_config("nope")
