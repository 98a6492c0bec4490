"""Tables 5 to 7 and Figure 11 as they are run here: rows, sizes, claims, regimes, from YAML.

``rsclib/presets/tables/*.yaml`` declare the tables, ``tables/runs.yaml`` what differs in each run, and
``rsclib/presets/regimes/*.yaml`` the settings in which all of them are trained.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rsclib.config import STRICT, checked, read_values
from rsclib.errors import RscError
from rsclib.resolution import PRESETS
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
