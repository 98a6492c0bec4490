"""Windows of T frames: of cached features with their labels, and of real motion for a critic."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rsclib.errors import RscError
from rsclib.openbench import poses as P
from rsclib.openbench.chains import Motion, at_tempo, repeated
from rsclib.openbench.motions import Clip, mirror_poses
from rsclib.people import Labels
from rsclib.runs.distributed import ranks
from rsclib.skeleton import from_hips

TEMPO = (0.7, 1.4)  # how fast real motion is shown to a critic


class Windows(NamedTuple):
    """B windows of T frames: phi (B, T, C), the labels of B*T frames, window after window, and poses of
    real motion (B, T, 69)."""

    phi: Tensor
    labels: Labels
    real: Tensor


@dataclass(frozen=True)
class Videos:
    """N frames of whole sequences.

    Attributes:
        features: phi (N, C) by the size, px, that the frames were shrunk to.
        labels: of the N frames. sequence: (N,) number of the video of each frame, in order.
    """

    features: Mapping[int, Tensor]
    labels: Labels
    sequence: Tensor

    @property
    def starts(self) -> Tensor:
        """(V + 1,) where each video begins, and the end of the last."""
        change = (self.sequence.diff() != 0).nonzero()[:, 0] + 1
        return torch.cat([torch.tensor([0]), change, torch.tensor([len(self.sequence)])])

    def calmest(self, share: float) -> Tensor:
        """Numbers, in order, of the ``share`` of the videos that accelerate least."""
        joints = from_hips(self.labels.keypoints3d[..., :3])
        starts = self.starts.tolist()
        pairs = itertools.pairwise(starts)
        speed = torch.stack([joints[a:b].diff(n=2, dim=0).norm(dim=-1).mean() for a, b in pairs])
        count = max(1, round(share * len(speed)))
        return speed.argsort(stable=True)[:count].sort().values


def window_batch(
    videos: Videos, step: int, *, batch: int, frames: int, seed: int, share_3d: float,
    among: Tensor | None = None, mocap: Sequence[Clip] = (),
) -> Windows:  # fmt: skip
    """``batch`` windows of random videos, moments and sizes; a function of (seed, step) alone.

    ``among`` are the numbers of the videos in use; None: all. ``mocap`` is where real motion is from; empty:
    the training clips.

    The first videos have 3D labels, the others keypoints only; ``share_3d`` of a batch is of the first.
    Of several processes each gets its share.

    Raises:
        RscError: a video is shorter than a window.
    """
    rng = np.random.default_rng([seed, step])
    starts = videos.starts
    lengths = starts.diff()
    among = torch.arange(len(lengths)) if among is None else among
    starts, lengths = starts[among], lengths[among]
    if int(lengths.min()) < frames:
        raise RscError(f"a video of {int(lengths.min())} frames has no window of {frames}")
    with_3d = max(1, round(share_3d * len(lengths)))
    n = round(batch * share_3d)
    which = np.concatenate([
        rng.integers(0, with_3d, n), rng.integers(min(with_3d, len(lengths) - 1), len(lengths), batch - n)
    ])  # fmt: skip
    begin = starts[which] + torch.from_numpy(rng.integers(0, lengths[which] - frames + 1))
    sizes = rng.choice(sorted(videos.features), batch)
    real = real_windows(rng, batch, frames, mocap)
    rank, world = ranks()
    mine = slice(rank, None, world)
    rows = begin[mine, None] + torch.arange(frames)
    phi = torch.stack(
        [videos.features[int(s)][row] for s, row in zip(sizes[mine], rows, strict=True)]
    )
    labels = videos.labels.at(rows.flatten())
    known = torch.from_numpy((np.arange(batch) < n)[mine]).repeat_interleave(frames)
    labels = labels._replace(has_3d=labels.has_3d & known, has_smpl=labels.has_smpl & known)
    return Windows(phi, labels, real[mine])


def real_windows(
    rng: np.random.Generator, count: int, frames: int, mocap: Sequence[Clip] = ()
) -> Tensor:
    """Poses (count, frames, 69) of ``mocap``, or else of training clips: axis-angle of joints 1 to 23,
    mirrored half the time."""
    clips = mocap or P.clips_of("train")
    out = np.empty((count, frames, 24, 3), np.float32)
    for i in range(count):
        clip = clips[int(rng.integers(len(clips)))]
        tempo = float(np.exp(rng.uniform(*np.log(TEMPO))))
        need = int(np.ceil((frames - 1) * tempo)) + 1
        if need > len(clip.poses):
            found = repeated(clip, frames, tempo).poses
        else:  # only what is shown is interpolated
            begin = int(rng.integers(len(clip.poses) - need + 1))
            part = slice(begin, begin + need)
            found = at_tempo(Motion(clip.poses[part], clip.trans[part], clip.name), tempo).poses
        out[i] = found[:frames]
        if rng.random() < 0.5:
            out[i] = mirror_poses(out[i])
    return torch.from_numpy(out[:, :, 1:].reshape(count, frames, 69))
