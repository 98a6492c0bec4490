"""The paper on a page: every declared claim beside what is measured here, with its verdict.

A claim whose rows have no scores is on the page too, as "not measured": a page that leaves out what is
missing says more than it knows. The paper's gains and ours are columns of their own and are never
subtracted from one another.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from rsclib import claims, texture_claims
from rsclib.errors import NotYetError
from rsclib.pixel_claims import segmented
from rsclib.tables import UNITS
from rsclib.texture_claims import MEASURES

NOT_MEASURED = "not measured"
# The lesson that has the table, by the table.
LESSONS = {
    "table1": "18_single_image_tables", "table2": "18_single_image_tables", "table3": "22_video_table",
    "table4": "28_texture_tables", "table5": "13_robustness", "table6": "12_ablation_tables",
    "table7": "12_ablation_tables", "table8": "28_texture_tables",
}  # fmt: skip


def the_page(folder: Path = claims.RECORDS) -> pd.DataFrame:
    """A claim a line, in the order of the paper's tables.

    Args:
        folder: of the records (``results/edu``).

    Returns:
        Columns table ("table6"), claim, of (the measure with its unit), size (px), paper (its own gain,
        NaN: it prints none), gain, low, high (ours; above 0 the claim holds), digits (shown of a gain),
        seeds, verdict and lesson. The first regime of a table is the one that is shown.

    Raises:
        RscError: a file of the records is damaged.
    """
    lines: list[dict[str, Any]] = []
    for name in LESSONS:
        if name in texture_claims.TABLES:
            lines += _textures(name, folder / "textures")
        elif claims.declared(name).of_pixels:
            lines += _pixels(name, folder)
        else:
            lines += _people(name, folder)
    whole = ""  # a claim that only goes on, "… after alignment", is one of its own here
    for line in lines:
        if line["claim"].startswith("…"):
            line["claim"] = f"{whole}, {line['claim'].lstrip('… ') or line['of'].partition(',')[0]}"
        else:
            whole = line["claim"]
    return pd.DataFrame(lines)


def counts(page: pd.DataFrame) -> Mapping[str, int]:
    """How many claims have each verdict, all four in this order whether there are any or not."""
    found = page["verdict"].value_counts()
    order = ("reproduced", "undecided", "contradicted", NOT_MEASURED)
    return {word: int(found.get(word, 0)) for word in order}


def least_visible(low: ArrayLike, high: ArrayLike) -> NDArray[np.float64]:
    """The smallest gain that would have been "reproduced", with an interval as wide as (low, high) that
    lies evenly about its gain, as a bootstrap's need not."""
    return (np.asarray(high, float) - np.asarray(low, float)) / 2


def power(true: ArrayLike, low: ArrayLike, high: ArrayLike) -> NDArray[np.float64]:
    """The probability that a claim whose gain is ``true`` is reproduced.

    Args:
        low, high: ends of its 95 % interval; only the width, above 0, matters, taken as that of a
            normal distribution of found gains.
    """
    z = norm.ppf(0.975)
    return norm.sf(z - np.asarray(true, float) / (least_visible(low, high) / z))


def as_html(page: pd.DataFrame, suffix: str = ".ipynb") -> str:
    """The page as an HTML table, a claim a line with a link to its lesson (``suffix``: of its file)."""
    rows = []
    for line in page.to_dict("records"):
        d = int(line["digits"])
        here = ""
        if pd.notna(line["gain"]):
            here = f"{line['gain']:.{d}f} [{line['low']:.{d}f}, {line['high']:.{d}f}]"
        paper = "" if pd.isna(line["paper"]) else f"{line['paper']:.{d}f}"
        number = line["table"].removeprefix("table")
        link = f'<a href="{line["lesson"]}{suffix}">Table {number}</a>'
        cells = (link, line["claim"], line["of"], line["size"], paper, here, line["seeds"] or "",
                 f"{_MARKS[line['verdict']]} {line['verdict']}")  # fmt: skip
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    titles = ("in the paper", "claim", "of", "at", "gain in the paper", "gain here, 95 % interval",
              "seeds", "verdict")  # fmt: skip
    head = "".join(f"<th>{title}</th>" for title in titles)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


