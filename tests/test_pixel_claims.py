"""Table 2 from records: pooled numbers, gains, verdicts, and what old records lack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from rsclib import pixel_claims as P
from rsclib.claims import PARTS, pixel_path
from rsclib.cli import main
from rsclib.commands import reproducing
from rsclib.errors import RscError
from rsclib.methods.result_tables import write_tables
from rsclib.pixels import METRICS, Segmentation, accuracy, confusion, f1, over_clips
from rsclib.runs.results import read_result
from tests.test_claims import BASE, CLIPS, write

ROWS = {"HMR": 0.70, "Ba-shared": 0.75, "RA+SS+CL": 0.80, "HR-only": 0.72}


def counted(right: float, seed: int, part: str = PARTS[0]) -> Segmentation:
    """Pixels of which a share is right; the rest are anything."""
    rng = np.random.default_rng([seed, int(right * 100)])
    truth = rng.integers(0, 7, (len(CLIPS), 20, 20))
    found = np.where(rng.random(truth.shape) < right, truth, rng.integers(0, 7, truth.shape))
    t, f = torch.from_numpy(truth), torch.from_numpy(found)
    two, six = confusion((t > 0).long(), (f > 0).long(), 2), confusion(t, f, 7)
    return Segmentation(part, 32, CLIPS, two, six)


def records(folder: Path, rows: dict[str, float] = ROWS, seeds: int = 2, pixels: int = 2) -> None:
    """Records of some seeds, of which the last ``pixels`` have counted pixels."""
    write(folder, dict.fromkeys(rows, 100.0) | BASE, seeds)
    for run, right in rows.items():
        for seed in [0] if run == "HR-only" else range(seeds - pixels, seeds):
            for part in PARTS:
                counted(right, seed, part).save(pixel_path(folder, "hard", run, seed, part))


def test_a_number_is_of_all_pixels_of_all_seeds(tmp_path: Path) -> None:
    records(tmp_path)
    found = P.segmented("hard", tmp_path)
    assert found.rows == ["HR-only", "HMR", "SPIN", "Ours"] and found.seeds("Ours") == (0, 1)
    both = [counted(0.80, seed) for seed in (0, 1)]
    for metric in METRICS:
        sums = sum(s.counts(metric).sum(0) for s in both)
        wanted = float((f1 if metric.endswith("f1") else accuracy)(sums))
        value = found.value("Ours", metric)
        assert value.mean == pytest.approx(wanted) and value.low < wanted < value.high
        assert found.frame()[metric]["Ours"] == value.mean
    with pytest.raises(RscError, match="run: rsc reproduce table2 --rows ImgSR"):
        found.value("ImgSR", "part_f1")


def test_gains_are_paired_and_in_points(tmp_path: Path) -> None:
    records(tmp_path)
    found = P.segmented("hard", tmp_path)
    ours, theirs = ([counted(r, s) for s in (0, 1)] for r in (0.80, 0.70))
    for metric in METRICS:
        scale = 100 if metric.endswith("f1") else 1
        wanted = [scale * v for v in over_clips(ours, theirs, metric)]
        assert found.gain("Ours", "HMR", metric) == pytest.approx(tuple(wanted))
        assert found.gain("HMR", "Ours", metric).mean == pytest.approx(-wanted[0])
    # What is not trained anew is the same beside every seed.
    assert found.common("Ours", "HR-only") == (0, 1) == found.common("HR-only", "Ours")
    assert found.gain("Ours", "HR-only", "part_f1").low > 0
    said = found.verdicts().set_index(["than", "metric"])
    assert set(said["verdict"]["HMR"]) == {"reproduced"} and len(said) == 8
    assert said["paper"]["HMR", "part_f1"] == pytest.approx(100 * (0.6159 - 0.5145))
    assert said["paper"]["SPIN", "silhouette_accuracy"] == pytest.approx(0.18)


def test_a_row_that_is_worse_contradicts(tmp_path: Path) -> None:
    records(tmp_path, ROWS | {"RA+SS+CL": 0.60})
    assert set(P.segmented("hard", tmp_path).verdicts()["verdict"]) == {"contradicted"}


def test_old_records_are_not_measured_and_say_what_to_run(tmp_path: Path) -> None:
    records(tmp_path, seeds=3, pixels=1)
    found = P.segmented("hard", tmp_path)
    assert found.seeds("HMR") == (2,) and ("HMR", 0) in found.without
    said = found.not_measured()
    for line in (
        "Not measured: SPIN+fit, ImgSR, FeaEN, FeaEN-WGAN; "
        "`rsc reproduce table2 --rows SPIN+fit ImgSR FeaEN FeaEN-WGAN`",
        "recorded before there was Table 2: HMR, Ba-shared, RA+SS+CL, seeds 0, 1; "
        "`rsc reproduce table2 --rows HMR SPIN Ours --seeds 0 1 --again`",
        "Ba, oracle, seeds 0, 1, 2; `rsc reproduce table2 --rows Ba oracle --seeds 0 1 2 --again`",
    ):
        assert line in said
    assert found.common("Ours", "HMR") == (2,)
    # A file more, and only the claims that it makes possible are judged.
    (pixel_path(tmp_path, "hard", "HMR", 2, PARTS[0])).unlink()
    assert set(P.segmented("hard", tmp_path).verdicts()["than"]) == {"SPIN"}
    with pytest.raises(RscError, match="no seed with counted pixels in common"):
        P.segmented("hard", tmp_path).gain("Ours", "HMR", "part_f1")


def test_a_table_of_old_records_alone_is_not_written(tmp_path: Path) -> None:
    write(tmp_path, {"HMR": 100.0} | BASE, 2)
    assert write_tables(["table2"], tmp_path) == []
    found = P.segmented("hard", tmp_path)
    assert found.rows == [] and found.verdicts().empty and "--again" in found.not_measured()
    with pytest.raises(RscError, match="run: rsc reproduce table2 --regime easy"):
        P.segmented("easy", tmp_path)


def test_the_table_is_written_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    records(tmp_path)
    csv, text = write_tables(["table2"], tmp_path)
    rows = {(r["method"], r["split"], r["metric"]): r for r in read_result(csv)["rows"]}
    found = P.segmented("hard", tmp_path)
    assert len(rows) == 4 * 2 * 4
    for metric in METRICS:
        row, value = rows["Ours", PARTS[0], metric], found.value("Ours", metric)
        assert (row["value"], row["low"], row["high"]) == pytest.approx(tuple(value), abs=1e-5)
        assert (row["seeds"], row["images"], row["resolution"]) == (2, len(CLIPS), 32)
    words = text.read_text()
    assert "| H-acc, %" in words and "SPIN+fit: SPIN as it was published" in words
    assert "0.6159" in words and "Not measured: SPIN+fit" in words
    assert f"{found.value('Ours', 'part_f1').mean:.3f} [" in words
    monkeypatch.setattr("rsclib.claims.RECORDS", tmp_path)
    monkeypatch.setattr(reproducing, "_at_once", lambda cluster: 1)
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", "table2", "--rows", "HMR", "Ours", "--seeds", "0", "1"]) == 0
    said = capsys.readouterr().out
    assert "nothing to train" in said and "In the paper (LSP)" in said
    assert "RSC-Net beats an adversarial prior (HMR)" in said and "Not measured" in said
