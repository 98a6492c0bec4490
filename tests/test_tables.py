"""The paper's numbers equal a second transcription; measured ones stay in their own column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rsclib.errors import RscError
from rsclib.runs.provenance import provenance
from rsclib.runs.results import read_result, write_result
from rsclib.tables import PAPER_COLUMNS, PAPER_FOLDER, paper_table, results_table

# Typed from the paper's pages in the layout printed there, not from results/paper.
# A header of dataset, metric and (where printed) resolution, then one line per method.
TABLE_1 = """
3DPW MPJPE | 3DPW MPJPE-PA | MPI-INF-3DHP MPJPE | MPI-INF-3DHP MPJPE-PA | H36M MPJPE | H36M MPJPE-PA
HMR   | 142.29 79.73 133.25 85.30 93.08 63.96
SPIN  | 137.61 78.44 127.27 83.38 86.17 57.35
ImgSR | 146.58 81.07 125.91 83.52 87.23 57.06
FeaEN | 143.51 77.21 124.99 81.80 93.88 62.70
Ours  | 117.12 67.59 115.80 78.68 79.59 53.56
"""
TABLE_2 = """
        LSP H-acc | LSP H-f1 | LSP P-acc | LSP P-f1
HMR   | 89.33 0.8273 84.73 0.5145
SPIN  | 90.00 0.8384 87.09 0.5998
ImgSR | 89.75 0.8308 87.07 0.5955
FeaEN | 89.57 0.8287 86.71 0.5843
Ours  | 90.18 0.8412 87.43 0.6159
"""
TABLE_3_3DPW = """
              3DPW MPJPE | 3DPW MPJPE-PA | 3DPW ACC | 3DPW ACC-ERR
VIBE        | 135.05 77.94 52.99 54.07
Ours-single | 141.87 75.04 90.61 91.12
Ours-video  | 123.14 72.64 48.63 49.58
"""
TABLE_3_H36M = """
              H36M MPJPE | H36M MPJPE-PA | H36M ACC | H36M ACC-ERR
VIBE        | 122.16 82.19 72.67 68.48
Ours-single | 135.09 75.72 170.35 162.33
Ours-video  | 84.10 60.04 63.23 60.80
"""
TABLE_4 = """
                  Market-1501 ReID loss | Market-1501 LPIPS
Baseline        | 60.61 0.2170
Baseline-dagger | 60.41 0.2156
Baseline-star   | 60.21 0.2120
TexGlo          | 59.89 0.2094
"""
TABLE_5 = """
         3DPW MPJPE 224 | 3DPW MPJPE 32 | MPI-INF-3DHP MPJPE 224 | MPI-INF-3DHP MPJPE 32
SPIN-o | 97.18 149.31 103.39 147.67
SPIN   | 113.24 137.61 108.80 127.27
Ours   | 96.60 117.12 103.50 115.80
"""
WIDE = (
    "3DPW MPJPE 176 | 3DPW MPJPE 96 | 3DPW MPJPE 52 | 3DPW MPJPE 32 | "
    "3DPW MPJPE-PA 176 | 3DPW MPJPE-PA 96 | 3DPW MPJPE-PA 52 | 3DPW MPJPE-PA 32"
)
TABLE_6 = f"""
           {WIDE}
Ba       | 112.26 115.18 124.88 143.63 65.04 66.41 71.12 79.43
Ba+SS    | 107.51 109.58 116.54 128.88 62.32 63.27 66.78 72.49
Ba+SS+CL | 106.06 107.75 112.44 123.63 63.25 64.07 66.04 70.86
RA       | 111.55 112.18 118.70 135.29 64.53 68.88 68.01 75.49
RA+SS    | 102.56 104.18 110.17 124.23 60.17 60.84 63.71 69.87
RA+SS+MS | 105.96 106.15 111.33 124.85 60.90 61.76 64.55 70.40
RA+SS+CD | 104.95 105.96 111.41 125.08 61.29 61.91 64.30 70.17
RA+SS+CL | 96.36 97.36 103.49 117.12 58.98 59.34 61.81 67.59
"""
TABLE_7 = f"""
             {WIDE}
w/o PT     | 105.11 106.60 113.41 127.05 61.46 62.22 65.47 71.30
w/ SS-o    | 143.31 142.32 145.61 156.25 77.75 77.51 79.06 82.97
w/ SS-h    | 104.16 105.24 109.94 122.01 62.46 62.73 64.47 68.89
full model | 96.36 97.36 103.49 117.12 58.98 59.34 61.81 67.59
"""
TABLE_8 = """
                Market-1501 ReID loss
