"""The tables of results/edu, written from the records: one CSV and one Markdown file a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from rsclib.claims import BASE, ORACLE, Recorded, Table, declared, recorded
from rsclib.evaluate_video import TRUTH
from rsclib.files.atomic import write_text
from rsclib.metrics import per_second
from rsclib.openbench.motions import FPS
from rsclib.pixel_claims import Segmented, segmented
from rsclib.runs.provenance import provenance
from rsclib.runs.results import read_result, write_result
from rsclib.statistics import Interval, over_trainings
from rsclib.tables import PAPER_RESOLUTIONS, UNITS


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
        row: {
            f"{PAPER_RESOLUTIONS[i]} px": table.in_paper(row, i, metric, dataset) for i in range(5)
        }
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
            if table.of_pixels:
                counted = segmented(regime, folder, name)
                rows += pixel_rows(counted)
                seeds |= {seed for _, _, seed in counted.pixels}
                parts.append(pixel_text(counted))
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
        if said := [f"- {row}: {which.text}" for row, which in table.rows.items() if which.text]:
            parts.append("\n".join(["## Rows\n", *said, ""]))
        about = provenance({"table": name, "seeds": sorted(seeds)}, 0, 0.0)
        write_result(folder / f"{name}.csv", rows, about)
        write_text(folder / f"{name}.md", "\n".join(parts))
        written += [folder / f"{name}.csv", folder / f"{name}.md"]
    return written


def pixel_frame(found: Segmented, part: str) -> pd.DataFrame:
    """Table 2 as people read it: accuracy in % and F1, with intervals, a row a line."""
    lines = {}
    for row in found.frame(part).index:
        values = {m: found.value(row, m, part) for m in found.table.metrics}
        lines[row] = {UNITS[m]: in_words(m, v) for m, v in values.items()}
        lines[row]["seeds"] = str(len(found.seeds(row, part)))
    return pd.DataFrame(lines).T.rename_axis("row")


def in_words(metric: str, value: Interval) -> str:
    """One of Table 2's numbers with its interval."""
    digits = 3 if metric.endswith("f1") else 2
    return f"{value.mean:.{digits}f} [{value.low:.{digits}f}, {value.high:.{digits}f}]"


def pixel_verdicts(found: Segmented, part: str) -> str:
    """The verdicts of Table 2 as a Markdown table; "" where no claim can be judged yet."""
    verdicts = found.verdicts(part)
    if verdicts.empty:
        return ""
    lines = [
        {"claim": v["claim"], "of": UNITS[v["metric"]].partition(",")[0],
         "gain here, points": f"{v['gain']:.2f} [{v['low']:.2f}, {v['high']:.2f}]",
         "gain in the paper, points": "" if pd.isna(v["paper"]) else f"{v['paper']:.2f}",
         "seeds": v["seeds"], "verdict": v["verdict"]}
        for v in verdicts.to_dict("records")
    ]  # fmt: skip
    return pd.DataFrame(lines).to_markdown(index=False)


def pixel_rows(found: Segmented) -> list[dict[str, Any]]:
    """As :func:`_rows`, of Table 2: a line for every row, part and metric."""
    return [
        {"regime": found.regime, "method": row, "metric": metric, "split": part,
         "resolution": found.table.sizes[0],
         "images": len(found.pixels[part, found.table.run_of(row), found.seeds(row, part)[0]].clip),
         "seeds": len(found.seeds(row, part)),
         **{k: round(v, 5) for k, v in _named(found.value(row, metric, part)).items()}}
        for part in found.table.parts
        for row in found.rows
        if found.seeds(row, part)
        for metric in found.table.metrics
    ]  # fmt: skip


def _named(value: Interval) -> dict[str, float]:
    return {"value": value.mean, "low": value.low, "high": value.high}


def pixel_text(found: Segmented) -> str:
    """A regime's part of Table 2's Markdown file."""
    lines = [f"## Here, regime {found.regime}\n"]
    for part in found.table.parts:
        if not found.has(part):
            continue
        frame = pixel_frame(found, part).to_markdown()
        lines.append(f"{found.table.sizes[0]} px, {part}, all pixels and seeds\n\n{frame}\n")
        if verdicts := pixel_verdicts(found, part):
            lines.append(
                f"Claims on {part}; points are % of accuracy, hundredths of F1\n\n{verdicts}\n"
            )
    return "\n".join([*lines, *[f"{found.not_measured()}\n"] * bool(found.not_measured())])


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
                    mean, low, high = over_trainings(errors, clip)
                    out.append(
                        {"regime": found.regime, "method": row, "metric": metric, "split": part,
                         "resolution": size, "images": errors.shape[1], "seeds": len(errors),
                         "value": round(mean, 3), "low": round(low, 3), "high": round(high, 3)}
                    )  # fmt: skip
    return out


def one_size(found: Recorded, part: str) -> pd.DataFrame:
    """A table of one size as people read it: means by metric with their units, ACC also by the second."""
    frame = found.metric_frame(found.sizes[0], part)
    if "acceleration" in frame:
        frame["a second"] = per_second(torch.tensor(frame["acceleration"].to_numpy()), FPS).numpy()
    names = UNITS | {"a second": "ACC, mm/s²"}
    return frame.round(1).rename(columns=names)


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
            frame = one_size(found, part)
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
