"""The committed records of the ablation: clean, whole, and what the tables are made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rsclib import claims
from rsclib.methods import plain_config
from rsclib.methods.reproduce import settings_of
from rsclib.methods.result_tables import write_tables
from rsclib.runs.results import read_result
from rsclib.scores import Scores

RECORDS = sorted(claims.RECORDS.glob("*/*/seed*.json"))
NAMES = [f"{p.parents[1].name}/{p.parent.name}/{p.stem}" for p in RECORDS]


def test_there_are_records() -> None:
    assert len(RECORDS) > 10
    assert {p.parents[1].name for p in RECORDS} <= set(claims.names("regimes"))


@pytest.mark.parametrize("path", RECORDS, ids=NAMES)
def test_a_record_says_where_it_comes_from(path: Path) -> None:
    regime, run, seed = path.parents[1].name, path.parent.name, int(path.stem[4:])
    document = read_result(path)
    about = document["provenance"]
    assert (about["regime"], about["run"], about["seed"]) == (regime, run, seed)
    assert about["git"]["dirty"] is False, "measured with changed files"
    if run != claims.START:
        wanted = plain_config(settings_of(run, seed, claims.regime_named(regime)))
        assert about["config"] == wanted, "trained with other settings than are declared"
    values = {(r["split"], r["metric"], r["resolution"]): r["value"] for r in document["rows"]}
    for part in claims.PARTS:
        scores = Scores.load(claims.record_path(claims.RECORDS, regime, run, seed, part))
        assert scores.part == part and scores.methods == [run]
        assert sorted({s for _, s, _ in scores.errors}, reverse=True) == claims.sizes_of(run)
        for (_, size, metric), errors in scores.errors.items():
            assert values[part, metric, size] == pytest.approx(errors.mean(), abs=0.01)
            assert np.array_equal(errors * 32, (errors * 32).round())


@pytest.mark.parametrize("table", claims.names("tables"))
def test_the_tables_are_made_of_the_records(table: str, tmp_path: Path) -> None:
    for path in claims.RECORDS.glob("*/*/*"):
        copy = tmp_path / path.relative_to(claims.RECORDS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.symlink_to(path)
    written = write_tables([table], tmp_path)
    assert written
    for path in written:
        committed = claims.RECORDS / path.name
        if path.suffix == ".md":
            assert path.read_text() == committed.read_text(), f"run: rsc reproduce {table}"
        else:
            assert read_result(path)["rows"] == read_result(committed)["rows"]
