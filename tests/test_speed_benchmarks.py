"""The speed comparisons run, their variants agree, and their rows are whole. No timing is asserted."""

from __future__ import annotations

import importlib.util
import math
import typing
from pathlib import Path

import pytest
import torch

from benchmarks.speed import networks, onnx_runtime
from benchmarks.speed.__main__ import COMPARISONS, Name, main, table
from benchmarks.speed.measure import Case, check, differences, measure, rows_of
from benchmarks.speed.parts import nce_sample_by_sample, pa_mpjpe_one_by_one
from rsclib.errors import RscError
from rsclib.network import RSCNet
from rsclib.runs.results import read_result

FIELDS = {
    "comparison", "setting", "variant", "against", "product", "median_ms", "items",
    "items_per_second", "ratio", "ratio_low", "ratio_high", "goal", "goal_reached", "difference",
    "differs_in", "tolerance", "rounds", "calls_per_round", "threads",
}  # fmt: skip
VARIANTS = {
    "mixed": {"a forward a range", "one mixed forward"},
    "contrastive": {"sample by sample", "matrix product"},
    "raster": {"pytorch3d", "zbuffer"},
    "joints": {"full mesh", "joints only"},
    "procrustes": {"one by one", "whole batch"},
    "fits": {"one by one", "whole batch"},
    "sharpening": {"one by one", "whole batch", "whole batch, channels_last"},
    "textures": {"pytorch3d", "look-up"},
    "onnx": {f"{how}, batch {batch}" for how in ("PyTorch", "onnxruntime") for batch in (1, 4)},
    "video": {"frame by frame, fp32, whole mesh", "batches of 32, fp32", "batches of 32, bf16"},
    "steps": {name for name, way in networks.WAYS.items() if not way.compiled},
    "inference": {
        f"{name}, batch {batch}"
        for name, way in networks.WAYS.items()
        for batch in (1, 4)
        if not way.compiled
    },
}


