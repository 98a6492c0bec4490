"""Result files: rows as CSV, a line a number, with their provenance beside them as JSON.

``wild.csv`` has the rows, ``wild.json`` where they come from and the hash of the rows, so that a pair
that does not belong together is noticed. Files of schema 1 had both in the JSON; they are read too.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rsclib.errors import RscError
from rsclib.files.atomic import write_text
from rsclib.runs.provenance import to_plain

SCHEMA = 2
_REQUIRED = ("config", "seed", "git", "versions", "machine", "seconds", "images_seen", "date")
# Columns that people look for first, in this order.
FIRST = ("method", "metric", "split", "resolution", "range_index", "images", "value", "low", "high")
# What a cell without quotes of its own reads as; any other text is text.
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
_WORDS = {"": None, "true": True, "false": False}


def write_result(
    path: str | os.PathLike[str], rows: Sequence[Mapping[str, Any]], provenance: Mapping[str, Any]
) -> None:
    """Write measured rows (``.csv``) and their provenance (``.json``), each whole or not at all.

    Args:
        path: either of the two files.
        rows: one mapping per number; :mod:`rsclib.tables` reads method, metric, resolution, value
            and, where present, low, high, split and range_index. Values are text, numbers, true,
            false or None; a column that a row lacks is empty.
        provenance: of :func:`rsclib.runs.provenance.provenance`.

    Raises:
        RscError: a value is NaN, infinite, a list, or text that would be read as something else; or
            the disk refuses.
    """
    path = Path(path)
    plain = to_plain(rows)
    document = {"schema": SCHEMA, "rows": plain, "provenance": to_plain(provenance)}
    _check(document, path.name)
    table = _as_csv(plain, path.name)
    document["rows"] = {
        "file": path.with_suffix(".csv").name,
        "sha256": hashlib.sha256(table.encode()).hexdigest(),
    }
    text = json.dumps(document, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    write_text(path.with_suffix(".csv"), table)
    write_text(path.with_suffix(".json"), text + "\n")


def read_result(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what :func:`write_result` wrote, by the name of either file.

    Returns:
        ``{"schema": 1 or 2, "rows": [...], "provenance": {...}}``.

    Raises:
        RscError: a file is missing, is not what it should be, or the two do not belong together.
    """
    path = Path(path).with_suffix(".json")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(document, dict) and isinstance(document.get("rows"), dict):
            table = path.with_suffix(".csv").read_bytes()
            if hashlib.sha256(table).hexdigest() != document["rows"].get("sha256"):
                raise RscError(
                    f"{path.with_suffix('.csv').name} does not belong to {path.name}: its hash is "
                    "another; measure again, or get both files again"
                )
            document["rows"] = _from_csv(table.decode("utf-8"))
        _check(document, path.name)
    except RscError:
        raise
    except OSError as error:
        name = Path(error.filename or path).name
        raise RscError(f"cannot read {name}: {error.strerror or error}") from error
    except (ValueError, RecursionError, csv.Error) as error:
        raise RscError(f"{path.name} is not a result file: {error}") from error
    assert isinstance(document, dict)
    return document


def _as_csv(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    found = dict.fromkeys(key for row in rows for key in row)
    columns = [name for name in FIRST if name in found] + [
        name for name in found if name not in FIRST
    ]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for number, row in enumerate(rows):
        cells = []
        for column in columns:
            value = row.get(column)
            cell = value if isinstance(value, str) else "" if value is None else json.dumps(value)
            if isinstance(value, list | dict) or _value(cell) != value:
                raise RscError(f"{name}: rows.{number}.{column} = {value!r} is no value of a table")
            cells.append(cell)
        writer.writerow(cells)
    return out.getvalue()


def _from_csv(text: str) -> list[dict[str, Any]]:
    lines = list(csv.reader(io.StringIO(text), strict=True))
    columns = lines[0] if lines else []
    return [
        {name: _value(cell) for name, cell in zip(columns, line, strict=True)} for line in lines[1:]
    ]


def _value(cell: str) -> Any:
    if cell in _WORDS:
        return _WORDS[cell]
    return json.loads(cell) if _NUMBER.fullmatch(cell) else cell


def _check(document: Any, name: str) -> None:
    """Refuse what is not a result file, or has a number that is not finite."""
    if not isinstance(document, dict) or document.get("schema") not in (1, SCHEMA):
        raise RscError(f"{name} is not a result file of schema 1 or {SCHEMA}")
    rows, origin = document.get("rows"), document.get("provenance")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RscError(f"{name}: rows must be a list of objects")
    if not isinstance(origin, dict):
        raise RscError(f"{name}: it has no provenance")
    missing = [key for key in _REQUIRED if key not in origin]
    if missing:
        raise RscError(f"{name}: its provenance lacks {', '.join(missing)}")
    place = _first_not_finite(document)
    if place is not None:
        raise RscError(f"{name}: {place} is not a finite number")


def _first_not_finite(value: Any, place: str = "") -> str | None:
    """Where the first NaN or infinity is, e.g. ``rows.3.value``; None if there is none."""
    if isinstance(value, float):
        return None if math.isfinite(value) else place.lstrip(".")
    pairs = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    found = (_first_not_finite(item, f"{place}.{key}") for key, item in pairs)
    return next((place for place in found if place is not None), None)
