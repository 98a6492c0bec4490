"""Tables, claims and verdicts: declared in YAML, judged from stored errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsclib import claims
from rsclib.claims import PARTS, declared, record_path, recorded, verdict
from rsclib.cli import main
from rsclib.errors import RscError
from rsclib.methods.reproduce import settings_of
from rsclib.methods.result_tables import paper_frame
from rsclib.scores import Scores
from rsclib.statistics import Interval

CLIPS = np.repeat([f"clip{i}" for i in range(8)], 10)
BASE = {"HR-only": 140.0, "Ba": 120.0, "oracle": 100.0}


def write(
    folder: Path,
    means: dict[str, float],
    seeds: int = 3,
    sizes: tuple[int, ...] = (128, 112, 80, 52, 32, 24),
) -> None:
    """Records whose rows differ by exactly what ``means`` say, beside much shared noise."""
    for run, mean in means.items():
        for seed in [0] if run == "HR-only" else range(seeds):
            for part in PARTS:
                shared = np.random.default_rng(7).normal(0, 30, len(CLIPS))
                own = np.random.default_rng([seed, len(run)]).normal(0, 0.5, len(CLIPS))
                errors = {
                    (run, size, metric): mean + shared + own
                    for size in sizes
                    for metric in ("mpjpe", "pa_mpjpe", "disagreement")
                }
                path = record_path(folder, "hard", run, seed, part)
                path.parent.mkdir(parents=True, exist_ok=True)
                Scores(part, CLIPS, errors).save(path)


@pytest.mark.parametrize("name", claims.names("tables"))
def test_every_table_is_declared_whole(name: str) -> None:
    table = declared(name)
    assert not table.has_room or {"HR-only", "Ba", "oracle"} <= set(table.runs)
    for claim in table.claims:
        assert claims.SIZES[claim.range_index] in table.sizes, "the claim's size is not scored"
        assert claim.metric in table.metrics
        at = claim.range_index
        if not table.paper:
            continue  # a question of ours: the paper has no number for it
        printed = [table.in_paper(r, at, claim.metric) for r in (claim.better, claim.than)]
        if "-" in [table.rows[row].paper for row in (claim.better, claim.than)]:
            assert None in printed  # a remark: the paper has no row of that name
            continue
        assert None not in printed, f"the paper has no number for {claim}"
        better, worse = printed if not table.of_pixels else reversed(printed)
        assert better < worse, "the paper itself does not say so"  # type: ignore[operator]


def test_the_claims_of_table_6_are_the_papers() -> None:
    table = declared("table6")
    assert table.in_paper("RA+SS+CL", 4) == 117.12 and table.in_paper("Ba", 4) == 143.63
    assert table.in_paper("Ba-shared", 4) is None
    assert len(table.claims) == 10


def test_the_papers_numbers_are_of_the_data_set_that_is_named() -> None:
    table = declared("table1")
    assert [table.in_paper("Ours", 4, dataset=d) for d in table.datasets] == [117.12, 115.80, 79.59]
    frames = [paper_frame(table, dataset=d)["32 px"] for d in table.datasets]
    assert [frame["SPIN"] for frame in frames] == [137.61, 127.27, 86.17]
    two = declared("table2")
    assert two.of_pixels and not table.of_pixels
    assert two.in_paper("SPIN+fit", 4, "part_f1") == 0.5998


def test_unknown_names_are_one_line() -> None:
    with pytest.raises(
        RscError,
        match="there is no table 'table9'; choose from fig11, labels, table1, table2, table3",
    ):
        declared("table9")
    with pytest.raises(RscError, match="there is no regime 'soft'"):
        claims.regime_named("soft")
    with pytest.raises(RscError, match="there is no row 'RB'"):
        declared("table6").run_of("RB")


def test_no_results_name_the_command(tmp_path: Path) -> None:
    with pytest.raises(RscError, match="run: rsc reproduce table6 --regime easy"):
        recorded("table6", "easy", tmp_path)


@given(low=st.floats(-50, 50), width=st.floats(0, 20))
def test_the_verdict_is_read_from_the_interval(low: float, width: float) -> None:
    said = verdict(Interval(low + width / 2, low, low + width))
    assert said == ("reproduced" if low > 0 else "contradicted" if low + width < 0 else "undecided")


def test_gains_room_and_verdicts(tmp_path: Path) -> None:
    write(tmp_path, BASE | {"RA": 120.0, "RA+SS": 110.0, "RA+SS+CL": 112.0, "Ba+SS": 119.0})
    found = recorded("table6", "hard", tmp_path)
    assert found.rows == ["HR-only", "Ba", "Ba+SS", "RA", "RA+SS", "RA+SS+CL", "oracle"]
    assert found.seeds("RA") == (0, 1, 2) and found.seeds("HR-only") == (0,)
    assert found.gain("RA+SS", "RA", 32).mean == pytest.approx(10, abs=0.3)
    assert found.gain("RA", "HR-only", 32).mean == pytest.approx(20, abs=0.3)
    assert found.room(32).mean == pytest.approx(20, abs=0.3)
    table = found.verdicts().set_index(["better", "than"])
    assert "RA+SS+MS" not in {m for pair in table.index for m in pair}  # it has no record
    said = table["verdict"]
    assert said["RA+SS", "RA"] == "reproduced" and said["RA+SS+CL", "RA+SS"] == "contradicted"
    assert said["RA", "Ba"] == "undecided"
    assert table.loc[("RA+SS", "RA"), "share_of_room"] == pytest.approx(0.5, abs=0.03)
    assert table.loc[("RA+SS", "RA"), "paper_mm"] == pytest.approx(135.29 - 124.23)


def test_there_is_no_share_of_no_room(tmp_path: Path) -> None:
    write(tmp_path, BASE | {"oracle": 120.0, "RA": 117.0})
    table = recorded("table6", "hard", tmp_path).verdicts()
    assert table["share_of_room"].isna().all() and (table["verdict"] == "reproduced").all()
    write(tmp_path, BASE | {"Ba-shared": 117.0, "RA+SS+CL": 110.0})
    five = recorded("table5", "hard", tmp_path).verdicts().set_index(["better", "than", "size"])
    assert np.isnan(five["share_of_room"]["Ours", "SPIN-o", 32])  # HR-only is not one of the rows
    assert five["share_of_room"]["Ours", "SPIN", 32] == pytest.approx(0.35, abs=0.03)


def test_a_gain_and_its_opposite(tmp_path: Path) -> None:
    write(tmp_path, BASE | {"RA": 117.0})
    found = recorded("table6", "hard", tmp_path)
    one, other = found.gain("RA", "Ba", 32), found.gain("Ba", "RA", 32)
    assert one.mean == -other.mean and one.low <= one.mean <= one.high
    assert found.gain("Ba", "Ba", 32) == Interval(0, 0, 0)


def test_only_common_seeds_are_paired(tmp_path: Path) -> None:
    write(tmp_path, BASE)
    write(tmp_path, {"RA": 117.0}, seeds=2)
    found = recorded("table6", "hard", tmp_path)
    pairs = [found.errors("Ba", 32)[s] - found.errors("RA", 32)[s] for s in range(2)]
    assert found.gain("RA", "Ba", 32).mean == pytest.approx(np.mean(pairs))


def test_a_row_without_record_says_what_to_run(tmp_path: Path) -> None:
    write(tmp_path, BASE)
    with pytest.raises(RscError, match=r"rsc reproduce .*--rows RA"):
        recorded("table6", "hard", tmp_path).mean("RA", 32)


@pytest.mark.parametrize("regime", ["hard", "easy"])
def test_rows_differ_in_what_they_name_alone(regime: str) -> None:
    """The same start, data, draws and images seen in all rows of a regime."""
    chosen = claims.regime_named(regime)
    made = {run: settings_of(run, 1, chosen) for run in claims.run_changes()}
    full = made["RA+SS+CL"]
    for run, config in made.items():
        for name in (
            "init",
            "lab",
            "wild",
            "lab_share",
            "people_seed",
            "batch",
            "lr",
            "seed",
            "steps",
        ):
            assert getattr(config, name) == getattr(full, name), f"{run} has another {name}"
        if run not in ("oracle",):
            assert (config.jitter, config.missing, config.swapped) == (full.jitter, full.missing, full.swapped)  # fmt: skip
    assert made["RA"].loss.ss == "none" and made["RA"].learn_alpha
    assert not made["Ba"].learn_alpha and made["Ba+SS"].loss.feat == "none"
    assert made["wo-PT"].schedule == ((5, full.steps),)
    assert made["oracle"].wild_labels == "full" and made["oracle"].jitter == 0


def test_what_is_not_trained_is_known() -> None:
    assert {"HR-only", "Ours-single"} <= claims.untrained()
    assert not {"Ours-video", "RA+SS+CL", "oracle"} & claims.untrained()
    with pytest.raises(RscError, match="there is no run 'Ours-single'; choose from VIBE"):
        settings_of("Ours-single", 0, claims.regime_named("video"))


def test_the_video_rows_differ_in_what_they_name_alone() -> None:
    regime = claims.regime_named("video")
    names = [run for run in claims.run_changes("video_runs") if run not in claims.untrained()]
    made = {run: vars(settings_of(run, 1, regime)) for run in names}
    full = made.pop("Ours-video")
    differing = {run: {k for k in full if full[k] != other[k]} for run, other in made.items()}
    assert differing == {
        "VIBE": {"net"}, "Ours-video, no critic": {"critic"}, "Ours-video, as VIBE starts": {"start"},
    }  # fmt: skip


def test_tables_of_one_regime_are_run_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert claims.tables_of("video") == ["table3"] and "table3" not in claims.tables_of("hard")
    assert main(["reproduce", "table3", "table6", "--dry-run"]) == 2
    assert "table6 is run in the regime hard or easy, not video" in capsys.readouterr().err
