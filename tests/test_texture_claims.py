"""Tables 4 and 8: what is declared, intervals over people and seeds, verdicts, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsclib import claims
from rsclib.cli import main, parse
from rsclib.errors import RscError
from rsclib.methods import load_config, plain_config
from rsclib.methods import texture_recording as T
from rsclib.methods.texture_rows import texture_runs
from rsclib.methods.texture_tables import write_texture_tables
from rsclib.runs.results import read_result, write_result
from rsclib.scores import Scores
from rsclib.texture_claims import (
    MEASURES,
    PART,
    ROWS,
    TABLES,
    texture_record,
    texture_records,
    texture_table_of,
    verdicts_text,
)
from rsclib.votes import share_of

PEOPLE = np.array([f"person {k}" for k in range(30)])
ABOUT: dict[str, Any] = {
    "config": {}, "seed": 0, "git": {}, "versions": {}, "machine": {}, "seconds": 0.0,
    "images_seen": 0, "date": "", "lpips": {"LPIPS (AlexNet)": "a file that was named"},
}  # fmt: skip


def write(folder: Path, shift: dict[str, float], seeds: int = 2, lpips: bool = True) -> None:
    """Records whose rows differ from one another by ``shift``, beside much that all people share."""
    shared = np.random.default_rng(0).normal(0, 5, len(PEOPLE))
    for run, by in shift.items():
        for seed in range(seeds):
            own = np.random.default_rng([seed, len(run)]).normal(0, 0.02, len(PEOPLE))
            errors = {
                (run, ROWS, m.column): 60 + by + shared + own
                for key, m in MEASURES.items()
                if lpips or "lpips" not in key
            }
            path = texture_record(folder, run, seed)
            path.parent.mkdir(parents=True, exist_ok=True)
            Scores(PART, PEOPLE, errors).save(path)
            write_result(path.with_name(f"seed{seed}.csv"), [], ABOUT)


@pytest.mark.parametrize("name", TABLES)
def test_every_claim_is_the_papers_or_said_to_be_beside_it(name: str) -> None:
    table = texture_table_of(name)
    assert set(table.rows.values()) <= texture_runs().keys()
    for claim in table.claims:
        printed = [table.in_paper(row, claim.metric) for row in (claim.better, claim.than)]
        if claim.text.startswith("beside the paper"):
            assert printed == [None, None]
        else:
            assert None not in printed and printed[0] < printed[1]  # type: ignore[operator]
    assert (
        table.paper_frame().loc["TexGlo" if name == "table4" else "w/ Glo-S", "ReID loss"] == 59.89
    )


def test_presets_are_whole_settings() -> None:
    for preset in ("edu", "ci", "paper"):
        runs = texture_runs(preset, seed=2)
        assert {c.images_seen for c in runs.values()} == {runs["TexGlo"].images_seen}
        assert all(c.seed == 2 for c in runs.values())
    assert load_config("texglo") == texture_runs()["TexGlo"], "the shipped model is a row"
    with pytest.raises(RscError, match="no preset 'huge'"):
        texture_runs("huge")


def test_gains_are_paired_and_signed(tmp_path: Path) -> None:
    """A difference of 0.1 beside a spread of 5 over people is seen; more PSNR is better, more loss worse."""
    write(tmp_path, {"TexGlo": 0.1, "wo-Glo": 0.0, "Glo-C": 0.1005})
    found = texture_records("table8", tmp_path)
    assert found.rows == ["w/o Glo", "w/ Glo-C", "w/ Glo-S"]
    loss = found.gain("w/ Glo-S", "w/o Glo", "reid")
    assert loss.high < 0 and loss.mean == pytest.approx(-0.1, abs=0.02)
    dB = found.gain("w/ Glo-S", "w/o Glo", "uv_psnr")
    assert dB.low > 0 and dB.mean == pytest.approx(-loss.mean)
    verdicts = found.verdicts()
    said = dict(zip(verdicts["claim"], verdicts["verdict"], strict=True))
    assert said["the global context helps"] == "contradicted"
    assert (
        said["beside the paper: the global context brings the map nearer to the truth"]
        == "reproduced"
    )
    assert said["a sum beats a concatenation"] == "undecided"
    assert "the extra up-sampling layer helps" not in said, "a row is missing"
    assert (verdicts["seeds"] == 2).all()
    assert set(found.verdicts("ssim")["metric"]) == {"ssim"}
    spread = found.mean("w/ Glo-S", "reid")
    assert spread.high - spread.low > 10 * (loss.high - loss.low), "the pairing wins nothing"
    text = verdicts_text(verdicts)
    assert "contradicted" in text and "-0.10 [" in text


@settings(max_examples=10)
@given(st.integers(1, 3), st.floats(-1, 1))
def test_a_gain_turns_round_with_its_rows(
    tmp_path_factory: pytest.TempPathFactory, seeds: int, by: float
) -> None:
    folder = tmp_path_factory.mktemp("records")
    write(folder, {"TexGlo": by, "Baseline-star": 0.0}, seeds)
    found = texture_records("table4", folder)
    one = found.gain("TexGlo", "Baseline-star", "psnr")
    other = found.gain("Baseline-star", "TexGlo", "psnr")
    assert one.mean == pytest.approx(-other.mean)
    values = found.values("TexGlo", "psnr") - found.values("Baseline-star", "psnr")
    assert values.shape == (seeds, len(PEOPLE)) and one.mean == pytest.approx(values.mean())
    assert one.low <= one.mean <= one.high


def test_only_common_seeds_are_compared(tmp_path: Path) -> None:
    write(tmp_path, {"TexGlo": 0.0}, 3)
    write(tmp_path, {"Baseline-star": 1.0}, 1)
    found = texture_records("table4", tmp_path)
    assert found.verdicts()["seeds"].tolist() == [1, 1, 1]
    texture_record(tmp_path, "TexGlo", 0).unlink()
    lonely = texture_records("table4", tmp_path)
    assert lonely.verdicts().empty
    with pytest.raises(RscError, match="no seed in common"):
        lonely.gain("TexGlo", "Baseline-star", "reid")
    with pytest.raises(RscError, match="rsc reproduce table4 --rows Baseline-dagger"):
        lonely.values("Baseline-dagger", "reid")


def test_without_lpips_there_is_no_such_column(tmp_path: Path) -> None:
    write(tmp_path, {"TexGlo": 0.0, "Baseline-star": 1.0}, lpips=False)
    found = texture_records("table4", tmp_path)
    assert "lpips" not in found.measures and "LPIPS" not in found.frame().to_markdown()
    assert set(found.verdicts()["metric"]) == {"reid", "uv_psnr"}


def test_what_does_not_fit_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RscError, match="run: rsc reproduce table4"):
        texture_records("table4", tmp_path)
    with pytest.raises(RscError, match="table4, table8, not 'table5'"):
        texture_table_of("table5")
    write(tmp_path, {"TexGlo": 0.0, "Glo-C": 0.0}, 1)
    path = texture_record(tmp_path, "Glo-C", 0)
    Scores(PART, PEOPLE[::-1].copy(), Scores.load(path).errors).save(path)
    with pytest.raises(RscError, match="other people"):
        texture_records("table8", tmp_path)


def test_written_tables_say_what_the_records_do(tmp_path: Path) -> None:
    write(tmp_path / "r", {"TexGlo": -2.0, "Baseline-star": 0.0, "Baseline": 3.0})
    files = write_texture_tables(["table4"], tmp_path, tmp_path / "r")
    assert [f.name for f in files] == ["table4.csv", "table4.md"]
    rows = pd.DataFrame(read_result(files[0])["rows"]).set_index(["method", "metric"])
    found = texture_records("table4", tmp_path / "r")
    mean, low, high = found.mean("TexGlo", "cosine")
    assert rows.loc[("TexGlo", "reid_cosine"), ["value", "low", "high"]].tolist() == pytest.approx(
        [mean, low, high], rel=1e-5
    )
    text = files[1].read_text()
    assert "## The paper" in text and "59.89" in text.partition("## The paper")[2]
    assert "59.89" not in text.partition("## The paper")[0]
    assert "LPIPS (AlexNet): a file that was named" in text


def test_rows_seeds_and_runs() -> None:
    assert T.texture_runs_of(["table8"], ["w/ Glo-S", "Glo-C"], [1, 1, 0]) == (
        ("Glo-C", 1), ("TexGlo", 1), ("Glo-C", 0), ("TexGlo", 0),
    )  # fmt: skip
    both = T.texture_runs_of(["table4", "table8"], [], None)
    assert len(both) == 18 and len(set(both)) == 18
    assert [seed for _, seed in both[:6]] == [0] * 6, "a table is whole early"
    with pytest.raises(RscError, match="no row 'Glo-X'; choose from"):
        T.texture_runs_of(["table8"], ["Glo-X"], None)
    with pytest.raises(RscError, match="0 or more"):
        T.texture_runs_of(["table8"], [], [-1])


def test_what_is_missing(tmp_path: Path) -> None:
    write(tmp_path, {"TexGlo": 0.0}, 1)
    plan = T.TexturePlan("ci", (("TexGlo", 0), ("TexGlo", 1), ("Glo-C", 0)), tmp_path, tmp_path)
    assert plan.missing == [("TexGlo", 1), ("Glo-C", 0)]
    jobs = plan.jobs()
    assert [str(j.folder) for j in jobs] == ["textures/TexGlo/seed1", "textures/Glo-C/seed0"]
    assert jobs[0].config == texture_runs("ci", seed=1)["TexGlo"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["table4", "table5"], "name table5 by itself"),
        (["table8", "--regime", "hard"], "leave --regime out"),
        (["table8", "--again"], "--again is for what older records of table1 and table2 lack"),
        (["table4", "--rows", "RA"], "there is no row 'RA'"),
        (["table4", "--preset", "hr_only"], "no preset 'hr_only'"),
        (["table4", "--launcher", "moon"], "local or slurm"),
        (["table5", "--lpips-weights", "x"], "--lpips-weights is for table4 and table8"),
    ],
)
def test_bad_words_are_one_line(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", *words, "--dry-run"]) == 2
    said = capsys.readouterr().err
    assert complaint in said and len(said.strip().splitlines()) == 1


def test_a_dry_run_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(T, "seconds_a_step", lambda config: 0.6)
    monkeypatch.chdir(tmp_path)
    words = ["reproduce", "table8", "--dry-run", "--fresh", "--seeds", "0", "--out", "mine"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "wo-Glo           seed 0  to do" in said and "4 of 4 runs to train" in said
    assert not list(tmp_path.iterdir())


def test_the_command_records_tables_and_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With trainings and scores replaced: fresh ones are kept apart and compared with the committed."""
    monkeypatch.setattr(T, "seconds_a_step", lambda config: 0.6)
    committed = tmp_path / "committed"
    write(committed, {"TexGlo": 0.0, "Baseline-star": 1.0})
    monkeypatch.setattr("rsclib.texture_claims.texture_records.__defaults__", (committed,))
    plans = []

    def trained(plan: T.TexturePlan, *rest: Any) -> list[str]:
        plans.append(plan)
        write(plan.records, {"TexGlo": 0.1}, 1)
        return []

    monkeypatch.setattr(T, "train_textures", trained)
    out = tmp_path / "out"
    words = [
        "reproduce",
        "--fresh",
        "--rows",
        "TexGlo",
        "--seeds",
        "0",
        "--out",
        str(out),
        "table4",
    ]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert plans[0].missing == [] and plans[0].runs == (("TexGlo", 0),)
    assert "inside its interval" in said and "## The paper" in said
    assert (out / "edu-fresh" / "table4.md").is_file()
    assert parse(words).lpips_weights is None


