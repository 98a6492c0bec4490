"""Table 2: does the mesh cover the person, and its limbs the person's limbs? Pixels, not joints.

The predicted mesh is drawn over the image by the fast rasteriser and compared with rendered truth:
the silhouette (background, person), and background with six parts. As in SPIN's evaluation, accuracy
is the share of all pixels that are right, F1 the mean over the classes, the background one of
them, both of the pixels of all images together. The truth wears clothes and hair, the mesh does not,
so nobody reaches 100 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm.auto import tqdm

from rsclib.body import Body
from rsclib.errors import RscError
from rsclib.geometry import cam_to_translation
from rsclib.network import Prediction
from rsclib.openbench.build import fetch
from rsclib.predictor import NetPredictor
from rsclib.render.rasterize import rasterize
from rsclib.resolution import PRESETS
from rsclib.scores import Scores
from rsclib.skeleton import SMPL_NAMES
from rsclib.statistics import Interval, pooled

SIX_PARTS = ("head", "torso", "left arm", "right arm", "left leg", "right leg")
BATCH = 32
METRICS = ("silhouette_accuracy", "silhouette_f1", "part_accuracy", "part_f1")


def six_part(joint: str) -> int:
    """The class, 1 to 6, of what a joint of SMPL's skeleton moves (0 is the background)."""
    side, _, limb = joint.partition("_")
    if limb in ("shoulder", "elbow", "wrist", "hand"):
        return 1 + SIX_PARTS.index(f"{side} arm")
    if limb in ("hip", "knee", "ankle", "foot"):
        return 1 + SIX_PARTS.index(f"{side} leg")
    return 1 + SIX_PARTS.index("head" if joint in ("neck", "head") else "torso")


# Class of 0, the background, and of 1 + joint, the renderer's numbers.
CLASSES = torch.tensor([0, *(six_part(name) for name in SMPL_NAMES)])


def part_map(prediction: Prediction, body: Body, size: int) -> Tensor:
    """The predicted meshes as maps (B, S, S) of classes 0 to 6, S = ``size`` pixels.

    A face is of the part of its first corner, as in the rendered truth.
    """
    vertices = body(prediction.rotmats, prediction.betas).vertices
    assert vertices is not None
    placed = vertices + cam_to_translation(prediction.cam)[:, None]
    faces = rasterize(placed, body.faces, size).pix_to_face[..., 0]
    of_face = CLASSES.to(faces.device)[1 + body.part_of_vertex[body.faces[:, 0]]]
    return torch.where(faces >= 0, of_face[faces % len(of_face)], 0)


def confusion(truth: Tensor, found: Tensor, classes: int) -> NDArray[np.int64]:
    """Pixels of each image by true (row) and found class (column): maps (B, h, w) to (B, K, K).

    Raises:
        RscError: other shapes, or a class that is not one of K.
    """
    if truth.shape != found.shape or truth.ndim != 3:
        raise RscError(f"maps of one shape are compared, not {truth.shape} and {found.shape}")
    pair = truth.long() * classes + found.long()
    low, high = (torch.stack(t.aminmax()).tolist() for t in (truth.long(), found.long()))
    if min(low + high) < 0 or max(low + high) >= classes:
        raise RscError(f"a class is 0 to {classes - 1}, not {min(low + high)}..{max(low + high)}")
    image = torch.arange(len(pair))[:, None, None] * classes**2
    counts = torch.bincount((image + pair).flatten(), minlength=len(pair) * classes**2)
    return counts.view(-1, classes, classes).numpy()


def accuracy(counts: NDArray) -> NDArray[np.float64]:
    """Share of the pixels that are right, %, of confusions (..., K, K)."""
    right = np.trace(counts, axis1=-2, axis2=-1)
    return np.asarray(100 * right / counts.sum((-2, -1)), np.float64)


def f1(counts: NDArray) -> NDArray[np.float64]:
    """F1 = 2 TP / (2 TP + FP + FN), mean over the classes that occur, of confusions (..., K, K)."""
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    there = counts.sum(-1) + counts.sum(-2)  # 2 TP + FN + FP
    each = np.divide(2.0 * right, there, out=np.full(there.shape, np.nan), where=there > 0)
    return np.asarray(np.nanmean(each, axis=-1), np.float64)


