"""The paper's claims beside what is measured here: Tables 5 to 7 and Figure 11, verdict by verdict.

``rsclib/presets/tables/*.yaml`` declare the tables (rows, sizes, claims), ``rsclib/presets/regimes/*.yaml``
the settings in which all rows are trained, and ``results/edu/<regime>/<run>/seed<k>.npz`` hold every
image's errors of every run (:class:`rsclib.scores.Scores`). A claim says that one row is better than
another at a size; its verdict comes from the paired difference over recordings, clips and seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rsclib.config import STRICT, checked, read_values
from rsclib.errors import RscError
from rsclib.resolution import PRESETS
from rsclib.scores import Scores
from rsclib.statistics import Interval, over_seeds, paired_difference
from rsclib.tables import PAPER_METRIC, PAPER_RESOLUTIONS, paper_table

DECLARED = Path(__file__).parent / "presets"
RECORDS = Path(__file__).resolve().parents[1] / "results" / "edu"
PARTS = ("test-wild", "test-studio")
START, ORACLE, BASE = "HR-only", "oracle", "Ba"  # runs that every regime has
SIZES = PRESETS["edu"].eval_sizes  # of each range_index, px


@dataclass(frozen=True)
class Row:
    """A line of a table. ``run``: which run it shows; ``paper``: the paper's name of it."""

    run: str = ""
    paper: str = ""


@dataclass(frozen=True)
class Claim:
    """``better`` has smaller errors than ``than`` at the middle of a range, says the paper."""

    better: str
    than: str
    range_index: int = 4
    text: str = ""


@dataclass(frozen=True)
class Table:
    """A table of the paper as it is run here.

    Attributes:
        paper: number of the table whose CSV holds the paper's values (0: a figure). dataset: whose.
        sizes: scored, px. rows: by name. claims: in the paper's order.
    """

    __pydantic_config__ = STRICT

    title: str
    paper: int
    sizes: tuple[int, ...]
    rows: dict[str, Row]
    dataset: str = "3DPW"
    claims: tuple[Claim, ...] = ()

    def run_of(self, row: str) -> str:
        """The run that a row shows.

        Raises:
            RscError: no such row.
        """
        if row in (START, ORACLE, BASE) and row not in self.rows:
            return row
        if row not in self.rows:
            raise RscError(f"there is no row {row!r}; choose from {', '.join(self.rows)}")
        return self.rows[row].run or row

    @property
    def runs(self) -> list[str]:
        """All runs that the table needs, with those that every regime has."""
        names = [START, *(self.run_of(row) for row in self.rows), BASE, ORACLE]
        return list(dict.fromkeys(names))

    def in_paper(self, row: str, range_index: int, metric: str = "mpjpe") -> float | None:
        """The paper's value, mm; None where it has none."""
        if not self.paper or row not in self.rows:
            return None
        frame = paper_table(self.paper)
        found = frame[
            (frame["dataset"] == self.dataset)
            & (frame["method"] == (self.rows[row].paper or row))
            & (frame["metric"] == PAPER_METRIC[metric])
            & (frame["resolution"].astype(str) == PAPER_RESOLUTIONS[range_index])
        ]["value"]
        return None if found.empty else float(found.iloc[0])


@dataclass(frozen=True)
class Regime:
    """A setting in which all rows are trained: ``changes`` of a preset, and the seeds."""

    __pydantic_config__ = STRICT

    title: str
    base: str = "edu"
    changes: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0, 1, 2)


def names(kind: str) -> list[str]:
    """What is declared: of "tables" or "regimes"."""
    return sorted(p.stem for p in (DECLARED / kind).glob("*.yaml") if p.stem != "runs")


def _declared(kind: str, name: str) -> dict[str, Any]:
    if name not in names(kind):
        raise RscError(f"there is no {kind[:-1]} {name!r}; choose from {', '.join(names(kind))}")
    return read_values(str(DECLARED / kind / f"{name}.yaml"))


def declared(name: str) -> Table:
    """A table by its name: "table5", "table6", "table7" or "fig11".

    Raises:
        RscError: no such table, or its file does not fit.
    """
    table = checked(Table, _declared("tables", name), name)
    known = {*run_changes(), START}
    for row in table.rows:
        if table.run_of(row) not in known:
            raise RscError(f"{name}: row {row} shows the unknown run {table.run_of(row)!r}")
    for claim in table.claims:
        table.run_of(claim.better), table.run_of(claim.than)
    return table


def regime_named(name: str) -> Regime:
    """A regime by its name, such as "hard".

    Raises:
        RscError: no such regime, or its file does not fit.
    """
    return checked(Regime, _declared("regimes", name), name)


def run_changes() -> dict[str, dict[str, Any]]:
    """What differs in each run from its regime: the rows of all tables, once each."""
    values = read_values(str(DECLARED / "tables" / "runs.yaml"))
    return {str(name): changes or {} for name, changes in values.items()}


def sizes_of(run: str) -> list[int]:
    """The sizes that a run is scored at: those of every table that shows it, the largest first."""
    tables = [declared(name) for name in names("tables")]
    return sorted({s for t in tables if run in t.runs for s in t.sizes}, reverse=True)


def verdict(gain: Interval) -> str:
    """The rule of results/README.md: by the 95 % interval of the gain, fixed before any row was run."""
    if gain.low > 0:
        return "reproduced"
    return "contradicted" if gain.high < 0 else "undecided"


