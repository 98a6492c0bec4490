"""``rsc reproduce``: a table of the paper, from nothing or from what is recorded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import yaml

from rsclib.commands.options import Reproduce
from rsclib.commands.output import one_line, say
from rsclib.errors import RscError

if TYPE_CHECKING:
    from rsclib.claims import Recorded, Table
    from rsclib.methods.reproduce import Plan


def reproduce(options: Reproduce) -> None:
    """Plan, say how long it takes, train, score, write the tables and print them."""
    from rsclib import claims
    from rsclib.files.atomic import check_writable
    from rsclib.methods import reproduce as R

    if bad := [o for o in options.options if "=" not in o]:
        raise RscError(f"--options are NAME=VALUE, not {bad[0]!r}")
    pairs = (o.split("=", 1) for o in options.options)
    parameters = {name: yaml.safe_load(value) for name, value in pairs}
    chosen = options.tables or tuple(claims.names("tables"))
    tables = [claims.declared(name) for name in chosen]
    regime = claims.regime_named(options.regime)
    runs = R.runs_of(tables, regime, options.rows, options.seeds or None)
    own = options.fresh or options.preset != "edu"
    work = options.out / options.preset
    records = work / "records" if own else claims.RECORDS
    plan = R.Plan(options.regime, options.preset, runs, work, records)
    at_once = options.at_once or _at_once(options.cluster)
    _announce(plan, at_once, options.dry_run)
    if options.dry_run:
        return
    check_writable(options.out)
    check_writable(records)
    failed = R.train_runs(
        plan, options.cluster, at_once, options.devices, parameters, lambda line: say(f"  {line}")
    )
    for name, table in zip(chosen, tables, strict=True):
        found = claims.recorded(name, options.regime, records)
        _show(name, table, found)
        if own:
            _beside_committed(found, options.regime)
    from rsclib.methods.result_tables import write_tables

    where = claims.RECORDS if not own else records
    for path in write_tables(chosen, where):
        print(f"Written: {one_line(path)}")
    if failed:
        raise RscError(f"{len(failed)} runs failed: {'; '.join(failed)}")


def _at_once(cluster: str) -> int:
    """One run a core, or a GPU; on a cluster eight."""
    import torch

    if cluster != "local":
        return 8
    return torch.cuda.device_count() or os.cpu_count() or 1


def _announce(plan: Plan, at_once: int, every: bool) -> None:
    """What is there, what is to be trained, and how long that takes."""
    from rsclib.claims import START
    from rsclib.methods import reproduce as R

    missing = plan.missing
    if every:
        settings = R.plain_settings(plan)
        for run, seed in plan.runs:
            state = "to do" if (run, seed) in missing else "recorded"
            print(f"{run:12s} seed {seed}  {state}")
        print(f"{len(settings)} trainings; the settings of one: rsc reproduce writes config.yaml")
    trained = [r for r in missing if r[0] != START]
    if not trained:
        print(f"regime {plan.regime}: nothing to train")
        return
    rate = R.rate_here(plan.preset)
    minutes = R.seconds_of(plan, rate, at_once) / 60
    print(
        f"regime {plan.regime}: {len(trained)} of {len(plan.runs)} runs to train, about "
        f"{minutes:.0f} minutes here ({rate:.0f} images a second a process, {at_once} at once), "
        "and about a minute a run to score it; data that is not built comes on top"
    )


def _show(name: str, table: Table, found: Recorded) -> None:
    """The table as text: measured, the paper's, and the verdicts."""
    from rsclib.methods.result_tables import paper_frame

    print(f"\n{table.title}\n\nMPJPE here, mm (regime {found.regime}, {_seeds(found)})")
    print(found.frame().round(1).to_markdown())
    paper = paper_frame(table)
    if not paper.empty:
        print(f"\nMPJPE in the paper, mm ({table.dataset})\n{paper.to_markdown()}")
    verdicts = found.verdicts()
    if not verdicts.empty:
        from rsclib.methods.result_tables import verdict_text

        print(f"\n{verdict_text(verdicts)}")


def _seeds(found: Recorded) -> str:
    counts = sorted({len(found.seeds(row)) for row in found.rows if row != "HR-only"})
    return f"{' or '.join(map(str, counts))} seed{'s' * (counts != [1])}"


def _beside_committed(mine: Recorded, regime: str) -> None:
    """Whether a re-run lands where the committed runs are: the same row, image by image."""
    from rsclib import claims

    try:
        theirs = claims.recorded(_name_of(mine), regime)
    except RscError:
        return
    for row in mine.rows:
        run = mine.table.run_of(row)
        if row not in theirs.rows or run == claims.START:
            continue
        size = 32
        a, b = mine.errors(row, size), theirs.errors(row, size)
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
    from rsclib.statistics import cluster_bootstrap, over_seeds

    errors = found.errors(row, size)
    clip = next(iter(found.scores.values())).clip
    bounds: Any = (
        over_seeds(errors, clip) if len(errors) > 1 else cluster_bootstrap(errors[0], clip)
    )
    return bounds.low, bounds.high


def _name_of(found: Recorded) -> str:
    from rsclib import claims

    return next(n for n in claims.names("tables") if claims.declared(n).title == found.table.title)
