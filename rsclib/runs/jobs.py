"""Commands that run beside this one: here, each in a session of its own, or on a Slurm cluster."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import submitit

PATIENCE = 120  # seconds that a training has to finish its step and save


class Job(Protocol):
    """A command that was started."""

    def done(self) -> bool:
        """Whether it has ended."""

    def error(self) -> str | None:
        """After its end what went wrong, in a line that names its log; None when nothing did."""

    def ask_to_stop(self) -> None:
        """A training saves and ends after its step."""

    def wait(self) -> None:
        """Until it has ended, or its patience is over."""


class LocalJob:
    """A command on this machine. The terminal's Ctrl-C does not reach it: whoever started it asks."""

    def __init__(self, words: Sequence[str], log: Path, cores: int | None) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log, environment = log, dict(os.environ)
        if cores is not None:
            environment["OMP_NUM_THREADS"] = str(cores)
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                env=environment, start_new_session=True,
            )  # fmt: skip

    def done(self) -> bool:
        """See :class:`Job`."""
        return self.process.poll() is not None

    def error(self) -> str | None:
        """See :class:`Job`."""
        if not self.process.returncode:
            return None
        said = (
            self.log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").split("\n")
        )
        last = next((line for line in reversed(said) if line.strip()), "it said nothing")
        return f"{last.strip()} (log: {self.log})"

    def ask_to_stop(self) -> None:
        """See :class:`Job`."""
        self.process.terminate()

    def wait(self) -> None:
        """See :class:`Job`."""
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()


class SlurmJob:
    """A command on a cluster, through submitit."""

    def __init__(self, words: Sequence[str], executor: submitit.AutoExecutor) -> None:
        self.job: Any = executor.submit(submitit.helpers.CommandFunction(list(words)))

    def done(self) -> bool:
        """See :class:`Job`."""
        return bool(self.job.done())

    def error(self) -> str | None:
        """See :class:`Job`."""
        if not (error := self.job.exception()):
            return None
        return f"{str(error).strip().splitlines()[-1]} (log: {self.job.paths.stderr})"

    def ask_to_stop(self) -> None:
        """See :class:`Job`."""
        self.job.cancel()

    def wait(self) -> None:
        """The cluster sees to it."""
