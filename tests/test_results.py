"""What README and the model card say of the measured numbers, held to the files they come from."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from rsclib.checkpoints import read_header
from rsclib.provenance import read_result
from rsclib.train import MODELS, SHIPPED, model_named

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CARD = (MODELS / "README.md").read_text(encoding="utf-8")


def at(method: str, resolution: int) -> float:
    rows = read_result(ROOT / "results/open/wild.json")["rows"]
    (value,) = [
        r["value"]
        for r in rows
        if (r["method"], r["resolution"], r["metric"]) == (method, resolution, "mpjpe")
    ]
    return value


def test_what_the_readme_says_of_the_table() -> None:
    small, full = (at("RSC-Net", s) / at("HR-only", s) for s in (32, 128))
    assert small < 1 < full
    assert small > 0.85 and full > 1.05, "the goals are reached: say so in the README"
    assert "neither is reached" in README


def test_the_readme_shows_the_result_file() -> None:
    for method in (*SHIPPED.values(), "best constant pose"):
        (line,) = [x for x in README.splitlines() if x.startswith(f"| {method} ")][:1]
        assert f"{at(method, 128):.1f} [" in line


@pytest.mark.parametrize("name", SHIPPED)
def test_the_card_counts_the_parameters(name: str) -> None:
    count = sum(p.numel() for p in model_named(name).parameters())
    assert f"{count / 1e6:.2f} million parameters" in CARD


def test_images_and_time_of_pre_training() -> None:
    about = read_header(MODELS / "hr-only.safetensors")["about"]
    assert f"{about['images_seen'] / 1e6:.1f} million images in an hour" in README
    assert about["seconds"] == pytest.approx(3600, rel=0.1)
    with (ROOT / "results/open/pretrain_curve.csv").open() as file:
        curve = list(csv.DictReader(file))
    steps = sum(n for _, n in about["config"]["stages"])
    assert int(curve[-1]["step"]) == steps
    assert float(curve[-1]["mpjpe"]) < float(curve[-2]["mpjpe"])  # "was still falling"


def test_time_of_fine_tuning() -> None:
    about = read_header(MODELS / "full.safetensors")["about"]
    assert about["seconds"] == pytest.approx(60, rel=0.25)
    assert not about["git"]["dirty"], "trained from a tree that no commit holds"
