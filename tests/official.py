"""The released network's state dict, filled as the fixture was (no trained weights are public)."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import torch

FOLDER = Path(__file__).parent / "fixtures"
SEED = 7


def state_dict() -> dict[str, torch.Tensor]:
    """The 355 entries, random but the same everywhere."""
    entries = json.loads((FOLDER / "official_keys.json").read_text())
    out: dict[str, torch.Tensor] = {
        "init_pose": torch.tensor([1.0, 0, 0, 1, 0, 0]).repeat(24)[None],
        "init_shape": torch.zeros(1, 10),
        "init_cam": torch.tensor([[0.9, 0.0, 0.0]]),
    }
    for name, (shape, dtype) in entries.items():
        if name in out:
            continue
        if "float" not in dtype:
            out[name] = torch.zeros(shape, dtype=torch.long)
            continue
        rng = np.random.RandomState((zlib.crc32(name.encode()) + SEED) % 2**32)
        v = rng.standard_normal(shape).astype(np.float32)
        if name.endswith("running_var"):
            v = 0.5 + np.abs(v)
        elif "alphas" in name:
            v = 1 + 0.2 * v
        elif name.endswith(("running_mean", "bias")):
            v = 0.05 * v
        elif v.ndim == 1:
            v = 1 + 0.1 * v
        else:
            v = v * np.sqrt(1 / np.prod(shape[1:]))
        out[name] = torch.tensor(v, dtype=torch.float32)
    return out
