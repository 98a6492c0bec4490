"""The tables of results/edu, written from the records: one CSV and one Markdown file a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from rsclib.claims import ORACLE, PARTS, SIZES, Recorded, Table, declared, names, recorded
from rsclib.errors import RscError
from rsclib.files.atomic import write_text
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result
from rsclib.statistics import cluster_bootstrap, over_seeds
from rsclib.tables import PAPER_RESOLUTIONS


def paper_frame(table: Table, metric: str = "mpjpe") -> pd.DataFrame:
    """The paper's values of a table, mm: a row a line, a size of the paper's a column."""
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
            "gain here, mm": [
                f"{r.gain_mm:.1f} [{r.low:.1f}, {r.high:.1f}]" for r in verdicts.itertuples()
            ],
            "share of the room": [
                "" if pd.isna(v) else f"{100 * v:.0f} %" for v in verdicts["share_of_room"]
            ],
            "gain in the paper, mm": [
                "" if pd.isna(v) else f"{v:.1f}" for v in verdicts["paper_mm"]
            ],
            "verdict": verdicts["verdict"],
        }
    )
    return shown.to_markdown(index=False)


def write_tables(tables: Sequence[str], folder: Path) -> list[Path]:
    """Write ``<table>.csv`` (with its provenance) and ``<table>.md`` of every regime with records."""
    written = []
    for name in tables:
        rows: list[dict[str, Any]] = []
        parts, seeds, table = [f"# {declared(name).title}\n"], set[int](), declared(name)
        for regime in names("regimes"):
            try:
                found = recorded(name, regime, folder)
            except RscError:
                continue
            rows += _rows(found)
            seeds |= {seed for _, _, seed in found.scores}
            parts.append(_text(found))
        if not rows:
            continue
        paper = paper_frame(table)
        if not paper.empty:
            parts.append(f"## The paper\nMPJPE, mm, {table.dataset}\n\n{paper.to_markdown()}\n")
        about = provenance({"table": name, "seeds": sorted(seeds)}, 0, 0.0)
        write_result(folder / f"{name}.csv", rows, about)
        write_text(folder / f"{name}.md", "\n".join(parts))
        written += [folder / f"{name}.csv", folder / f"{name}.md"]
    return written


def _rows(found: Recorded) -> list[dict[str, Any]]:
    """A line for every row, part, size and metric: mean over seeds, interval over all three sources."""
    out = []
    for part in PARTS:
        clip = found.clips(part)
        for row in found.rows:
            for metric in ("mpjpe", "pa_mpjpe", "disagreement"):
                for size in found.table.sizes:
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


def _text(found: Recorded) -> str:
    """A regime's part of the Markdown file."""
    lines = [f"## Here, regime {found.regime}\n"]
    for part in PARTS:
        frame = found.frame(part=part).round(1)
        lines.append(f"MPJPE, mm, {part}, mean over seeds\n\n{frame.to_markdown()}\n")
        verdicts = found.verdicts(part=part)
        if not verdicts.empty:
            lines.append(f"Claims on {part}\n\n{verdict_text(verdicts)}\n")
    if ORACLE in found.rows:
        room = found.room(SIZES[4])
        lines.append(f"Room at {SIZES[4]} px (Ba minus the oracle): {room} mm\n")
    return "\n".join(lines)
