"""Checks of 06_just_train_on_small_images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from checks import array_of, expect

Array = NDArray[np.float64]


def _near(a: Any, b: Any) -> bool:
    return bool(np.allclose(a, b, rtol=1e-9, atol=1e-9))


def check_gain(answer: Callable[[Array, Array], tuple[float, float]]) -> None:
    draw = np.random.default_rng(0)
    for people, shift in ((40, 5.0), (7, -3.0), (101, 20.0)):
        old = 90 + 20 * draw.normal(size=people)
        new = old - shift + 15 * draw.normal(size=people)
        new[:3] = old[:3]  # three whom nothing changes
        kept = new.copy(), old.copy()
        gain, share = array_of(answer(new, old), (2,), "two numbers, the mean gain and the share")
        expect(_near(new, kept[0]) and _near(old, kept[1]), "an argument was changed")
        want, nearer = (old - new).mean(), (new < old).mean()
        expect(not _near(gain, -want), "is a smaller error a gain or a loss?")
        expect(not _near(gain, want * people), "more people would gain more: return a mean")
        expect(not _near(gain, 100 * want / old.mean()), "asked for are millimetres, no percentage")
        expect(
            not _near(gain, np.median(old - new)),
            "the middle person says nothing of those who gain very much: take the mean",
        )
        expect(
            not _near(gain, np.abs(old - new).mean()), "those who lose count too, with their sign"
        )
        expect(_near(gain, want), "for the mean gain: what is it for one person alone?")
        expect(not _near(share, 100 * nearer), "a share lies between 0 and 1")
        expect(
            not _near(share, (new <= old).mean()), "somebody is as near as before: is that nearer?"
        )
        expect(
            not _near(share, (new > old).mean()), "that is the share of those who are farther off"
        )
        expect(not _near(share, nearer * people), "return a share, not how many people")
        expect(_near(share, nearer), "for the share: look at each person, not at the means")


def check_split(answer: Callable[[Array, Array, Array], tuple[float, float, float]]) -> None:
    draw = np.random.default_rng(1)
    for seeds, people, steps in ((3, 30, (12.0, 6.0)), (2, 50, (10.0, -2.0)), (4, 9, (-3.0, 9.0))):
        first = 110 + 25 * draw.normal(size=people)
        middle = first - steps[0] + 9 * draw.normal(size=(seeds, people))
        last = middle - steps[1] + 9 * draw.normal(size=(seeds, people))
        kept = [a.copy() for a in (first, middle, last)]
        got = array_of(answer(first, middle, last), (3,), "three numbers")
        same = all(_near(a, b) for a, b in zip(kept, (first, middle, last), strict=True))
        expect(same, "an argument was changed")
        one, two = (first - middle).mean(), (middle - last).mean()
        share = one / (one + two)
        expect(not _near(got[:2], (-one, -two)), "positive is better: smaller errors are a gain")
        expect(not _near(got[:2], (two, one)), "the first step leads from HR-only to Ba-shared")
        expect(
            not _near(got[:2], ((first - middle[0]).mean(), (middle[0] - last[0]).mean())),
            "one seed is one throw of the dice: use them all",
        )
        expect(
            not _near(got[1], (first - last).mean()),
            "that is the whole way: where does the second step begin?",
        )
        expect(
            _near(got[0], one), "the first number: compare each seed with HR-only on each person"
        )
        expect(_near(got[1], two), "the second number: which two networks does the step join?")
        expect(
            not _near(got[2], 100 * share), "a share of the whole is a fraction, not a percentage"
        )
        expect(not _near(got[2], 1 - share), "that is the share of the second step")
        expect(not _near(got[2], one / two), "a share is of the whole way, not of the other step")
        expect(
            not _near(got[2], np.clip(share, 0, 1)) or 0 <= share <= 1,
            "when one of the steps loses, what happens to the share of the other?",
        )
        expect(
            not _near(got[2], one / (abs(one) + abs(two))) or min(one, two) >= 0,
            "a step that loses makes the whole way shorter, not longer",
        )
        expect(
            _near(got[2], share),
            "the share: a person whose whole way is nearly zero must not run away with it",
        )


def check_break_even(answer: Callable[[float, float], float]) -> None:
    cases = [(9.0, 3.0), (2.0, 8.0), (5.0, 5.0), (0.4, 0.1), (16.0, 1.0)]
    for gain, loss in cases:
        q = float(array_of(answer(gain, loss), (), "one share"))
        want = loss / (gain + loss)
        expect(not np.isclose(q, 100 * want), "a share lies between 0 and 1")
        if gain != loss:
            expect(
                not np.isclose(q, 1 - want), "the dearer the loss, the more small people it takes"
            )
        expect(
            not np.isclose(q, loss / gain),
            "with q small people there are 1 - q large ones: does your loss shrink as q grows?",
        )
        expect(
            np.isclose(q, want),
            "at the share that you return, what is won in all must equal what is lost in all",
        )
    for gain, loss in ((6.0, 0.0), (3.0, -2.0), (1.0, -5.0)):
        q = float(array_of(answer(gain, loss), (), "one share"))
        expect(q == 0, "it costs nothing at full size: from which share on does it pay?")
    for gain, loss in ((0.0, 4.0), (-2.0, 3.0), (-5.0, 1.0), (-1.0, 4.0)):
        q = float(array_of(answer(gain, loss), (), "one share"))
        expect(q == 1, "it gains nothing even if all people are small: the text names the answer")
