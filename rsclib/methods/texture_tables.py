"""``table4`` and ``table8`` of results/edu, written from the records: a CSV and a Markdown file each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rsclib.files.atomic import write_text
from rsclib.runs.provenance import provenance
from rsclib.runs.results import read_result, write_result
from rsclib.texture_claims import (
    MEASURES,
    PART,
    ROWS,
    TextureRecords,
    texture_records,
    verdicts_text,
)

FACTOR_NOTE = (
    "The paper does not give the factor of its rescaled loss, its network is another, and its pictures "
    "are photographs: compare orders, not values."
)


def lpips_note(found: TextureRecords, records: Path) -> str:
    """Where the weights of LPIPS came from, or why there is no such column; as records say."""
    notes = {
        f"{name}: {why}"
        for run, seed in found.scores
        for name, why in read_result(records / run / f"seed{seed}.csv")["provenance"][
            "lpips"
        ].items()
    }
    return "; ".join(sorted(notes))


def text_of(found: TextureRecords, records: Path) -> str:
    """A table for people: measured, verdicts, then the paper's."""
    seeds = [len(found.seeds(row)) for row in found.rows]
    parts = [
        f"# {found.table.title}\n",
        f"## Here\n{PART}, {len(found.people)} people, pictures of {ROWS} rows; mean over seeds\n",
        f"{found.frame().assign(seeds=seeds).to_markdown(disable_numparse=True)}\n",
        f"{lpips_note(found, records)}\n",
    ]
    verdicts = found.verdicts()
    if not verdicts.empty:
        parts.append(f"Claims\n\n{verdicts_text(verdicts)}\n")
    paper = found.table.paper_frame()
    parts.append(f"## The paper\nMarket-1501\n\n{paper.to_markdown()}\n\n{FACTOR_NOTE}\n")
    return "\n".join(parts)


def write_texture_tables(tables: Sequence[str], folder: Path, records: Path) -> list[Path]:
    """Write ``<table>.csv`` (with its provenance) and ``<table>.md`` into ``folder``.

    Raises:
        RscError: a table has no records.
    """
    written = []
    for name in tables:
        found = texture_records(name, records)
        rows: list[dict[str, Any]] = []
        for row in found.rows:
            for key in found.measures:
                mean, low, high = found.mean(row, key)
                rows.append(
                    {"method": row, "metric": MEASURES[key].column, "split": PART,
                     "resolution": ROWS, "people": len(found.people),
                     "seeds": len(found.seeds(row)), "value": float(f"{mean:.6g}"),
                     "low": float(f"{low:.6g}"), "high": float(f"{high:.6g}")}
                )  # fmt: skip
        seeds = sorted({seed for _, seed in found.scores})
        write_result(
            folder / f"{name}.csv", rows, provenance({"table": name, "seeds": seeds}, 0, 0.0)
        )
        write_text(folder / f"{name}.md", text_of(found, records))
        written += [folder / f"{name}.csv", folder / f"{name}.md"]
    return written
