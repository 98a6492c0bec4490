"""Checks of 11_progressive_training."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from checks import array_of, expect

Schedule = Sequence[Sequence[int]]
SCHEDULES: tuple[tuple[tuple[int, int], ...], ...] = (
    ((2, 3), (3, 2), (5, 4)), ((5, 6),), ((1, 1), (4, 5)),
)  # fmt: skip


def _active(schedule: Schedule) -> list[int]:
    """P' of every step."""
    return [scales for scales, steps in schedule for _ in range(steps)]


def check_scales(answer: Callable[[Schedule, int], int]) -> None:
    for schedule in SCHEDULES:
        want = _active(schedule)
        got = [int(array_of(answer(schedule, s), (), "one number")) for s in range(len(want))]
        first = schedule[0][0]
        expect(got[0] == first, "how many ranges are trained in the very first step, number 0?")
        switches = np.cumsum([steps for _, steps in schedule])[:-1]
        for switch in switches:
            expect(
                got[switch - 1] == want[switch - 1],
                "a range joins too early: n steps of a stage are the steps 0 to n - 1",
            )
            expect(
                got[switch] == want[switch],
                "a range joins too late, or the stages' steps are not added up: the entries say how "
                "long a stage lasts, not when it ends",
            )
        expect(got == want, "write the number of ranges of each step of a short schedule in a line")
        beyond = int(array_of(answer(schedule, len(want) + 7), (), "one number"))
        expect(beyond == want[-1], "after the last step: a range that has joined does not leave")


def check_joined(answer: Callable[[Tensor, int, int], Tensor]) -> None:
    draw = torch.Generator().manual_seed(0)
    for ranges, blocks, before, now in ((5, 4, 2, 3), (5, 3, 1, 5), (4, 2, 3, 3), (6, 3, 2, 4)):
        alpha = torch.randn(ranges, blocks, generator=draw)
        kept = alpha.clone()
        out = answer(alpha, before, now)
        expect(torch.equal(alpha, kept), "the argument was changed: return a new matrix")
        got = torch.from_numpy(array_of(out, (ranges, blocks), "a matrix like alpha")).float()
        expect(
            torch.allclose(got[:before], kept[:before]),
            "a range that is already trained must keep what it has learnt",
        )
        expect(
            torch.allclose(got[now:], kept[now:]),
            "a range that has not joined yet is left alone until it does",
        )
        if now > before:
            expect(
                not torch.allclose(got[before], kept[before]),
                "the range that joins first has not got a new row",
            )
            expect(
                not torch.allclose(got[before:now], kept[:1].expand(now - before, -1))
                or before == 1,
                "which range is most like the one that joins: the largest, or its neighbour?",
            )
            expect(
                torch.allclose(got[before], kept[before - 1]),
                "the range that joins first: from which row does it start?",
            )
            expect(
                torch.allclose(got[before:now], kept[before - 1].expand(now - before, -1)),
                "when several join at once each starts from its larger neighbour, which has just "
                "started itself: go through them in order",
            )


def check_seen(answer: Callable[[Schedule, int, int], Sequence[int]]) -> None:
    for schedule, batch, ranges in (*zip(SCHEDULES, (4, 3, 1), (5, 5, 5), strict=True),
                                    (((1, 2), (2, 3)), 2, 4)):  # fmt: skip
        active = np.array(_active(schedule))
        want = np.array([batch * (active > i).sum() for i in range(ranges)])
        got = array_of(answer(schedule, batch, ranges), (ranges,), "a number for each range")
        expect(
            not np.allclose(got * batch, want) or batch == 1,
            "those are steps: how many images of a range does one step have?",
        )
        joined = np.array([batch * (active == i + 1).sum() for i in range(ranges)])
        expect(
            not np.allclose(got, joined) or np.allclose(joined, want),
            "a range that has joined stays: it is seen in the later stages too",
        )
        never = want == 0
        expect((got[never] == 0).all(), "a range that never joins is never seen")
        expect(
            got[0] == want[0], "the full size takes part in every step: how many images is that?"
        )
        expect(
            np.allclose(got, want),
            "range 0 is right, another is not: in which steps is range i among the first P'?",
        )
