"""ReID on a street's tracklets: who is cut out, what is counted; the clip is there or one line says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from benchmarks.reid import (
    EARLY,
    LATE,
    histograms,
    main,
    pixels,
    seen_together,
    street_pictures,
    street_rows,
)  # fmt: skip
from rsclib.runs.results import read_result
from rsclib.tracks import track
from tests.clips import Clip, Walker

ROOT = Path(__file__).parents[1]
FLOORS = {"8 x 16 pixels": pixels, "colour histograms": histograms}


def test_crops_are_of_the_person_early_and_late() -> None:
    clip = Clip([Walker(10, 20, 2.0), Walker(150, 50, -1.5, level=0)], count=60)
    tracks = track(clip)
    early, late = street_pictures(clip, tracks)
    assert early.shape == late.shape == (len(tracks), 128, 64, 3) and len(tracks) == 2
    levels = {one.person: e[60:68, 30:34].mean() for one, e in zip(tracks, early, strict=True)}
    assert sorted(round(v / 250) for v in levels.values()) == [0, 1]  # one is dark, one is bright
    for k, one in enumerate(tracks):
        assert abs(late[k, 60:68, 30:34].mean() - early[k, 60:68, 30:34].mean()) < 5
        rows = [round(share * (len(one.frames) - 1)) for share in (EARLY, LATE)]
        assert one.frames[rows[1]] - one.frames[rows[0]] > 20


def test_who_was_seen_together() -> None:
    clip = Clip([Walker(10, 20, 1.0, last=40), Walker(150, 50, -1.5, first=30)], count=90)
    apart = Clip([Walker(10, 20, 1.0, last=30), Walker(150, 50, -1.5, first=40)], count=90)
    assert seen_together(track(clip)).all() and len(track(clip)) == 2
    assert np.array_equal(seen_together(track(apart)), np.eye(2, dtype=bool))


def pictures(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 128, 64, 3)).astype(np.uint8)


def test_what_is_counted() -> None:
    people = pictures(9, 0)
    late = people.copy()
    late[[0, 1]] = people[[1, 0]]  # two are taken for one another
    knows = {"eyes": lambda p: p[:, ::16, ::16].reshape(len(p), -1).astype(np.float32) - 127}
    alone = np.eye(9, dtype=bool)
    alone[0, 1] = alone[2, 3] = True  # contemporaries of two who ask
    rows = street_rows(knows | FLOORS, people, late, alone, list(FLOORS))
    at = {(r["method"], r["metric"], r["resolution"]): r for r in rows}
    row = at["eyes", "rank1", 128]
    wilson = binomtest(7, 9).proportion_ci(method="wilson")
    assert row["value"] == pytest.approx(100 * 7 / 9, abs=0.01)
    assert (row["low"], row["high"]) == pytest.approx(
        (100 * wilson.low, 100 * wilson.high), abs=0.01
    )
    assert 100 * 7 / 9 < at["eyes", "map", 128]["value"] < 100
    lead = at["eyes", "rank1 minus 8 x 16 pixels", 128]["value"]
    assert lead == pytest.approx(
        row["value"] - at["8 x 16 pixels", "rank1", 128]["value"], abs=0.02
    )
    # Asked among contemporaries only person 0 is still taken for another.
    assert at["eyes", "rank1 among contemporaries", 32]["value"] == pytest.approx(800 / 9, abs=0.01)
    assert at["eyes", "map among contemporaries", 32]["value"] == pytest.approx(850 / 9, abs=0.01)
    assert at["chance", "rank1", 32]["value"] == pytest.approx(100 / 9, abs=0.01)
    assert at["chance", "rank1 among contemporaries", 32]["value"] == pytest.approx(
        800 / 9, abs=0.01
    )
    assert {r["images"] for r in rows} == {9} and {r["split"] for r in rows} == {"street"}


def test_without_the_clip_there_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RSC_CACHE", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["reid", "--street", "--out", str(tmp_path / "x.csv")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2 and not (tmp_path / "x.csv").exists()
    said = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
    assert len(said) == 1 and "rsc fetch street" in said[0]


def test_the_record() -> None:
    result = read_result(ROOT / "results/open/reid_street.csv")
    config = result["provenance"]["config"]
    rows = {(r["method"], r["metric"], r["resolution"]): r for r in result["rows"]}
    assert {r["images"] for r in result["rows"]} == {config["people"]}
    for method in ("reid", *FLOORS):
        for height in (128, 32):
            row = rows[method, "rank1", height]
            right = row["value"] * row["images"] / 100
            assert right == pytest.approx(round(right), abs=0.01)
            assert row["low"] <= row["value"] <= row["high"]
            assert rows[method, "map", height]["value"] >= row["value"]
