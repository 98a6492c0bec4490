"""The paper's tables as they are run here: rows, sizes, claims, regimes, from YAML.

``rsclib/presets/tables/*.yaml`` declare the tables, ``tables/runs.yaml`` what differs in each run, and
``rsclib/presets/regimes/*.yaml`` the settings in which all of them are trained.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rsclib.config import STRICT, checked, read_values
from rsclib.errors import RscError
from rsclib.pixels import METRICS as PIXELS
from rsclib.resolution import PRESETS
from rsclib.tables import PAPER_METRIC, PAPER_RESOLUTIONS, paper_table

DECLARED = Path(__file__).parent / "presets"
RECORDS = Path(__file__).resolve().parents[1] / "results" / "edu"
PARTS = ("test-wild", "test-studio")
START, ORACLE, BASE = "HR-only", "oracle", "Ba"  # runs that every regime has
SIZES = PRESETS["edu"].eval_sizes  # of each range_index, px


@dataclass(frozen=True)
class Row:
    """A line of a table. ``run``: which run it shows; ``paper``: the paper's name of it ("-": it has none);
    ``text``: what it is, where its name does not tell."""

    run: str = ""
    paper: str = ""
    text: str = ""


@dataclass(frozen=True)
class Claim:
    """``better`` has a smaller ``metric`` (of Table 2: a larger one) than ``than`` at the middle of a
    range, says the paper."""

    better: str
    than: str
    range_index: int = 4
    text: str = ""
    metric: str = "mpjpe"


@dataclass(frozen=True)
class Table:
    """A table of the paper as it is run here.

    Attributes:
        paper: number of the table whose CSV holds the paper's values (0: a figure). datasets: whose, one
            or one for each of ``parts``.
        sizes: scored, px. rows: by name. claims: in the paper's order.
        parts: test parts, the first is the one that verdicts are read from. metrics: scored on them.
        late_parts: those of ``parts`` that were asked for after the first records were made, which lack them.
        regimes: in which it is run. room: whether gains are also given as shares of the room, which takes
            an oracle in each of them.
    """

    __pydantic_config__ = STRICT

    title: str
    paper: int
    sizes: tuple[int, ...]
    rows: dict[str, Row]
    datasets: tuple[str, ...] = ("3DPW",)
    claims: tuple[Claim, ...] = ()
    parts: tuple[str, ...] = PARTS
    late_parts: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ("mpjpe", "pa_mpjpe", "disagreement")
    regimes: tuple[str, ...] = ("hard", "easy")
    room: bool = True

    @property
    def dataset(self) -> str:
        """The data set of the paper's numbers beside the first part."""
        return self.datasets[0]

    @property
    def of_pixels(self) -> bool:
        """Whether it shows accuracies and F1 of pixels (:mod:`rsclib.pixels`) instead of errors."""
        return set(self.metrics) <= set(PIXELS)

    @property
    def has_room(self) -> bool:
        """Whether its regimes have the runs that room is measured with."""
        return self.room and "hard" in self.regimes

    def run_of(self, row: str) -> str:
        """The run that a row shows.

        Raises:
            RscError: no such row.
        """
        if self.has_room and row in (START, ORACLE, BASE) and row not in self.rows:
            return row
        if row not in self.rows:
            raise RscError(f"there is no row {row!r}; choose from {', '.join(self.rows)}")
        return self.rows[row].run or row

    @property
    def runs(self) -> list[str]:
        """All runs that the table needs, with those that every regime has."""
        shown = [self.run_of(row) for row in self.rows]
        return list(dict.fromkeys([START, *shown, BASE, ORACLE] if self.has_room else shown))

    def in_paper(
        self, row: str, range_index: int, metric: str = "mpjpe", dataset: str = ""
    ) -> float | None:
        """The paper's value, mm; None where it has none. ``dataset`` "": the first of the table's."""
        if not self.paper or row not in self.rows or self.rows[row].paper == "-":
            return None
        if metric not in PAPER_METRIC:
            return None
        frame = paper_table(self.paper)
        found = frame[
            (frame["dataset"] == (dataset or self.dataset))
            & (frame["method"] == (self.rows[row].paper or row))
            & (frame["metric"] == PAPER_METRIC[metric])
            & (frame["resolution"].astype(str) == PAPER_RESOLUTIONS[range_index])
        ]["value"]
        return None if found.empty else float(found.iloc[0])


