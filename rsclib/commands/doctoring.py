"""``rsc doctor``."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rsclib.commands.output import one_line
from rsclib.commands.own_options import Doctor
from rsclib.commands.scoring import data_root
from rsclib.errors import RscError

if TYPE_CHECKING:
    from rsclib.files.body_files import Gender

MARKS = {"found": "ok", "broken": "BROKEN", "missing": "-"}


def doctor(options: Doctor) -> int:
    """Print what is there; returns how many things are broken."""
    rows = [*_ours(options), *_licensed(options)]
    if options.json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        _print(rows, data_root(options.data))
    return sum(row["status"] == "broken" for row in rows)


def _row(
    kind: str, name: str, looked: list[str], status: str, note: str, enables: str, ask: str,
    licence: str,
) -> dict[str, Any]:  # fmt: skip
    return {
        "kind": kind, "name": name, "status": status, "note": note, "looked_for": looked,
        "enables": enables, "ask": ask, "licence": licence,
    }  # fmt: skip


def _ours(options: Doctor) -> list[dict[str, Any]]:
    """What ships, what was fetched, and the body that RSC_SMPL or ``--body`` names."""
    from rsclib.files.shipped import ASSETS, check_shipped

    rows = []
    for path in sorted([*ASSETS.glob("*.npz"), *ASSETS.glob("models/*.safetensors")]):
        name = path.relative_to(ASSETS).as_posix()
        status, note = _tried(lambda name=name: check_shipped(name) or "SHA-256 as listed")  # type: ignore[misc]
        rows.append(
            _row("shipped", name, [f"rsclib/assets/{name}"], status, note, "the open benchmark",
                 "it ships with rsclib", "see rsclib/assets"),
        )  # fmt: skip
    rows.append(_blazepose())
    named = options.body or os.environ.get("RSC_SMPL")
    if named:
        status, note = (
            _tried(lambda: _body_said(Path(named)))
            if not options.quick or not Path(named).exists()
            else ("found", "")
        )
        where = "--body" if options.body else "RSC_SMPL"
        rows.append(
            _row("body", f"the body of {where}", [str(named)], status, note,
                 "it takes the open body's place", "smpl.is.tue.mpg.de", "see its owners"),
        )  # fmt: skip
    return rows


def _blazepose() -> dict[str, Any]:
    """The outside tool that is fetched into the cache."""
    from rsclib.outside import fetching

    files = [fetching.folder() / known.name for known in fetching.KNOWN.values()]
    whole, there = fetching.present(), sum(file.is_file() for file in files)
    status = "broken" if len(whole) < there else "found" if whole else "missing"
    note = f"{len(whole)} of {len(files)} models, SHA-256 as listed" if there else ""
    return _row(
        "outside", "BlazePose", [f"{file.name} in the cache folder" for file in files], status, note,
        "rsc predict --detect; rsc score --example blazepose-full", "rsc fetch blazepose", "Apache-2.0",
    )  # fmt: skip


def _licensed(options: Doctor) -> list[dict[str, Any]]:
    """The catalogue, below the data root."""
    from rsclib.files.body_files import find_smpl
    from rsclib.readers.catalogue import CATALOGUE

    root, rows = data_root(options.data), []
    for entry in CATALOGUE:
        status, note = "missing", ""
        if root is not None and any(any(root.glob(place)) for place in entry.places):
            status, note = "found", ""
            if not options.quick:
                status, note = _tried(lambda entry=entry: entry.check(root))  # type: ignore[misc]
        if status == "missing" and entry.kind == "body" and (home := _named_folder(options)):
            gender = entry.name.split()[-1]  # "SMPL male"
            with contextlib.suppress(RscError):  # it holds other genders alone
                find_smpl(home, gender)  # type: ignore[arg-type]
                status, note = (
                    ("found", "")
                    if options.quick
                    else _tried(
                        lambda home=home, gender=gender: _body_said(home, gender)  # type: ignore[misc]
                    )
                )
        looked = [str(root / p) if root else p for p in entry.places]
        rows.append(
            _row(entry.kind, entry.name, looked, status, note, entry.enables, entry.ask,
                 entry.licence),
        )  # fmt: skip
    return rows


def _named_folder(options: Doctor) -> Path | None:
    """The folder that ``--body`` or RSC_SMPL names, if it is one."""
    named = options.body or os.environ.get("RSC_SMPL")
    return Path(named) if named and os.path.isdir(named) else None


def _body_said(place: Path, gender: Gender = "neutral") -> str:
    """Whose body it is, and the first digits of its hash."""
    from rsclib.files.body_files import digest_of, read_body

    arrays, kind = read_body(place, gender)
    return f"{kind}, {digest_of(arrays)[:4]}…"


def _tried(check: Callable[[], str]) -> tuple[str, str]:
    """Status and note of what is there: what is in it, or what is wrong with it."""
    try:
        return "found", check()
    except RscError as error:
        return "broken", str(error)


def _print(rows: list[dict[str, Any]], root: Path | None) -> None:
    where = f"Data root: {one_line(root)}" if root else (
        "No data root: name one with --data or RSC_DATA (patterns below are within it)"
    )  # fmt: skip
    print(where)
    for row in rows:
        print(f"{MARKS[row['status']]:7}{row['kind']:11}{row['name']}")
        if row["note"]:
            print(f"{'':18}{one_line(row['note'])}")
        if row["status"] == "missing":
            print(f"{'':18}looked for: {one_line(row['looked_for'][0])}")
            print(f"{'':18}enables: {row['enables']}; ask: {row['ask']} ({row['licence']})")
    broken, found = (sum(r["status"] == s for r in rows) for s in ("broken", "found"))
    print(f"{found} found, {broken} broken, {len(rows) - found - broken} not there")
