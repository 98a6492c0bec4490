"""Table 2's numbers: pixels of each image by their true and found class, and what is read from them.

As in SPIN's evaluation, accuracy is the share of all pixels that are right, F1 the mean over the
classes, the background one of them, both of the pixels of all images together.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rsclib.errors import RscError
from rsclib.files.atomic import write_bytes
from rsclib.files.npz import read_npz
from rsclib.statistics import Interval, pooled

METRICS = ("silhouette_accuracy", "silhouette_f1", "part_accuracy", "part_f1")


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

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the counts as npz, whole or not at all: some 60 bytes an image of 128 px."""
        content = io.BytesIO()
        np.savez_compressed(
            content, allow_pickle=False, part=np.array(self.part), size=np.array(self.size),
            clip=np.asarray(self.clip), silhouette=_narrow(self.silhouette),
            parts=_narrow(self.parts),
        )  # fmt: skip
        write_bytes(path, content.getbuffer())

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Segmentation:
        """Read what :meth:`save` wrote.

        Raises:
            RscError: missing, damaged, or not counted pixels.
        """
        a = read_npz(path)
        try:
            clip, two, six = a["clip"], a["silhouette"], a["parts"]
            if clip.ndim != 1 or two.shape != (len(clip), 2, 2) or six.shape != (len(clip), 7, 7):
                raise ValueError("its arrays do not fit one another")
            if {two.dtype.kind, six.dtype.kind} != {"u"}:
                raise ValueError("pixels are not counted in whole numbers")
            two, six = two.astype(np.int64), six.astype(np.int64)
            if len(set(np.concatenate([two.sum((1, 2)), six.sum((1, 2))]).tolist())) != 1:
                raise ValueError("the images are not of one size")
            return Segmentation(str(a["part"]), int(a["size"]), clip, two, six)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise RscError(
                f"{path} does not hold counted pixels ({error}); score the model again"
            ) from error


def _narrow(counts: NDArray[np.int64]) -> NDArray[np.unsignedinteger]:
    """In as few bits as they need."""
    return counts.astype(np.uint16 if counts.max() < 2**16 else np.uint32)


def over_clips(
    ours: Sequence[Segmentation], theirs: Sequence[Segmentation] | None, metric: str
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
