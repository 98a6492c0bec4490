"""Several looks at one person: squares that are a little off, each mirrored too, and the mean of the answers.

A guess that moves when the square does (benchmarks/jitter.py) can be asked in several squares at once, which
costs no truth and no training. What the mean is worth is measured there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import roma
import torch
from numpy.typing import NDArray

from rsclib.crops import cut
from rsclib.files.photos import Pixels
from rsclib.mirror import mirrored_back
from rsclib.network import Prediction
from rsclib.predictor import NetPredictor

# Size of the square, and how far its centre is to the right and down, in the given square's half sides.
SQUARES = ((1.0, 0.0, 0.0), (0.9, 0.1, 0.1), (0.9, -0.1, -0.1), (1.1, 0.1, -0.1), (1.1, -0.1, 0.1))
Looks = Literal[
    1, 2, 10
]  # the picture; and its mirror image; five squares, each of them mirrored too
USUAL: Looks = 10
_SMALLEST = 0.05  # scale of a camera


class Looked(NamedTuple):
    """``taken`` the answer; ``straight`` and ``mirrored`` those to the given square and, not brought
    back, to its mirror image, whose distance tells how sure they are."""

    taken: Prediction
    straight: Prediction
    mirrored: Prediction


def squares_about(square: Sequence[float]) -> NDArray[np.float64]:
    """Left, top and side (5, 3) of :data:`SQUARES` about a square, itself first, pixels."""
    left, top, side = square
    middle = np.array([left, top]) + side / 2
    out = []
    for factor, right, down in SQUARES:
        corner = middle + np.array([right, down]) * side / 2 - factor * side / 2
        out.append([*corner, factor * side])
    return np.array(out)


def from_squares(prediction: Prediction) -> Prediction:
    """Answers to :data:`SQUARES` (5, ...) as answers to the first: a point that is at x of a square is
    at f x + c of the first, so the camera's scale becomes f s and its place t + c / (f s)."""
    factor, *shift = prediction.cam.new_tensor(SQUARES).T
    scale = factor * prediction.cam[:, 0]
    # A person who is next to nothing in the square has no place there: she stays where she was said to be.
    seen = scale.clamp(min=_SMALLEST)
    moved = [prediction.cam[:, 1 + k] + shift[k] / seen for k in range(2)]
    return prediction._replace(cam=torch.stack([scale, *moved], 1))


def mean_of_looks(looks: Sequence[Prediction]) -> Prediction:
    """The mean (B, ...) of several answers (B, ...) to the same questions: rotations averaged as rotations,
    shape and camera as numbers; features are the first's."""
    rotmats, betas, cam = (
        torch.stack([getattr(look, name) for look in looks]) for name in ("rotmats", "betas", "cam")
    )
    return looks[0]._replace(
        rotmats=roma.special_procrustes(rotmats.sum(0)), betas=betas.mean(0), cam=cam.mean(0)
    )


def look_at(
    pixels: Pixels, square: Sequence[float], first: Pixels, native: int, predictor: NetPredictor,
    looks: Looks = USUAL,
) -> Looked:  # fmt: skip
    """Ask what body is in a square of a picture.

    Args:
        pixels: (H, W, 3). square: left, top, side, pixels. first: (S, S, 3) what was cut out there, S
            the predictor's. native: pixels a side, which pick the row of alpha for all looks.
    """
    views = [first]
    if looks == 10:
        views += [cut(pixels, place.tolist(), len(first)) for place in squares_about(square)[1:]]
    images = torch.from_numpy(np.stack(views)).permute(0, 3, 1, 2)
    with torch.inference_mode():
        said = predictor(torch.cat([images, images.flip(3)]), native)
        straight, mirrored = (_rows(said, k, len(views)) for k in (0, 1))
        return Looked(
            _taken(straight, mirrored, looks), _rows(straight, 0, 1), _rows(mirrored, 0, 1)
        )


def _rows(prediction: Prediction, number: int, count: int) -> Prediction:
    """The ``number``-th ``count`` answers."""
    return Prediction(*(v[number * count : (number + 1) * count] for v in prediction))


def _taken(straight: Prediction, mirrored: Prediction, looks: Looks) -> Prediction:
    if looks == 1:
        return straight
    back = mirrored_back(mirrored)
    if looks == 10:
        straight, back = from_squares(straight), from_squares(back)
    return mean_of_looks([_rows(p, k, 1) for p in (straight, back) for k in range(len(p.cam))])
