"""The paper's claims beside what is measured here: gains, room and verdicts from stored errors.

``results/edu/<regime>/<run>/seed<k>-<part>.npz`` hold every image's errors of every run
(:class:`rsclib.scores.Scores`); :mod:`rsclib.declared` says which row of a table shows which. A claim
says that one row is better than another at a size; its verdict comes from the paired difference over
recordings, clips and seeds.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from rsclib.declared import (
    BASE,
    ORACLE,
    PARTS,
    RECORDS,
    SIZES,
    START,
    Claim,
    Regime,
    Row,
    Table,
    declared,
    first_parts_of,
    has_pixels,
    names,
    parts_of,
    pixel_parts_of,
    regime_named,
    run_changes,
    sizes_of,
    tables_of,
    untrained,
)
from rsclib.errors import NotYetError, RscError
from rsclib.resolution import PRESETS
from rsclib.scores import Scores
from rsclib.statistics import Interval, over_trainings

__all__ = [
    "BASE", "ORACLE", "PARTS", "RECORDS", "SIZES", "START", "Claim", "Interval", "Recorded", "Regime",
    "Row", "Scores", "Table", "declared", "first_parts_of", "has_pixels", "names", "parts_of",
    "pixel_parts_of", "pixel_path", "record_path", "recorded", "regime_named", "rows_with", "run_changes",
    "sizes_of", "tables_of", "untrained", "verdict",
]  # fmt: skip


def verdict(gain: Interval) -> str:
    """The rule of results/README.md: by the 95 % interval of the gain, fixed before any row was run."""
    if gain.low > 0:
        return "reproduced"
    return "contradicted" if gain.high < 0 else "undecided"


def rows_with(table: Table, have: Collection[str]) -> list[str]:
    """The rows of a table whose run is among ``have``, in its order, with the runs that every regime has."""
    shown = [*table.rows]
    inside = {table.run_of(row) for row in shown}
    if table.has_room:
        shown = [r for r in (START, BASE) if r not in inside] + shown
        shown += [ORACLE] * (ORACLE not in inside)
    return [row for row in shown if table.run_of(row) in have]


@dataclass(frozen=True)
class Recorded:
    """What results/ holds of a table in a regime: ``scores`` by part, run and seed."""

    table: Table
    regime: str
    scores: Mapping[tuple[str, str, int], Scores]

    @property
    def rows(self) -> list[str]:
        """Rows with results, in the table's order; the runs that every regime has besides."""
        return rows_with(self.table, {run for _, run, _ in self.scores})

    @property
    def eval_sizes(self) -> tuple[int, ...]:
        """The middle of each range, px: of the paper's ranges where records are of 224 px."""
        full = max(size for scores in self.scores.values() for _, size, _ in scores.errors)
        return PRESETS["paper"].eval_sizes if full == PRESETS["paper"].full else SIZES

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes that the table shows, px."""
        return self.table.sizes if self.eval_sizes == SIZES else self.eval_sizes

    def seeds(self, row: str, part: str = PARTS[0]) -> tuple[int, ...]:
        """The seeds that were trained and scored on a part."""
        run = self.table.run_of(row)
        return tuple(sorted(s for of, name, s in self.scores if (of, name) == (part, run)))

    def errors(
        self, row: str, size: int, metric: str = "mpjpe", part: str = PARTS[0]
    ) -> np.ndarray:
        """Errors (seeds, images), mm.

        Raises:
            RscError: not measured; the message has the command.
        """
        run, seeds = self.table.run_of(row), self.seeds(row, part)
        if not seeds:
            raise RscError(
                f"no result of {run} on {part} in the regime {self.regime}; run: "
                f"rsc reproduce --rows {run} --regime {self.regime}"
            )
        lines = [self.scores[part, run, seed].of(run, size, metric) for seed in seeds]
        return np.array(lines)

    def has(self, part: str) -> bool:
        """Whether anything was scored on a part."""
        return any(of == part for of, _, _ in self.scores)

    def clips(self, part: str) -> np.ndarray:
        """The motion clip of each image (N,).

        Raises:
            RscError: nothing was scored on the part.
        """
        found = [s.clip for (name, _, _), s in self.scores.items() if name == part]
        if not found:
            raise RscError(f"nothing was scored on {part} in the regime {self.regime}")
        return found[0]

    def mean(self, row: str, size: int, metric: str = "mpjpe", part: str = PARTS[0]) -> float:
        """Mean over seeds and images, mm."""
        return float(self.errors(row, size, metric, part).mean())

    def gain(
        self, better: str, than: str, size: int, metric: str = "mpjpe", part: str = PARTS[0]
    ) -> Interval:
        """Errors of ``than`` minus errors of ``better``, mm, the same images and seeds: above 0 the
        first is better. The 95 % interval is over recordings, clips and, from two on, seeds.

        Raises:
            RscError: one of them was not measured, or they have no seed in common.
        """
        first, second = (self.errors(row, size, metric, part) for row in (better, than))
        ours, theirs = self.seeds(better, part), self.seeds(than, part)
        # A model that is not trained anew (HR-only) is the same for every seed.
        if not {self.table.run_of(better), self.table.run_of(than)} & untrained():
            common = sorted(set(ours) & set(theirs))
            if not common:
                raise RscError(f"{better} and {than} have no seed in common: {ours}, {theirs}")
            first = first[[ours.index(s) for s in common]]
            second = second[[theirs.index(s) for s in common]]
        apart = second - first
        return over_trainings(apart, self.clips(part))

    def common(self, one: str, other: str, part: str = PARTS[0]) -> int:
        """How many seeds two rows share; 0: no difference of them can be given."""
        a, b = (set(self.seeds(row, part)) for row in (one, other))
        if {self.table.run_of(one), self.table.run_of(other)} & untrained():
            return max(len(a), len(b)) if a and b else 0
        return len(a & b)

    def room(self, size: int = 32, metric: str = "mpjpe", part: str = PARTS[0]) -> Interval:
        """Ba minus the oracle, mm: what better labels of the same images would give."""
        return self.gain(ORACLE, BASE, size, metric, part)

    def frame(self, metric: str = "mpjpe", part: str = PARTS[0]) -> pd.DataFrame:
        """Means over seeds and images, mm: a row a line, a size a column. Measured here only."""
        rows = [row for row in self.rows if self.seeds(row, part)]
        return pd.DataFrame(
            [[self.mean(row, size, metric, part) for size in self.sizes] for row in rows],
            index=pd.Index(rows, name="row"), columns=[f"{size} px" for size in self.sizes],
        )  # fmt: skip

    def metric_frame(self, size: int, part: str) -> pd.DataFrame:
        """Means at one size: a row a line, a metric a column."""
        rows = [row for row in self.rows if self.seeds(row, part)]
        return pd.DataFrame(
            [[self.mean(row, size, metric, part) for metric in self.table.metrics] for row in rows],
            index=pd.Index(rows, name="row"), columns=list(self.table.metrics),
        )  # fmt: skip

    def verdicts(self, metric: str = "", part: str = PARTS[0]) -> pd.DataFrame:
        """A claim a line: the paper's own gain, ours with its interval and the number of seeds, share
        of the room (where there is room at all), verdict. Claims whose rows were not trained with a
        common seed are left out. ``metric``: read all claims of it instead of each one's own."""
        lines = []
        has_room = self.table.has_room and bool(self.common(ORACLE, BASE, part))
        of_part = dict(zip(self.table.parts, self.table.datasets, strict=False))
        for claim in self.table.claims:
            if not (seeds := self.common(claim.better, claim.than, part)):
                continue
            size = self.eval_sizes[claim.range_index]
            of = metric or claim.metric
            gain = self.gain(claim.better, claim.than, size, of, part)
            printed = [
                self.table.in_paper(row, claim.range_index, of, of_part.get(part, "-"))
                for row in (claim.better, claim.than)
            ]
            paper = None if None in printed else round(printed[1] - printed[0], 2)  # type: ignore[operator]
            share = float("nan")
            pair = {self.table.run_of(claim.better), self.table.run_of(claim.than)}
            if has_room and not pair & untrained():
                room = self.room(size, of, part)
                share = (
                    gain.mean / room.mean if room.low > 0 else share
                )  # a share of nothing is none
            lines.append(
                {"claim": claim.text or f"{claim.better} beats {claim.than}",
                 "better": claim.better, "than": claim.than, "metric": of, "size": size,
                 "paper_mm": paper,
                 "gain_mm": gain.mean, "low": gain.low, "high": gain.high, "seeds": seeds,
                 "share_of_room": share,
                 "verdict": verdict(gain)}
            )  # fmt: skip
        frame = pd.DataFrame(lines)
        return frame if self.table.has_room or frame.empty else frame.drop(columns="share_of_room")


