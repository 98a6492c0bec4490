"""``rsc reproduce``: a table of the paper, from nothing or from what is recorded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rsclib.commands.options import Reproduce
from rsclib.commands.output import one_line, say
from rsclib.commands.training import named_values
from rsclib.errors import NotYetError, RscError

if TYPE_CHECKING:
    from rsclib.claims import Recorded, Table
    from rsclib.methods.reproduce import Plan
    from rsclib.pixel_claims import Segmented


DEFAULT = "hard"  # regime


def reproduce(options: Reproduce) -> None:
    """Plan, say how long it takes, train, score, write the tables and print them."""
    from rsclib import claims, texture_claims
    from rsclib.commands.reproducing_textures import reproduce_textures
    from rsclib.files.atomic import check_writable
    from rsclib.methods import reproduce as R
    from rsclib.pixel_claims import segmented as claims_of_pixels

    if options.launcher not in ("local", "slurm"):
        raise RscError(f"--launcher is local or slurm, not {options.launcher!r}")
    if options.at_once < 0 or options.devices < 0:
        raise RscError("--at-once and --devices are 0 or more")
    if set(options.tables) & set(texture_claims.TABLES):
        return reproduce_textures(options)
    if options.lpips_weights is not None:
        raise RscError("--lpips-weights is for table4 and table8")
    parameters = named_values(options.options)
    chosen = options.tables or tuple(claims.tables_of(options.regime or DEFAULT))
    tables = [claims.declared(name) for name in chosen]
    named = _regime(options.regime, chosen, tables)
    regime = claims.regime_named(named)
    runs = R.runs_of(tables, regime, options.rows, options.seeds or None, options.preset)
    own = options.fresh or options.preset != "edu"
    work = options.out / (options.preset + "-fresh" * options.fresh)
    records = work / "records" if own else claims.RECORDS
    plan = R.Plan(named, options.preset, runs, work, records, options.again)
    waiting = sum(run not in claims.untrained() for run, _ in plan.missing)
    at_once = max(1, min(options.at_once or _at_once(options.launcher), waiting))
    _announce(plan, at_once, options.dry_run)
    if options.dry_run:
        return
    check_writable(options.out)
    check_writable(records)
    failed = R.train_runs(
        plan, options.launcher, at_once, options.devices, parameters, lambda line: say(f"  {line}")
    )
    for name, table in zip(chosen, tables, strict=True):
        try:
            if table.of_pixels:
                _show_pixels(table, claims_of_pixels(named, records, name))
                continue
            found = claims.recorded(name, named, records)
        except RscError as error:
            if options.tables and not failed:
                raise
            say(one_line(f"rsc: {name} is not shown: {error}"))
            continue
        _show(table, found)
        if own:
            _beside_committed(name, found)
    from rsclib.methods.result_tables import write_tables

    where = claims.RECORDS if not own else records
    for path in write_tables(chosen, where):
        print(f"Written: {one_line(path)}")
    if failed:
        raise RscError(f"{len(failed)} runs failed: {'; '.join(failed)}")


def _regime(wanted: str, names: Sequence[str], tables: Sequence[Table]) -> str:
    """The regime of a command: what was asked for, or the first that the tables have.

    Raises:
        RscError: the tables are not run in one regime.
    """
    first = tables[0].regimes
    regime = wanted or (DEFAULT if DEFAULT in first else first[0])
    for name, table in zip(names, tables, strict=True):
        if regime not in table.regimes:
            known = " or ".join(table.regimes)
            raise RscError(f"{name} is run in the regime {known}, not {regime}; name tables of one")
    return regime


def _at_once(cluster: str) -> int:
    """One run a core, or a GPU; on a cluster eight."""
    import torch

    if cluster != "local":
        return 8
    return torch.cuda.device_count() or os.cpu_count() or 1


def _announce(plan: Plan, at_once: int, every: bool) -> None:
    """What is there, what is to be trained, and how long that takes."""
    from rsclib.claims import regime_named, untrained
    from rsclib.methods import reproduce as R

    missing = plan.missing
    if every:
        settings = R.plain_settings(plan)
        for run, seed in plan.runs:
            state = "to do" if (run, seed) in missing else "recorded"
            if state == "recorded" and (lacks := plan.lacking(run, seed)):
                state = f"recorded without {' and '.join(lacks)} (--again)"
            print(f"{run:12s} seed {seed}  {state}")
        print(f"{len(settings)} trainings; each folder gets a config.yaml with its settings")
    trained = [r for r in missing if r[0] not in untrained()]
    if not trained:
        print(f"regime {plan.regime}: nothing to train")
        return
    first = R.settings_of(*trained[0], regime_named(plan.regime), plan.preset)
    rate = R.rate_here(first)
    minutes = R.seconds_of(plan, rate, at_once) / 60
    print(
        f"regime {plan.regime}: {len(trained)} of {len(plan.runs)} runs to train, about "
        f"{_long(minutes)} here ({rate:.0f} images a second a process, {at_once} at once), "
        "and about a minute a run to score it; data that is not built comes on top"
    )


def _long(minutes: float) -> str:
    """A time for people."""
    for unit, length in (("days", 1440.0), ("hours", 60.0)):
        if minutes >= 3 * length:
            return f"{minutes / length:.0f} {unit}"
    whole = max(1, round(minutes))
    return f"{whole} minute{'s' * (whole > 1)}"


def _show(table: Table, found: Recorded) -> None:
    """The table as text: measured, the paper's, and the verdicts."""
    from rsclib.methods.result_tables import one_size, paper_frame

    what = f"(regime {found.regime}, {_seeds(found)})"
    if len(table.sizes) == 1:  # its columns are metrics
        size, part = found.sizes[0], table.parts[0]
        print(f"\n{table.title}\n\nHere, {part}, {size} px {what}")
        print(one_size(found, part).to_markdown())
    else:
        print(f"\n{table.title}\n\nMPJPE here, mm {what}")
        print(found.frame().round(1).to_markdown())
    paper = paper_frame(table)
    if not paper.empty:
        of = "MPJPE" if len(table.sizes) > 1 else "The same"
        print(f"\n{of} in the paper, mm ({table.dataset})\n{paper.to_markdown()}")
    verdicts = found.verdicts(part=table.parts[0])
    if not verdicts.empty:
        from rsclib.methods.result_tables import verdict_text

        print(f"\n{verdict_text(verdicts)}")


