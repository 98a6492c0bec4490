"""The measurement behind two looks: its rule, its rows, and the default that follows from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import mirror
from rsclib.commands.own_options import Predict
from rsclib.metrics import mpjpe
from rsclib.runs.results import read_result
from tests.toys import random_arrays

ROOT = Path(__file__).parents[1]


def test_the_default_follows_from_the_result_file() -> None:
    result = read_result(ROOT / "results/open/mirror.csv")
    rows = result["rows"]
    usual = {r["looks"]: r["value"] for r in rows if r["metric"] == "the usual one"}
    for way, value in usual.items():
        assert mirror.helps(rows, way) == value
    assert (Predict(images=()).looks > 1) == usual[mirror.MEAN]
    compared = [r for r in rows if r.get("looks") and r.get("method")]
    at = {(r["method"], r["looks"], r["resolution"], r["metric"]): r for r in compared}
    for method in mirror.MODELS:
        for size in mirror.SIZES:
            for metric in mirror.METRICS:
                alone, mean = (at[method, way, size, metric]["value"] for way in ("alone", "mean"))
                gain = at[method, "mean", size, f"{metric} minus alone"]
                assert gain["value"] == pytest.approx(mean - alone, abs=2e-3)
                assert gain["low"] <= gain["value"] <= gain["high"]
    assert not result["provenance"]["git"]["dirty"]
    assert result["provenance"]["config"]["part"] == mirror.PART
    for size in mirror.SIZES:  # what the help of --looks says
        of = at["full", "alone", size, "mpjpe"]["value"]
        assert 3 < -100 * at["full", "mean", size, "mpjpe minus alone"]["value"] / of < 4.5
    said = (ROOT / "rsclib/commands/own_options.py").read_text(encoding="utf-8")
    assert "by 3 to 4 % nearer" in " ".join(said.split())


def test_the_rule() -> None:
    def rows(high: float) -> list[dict]:
        return [
            {"method": "full", "looks": "mean", "metric": f"{m} minus alone", "high": high}
            for _ in mirror.SIZES for m in mirror.METRICS
        ]  # fmt: skip

    assert mirror.helps(rows(-0.1)) and not mirror.helps(rows(0.0))
    assert not mirror.helps(rows(-0.1)[:-1]), "a number is missing"
    assert not mirror.helps([*rows(-0.1)[:-1], rows(0.2)[0]])
    assert not mirror.helps(rows(-0.1), "mean where they agree")


def test_the_whole_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "fetch", lambda *_: random_arrays(6))
    monkeypatch.setattr(mirror, "MODELS", {"full": "full"})
    seen: dict[tuple, torch.Tensor] = {}
    of = mirror.joints_of

    def kept(predictor: object, images: torch.Tensor, size: int) -> tuple:
        found, apart = of(predictor, images, size)
        seen[size, mirror.ALONE], seen[size, mirror.MEAN] = found[mirror.ALONE], found[mirror.MEAN]
        agree = torch.from_numpy(apart <= mirror.UNSURE_MM)
        for k, way in ((agree, mirror.MEAN), (~agree, mirror.ALONE)):
            assert torch.equal(found[mirror.WHERE][k], found[way][k])
        return found, apart

    monkeypatch.setattr(mirror, "joints_of", kept)
    rows = mirror.measure()
    truth = torch.from_numpy(random_arrays(6)["joints14"])
    for row in rows:
        if row["metric"] == "mpjpe" and row["looks"] in (mirror.ALONE, mirror.MEAN):
            joints = seen[row["resolution"], row["looks"]]
            wanted = float(mpjpe(joints, truth, root=None).mean())
            assert row["value"] == pytest.approx(wanted, abs=1e-3)
    assert {r["resolution"] for r in rows if "resolution" in r} == {128, 32}
    assert [r["metric"] for r in rows[-2:]] == ["the usual one"] * 2
    assert all(isinstance(r["value"], bool | float) for r in rows)
    assert np.isfinite([r["value"] for r in rows]).all()


def test_what_results_readme_says_of_ten_looks() -> None:
    rows = read_result(ROOT / "results/open/jitter.csv")["rows"]
    at = {(r["method"], r["looks"], r["resolution"], r["metric"]): r["value"] for r in rows}
    moved, error = "movement, all", "mpjpe"
    ways = ("alone", "mean of ten looks")
    for method, wanted in (
        ("RSC-Net", {128: (47, 29), 32: (48, 27)}),
        ("RSC-Net, preset photo", {128: (45, 25), 32: (44, 24)}),
    ):
        for size, numbers in wanted.items():
            assert tuple(round(at[method, way, size, moved]) for way in ways) == numbers
            assert at[method, ways[1], size, error] < at[method, ways[0], size, error]
            assert at[method, ways[1], size, error] < at["RSC-Net", "alone", size, error]
    assert Predict(images=()).looks == 10
