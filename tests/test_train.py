"""The loop: a stopped run goes on bit for bit, nothing lost is saved, a critic is a few lines."""

from __future__ import annotations

import csv
import dataclasses
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from rsclib.checkpoints import load_model
from rsclib.config import settings
from rsclib.critics import Critic
from rsclib.errors import RscError, Stopped
from rsclib.methods import rsc
from rsclib.methods.rsc import Rsc
from rsclib.people import Batch
from rsclib.runs.folder import in_words
from rsclib.runs.states import load_training_state, save_training_state
from rsclib.train import Step, train
from tests.toys import CONFIG, RANGES, digest, toy_builder, toy_network, toy_people, toy_train

EAGER = dataclasses.replace(CONFIG, save_seconds=1e-3)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few images to measure statistics on."""
    monkeypatch.setattr(rsc, "MEASURED", (2, 8))


class Killed(Exception):
    """Stands for whatever may end a process."""


def stop_at(step: int) -> Any:
    """Plants an end at a step."""

    def change(method: Rsc) -> None:
        real = method.batch

        def batch(at: int) -> Batch:
            if at == step:
                raise Killed
            return real(at)

        method.batch = batch  # type: ignore[method-assign]

    return change


@pytest.mark.parametrize("norm", ["shared", "measured"])
def test_a_stopped_run_goes_on_bit_for_bit(tmp_path: Path, norm: Any) -> None:
    config = dataclasses.replace(EAGER, norm=norm)
    whole = toy_train(config, tmp_path / "whole")
    with pytest.raises(Killed):
        toy_train(config, tmp_path / "cut", change=stop_at(3))
    assert load_training_state(tmp_path / "cut" / "state.pt")["step"] == 3
    resumed = toy_train(config, tmp_path / "cut")
    assert digest(whole.state_dict()) == digest(resumed.state_dict())


def test_statistics_are_softened_once_however_often_a_run_is_taken_up(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, norm="measured", soften=0.5)
    first = toy_train(config, tmp_path).state_dict()
    again = toy_train(config, tmp_path).state_dict()
    plain = load_training_state(tmp_path / "state.pt")["net"]
    for key in first:
        assert torch.equal(first[key], again[key]), key
        if "running_mean" in key:
            assert torch.allclose(first[key][1:], (plain[key][1:] + plain[key][:-1]) / 2, atol=1e-6)


def test_a_training_lowers_the_loss_and_the_error(tmp_path: Path) -> None:
    """From end to end: the twelve people are learnt, in pixels and in millimetres."""
    config = dataclasses.replace(
        CONFIG, schedule=((5, 60),), batch=12, lr=3e-3, lab_share=0.4, rotation=0.0, scale=0.0
    )
    people = toy_people()

    def error(net: nn.Module) -> float:
        index = torch.zeros(5, dtype=torch.long)
        with torch.no_grad():
            found = net(rsc.mixed_batch(
                people, RANGES, 0, scales=1, batch=5, seed=0, lab_share=1.0, rotation=0, scale=0,
            ).images, index).rotmats  # fmt: skip
        return float((found - torch.eye(3)).abs().mean())

    torch.manual_seed(0)
    before = error(toy_network(config).eval())
    after = error(toy_train(config, tmp_path))
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert float(rows[-1]["loss"]) < 0.8 * float(rows[0]["loss"])
    assert after < 0.8 * before
    assert "60" in in_words(tmp_path) and list(rows[0])[:3] == ["step", "seconds", "loss"]
    assert {"2d", "3d", "pose", "betas", "ss", "feat"} < rows[0].keys()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_says_from_where_it_goes_on(
    tmp_path: Path, number: int, request: pytest.FixtureRequest
) -> None:
    def signalled(method: Rsc) -> None:
        real = method.batch

        def batch(at: int) -> Batch:
            if at == 2:
                os.kill(os.getpid(), number)
            return real(at)

        method.batch = batch  # type: ignore[method-assign]

    outside = signal.signal(number, signal.default_int_handler)  # it may come in ignored
    request.addfinalizer(lambda: signal.signal(number, outside))
    before = signal.getsignal(number)
    with pytest.raises(Stopped, match="stopped and saved at step 3 of 6") as stop:
        toy_train(CONFIG, tmp_path / "cut", change=signalled)
    assert stop.value.signal == number and signal.getsignal(number) is before
    resumed = toy_train(CONFIG, tmp_path / "cut")
    whole = toy_train(CONFIG, tmp_path / "whole")
    assert digest(resumed.state_dict()) == digest(whole.state_dict())


def test_a_signal_that_is_ignored_stays_ignored(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """nohup, or a script's background: Ctrl-C in that terminal is meant for somebody else."""
    outside = signal.signal(signal.SIGINT, signal.SIG_IGN)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, outside))

    def signalled(method: Rsc) -> None:
        real = method.scores
        method.scores = lambda step: os.kill(os.getpid(), signal.SIGINT) or real(step)  # type: ignore[method-assign, func-returns-value]

    toy_train(CONFIG, tmp_path, change=signalled)
    assert load_training_state(tmp_path / "state.pt")["step"] == CONFIG.steps


def test_a_lost_loss_ends_the_run_and_is_never_saved(tmp_path: Path) -> None:
    def lost_from_three_on(method: Rsc) -> None:
        real = method.batch

        def batch(at: int) -> Batch:
            good = real(at)
            return good._replace(images=good.images * (torch.nan if at >= 3 else 1))

        method.batch = batch  # type: ignore[method-assign]

    with pytest.raises(RscError, match="the loss is nan"):
        toy_train(EAGER, tmp_path, change=lost_from_three_on)
    state = load_training_state(tmp_path / "state.pt")
    assert state["step"] == 3
    assert all(v.isfinite().all() for v in state["net"].values())


