"""Batches of mixed resolution: the same people at a size from each range, a function of the step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch

from rsclib.data import augment, photographs
from rsclib.people import Affine, Batch, People, Share
from rsclib.resolution import Ranges, degrade, normalise, stretch_batch_as_released
from rsclib.runs.distributed import ranks

Pixels = Literal["plain", "released"]


def pick(lab: int, total: int, rng: np.random.Generator, batch: int, share: float) -> torch.Tensor:
    """Indices (B,) of which a share is among the first ``lab`` people; those stand first."""
    n = round(batch * share)
    chosen = np.concatenate([rng.integers(0, lab, n), rng.integers(lab, total, batch - n)])
    return torch.from_numpy(chosen)


def pick_shares(mix: Sequence[Share], rng: np.random.Generator, batch: int) -> torch.Tensor:
    """Indices (B,), each from a group drawn by its share: groups stand one after the other."""
    counts = np.array([group.number for group in mix])
    starts = np.cumsum(counts) - counts
    group = rng.choice(len(mix), batch, p=[g.share for g in mix])
    return torch.from_numpy(starts[group] + rng.integers(0, counts[group]))


def mixed_batch(
    people: People, ranges: Ranges, step: int, *,
    scales: int, batch: int, seed: int, lab_share: float, rotation: float, scale: float,
    photographed: bool = False, pixels: Pixels = "plain",
) -> Batch:  # fmt: skip
    """B augmented images, each at ``scales`` sizes: {x_i} of Section 3.3.

    Of several processes each gets its share of the B images. Every draw depends on ``seed`` and
    ``step`` alone, so all rows of a table see the same pixels.

    Args:
        people: two groups joined (:meth:`People.join`), or a mix of data sets.
        scales: P', the first so many ranges are in use. batch: B over all processes.
        lab_share: of the images from the first group (a mix has its own shares).
        rotation, scale: degrees and share.
        photographed: boxes are off, and each size of a person is blurred, noisy or compressed in its
            own way (:mod:`rsclib.data.photographs`).
        pixels: "released": small images have the contrast that the released code gives them
            (:func:`rsclib.resolution.stretch_as_released`).
    """
    rng = np.random.default_rng([seed, step])
    generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
    rank, world = ranks()
    mine = slice(rank, None, world)
    if people.mix:
        chosen = pick_shares(people.mix, rng, batch)[mine]
    else:
        chosen = pick(people.lab, len(people), rng, batch, lab_share)[mine]
    affine = Affine(*(a[mine] for a in augment.random_affine(batch, generator, rotation, scale)))
    tint = augment.random_colour(batch, generator)
    images, labels = augment.warp(people.images[chosen].float(), people.labels.at(chosen), *affine)
    # Its own draws: whether pictures are damaged changes nothing else of them.
    harm = np.random.default_rng([seed, step, rank, 1])
    if photographed:
        shift = photographs.random_shift(len(chosen), images.shape[2], harm)
        images, labels = photographs.shifted(images, labels, shift)
    full = augment.colour(images, *(t[mine] for t in tint)).round().byte()
    sizes = ranges.sample_sizes(rng)[:scales]
    released = stretch_batch_as_released(full) if pixels == "released" else full
    views = []
    for size in sizes:
        image = released if size < ranges.full else full
        views.append(
            photographs.photographed(image, size, harm) if photographed else degrade(image, size)
        )
    seen = torch.cat(views)  # one image, P' resolutions
    index = torch.cat([ranges.index(size).expand(len(chosen)) for size in sizes])
    return Batch(normalise(seen), index, labels, scales, affine=affine)
