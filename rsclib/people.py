"""What is known of images of people: one record from the data to the losses.

A data set, rendered or licensed, comes as :class:`People`; a training step sees a :class:`Batch` of
it. Both carry :class:`Labels`, which never change their shape on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rsclib.geometry import axis_angle_to_rotmat


class Labels(NamedTuple):
    """The truth of B images, in camera axes (:mod:`rsclib.skeleton` names the points).

    Attributes:
        keypoints2d: (B, 24, 3) in [-1, 1] of the crop, and a confidence.
        keypoints3d: (B, 24, 4) metres, and a confidence; not read where ``has_3d`` is False.
        rotmats: theta (B, 24, 3, 3). betas: (B, 10). Both are not read where ``has_smpl`` is False.
        has_3d, has_smpl: (B,) bool.
        ids: (B,) which image of the data set it is, for the queue of Eq. 12.
    """

    keypoints2d: Tensor
    keypoints3d: Tensor
    rotmats: Tensor
    betas: Tensor
    has_3d: Tensor
    has_smpl: Tensor
    ids: Tensor

    def at(self, index: Tensor | slice) -> Labels:
        """The labels of some of the images."""
        return Labels(*(values[index] for values in self))


class Affine(NamedTuple):
    """How an augmentation moves B pictures, about their middle: mirrored where ``flip`` (B,) is True,
    then turned by ``angle`` (B,) radians and enlarged by ``factor`` (B,)."""

    angle: Tensor
    factor: Tensor
    flip: Tensor


class Batch(NamedTuple):
    """What a network and its losses see in a step: B images at P' scales.

    Attributes:
        images: (P' B, 3, S, S) normalised, scale after scale, the largest first.
        range_index: (P' B,) long.
        labels: of the B images.
        scales: P', at how many sizes each image is seen.
        dense: (B, S/4, S/4, 4) uint8, canonical coordinates and body part of each pixel, if known.
        affine: how the B images were moved, if that is known.
    """

    images: Tensor
    range_index: Tensor
    labels: Labels
    scales: int = 1
    dense: Tensor | None = None
    affine: Affine | None = None


class Pictures(Protocol):
    """Images (N, 3, S, S) uint8 that are made when they are asked for, because all of them would not
    fit into memory (:class:`rsclib.readers.crops.Crops`). A tensor does all that is named here."""

    @property
    def shape(self) -> Sequence[int]:
        """(N, 3, S, S)."""

    def __len__(self) -> int:
        """N."""

    def __getitem__(self, index: Tensor | slice, /) -> Tensor:
        """Some of the images (B, 3, S, S) uint8."""

    def split(self, size: int, /) -> Iterable[Tensor]:
        """All of them in order, at most ``size`` at a time."""


class Share(NamedTuple):
    """A group of a mix: ``number`` people in a row, of whom a batch takes this ``share``."""

    name: str
    number: int
    share: float


@dataclass(frozen=True)
class People:
    """N images (N, 3, S, S) uint8 with their labels and, where it is known, ``dense`` truth.

    Attributes:
        lab: the first so many are the ones that a batch takes its share of 3D labels from.
        mix: several data sets, one after the other, and what share of a batch each has; it stands in
            place of ``lab``.
    """

    images: Tensor | Pictures
    labels: Labels
    dense: Tensor | None = None
    lab: int = 0
    mix: tuple[Share, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    @staticmethod
    def of(arrays: Mapping[str, NDArray]) -> People:
        """A part of the open benchmark (:func:`rsclib.openbench.build.fetch`).

        Where it has no 3D truth, ``keypoints3d`` and ``betas`` are zeros and ``rotmats`` the rest
        pose; nothing reads them.
        """
        n = len(arrays["images"])
        known = torch.full((n,), "pose" in arrays)
        points, betas = torch.zeros(n, 24, 4), torch.zeros(n, 10)
        rotmats = torch.eye(3).expand(n, 24, 3, 3)
        if "pose" in arrays:
            points[..., :3], points[..., 3] = torch.from_numpy(arrays["keypoints3d"]), 1.0
            rotmats = axis_angle_to_rotmat(torch.from_numpy(arrays["pose"]).view(n, 24, 3))
            betas = torch.from_numpy(arrays["betas"])
        dense = torch.from_numpy(arrays["dense"]) if "dense" in arrays else None
        images = torch.from_numpy(arrays["images"]).permute(0, 3, 1, 2)
        keypoints2d = torch.from_numpy(arrays["keypoints2d"])
        labels = Labels(keypoints2d, points, rotmats, betas, known, known, torch.arange(n))
        return People(images, labels, dense)

    @staticmethod
    def join(first: People, second: People) -> People:
        """One after the other, numbered anew; ``dense`` truth is dropped."""
        labels = Labels(*map(torch.cat, zip(first.labels, second.labels, strict=True)))
        labels = labels._replace(ids=torch.arange(len(labels.ids)))
        images = [some for part in (first, second) for some in part.images.split(len(part) or 1)]
        return People(torch.cat(images), labels, lab=len(first))


class Trial(NamedTuple):
    """Images to score predictions on.

    Attributes:
        name: of the test part, and of the protocol where there are several.
        images: (N, 3, S, S) uint8.
        truth: evaluation joints (N, 14 or 17, 3), metres, relative to the root.
        clip: (N,) the sequence of each image, which intervals keep whole.
        root: rows whose mean a prediction is moved to; None: it comes relative to the pelvis already.
    """

    name: str
    images: Tensor | Pictures
    truth: Tensor
    clip: NDArray[np.str_]
    root: tuple[int, ...] | None = None
