"""Where training images come from: parts of the open benchmark, or a mix of licensed data sets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rsclib.errors import RscError
from rsclib.geometry import axis_angle_to_rotmat
from rsclib.openbench.build import fetch
from rsclib.openbench.motions import Clip
from rsclib.openbench.poses import sample_poses, without_heading
from rsclib.people import People, Share
from rsclib.readers import amass
from rsclib.readers.catalogue import TRAINING
from rsclib.readers.found import Found

# The paper's shares of a batch, as the released code has them; within a group by the sizes.
PAPER_MIX: dict[tuple[str, ...], float] = {
    ("h36m-train",): 0.3,
    ("lsp-train", "mpii", "lspet", "coco"): 0.6,
    ("mpi-inf-3dhp-train",): 0.1,
}


# By what is known of wild people: their keypoints, the 3D truth of the same pictures, or of others.
WILD = {"2d": "train-wild", "full": "oracle-wild", "varied": "varied-wild"}


def lab_and_wild(lab: int, wild: int, size: int, seed: int, labels: str = "2d") -> People:
    """``lab`` people with 3D labels, then ``wild`` ones with ``labels``, a key of :data:`WILD`."""
    return People.join(
        People.of(fetch("train-lab", lab, size, seed)),
        People.of(fetch(WILD[labels], wild, size, seed)),
    )


def source(count: int, seed: int) -> People:
    """People of varied scenes with full labels and dense truth, 128 px: for pre-training."""
    return People.of(fetch("source", count, seed=seed))


def mocap(root: str) -> list[Clip]:
    """The motions of AMASS below a data root, at 30 frames a second; none where the root is "".

    Raises:
        RscError: there is none, or a file is not a motion.
    """
    found = amass.read_motions(Path(root)) if root else iter(())
    return [Clip(m.name, m.poses, m.trans, m.fps, "everyday") for m in found]


def bodies(count: int, seed: int, root: str = "") -> tuple[Tensor, Tensor]:
    """Bodies without pictures, for a prior: poses of the training motions and shapes.

    The distribution that the training people are drawn from, but draws of their own: nobody here is
    in a picture. (A paper's mocap has other poses than its photographs.)

    Args:
        root: a data root with AMASS, whose frames are the poses instead.

    Returns:
        rotmats (count, 24, 3, 3), whose root has no heading, and betas (count, 10).
    """
    rng = np.random.default_rng([seed, 25])
    if root:
        frames = np.concatenate([clip.poses for clip in mocap(root)])
        drawn = without_heading(frames[rng.integers(0, len(frames), count)])
        poses = torch.from_numpy(drawn.astype(np.float32))
    else:
        poses = torch.from_numpy(sample_poses(rng, "train", count).poses)
    betas = rng.standard_normal((count, 10)).clip(-2.5, 2.5).astype(np.float32)
    return axis_angle_to_rotmat(poses), torch.from_numpy(betas)


def licensed(
    root: Path, size: int, mix: Mapping[tuple[str, ...], float] = PAPER_MIX
) -> tuple[People, str]:
    """The licensed training sets that are there, mixed.

    Args:
        root: the data root. size: side of the crops, pixels.
        mix: share of each group of data sets (keys of :data:`rsclib.readers.catalogue.TRAINING`).
            Within a group each has its share by its size. What is not there is left out, and the
            shares of the others grow to 1.

    Returns:
        The people, and a line that says what is mixed and what is missing.

    Raises:
        RscError: none is there, or one is there in part.
    """
    found: dict[str, Found] = {}
    for name in (name for group in mix for name in group):
        there, read = TRAINING[name]
        if there(root):
            found[name] = read(root)
    if not found:
        wanted = ", ".join(name for group in mix for name in group)
        raise RscError(f"no training set was found below {root}: {wanted} were looked for")
    shares: dict[str, float] = {}
    for group, share in mix.items():
        total = sum(len(found[name]) for name in group if name in found)
        shares |= {name: share * len(found[name]) / total for name in group if name in found}
    whole = sum(shares.values())
    groups = tuple(Share(n, len(found[n]), share / whole) for n, share in shares.items())
    joined = Found.joined([found[name] for name in shares], root)
    people = People(joined.crops(size), joined.labels(), mix=groups)
    return people, _in_words(groups, [n for group in mix for n in group if n not in found])


def _in_words(groups: tuple[Share, ...], missing: list[str]) -> str:
    mixed = ", ".join(f"{100 * g.share:.1f} % {g.name} ({g.number} people)" for g in groups)
    lost = f"; not there, so the others' shares grew: {', '.join(missing)}" if missing else ""
    return f"mixed: {mixed}{lost}"
