"""TensorBoard events, written at once and without a thread.

torch's own ``SummaryWriter`` writes in a thread that, on a full disk, prints a traceback of its own.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from rsclib.errors import RscError


class SummaryWriter:
    """A new events file in ``folder``, which is made when it is missing.

    Raises:
        RscError: the folder cannot be written, or the disk is full.
    """

    def __init__(self, folder: Path) -> None:
        # No host name in it, unlike torch's: a folder of results can be published as it is.
        self.path = folder / f"events.out.tfevents.{time.time_ns()}.{os.getpid()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path, "xb", buffering=0)  # noqa: SIM115 (lives as long as this)
        except OSError as error:
            raise self._refused(error) from error
        try:
            self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))
        except RscError:
            self.close()
            self.path.unlink()
            raise

    def add_scalar(self, name: str, value: float, step: int) -> None:
        """One point of the curve ``name``."""
        summary = Summary(value=[Summary.Value(tag=name, simple_value=value)])
        self._write(Event(wall_time=time.time(), step=step, summary=summary))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, event: Event) -> None:
        try:
            RecordWriter(self._file).write(event.SerializeToString())
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> RscError:
        return RscError(f"cannot write {self.path}: {error.strerror or error}")
