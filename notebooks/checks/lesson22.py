"""Checks of 22_video_table."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from checks import array_of, expect
from rsclib.metrics import acceleration_error, mpjpe
from rsclib.skeleton import MIDHIP

Array = NDArray[np.float64]


def _gain(than: Array, better: Array, clips: NDArray[Any], draws: NDArray[Any]) -> Array:
    gains = than - better
    names = np.unique(clips)
    sums = np.array([gains[clips == name].sum() for name in names])
    counts = np.array([(clips == name).sum() for name in names])
    means = sums[draws].sum(1) / counts[draws].sum(1)
    return np.array([gains.mean(), *np.percentile(means, (2.5, 97.5))])


def check_gain(answer: Callable[..., Any]) -> None:
    draw = np.random.default_rng(0)
    for lengths in ((4, 4, 4), (2, 30, 7, 11), (62, 3, 40, 18, 5, 62), (9, 1, 50, 20, 6, 33, 2)):
        names = np.array(["walk", "dance", "jump", "punch", "turn", "run", "bow"])[: len(lengths)]
        clips = np.repeat(names, lengths)
        hard = np.repeat(draw.uniform(60, 160, len(lengths)), lengths)
        wins = np.repeat(draw.uniform(-2, 9, len(lengths)), lengths)
        than = hard + draw.normal(0, 3, len(clips))
        better = hard - wins + draw.normal(0, 3, len(clips))
        draws = draw.integers(len(lengths), size=(500, len(lengths)))
        kept = than.copy(), better.copy()
        got = array_of(answer(than, better, clips, draws), (3,), "three numbers: gain, low, high")
        unchanged = (than == kept[0]).all() and (better == kept[1]).all()
        expect(unchanged, "an argument was changed")
        want = _gain(than, better, clips, draws)
        expect(abs(got[0] + want[0]) > 1e-9, "above 0 the first row of the claim should be better")
        expect(abs(got[0] - want[0]) < 1e-6, "the gain itself: whose error minus whose, over what?")
        expect(got[1] < got[2], "the lower end comes first")
        of_clips = np.array([(than - better)[clips == name].mean() for name in np.unique(clips)])
        equal = np.percentile(of_clips[draws].mean(1), (2.5, 97.5))
        uneven = len(set(lengths)) > 1
        expect(
            not uneven or not np.allclose(got[1:], equal),
            "a clip of three frames weighs as much as one of sixty: take the mean of everything drawn",
        )
        expect(
            got[2] - got[1] > 0.6 * (want[2] - want[1]),
            "too narrow: are frames of one clip independent, and how many means lie outside?",
        )
        expect(
            np.allclose(got[1:], want[1:], atol=1e-6),
            "the ends are off: which percentiles, of which means, and in which order are the clips?",
        )


def _split(errors: Array, window: NDArray[Any]) -> Array:
    steady = np.zeros_like(errors)
    for number in np.unique(window):
        steady[window == number] = errors[window == number].mean(0)
    parts = [(part**2).sum(-1).mean() for part in (steady, errors - steady)]
    return 1000 * np.sqrt(parts)


def check_split(answer: Callable[..., Any]) -> None:
    draw = np.random.default_rng(1)
    same, one = np.tile(draw.normal(size=(1, 5, 3)), (16, 1, 1)) / 50, np.zeros(16, int)
    cases: list[tuple[Array, NDArray[Any]]] = [(same, one)]
    for lengths in ((16,), (16, 16, 16), (16, 5, 11), (3, 16, 1, 8)):
        window = np.repeat(draw.permutation(len(lengths)) * 3 + 1, lengths)
        homes = np.repeat(draw.normal(0, 0.05, (len(lengths), 14, 3)), lengths, axis=0)
        wide = np.repeat(draw.uniform(0.01, 0.05, len(lengths)), lengths)[:, None, None]
        cases.append((homes + wide * draw.normal(size=homes.shape), window))
    for errors, window in cases:
        kept = errors.copy(), window.copy()
        got = array_of(answer(errors, window), (2,), "two numbers, steady and unsteady, in mm")
        unchanged = (errors == kept[0]).all() and (window == kept[1]).all()
        expect(unchanged, "an argument was changed")
        want = _split(errors, window)
        expect(not np.allclose(got, want / 1000), "that is in metres")
        expect(not np.allclose(got, want**2), "that is still squared: take the roots last")
        if errors is same:
            expect(got[1] < 1e-6, "an error that never changes has no unsteady part")
            expect(abs(got[0] - want[0]) < 1e-6, "the steady part: a length in 3D, over joints")
            continue
        whole = 1e6 * (errors**2).sum(-1).mean()
        expect(
            abs((got**2).sum() / whole - 1) < 1e-6,
            "the two squares should add up to the mean square of the whole error (Pythagoras)",
        )
        expect(
            np.allclose(got, want, rtol=1e-6),
            "they add up, but not to these parts: which mean is taken away, of which frames?",
        )


@cache
def _films() -> list[tuple[Array, Array]]:
    """Guesses and truths (T, 14, 3) of test clips: a fault of pose that stays, and trembling."""
    from rsclib.body import load_body
    from rsclib.geometry import axis_angle_to_rotmat
    from rsclib.openbench.motions import shipped_motions

    body, draw, films = load_body(), np.random.default_rng(2), []
    for name in ("walk", "dance_b", "punch"):
        poses = torch.from_numpy(shipped_motions()[name].poses[:60])
        with torch.inference_mode():
            found = body.joints(axis_angle_to_rotmat(poses), torch.zeros(len(poses), 10))
        truth = found.joints14.double().numpy()
        truth = truth - truth[:, list(MIDHIP)].mean(1, keepdims=True)
        fault = draw.normal(0, 0.03, (1, 14, 3))
        films.append((truth + fault + draw.normal(0, 0.016, truth.shape), truth))
    return films


def check_rival(answer: Callable[[Array], Array]) -> None:
    for kept, truth in _films():
        guesses = kept.copy()
        got = array_of(answer(guesses), guesses.shape, "as many joints as came in")
        expect(np.array_equal(guesses, kept), "an argument was changed: work on a copy")
        cut = len(guesses) // 2
        other = guesses.copy()
        other[cut:] = other[cut:][::-1] + 0.2
        again = array_of(answer(other), guesses.shape, "as many joints as came in")
        expect(
            np.allclose(again[:cut], got[:cut], atol=1e-9),
            "a frame changed when only later ones did: no live camera knows the future",
        )
        film, true, seen = (torch.from_numpy(x.copy()) for x in (got, truth, kept))
        errs = [float(acceleration_error(x, true, root=MIDHIP).mean()) for x in (film, seen)]
        far, near = (float(mpjpe(x, true, MIDHIP).mean()) for x in (film, seen))
        expect(
            far < near + 1, "it is late, or stands still: MPJPE has risen by a millimetre or more"
        )
        expect(
            errs[0] <= errs[1] / 2,
            "ACC-ERR is not halved in every film: what do the frames before say?",
        )
