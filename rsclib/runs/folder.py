"""The folder of a run: what a restart needs, a log, a progress bar, and an orderly stop."""

from __future__ import annotations

import csv
import math
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Protocol

import torch
from torch import Tensor
from tqdm.auto import tqdm

from rsclib.config import checked, settings
from rsclib.errors import RscError, Stopped
from rsclib.files.atomic import remove_stale, write_text
from rsclib.runs.distributed import ranks, sum_over_processes
from rsclib.runs.states import load_training_state, save_training_state


class Part(Protocol):
    """What is saved and restored: a network, an optimiser, a queue."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> Any: ...


class RunFolder:
    """``state.pt`` and ``log.csv`` of a run. Taken up where they end, they never hold a number that
    is lost; Ctrl-C or SIGTERM ends a run after its step, saved.

    Use it as a context manager: inside, the first signal asks for the stop and the second insists.

    Attributes: ``step`` done so far; ``seconds`` of all starts together.

    Raises:
        RscError: the folder holds a run with other settings, or cannot be written.
        Stopped: after a signal, once the state is saved.
    """

    def __init__(
        self, folder: Path, steps: int, config: Any, parts: Mapping[str, Part],
        save_seconds: float, log_steps: int = 20, progress: bool = True,
    ) -> None:  # fmt: skip
        self.folder, self.steps, self.config, self.parts = folder, steps, config, dict(parts)
        self.save_seconds = save_seconds
        self.log_steps = min(log_steps, max(1, steps // 10))  # a short run has ten rows, too
        self.rank, self.world = ranks()
        self.step, self.before, self.log = 0, 0.0, list[dict[str, float]]()
        self.file = folder / "state.pt"
        if self.file.is_file():
            self._take_up()
        if self.rank == 0:
            for name in ("state.pt", "log.csv", "model.safetensors"):
                remove_stale(folder / name)
        self.started = self.saved = time.monotonic()
        self.sum, self.summed, self.signal = torch.zeros(()), 0, 0
        name = type(config).__module__.rpartition(".")[2].removesuffix("_config")
        # Left out where a bar is wanted, so that TQDM_DISABLE still counts.
        quiet = {} if progress and self.rank == 0 else {"disable": True}
        self.bar = tqdm(total=steps, initial=self.step, desc=f"train {name}", **quiet)

    def _take_up(self) -> None:
        state = load_training_state(self.file, ("config", "step", "seconds", "log", *self.parts))
        where = f"{self.folder} holds a run with other settings"
        # What an older version did not know of has its default.
        saved = settings(checked(type(self.config), state["config"], where))
        if saved != settings(self.config):
            wanted = settings(self.config)
            differs = ", ".join(key for key in wanted if saved[key] != wanted[key])
            raise RscError(f"{where} ({differs}); choose another folder")
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        self.step, self.before, self.log = state["step"], state["seconds"], state["log"]

    @property
    def seconds(self) -> float:
        """Of this start and those before it."""
        return self.before + time.monotonic() - self.started

    def __enter__(self) -> RunFolder:
        if self.step and self.rank == 0:
            self.write_log()  # the last one may have been killed after its state
        self.handlers = {}
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup, or a shell's background: whoever started it wants it to go on
            try:
                self.handlers[number] = signal.signal(number, self._asked)
            except ValueError:  # a thread that is not the main one gets no signals
                break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        for number, handler in self.handlers.items():
            signal.signal(number, handler)
        self.bar.close()

    def _asked(self, number: int, frame: FrameType | None) -> None:
        if self.signal:
            raise KeyboardInterrupt
        self.signal = number
        if self.rank == 0:
            tqdm.write("rsc: stopping after this step; once more to stop at once", sys.stderr)

    def remaining(self) -> Iterator[int]:
        """The steps that are still to be done."""
        yield from range(self.step, self.steps)

    def after(
        self, loss: Tensor, terms: Mapping[str, Tensor], more: Mapping[str, float], norm: Any
    ) -> None:
        """Log and save what is due after a step.

        Args:
            loss, terms: of this process. more: further columns of the log; {} mostly.
            norm: of the gradient, or None where it was not taken.

        Raises:
            RscError: the loss, the gradient or a weight is not finite; the last state stays.
            Stopped: a signal asked for it; the state is saved.
        """
        self.step += 1
        last = self.step == self.steps
        self.bar.update()
        self.sum, self.summed = self.sum.to(loss.device) + loss.detach(), self.summed + 1
        if norm is not None and not norm.isfinite():
            self._lost(f"step {self.step} has no finite gradient (loss {float(loss.detach()):.3g})")
        if self.step % self.log_steps == 0 or last or more:
            self._log(terms, more)
        if last and not self._finite():  # after the last step no loss would tell
            self._lost(f"step {self.step} has no finite gradient")
        asked = self._any_asked()
        if asked or last or time.monotonic() - self.saved > self.save_seconds:
            self.save()
        if asked and not last:
            raise Stopped(self.step, self.steps, self.signal or signal.SIGTERM)

    def _log(self, terms: Mapping[str, Tensor], more: Mapping[str, float]) -> None:
        value = float(sum_over_processes(self.sum)) / self.world / self.summed
        self.sum, self.summed = torch.zeros_like(self.sum), 0
        if not math.isfinite(value):
            self._lost(f"the loss is {value} at step {self.step}")
        row = {"step": self.step, "seconds": round(self.seconds, 1), "loss": round(value, 5)}
        row |= {name: round(float(term.detach()), 5) for name, term in terms.items()}
        self.log.append(row | {name: round(number, 3) for name, number in more.items()})
        self.bar.set_postfix(loss=f"{value:.3f}", **{k: f"{v:.4g}" for k, v in more.items()})

    def _any_asked(self) -> bool:
        if self.world == 1:
            return self.signal > 0
        return bool(sum_over_processes(torch.full_like(self.sum, self.signal > 0)))

    def _finite(self) -> bool:
        """Whether every weight is a number: a gradient can be lost where the loss was not."""
        weights = self.parts["net"].state_dict().values()
        return all(bool(w.isfinite().all()) for w in weights if w.is_floating_point())

    def _lost(self, what: str) -> None:
        """In every process; the first one speaks."""
        if self.rank:
            raise SystemExit(2)
        raise RscError(f"{what}; lower lr and start again")

    def save(self) -> None:
        """Write the state and the log, unless a weight is lost."""
        if self.rank or not self._finite():
            return
        save_training_state(
            self.file,
            {
                "config": settings(self.config), "step": self.step, "seconds": self.seconds,
                "log": self.log, **{name: part.state_dict() for name, part in self.parts.items()},
            },
        )  # fmt: skip
        self.write_log()
        self.saved = time.monotonic()

    def write_log(self) -> None:
        """``log.csv``: a row a logged step, a column a term."""
        columns = list(dict.fromkeys(name for row in self.log for name in row))
        lines = [",".join(columns)]
        lines += [
            ",".join(f"{row[c]:.10g}" if c in row else "" for c in columns) for row in self.log
        ]
        write_text(self.folder / "log.csv", "\n".join(lines) + "\n")


def read_log(folder: Path) -> list[dict[str, float]]:
    """The rows of a run's ``log.csv``; what a row has not is left out.

    Raises:
        RscError: there is none, or it is damaged.
    """
    try:
        with (folder / "log.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return [{name: float(v) for name, v in row.items() if v} for row in rows]
    except (OSError, ValueError) as error:
        raise RscError(f"cannot read the log of {folder}: {error}") from error


def in_words(folder: Path, settled: int = 0) -> str:
    """How the loss of a run went, in a line.

    Args:
        settled: steps before which the loss was of other terms or sizes, and is not compared.
    """
    log = read_log(folder)
    first = next((row for row in log if row["step"] > settled), log[-1])
    last, minutes = log[-1], log[-1]["seconds"] / 60
    return (
        f"Loss {first['loss']:.3f} (step {first['step']:.0f}) to {last['loss']:.3f} "
        f"(step {last['step']:.0f}) in {minutes:.1f} minutes"
    )
