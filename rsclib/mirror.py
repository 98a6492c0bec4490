"""A picture and its mirror image as two looks at one person: bring the second answer back, and average.

Whoever mirrors a picture exchanges left and right, so the second look costs no truth. Whether the mean
is nearer to the truth is measured by ``benchmarks/mirror.py``.
"""

from __future__ import annotations

import roma
import torch
from torch import Tensor

from rsclib.network import Prediction
from rsclib.skeleton import SMPL_MIRROR

_REFLECT = (-1.0, 1.0, 1.0)  # left and right of body and camera frame


def mirrored_back(prediction: Prediction) -> Prediction:
    """What is said of mirrored pictures, as an answer to the pictures themselves.

    Left and right joints exchange their rotations R, each of which becomes M R M with the reflection
    M = diag(-1, 1, 1); the camera's tx changes its sign. Features and shape stay as they are: SMPL's
    betas know no sides.
    """
    reflect = torch.diag(prediction.rotmats.new_tensor(_REFLECT))
    rotmats = reflect @ prediction.rotmats[:, list(SMPL_MIRROR)] @ reflect
    cam = prediction.cam * prediction.cam.new_tensor([1.0, -1.0, 1.0])
    return prediction._replace(rotmats=rotmats, cam=cam)


def mean_rotation(first: Tensor, second: Tensor) -> Tensor:
    """The rotation half-way between two (..., 3, 3): the one nearest to both in the Frobenius norm.

    Of two that are half a turn apart there is none half-way; a rotation comes out nevertheless.
    """
    return roma.special_procrustes(first + second)


def mean_of_two_looks(straight: Prediction, mirrored: Prediction) -> Prediction:
    """The mean of what is said of pictures and, not yet brought back, of their mirror images.

    Rotations are averaged as rotations, shape and camera as numbers; features are those of the
    pictures themselves.
    """
    back = mirrored_back(mirrored)
    return straight._replace(
        rotmats=mean_rotation(straight.rotmats, back.rotmats),
        betas=(straight.betas + back.betas) / 2,
        cam=(straight.cam + back.cam) / 2,
    )
