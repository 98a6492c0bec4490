"""Tables 4 and 8 from stored scores: means, paired intervals over people and seeds, verdicts.

``results/edu/textures/<run>/seed<k>-pedestrians-test.npz`` hold every test person's scores of a run
(:class:`rsclib.scores.Scores`, whose "clip" is a person here: their pictures are alike, people are not);
``rsclib/presets/textures/rows.yaml`` says which row of a table shows which run and what the paper claims.
The rule of a verdict is :func:`rsclib.claims.verdict`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rsclib import claims
from rsclib.config import STRICT, checked, read_values
from rsclib.declared import DECLARED
from rsclib.errors import NotYetError, RscError
from rsclib.scores import Scores
from rsclib.statistics import Interval, over_trainings
from rsclib.tables import paper_table

FILE = DECLARED / "textures" / "rows.yaml"
RECORDS = claims.RECORDS / "textures"
PART, ROWS = (
    "pedestrians-test",
    32,
)  # test people, and the rows of the picture that the network sees
TABLES = ("table4", "table8")


@dataclass(frozen=True)
class Measure:
    """A column of the tables.

    Attributes:
        column: its name in :func:`rsclib.texture_scores.score_textures` and in records.
        title: for people, with the unit. digits: shown after the point.
        higher: whether more is better. paper: the paper's name of it ("": it has none).
    """

    column: str
    title: str
    digits: int
    higher: bool = False
    paper: str = ""


MEASURES = {
    # Its factor is this project's: rsclib.reid_loss.FACTOR.
    "reid": Measure("reid_rescaled", "ReID loss, rescaled", 2, paper="ReID loss"),
    "lpips": Measure("LPIPS (AlexNet)", "LPIPS (AlexNet)", 4, paper="LPIPS"),
    "st_lpips": Measure("ST-LPIPS (AlexNet)", "ST-LPIPS (AlexNet)", 4),
    "cosine": Measure("reid_cosine", "ReID cosine", 4, higher=True),
    "psnr": Measure("psnr", "PSNR of the picture, dB", 2, higher=True),
    "ssim": Measure("ssim", "SSIM of the picture", 4, higher=True),
    "uv_psnr": Measure("uv_psnr", "PSNR of the map, dB", 2, higher=True),
    "uv_ssim": Measure("uv_ssim", "SSIM of the map", 4, higher=True),
    "unseen_psnr": Measure("unseen_psnr", "PSNR of the unseen side, dB", 2, higher=True),
    "unseen_ssim": Measure("unseen_ssim", "SSIM of the unseen side", 4, higher=True),
}


@dataclass(frozen=True)
class TextureClaim:
    """``better`` is better than ``than`` in a measure (a key of :data:`MEASURES`)."""

    __pydantic_config__ = STRICT

    better: str
    than: str
    metric: str
    text: str


@dataclass(frozen=True)
class TextureTable:
    """Table 4 or 8: its ``rows`` by the paper's names, and the run that each shows."""

    name: str
    title: str
    rows: Mapping[str, str]
    claims: tuple[TextureClaim, ...]

    @property
    def number(self) -> int:
        """The paper's."""
        return int(self.name.removeprefix("table"))

    def in_paper(self, row: str, metric: str) -> float | None:
        """The paper's value of a row; None where it has none."""
        frame = paper_table(self.number)
        found = frame[(frame["method"] == row) & (frame["metric"] == MEASURES[metric].paper)]
        return None if found.empty else float(found["value"].iloc[0])

    def paper_frame(self) -> pd.DataFrame:
        """The paper's table as printed: a row a line."""
        known = {k: m for k, m in MEASURES.items() if m.paper}
        lines = {
            row: {m.paper: self.in_paper(row, k) for k, m in known.items()} for row in self.rows
        }
        return pd.DataFrame(lines).T.dropna(axis=1, how="all").rename_axis("row")


def texture_table_of(name: str) -> TextureTable:
    """Table 4 or 8 as it is run here.

    Raises:
        RscError: another table, or a claim of its file that does not fit.
    """
    if name not in TABLES:
        raise RscError(f"textures have the tables {', '.join(TABLES)}, not {name!r}")
    values = read_values(str(FILE))
    rows: dict[str, str] = values["tables"][name]
    stated = tuple(checked(TextureClaim, c, f"{FILE.name}: {name}") for c in values["claims"][name])
    for claim in stated:
        for row in (claim.better, claim.than):
            if row not in rows:
                raise RscError(f"{name}: a claim names the unknown row {row!r}")
        if claim.metric not in MEASURES:
            raise RscError(f"{name}: a claim names the unknown measure {claim.metric!r}")
    return TextureTable(name, values["titles"][name], rows, stated)


def texture_record(folder: Path, run: str, seed: int) -> Path:
    """Where the scores of one run lie."""
    return folder / run / f"seed{seed}-{PART}.npz"


