"""Work in processes: results, errors, and a worker or a parent that is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rsclib.errors import RscError
from rsclib.files.workers import spread


def _job(task: int | str) -> int:
    if task == "mistake":
        raise RscError("one line")
    if task == "bug":
        raise KeyError("x")
    if task == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return int(task) ** 2


def test_every_task_is_done_once() -> None:
    assert sorted(spread(_job, range(7), 2)) == [0, 1, 4, 9, 16, 25, 36]
    assert list(spread(_job, [], 2)) == []


@pytest.mark.parametrize(
    ("task", "kind", "message"),
    [("mistake", RscError, "^one line$"), ("bug", KeyError, "x"),
     ("die", RscError, "was killed")],
)  # fmt: skip
def test_what_goes_wrong_in_a_worker_is_said_here(
    task: str, kind: type[Exception], message: str
) -> None:
    with (
        pytest.raises(kind, match=message),
        contextlib.closing(spread(_job, [1, task, 2, 3], 2)) as results,
    ):
        list(results)


def _first_or_rest(path: str | None) -> None:
    if path is None:
        return
    Path(path, str(os.getpid())).touch()
    time.sleep(600)


def test_workers_end_when_their_results_are_closed(tmp_path: Path) -> None:
    """Whatever they are at: the last but one result does not wait for the last."""
    results = spread(_first_or_rest, [*[None] * 3, str(tmp_path)], 2)
    assert next(results) is None
    while not (pids := [int(path.name) for path in tmp_path.iterdir()]):
        time.sleep(0.01)
    results.close()
    assert not any(map(_alive, pids))


PARENT = """
import os, sys, time
from pathlib import Path
from rsclib.files.workers import spread

def work(path):
    Path(path, str(os.getpid())).touch()
    while True:
        time.sleep(0.01)
        Path(path, "beat").write_text(str(time.monotonic()))

if __name__ == "__main__":
    list(spread(work, [sys.argv[1]] * 2, 2))
"""


def _alive(pid: int) -> bool:
    """Whether it runs (a zombie that nobody has collected does not)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script, out = tmp_path / "parent.py", tmp_path / "out"
    script.write_text(PARENT)
    out.mkdir()
    root = str(Path(__file__).parents[1])
    parent = subprocess.Popen(
        [sys.executable, str(script), str(out)], env={**os.environ, "PYTHONPATH": root}
    )
    deadline = time.monotonic() + 120
    while len(pids := [int(p.name) for p in out.iterdir() if p.name.isdigit()]) < 2:
        assert parent.poll() is None and time.monotonic() < deadline, "the workers never started"
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 60
    while any(map(_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = [pid for pid in pids if _alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left, f"{len(left)} of 2 workers outlived their parent"
