"""The ReID loss, Eq. 13: as the paper prints it, and as the code that the paper follows has it.

| | paper | released code of [57] | here |
|---|---|---|---|
| feature | "f_Re", of one network | flattened layers 1 to 4, each of length 1 | :func:`printed`, :func:`released` |
| distance | L2 norm, not squared | mean squared error, summed over layers | as named |
| weight | not given | 5000 | of the caller's recipe |
| tables | "rescaled", factor not given | | raw, cosine and :data:`FACTOR` side by side |

A layer of d numbers of length 1 has MSE = (2 - 2 cos) / d, so raw values of the released form are
tiny: 1e-6 for PCB at 384 x 128. They depend on d, hence on the network: compare values of one network
only, and read the cosine across networks.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from rsclib.errors import RscError
from rsclib.reid import LAYERS, Features

# Of "rescaled": the paper does not give its factor. With PCB's layers this one puts a mean cosine of
# 0.73 at the 60 that Table 4 prints. A convention of this project, not a fact of the paper.
FACTOR = 1e7


class ReIDMeasure(NamedTuple):
    """Of a batch, all (B,): ``raw`` the released form; ``cosine`` the mean over four layers; ``printed``
    Eq. 13 as printed; ``rescaled`` = raw times the factor."""

    raw: Tensor
    cosine: Tensor
    printed: Tensor
    rescaled: Tensor


def printed(rendered: Features, target: Features) -> Tensor:
    """Eq. 13 as the paper prints it, (B,).

    ``|| f_Re(R(M(x_H), delta(x_H), T(x_L))) - f_Re(x_H) ||_2`` with f_Re the network's embedding.

    Args:
        rendered, target: ``features`` of the rendered person and of the photograph x_H.
    """
    _check(rendered, target)
    difference = rendered["embedding"] - target["embedding"]
    # Its gradient at 0 is not defined: an equal pair has none here.
    square = difference.square().sum(1)
    safe = torch.where(square > 0, square, torch.ones_like(square))
    return torch.where(square > 0, safe.sqrt(), torch.zeros_like(square))  # Eq. 13


def released(rendered: Features, target: Features) -> Tensor:
    """Eq. 13 as the released code of [57] has it, (B,): the sum over four layers of the mean squared
    error of flattened maps of length 1. Arguments as :func:`printed`."""
    _check(rendered, target)
    total = torch.zeros(())
    for name in LAYERS:
        a = normalize(rendered[name].flatten(1), dim=1)
        b = normalize(target[name].flatten(1), dim=1)
        total = total.to(a.device) + (a - b).square().mean(1)  # Eq. 13, a layer of it
    return total


def measure(rendered: Features, target: Features, factor: float = FACTOR) -> ReIDMeasure:
    """All forms side by side, for tables. Arguments as :func:`printed`."""
    raw = released(rendered, target)
    cosines = [cosine_similarity(rendered[k].flatten(1), target[k].flatten(1)) for k in LAYERS]
    return ReIDMeasure(raw, torch.stack(cosines).mean(0), printed(rendered, target), raw * factor)


def _check(rendered: Features, target: Features) -> None:
    for name in (*LAYERS, "embedding"):
        if rendered[name].shape != target[name].shape:
            raise RscError(
                f"the ReID loss compares pictures one by one, but {name} is "
                f"{tuple(rendered[name].shape)} and {tuple(target[name].shape)}"
            )
