"""Batch normalisation with statistics of each resolution range's own.

Blurred images have other statistics than sharp ones. The released code runs each scale through the
network by itself, so training normalises by range, but its evaluation uses one running mean over
all of them. Here "per_range" keeps one running mean and variance a range (scale and shift are
shared); "shared" is the plain layer, and the released network's.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rsclib.runs.distributed import ranks, sum_with_gradient

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
        self.sync = False
        self.frozen = False
        if sets > 1:
            self.running_mean = torch.zeros(sets, channels)
            self.running_var = torch.ones(sets, channels)

    def forward(self, x: Tensor, groups: Groups = None) -> Tensor:  # type: ignore[override]
        """x (B, C, h, w) to the same shape; ``groups`` of :func:`grouped` with several sets."""
        fresh = self.training and not self.frozen
        synced = fresh and self.sync and ranks()[1] > 1
        if self.sets == 1 or groups is None:
            if synced:
                self.num_batches_tracked += 1  # type: ignore[operator,assignment]
                return self._synced(x, self.running_mean, self.running_var)
            return super().forward(x)  # (one set is never frozen)
        index, runs = groups
        if not fresh:
            # Each sample's own affine map (B, C, 1, 1): one pass, whatever the mixture.
            scale = self.weight * (self.running_var[index] + self.eps).rsqrt()
            shift = self.bias - self.running_mean[index] * scale
            scale, shift = (v.to(x.dtype)[..., None, None] for v in (scale, shift))
            return torch.addcmul(shift, x, scale)
        parts = []
        for part, (row, _) in zip(x.split([n for _, n in runs]), runs, strict=True):
            mean, var = self.running_mean[row], self.running_var[row]
            parts.append(
                self._synced(part, mean, var)
                if synced
                else F.batch_norm(
                    part, mean, var, self.weight, self.bias, True, self.momentum or 0.0, self.eps
                )
            )
        return torch.cat(parts)

    def _synced(self, x: Tensor, running_mean: Tensor, running_var: Tensor) -> Tensor:
        """Batch normalisation of training by the statistics of all processes' samples."""
        values, axes = x.float(), (0, 2, 3)
        n = ranks()[1] * values[:, 0].numel()  # every process has as many samples
        mean = sum_with_gradient(values.sum(axes)) / n
        off = values - mean[:, None, None]
        var = sum_with_gradient(off.square().sum(axes)) / n
        with torch.no_grad():
            momentum = self.momentum or 0.0
            running_mean.lerp_(mean, momentum)
            running_var.lerp_(var * (n / (n - 1)), momentum)
        scale = self.weight * (var + self.eps).rsqrt()
        return (off * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    def copy_row(self, source: int, target: int) -> None:
        """Give range ``target`` the statistics of range ``source``; nothing to do with one set."""
        if self.sets > 1:
            self.running_mean[target] = self.running_mean[source]
            self.running_var[target] = self.running_var[source]


@torch.no_grad()
def measure(net: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Set each range's statistics to their mean over ``batches`` and freeze the layers.

    Args:
        net: with ``norm: per_range``; called as ``net(images, range_index)``.
        batches: of every range enough images that a batch's own statistics are good ones.
    """
    norms = [m for m in net.modules() if isinstance(m, RangeNorm)]
    momenta, training = [m.momentum for m in norms], net.training
    net.train()
    for k, (images, range_index) in enumerate(batches):
        for module in norms:
            module.momentum = 1 / (k + 1)  # a plain mean; the first batch replaces what was there
        net(images, range_index)
    for module, momentum in zip(norms, momenta, strict=True):
        module.momentum = momentum
        freeze(module)
    net.train(training)


def freeze(module: nn.Module) -> None:
    """Keep statistics, scale and shift of every layer in ``module`` as they are."""
    for norm in module.modules():
        if isinstance(norm, RangeNorm):
            norm.frozen = True
            norm.requires_grad_(False)


@torch.no_grad()
def soften(net: nn.Module, share: float) -> None:
    """Move each range's statistics by ``share`` (0 to 1) towards those of its larger neighbour.

    They are measured on training images alone, so other images may want a smaller step from range to
    range. Nothing to do with one set.
    """
    for norm in net.modules():
        if isinstance(norm, RangeNorm) and norm.sets > 1:
            for values in (norm.running_mean, norm.running_var):
                values[1:] = values[1:].lerp(values[:-1], share)
