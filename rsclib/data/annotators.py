"""Keypoints as people mark them: a little off, some missing, now and then a left limb for a right.

The open benchmark knows every point exactly; an annotator of COCO or MPII does not. Errors belong to
an image, so they are drawn once and stay the same in every epoch.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from rsclib.people import Labels, People
from rsclib.skeleton import KEYPOINT_NAMES

# Spread of COCO's annotators by keypoint, as a share of the square root of the person's area: the
# constants of its object keypoint similarity, which were measured on images annotated twice. There
# they are of the distance, here of each coordinate, so points lie 1.4 times as far off.
_COCO = {
    "nose": 0.026, "eye": 0.025, "ear": 0.035, "shoulder": 0.079, "elbow": 0.072, "wrist": 0.062,
    "hip": 0.107, "knee": 0.087, "ankle": 0.089,
}  # fmt: skip
_OTHER = 0.079  # points that COCO has not (neck, head top, trunk): as a shoulder
SPREAD = torch.tensor([_COCO.get(name.split()[-1], _OTHER) for name in KEYPOINT_NAMES])
# A person covers about so much of the box round the keypoints.
_COVER = 0.5
_ARMS, _LEGS = ((6, 11), (7, 10), (8, 9)), ((0, 5), (1, 4), (2, 3))


def as_annotated(
    labels: Labels, jitter: float, missing: float, swapped: float, seed: int
) -> Labels:
    """Labels with 2D keypoints as an annotator would give them; all else is left as it is.

    Args:
        jitter: in multiples of ``SPREAD``, for each coordinate. missing: share of the points that
            are not marked. swapped: share of the arms, and of the legs, marked left for right.
        seed: of the draws; the same people and seed give the same errors.
    """
    if not (jitter or missing or swapped):
        return labels
    rng = np.random.default_rng([seed, 41])
    points = labels.keypoints2d.clone()
    xy, seen = points[..., :2], points[..., 2] > 0
    low = torch.where(seen[..., None], xy, torch.inf).amin(1)
    high = torch.where(seen[..., None], xy, -torch.inf).amax(1)
    side = ((high - low).clamp(0, 2).prod(1) * _COVER).sqrt()  # of the person's area
    normal = torch.from_numpy(rng.standard_normal(xy.shape).astype(np.float32))
    points[..., :2] += jitter * side[:, None, None] * SPREAD[:, None] * normal
    for limb in (_ARMS, _LEGS):
        chosen = torch.from_numpy(np.flatnonzero(rng.random(len(points)) < swapped))
        for right, left in limb:
            points[chosen[:, None], torch.tensor([right, left])] = points[
                chosen[:, None], torch.tensor([left, right])
            ]
    lost = torch.from_numpy(rng.random(seen.shape) < missing)
    points[..., 2] = torch.where(lost, 0.0, points[..., 2])
    return labels._replace(keypoints2d=points)


def wild_as_annotated(
    people: People, jitter: float, missing: float, swapped: float, seed: int
) -> People:
    """People of whom those after the first ``people.lab`` are :func:`as_annotated`."""
    marked = as_annotated(people.labels, jitter, missing, swapped, seed)
    points = torch.cat([people.labels.keypoints2d[: people.lab], marked.keypoints2d[people.lab :]])
    return replace(people, labels=people.labels._replace(keypoints2d=points))
