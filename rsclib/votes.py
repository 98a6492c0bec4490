"""A blind A/B study, as the paper's of its textures: sides drawn at random, votes in a file, an exact interval.

The paper showed 10 people in two textures to 21 subjects, of whose answers 92.4 % preferred TexGlo.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rsclib.errors import RscError
from rsclib.files.atomic import write_text


@dataclass(frozen=True)
class Ballot:
    """One question: who is shown, and which method stands on which side."""

    person: str
    left: str
    right: str


@dataclass(frozen=True)
class Vote:
    """An answer: the ballot's fields, and the method that was ``preferred``."""

    person: str
    left: str
    right: str
    preferred: str


class Tally(NamedTuple):
    """``wins`` of ``votes`` with the ``share`` and its exact 95 % interval, all shares from 0 to 1."""

    wins: int
    votes: int
    share: float
    low: float
    high: float

    def __str__(self) -> str:
        return (
            f"{self.wins} of {self.votes}: {100 * self.share:.1f} % "
            f"[{100 * self.low:.1f}, {100 * self.high:.1f}]"
        )


def draw_ballots(
    people: Sequence[str], methods: tuple[str, str], count: int, seed: int | None = None
) -> list[Ballot]:
    """Questions about ``count`` of the people, in random order, each with its sides drawn by itself.

    Args:
        seed: None: of the machine's own chance, which nobody knows beforehand.

    Raises:
        RscError: fewer people than questions, somebody twice, or the two methods are one.
    """
    if not 0 < count <= len(people) or len(set(people)) < len(people):
        raise RscError(f"{count} questions about different people are wanted, of {len(people)}")
    if methods[0] == methods[1]:
        raise RscError(f"two methods are compared, not {methods[0]!r} with itself")
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(people), count, replace=False)
    turned = rng.integers(2, size=count)
    return [
        Ballot(people[who], methods[turn], methods[1 - turn])
        for who, turn in zip(chosen, turned, strict=True)
    ]


def vote(ballot: Ballot, side: str) -> Vote:
    """The answer "left" or "right" to a question.

    Raises:
        RscError: another answer.
    """
    if side not in ("left", "right"):
        raise RscError(f'a vote is "left" or "right", not {side!r}')
    preferred = ballot.left if side == "left" else ballot.right
    return Vote(ballot.person, ballot.left, ballot.right, preferred)


def store_votes(path: Path, votes: Iterable[Vote]) -> None:
    """Write votes as CSV, whole or not at all; those that the file had are written over.

    Raises:
        RscError: the file cannot be written.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(f.name for f in fields(Vote))
    writer.writerows(astuple(v) for v in votes)
    write_text(path, out.getvalue())


def read_votes(path: Path) -> list[Vote]:
    """What :func:`store_votes` wrote; none where there is no file.

    Raises:
        RscError: the file cannot be read or holds something else.
    """
    if not path.is_file():
        return []
    wanted = [f.name for f in fields(Vote)]
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file, strict=True))
        if not lines or lines[0] != wanted or any(len(line) != len(wanted) for line in lines):
            raise ValueError(f"its columns are not {', '.join(wanted)}")
        votes = [Vote(*line) for line in lines[1:]]
        if bad := next((v for v in votes if v.preferred not in (v.left, v.right)), None):
            raise ValueError(f"{bad.preferred!r} was not among what {bad.person} was shown in")
    except (OSError, ValueError, csv.Error) as error:
        raise RscError(f"{path} does not hold votes ({error}); move it away") from error
    return votes


def tally(votes: Iterable[Vote], method: str) -> Tally:
    """How often a method was preferred where it stood for election.

    Raises:
        RscError: it never did.
    """
    counted = [v for v in votes if method in (v.left, v.right)]
    if not counted:
        raise RscError(f"there is no vote about {method}")
    return share_of(sum(v.preferred == method for v in counted), len(counted))


def share_of(wins: int, votes: int) -> Tally:
    """A share with its exact 95 % interval (Clopper and Pearson): no answer depends on another, it says,
    which ten answers of one subject do not quite fulfil.

    Raises:
        RscError: impossible numbers.
    """
    from scipy.stats import binomtest

    if not 0 <= wins <= votes or votes < 1:
        raise RscError(f"{wins} of {votes} is no share")
    low, high = binomtest(wins, votes).proportion_ci(0.95, "exact")
    return Tally(wins, votes, wins / votes, float(low), float(high))
