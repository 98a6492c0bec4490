"""Work spread over processes that neither hang nor outlive their parent.

``multiprocessing.Pool`` waits forever when a worker is killed (out of memory, say), and its workers
wait forever when their parent is.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Generator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from rsclib.errors import RscError


def spread(
    function: Callable[[Any], Any], tasks: Sequence[Any], workers: int
) -> Generator[Any, None, None]:
    """Results of ``function(task)`` in the order in which they are done. Close it when leaving
    early: its processes end then.

    Raises:
        RscError: of ``function``, or because a worker was killed.
    """
    # Spawned, not forked: a fork of a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    waiting, crew = list(reversed(tasks)), {}
    try:
        for _ in range(min(workers, len(tasks))):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(function, theirs), daemon=True)
            process.start()
            theirs.close()  # so that a dead worker is the end of the pipe
            crew[ours] = process
            ours.send(waiting.pop())
        while crew:
            for pipe in wait(list(crew)):
                assert isinstance(pipe, Connection)
                result, error = pipe.recv()
                if error is not None:
                    raise error
                if waiting:
                    pipe.send(waiting.pop())
                else:
                    pipe.close()
                    crew.pop(pipe).join()
                yield result
    except (EOFError, ConnectionError) as error:
        raise RscError(
            "a worker process was killed (out of memory?); the same command, perhaps with fewer "
            "workers, goes on where it was"
        ) from error
    finally:
        for process in crew.values():
            process.terminate()
        for process in crew.values():
            process.join()


def _serve(function: Callable[[Any], Any], pipe: Connection) -> None:
    """Work until the pipe ends; runs in a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            task = pipe.recv()
        except (EOFError, ConnectionError):
            return
        try:
            answer: tuple[Any, Exception | None] = function(task), None
        except RscError as error:
            answer = None, error
        except Exception:
            answer = None, RuntimeError(traceback.format_exc())
        pipe.send(answer)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
