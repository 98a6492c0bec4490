"""How long a build would take, before anybody waits for it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from rsclib.openbench import build as B
from rsclib.openbench.parts import PARTS

LONG = 600  # seconds; a longer build, of more than the usual, is asked about first
_PEOPLE = 8  # that are timed


def long_build(wanted: B.Request, workers: int | None = None, cache: Path | None = None) -> str:
    """What a build would take, such as "about 2.3 hours on 2 cores and 53 GB", when that is more than
    the part's usual number of pixels and more than ten minutes; else nothing.

    Measured on eight people here and now: the times of files know of pauses and copies, too.
    """
    if wanted.count * wanted.size**2 <= B.COUNTS[wanted.name] * B.SIZE**2:
        return ""
    tasks = B.missing(wanted, B.folder_of(wanted, cache))[1]
    if not tasks:
        return ""
    split = PARTS[wanted.name]
    B.people_of_shard(split, wanted, 0, _PEOPLE)  # clothes are sewn and code is compiled: once
    started = time.monotonic()
    sample = B.people_of_shard(split, wanted, 0, _PEOPLE)
    cores = min(workers or os.cpu_count() or 1, os.cpu_count() or 1, len(tasks))
    share = len(tasks) * B.SHARD / _PEOPLE
    seconds = (time.monotonic() - started) * share / cores
    if seconds < LONG:
        return ""
    size = sum(array.nbytes for array in sample.values()) * share
    plural = "s" * (cores > 1)
    return f"about {seconds / 3600:.1f} hours on {cores} core{plural} and {size / 1e9:.0f} GB"
