"""Signs that a prediction is of no use: what is wrong with the picture, the box or the pose.

The network answers whatever it is shown. These checks need no truth and give the sentences of
warnings; how often they are right is measured by ``benchmarks/unsure.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rsclib.files.photos import Pixels
from rsclib.metrics import mpjpe
from rsclib.skeleton import J14_MIRROR

SMALLEST_SPAN = 0.65  # of the crop; about 99 % of the predictions on val-wild span more
MOST_OUTSIDE = 0.25  # of the 24 joints; fewer in 99 % of the predictions on val-wild
_DARK = 16  # of 255: 4095 of 65535
_FLAT = 10  # levels of 255
_CLEAR = 0.05


def disagreement(joints: Tensor, of_mirrored: Tensor) -> Tensor:
    """How far the predictions of a picture and of its mirror image are apart.

    A network that sees the person gives the mirrored pose for the mirrored picture.

    Args:
        joints: evaluation joints (B, 14, 3) from the pelvis, metres, camera frame.
        of_mirrored: the same of the pictures turned left to right.

    Returns:
        Mean distance of the joints after mirroring back, (B,) mm.
    """
    back = of_mirrored[:, list(J14_MIRROR)] * of_mirrored.new_tensor([-1.0, 1.0, 1.0])
    return mpjpe(joints, back, root=None)


def extent(points: Tensor) -> tuple[Tensor, Tensor]:
    """How much of the crop projected joints (B, J, 2) in [-1, 1] span, along the longer side, and
    which share of them lies outside: two (B,)."""
    span = (points.amax(1) - points.amin(1)).amax(1) / 2
    return span, (points.abs() > 1).any(-1).double().mean(1)


def picture_doubts(
    cut: Pixels, alpha: NDArray[np.uint8] | None = None, box: Sequence[float] | None = None
) -> list[str]:
    """What is wrong with a crop (S, S, 3); at most one sentence, that of the likeliest cause.

    Args:
        alpha: opacity (H, W) of the picture it was cut from; None: it was opaque.
        box: x y width height of the crop in that picture.
    """
    low, high = np.percentile(cut, (1, 99), axis=(0, 1))  # of each channel; a few pixels may stray
    if alpha is not None:
        x, y, w, h = (int(v) for v in box or (0, 0, alpha.shape[1], alpha.shape[0]))
        clear = 1 - float(alpha[y : y + max(h, 1), x : x + max(w, 1)].mean()) / 255
        if clear > 1 - _CLEAR:
            return [f"{clear:.0%} of what the network sees is transparent; save it without alpha"]
    if 0 < high.max() <= _DARK:
        return [
            f"the picture is nearly black: its levels reach {high.max():.0f} of 255; make it brighter"
            " (12-bit levels in a 16-bit file: multiply them by 16)"
        ]
    if (high - low).max() < _FLAT:
        return ["the picture has no contrast, so there is nothing to see; check the image and box"]
    return []


def body_doubts(points: Tensor) -> list[str]:
    """What is wrong with where the body is, from the projected joints (1, J, 2) of one crop."""
    span, outside = (float(value[0]) for value in extent(points))
    if outside > MOST_OUTSIDE:
        return [f"{outside:.0%} of the body lies outside the box; give a --box around the person"]
    if span < SMALLEST_SPAN:
        return [
            f"the person seems to fill only {span:.0%} of the box or less; give a tighter --box"
        ]
    return []
