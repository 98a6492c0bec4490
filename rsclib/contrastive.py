"""The contrastive loss g of Eq. 12, and Q, the features of images seen lately that it pushes away."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rsclib.errors import RscError


def nce(anchor: Tensor, positive: Tensor, negatives: Tensor, keep: Tensor, tau: float) -> Tensor:
    """g of Eq. 12 for all anchors with one matrix product; values (..., B).

    Args:
        anchor: phi_j (B, D), has the gradient. positive: phi-bar_i (..., B, D): an anchor's
            negatives are compared once, however many positives it has. negatives: Q (N, D).
        keep: (B, N), False where a negative is of the anchor's own image.
    """
    anchor, positive = F.normalize(anchor, dim=-1), F.normalize(positive, dim=-1)
    same = (anchor * positive).sum(-1) / tau  # s(phi_i, phi_j) / tau
    # Dividing products by the norms costs less than normalising the whole of Q.
    others = anchor @ negatives.T / (tau * negatives.norm(dim=1).clamp(min=1e-12))
    rest = others.masked_fill(~keep, -torch.inf).logsumexp(1)
    return F.softplus(rest - same)  # -log(e^same / (e^same + e^rest))  Eq. 12


class FeatureQueue(nn.Module):
    """First-in first-out store of features with the identity of the image each came from.

    The contents are buffers, so a checkpoint carries them (the released code loses its queue when
    it resumes). Features are those after the MLP, not normalised, of all resolutions.
    """

    features: Tensor
    ids: Tensor
    next: Tensor
    filled: Tensor

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        if size < 1 or dim < 1:
            raise RscError(f"a queue needs a size and a dimension of at least 1: {size}, {dim}")
        self.register_buffer("features", torch.zeros(size, dim))
        self.register_buffer("ids", torch.full((size,), -1, dtype=torch.long))
        self.register_buffer("next", torch.zeros((), dtype=torch.long))
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))

    def __len__(self) -> int:
        return int(self.filled)

    @torch.no_grad()
    def enqueue(self, features: Tensor, ids: Tensor) -> None:
        """Add (N, D) features of images ``ids`` (N,); the oldest leave when it is full."""
        size = len(self.ids)
        features, ids = features.detach()[-size:], ids[-size:]
        place = (int(self.next) + torch.arange(len(ids), device=self.ids.device)) % size
        self.features[place] = features.to(self.features)
        self.ids[place] = ids.to(self.ids)
        self.next.fill_((int(self.next) + len(ids)) % size)
        self.filled.fill_(min(size, int(self.filled) + len(ids)))

    def negatives(self, ids: Tensor, most: int = 0) -> tuple[Tensor, Tensor]:
        """Features (N, D) and keep (B, N): False where a feature is of the same image as the row,
        since phi_i and phi_j are not in Q (Eq. 12).

        Args:
            most: how many to keep for each row, drawn at random; 0: all.
        """
        n = len(self)
        keep = self.ids[None, :n] != ids[:, None]
        if 0 < most < n:
            drawn = torch.rand(keep.shape, device=keep.device).masked_fill(~keep, -1).topk(most, 1)
            keep = keep & torch.zeros_like(keep).scatter(1, drawn.indices, True)
        return self.features[:n], keep