@dataclass(frozen=True)
class Segmentation:
    """How the pixels of N images of a test part were classed at one size.

    Attributes:
        part: its name. size: px. clip: (N,) the motion clip of each image.
        silhouette: (N, 2, 2) pixels by true and found class. parts: (N, 7, 7).
    """

    part: str
    size: int
    clip: NDArray[np.str_]
    silhouette: NDArray[np.int64]
    parts: NDArray[np.int64]

    def counts(self, metric: str) -> NDArray[np.int64]:
        """The confusions (N, K, K) that one of :data:`METRICS` is made of.

        Raises:
            RscError: no such metric.
        """
        if metric not in METRICS:
            raise RscError(f"there is no metric {metric!r}; choose from {', '.join(METRICS)}")
        return self.silhouette if metric.startswith("silhouette") else self.parts

    def each(self, metric: str) -> NDArray[np.float64]:
        """The metric of every image (N,): accuracy in %, F1 from 0 to 1.

        The mean of accuracies is the table's; the mean of F1s is not: there pixels of all images
        are pooled first (:meth:`pooled`).
        """
        return (f1 if metric.endswith("f1") else accuracy)(self.counts(metric))

    def pooled(self, metric: str) -> Interval:
        """The table's number, of all pixels together, with its 95 % interval over clips."""
        return over_clips([self], None, metric)

    def as_scores(self, method: str) -> Scores:
        """What is lacking, per image, so that as for all scores less is better: 100 - accuracy, in
        %, as ``silhouette_error`` and ``part_error``, and 100 (1 - F1) as ``…_f1_error``."""
        errors = {}
        for metric in METRICS:
            value = self.each(metric) * (100 if metric.endswith("f1") else 1)
            errors[
                method, self.size, metric.replace("accuracy", "error").replace("f1", "f1_error")
            ] = 100 - value
        return Scores(self.part, self.clip, errors)


def over_clips(
    ours: list[Segmentation], theirs: list[Segmentation] | None, metric: str
) -> Interval:
    """The pooled metric of a row of a table, a training each, with its 95 % interval over recordings,
    clips and seeds; with ``theirs``, how much better (in points) the first is, on the same draws.

    Raises:
        RscError: not the same images, or not as many trainings.
    """
    rows = [ours] if theirs is None else [ours, theirs]
    first = ours[0]
    if len({len(row) for row in rows}) > 1:
        raise RscError(f"{len(rows[0])} trainings cannot be paired with {len(rows[1])}")
    for one in (s for row in rows for s in row):
        if one.part != first.part or not np.array_equal(one.clip, first.clip):
            raise RscError(f"segmentations of other images: {first.part} and {one.part}")
    stacked = [np.stack([s.counts(metric) for s in row]) for row in rows]  # (S, N, K, K) a row
    k = stacked[0].shape[-1]
    flat = np.concatenate([counts.reshape(*counts.shape[:2], k * k) for counts in stacked], 2)
    measure = f1 if metric.endswith("f1") else accuracy

    def statistic(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        values = measure(sums.reshape(len(sums), len(rows), k, k))
        return values[:, 0] - values[:, 1] if theirs is not None else values[:, 0]

    return pooled(flat, first.clip, statistic)


def segmentation_scores(
    predictor: NetPredictor, part: str = "test-wild", size: int = PRESETS["edu"].midpoints[-1],
    count: int | None = None,
) -> Segmentation:  # fmt: skip
    """Draw what is predicted for every image of a test part, shrunk to ``size`` px, and count pixels.

    Args:
        count: only the first so many people; None: all.

    Raises:
        RscError: the part has no masks.
    """
    side = predictor.ranges.full
    data = fetch(part, count, side)
    if "mask" not in data:
        raise RscError(f"{part} has no masks to compare with; choose a test part")
    images = torch.from_numpy(data["images"]).permute(0, 3, 1, 2)
    masks = torch.from_numpy(np.unpackbits(data["mask"], axis=2, count=side))
    parts = CLASSES[torch.from_numpy(data["parts"]).long()]
    whole, six = [], []
    for rows in tqdm(torch.arange(len(images)).split(BATCH), desc=f"segment {part}", leave=False):
        with torch.inference_mode():
            prediction = predictor.at(images[rows], size)
            found = part_map(prediction, predictor.body, side).cpu()
        whole.append(confusion(masks[rows], (found > 0).long(), 2))
        six.append(confusion(parts[rows], found, 1 + len(SIX_PARTS)))
    return Segmentation(part, size, data["clip"], np.concatenate(whole), np.concatenate(six))
