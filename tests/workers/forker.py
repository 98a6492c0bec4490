"""Start jobs that can be killed a hundred times, without importing torch a hundred times.

A server process imports everything once, then forks a child per start. It answers a line
``<step> <folder>`` (the child kills itself at that step of writing a file; 0: never) with
``started <pid>`` and, when the child is gone, ``ended <status>`` (minus the signal when it was
killed). Run as ``python -m tests.workers.forker <train|build>``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COUNT, SHARD, SIZE = 8, 1, 32  # of the build: 8 shards


class Server:
    """The parent's side."""

    def __init__(self, job: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.workers.forker", job],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TQDM_DISABLE": "1",
                 "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert self._answer() == "ready"

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def run(self, folder: Path, kill_after: float | None = None, kill_at: int = 0) -> int:
        """One start of the job, killed after some seconds, or at a step of writing files; returns
        its status."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{kill_at} {folder}\n")
        self.process.stdin.flush()
        word, pid = self._answer().split()
        assert word == "started"
        if kill_after is not None:
            time.sleep(kill_after)
            # Its whole group; a child that has just begun has none, one that ended is gone.
            for end in (os.killpg, os.kill):
                with contextlib.suppress(ProcessLookupError):
                    end(int(pid), signal.SIGKILL)
        word, status = self._answer().split()
        assert word == "ended"
        return int(status)

    def close(self) -> None:
        """End the server."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


@contextlib.contextmanager
def server(job: str) -> Iterator[Server]:
    """A server for ``job``, "train" or "build"."""
    running = Server(job)
    try:
        yield running
    finally:
        running.close()


def until_killed(
    run: Server, total: int, seed: int, base: Path, longest: float,
    check: Callable[[Path], None], finished: Callable[[Path], None],
) -> int:  # fmt: skip
    """Kill ``total`` starts at random moments; ``check`` the folder after each.

    A run that comes to its end is ``finished`` and another begins in a new folder; the last is let
    go to its end. Returns how many runs there were.
    """
    rng, killed, runs = random.Random(seed), 0, 0
    while True:
        folder = base / f"run{runs}"
        status = run.run(folder, rng.uniform(0, longest) if killed < total else None)
        if status == -signal.SIGKILL:
            killed += 1
            check(folder)
            continue
        assert status == 0, f"after {killed} of {total} kills a start ended with {status}"
        finished(folder)
        runs += 1
        if killed == total:
            return runs


def _train() -> Callable[[Path], None]:
    import torch

    torch.set_num_threads(1)
    from rsclib import methods
    from rsclib.methods import rsc
    from tests.toys import CONFIG, toy_builder

    rsc.builder = toy_builder
    config = dataclasses.replace(
        CONFIG, schedule=((2, 5), (3, 5), (5, 6)), batch=2, save_seconds=0.001
    )
    return lambda folder: methods.run(config, folder, progress=False) and None


def _build() -> Callable[[Path], None]:
    import torch

    torch.set_num_threads(1)
    from rsclib.openbench import build as B
    from rsclib.openbench.parts import SPLITS
    from rsclib.openbench.people import make_people

    B.SHARD = SHARD
    real = B._work

    def work(task: B.Task) -> tuple[int, str]:
        with open(task[3].parents[1] / "calls.txt", "a", encoding="utf-8") as file:
            file.write(f"{task[2]}\n")
        return real(task)

    B._work = work
    make_people(SPLITS["test-lab"], 1, 0, 1, SIZE)  # compiles what is compiled
    wanted = B.Request("test-lab", COUNT, SIZE, 0)
    return lambda folder: B.build(wanted, workers=1, cache=folder) and None


def _die_at(step: int) -> None:
    """Kill this process at a step of writing files: before making, changing the mode of, syncing
    and renaming one, and in the middle of every write."""
    from rsclib.files import atomic

    left = step

    def now() -> bool:
        nonlocal left
        left -= 1
        return left == 0

    def before(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if now():
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return call

    class Half(io.FileIO):
        def write(self, data: Any) -> int:
            if now():
                super().write(memoryview(data)[: len(data) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return super().write(data)

    atomic.open = Half  # type: ignore[attr-defined]
    for module, name in ((atomic.tempfile, "mkstemp"), (os, "chmod"), (os, "replace")):
        setattr(module, name, before(getattr(module, name)))
    atomic._sync = before(atomic._sync)


def _serve(job: Callable[[Path], None]) -> None:
    """Fork, report, wait, report."""
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.setsid()
                step, _, folder = line.strip().partition(" ")
                if int(step):
                    _die_at(int(step))
                job(Path(folder))
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        print(f"started {pid}", flush=True)
        _, status = os.waitpid(pid, 0)
        print(f"ended {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    _serve({"train": _train, "build": _build}[sys.argv[1]]())
