"""The tables of results/edu, written from the records: one CSV and one Markdown file a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from rsclib.claims import BASE, ORACLE, Recorded, Table, declared, recorded
from rsclib.evaluate_video import TRUTH
from rsclib.files.atomic import write_text
from rsclib.runs.provenance import provenance
from rsclib.runs.results import read_result, write_result
from rsclib.statistics import cluster_bootstrap, over_seeds
from rsclib.tables import PAPER_RESOLUTIONS

UNITS = {
    "mpjpe": "MPJPE, mm", "pa_mpjpe": "PA-MPJPE, mm", "acceleration": "ACC, mm/frame²",
    "acceleration_error": "ACC-ERR, mm/frame²",
}  # fmt: skip


def paper_frame(table: Table, metric: str = "mpjpe", dataset: str = "") -> pd.DataFrame:
    """The paper's values of a table, mm: a row a line, a size of the paper's a column. Of a table of one
    size the columns are its metrics."""
    if len(table.sizes) == 1:
        metrics = {
            row: {UNITS.get(m, m): table.in_paper(row, 4, m, dataset) for m in table.metrics}
            for row in table.rows
        }
        frame = pd.DataFrame(metrics).T.dropna(how="all").dropna(axis=1, how="all")
        return frame.rename_axis("row")
    lines = {
        row: {f"{PAPER_RESOLUTIONS[i]} px": table.in_paper(row, i, metric) for i in range(5)}
        for row in table.rows
    }
    frame = pd.DataFrame(lines).T.dropna(how="all").dropna(axis=1, how="all")
    return frame.rename_axis("row")


def verdict_text(verdicts: pd.DataFrame) -> str:
    """The verdicts as a Markdown table, the paper's gains in a column of their own."""
    shown = pd.DataFrame(
        {
            "claim": verdicts["claim"],
            "at": [f"{size} px" for size in verdicts["size"]],
            "of": [UNITS.get(m, m).partition(",")[0] for m in verdicts["metric"]],
            "gain here, mm": [
                f"{r.gain_mm:.1f} [{r.low:.1f}, {r.high:.1f}]" for r in verdicts.itertuples()
            ],
            "share of the room": [
                "" if pd.isna(v) else f"{100 * v:.0f} %"
                for v in verdicts.get("share_of_room", [float("nan")] * len(verdicts))
            ],
            "gain in the paper, mm": [
                "" if pd.isna(v) else f"{v:.1f}" for v in verdicts["paper_mm"]
            ],
            "seeds": verdicts["seeds"],
            "verdict": verdicts["verdict"],
        }
    )
    if shown["of"].nunique() == 1:
        shown = shown.drop(columns="of")
    if "share_of_room" not in verdicts:
        shown = shown.drop(columns="share of the room")
    return shown.to_markdown(index=False)


def write_tables(tables: Sequence[str], folder: Path) -> list[Path]:
    """Write ``<table>.csv`` (with its provenance) and ``<table>.md`` of every regime with records."""
    written = []
    for name in tables:
        rows: list[dict[str, Any]] = []
        parts, seeds, table = [f"# {declared(name).title}\n"], set[int](), declared(name)
        for regime in sorted(table.regimes):
            runs = declared(name).runs
            if not any([*(folder / regime / run).glob("seed*.npz")] for run in runs):
                continue
            found = recorded(name, regime, folder)
            rows += _rows(found)
            seeds |= {seed for _, _, seed in found.scores}
            parts.append(_text(found, folder))
        if not rows:
            continue
        for dataset in table.datasets:
            paper = paper_frame(table, dataset=dataset)
            if not paper.empty:
                what = "MPJPE, mm, " if len(table.sizes) > 1 else "32 px, "
                parts.append(f"## The paper\n{what}{dataset}\n\n{paper.to_markdown()}\n")
        about = provenance({"table": name, "seeds": sorted(seeds)}, 0, 0.0)
        write_result(folder / f"{name}.csv", rows, about)
        write_text(folder / f"{name}.md", "\n".join(parts))
        written += [folder / f"{name}.csv", folder / f"{name}.md"]
    return written


def _rows(found: Recorded) -> list[dict[str, Any]]:
    """A line for every row, part, size and metric: mean over seeds, and its interval over recordings,
    clips and, from two on, seeds."""
    out = []
    for part in found.table.parts:
        for row in found.rows if found.has(part) else []:
            clip = found.clips(part)
            for metric in found.table.metrics:
                for size in found.sizes if found.seeds(row, part) else ():
                    errors = found.errors(row, size, metric, part)
                    many = len(errors) > 1
                    mean, low, high = (
                        over_seeds(errors, clip) if many else cluster_bootstrap(errors[0], clip)
                    )
                    out.append(
                        {"regime": found.regime, "method": row, "metric": metric, "split": part,
                         "resolution": size, "images": errors.shape[1], "seeds": len(errors),
                         "value": round(mean, 3), "low": round(low, 3), "high": round(high, 3)}
                    )  # fmt: skip
    return out


def truth_acceleration(found: Recorded, part: str, folder: Path) -> str:
    """The truth's own ACC on a video part with its interval, mm/frame², as a run's record has it; "" where
    none has."""
    for run in found.table.runs:
        path = folder / found.regime / run / "seed0.csv"
        for row in read_result(path)["rows"] if path.is_file() else ():
            if (row["method"], row["metric"], row["split"]) == (TRUTH, "acceleration", part):
                return f"{row['value']:.1f} [{row['low']:.1f}, {row['high']:.1f}]"
    return ""


def _text(found: Recorded, folder: Path) -> str:
    """A regime's part of the Markdown file."""
    lines = [f"## Here, regime {found.regime}\n"]
    for part in found.table.parts:
        if not found.has(part):
            continue
        if len(found.sizes) == 1:
            frame = found.metric_frame(found.sizes[0], part).round(1)
            frame.columns = pd.Index([UNITS.get(m, m) for m in frame.columns])
            lines.append(f"{found.sizes[0]} px, {part}, mean over seeds\n\n{frame.to_markdown()}\n")
            if own := truth_acceleration(found, part, folder):
                lines.append(f"The truth's own ACC: {own} mm/frame²\n")
        else:
            frame = found.frame(part=part).round(1)
            lines.append(f"MPJPE, mm, {part}, mean over seeds\n\n{frame.to_markdown()}\n")
        verdicts = found.verdicts(part=part)
        if not verdicts.empty:
            lines.append(f"Claims on {part}\n\n{verdict_text(verdicts)}\n")
    if {ORACLE, BASE} <= set(found.rows):
        size = found.eval_sizes[4]
        lines.append(f"Room at {size} px (Ba minus the oracle): {found.room(size)} mm\n")
    return "\n".join(lines)