def case(**changes: object) -> Case:
    """Two variants that agree, the second on twice as many samples."""
    runs = {"slow": lambda: torch.ones(2), "fast": lambda: torch.ones(4)}
    pairs = [("slow", "slow"), ("fast", "slow")]
    values: dict[str, object] = {
        "comparison": "c", "setting": "s", "runs": runs, "items": {"slow": 2, "fast": 4},
        "pairs": pairs, "differences": differences(runs, pairs), "differs_in": "ones",
        "tolerance": {"slow": 0.0, "fast": 0.0}, "product": "fast",
    }  # fmt: skip
    return Case(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", COMPARISONS)
def test_quick_run(name: Name, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if name in ("raster", "textures") and importlib.util.find_spec("pytorch3d") is None:
        pytest.skip("pytorch3d has no wheel for this platform")
    if name == "onnx" and (reason := onnx_runtime.why_not()):
        pytest.skip(reason)
    out = tmp_path / "speed.json"
    assert main(["--quick", "--threads", "1", "--only", name, "--out", str(out)]) == 0
    result = read_result(out)
    rows = result["rows"]
    assert {row["variant"] for row in rows} == VARIANTS[name]
    for row in rows:
        assert row.keys() >= FIELDS
        assert row["comparison"] == name and row["threads"] == 1 and row["rounds"] == 2
        for key in ("median_ms", "items_per_second", "ratio", "ratio_low", "ratio_high"):
            assert math.isfinite(row[key]) and row[key] > 0
        assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
        assert 0 <= row["difference"] <= row["tolerance"]
        assert row["variant"] != row["against"] or (row["ratio"], row["difference"]) == (1, 0)
        if name == "raster":
            assert row["equal_faces_percent"] >= 99.9
    assert any(row["product"] for row in rows), "none of the variants is what rsclib does"
    about = result["provenance"]
    assert about["config"]["only"] == [name] and about["threads"] == 1
    assert about["command"][:3] == ["python", "-m", "benchmarks.speed"]
    printed = capsys.readouterr().out
    assert table(rows) in printed
    assert ("torch.compile is skipped" in printed) == (name in ("steps", "inference"))


def test_rows_are_ratios_of_one_round() -> None:
    # The machine is twice as slow in the second round and thrice in the third: ratios stay.
    seconds = {"slow": [1.0, 2.0, 3.0], "fast": [0.5, 1.0, 3.0]}
    same, row = rows_of(case(goal=3.5), seconds, {"slow": 1, "fast": 2})
    assert (same["ratio"], same["goal"], same["median_ms"]) == (1.0, None, 2000.0)
    assert (row["ratio"], row["ratio_low"], row["ratio_high"]) == (4.0, 2.0, 4.0)
    assert (row["goal"], row["goal_reached"], row["product"]) == (3.5, True, True)
    assert row["items_per_second"] == 4.0 and row["calls_per_round"] == 2
    assert not rows_of(case(goal=4.5), seconds, {"slow": 1, "fast": 2})[1]["goal_reached"]


def test_variants_take_turns() -> None:
    turns: list[str] = []
    runs = {"slow": lambda: turns.append("a"), "fast": lambda: turns.append("b")}
    measure(case(runs=runs), rounds=3, block=0.0)
    assert "".join(turns) == "ab" + "ab" * 3  # one call each to see how long it takes


@pytest.mark.parametrize("wrong", [1e-3, math.nan])
def test_variants_that_differ_are_not_timed(wrong: float) -> None:
    runs = {"slow": lambda: torch.ones(2), "fast": lambda: torch.ones(2) + wrong}
    bad = case(differences=differences(runs, case().pairs))
    with pytest.raises(RscError, match="'fast' differs from 'slow'"):
        measure(bad, block=0.0)
    check(case())


def test_the_naive_losses_by_hand() -> None:
    anchor, positive = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    queue, keep = torch.tensor([[0.0, 3.0], [5.0, 0.0]]), torch.tensor([[True, False]])
    value = nce_sample_by_sample(anchor, positive, queue, keep, 0.5)
    torch.testing.assert_close(value, torch.tensor([math.log(2)]))
    body = torch.randn(3, 14, 3)
    turned = body[..., [1, 2, 0]] * 2 + 1  # a rotation, scale and shift: nothing is left
    assert pa_mpjpe_one_by_one(turned, body).max() < 1e-3
    assert pa_mpjpe_one_by_one(body * torch.tensor([-1, 1, 1]), body).min() > 1  # a mirror is not


def test_mixed_and_plain_forward_differ_with_shared_statistics_in_training() -> None:
    """Why "mixed" checks shared statistics in evaluation mode."""
    net, index = RSCNet(networks.TINY).train(), torch.tensor([0, 0, 4, 4])
    images = torch.randn(4, 3, 64, 64) * torch.tensor([1.0, 1, 3, 3]).view(4, 1, 1, 1)
    whole = net(images, index).phi
    assert not torch.allclose(whole[:2], net(images[:2], index[:2]).phi, rtol=1e-2)


@pytest.mark.parametrize("name", [n for n, way in networks.WAYS.items() if not way.compiled])
def test_a_way_is_what_it_is_called(name: str) -> None:
    """The layout and type that the last block works in, whatever layout the images come in."""
    way = networks.WAYS[name]
    net = networks.prepared(RSCNet(networks.TINY), way)
    images = torch.randn(2, 64, 64, 3).permute(0, 3, 1, 2)
    seen: list[torch.Tensor] = []
    block = net.trunk.layers[-2][0]  # type: ignore[index]
    block.register_forward_hook(lambda _, __, out: seen.append(out))
    networks.predict(net, way, images, torch.zeros(2, dtype=torch.long))
    (out,) = seen
    assert out.is_contiguous(memory_format=torch.channels_last) == way.last
    assert out.dtype == (torch.bfloat16 if way.bf16 else torch.float32)


def test_compile_is_left_out_without_a_compiler(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(networks.shutil, "which", lambda _: None)
    assert not any(way.compiled for way in networks.ways("steps", quick=False).values())
    assert "there is no C++ compiler" in capsys.readouterr().out
    monkeypatch.setattr(networks.shutil, "which", lambda name: name)
    assert networks.ways("steps", quick=False) == networks.WAYS


@pytest.mark.slow
@pytest.mark.skipif(networks.why_not_compile(False) is not None, reason="no C++ compiler")
def test_the_compiled_trunk_agrees() -> None:
    net, images, index = RSCNet(networks.TINY), torch.randn(4, 3, 64, 64), torch.zeros(4).long()
    for mode in (True, False):
        torch.compiler.reset()
        plain, compiled = (
            networks.predict(networks.prepared(net.train(mode), way), way, images, index).phi
            for way in list(networks.WAYS.values())[-2:]
        )
        assert torch.dist(plain, compiled) / plain.norm() < networks.ROUNDED


def test_mistakes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--quick", "--threads", "0", "--only", "procrustes"]) == 2
    assert "--threads must be at least 1" in capsys.readouterr().err
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    out = tmp_path / "speed.json"
    assert main(["--quick", "--only", "raster", "--out", str(out)]) == 2
    assert "pytorch3d is not installed" in capsys.readouterr().out
    assert not out.exists()


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    assert "python -m benchmarks.speed --only contrastive raster" in printed
    assert all(name in printed for name in typing.get_args(Name))
