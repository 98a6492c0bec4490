"""The paper's Tables 1-8 and the display of measured results beside them.

The paper's numbers are files, ``results/paper/table{1..8}.csv``, in long form and exactly as
printed. They were measured on real photographs (3DPW, H36M, ...); ours on rendered people. The
two are therefore never in one column: a reader may compare orders and ratios, not millimetres.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from rsclib.errors import RscError
from rsclib.runs.results import read_result

PAPER_FOLDER = Path(__file__).resolve().parent.parent / "results" / "paper"
PAPER_COLUMNS = ["table", "dataset", "method", "metric", "resolution", "value"]
RESULT_COLUMNS = ["method", "metric", "resolution", "value"]
N_TABLES = 8

# Our metrics as people read them, with their units.
UNITS = {
    "mpjpe": "MPJPE, mm", "pa_mpjpe": "PA-MPJPE, mm", "acceleration": "ACC, mm/frame²",
    "acceleration_error": "ACC-ERR, mm/frame²", "silhouette_accuracy": "H-acc, %",
    "silhouette_f1": "H-f1", "part_accuracy": "P-acc, %", "part_f1": "P-f1",
}  # fmt: skip
# Names of the paper's metrics for those of our result files.
PAPER_METRIC = {
    "mpjpe": "MPJPE",
    "pa_mpjpe": "MPJPE-PA",
    "acceleration": "ACC",
    "acceleration_error": "ACC-ERR",
    "silhouette_accuracy": "H-acc",
    "silhouette_f1": "H-f1",
    "part_accuracy": "P-acc",
    "part_f1": "P-f1",
}
# The middle of each range in the paper's evaluation, by range_index (Section 4.1).
PAPER_RESOLUTIONS = ("224", "176", "96", "52", "32")

# Smallest and largest plausible value: catches metres for millimetres, fractions for per cent.
_LIMITS = {
    "MPJPE": (2.0, 2000.0),
    "MPJPE-PA": (2.0, 2000.0),
    "ACC": (0.0, 2000.0),
    "ACC-ERR": (0.0, 2000.0),
    "H-acc": (1.01, 100.0),
    "P-acc": (1.01, 100.0),
    "H-f1": (0.0, 1.0),
    "P-f1": (0.0, 1.0),
    "ReID loss": (0.0, 1000.0),
    "LPIPS": (0.0, 1.0),
}


def paper_table(number: int, folder: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """One table of the paper, in long form.

    Args:
        number: 1 to 8.
        folder: where the CSV files are; by default ``results/paper`` of the checkout.

    Returns:
        Columns table (int), dataset, method, metric, resolution (text: px of the square input, or
        ``h32`` for an image height) and value (MPJPE and MPJPE-PA in mm, ACC and ACC-ERR in
        mm/frame², accuracies in %).

    Raises:
        RscError: there is no such table, the file is missing, or it has been damaged.
    """
    if number not in range(1, N_TABLES + 1):
        raise RscError(f"the paper has Tables 1 to {N_TABLES}, not {number}")
    path = (Path(folder) if folder is not None else PAPER_FOLDER) / f"table{number}.csv"
    if not path.is_file():
        raise RscError(
            f"{path.name} is not in results/paper. The paper's tables are part of the repository, "
            "not of the installed package: run from a checkout installed with `pip install -e .`"
        )
    frame = _read_csv(path)
    check_rows(frame, PAPER_COLUMNS, path.name)
    if list(frame.columns) != PAPER_COLUMNS or not (frame["table"] == number).all():
        raise RscError(f"{path.name}: expected columns {PAPER_COLUMNS} and only table {number}")
    return frame


def results_table(
    files: Sequence[str | os.PathLike[str]],
    table: int | None = None,
    dataset: str = "3DPW",
    paper_method: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Measured results, with the paper's numbers in a column of their own.

    Rows are joined by method, metric and ``range_index``: the sizes differ (52 px of 224 is
    another share of the picture than 52 of 128), the place in the list of ranges is the same.

    Args:
        files: result files (:func:`rsclib.runs.results.write_result`) or a CSV alone, whose rows have
            method, metric, resolution and value, and may have low, high, split and range_index.
        table: the table of the paper to show beside them; None for no paper column.
        dataset: whose rows of that table.
        paper_method: paper's name of a method for ours, where they differ.

    Returns:
        One row per measured number: method, metric, split, resolution, "open benchmark" (text,
        with the interval where there is one) and, with ``table``, "paper (DATASET, Table N)" and
        "paper resolution", empty where the paper has no such number.

    Raises:
        RscError: a file is missing, damaged, or has a value outside what its unit allows.
    """
    if not files:
        raise RscError("no result file given")
    measured = pd.concat([_read_rows(Path(file)) for file in files], ignore_index=True)
    shown = pd.DataFrame(
        {
            "method": measured["method"],
            "metric": measured["metric"],
            "split": measured.get("split", pd.Series("", index=measured.index)).fillna(""),
            "resolution": measured["resolution"].astype(str),
            "open benchmark": [_with_interval(row) for row in measured.to_dict("records")],
        }
    )
    if table is None:
        return shown
    paper = paper_table(table)
    paper = paper[paper["dataset"] == dataset]
    if paper.empty:
        raise RscError(f"Table {table} of the paper has no rows for {dataset}")
    printed = {
        (row["method"], row["metric"], row["resolution"]): row["value"]
        for row in paper.to_dict("records")
    }
    values, resolutions = [], []
    for row in measured.to_dict("records"):
        resolution = _paper_resolution(row.get("range_index"))
        method = (paper_method or {}).get(row["method"], row["method"])
        metric = PAPER_METRIC.get(row["metric"], row["metric"])
        value = printed.get((method, metric, resolution))
        values.append("" if value is None else f"{value:g}")
        resolutions.append("" if value is None else resolution)
    shown[f"paper ({dataset}, Table {table})"] = values
    shown["paper resolution"] = resolutions
    return shown