@dataclass(frozen=True)
class Recorded:
    """What results/ holds of a table in a regime: ``scores`` by part, run and seed."""

    table: Table
    regime: str
    scores: Mapping[tuple[str, str, int], Scores]

    @property
    def rows(self) -> list[str]:
        """Rows with results, in the table's order; the runs that every regime has besides."""
        have = {run for _, run, _ in self.scores}
        shown = [*self.table.rows]
        inside = {self.table.run_of(row) for row in shown}
        shown = [r for r in (START, BASE) if r not in inside] + shown
        shown += [ORACLE] * (ORACLE not in inside)
        return [row for row in shown if self.table.run_of(row) in have]

    def seeds(self, row: str) -> tuple[int, ...]:
        """The seeds that were trained."""
        run = self.table.run_of(row)
        return tuple(sorted({s for _, name, s in self.scores if name == run}))

    def errors(
        self, row: str, size: int, metric: str = "mpjpe", part: str = PARTS[0]
    ) -> np.ndarray:
        """Errors (seeds, images), mm.

        Raises:
            RscError: not measured; the message has the command.
        """
        run, seeds = self.table.run_of(row), self.seeds(row)
        if not seeds or (part, run, seeds[0]) not in self.scores:
            raise RscError(
                f"no result of {run} on {part} in the regime {self.regime}; run: "
                f"rsc reproduce --rows {run} --regime {self.regime}"
            )
        lines = [self.scores[part, run, seed].of(run, size, metric) for seed in seeds]
        return np.array(lines)

    def clips(self, part: str) -> np.ndarray:
        """The motion clip of each image (N,)."""
        return next(s.clip for (name, _, _), s in self.scores.items() if name == part)

    def mean(self, row: str, size: int, metric: str = "mpjpe", part: str = PARTS[0]) -> float:
        """Mean over seeds and images, mm."""
        return float(self.errors(row, size, metric, part).mean())

    def gain(
        self, better: str, than: str, size: int, metric: str = "mpjpe", part: str = PARTS[0]
    ) -> Interval:
        """Errors of ``than`` minus errors of ``better``, mm, the same images and seeds: above 0 the
        first is better. The 95 % interval is over recordings, clips and, from two on, seeds.

        Raises:
            RscError: one of them was not measured.
        """
        first, second = (self.errors(row, size, metric, part) for row in (better, than))
        # A model that is not trained anew (HR-only) is the same for every seed.
        common = sorted(set(self.seeds(better)) & set(self.seeds(than)))
        if START not in (self.table.run_of(better), self.table.run_of(than)):
            first = first[[self.seeds(better).index(s) for s in common]]
            second = second[[self.seeds(than).index(s) for s in common]]
        apart = second - first
        clip = self.clips(part)
        if len(apart) < 2:
            return paired_difference(apart[0], np.zeros_like(apart[0]), clip)
        return over_seeds(apart, clip)

    def room(self, size: int = 32, metric: str = "mpjpe", part: str = PARTS[0]) -> Interval:
        """Ba minus the oracle, mm: what better labels of the same images would give."""
        return self.gain(ORACLE, BASE, size, metric, part)

    def frame(self, metric: str = "mpjpe", part: str = PARTS[0]) -> pd.DataFrame:
        """Means over seeds and images, mm: a row a line, a size a column. Measured here only."""
        sizes = self.table.sizes
        return pd.DataFrame(
            [[self.mean(row, size, metric, part) for size in sizes] for row in self.rows],
            index=pd.Index(self.rows, name="row"), columns=[f"{size} px" for size in sizes],
        )  # fmt: skip

    def verdicts(self, metric: str = "mpjpe", part: str = PARTS[0]) -> pd.DataFrame:
        """A claim a line: the paper's own gain, ours with its interval, share of the room, verdict."""
        lines = []
        for claim in self.table.claims:
            if not {claim.better, claim.than} <= set(self.rows):
                continue
            size = SIZES[claim.range_index]
            gain = self.gain(claim.better, claim.than, size, metric, part)
            printed = [
                self.table.in_paper(row, claim.range_index, metric)
                for row in (claim.better, claim.than)
            ]
            paper = None if None in printed else round(printed[1] - printed[0], 2)  # type: ignore[operator]
            room = self.room(size, metric, part).mean if ORACLE in self.rows else float("nan")
            lines.append(
                {"claim": claim.text or f"{claim.better} beats {claim.than}",
                 "better": claim.better, "than": claim.than, "size": size, "paper_mm": paper,
                 "gain_mm": gain.mean, "low": gain.low, "high": gain.high,
                 "share_of_room": gain.mean / room if room > 0 else float("nan"),
                 "verdict": verdict(gain)}
            )  # fmt: skip
        return pd.DataFrame(lines)


def record_path(folder: Path, regime: str, run: str, seed: int, part: str) -> Path:
    """Where the errors of one run on one part lie."""
    return folder / regime / run / f"seed{seed}-{part}.npz"


def recorded(table: str, regime: str = "hard", folder: Path = RECORDS) -> Recorded:
    """What ``folder`` holds of a table.

    Raises:
        RscError: nothing yet (the message has the command), or a file is damaged.
    """
    described, scores = declared(table), {}
    for run in described.runs:
        for part in PARTS:
            for path in sorted((folder / regime / run).glob(f"seed*-{part}.npz")):
                seed = int(path.stem.removesuffix(f"-{part}").removeprefix("seed"))
                scores[part, run, seed] = Scores.load(path)
    if not scores:
        regime_named(regime)
        raise RscError(
            f"no results of {table} in the regime {regime}; run: rsc reproduce {table} --regime {regime}"
        )
    return Recorded(described, regime, scores)
