"""Checks of lesson 18: accuracy, F1 of pooled pixels, and the best constant answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from checks import array_of, expect
from rsclib.pixels import accuracy, f1

Maps = NDArray[np.integer[Any]]


def _maps(seed: int, classes: int, count: int = 4, side: int = 6) -> tuple[Maps, Maps]:
    """People of different size in a frame, and a guess that is often right."""
    draw = np.random.default_rng(seed)
    truth = np.zeros((count, side, side), int)
    for n, image in enumerate(truth):
        image[1 : 2 + n % (side - 2), 1:-1] = 1 + draw.integers(classes - 1, size=side - 2)
    found = np.where(draw.random(truth.shape) < 0.7, truth, draw.integers(0, classes, truth.shape))
    return truth, found


def _counts(truth: Maps, found: Maps, classes: int) -> NDArray[np.int64]:
    pair = truth.astype(np.int64) * classes + found
    return np.bincount(pair.ravel(), minlength=classes**2).reshape(classes, classes)


def check_accuracy(answer: Callable[[Maps, Maps], float]) -> None:
    """On silhouettes and on parts."""
    for seed, classes in enumerate((2, 7, 7)):
        truth, found = _maps(seed, classes)
        kept = truth.copy(), found.copy()
        got = float(array_of(answer(truth, found), (), "one number, per cent"))
        expect((truth == kept[0]).all() and (found == kept[1]).all(), "an argument was changed")
        want = float(accuracy(_counts(truth, found, classes)))
        expect(not np.isclose(100 * got, want), "per cent, not a fraction")
        person = truth > 0
        own = 100 * np.mean((truth == found)[person])
        expect(not np.isclose(got, own), "the background is a class like the others")
        both = 100 * np.mean((truth > 0) == (found > 0))
        expect(classes == 2 or not np.isclose(got, both), "another part is a wrong answer, too")
        expect(np.isclose(got, want), "off: right pixels over all pixels")


def check_f1(answer: Callable[[Maps, Maps, int], float]) -> None:
    """On maps where classes are missing now and then."""
    for seed, (classes, used) in enumerate(((2, 2), (7, 7), (7, 4), (3, 3), (5, 5))):
        truth, found = _maps(10 + seed, used)
        if seed == 4:  # a class that is there and that nobody found
            found[found == classes - 1] = 0
        got = float(array_of(answer(truth.copy(), found.copy(), classes), (), "one number"))
        counts = _counts(truth, found, classes)
        want = float(f1(counts))
        each = np.stack([_counts(t, f, classes) for t, f in zip(truth, found, strict=True)])
        expect(
            not np.isclose(got, f1(each).mean()) or np.isclose(want, f1(each).mean()),
            "that is a mean over images: pool the pixels first",
        )
        there = counts.sum(0) + counts.sum(1)
        iou = np.diag(counts) / np.maximum(there - np.diag(counts), 1)
        expect(not np.isclose(got, iou[there > 0].mean()), "that is intersection over union")
        scores = 2 * np.diag(counts) / np.maximum(there, 1)
        expect(
            used == classes or not np.isclose(got, scores.mean()),
            "a class that neither map has is left out",
        )
        expect(not np.isclose(got, scores[1:][there[1:] > 0].mean()), "the background counts, too")
        share = np.diag(counts).sum() / counts.sum()
        expect(
            not np.isclose(got, share) or np.isclose(want, share),
            "that is the accuracy: is the mean over classes taken?",
        )
        expect(np.isclose(got, want), "off: 2 TP / (2 TP + FP + FN) of each class, then the mean")


def check_constant(answer: Callable[[Maps, int], Maps]) -> None:
    """For silhouettes and parts."""
    draw = np.random.default_rng(3)
    for classes in (2, 7):
        masks = draw.integers(0, classes, (15, 5, 6))
        masks[:, 0] = 0
        masks[:9, 3] = classes - 1
        kept = masks.copy()
        got = array_of(answer(masks, classes), (5, 6), "one map, a class for each pixel")
        expect((masks == kept).all(), "an argument was changed")
        expect(np.isin(got, range(classes)).all(), "each pixel's answer is one of the classes")
        votes = np.stack([(masks == k).sum(0) for k in range(classes)])
        mine = np.take_along_axis(votes, got.astype(int)[None], 0)[0]
        expect(not (got == 0).all(), "nobody at all? In some pixels there mostly is somebody")
        expect(
            (mine == votes.max(0)).all(),
            "some pixel is more often something else: count for each pixel alone",
        )
