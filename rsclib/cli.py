"""The ``rsc`` command. Every subcommand calls a function that the notebooks call too. ``rsc --version``
says which code it is."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import tyro

from rsclib import __version__
from rsclib.commands import (
    building,
    doctoring,
    exporting,
    fitting,
    outside_scoring,
    predicting,
    reproducing,
    scoring,
    training,
)
from rsclib.commands.environment import complete_environment, forgiving_output
from rsclib.commands.exporting import Export
from rsclib.commands.options import Command, DataBuild, Demo, Eval, Grid, Pretrain, Reproduce, Train
from rsclib.commands.output import one_line, say
from rsclib.commands.own_options import Doctor, Fetch, Fit, Predict
from rsclib.commands.score_options import Score
from rsclib.commands.words import names_last
from rsclib.errors import RscError, Stopped

# Subcommands: the options of each, and what it does; a number that it returns counts failures.
COMMANDS: dict[str, tuple[type, Any]] = {
    "demo": (Demo, scoring.demo),
    "data build": (DataBuild, building.data_build),
    "train": (Train, training.train),
    "grid": (Grid, training.grid),
    "pretrain": (Pretrain, training.pretrain),
    "reproduce": (Reproduce, reproducing.reproduce),
    "eval": (Eval, scoring.evaluate),
    "score": (Score, outside_scoring.score),
    "export": (Export, exporting.export),
    "predict": (Predict, predicting.predict),
    "fetch": (Fetch, predicting.fetch),
    "doctor": (Doctor, doctoring.doctor),
    "fit": (Fit, fitting.fit),
}


def version() -> str:
    """The package's version and, in a checkout, the commit."""
    root = Path(__file__).parents[1]
    words = [
        "git",
        "--no-optional-locks",
        "-C",
        str(root),
        "describe",
        "--always",
        "--dirty",
        "--exclude=*",
    ]
    commit = ""
    if (root / ".git").exists():  # else it may lie inside somebody else's repository
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=20)
            commit = f" (commit {done.stdout.strip()})"
    return f"rsc {__version__}{commit}"


def _joined(words: list[str]) -> list[str]:
    """``data build``, two words for people, as the one that it is for the parser.

    Raises:
        RscError: something else is to be done with the data.
    """
    if words[:1] != ["data"]:
        return words
    if words[1:2] in (["-h"], ["--help"]):
        return ["data build", "--help"]
    if words[1:2] != ["build"]:
        raise RscError("data has one command, rsc data build; rsc data --help says more")
    return ["data build", *words[2:]]


def parse(arguments: Sequence[str]) -> Any:
    """The options of the subcommand that the words name: a dataclass of
    :mod:`rsclib.commands.options`.

    Raises:
        RscError: an option stands where it is read as a name. SystemExit: other words that do not
            fit, with their explanation printed, or after ``--help`` or ``--version``.
    """
    words = _joined(list(arguments))
    if words == ["--version"]:
        print(version())
        raise SystemExit(0)
    if words and words[0] in COMMANDS:
        words[1:] = names_last(words[1:], COMMANDS[words[0]][0])
    return tyro.cli(Command, prog="rsc", description=__doc__, args=words)  # type: ignore[call-overload]


class _Terminated(BaseException):
    """SIGTERM, as an exception: what was begun is put away as after Ctrl-C."""


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    def end(number: int, frame: FrameType | None) -> None:
        raise _Terminated

    try:
        before = signal.signal(signal.SIGTERM, end)
    except ValueError:  # not in the main thread, which alone gets signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _afterwards(options: Any) -> str:
    """What the same command does after a stop, truly: not every command saves."""
    match options:
        case None:
            return ""
        case DataBuild():
            return "; the same command goes on after the shards that are built"
        case Grid():
            return "; the same command goes on from what was saved"
        case Predict() if predicting.work_left(options):
            return "; the same command goes on from what was saved"
        case Train() | Pretrain() if (options.out / "state.pt").is_file():
            return "; the same command goes on from what was saved"
        case Train() | Pretrain():
            return " before a step was saved; the same command begins anew"
    return "; the same command begins anew"  # what was built of the benchmark stays, unasked


def main(arguments: list[str] | None = None) -> int:
    """Entry point: 0 when it worked, 2 after a mistake that the user can mend, 128 and the signal's
    number after one that ended it."""
    forgiving_output()
    options: Any = None
    try:
        with _terminable():
            complete_environment()
            options = parse(sys.argv[1:] if arguments is None else arguments)
            failures = dict(COMMANDS.values())[type(options)](options)
            sys.stdout.flush()  # else what did not fit is noticed too late
        return 2 if failures else 0
    except RscError as error:
        say(f"rsc: {error}")
        return 2
    except Stopped as stop:
        from rsclib.runs.distributed import first_process

        if first_process():
            say(f"rsc: {stop}; the same command goes on from there")
        return 128 + stop.signal
    except RuntimeError as error:
        from rsclib.runs.distributed import first_process, other_ended

        if not other_ended(error):
            raise
        if first_process():  # the others leave it to the first to speak
            say("rsc: another process of this training ended; the same command goes on from here")
        return 2
    except OSError as error:  # e.g. a disk that filled up under a library's feet
        place = f": {error.filename}" if error.filename else ""
        say(one_line(f"rsc: {error.strerror or error}{place}"))
        return 2
    except (KeyboardInterrupt, _Terminated) as ended:
        say(f"rsc: stopped{_afterwards(options)}")
        return 130 if isinstance(ended, KeyboardInterrupt) else 143


if __name__ == "__main__":
    sys.exit(main())
