"""The 12 joints of arms and legs: for tools that name them, and neither neck nor head as ours have them.

Such a tool (BlazePose, and most detectors of keypoints) is scored on these, from the middle of the hips,
and whatever it is compared with is, too. Millimetres on 12 joints are not those on 14.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from rsclib.errors import RscError
from rsclib.metrics import centre
from rsclib.people import Trial
from rsclib.skeleton import J14_NAMES, MIDHIP

LIMBS = J14_NAMES[:12]  # both have the hips in the rows MIDHIP


class _Of14(Protocol):
    def joints14(self, images: Tensor, size: int) -> Tensor: ...


class OnLimbs:
    """A predictor of 14 joints on the 12, from the middle of the hips."""

    def __init__(self, predictor: _Of14) -> None:
        self.predictor = predictor

    def joints12(self, images: Tensor, size: int) -> Tensor:
        """:data:`LIMBS` (B, 12, 3), metres."""
        return on_limbs(self.predictor.joints14(images, size))


def on_limbs(joints14: Tensor) -> Tensor:
    """:data:`LIMBS` (B, 12, 3) of the 14 evaluation joints (B, 14, 3), from the middle of the hips."""
    return centre(joints14[..., : len(LIMBS), :], MIDHIP)


def trial_on_limbs(trial: Trial) -> Trial:
    """The same pictures with the truth of :data:`LIMBS` alone.

    Raises:
        RscError: its truth is of other joints than the 14.
    """
    if trial.truth.shape[1] != len(J14_NAMES):
        raise RscError(
            f"{trial.name} is scored on {trial.truth.shape[1]} joints here, which have no 12 limbs in "
            "common with others; choose protocol vibe"
        )
    return trial._replace(truth=on_limbs(trial.truth), root=MIDHIP)
