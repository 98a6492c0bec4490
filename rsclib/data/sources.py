"""Where training images come from: parts of the open benchmark, as :class:`People`."""

from __future__ import annotations

from rsclib.openbench.build import fetch
from rsclib.people import People


def lab_and_wild(lab: int, wild: int, size: int, seed: int, full: bool = False) -> People:
    """``lab`` people with 3D labels, then ``wild`` ones with keypoints only.

    Args:
        full: the wild ones with 3D labels too, the same pictures: an oracle's.
    """
    return People.join(
        People.of(fetch("train-lab", lab, size, seed)),
        People.of(fetch("oracle-wild" if full else "train-wild", wild, size, seed)),
    )


def source(count: int, seed: int) -> People:
    """People of varied scenes with full labels and dense truth, 128 px: for pre-training."""
    return People.of(fetch("source", count, seed=seed))
