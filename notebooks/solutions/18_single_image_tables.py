"""Solutions of 18_single_image_tables, and wrong answers that the checks must turn down."""

import numpy as np


def my_accuracy(truth, found):
    return 100 * np.mean(truth == found)


def my_f1(truth, found, classes):
    scores = []
    for k in range(classes):
        right = np.sum((truth == k) & (found == k))
        there = np.sum(truth == k) + np.sum(found == k)  # 2 TP + FN + FP
        if there:
            scores.append(2 * right / there)
    return np.mean(scores)


def my_constant(masks, classes):
    votes = np.stack([(masks == k).sum(0) for k in range(classes)])
    return votes.argmax(0)


def _iou(truth, found, classes):
    pairs = [((truth == k) & (found == k), (truth == k) | (found == k)) for k in range(classes)]
    return np.mean([both.sum() / any_.sum() for both, any_ in pairs if any_.any()])


def _absent_is_zero(truth, found, classes):
    has = [((truth == k) | (found == k)).any() for k in range(classes)]
    return my_f1(truth, found, classes) * np.sum(has) / classes


def _person_alone(truth, found, classes):
    scores = [my_f1(truth == k, found == k, 2) * 2 for k in range(classes)]
    scores = [
        s - 2 * np.sum((truth != k) & (found != k)) / (np.sum(truth != k) + np.sum(found != k))
        for k, s in enumerate(scores)
        if k and ((truth == k) | (found == k)).any()
    ]
    return np.mean(scores)


def _found_alone(truth, found, classes):
    """Leaves out a class that is there and that nobody found."""
    return np.mean(
        [
            2 * np.sum((truth == k) & (found == k)) / (np.sum(truth == k) + np.sum(found == k))
            for k in range(classes)
            if (found == k).any()
        ]
    )


WRONG = {
    "my_accuracy": [
        lambda truth, found: np.mean(truth == found),
        lambda truth, found: 100 * np.mean((truth == found)[truth > 0]),
        lambda truth, found: 100 * np.mean(truth != found),
        lambda truth, found: np.sum(truth == found),
        lambda truth, found: 100 * np.mean((truth > 0) == (found > 0)) - 1e-3 * truth.max(),
        lambda truth, found: None,
    ],
    "my_f1": [
        _iou,
        _absent_is_zero,
        _found_alone,
        _person_alone,
        lambda truth, found, classes: np.mean(truth == found),
        lambda truth, found, classes: np.mean(
            [my_f1(t, f, classes) for t, f in zip(truth, found, strict=True)]
        ),
        lambda truth, found, classes: 100 * my_f1(truth, found, classes),
        lambda truth, found, classes: None,
    ],
    "my_constant": [
        lambda masks, classes: masks[0],
        lambda masks, classes: 0 * masks[0],
        lambda masks, classes: np.round(masks.mean(0)),
        lambda masks, classes: np.full(masks.shape[1:], np.bincount(masks.ravel()).argmax()),
        lambda masks, classes: masks.max(0),
        lambda masks, classes: masks.mean(0),
        lambda masks, classes: None,
    ],
}
