"""Places without anybody in them, to stand behind a rendered person while a texture is learnt."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from rsclib.openbench import scenes
from rsclib.openbench.poses import sample_cameras

_SPREAD = (0.45, 0.9)  # half the width of what a camera sees, as a tangent


def backdrops(count: int, height: int, seed: int) -> Tensor:
    """Views of the training panoramas (count, 3, H, H/2) uint8; a function of the seed."""
    rng = np.random.default_rng([seed, 15485863])
    names = scenes.training_panoramas()
    middle = slice(height // 4, height // 4 + height // 2)
    floor = np.array([0, 1, 4], np.float32)  # nothing stands on it
    out = np.empty((count, height, height // 2, 3), np.uint8)
    for i, rotation in enumerate(sample_cameras(rng, count)):
        view = scenes.View(rotation, height, np.zeros(2, np.float32), floor, rng.uniform(*_SPREAD))
        place = scenes.panorama_place(rng, view, names).image[:, middle]
        if rng.random() < 0.5:
            place = place[:, ::-1]  # RSTG flips its backgrounds too
        out[i] = np.clip(place * 255 + 0.5, 0, 255).astype(np.uint8)
    return torch.from_numpy(out).permute(0, 3, 1, 2).contiguous()
