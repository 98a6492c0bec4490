"""Two processes train as one: the same images, losses, queue and weights."""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from rsclib.config import settings
from rsclib.errors import RscError
from rsclib.runs import distributed as D
from rsclib.runs import launch as L
from rsclib.runs.states import load_training_state
from tests import toys

ROOT = Path(__file__).parents[1]


def _alone() -> dict[str, str]:
    """The environment of a command that is not itself part of a training."""
    return {k: v for k, v in os.environ.items() if k not in ("RANK", "LOCAL_RANK", "WORLD_SIZE")}


def _train(folder: Path, devices: int, *options: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "tests.toys", str(folder), str(devices), *options],
        cwd=ROOT, env=_alone(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return load_training_state(folder / "state.pt")


def _losses(state: dict) -> np.ndarray:
    return np.array([row["loss"] for row in state["log"]])


@pytest.mark.parametrize("norm", ["shared", "per_range", "measured"])
def test_two_processes_reproduce_one(tmp_path: Path, norm: str) -> None:
    # Few steps: Adam's first ones divide small gradients by their size, so that rounding grows.
    options = ("sync_norm=true", f"norm={norm}", "schedule=[[2, 1], [3, 1], [5, 2]]", "lr=0.0001")
    one = _train(tmp_path / "one", 1, *options)
    two = _train(tmp_path / "two", 2, *options)
    assert len(_losses(one)) == 4
    assert np.allclose(_losses(one), _losses(two), rtol=1e-4)
    # The queue is gathered in the order of one process.
    assert torch.equal(one["memory"]["ids"], two["memory"]["ids"])
    assert torch.allclose(one["memory"]["features"], two["memory"]["features"], atol=1e-3)
    for name, value in one["net"].items():
        assert torch.allclose(value.float(), two["net"][name].float(), atol=1e-3), name


def test_without_sync_each_process_has_its_own_statistics(tmp_path: Path) -> None:
    one = _train(tmp_path / "one", 1)
    two = _train(tmp_path / "two", 2)
    assert torch.equal(one["memory"]["ids"], two["memory"]["ids"])
    assert not torch.allclose(one["memory"]["features"], two["memory"]["features"], atol=1e-3)


def test_a_run_goes_on_with_another_number_of_processes(tmp_path: Path) -> None:
    whole = _train(tmp_path / "whole", 1, "sync_norm=true")
    part = _train(tmp_path / "part", 2, "sync_norm=true")
    assert part["step"] == whole["step"] == 6
    assert part["config"] == whole["config"]
    again = _train(tmp_path / "part", 1, "sync_norm=true")  # already at its end: nothing is lost
    assert all(torch.equal(part["net"][k], again["net"][k]) for k in part["net"])


def _settings(folder: Path, **changes: object) -> None:
    folder.mkdir()
    plain = settings(dataclasses.replace(toys.CONFIG, **changes))  # type: ignore[arg-type]
    plain["save_seconds"] = 0.001
    (folder / "config.yaml").write_text(yaml.safe_dump(plain))


def _said(error: str) -> list[str]:
    """What a command said besides its progress bar."""
    return [line for line in re.split(r"[\r\n]+", error) if line.strip() and "|" not in line]


def test_a_mistake_in_two_processes_is_one_line(tmp_path: Path) -> None:
    _settings(tmp_path / "run", schedule=((2, 20),))
    (tmp_path / "run" / "state.pt").mkdir()  # where the first process wants to write
    done = subprocess.run(
        [sys.executable, "-m", "tests.toys", str(tmp_path / "run"), "2"],
        cwd=ROOT, env=_alone(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert len(_said(done.stderr)) == 1, done.stderr
    (line,) = _said(done.stderr)
    assert line.startswith("rsc: cannot write ") and "state.pt: it is a folder" in line


def test_one_of_two_processes_killed_is_one_line_and_the_run_goes_on(tmp_path: Path) -> None:
    _settings(tmp_path / "run", schedule=((2, 30),))
    words = [sys.executable, "-m", "tests.toys", str(tmp_path / "run"), "2"]
    first = subprocess.Popen(
        words, cwd=ROOT, env=_alone(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    state = tmp_path / "run" / "state.pt"
    while not state.is_file():
        assert first.poll() is None
        time.sleep(0.05)
    (second,) = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
    os.kill(int(second), signal.SIGKILL)
    _, error = first.communicate(timeout=100)
    assert first.returncode == 2
    assert _said(error) == [
        "rsc: another process of this training ended; the same command goes on from here"
    ]
    before = load_training_state(state)["step"]
    assert 0 < before < 30
    subprocess.run(words, cwd=ROOT, env=_alone(), check=True, capture_output=True, timeout=120)
    assert load_training_state(state)["step"] == 30


def test_alone_everything_is_the_identity() -> None:
    x = torch.randn(6, 2)
    assert D.ranks() == (0, 1)
    assert (
        D.sum_over_processes(x) is x and D.sum_with_gradient(x) is x and D.gather_samples(x, 3) is x
    )


@pytest.mark.parametrize("devices", [1, 2])
def test_a_terminated_training_is_saved_by_all_its_processes(tmp_path: Path, devices: int) -> None:
    """Only the first one is told; all end after the same step."""
    _settings(tmp_path / "run", schedule=((2, 4000),))
    words = [sys.executable, "-m", "tests.toys", str(tmp_path / "run"), str(devices)]
    process = subprocess.Popen(words, cwd=ROOT, env=_alone(), stderr=subprocess.PIPE, text=True)
    state = tmp_path / "run" / "state.pt"
    while not state.is_file():
        assert process.poll() is None
        time.sleep(0.05)
    process.terminate()
    error = process.communicate(timeout=100)[1]
    assert process.returncode == 128 + signal.SIGTERM
    asked, said = _said(error)
    assert asked == "rsc: stopping after this step; once more to stop at once"
    step = load_training_state(state)["step"]
    wanted = f"rsc: stopped and saved at step {step} of 4000; the same command goes on from there"
    assert said == wanted and 0 < step < 4000


@pytest.mark.parametrize("name", ["RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"])
def test_the_first_process_speaks(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for other in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"):
        monkeypatch.delenv(other, raising=False)
    assert D.first_process()
    monkeypatch.setenv(name, "0")
    assert D.first_process()
    monkeypatch.setenv(name, "1")
    assert not D.first_process()


def test_numbers_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert L.processes_here(0, 1, 16) == 4  # six cores, but sixteen images share among four
    assert L.processes_here(0, 2, 16) == 4
    assert L.processes_here(2, 4, 16) == 2
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    assert L.processes_here(0, 1, 16) == 8
    for devices, nodes, batch in ((3, 1, 16), (-1, 1, 16), (1, 0, 16), (0, 3, 16)):
        with pytest.raises(RscError):
            L.processes_here(devices, nodes, batch)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, "32-true"),
        ({"avx2": True, "avx512_bf16": True, "amx_bf16": False}, "bf16-mixed"),
        ({}, "32-true"),
    ],
)
def test_sixteen_bits_only_where_the_cpu_has_them(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert L.precision_here("auto") == expected
    assert L.precision_here("16-mixed") == "16-mixed"
