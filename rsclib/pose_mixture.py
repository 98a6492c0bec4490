"""How likely a pose is: SMPLify's Gaussian mixture over axis-angle poses, for fitting (SPIN's prior).

Eight Gaussians over the 69 numbers of a body pose (23 joints, no global orientation). The shipped
mixture was fitted on the open benchmark's training poses; SMPLify's own, ``gmm_08.pkl``, was fitted
on other people's motion capture and is read where it is given.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rsclib.errors import RscError
from rsclib.files.npz import is_file, read_npz
from rsclib.files.pickles import load_smpl_pickle
from rsclib.files.shipped import ASSETS, check_shipped

POSE = 69  # numbers of a body pose
SHIPPED = ASSETS / "pose_mixture.npz"
_MOST = 1000  # components


class PoseMixture(nn.Module):
    """A mixture of K Gaussians over body poses (make one with :func:`load_mixture`).

    Attributes: ``name`` of the file it comes from; ``means`` (K, 69) and ``mean`` (69,), the
    mixture's, axis-angle in radians; buffers only, nothing in ``state_dict``.
    """

    means: Tensor
    mean: Tensor
    whiten: Tensor
    offsets: Tensor

    def __init__(self, means: Any, covars: Any, weights: Any, name: str = "given") -> None:
        """Take checked arrays (K, 69), (K, 69, 69) and (K,).

        Raises:
            RscError: a covariance is not positive definite.
        """
        super().__init__()
        self.name = name
        mu, sigma, w = (torch.as_tensor(np.asarray(a)).double() for a in (means, covars, weights))
        factor, failed = torch.linalg.cholesky_ex(sigma)
        if bool(failed.any()):
            raise RscError("a covariance of the pose mixture is not positive definite")
        # With Sigma = F F^T: d^T Sigma^-1 d = |F^-1 d|^2, and sqrt(det Sigma) = prod diag F.
        whiten = torch.linalg.inv(factor)
        half_logdet = factor.diagonal(dim1=1, dim2=2).log().sum(1)
        relative = half_logdet - half_logdet.min()  # log r_k
        log_n = w.log() - 0.5 * POSE * math.log(2 * math.pi) - relative
        for key, value in (
            ("means", mu), ("mean", w @ mu), ("whiten", whiten), ("offsets", -log_n),
        ):  # fmt: skip
            self.register_buffer(key, value.float(), persistent=False)

    def forward(self, pose: Tensor) -> Tensor:
        """min_k (0.5 d_k^T Sigma_k^-1 d_k - log n_k) of poses (B, 69), axis-angle: (B,).

        d_k is the pose from the mean of component k, n_k = w_k / ((2 pi)^34.5 r_k) and r_k the
        square root of det Sigma_k over the smallest of all k: the negative log likelihood of the
        nearest component, up to one constant.
        """
        off = pose[:, None] - self.means
        distance = torch.einsum("kij,bkj->bki", self.whiten, off).square().sum(-1)
        return (0.5 * distance + self.offsets).amin(1)


def load_mixture(path: str | os.PathLike[str] | None = None) -> PoseMixture:
    """The shipped mixture, or one from an npz or (SMPLify's) pickle with means, covars and weights.

    Raises:
        RscError: missing, damaged or not such a mixture; nothing of a pickle is run.
    """
    if path is None:
        check_shipped(SHIPPED.name)
    file = SHIPPED if path is None else Path(path)
    if not is_file(file):
        raise RscError(f"there is no pose mixture at {file}; check the path")
    if file.suffix == ".pkl":
        arrays: Mapping[str, Any] = load_smpl_pickle(file, "a pose mixture")
    else:
        arrays = read_npz(file, ("means", "covars", "weights"))
    try:
        means, covars, weights = _checked(arrays)
        return PoseMixture(means, covars, weights, file.name)
    except (RscError, ValueError) as error:
        raise RscError(f"{file} is not a pose mixture: {error}") from error


def _checked(arrays: Mapping[str, Any]) -> list[np.ndarray]:
    """means, covars and weights as finite floats of fitting shapes."""
    found = []
    for name in ("means", "covars", "weights"):
        value = arrays.get(name)
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            raise ValueError(f"it has no numbers called {name}")
        found.append(value)
    k = found[2].size
    for name, value, shape in zip(
        ("means", "covars", "weights"), found, ((k, POSE), (k, POSE, POSE), (k,)), strict=True
    ):
        if not 1 <= k <= _MOST or value.shape != shape:
            raise ValueError(f"{name} has the shape {value.shape} instead of {shape}")
        if not np.isfinite(value).all():
            raise ValueError(f"{name} holds a number that is not finite")
    means, covars, weights = found
    if not np.allclose(covars, covars.swapaxes(1, 2), rtol=1e-4, atol=1e-6):
        raise ValueError("a covariance is not symmetric")
    if (weights <= 0).any() or abs(weights.sum() - 1) > 1e-3:
        raise ValueError("its weights are not positive numbers that sum to 1")
    return [means, covars, weights]
