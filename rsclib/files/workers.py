"""Work spread over processes that neither hang nor outlive their parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection, wait
from typing import Any

from rsclib.errors import RscError


def spread(
    function: Callable[[Any], Any], tasks: Sequence[Any], workers: int
) -> Generator[Any, None, None]:
    """Results of ``function(task)`` in the order in which they are done. Close it when leaving
    early: its processes end then.

    Raises:
        RscError: a worker was killed.
        Exception: of ``function``.
    """
    # Spawned, not forked: a fork of a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)  # it ends when we do, or when we close it
    pool = ProcessPoolExecutor(workers, context, _begin, (theirs,))
    try:
        for done in as_completed([pool.submit(function, task) for task in tasks]):
            yield done.result()
    except BrokenProcessPool as error:
        raise RscError(
            "a worker process was killed (out of memory?); the same command, perhaps with fewer "
            "workers, goes on where it was"
        ) from error
    finally:
        ours.close()
        pool.shutdown()
        theirs.close()


def _begin(pipe: Connection) -> None:
    """Runs first in a worker, which ends with the pipe: an executor's own would work on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us

    def end() -> None:
        wait([pipe])
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()
