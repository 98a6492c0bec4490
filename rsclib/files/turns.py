"""Take turns at a folder; who waits is told whom for."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm.auto import tqdm

from rsclib.files.atomic import remove_stale, write_text

SECONDS = 1.0  # between two looks while waiting; a shorter wait is not worth a line
_HOLDER = re.compile(r"process \d+ on [\w.-]+ since [\d:. -]+")


@contextlib.contextmanager
def turn(folder: Path, enough: Callable[[], bool]) -> Iterator[bool]:
    """Hold ``<folder>.lock`` until the block is left or the process ends.

    While another holds it this waits and says so, once, on stderr. Gives True with the lock; False,
    without it, as soon as what the other has done is ``enough``.

    Raises:
        OSError: the lock cannot be written.
        RscError: nor can ``<folder>.holder`` beside it, which says who holds it since when.
    """
    lock, holder = FileLock(f"{folder}.lock"), Path(f"{folder}.holder")
    said = False
    while True:
        try:
            lock.acquire(timeout=SECONDS)
            break
        except Timeout:
            if enough():
                yield False
                return
            if not said:
                tqdm.write(
                    f"{folder.name}: {_who(holder)} is at it; waiting until it has what is needed",
                    file=sys.stderr,
                )
                said = True
    try:
        remove_stale(holder)
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        write_text(holder, f"process {os.getpid()} on {socket.gethostname()} since {since}")
        yield True
    finally:
        with contextlib.suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def _who(holder: Path) -> str:
    try:
        text = holder.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    return text if _HOLDER.fullmatch(text) else "another process"
