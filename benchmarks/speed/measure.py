"""Time variants of one computation against each other, after checking that they agree.

Seconds depend on the machine and on what else it does; ratios of calls made in turn hardly do.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from rsclib.errors import RscError

Row = dict[str, Any]
Pair = tuple[str, str]  # a variant, and the one that it is compared with


@dataclass
class Case:
    """Variants of one computation, ready to be timed.

    Attributes:
        comparison, setting: what is compared, and at which sizes.
        runs: variant to the call that is timed. items: samples that one call works on.
        pairs: which variant is compared with which; a variant with itself only names its time.
        differences: of each pair's results, measured before any timing. differs_in: of what.
        tolerance: the largest difference allowed, by variant.
        product: the variant that rsclib uses, "" where it uses none of them.
        rounds: how often each variant has its turn. goal: wanted ratio of every other variant.
        extra: further values of every row.
    """

    comparison: str
    setting: str
    runs: Mapping[str, Callable[[], Any]]
    items: Mapping[str, int]
    pairs: list[Pair]
    differences: Mapping[Pair, float]
    differs_in: str
    tolerance: Mapping[str, float]
    product: str
    rounds: int = 7
    goal: float | None = None
    extra: Mapping[str, float] = field(default_factory=dict)


def with_first(names: Mapping[str, Any]) -> list[Pair]:
    """Every variant compared with the first one."""
    first = next(iter(names))
    return [(name, first) for name in names]


def relative(result: Tensor, reference: Tensor) -> float:
    """Length of the difference over that of the reference, over the first rows if one is longer."""
    n = min(len(result), len(reference))
    wanted = reference[:n].detach().double()
    return float((result[:n].detach().double() - wanted).norm() / wanted.norm())


def largest(result: Tensor, reference: Tensor) -> float:
    """Largest absolute difference, in the results' own unit."""
    return float((result.detach() - reference.detach()).abs().max())


def differences(
    runs: Mapping[str, Callable[[], Any]],
    pairs: list[Pair],
    differ: Callable[[Any, Any], float] = relative,
) -> dict[Pair, float]:
    """Call each variant once and compare what they return. (It also warms them up.)"""
    results = {name: run() for name, run in runs.items()}
    return {(name, of): differ(results[name], results[of]) for name, of in pairs}


def check(case: Case) -> None:
    """Refuse to time variants that do not compute the same.

    Raises:
        RscError: a difference is above its tolerance, or is not a number.
    """
    for name, of in case.pairs:
        difference, allowed = case.differences[name, of], case.tolerance[name]
        if not difference <= allowed:  # also refuses nan
            raise RscError(
                f"{case.comparison}, {case.setting}: {name!r} differs from {of!r} by "
                f"{difference:.2g} in {case.differs_in}; {allowed:.2g} is allowed"
            )


def measure(case: Case, rounds: int | None = None, block: float = 0.2) -> list[Row]:
    """Check the variants, time them in turn (A B A B ...), and give one row a pair.

    Args:
        rounds: instead of the case's own. block: shortest time of one turn, seconds; a quick
            variant is called as often as that takes.

    Raises:
        RscError: the variants differ.
    """
    check(case)
    once = {name: _seconds(run, 1) for name, run in case.runs.items()}
    calls = {name: max(1, math.ceil(block / max(t, 1e-9))) for name, t in once.items()}
    # A processor that emulates 16 bits needs minutes a round: two rounds must do then.
    rounds = rounds or min(case.rounds, max(2, round(60 / max(sum(once.values()), 1))))
    seconds: dict[str, list[float]] = {name: [] for name in case.runs}
    for _ in range(rounds):
        for name, run in case.runs.items():
            seconds[name].append(_seconds(run, calls[name]) / calls[name])
    return rows_of(case, seconds, calls)


def rows_of(case: Case, seconds: Mapping[str, list[float]], calls: Mapping[str, int]) -> list[Row]:
    """Rows from each variant's seconds a call, round by round.

    A ratio compares two turns of one round, so that a machine that slows down between rounds does
    not change it: ``ratio`` is the median over the rounds, ``ratio_low`` and ``ratio_high`` are the
    extremes. Above 1 the variant is the faster one, an item of one against an item of the other.
    """
    rows = []
    for name, of in case.pairs:
        share = case.items[name] / case.items[of]
        ratios = [b / a * share for a, b in zip(seconds[name], seconds[of], strict=True)]
        median = statistics.median(seconds[name])
        goal = None if name == of else case.goal
        rows.append(
            {
                "comparison": case.comparison, "setting": case.setting, "variant": name,
                "against": of, "product": name == case.product,
                "median_ms": median * 1e3, "items": case.items[name],
                "items_per_second": case.items[name] / median,
                "ratio": statistics.median(ratios), "ratio_low": min(ratios),
                "ratio_high": max(ratios), "goal": goal,
                "goal_reached": None if goal is None else statistics.median(ratios) >= goal,
                "difference": case.differences[name, of], "differs_in": case.differs_in,
                "tolerance": case.tolerance[name], "rounds": len(ratios),
                "calls_per_round": calls[name], "threads": torch.get_num_threads(), **case.extra,
            }
        )  # fmt: skip
    return rows


def _seconds(run: Callable[[], Any], calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        run()
    return time.perf_counter() - started
