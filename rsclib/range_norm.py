"""Batch normalisation with statistics of each resolution range's own.

Blurred images have other statistics than sharp ones. The released code runs each scale through the
network by itself, so training normalises by range, but its evaluation uses one running mean over
all of them. Here "per_range" keeps one running mean and variance a range (scale and shift are
shared); "shared" is the plain layer, and the released network's.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# range_index (B,) and its runs, (row, samples) in order: a batch that is ordered by range has one
# run a range, and views of it need no copy.
Groups = tuple[Tensor, list[tuple[int, int]]] | None


def grouped(range_index: Tensor) -> Groups:
    """The runs of a batch that is ordered by range."""
    rows, counts = range_index.unique_consecutive(return_counts=True)
    return range_index, list(zip(rows.tolist(), counts.tolist(), strict=True))


class RangeNorm(nn.BatchNorm2d):
    """``nn.BatchNorm2d`` with ``sets`` running statistics: buffers (sets, C), or (C,) for one."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, sets: int = 1) -> None:
        super().__init__(channels)
        self.sets = sets
        if sets > 1:
            self.running_mean = torch.zeros(sets, channels)
            self.running_var = torch.ones(sets, channels)

    def forward(self, x: Tensor, groups: Groups = None) -> Tensor:  # type: ignore[override]
        """x (B, C, h, w) to the same shape; ``groups`` of :func:`grouped` with several sets."""
        if self.sets == 1 or groups is None:
            return super().forward(x)
        index, runs = groups
        if not self.training:
            # Each sample's own affine map (B, C, 1, 1): one pass, whatever the mixture.
            scale = self.weight * (self.running_var[index] + self.eps).rsqrt()
            shift = self.bias - self.running_mean[index] * scale
            scale, shift = (v.to(x.dtype)[..., None, None] for v in (scale, shift))
            return torch.addcmul(shift, x, scale)
        parts = [
            F.batch_norm(
                part, self.running_mean[row], self.running_var[row], self.weight, self.bias,
                True, self.momentum or 0.0, self.eps,
            )
            for part, (row, _) in zip(x.split([n for _, n in runs]), runs, strict=True)
        ]  # fmt: skip
        return torch.cat(parts)

    def copy_row(self, source: int, target: int) -> None:
        """Give range ``target`` the statistics of range ``source``; nothing to do with one set."""
        if self.sets > 1:
            self.running_mean[target] = self.running_mean[source]
            self.running_var[target] = self.running_var[source]
