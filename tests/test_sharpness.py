"""The table of what ImgSR's network sharpens: from the files of trained models, with intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import sharpness
from rsclib.checkpoints import save_model
from rsclib.errors import RscError
from rsclib.models import sharp_named
from rsclib.network import RSCNet
from rsclib.perceptual import Metric, NoWeightsError
from rsclib.resolution import degrade
from rsclib.runs.results import read_result
from rsclib.superres import RdnConfig, SharpConfig, SharpNet, psnr
from tests.toys import TINY

SIDE = TINY.image_size
ABOUT = {"config": {"seed": 3}, "git": {"commit": "abc", "dirty": False}, "seconds": 1.0,
         "images_seen": 8, "date": "2026-01-01", "body": {"name": "open", "digest": "0" * 16}}  # fmt: skip


def saved(path: Path, spread: float) -> Path:
    """A model file whose network adds noise of its own to a picture (none at 0)."""
    net = SharpNet(SharpConfig(RdnConfig(1, 1, 4, 4), TINY))
    torch.nn.init.normal_(net.rdn.last.bias, 0, spread) if spread else None  # type: ignore[arg-type]
    path.parent.mkdir(parents=True, exist_ok=True)
    save_model(path, net, ABOUT)
    return path


def people(name: str, count: int, side: int, keys: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Pictures of noise of two recordings."""
    assert name == "test-wild" and side == SIDE and set(keys) == {"images", "clip"}
    pixels = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    return {"images": pixels, "clip": np.array(["a/0", "b/0"] * count)[:count]}


@pytest.fixture
def at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    metric = Metric("LPIPS (toy)", "here", lambda a, b: (a - b).abs().flatten(1).mean(1))
    monkeypatch.setattr(sharpness, "lpips_metric", lambda net, weights: metric)
    monkeypatch.setattr(sharpness, "fetch", people)
    monkeypatch.setattr(sharpness, "SIZES", (16, 8))


def run(out: Path, *models: Path) -> dict[tuple[str, str, int], dict[str, Any]]:
    sharpness.main([*map(str, models), "--out", str(out), "--count", "12"])
    rows = read_result(out)["rows"]
    return {(r["method"], r["metric"], r["resolution"]): r for r in rows}


@pytest.mark.usefixtures("at_hand")
def test_untrained_changes_nothing_and_bicubic_is_what_it_is(tmp_path: Path) -> None:
    out = tmp_path / "imgsr.csv"
    found = run(out, saved(tmp_path / "run" / "model.safetensors", 0).parent)  # a run's folder
    assert len(found) == 2 * 2 * 3
    pixels = torch.from_numpy(people("test-wild", 12, SIDE, ("images", "clip"))["images"])
    images = pixels.permute(0, 3, 1, 2)
    for size in sharpness.SIZES:
        row = found["bicubic", "psnr", size]
        exact = float(psnr(degrade(images, size), images).mean())
        assert row["value"] == pytest.approx(exact, abs=1e-4)
        assert row["low"] <= row["value"] <= row["high"] and row["images"] == 12
        for metric in ("psnr", "lpips"):
            assert found["ImgSR", metric, size]["value"] == found["bicubic", metric, size]["value"]
            assert found["ImgSR", f"{metric} change", size]["value"] == 0


@pytest.mark.usefixtures("at_hand")
def test_two_trainings_stand_as_one_row_with_their_origin(tmp_path: Path) -> None:
    torch.manual_seed(0)
    out = tmp_path / "two.csv"
    one, two = (saved(tmp_path / f"{k}.safetensors", 0.5) for k in "ab")
    both, first, second = run(out, one, two), run(tmp_path / "1.csv", one), run(tmp_path / "2.csv", two)  # fmt: skip
    key = ("ImgSR", "psnr", 16)
    assert both[key]["trainings"] == 2 and first[key]["trainings"] == 1
    halves = (first[key]["value"] + second[key]["value"]) / 2
    assert both[key]["value"] == pytest.approx(halves, abs=1e-3)
    assert first[key]["value"] != second[key]["value"]
    assert both["bicubic", "psnr", 16] == first["bicubic", "psnr", 16]
    assert both["bicubic", "psnr", 16]["trainings"] == 0
    change = both["ImgSR", "psnr change", 16]
    apart = both[key]["value"] - both["bicubic", "psnr", 16]["value"]
    assert change["value"] == pytest.approx(apart, abs=1e-3) and change["high"] < 0
    origin = read_result(out)["provenance"]
    assert [t["config"]["seed"] for t in origin["config"]["trained"]] == [3, 3]
    assert origin["config"]["lpips"] == "LPIPS (toy), here"
    assert str(tmp_path) not in out.with_suffix(".json").read_text()


@pytest.mark.usefixtures("at_hand")
@pytest.mark.parametrize("kind", ["missing", "other", "shapes", "weights"])
def test_what_cannot_be_measured_ends_in_one_line_and_no_file(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = saved(tmp_path / "good.safetensors", 0)
    given, words = [good], ""
    if kind == "missing":
        given, words = [tmp_path / "none.safetensors"], "no model at"
    elif kind == "other":
        save_model(tmp_path / "rsc.safetensors", RSCNet(TINY), ABOUT)
        given, words = [tmp_path / "rsc.safetensors"], "here an ImgSR is needed"
    elif kind == "shapes":
        net = SharpNet(SharpConfig(RdnConfig(2, 1, 4, 4), TINY))
        save_model(tmp_path / "wide.safetensors", net, ABOUT)
        given, words = [good, tmp_path / "wide.safetensors"], "different shapes"
    else:

        def nothing(net: str, weights: str | None) -> Metric:
            raise NoWeightsError("no LPIPS (AlexNet) here")

        monkeypatch.setattr(sharpness, "lpips_metric", nothing)
        words = "no LPIPS"
    with pytest.raises(SystemExit):
        sharpness.main([*map(str, given), "--out", str(tmp_path / "x.csv")])
    assert words in capsys.readouterr().err
    assert not (tmp_path / "x.csv").exists()


def test_by_path_and_of_the_right_kind(tmp_path: Path) -> None:
    net = sharp_named(str(saved(tmp_path / "m.safetensors", 0.1)))
    assert isinstance(net, SharpNet) and not net.training
    with pytest.raises(RscError, match="here an ImgSR is needed"):
        sharp_named("hr-only")
