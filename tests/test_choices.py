"""The file behind the edu preset's settings: every run of a grid, at every share of softening."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from benchmarks import choices
from rsclib.errors import RscError
from rsclib.methods import rsc
from rsclib.models import model_named
from rsclib.range_norm import RangeNorm
from rsclib.runs.states import load_training_state, save_training_state
from tests.toys import CONFIG, TINY, random_arrays, toy_builder, toy_network


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two toy runs as a grid leaves them, and people of random numbers to score them on."""
    from rsclib import methods

    # At 128 px, for which ranges are known: the runs are scored as the real ones are.
    wide = dataclasses.replace(TINY, image_size=128)
    monkeypatch.setattr(rsc, "MEASURED", (2, 8))
    monkeypatch.setattr(
        rsc, "builder", lambda config, resumed: toy_builder(config, resumed, shape=wide)
    )
    monkeypatch.setattr(choices, "start_network", lambda config: toy_network(config, wide))
    config = dataclasses.replace(CONFIG, norm="measured", soften=0.5)
    for row, lr in (("slow", 1e-5), ("fast", 1e-3)):
        run = dataclasses.replace(config, lr=lr)
        methods.run(run, tmp_path / row / "seed0", progress=False)
    monkeypatch.setattr("rsclib.evaluate.fetch", lambda *_: random_arrays())
    return tmp_path


def test_every_run_is_scored_at_every_share(runs: Path) -> None:
    rows, configs = choices.score(runs, shares=(0.0, 0.5))
    assert {(r["method"], r["soften"]) for r in rows} == {
        (name, share) for name in ("fast/seed0", "slow/seed0") for share in (0.0, 0.5)
    }
    assert configs["fast/seed0"]["lr"] == 1e-3
    at = {
        (r["method"], r["resolution"], r["soften"]): r["value"]
        for r in rows
        if r["metric"] == "mpjpe"
    }
    assert at["fast/seed0", 128, 0.0] == at["fast/seed0", 128, 0.5]  # the first range stays
    assert at["fast/seed0", 32, 0.0] != at["fast/seed0", 32, 0.5]
    assert at["fast/seed0", 128, 0.0] != at["slow/seed0", 128, 0.0]


def test_softening_starts_from_what_was_measured(runs: Path) -> None:
    net, _ = choices.finished(runs / "fast/seed0/state.pt")
    shipped = model_named(str(runs / "fast/seed0/model.safetensors"))
    pairs = [
        (a.running_mean, b.running_mean)
        for a, b in zip(net.modules(), shipped.modules(), strict=True)
        if isinstance(a, RangeNorm) and isinstance(b, RangeNorm)
    ]
    assert pairs
    for own, softened in pairs:
        wanted = (own[1:] + own[:-1]) / 2
        torch.testing.assert_close(softened[1:], wanted, atol=1e-4, rtol=2e-3)  # 16 bits
    assert any(not torch.allclose(a, b, atol=1e-3) for a, b in pairs)


def test_runs_that_are_missing_or_unfinished_are_refused(runs: Path) -> None:
    with pytest.raises(RscError, match="no run in"):
        choices.score(runs / "elsewhere")
    file = runs / "fast/seed0/state.pt"
    state = load_training_state(file)
    save_training_state(file, state | {"step": 1})
    with pytest.raises(RscError, match="not finished: step 1 of"):
        choices.score(runs)
