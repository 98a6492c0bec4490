"""How much of the shipped weights a model for photographs keeps: the rule, and the means themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from benchmarks import photo_start as P
from rsclib.checkpoints import read_header
from rsclib.config import read_settings
from rsclib.metrics import mpjpe
from rsclib.models import model_file, model_named
from rsclib.openbench.build import fetch
from rsclib.predictor import predictor_named
from rsclib.runs.results import read_result
from rsclib.scores import Scores


def rows(
    errors: dict[float, tuple[float, float]], moves: dict[float, float]
) -> list[dict[str, Any]]:
    """What the script measures: of each share the growth of the error at two sizes, and the movement."""
    out = [{"method": "full", "keep": 1.0, "metric": "movement, ten looks", "value": 1.0}]
    for keep, both in errors.items():
        about = {"method": "photo", "keep": keep}
        out += [about | {"metric": "mpjpe, minus shipped", "value": value} for value in both]
        out += [about | {"metric": "movement, ten looks", "value": moves[keep]}] * 2
    return out


def test_the_share_that_moves_least_among_those_that_lose_nothing() -> None:
    moves = {0.0: 20.0, 0.25: 22.0, 0.5: 24.0}
    assert P.chosen(rows({0.0: (-1, -1), 0.25: (-2, -2), 0.5: (0, 0)}, moves)) == 0.0
    assert P.chosen(rows({0.0: (0.1, -9), 0.25: (-9, 0.2), 0.5: (0, 0)}, moves)) == 0.5
    assert P.chosen(rows({0.0: (0.1, -9), 0.25: (-9, 0.2), 0.5: (1, 0)}, moves)) == 1.0


def test_all_of_the_shipped_weights_are_the_shipped_ones() -> None:
    shipped = model_named("full").per_range()
    other = model_named("hr-only").per_range()
    whole = P.kept(other, 1.0, 0.0)
    assert all(map(torch.equal, whole.parameters(), shipped.parameters()))
    none = P.kept(other, 0.0, 0.0)
    assert all(map(torch.equal, none.parameters(), other.parameters()))
    assert not whole.training


def test_the_account_is_what_was_measured() -> None:
    folder = Path(__file__).parents[1] / "results/open"
    document = read_result(folder / "photo_start.csv")
    assert P.chosen(document["rows"]) == document["provenance"]["config"]["chosen"] == 1
    found = pd.DataFrame(document["rows"]).set_index(["keep", "metric", "resolution"])
    lost = {
        k: [round(found["value"][k, "mpjpe, minus shipped", r], 1) for r in (128, 32)]
        for k in (0, 0.5)
    }
    assert lost == {0: [5.4, 3.0], 0.5: [0.6, -0.1]}
    half = found.loc[0.5].loc["mpjpe, minus shipped"]
    assert (half["low"] < 0).all() and (half["high"] > 0).all()
    moves = {
        k: [round(found["value"][k, "movement, ten looks", r], 1) for r in (128, 32)]
        for k in (0, 0.5, 1)
    }
    assert moves == {0: [23.5, 22.5], 0.5: [25.4, 24.3], 1: [28.7, 27.2]}
    assert read_settings("photo")["keep"] == 0.5


def test_the_shipped_model_is_the_mean_that_was_scored() -> None:
    about = read_header(model_file("photo"))["about"]
    assert about["config"]["keep"] == 0.5 and not about["git"]["dirty"]
    scores = Scores.load(Path(__file__).parents[1] / "results/open/photo_wild.npz")
    gaps = [str(scores.difference("photo", "RSC-Net", size)) for size in (128, 32)]
    assert gaps == ["-1.7 [-3.3, 1.2]", "-1.5 [-3.1, 1.3]"]
    data = fetch("test-wild", 32)
    predictor = predictor_named("photo")
    images = torch.from_numpy(data["images"]).permute(0, 3, 1, 2)
    with torch.inference_mode():
        guess = predictor.at(images, 32)
        points = predictor.body.joints(guess.rotmats, guess.betas).joints14
    errors = mpjpe(points, torch.from_numpy(data["joints14"])).numpy()
    assert errors == pytest.approx(scores.of("photo", 32)[:32], abs=1.0)


def test_what_varied_people_gain() -> None:
    scores = Scores.load(Path(__file__).parents[1] / "results/open/photo_varied.npz")
    gaps = {
        m: str(scores.difference(m, "RSC-Net", 128)) for m in ("photo", "nothing-kept", "HR-only")
    }
    assert gaps == {
        "photo": "-2.9 [-6.2, -0.0]", "nothing-kept": "-2.3 [-8.0, 3.1]", "HR-only": "-2.0 [-3.1, -1.0]",
    }  # fmt: skip


def test_on_the_street_it_is_no_better() -> None:
    rows = pd.DataFrame(
        read_result(Path(__file__).parents[1] / "results/open/street_photo.csv")["rows"]
    )
    names = ["RSC-Net, preset photo", "RSC-Net"]
    rows = rows.astype({"resolution": str})
    outside = rows[rows["metric"] == "blazepose_agreement"].set_index(["method", "resolution"])
    found = [[round(outside["value"][n, r]) for r in ("native", "32")] for n in names]
    assert found == [[148, 152], [148, 150]]
    own = rows[(rows["metric"] == "agreement") & (rows["reference"] == rows["method"] + ", native")]
    assert [round(own.set_index("method")["value"][n]) for n in names] == [102, 100]
