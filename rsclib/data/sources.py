"""Where training images come from: parts of the open benchmark, as :class:`People`."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from rsclib.geometry import axis_angle_to_rotmat
from rsclib.openbench.build import fetch
from rsclib.openbench.poses import sample_poses
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


def bodies(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Bodies without pictures, for a prior: poses of the training motions and shapes.

    The distribution that the training people are drawn from, but draws of their own: nobody here is
    in a picture. (A paper's mocap has other poses than its photographs.)

    Returns:
        rotmats (count, 24, 3, 3), whose root has no heading, and betas (count, 10).
    """
    rng = np.random.default_rng([seed, 25])
    poses = torch.from_numpy(sample_poses(rng, "train", count).poses)
    betas = rng.standard_normal((count, 10)).clip(-2.5, 2.5).astype(np.float32)
    return axis_angle_to_rotmat(poses), torch.from_numpy(betas)
