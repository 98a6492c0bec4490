"""``rsc reproduce table4 table8``: textures, whose records, scores and settings are their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsclib.commands.options import Reproduce
from rsclib.commands.output import one_line, say
from rsclib.commands.training import named_values
from rsclib.errors import NotYetError, RscError

if TYPE_CHECKING:
    from rsclib.methods.texture_recording import TexturePlan
    from rsclib.texture_claims import TextureRecords


def reproduce_textures(options: Reproduce) -> None:
    """Plan, say how long it takes, train, score, write the tables and print them.

    Raises:
        RscError: other tables are named, too, or an option does not fit; a training failed.
    """
    from rsclib import texture_claims as claims
    from rsclib.files.atomic import check_writable
    from rsclib.methods import texture_recording as T
    from rsclib.methods.texture_tables import text_of, write_texture_tables

    if others := [name for name in options.tables if name not in claims.TABLES]:
        raise RscError(f"{', '.join(claims.TABLES)} are of textures; name {others[0]} by itself")
    if options.again:
        raise RscError("--again is for what older records of table1 and table2 lack")
    if options.regime:
        raise RscError("textures are trained in one way only; leave --regime out")
    parameters = named_values(options.options)
    runs = T.texture_runs_of(options.tables, options.rows, options.seeds or None)
    own = options.fresh or options.preset != "edu"
    work = options.out / (options.preset + "-fresh" * options.fresh)
    records = work / "texture-records" if own else claims.RECORDS
    plan = T.TexturePlan(options.preset, runs, work, records, options.lpips_weights)
    at_once = options.at_once or 1
    _announce(plan, at_once, options.dry_run)
    if options.dry_run:
        return
    check_writable(options.out)
    check_writable(records)
    failed = T.train_textures(
        plan, options.launcher, at_once, options.devices, parameters, lambda line: say(f"  {line}")
    )
    for name in options.tables:
        found = claims.texture_records(name, records)
        print("\n" + text_of(found, records))
        if own:
            _beside_committed(found)
    for path in write_texture_tables(
        options.tables, work if own else claims.RECORDS.parent, records
    ):
        print(f"Written: {one_line(path)}")
    if failed:
        raise RscError(f"{len(failed)} runs failed: {'; '.join(failed)}")


def _announce(plan: TexturePlan, at_once: int, every: bool) -> None:
    """What is there, what is to be trained, and how long that takes."""
    from rsclib.methods.texture_recording import seconds_a_step

    missing = plan.missing
    for run, seed in plan.runs if every else ():
        print(f"{run:16s} seed {seed}  {'to do' if (run, seed) in missing else 'recorded'}")
    if not missing:
        print("textures: nothing to train")
        return
    settings = [plan.settings(*r) for r in missing]
    dearest = max(settings, key=lambda c: c.up)  # the finer map takes half of a step
    seconds = seconds_a_step(dearest) * sum(c.steps for c in settings) / at_once
    print(
        f"textures: {len(missing)} of {len(plan.runs)} runs to train, at most about "
        f"{max(1, round(seconds / 60))} minutes here ({at_once} at once), and about two minutes a run "
        "to score it; data that is not built comes on top"
    )


def _beside_committed(mine: TextureRecords) -> None:
    """Whether the ReID loss of a row trained again lies inside the committed interval."""
    from rsclib import texture_claims as claims

    try:
        theirs = claims.texture_records(mine.table.name)
    except NotYetError:
        return
    for row in (row for row in mine.rows if row in theirs.rows):
        if len(mine.people) != len(theirs.people):
            print("(fewer people than the committed scores: not compared)")
            return
        value, (mean, low, high) = mine.mean(row, "reid").mean, theirs.mean(row, "reid")
        inside = "inside" if low <= value <= high else "outside"
        print(
            f"{row}: {value:.2f}, committed {mean:.2f} [{low:.2f}, {high:.2f}]: {inside} its interval"
        )
