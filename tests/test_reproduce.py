"""``rsc reproduce`` with toys: what is missing is trained, scored, recorded and shown; no more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rsclib import claims, texture_claims
from rsclib.cli import main, parse
from rsclib.errors import RscError
from rsclib.methods import load_config, recording, rsc
from rsclib.methods import reproduce as R
from rsclib.methods.measured import measure_or_load
from rsclib.network import NetConfig, RSCNet
from rsclib.pixels import METRICS, Segmentation
from rsclib.predictor import predictor_named
from rsclib.range_norm import RangeNorm
from rsclib.runs.results import read_result
from rsclib.segmentation import segmentation_scores
from tests.test_claims import BASE, write
from tests.toys import RANGES, TINY, toy_people


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would be trained, instead of training it."""
    asked: list[str] = []

    def pretend(jobs: list, out: Path, *_: object, finished: object, **__: object) -> list[str]:
        for job in jobs:
            asked.append(f"{job.row}/seed{job.config.seed}")
            finished(job)  # type: ignore[operator]
        return []

    monkeypatch.setattr(R, "run_grid", pretend)
    return asked


def plan(folder: Path, *names: str, seeds: tuple[int, ...] = (0, 1)) -> R.Plan:
    tables = [claims.declared("table6")]
    runs = R.runs_of(tables, claims.regime_named("hard"), names, seeds)
    return R.Plan("hard", "edu", runs, folder / "work", folder / "records")


def test_seeds_come_one_after_the_other_and_hr_only_once() -> None:
    runs = R.runs_of([claims.declared("table6")], claims.regime_named("hard"), (), None)
    assert runs[0] == ("HR-only", 0) and runs.count(("HR-only", 0)) == 1
    seeds = [seed for name, seed in runs[1:]]
    assert seeds == sorted(seeds) and set(seeds) == {0, 1, 2}
    only = R.runs_of([claims.declared("table7")], claims.regime_named("hard"), ("full",), (4,))
    assert only == (("RA+SS+CL", 4),)


def test_an_unknown_row_is_refused() -> None:
    with pytest.raises(RscError, match="there is no row 'RB'; choose from Ba"):
        R.runs_of([claims.declared("table6")], claims.regime_named("hard"), ("RB",), None)


def test_what_is_recorded_is_not_trained_again(
    tmp_path: Path, no_training: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "records", BASE, seeds=1)
    done: list[tuple[str, int]] = []
    monkeypatch.setattr(R, "record", lambda plan, run, seed, model: done.append((run, seed)))
    assert R.train_runs(plan(tmp_path)) == []
    assert "Ba/seed0" not in no_training and "Ba/seed1" in no_training
    assert done == [tuple(w.split("/seed")[:1]) + (int(w[-1]),) for w in no_training]


def test_a_record_holds_every_image_and_where_it_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(R.COUNT, "edu", 16)
    wanted = plan(tmp_path, "HR-only")
    monkeypatch.setattr(recording, "sizes_of", lambda run: [128, 32])
    R.record(wanted, "HR-only", 0, "hr-only")
    assert wanted.missing == [] and not wanted.lacking("HR-only", 0)
    rows = read_result(wanted.records / "hard" / "HR-only" / "seed0.csv")["rows"]
    value = {(r["split"], r["metric"], r["resolution"]): r["value"] for r in rows}
    for part in claims.PARTS:
        path = claims.record_path(wanted.records, "hard", "HR-only", 0, part)
        scores = claims.Scores.load(path)
        assert scores.methods == ["HR-only"] and len(scores.clip) == 16
        assert (scores.of("HR-only", 128, "disagreement") == 0).all()
        assert (scores.of("HR-only", 32, "disagreement") > 0).any()
        assert scores.of("HR-only", 32).mean() > scores.of("HR-only", 128).mean()
        pixels = Segmentation.load(claims.pixel_path(wanted.records, "hard", "HR-only", 0, part))
        assert np.array_equal(pixels.clip, scores.clip) and pixels.size == 32
        for metric in METRICS:
            found = value[part, metric, 32]
            assert found == pytest.approx(pixels.pooled(metric).mean, abs=1e-4)
        # They are of the very bodies whose joints were scored.
        again = segmentation_scores(predictor_named("hr-only"), part, 32, 16)
        assert np.array_equal(pixels.parts, again.parts)
        assert np.array_equal(pixels.silhouette, again.silhouette)
    claims.pixel_path(wanted.records, "hard", "HR-only", 0, "test-wild").unlink()
    assert wanted.missing == [] and wanted.lacking("HR-only", 0) == ["the pixels of Table 2"]
    claims.record_path(wanted.records, "hard", "HR-only", 0, "test-lab").unlink()
    assert wanted.missing == [] and wanted.lacking("HR-only", 0)[0] == "test-lab"
    assert replace(wanted, again=True).missing == [("HR-only", 0)]
    about = read_result(wanted.records / "hard" / "HR-only" / "seed0.csv")["provenance"]
    assert about["regime"] == "hard" and about["run"] == "HR-only" and "commit" in about["git"]