def _show_pixels(table: Table, found: Segmented) -> None:
    """Table 2 as text, and what of it is not measured."""
    from rsclib.methods.result_tables import paper_frame, pixel_frame, pixel_verdicts

    part = table.parts[0]
    print(f"\n{table.title}\n")
    if found.has(part):
        print(f"Here, {part}, regime {found.regime}\n{pixel_frame(found, part).to_markdown()}\n")
    print(f"In the paper ({table.dataset})\n{paper_frame(table).to_markdown()}")
    for text in (pixel_verdicts(found, part), found.not_measured()):
        if text:
            print(f"\n{text}")


def _seeds(found: Recorded) -> str:
    from rsclib.claims import untrained

    part, still = found.table.parts[0], untrained()
    trained = [row for row in found.rows if found.table.run_of(row) not in still]
    counts = sorted({len(found.seeds(row, part)) for row in trained}) or [1]
    return f"{' or '.join(map(str, counts))} seed{'s' * (counts != [1])}"


def _beside_committed(name: str, mine: Recorded) -> None:
    """Whether the mean of a row trained again lies inside the committed interval of that mean."""
    from rsclib import claims

    try:
        theirs = claims.recorded(name, mine.regime)
    except NotYetError:
        return
    for row in mine.rows:
        run = mine.table.run_of(row)
        if row not in theirs.rows or run in claims.untrained():
            continue
        size, part = 32, mine.table.parts[0]
        a, b = mine.errors(row, size, part=part), theirs.errors(row, size, part=part)
        if a.shape[1] != b.shape[1]:
            print("(fewer images than the committed scores: not compared)")
            return
        low, high = _range_of(theirs, row, size)
        inside = "inside" if low <= a.mean() <= high else "outside"
        print(
            f"{row}: {a.mean():.1f} mm at {size} px, committed {b.mean():.1f} "
            f"[{low:.1f}, {high:.1f}]: {inside} its interval"
        )


def _range_of(found: Recorded, row: str, size: int) -> tuple[float, float]:
    """95 % interval of a row's mean over recordings, clips and seeds, mm."""
    from rsclib.statistics import over_trainings

    part = found.table.parts[0]
    errors, clip = found.errors(row, size, part=part), found.clips(part)
    bounds = over_trainings(errors, clip)
    return bounds.low, bounds.high