@dataclass(frozen=True)
class Regime:
    """A setting in which all rows are trained: ``changes`` of a preset, and the seeds.

    Attributes:
        base, ci, paper: the presets that ``rsc reproduce --preset edu``, ``ci`` and ``paper`` mean
            (the last at the paper's size, on the open benchmark as all of them).
        runs: the file under presets/tables that says what differs in each run.
    """

    __pydantic_config__ = STRICT

    title: str
    base: str = "edu"
    ci: str = "ci"
    paper: str = "paper_open"
    runs: str = "runs"
    changes: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0, 1, 2)


def names(kind: str) -> list[str]:
    """What is declared: of "tables" or "regimes"."""
    return sorted(p.stem for p in (DECLARED / kind).glob("*.yaml") if not p.stem.endswith("runs"))


def _declared(kind: str, name: str) -> dict[str, Any]:
    if name not in names(kind):
        raise RscError(f"there is no {kind[:-1]} {name!r}; choose from {', '.join(names(kind))}")
    return read_values(str(DECLARED / kind / f"{name}.yaml"))


@functools.cache  # a record asks for each table many times
def declared(name: str) -> Table:
    """A table by its name, such as "table6" or "fig11".

    Raises:
        RscError: no such table, or its file does not fit.
    """
    table = checked(Table, _declared("tables", name), name)
    for regime in table.regimes:
        known = {*run_changes(regime_named(regime).runs), START}
        for row in table.rows:
            if table.run_of(row) not in known:
                raise RscError(f"{name}: row {row} shows the unknown run {table.run_of(row)!r}")
    for claim in table.claims:
        table.run_of(claim.better), table.run_of(claim.than)
    return table


@functools.cache
def regime_named(name: str) -> Regime:
    """A regime by its name, such as "hard".

    Raises:
        RscError: no such regime, or its file does not fit.
    """
    return checked(Regime, _declared("regimes", name), name)


@functools.cache
def run_changes(file: str = "runs") -> Mapping[str, dict[str, Any]]:
    """What differs in each run from its regime: the rows of all tables, once each. Not to be changed."""
    values = read_values(str(DECLARED / "tables" / f"{file}.yaml"))
    return {str(name): changes or {} for name, changes in values.items()}


@functools.cache
def untrained() -> frozenset[str]:
    """Runs that are scored as they are, once for all seeds: what they score is a shipped model."""
    files = {regime_named(name).runs for name in names("regimes")}
    runs = [(run, changes) for file in files for run, changes in run_changes(file).items()]
    return frozenset({START, *(run for run, changes in runs if "score" in changes)})


def tables_of(regime: str) -> list[str]:
    """The tables that are run in a regime."""
    return [name for name in names("tables") if regime in declared(name).regimes]


def sizes_of(run: str) -> list[int]:
    """The sizes that a run is scored at: those of every table that shows it, the largest first."""
    tables = [declared(name) for name in names("tables")]
    return sorted({s for t in tables if run in t.runs for s in t.sizes}, reverse=True)


def has_pixels(run: str) -> bool:
    """Whether a run's record has counted pixels: whether Table 2 shows it."""
    return bool(pixel_parts_of(run))


def parts_of(run: str) -> list[str]:
    """The test parts that a run is scored on."""
    return list(dict.fromkeys(part for t in _showing(run) for part in t.parts))


def first_parts_of(run: str) -> list[str]:
    """Those of :func:`parts_of` that every record has."""
    return list(dict.fromkeys(p for t in _showing(run) for p in t.parts if p not in t.late_parts))


def pixel_parts_of(run: str) -> list[str]:
    """The test parts whose pixels are counted for a run."""
    return list(dict.fromkeys(part for t in _showing(run) if t.of_pixels for part in t.parts))


def _showing(run: str) -> list[Table]:
    tables = [declared(name) for name in names("tables")]
    return [table for table in tables if run in table.runs]