w/o Up & Glo  | 60.21
w/o Glo       | 60.14
w/ Glo-C      | 60.25
w/ Glo-S      | 59.89
"""
PRINTED: dict[int, tuple[str, ...]] = {
    1: (TABLE_1,),
    2: (TABLE_2,),
    3: (TABLE_3_3DPW, TABLE_3_H36M),
    4: (TABLE_4,),
    5: (TABLE_5,),
    6: (TABLE_6,),
    7: (TABLE_7,),
    8: (TABLE_8,),
}
ROWS = {1: 30, 2: 20, 3: 24, 4: 8, 5: 12, 6: 64, 7: 32, 8: 4}


def transcription(number: int) -> dict[tuple[str, str, str, str], str]:
    """(dataset, method, metric, resolution) → the number as printed."""
    default = "h32" if number in (4, 8) else "32"
    cells = {}
    for block in PRINTED[number]:
        header, *lines = block.strip().splitlines()
        columns = []
        for column in header.split("|"):
            dataset, *rest = column.split()
            resolution = rest.pop() if rest[-1].isdigit() else default
            columns.append((dataset, " ".join(rest), resolution))
        for line in lines:
            method, numbers = line.split("|")
            for (dataset, metric, resolution), value in zip(columns, numbers.split(), strict=True):
                cells[dataset, method.strip(), metric, resolution] = value
    return cells


@pytest.mark.parametrize("number", range(1, 9))
def test_every_number_of_the_paper(number: int) -> None:
    expected = transcription(number)
    frame = paper_table(number)
    assert list(frame.columns) == PAPER_COLUMNS
    assert len(frame) == len(expected) == ROWS[number]
    found = {
        (row["dataset"], row["method"], row["metric"], row["resolution"]): row["value"]
        for row in frame.to_dict("records")
    }
    assert found == {key: float(value) for key, value in expected.items()}


@pytest.mark.parametrize("number", range(1, 9))
def test_digits_are_kept_as_printed(number: int) -> None:
    lines = (PAPER_FOLDER / f"table{number}.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert sorted(line.rsplit(",", 1)[1] for line in lines) == sorted(
        transcription(number).values()
    )


def test_tables_agree_with_each_other() -> None:
    # The full model at 32 px is printed in four tables.
    rows = [(1, "Ours"), (5, "Ours"), (6, "RA+SS+CL"), (7, "full model")]
    for number, method in rows:
        frame = paper_table(number).query("dataset == '3DPW' and metric == 'MPJPE'")
        chosen = frame[(frame["method"] == method) & (frame["resolution"] == "32")]
        assert chosen["value"].tolist() == [117.12]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("1,3DPW,HMR,MPJPE,32,0.14229", "mm"),
        ("1,3DPW,HMR,MPJPE,32,142290", "mm"),
        ("1,LSP,HMR,H-acc,32,0.8933", "fractions"),
        ("1,LSP,HMR,H-acc,32,189.3", "outside"),
        ("1,3DPW,HMR,MPJPE,32,", "not a finite number"),
        ("1,3DPW,HMR,MPJPE,32,many", "not a finite number"),
        ("2,3DPW,HMR,MPJPE,32,142.29", "only table 1"),
    ],
)
def test_damaged_tables_are_refused(tmp_path: Path, line: str, complaint: str) -> None:
    (tmp_path / "table1.csv").write_text(",".join(PAPER_COLUMNS) + "\n" + line + "\n")
    with pytest.raises(RscError, match=complaint):
        paper_table(1, tmp_path)


def test_missing_tables_are_explained(tmp_path: Path) -> None:
    with pytest.raises(RscError, match="Tables 1 to 8"):
        paper_table(9)
    with pytest.raises(RscError, match="checkout"):
        paper_table(1, tmp_path)
    (tmp_path / "table1.csv").write_text("table,method\n1,HMR\n")
    with pytest.raises(RscError, match="no column dataset"):
        paper_table(1, tmp_path)
    (tmp_path / "table2.csv").write_text("")
    with pytest.raises(RscError, match="cannot read"):
        paper_table(2, tmp_path)


def measured(tmp_path: Path, **changes: Any) -> Path:
    row = {
        "method": "full", "metric": "mpjpe", "split": "wild", "resolution": 32, "range_index": 4,
        "value": 151.23, "low": 140.04, "high": 160.06,
    }  # fmt: skip
    rows = [row | changes, row | {"method": "hr_only", "value": 190.5, "low": None, "high": None}]
    path = tmp_path / "evaluation.json"
    write_result(path, rows, provenance({}, seed=0, seconds=1.0))
    return path


def test_measured_and_paper_are_never_in_one_column(tmp_path: Path) -> None:
    shown = results_table(
        [measured(tmp_path)], table=6, paper_method={"full": "RA+SS+CL", "hr_only": "SPIN-o"}
    )
    assert shown["open benchmark"].tolist() == ["151.2 [140.0, 160.1]", "190.5"]
    assert shown["paper (3DPW, Table 6)"].tolist() == ["117.12", ""]
    assert shown["paper resolution"].tolist() == ["32", ""]
    printed = {f"{value:g}" for value in paper_table(6)["value"]}
    others = shown.drop(columns=["paper (3DPW, Table 6)"]).astype(str)
    assert not others.isin(printed).to_numpy().any()


def test_ranges_are_joined_by_index_not_by_pixels(tmp_path: Path) -> None:
    # 112 px is the middle of the first range at 128 px input; the paper's is 176 of 224.
    path = measured(tmp_path, resolution=112, range_index=1)
    shown = results_table([path], table=6, paper_method={"full": "RA+SS+CL"})
    assert shown.loc[0, "paper (3DPW, Table 6)"] == "96.36"
    assert shown.loc[0, "paper resolution"] == "176"


def test_csv_results_and_no_paper(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("method,metric,resolution,value\nfull,pa_mpjpe,52,88.8\n")
    shown = results_table([path, measured(tmp_path)])
    assert shown["open benchmark"].tolist() == ["88.8", "151.2 [140.0, 160.1]", "190.5"]
    assert not [name for name in shown.columns if "paper" in name]


def test_measured_metres_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RscError, match="not m"):
        results_table([measured(tmp_path, value=0.151)])


def test_wrong_requests_are_named(tmp_path: Path) -> None:
    path = measured(tmp_path)
    with pytest.raises(RscError, match="no result file"):
        results_table([])
    with pytest.raises(RscError, match="no rows for LSP"):
        results_table([path], table=6, dataset="LSP")
    rows = [{k: v for k, v in r.items() if k != "metric"} for r in read_result(path)["rows"]]
    write_result(path, rows, provenance({}, 0, 1.0))
    with pytest.raises(RscError, match="no column metric"):
        results_table([path])