RECORDED = sorted((claims.RECORDS / "textures").glob("*/seed*.json"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_a_committed_record_says_where_it_comes_from(path: Path) -> None:
    run, seed = path.parent.name, int(path.stem[4:])
    document = read_result(path)
    about = document["provenance"]
    assert (about["run"], about["seed"]) == (run, seed)
    assert about["git"]["dirty"] is False and about["trained_at"]["dirty"] is False
    assert about["config"] == plain_config(texture_runs(seed=seed)[run])
    scores = Scores.load(texture_record(path.parents[1], run, seed))
    values = {r["metric"]: r["value"] for r in document["rows"]}
    assert len(scores.clip) == 128 and len(set(scores.clip)) == 128
    for (method, rows, metric), errors in scores.errors.items():
        assert (method, rows) == (run, ROWS)
        assert values[metric] == pytest.approx(errors.mean(), rel=1e-4)


@pytest.mark.parametrize("name", [n for n in TABLES if (claims.RECORDS / f"{n}.csv").is_file()])
def test_the_committed_tables_are_made_of_the_records(name: str, tmp_path: Path) -> None:
    write_texture_tables([name], tmp_path, claims.RECORDS / "textures")
    for end in (".csv", ".md"):
        committed = (claims.RECORDS / f"{name}{end}").read_text()
        assert (tmp_path / f"{name}{end}").read_text() == committed, f"run: rsc reproduce {name}"


@pytest.mark.skipif(not RECORDED, reason="no records")
def test_what_lesson_28_says_of_the_records() -> None:
    """Its sentences are of these records: where a new seed turns one, the lesson needs another."""
    found = texture_records("table4")
    said = found.verdicts()[["metric", "verdict"]].values.tolist()
    assert said == [
        ["reid", "contradicted"], ["lpips", "undecided"], ["reid", "undecided"],
        ["lpips", "undecided"], ["reid", "contradicted"], ["lpips", "undecided"],
        ["uv_psnr", "undecided"],
    ]  # fmt: skip
    assert texture_records("table8").verdicts()["verdict"].tolist() == [
        "reproduced", "contradicted", "undecided", "reproduced", "contradicted"
    ]  # fmt: skip
    tables = [texture_records(name) for name in TABLES]
    apart = [
        abs(float(np.diff(t.values(row, "reid").mean(1))[0])) for t in tables for row in t.rows
    ]
    assert round(max(apart)) == 77
    for order in (t.frame() for t in tables):
        columns = (f"{kind}LPIPS (AlexNet)" for kind in ("", "ST-"))
        lpips, shifted = (order[column].astype(float).rank().tolist() for column in columns)
        assert lpips != shifted
    for key in ("uv_ssim", "unseen_ssim"):
        assert found.gain("TexGlo", "Baseline-star", key).low > 0
    for key in ("uv_psnr", "unseen_psnr", "psnr"):
        gain = found.gain("TexGlo", "Baseline-star", key)
        assert gain.low < 0 < gain.mean
    won = found.values("TexGlo", "reid")[0] < found.values("Baseline-star", "reid")[0]
    chance = share_of(int(won.sum()), len(won))
    assert chance.low < 0.5 < chance.high


@pytest.mark.skipif(not RECORDED, reason="no records")
def test_the_numbers_that_lessons_25_and_28_name() -> None:
    four, eight = (texture_records(name) for name in TABLES)
    ours, base = (four.values(row, "reid") for row in ("TexGlo", "Baseline-star"))
    assert (base - ours).mean(1).round().tolist() == [-12, -88, -59]
    sums = eight.values("w/ Glo-C", "reid") - eight.values("w/ Glo-S", "reid")
    assert sums.mean(1).round().tolist() == [33, -43, -20]
    nearer = four.values("TexGlo", "uv_psnr") > four.values("Baseline-star", "uv_psnr")
    assert (ours < base).sum(1)[1:].tolist() == [14, 34]
    assert nearer.sum(1).tolist() == [97, 40, 85]
    mesh = four.gain("Baseline-dagger", "Baseline", "psnr")
    assert mesh.low > 0 and round(mesh.mean, 2) == 0.06