# Shapes beside the words: nobody has to tell colours apart.
_MARKS = {"reproduced": "●", "undecided": "◇", "contradicted": "■", NOT_MEASURED: "–"}


def _people(name: str, folder: Path) -> list[dict[str, Any]]:
    """Claims of a table of errors."""
    table, found = claims.declared(name), None
    known: dict[tuple[str, str, str, int], Any] = {}
    with contextlib.suppress(NotYetError):  # is no error here
        found = claims.recorded(name, table.regimes[0], folder)
    if found is not None:
        for row in found.verdicts(part=table.parts[0]).to_dict("records"):
            known[row["better"], row["than"], row["metric"], row["size"]] = row
    sizes = found.eval_sizes if found is not None else claims.SIZES
    lines = []
    for claim in table.claims:
        size = sizes[claim.range_index]
        seen = known.get((claim.better, claim.than, claim.metric, size))
        printed = [
            table.in_paper(r, claim.range_index, claim.metric) for r in (claim.than, claim.better)
        ]
        paper = None if None in printed else printed[0] - printed[1]  # type: ignore[operator]
        lines.append(
            _line(name, claim.text or f"{claim.better} beats {claim.than}",
                  UNITS.get(claim.metric, claim.metric), f"{size} px", paper, 1)
            | ({} if seen is None else _measured(seen, "gain_mm"))
        )  # fmt: skip
    return lines


def _pixels(name: str, folder: Path) -> list[dict[str, Any]]:
    """Claims of Table 2; gains in points, as it has them."""
    table, known = claims.declared(name), {}
    try:
        found = segmented(table.regimes[0], folder, name)
    except NotYetError:
        found = None
    if found is not None:
        verdicts = found.verdicts(table.parts[0])
        known = {(r["better"], r["than"], r["metric"]): r for r in verdicts.to_dict("records")}
    lines = []
    for claim in table.claims:
        printed = [
            table.in_paper(r, claim.range_index, claim.metric) for r in (claim.better, claim.than)
        ]
        scale = 100 if claim.metric.endswith("f1") else 1
        paper = None if None in printed else scale * (printed[0] - printed[1])  # type: ignore[operator]
        row = known.get((claim.better, claim.than, claim.metric))
        size = claims.SIZES[claim.range_index]
        of = f"{UNITS[claim.metric].partition(',')[0]}, points"
        lines.append(
            _line(name, claim.text, of, f"{size} px", paper, 2)
            | ({} if row is None else _measured(row))
        )
    return lines


def _textures(name: str, folder: Path) -> list[dict[str, Any]]:
    """Claims of Table 4 or 8."""
    table, known = texture_claims.texture_table_of(name), {}
    try:
        found = texture_claims.texture_records(name, folder)
    except NotYetError:
        found = None
    if found is not None:
        verdicts = found.verdicts()
        known = {(r["better"], r["than"], r["metric"]): r for r in verdicts.to_dict("records")}
    lines = []
    for claim in table.claims:
        measure = MEASURES[claim.metric]
        row = known.get((claim.better, claim.than, claim.metric))
        one, other = (table.in_paper(r, claim.metric) for r in (claim.better, claim.than))
        paper = None if one is None or other is None else other - one
        lines.append(
            _line(name, claim.text, measure.title, f"{texture_claims.ROWS} rows", paper, measure.digits)
            | ({} if row is None else _measured(row))
        )  # fmt: skip
    return lines


def _line(
    name: str, text: str, of: str, size: str, paper: float | None, digits: int
) -> dict[str, Any]:
    """A claim that nobody has measured yet."""
    nothing = float("nan")
    return {
        "table": name, "claim": text, "of": of, "size": size,
        "paper": nothing if paper is None else paper, "gain": nothing, "low": nothing,
        "high": nothing, "digits": digits, "seeds": 0, "verdict": NOT_MEASURED,
        "lesson": LESSONS[name],
    }  # fmt: skip


def _measured(row: Mapping[Any, Any], gain: str = "gain") -> dict[str, Any]:
    return {"gain": row[gain]} | {name: row[name] for name in ("low", "high", "seeds", "verdict")}