def test_a_dry_run_says_what_would_be_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(R, "rate_here", lambda config: 100.0)
    monkeypatch.chdir(tmp_path)
    words = ["reproduce", "table7", "--dry-run", "--fresh", "--seeds", "0", "--out", "mine"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "wo-PT        seed 0  to do" in said and "runs to train, about" in said
    assert not list(tmp_path.iterdir()), "a dry run wrote something"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["table9"], "there is no table 'table9'"),
        (["table6", "--regime", "none"], "run in the regime hard or easy, not none"),
        (["table6", "--rows", "RB"], "there is no row 'RB'"),
        (["table6", "--preset", "hr_only", "--dry-run"], "there is no preset 'hr_only'"),
        (["table6", "--options", "x"], "--options are NAME=VALUE"),
    ],
)
def test_bad_words_are_one_line(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", *words]) != 0
    said = capsys.readouterr().err
    assert complaint in said and len(said.strip().splitlines()) == 1


def test_rows_and_tables_may_stand_anywhere() -> None:
    words = ["table6", "--rows", "Ba", "RA", "--seeds", "0", "1", "--dry-run"]
    other = ["--rows", "Ba", "RA", "table6", "--dry-run", "--seeds", "0", "1"]
    one, two = (parse(["reproduce", *w]) for w in (words, other))
    assert one == two and one.rows == ("Ba", "RA") and one.seeds == (0, 1)
    assert one.tables == ("table6",)
    assert set(type(one).NAMES) == {*claims.names("tables"), *texture_claims.TABLES}
    slurm = parse(["reproduce", "--launcher", "slurm", "--options", "a=1", "b=2", "fig11"])
    assert slurm.options == ("a=1", "b=2") and slurm.tables == ("fig11",)


def test_two_rows_see_the_same_batches() -> None:
    """Per seed every row has the same start, pictures, labels and draws, bit for bit."""
    regime = claims.regime_named("hard")
    people = toy_people()
    made = {}
    for run in ("Ba", "RA+SS+CL", "SS-o"):
        config = R.settings_of(run, 1, regime)
        made[run] = [
            rsc.mixed_batch(
                people, RANGES, step, scales=5, batch=4, seed=config.seed,
                lab_share=config.lab_share, rotation=config.rotation, scale=config.scale,
            )
            for step in (0, 3)
        ]  # fmt: skip
    for run in ("RA+SS+CL", "SS-o"):
        for one, other in zip(made["Ba"], made[run], strict=True):
            assert torch.equal(one.images, other.images)
            assert all(torch.equal(a, b) for a, b in zip(one.labels, other.labels, strict=True))


def test_statistics_are_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSC_CACHE", str(tmp_path))
    people, asked = toy_people(), []

    def batches() -> object:
        asked.append(1)
        rng = torch.Generator().manual_seed(0)
        for _ in range(3):
            yield torch.randn(10, 3, 32, 32, generator=rng), torch.arange(5).repeat_interleave(2)

    def measured(settings: dict) -> list[np.ndarray]:
        torch.manual_seed(0)
        net = RSCNet(TINY).per_range()
        measure_or_load(net, people, settings, batches())  # type: ignore[arg-type]
        norms = [m for m in net.modules() if isinstance(m, RangeNorm)]
        assert all(m.frozen for m in norms)
        return [m.running_var.numpy().copy() for m in norms]

    first, again, other = measured({"seed": 0}), measured({"seed": 0}), measured({"seed": 1})
    assert len(asked) == 2, "the second time it was to be loaded, the third not"
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    for file in (tmp_path / "statistics").glob("*.npz"):
        file.write_bytes(file.read_bytes()[:100])  # a damaged one is measured anew
    assert all(np.array_equal(a, b) for a, b in zip(first, measured({"seed": 0}), strict=True))
    assert len(asked) == 3


def test_the_rate_is_measured() -> None:
    assert NetConfig.edu().image_size == 128
    assert np.isfinite(rate := R.rate_here(load_config("edu"), seconds=0.1)) and rate > 0
