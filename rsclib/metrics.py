"""The errors of the tables: joints in, millimetres out.

Joints come in metres, ``(B, J, 3)``, in any frame that prediction and truth share. Every function
works on a whole batch and gives one number per sample, because the confidence intervals resample
clips (:mod:`rsclib.statistics`); averaging is left to the caller. All arithmetic is in float64.

MPJPE is measured after moving both roots to the origin. Two conventions are in use for the 14
evaluation joints: the middle of the hips (VIBE), ``root=MIDHIP`` here, and the pelvis of the H36M
regressor (SPIN), which is not one of the 14: subtract it first and give ``root=None``.
Source: paper, Section 4.1; the acceleration errors are those of Table 3 (Section 4.3), and lesson 19
says what they see and what they do not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import roma
import torch
from torch import Tensor

from rsclib.errors import RscError
from rsclib.skeleton import J14_NAMES, MIDHIP

MM_PER_M = 1000.0
WINDOW = 16  # frames at a time, of VIBE's and the paper's video network (Section 3.5)
# Joints of one person are within 3 m of each other; a body in millimetres spans hundreds.
_LARGEST_BODY_M = 20.0


def centre(joints: Tensor, root: Sequence[int] = MIDHIP) -> Tensor:
    """Joints ``(B, J, 3)`` with the mean of the ``root`` rows moved to the origin."""
    return joints - joints[..., list(root), :].mean(dim=-2, keepdim=True)


def mpjpe(pred: Tensor, gt: Tensor, root: Sequence[int] | None = None) -> Tensor:
    """Mean per-joint position error of each sample.

    Args:
        pred: joints ``(B, J, 3)``, m.
        gt: the truth, same shape, frame and unit.
        root: rows whose mean is moved to the origin first (``MIDHIP`` for the 14 evaluation
            joints); None when the caller has centred them.

    Returns:
        ``(B,)``, mm, float64.

    Raises:
        RscError: shapes differ, a value is not finite, or the joints are not in metres.
    """
    pred, gt = _checked_pair(pred, gt)
    if root is not None:
        pred, gt = centre(pred, root), centre(gt, root)
    return (pred - gt).norm(dim=-1).mean(dim=-1) * MM_PER_M


def procrustes_align(pred: Tensor, gt: Tensor) -> Tensor:
    """Move ``pred`` onto ``gt`` by the best rotation, scale and shift of each sample.

    The rotation is a proper one: a mirrored body is not forgiven. Where the joints of ``pred``
    all coincide there is nothing to scale, and the centre of ``gt`` is returned.

    Args:
        pred: joints ``(B, J, 3)``, m.
        gt: the truth, same shape and unit.

    Returns:
        The aligned ``pred``, ``(B, J, 3)``, m, float64.

    Raises:
        RscError: as :func:`mpjpe`.
    """
    pred, gt = _checked_pair(pred, gt)
    gt_centre = gt.mean(dim=-2, keepdim=True)
    # Centred here already, so that the shift that roma returns is zero up to rounding.
    pred = pred - pred.mean(dim=-2, keepdim=True)
    rotation, _, scale = roma.rigid_points_registration(pred, gt - gt_centre, compute_scaling=True)
    scale = torch.nan_to_num(scale, nan=0.0, posinf=0.0, neginf=0.0)
    return scale[..., None, None] * pred @ rotation.mT + gt_centre


def pa_mpjpe(pred: Tensor, gt: Tensor) -> Tensor:
    """MPJPE of each sample after Procrustes alignment (the paper's MPJPE-PA).

    Args:
        pred: joints ``(B, J, 3)``, m; their root does not matter.
        gt: the truth, same shape and unit.

    Returns:
        ``(B,)``, mm, float64.

    Raises:
        RscError: as :func:`mpjpe`.
    """
    aligned = procrustes_align(pred, gt)
    return (aligned - gt.to(aligned)).norm(dim=-1).mean(dim=-1) * MM_PER_M


def acceleration(
    joints: Tensor, sequence: Tensor | None = None, root: Sequence[int] | None = None
) -> Tensor:
    """Mean length of the joints' second difference (ACC of Table 3).

    Args:
        joints: ``(N, J, 3)``, m, in time order.
        sequence: ``(N,)`` number of the sequence each frame belongs to; no difference is taken
            across two sequences. None treats all frames as one sequence.
        root: as in :func:`mpjpe`; None when the caller has centred the joints.

    Returns:
        ``(M,)``, mm/frame², one per three consecutive frames of a sequence (:func:`middle_frames`
        says which, :func:`per_second` makes mm/s² of it).

    Raises:
        RscError: no sequence has three frames, a value is not finite, or not in metres.
    """
    joints = _checked(joints, "joints")
    second = _second_difference(joints if root is None else centre(joints, root), sequence)
    return second.norm(dim=-1).mean(-1) * MM_PER_M


def acceleration_error(
    pred: Tensor, gt: Tensor, sequence: Tensor | None = None, root: Sequence[int] | None = None
) -> Tensor:
    """Mean length of the difference of the two accelerations (ACC-ERR of Table 3).

    Arguments, result, unit and errors as :func:`acceleration`; ``pred`` and ``gt`` have one shape.
    """
    pred, gt = _checked_pair(pred, gt)
    if root is not None:
        pred, gt = centre(pred, root), centre(gt, root)
    difference = _second_difference(pred, sequence) - _second_difference(gt, sequence)
    return difference.norm(dim=-1).mean(dim=-1) * MM_PER_M


class Jitter(NamedTuple):
    """How a film of joints moves, a value per three consecutive frames.

    Attributes:
        acc: (M,) mm/frame², ACC of Table 3; of the prediction alone, it needs no truth.
        acc_err: (M,) mm/frame², ACC-ERR.
        frame: (M,) the middle one of the three frames, as a row of what was given; its clip is the
            one that :mod:`rsclib.statistics` draws.
    """

    acc: Tensor
    acc_err: Tensor
    frame: Tensor


def jitter(pred: Tensor, gt: Tensor, sequence: Tensor, vibe_compat: bool = False) -> Jitter:
    """ACC and ACC-ERR of Table 3, on the 14 evaluation joints, the middle of the hips at the origin.

    Args:
        pred, gt: ``(N, 14, 3)``, m, in time order, sequence after sequence.
        sequence: ``(N,)`` number of the sequence each frame belongs to.
        vibe_compat: as the released VIBE scores. It cuts every video into whole windows of 16 frames,
            drops what is left over, joins the windows of *all* videos and takes the differences last,
            so that the jump from the end of one video to the start of the next counts as motion.

    Raises:
        RscError: as :func:`acceleration`; other joints; with ``vibe_compat`` no whole window.
    """
    pred, gt = _checked_pair(pred, gt)
    if pred.shape[1] != len(J14_NAMES):
        raise RscError(f"expected the {len(J14_NAMES)} evaluation joints, got {pred.shape[1]}")
    sequence = _numbers(sequence, len(pred))
    if not vibe_compat:
        acc = acceleration(pred, sequence, MIDHIP)
        return Jitter(acc, acceleration_error(pred, gt, sequence, MIDHIP), middle_frames(sequence))
    kept = whole_windows(sequence)
    pred, gt = pred[kept], gt[kept]
    error = acceleration_error(pred, gt, root=MIDHIP)
    return Jitter(acceleration(pred, root=MIDHIP), error, kept[1:-1])


def per_second(values: Tensor, fps: float) -> Tensor:
    """Accelerations in mm/frame² as mm/s²: a second has ``fps`` frames, so times fps².

    Raises:
        RscError: ``fps`` is not above zero.
    """
    if not (math.isfinite(fps) and fps > 0):
        raise RscError(f"frames per second must be above zero, not {fps}")
    return values * fps**2


def spans(sequence: Tensor) -> list[tuple[int, int]]:
    """First row and row after the last of each stretch of equal numbers in ``sequence`` (N,)."""
    changes = (1 + (sequence[1:] != sequence[:-1]).nonzero().flatten()).tolist()
    ends = [*changes, len(sequence)]
    return list(zip([0, *changes], ends, strict=True)) if len(sequence) else []


def middle_frames(sequence: Tensor) -> Tensor:
    """The row ``(M,)`` of the middle frame of each value of :func:`acceleration`."""
    return _inside(sequence).nonzero().flatten() + 1


def whole_windows(sequence: Tensor, length: int = WINDOW) -> Tensor:
    """The rows ``(K,)`` that are left when every sequence is cut into windows of ``length`` frames,
    one after the other from its start, and what does not fill a window is dropped.

    Raises:
        RscError: no sequence fills a window.
    """
    rows = [torch.arange(a, b - (b - a) % length) for a, b in spans(sequence)]
    kept = torch.cat([torch.zeros(0, dtype=torch.long), *rows])
    if not len(kept):
        raise RscError(f"no sequence has {length} frames, the length of a window")
    return kept.to(sequence.device)


def _inside(sequence: Tensor) -> Tensor:
    """Which three consecutive rows are of one sequence: (N - 2,) bool."""
    return (sequence[:-2] == sequence[1:-1]) & (sequence[1:-1] == sequence[2:])


def _numbers(sequence: Tensor, count: int) -> Tensor:
    sequence = torch.as_tensor(sequence)
    if sequence.shape != (count,):
        raise RscError(f"{count} frames, but sequence numbers {tuple(sequence.shape)}")
    return sequence


def _second_difference(joints: Tensor, sequence: Tensor | None) -> Tensor:
    """Second difference ``(M, J, 3)`` of ``(N, J, 3)``, without those that cross sequences."""
    if len(joints) < 3:
        raise RscError(f"an acceleration needs three frames, there are {len(joints)}")
    second = joints[:-2] - 2 * joints[1:-1] + joints[2:]
    if sequence is None:
        return second
    inside = _inside(_numbers(sequence, len(joints)).to(joints.device))
    if not inside.any():
        raise RscError("an acceleration needs three consecutive frames of one sequence")
    return second[inside]


def _checked_pair(pred: Tensor, gt: Tensor) -> tuple[Tensor, Tensor]:
    if pred.shape != gt.shape:
        raise RscError(
            f"prediction {tuple(pred.shape)} and truth {tuple(gt.shape)} must have one shape"
        )
    pred = _checked(pred, "prediction")
    return pred, _checked(gt, "truth").to(pred.device)


def _checked(joints: Tensor, what: str) -> Tensor:
    """``joints`` in float64, after the checks that :func:`mpjpe` documents."""
    if joints.ndim != 3 or joints.shape[-1] != 3 or 0 in joints.shape:
        raise RscError(f"{what}: expected joints (B, J, 3), got {tuple(joints.shape)}")
    # Apple's GPU has no float64.
    joints = (joints.cpu() if joints.device.type == "mps" else joints).double()
    finite = joints.isfinite().flatten(1).all(dim=1)
    if not finite.all():
        sample = int((~finite).nonzero()[0, 0])
        raise RscError(f"{what}: sample {sample} has a NaN or infinite joint")
    extent = (joints - joints.mean(dim=-2, keepdim=True)).norm(dim=-1).amax(dim=-1).median().item()
    if extent > _LARGEST_BODY_M:
        raise RscError(
            f"{what}: joints are {extent:.0f} from their centre, too far for metres. "
            "Divide by 1000 if they are in millimetres."
        )
    return joints
