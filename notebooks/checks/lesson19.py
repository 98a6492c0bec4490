"""Checks of 19_acceleration."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from checks import array_of, expect
from rsclib.metrics import acceleration, acceleration_error, mpjpe, whole_windows
from rsclib.skeleton import J14_BONES

Array = NDArray[np.float64]


def _acc(joints: Array) -> float:
    """Mean length of the second differences, mm/frame²."""
    second = joints[2:] - 2 * joints[1:-1] + joints[:-2]
    return float(1000 * np.linalg.norm(second, axis=-1).mean())


def check_acc(answer: Callable[[Array], float]) -> None:
    draw = np.random.default_rng(0)
    falling = np.zeros((9, 2, 3))
    falling[:, 0] = 0.002 * np.arange(9)[:, None] ** 2 * [0.6, 0.8, 0]  # one joint of two
    cases = [draw.normal(size=(n, k, 3)) for n, k in ((3, 14), (4, 1), (12, 5), (40, 14))]
    uneven = draw.normal(size=(20, 6, 3)) * np.geomspace(0.001, 1, 6)[:, None]
    steady = np.arange(8.0)[:, None, None] * draw.normal(size=(1, 14, 3)) + draw.normal(
        size=(14, 3)
    )
    for joints in (steady, falling, *cases, uneven):
        kept = joints.copy()
        got = float(array_of(answer(joints), (), "one number, the mean, in mm/frame²"))
        expect(np.array_equal(joints, kept), "an argument was changed")
        want = _acc(joints)
        if joints is steady:
            expect(abs(got) < 1e-6, "joints that keep their velocity do not accelerate")
            continue
        ratio, second = got / want, 1000 * np.diff(joints, 2, axis=0)
        lengths = np.linalg.norm(second, axis=-1)

        def same(value: float, got: float = got) -> bool:
            return abs(got - value) < 1e-6 * value

        expect(not same(want / 1000), "that is in metres")
        expect(
            joints.shape[1] == 1 or not same(lengths.sum(1).mean()), "a mean or a sum of joints?"
        )
        expect(not same(lengths.sum()), "a mean or a sum?")
        expect(not same(900 * want), "that is a second's: nobody told the function the frame rate")
        first = 1000 * np.linalg.norm(np.diff(joints, axis=0), axis=-1).mean()
        expect(not same(first), "that is a speed: how does the *velocity* change?")
        alone = np.abs(second)
        expect(not same(alone.mean()) and not same(alone.sum(-1).mean()), "is that a length in 3D?")
        root = float(np.sqrt((lengths**2).mean()))
        expect(
            same(want) or not same(root), "squares let the worst moment count most: a plain mean"
        )
        expect(
            abs(ratio - 1) < 1e-6, "the number is off: what do three places, 0, 10, 30 mm, give?"
        )


def _joined(joints: Array, sequence: NDArray[Any]) -> float:
    return _acc(joints[whole_windows(torch.as_tensor(sequence)).numpy()])


def check_joined(answer: Callable[[Array, NDArray[Any]], float]) -> None:
    draw = np.random.default_rng(1)
    lengths = [(48, 32), (37, 50), (20, 16, 9, 41), (15, 33, 40), (16, 17, 18, 19, 31)]
    names = [(0, 1), (5, 2), (3, 1, 2, 0), (9, 4, 7), (4, 3, 2, 1, 0)]
    for of, number in zip(lengths, names, strict=True):
        sequence = np.repeat(number, of)
        homes = np.repeat(draw.normal(0, 0.4, (len(of), 14, 3)), of, axis=0)
        joints = homes + draw.normal(0, 0.01, homes.shape)
        kept = joints.copy(), sequence.copy()
        got = float(array_of(answer(joints, sequence), (), "one number, the mean, in mm/frame²"))
        unchanged = (joints == kept[0]).all() and (sequence == kept[1]).all()
        expect(unchanged, "an argument was changed")
        want = _joined(joints, sequence)

        def same(value: float, got: float = got) -> bool:
            return abs(got - value) < 1e-6 * value

        inside = torch.as_tensor(sequence)
        alone = float(acceleration(torch.from_numpy(joints), inside).mean())
        expect(not same(alone), "that counts no jump: the differences come after the joining")
        if any(n % 16 for n in of):
            expect(not same(_acc(joints)), "nothing is dropped: what about incomplete windows?")
        expect(not same(want / 1000), "that is in metres")
        expect(not same(900 * want), "per frame, not per second")
        whole = whole_windows(inside)
        apart = torch.arange(len(whole)) // 16
        cut = float(acceleration(torch.from_numpy(joints)[whole], apart).mean())
        expect(not same(cut), "no jump between two windows is counted: when were they joined?")
        expect(got < 1.02 * want, "too much motion: which windows are not whole, in every video?")
        expect(same(want), "off: where does a video's first window begin, and which video is next?")


@cache
def _films() -> list[tuple[Array, Array]]:
    """Guesses and truths (T, 14, 3): two test clips, and one in which hardly anything moves."""
    from rsclib.body import load_body
    from rsclib.geometry import axis_angle_to_rotmat
    from rsclib.openbench.motions import shipped_motions

    body, draw, films = load_body(), np.random.default_rng(2), []
    for name, still in (("walk", False), ("dance_b", False), ("punch", True)):
        poses = torch.from_numpy(shipped_motions()[name].poses[:48])
        with torch.inference_mode():
            found = body.joints(axis_angle_to_rotmat(poses), torch.zeros(len(poses), 10))
        truth = found.joints14.double().numpy()
        if still:  # breathing
            truth = truth[:1] + 0.05 * (truth - truth[:1])
        films.append((truth + draw.normal(0, 0.015, truth.shape), truth))
    return films


def _bones(joints: Array) -> Array:
    ends = np.array(J14_BONES)
    return np.linalg.norm(joints[:, ends[:, 0]] - joints[:, ends[:, 1]], axis=-1).mean(0)


def check_cheat(answer: Callable[[Array], Array]) -> None:
    for guesses, truth in _films():
        kept = guesses.copy()
        got = array_of(answer(guesses), guesses.shape, "as many joints as came in")
        expect(np.array_equal(guesses, kept), "an argument was changed: work on a copy")
        expect(
            (np.abs(_bones(got) / _bones(kept) - 1) < 0.2).all(),
            "nobody has such bones: a reader of the film would see it at once",
        )
        sheet, true, seen = (torch.from_numpy(x.copy()) for x in (got, truth, kept))
        before, after = (
            float(acceleration_error(x, true, root=(2, 3)).mean()) for x in (seen, sheet)
        )
        expect(after <= before / 2, "ACC-ERR is not even halved: who never errs in acceleration?")
        far, near = (float(mpjpe(x, true, (2, 3)).mean()) for x in (sheet, seen))
        expect(
            far > near + 1,
            "the people are no worse than before: that is no cheat. (Every metric moves the hips to "
            "the origin first, and some films hardly move.)",
        )
        expect(far >= near + 50, "worse, but not by 50 mm in every film: one of them hardly moves")
