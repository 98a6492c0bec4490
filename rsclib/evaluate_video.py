"""Errors of every frame of a video part: accuracy and, as in Table 3, acceleration.

Anything with ``joints14(images, size)`` can be scored (:mod:`rsclib.predictor`); here it is given all
frames of one video at once, in order. A frame without a neighbour on both sides has no acceleration:
the first and the last of each video are left out of all metrics, so that all are of the same frames.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from rsclib.errors import RscError
from rsclib.metrics import jitter, middle_frames, mpjpe, pa_mpjpe, spans
from rsclib.openbench.build import fetch
from rsclib.predictor import Predictor
from rsclib.resolution import PRESETS
from rsclib.scores import Key, Scores
from rsclib.skeleton import MIDHIP

Filter = Callable[[Tensor, Tensor], Tensor]  # joints (N, 14, 3) and sequence (N,) to joints
METRICS = ("mpjpe", "pa_mpjpe", "acceleration", "acceleration_error")
TRUTH = "truth"


def video_joints(
    predictor: Predictor, images: Tensor, sequence: Tensor, size: int, told: str = ""
) -> Tensor:
    """Joints (N, 14, 3), metres, of frames (N, 3, S, S) uint8 shrunk to ``size``, video after video."""
    parts = spans(sequence)
    shown = tqdm(parts, desc=told, leave=False) if told else parts
    return torch.cat([predictor.joints14(images[a:b], size) for a, b in shown])


def video_errors(joints: Tensor, truth: Tensor, sequence: Tensor) -> dict[str, np.ndarray]:
    """The four metrics (M,) of the M frames that have two neighbours: mm, and mm/frame².

    MPJPE is measured from the middle of the hips, as the released VIBE does.
    """
    kept = middle_frames(sequence)
    moved = jitter(joints, truth, sequence)
    return {
        "mpjpe": mpjpe(joints, truth, MIDHIP)[kept].numpy(),
        "pa_mpjpe": pa_mpjpe(joints, truth)[kept].numpy(),
        "acceleration": moved.acc.numpy(),
        "acceleration_error": moved.acc_err.numpy(),
    }


def joined_windows(joints: Tensor, truth: Tensor, sequence: Tensor) -> dict[str, float]:
    """ACC and ACC-ERR (means, mm/frame²) as the released VIBE measures them: over windows of all videos
    joined."""
    moved = jitter(joints, truth, sequence, vibe_compat=True)
    return {
        "acceleration, windows joined": float(moved.acc.mean()),
        "acceleration_error, windows joined": float(moved.acc_err.mean()),
    }


def score_videos(
    predictors: Mapping[str, Predictor],
    part: str = "test-video-wild",
    sizes: Sequence[int] = (32,),
    count: int | None = None,
    side: int = PRESETS["edu"].full,
    smooth: Mapping[str, Filter] | None = None,
) -> tuple[Scores, dict[Key, float]]:
    """Errors of every inner frame of a video part, by every predictor at every size.

    Args:
        count: only the first so many frames. smooth: of a predictor's joints, by its name.

    Returns:
        The errors, with the truth's own acceleration as the method "truth", and by the same keys the
        means of :func:`joined_windows`.

    Raises:
        RscError: the part is not one of videos.
    """
    data = fetch(part, count, side, keys=("images", "joints14", "sequence", "clip"))
    if "sequence" not in data:
        raise RscError(f"{part} has single pictures, no videos; choose a video part")
    truth = torch.from_numpy(data["joints14"])
    images = torch.from_numpy(data["images"]).permute(0, 3, 1, 2)
    sequence = torch.from_numpy(data["sequence"])
    errors: dict[Key, np.ndarray] = {}
    joined: dict[Key, float] = {}
    for name, predictor in predictors.items():
        for size in sizes:
            joints = video_joints(predictor, images, sequence, size, f"{name} on {part}")
            if smooth and name in smooth:
                joints = smooth[name](joints, sequence).float()
            for metric, values in video_errors(joints, truth, sequence).items():
                errors[name, size, metric] = values
            for metric, value in joined_windows(joints, truth, sequence).items():
                joined[name, size, metric] = value
    own = jitter(truth, truth, sequence)
    errors[TRUTH, side, "acceleration"] = own.acc.numpy()
    kept = middle_frames(sequence).numpy()
    return Scores(part, data["clip"][kept], errors), joined