def test_a_lost_gradient_is_neither_saved_nor_shipped(tmp_path: Path) -> None:
    """Its loss is a number: only the weights, after the last step, tell."""

    def lost(method: Rsc) -> None:
        real = method.loss

        def loss(model: nn.Module, batch: Batch, at: int) -> Step:
            step = real(model, batch, at)
            if at == CONFIG.steps - 1:
                step.terms["2d"].register_hook(lambda gradient: gradient * torch.nan)
            return step

        method.loss = loss  # type: ignore[method-assign]

    with pytest.raises(RscError, match=f"step {CONFIG.steps} has no finite gradient"):
        toy_train(EAGER, tmp_path, change=lost)
    state = load_training_state(tmp_path / "state.pt")
    assert state["step"] == CONFIG.steps - 1
    assert all(v.isfinite().all() for v in state["net"].values())


def test_another_config_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    toy_train(CONFIG, tmp_path)
    with pytest.raises(RscError, match=r"other settings \(lr\)"):
        toy_train(dataclasses.replace(CONFIG, lr=1.0), tmp_path)


def test_a_state_of_the_first_version_goes_on(tmp_path: Path) -> None:
    """It named its parts by the method, kept its log as text, and knew fewer settings."""
    whole = toy_train(CONFIG, tmp_path / "whole")
    with pytest.raises(Killed):
        toy_train(EAGER, tmp_path / "old", change=stop_at(4))
    file = tmp_path / "old" / "state.pt"
    state = load_training_state(file)
    state["queue"], state["log"] = state.pop("memory"), "step,scales,loss,images_s\n4,3,2.5,100\n"
    assert state["config"].pop("alpha_rate") == 1.0
    save_training_state(file, state)
    resumed = toy_train(CONFIG, tmp_path / "old")
    assert digest(whole.state_dict()) == digest(resumed.state_dict())
    rows = list(csv.DictReader((tmp_path / "old" / "log.csv").open()))
    assert [row["images_s"] for row in rows] == ["100", "", ""] and rows[1]["ss"]


def test_baseline_leaves_alpha_at_one(tmp_path: Path) -> None:
    net = toy_train(dataclasses.replace(CONFIG, learn_alpha=False), tmp_path / "ba")
    assert (net.alpha == 1).all()
    assert (toy_train(CONFIG, tmp_path / "ra").alpha != 1).any()


def test_alpha_has_a_rate_of_its_own(tmp_path: Path) -> None:
    moved = {}
    for rate in (1.0, 0.0):
        config = dataclasses.replace(CONFIG, alpha_rate=rate)
        moved[rate] = (toy_train(config, tmp_path / str(rate)).alpha - 1).abs().max()
    assert moved[0.0] == 0 < moved[1.0]


def test_a_run_writes_a_model_with_its_provenance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rsclib import methods
    from rsclib.checkpoints import read_header

    monkeypatch.setattr(rsc, "builder", toy_builder)
    net = methods.run(CONFIG, tmp_path, progress=False)
    again = load_model(tmp_path / "model.safetensors").state_dict()
    assert all(
        torch.allclose(v.float(), again[k].float(), rtol=2e-3, atol=1e-4)
        for k, v in net.state_dict().items()
    )
    about = read_header(tmp_path / "model.safetensors")["about"]
    assert about["config"] == settings(CONFIG) and about["processes"] == 1
    assert about["images_seen"] == 4 * (2 * 2 + 3 * 2 + 5 * 2)


# --- a method of ten lines, with a critic ----------------------------------------------------


class Judged(Rsc):
    """RSC-Net whose small images' features should look like those of the full ones (FeaEN)."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        width = self.net.config.features
        net = nn.Sequential(nn.Linear(width, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
        self.critic = Critic(net, weight=0.1)  # type: ignore[assignment]

    def loss(self, model: nn.Module, batch: Batch, step: int) -> Step:
        phi = model(batch.images, batch.range_index).phi
        b = len(phi) // batch.scales
        return super().loss(model, batch, step)._replace(fake=phi[b:], real=phi[:b])


def test_a_critic_on_features_learns_is_logged_and_resumed(tmp_path: Path) -> None:
    def build(device: torch.device) -> Judged:
        return Judged(CONFIG, toy_people(), toy_network(CONFIG), RANGES, device, False)

    whole, seen = train(build, EAGER.run, EAGER, tmp_path / "whole", progress=False), []

    def cut(device: torch.device) -> Judged:
        method = build(device)
        seen.append(digest(method.critic.net.state_dict()))  # type: ignore[attr-defined]
        stop_at(3)(method)
        return method

    with pytest.raises(Killed):
        train(cut, EAGER.run, EAGER, tmp_path / "cut", progress=False)
    resumed = train(build, EAGER.run, EAGER, tmp_path / "cut", progress=False)
    assert digest(whole.state_dict()) == digest(resumed.state_dict())
    assert digest(load_training_state(tmp_path / "cut" / "state.pt")["critic"]) != seen[0]
    rows = list(csv.DictReader((tmp_path / "whole" / "log.csv").open()))
    assert float(rows[-1]["critic"]) > 0
    plain = toy_train(CONFIG, tmp_path / "plain")
    assert digest(plain.state_dict()) != digest(whole.state_dict())
