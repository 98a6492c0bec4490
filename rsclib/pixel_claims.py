"""Table 2 from the records: silhouettes and parts of every row, gains and verdicts.

Unlike errors, accuracy and F1 are of the pixels of all images together, so what a record keeps is each
image's counts (:class:`rsclib.pixels.Segmentation`). Records that were made before there was Table 2
have none: their rows are said to be not measured, with the command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rsclib.claims import (
    PARTS,
    RECORDS,
    Table,
    declared,
    pixel_path,
    recorded,
    rows_with,
    untrained,
    verdict,
)
from rsclib.errors import RscError
from rsclib.pixels import Segmentation, over_clips
from rsclib.statistics import Interval


@dataclass(frozen=True)
class Segmented:
    """What results/ holds of Table 2 in a regime.

    Attributes:
        pixels: by part, run and seed. without: runs and seeds whose record has no pixels.
    """

    table: Table
    regime: str
    pixels: Mapping[tuple[str, str, int], Segmentation]
    without: tuple[tuple[str, int], ...] = ()

    @property
    def rows(self) -> list[str]:
        """Rows with pixels, in the table's order; the runs that every regime has besides."""
        return rows_with(self.table, {run for _, run, _ in self.pixels})

    def has(self, part: str) -> bool:
        """Whether anything was counted on a part."""
        return any(of == part for of, _, _ in self.pixels)

    def seeds(self, row: str, part: str = PARTS[0]) -> tuple[int, ...]:
        """The seeds that were trained and counted on a part."""
        run = self.table.run_of(row)
        return tuple(sorted(s for of, name, s in self.pixels if (of, name) == (part, run)))

    def _of(self, row: str, part: str, seeds: tuple[int, ...]) -> list[Segmentation]:
        return [self.pixels[part, self.table.run_of(row), seed] for seed in seeds]

    def value(self, row: str, metric: str, part: str = PARTS[0]) -> Interval:
        """The table's number, of all pixels and seeds together: accuracy in %, F1 from 0 to 1, 95 % over
        recordings, clips and, from two on, seeds.

        Raises:
            RscError: not measured; the message has the command.
        """
        if not (seeds := self.seeds(row, part)):
            raise RscError(
                f"no pixels of {row} on {part} in the regime {self.regime}; run: "
                f"{self.command([self.table.run_of(row)])}"
            )
        return over_clips(self._of(row, part, seeds), None, metric)

    def common(self, better: str, than: str, part: str = PARTS[0]) -> tuple[int, ...]:
        """The seeds that two rows share; a model that is not trained anew shares all."""
        ours, theirs = (self.seeds(row, part) for row in (better, than))
        still = untrained()
        if not (ours and theirs):
            return ()
        if self.table.run_of(better) in still:
            return theirs
        return ours if self.table.run_of(than) in still else tuple(sorted({*ours} & {*theirs}))

    def gain(self, better: str, than: str, metric: str, part: str = PARTS[0]) -> Interval:
        """``better`` minus ``than``, the same images and seeds, in points: per cent of accuracy,
        hundredths of F1. Above 0 the first is better.

        Raises:
            RscError: they have no seed in common.
        """
        if not (seeds := self.common(better, than, part)):
            raise RscError(f"{better} and {than} have no seed with counted pixels in common")
        still = untrained()
        pair = [
            self._of(row, part, (0,)) * len(seeds)
            if self.table.run_of(row) in still
            else self._of(row, part, seeds)
            for row in (better, than)
        ]
        scale = 100 if metric.endswith("f1") else 1
        return Interval(*(scale * v for v in over_clips(pair[0], pair[1], metric)))

    def frame(self, part: str = PARTS[0]) -> pd.DataFrame:
        """The table: a row a line, a metric a column. Measured here only."""
        rows = [row for row in self.rows if self.seeds(row, part)]
        return pd.DataFrame(
            [[self.value(row, metric, part).mean for metric in self.table.metrics] for row in rows],
            index=pd.Index(rows, name="row"), columns=list(self.table.metrics),
        )  # fmt: skip

    def verdicts(self, part: str = PARTS[0]) -> pd.DataFrame:
        """A claim a line, as :meth:`rsclib.claims.Recorded.verdicts`, gains in points. Claims whose rows
        have no seed with counted pixels in common are left out."""
        lines = []
        of_part = dict(zip(self.table.parts, self.table.datasets, strict=False))
        for claim in self.table.claims:
            if not (seeds := self.common(claim.better, claim.than, part)):
                continue
            gain = self.gain(claim.better, claim.than, claim.metric, part)
            scale = 100 if claim.metric.endswith("f1") else 1
            ours, theirs = (
                self.table.in_paper(row, claim.range_index, claim.metric, of_part.get(part, "-"))
                for row in (claim.better, claim.than)
            )
            known = ours is not None and theirs is not None
            lines.append(
                {"claim": claim.text, "better": claim.better, "than": claim.than,
                 "metric": claim.metric, "gain": gain.mean, "low": gain.low, "high": gain.high,
                 "paper": round(scale * (ours - theirs), 2) if known else None,  # type: ignore[operator]
                 "seeds": len(seeds), "verdict": verdict(gain)}
            )  # fmt: skip
        return pd.DataFrame(lines)

    def command(self, runs: Sequence[str], seeds: Sequence[int] = (), again: bool = False) -> str:
        """What measures some runs."""
        names = {self.table.run_of(row): row for row in self.table.rows}
        words = ["rsc reproduce table2 --rows", *(names.get(run, run) for run in runs)]
        if seeds:
            words += ["--seeds", *map(str, seeds)]
        if self.regime != self.table.regimes[0]:
            words += ["--regime", self.regime]
        return " ".join([*words, *["--again"] * again])

    def not_measured(self) -> str:
        """Which rows lack pixels, and what to run, in Markdown; "" where none does."""
        seeds_of: dict[str, list[int]] = {}
        for run, seed in sorted(self.without):
            seeds_of.setdefault(run, []).append(seed)
        have = {run for _, run, _ in self.pixels} | {*seeds_of}
        lines = []
        if none := [run for run in self.table.runs if run not in have]:
            lines.append(f"Not measured: {', '.join(none)}; `{self.command(none)}`")
        for seeds in sorted({tuple(found) for found in seeds_of.values()}):
            runs = [r for r in self.table.runs if tuple(seeds_of.get(r, ())) == seeds]
            lines.append(
                f"Not measured, because recorded before there was Table 2: {', '.join(runs)}, "
                f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}; "
                f"`{self.command(runs, seeds, again=True)}`"
            )
        return "\n\n".join(lines)


def segmented(regime: str = "hard", folder: Path = RECORDS, table: str = "table2") -> Segmented:
    """What ``folder`` holds of Table 2, be it nothing but old records.

    Raises:
        RscError: no records at all (the message has the command), or a file is damaged.
    """
    described, pixels, without = declared(table), {}, []
    for _, run, seed in recorded(table, regime, folder).scores:
        for part in described.parts:
            path = pixel_path(folder, regime, run, seed, part)
            if path.is_file():
                pixels[part, run, seed] = Segmentation.load(path)
            elif (run, seed) not in without:
                without.append((run, seed))
    return Segmented(described, regime, pixels, tuple(without))