def check_rows(frame: pd.DataFrame, columns: Sequence[str], where: str) -> None:
    """Refuse rows without ``columns`` or with values that cannot be in their metric's unit.

    Raises:
        RscError: naming the file (``where``), the row and what is wrong.
    """
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise RscError(f"{where}: no column {', '.join(missing)}")
    if frame.empty:
        raise RscError(f"{where}: no rows")
    for number, row in enumerate(frame[["metric", "value"]].to_dict("records"), start=1):
        value = row["value"]
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise RscError(f"{where}, row {number}: {value!r} is not a finite number")
        metric = PAPER_METRIC.get(row["metric"], row["metric"])
        low, high = _LIMITS.get(metric, (-math.inf, math.inf))
        if not low <= value <= high:
            raise RscError(
                f"{where}, row {number}: {row['metric']} = {value:g} is outside {low:g} to "
                f"{high:g}. Errors are in mm (not m), accuracies in % (not fractions)."
            )


def _read_rows(path: Path) -> pd.DataFrame:
    alone = path.suffix == ".csv" and not path.with_suffix(".json").is_file()
    frame = _read_csv(path) if alone else pd.DataFrame(read_result(path)["rows"])
    check_rows(frame, RESULT_COLUMNS, path.name)
    return frame


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype={"resolution": str})
    except (OSError, ValueError) as error:
        raise RscError(f"cannot read {path.name}: {str(error).splitlines()[0]}") from error


def _with_interval(row: Mapping[Any, Any]) -> str:
    value, low, high = (row.get(name) for name in ("value", "low", "high"))
    text = f"{value:.4g}" if isinstance(value, float) and abs(value) < 10 else f"{value:.1f}"
    if isinstance(low, float) and isinstance(high, float) and math.isfinite(low + high):
        digits = 3 if abs(high) < 10 else 1
        text += f" [{low:.{digits}f}, {high:.{digits}f}]"
    return text


def _paper_resolution(range_index: object) -> str | None:
    if not isinstance(range_index, int | float) or not math.isfinite(range_index):
        return None
    index = int(range_index)
    return PAPER_RESOLUTIONS[index] if 0 <= index < len(PAPER_RESOLUTIONS) else None