def record_path(folder: Path, regime: str, run: str, seed: int, part: str) -> Path:
    """Where the errors of one run on one part lie."""
    return folder / regime / run / f"seed{seed}-{part}.npz"


def pixel_path(folder: Path, regime: str, run: str, seed: int, part: str) -> Path:
    """Where the counted pixels of one run on one part lie (:class:`rsclib.pixels.Segmentation`); records
    that were made before there was Table 2 have none."""
    return folder / regime / run / f"seed{seed}-{part}-pixels.npz"


def recorded(table: str, regime: str = "hard", folder: Path = RECORDS) -> Recorded:
    """What ``folder`` holds of a table.

    Raises:
        NotYetError: nothing yet; the message has the command.
        RscError: a file is damaged.
    """
    described, scores = declared(table), {}
    for run in described.runs:
        for part in described.parts:
            for path in sorted((folder / regime / run).glob(f"seed*-{part}.npz")):
                if named := re.fullmatch(rf"seed(\d+)-{part}", path.stem):
                    scores[part, run, int(named[1])] = Scores.load(path)
    if not scores:
        regime_named(regime)
        raise NotYetError(
            f"no results of {table} in the regime {regime}; run: rsc reproduce {table} --regime {regime}"
        )
    return Recorded(described, regime, scores)