@dataclass(frozen=True)
class TextureRecords:
    """What a folder holds of a table: ``scores`` by run and seed."""

    table: TextureTable
    scores: Mapping[tuple[str, int], Scores]

    @property
    def rows(self) -> list[str]:
        """Rows with scores, in the table's order."""
        return [row for row in self.table.rows if self.seeds(row)]

    @property
    def measures(self) -> list[str]:
        """Keys of the measures that every record has: LPIPS is not one of them without its weights."""
        columns = [{metric for _, _, metric in scores.errors} for scores in self.scores.values()]
        return [key for key, m in MEASURES.items() if all(m.column in have for have in columns)]

    @property
    def people(self) -> NDArray[np.str_]:
        """Names (P,) of the people scored."""
        return next(iter(self.scores.values())).clip

    def seeds(self, row: str) -> tuple[int, ...]:
        """The seeds of a row that were trained and scored."""
        run = self.table.rows[row]
        return tuple(sorted(seed for of, seed in self.scores if of == run))

    def values(self, row: str, metric: str) -> NDArray[np.float64]:
        """Scores (seeds, people).

        Raises:
            RscError: the row, or this measure of it, was not scored.
        """
        run, seeds = self.table.rows[row], self.seeds(row)
        if not seeds:
            command = f"rsc reproduce {self.table.name} --rows {run}"
            raise RscError(f"no scores of {row!r}; run: {command}")
        column = MEASURES[metric].column
        return np.array([self.scores[run, seed].of(run, ROWS, column) for seed in seeds])

    def mean(self, row: str, metric: str) -> Interval:
        """Mean over seeds and people, its 95 % interval over people and, from two on, seeds."""
        return self._interval(self.values(row, metric))

    def gain(self, better: str, than: str, metric: str) -> Interval:
        """How much better the first is: the paired difference on the same people and seeds, above 0
        if it is better, with its 95 % interval.

        Raises:
            RscError: one of them was not scored, or they have no seed in common.
        """
        common = sorted(set(self.seeds(better)) & set(self.seeds(than)))
        if not common:
            raise RscError(f"{better!r} and {than!r} have no seed in common")
        first, second = (
            self.values(row, metric)[[self.seeds(row).index(seed) for seed in common]]
            for row in (better, than)
        )
        return self._interval(first - second if MEASURES[metric].higher else second - first)

    def _interval(self, values: NDArray[np.float64]) -> Interval:
        return over_trainings(values, self.people)

    def frame(self) -> pd.DataFrame:
        """Means as they are shown: a row a line, a measure a column. Measured here only."""
        lines = [
            [f"{self.mean(row, key).mean:.{MEASURES[key].digits}f}" for key in self.measures]
            for row in self.rows
        ]
        columns = [MEASURES[key].title for key in self.measures]
        return pd.DataFrame(lines, index=pd.Index(self.rows, name="row"), columns=columns)

    def verdicts(self, metric: str = "") -> pd.DataFrame:
        """A claim a line: ours with its interval and seeds, the paper's own gain, verdict. Claims whose
        rows have no common seed, or whose measure is missing, are left out.

        Args:
            metric: read all claims in it instead of each one's own.
        """
        lines: list[dict[str, Any]] = []
        for claim in self.table.claims:
            of = metric or claim.metric
            common = set(self.seeds(claim.better)) & set(self.seeds(claim.than))
            if not common or of not in self.measures:
                continue
            gain = self.gain(claim.better, claim.than, of)
            one, other = (self.table.in_paper(row, of) for row in (claim.better, claim.than))
            paper = None if one is None or other is None else other - one
            lines.append(
                {"claim": claim.text, "better": claim.better, "than": claim.than, "metric": of,
                 "gain": gain.mean, "low": gain.low, "high": gain.high, "paper": paper,
                 "seeds": len(common), "verdict": claims.verdict(gain)}
            )  # fmt: skip
        return pd.DataFrame(lines)


def texture_records(name: str, folder: Path = RECORDS) -> TextureRecords:
    """What ``folder`` holds of a table.

    Raises:
        RscError: nothing yet (the message has the command), a file is damaged, or records are of
            other people than the first.
    """
    table, scores = texture_table_of(name), dict[tuple[str, int], Scores]()
    for run in dict.fromkeys(table.rows.values()):
        for path in sorted((folder / run).glob(f"seed*-{PART}.npz")):
            if named := re.fullmatch(rf"seed(\d+)-{PART}", path.stem):
                scores[run, int(named[1])] = Scores.load(path)
    if not scores:
        raise NotYetError(f"no results of {name}; run: rsc reproduce {name}")
    first = next(iter(scores.values())).clip
    for (run, seed), one in scores.items():
        if not np.array_equal(one.clip, first):
            raise RscError(f"{run}, seed {seed}: scored on other people than the other rows")
    return TextureRecords(table, scores)


def verdicts_text(verdicts: pd.DataFrame) -> str:
    """Verdicts as a Markdown table, the paper's gains in a column of their own."""
    lines = []
    for line in verdicts.to_dict("records"):
        m, paper = MEASURES[str(line["metric"])], line["paper"]
        gain, low, high = (f"{line[k]:.{m.digits}f}" for k in ("gain", "low", "high"))
        printed = "" if paper is None or np.isnan(paper) else f"{paper:.{m.digits}f}"
        lines.append(
            [line["claim"], m.title, f"{gain} [{low}, {high}]", printed, line["seeds"],
             line["verdict"]]
        )  # fmt: skip
    columns = ["claim", "of", "gain here", "gain in the paper", "seeds", "verdict"]
    text: str = pd.DataFrame(lines, columns=columns).to_markdown(index=False, disable_numparse=True)
    return text
