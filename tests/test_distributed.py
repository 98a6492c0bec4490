"""Two processes train as one: the same images, losses, queue and weights."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from rsclib import distributed as D
from rsclib.checkpoints import load_training_state
from rsclib.errors import RscError

ROOT = Path(__file__).parents[1]


def _train(folder: Path, devices: int, *options: str) -> dict:
    env = {k: v for k, v in os.environ.items() if k not in ("RANK", "LOCAL_RANK", "WORLD_SIZE")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.workers.train_toy", str(folder), str(devices), *options],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return load_training_state(folder / "state.pt")


def _losses(state: dict) -> np.ndarray:
    return np.array([float(row["loss"]) for row in csv.DictReader(state["log"].splitlines())])


@pytest.mark.parametrize("norm", ["shared", "per_range"])
def test_two_processes_reproduce_one(tmp_path: Path, norm: str) -> None:
    # Few steps: Adam's first ones divide small gradients by their size, so that rounding grows.
    options = ("sync_norm=true", f"norm={norm}", "schedule=[[2, 1], [3, 1], [5, 2]]", "lr=0.0001")
    one = _train(tmp_path / "one", 1, *options)
    two = _train(tmp_path / "two", 2, *options)
    assert len(_losses(one)) == 1
    assert np.allclose(_losses(one), _losses(two), rtol=1e-4)
    # The queue is gathered in the order of one process.
    assert torch.equal(one["queue"]["ids"], two["queue"]["ids"])
    assert torch.allclose(one["queue"]["features"], two["queue"]["features"], atol=1e-3)
    for name, value in one["net"].items():
        assert torch.allclose(value.float(), two["net"][name].float(), atol=1e-3), name


def test_without_sync_each_process_has_its_own_statistics(tmp_path: Path) -> None:
    one = _train(tmp_path / "one", 1)
    two = _train(tmp_path / "two", 2)
    assert torch.equal(one["queue"]["ids"], two["queue"]["ids"])
    assert not torch.allclose(one["queue"]["features"], two["queue"]["features"], atol=1e-3)


def test_a_run_goes_on_with_another_number_of_processes(tmp_path: Path) -> None:
    whole = _train(tmp_path / "whole", 1, "sync_norm=true")
    part = _train(tmp_path / "part", 2, "sync_norm=true")
    assert part["step"] == whole["step"] == 6
    assert part["config"] == whole["config"]
    again = _train(tmp_path / "part", 1, "sync_norm=true")  # already at its end: nothing is lost
    assert all(torch.equal(part["net"][k], again["net"][k]) for k in part["net"])


def test_alone_everything_is_the_identity() -> None:
    x = torch.randn(6, 2)
    assert D.ranks() == (0, 1)
    assert D.total(x) is x and D.total_with_gradient(x) is x and D.gather_samples(x, 3) is x


def test_numbers_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert D.processes_here(0, 1, 16) == 4  # six cores, but sixteen images share among four
    assert D.processes_here(0, 2, 16) == 4
    assert D.processes_here(2, 4, 16) == 2
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    assert D.processes_here(0, 1, 16) == 8
    for devices, nodes, batch in ((3, 1, 16), (-1, 1, 16), (1, 0, 16), (0, 3, 16)):
        with pytest.raises(RscError):
            D.processes_here(devices, nodes, batch)


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
    assert D.precision_here("auto") == expected
    assert D.precision_here("16-mixed") == "16-mixed"
