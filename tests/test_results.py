"""What README and the model card say of the measured numbers, held to the files they come from."""

from __future__ import annotations

import csv
import runpy
from pathlib import Path

import pytest

from rsclib.checkpoints import read_header
from rsclib.models import MODELS, SHIPPED, model_named

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CARD = (MODELS / "README.md").read_text(encoding="utf-8")


def test_the_readme_shows_the_result_file() -> None:
    update = runpy.run_path(str(ROOT / "benchmarks/update_readme.py"))
    assert update["table"](ROOT / "results/open/wild.json") in README


@pytest.mark.parametrize("name", SHIPPED)
def test_the_card_counts_the_parameters(name: str) -> None:
    count = sum(p.numel() for p in model_named(name).parameters())
    assert f"{count / 1e6:.2f} million parameters" in CARD


def test_images_and_time_of_pre_training() -> None:
    about = read_header(MODELS / "hr-only.safetensors")["about"]
    with (ROOT / "results/open/pretrain_curve.csv").open() as file:
        second = list(csv.DictReader(file))
    with (ROOT / "results/open/pretrain_curve_first.csv").open() as file:
        first = list(csv.DictReader(file))
    assert int(second[-1]["step"]) == sum(n for _, n in about["config"]["stages"])
    images = 96 * (int(first[-1]["step"]) + int(second[-1]["step"]))
    assert f"{images / 1e6:.1f} million images in two runs of 60 and 102 minutes" in README
    assert float(first[-1]["seconds"]) / 60 == pytest.approx(60, abs=0.7)
    assert about["seconds"] / 60 == pytest.approx(102, abs=0.7)


def test_time_of_fine_tuning() -> None:
    about = read_header(MODELS / "full.safetensors")["about"]
    assert about["seconds"] / 60 == pytest.approx(6, abs=1)
    assert not about["git"]["dirty"], "trained from a tree that no commit holds"
