"""SMPLify: a body fitted to 2D keypoints by gradient descent, a batch of people at a time.

Two stages of Adam, as in SPIN: first the torso alone moves and turns the whole body, then the
position stays and pose and shape follow all points, held back by what is likely (a pose mixture),
possible (knees and elbows bend one way) and usual (a mean shape). Nothing mixes people: a batch
gives each what she would get alone. Distances are pixels of a 224 px crop.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import torch
from torch import Tensor

from rsclib.body import Body
from rsclib.config import STRICT, Within
from rsclib.errors import RscError
from rsclib.files.body_files import BETAS, JOINTS
from rsclib.geometry import CROP, FOCAL, axis_angle_to_rotmat, rotmat_to_axis_angle
from rsclib.pose_mixture import PoseMixture
from rsclib.skeleton import KEYPOINT_NAMES, MIDHIP, SMPL_NAMES

TORSO = (*MIDHIP, *(KEYPOINT_NAMES.index(f"{side} shoulder") for side in ("right", "left")))
# Numbers of the body pose whose sign says which way a joint bends, and the sign that it cannot have.
_HINGES = (("left_elbow", 1, 1.0), ("right_elbow", 1, -1.0), ("left_knee", 0, -1.0), ("right_knee", 0, -1.0))  # fmt: skip
_HINGE = [3 * (SMPL_NAMES.index(name) - 1) + axis for name, axis, _ in _HINGES]
_WRONG = [sign for *_, sign in _HINGES]
Weight = Annotated[float, Within(0, 1e6)]
Stage = Literal["camera", "body"]


@dataclass(frozen=True)
class FitConfig:
    """How a body is fitted; the numbers are SPIN's.

    Attributes:
        camera_steps, body_steps: of Adam, of each stage. lr: its rate, radians and metres.
        sigma: of Geman and McClure's function, px: beyond it a point counts less and less.
        depth: holds the distance in the camera stage, px / m.
        pose, angle, shape: weights of the priors, squared in the loss.
        hips: whether the body stage follows the hips, which annotators mark elsewhere than SMPL has
            them.
    """

    __pydantic_config__ = STRICT

    camera_steps: Annotated[int, Within(0, 100_000)] = 100
    body_steps: Annotated[int, Within(0, 100_000)] = 100
    lr: Annotated[float, Within(1e-9, 10)] = 0.01
    sigma: Annotated[float, Within(1e-3, 1e6)] = 100.0
    depth: Weight = 100.0
    pose: Weight = 4.78
    angle: Weight = 15.2
    shape: Weight = 5.0
    hips: bool = False


class Pose(NamedTuple):
    """Bodies before the camera: ``rotmats`` (B, 24, 3, 3), ``betas`` (B, 10), ``translation`` (B, 3)
    metres in the camera frame."""

    rotmats: Tensor
    betas: Tensor
    translation: Tensor


class Moment(NamedTuple):
    """A fit on its way: the ``pose`` after ``step`` steps of a ``stage``, and its ``error`` (B,),
    :func:`reprojection_error`."""

    stage: Stage
    step: int
    pose: Pose
    error: Tensor


class Fit(NamedTuple):
    """The fitted ``pose``; its ``error`` (B,), px^2, see :func:`reprojection_error`; its ``loss`` (B,),
    points and priors; the ``history`` that was asked for."""

    pose: Pose
    error: Tensor
    loss: Tensor
    history: list[Moment]


def image_points(points: Tensor, translation: Tensor) -> Tensor:
    """Eq. 3 in pixels from the middle of a 224 px crop: X (B, J, 3), delta (B, 3) to (B, J, 2)."""
    points = points + translation[:, None]
    return points[..., :2] / points[..., 2:] * FOCAL  # J = f_project(X, delta)  Eq. 3


def upright_starts(body: Body, mixture: PoseMixture, keypoints: Tensor, headings: int = 4) -> Pose:
    """Where to start when nothing is known of one person but her keypoints (1, 24, 3): the mean pose of
    the mixture and the mean shape, upright, at so many ``headings`` about the vertical, as far away
    as her torso is small.

    Raises:
        RscError: fewer than two of shoulders and hips are marked.
    """
    marks = keypoints[0, list(TORSO)]
    sure = marks[:, 2] > 0
    if int(sure.sum()) < 2:
        raise RscError(
            "two of shoulders and hips must be marked to know how far away a person is; mark "
            "them, or start from the network's prediction"
        )
    marks = marks[sure, :2] * (CROP / 2)
    yaw = torch.arange(headings) * (2 * torch.pi / headings)
    zero = torch.zeros_like(yaw)
    # The camera's y points down: half a turn about x faces it.
    down = axis_angle_to_rotmat(torch.tensor([torch.pi, 0.0, 0.0]))
    turn = down @ axis_angle_to_rotmat(torch.stack([zero, yaw, zero], 1))
    pose = axis_angle_to_rotmat(mixture.mean.cpu().view(1, 23, 3)).expand(headings, -1, -1, -1)
    rotmats = torch.cat([turn[:, None], pose], 1).to(keypoints.device)
    betas = torch.zeros(headings, BETAS, device=keypoints.device)
    with torch.no_grad():
        torso = body.joints(rotmats, betas).keypoints3d[:, list(TORSO)][:, sure, :2]
    middle, mark = torso.mean(1), marks.mean(0)
    spread = (torso - middle[:, None]).square().sum((1, 2)).sqrt()
    far = FOCAL * spread / (marks - mark).square().sum().sqrt().clamp(min=1)  # similar triangles
    return Pose(rotmats, betas, torch.cat([mark * far[:, None] / FOCAL - middle, far[:, None]], 1))


def geman_mcclure(residual: Tensor, sigma: float) -> Tensor:
    """rho(r) = sigma^2 r^2 / (sigma^2 + r^2): squares near 0, sigma^2 far away."""
    square = residual.square()
    return sigma**2 * square / (sigma**2 + square)


def _offsets(points: Tensor, translation: Tensor, keypoints: Tensor) -> tuple[Tensor, Tensor]:
    """How far each point is from its mark (B, 24, 2), px, 0 where none is, and confidences (B, 24)."""
    sure = keypoints[..., 2]
    off = image_points(points, translation) - keypoints[..., :2] * (CROP / 2)
    return torch.where(sure[..., None] > 0, off, 0.0), sure


def _point_losses(
    points: Tensor, translation: Tensor, keypoints: Tensor, config: FitConfig
) -> Tensor:
    """Of every point (B, 24), px^2, times its confidence squared."""
    off, sure = _offsets(points, translation, keypoints)
    return sure.square() * geman_mcclure(off, config.sigma).sum(-1)


def reprojection_error(
    body: Body, pose: Pose, keypoints: Tensor, config: FitConfig = FitConfig()
) -> Tensor:
    """How far (B,) a body's points are from the marked ones (B, 24, 3), px^2 of a 224 px crop: the mean
    over them, weighted by their confidence squared; infinite where none is marked."""
    keypoints = _in_use(keypoints, config)
    points = body.joints(pose.rotmats, pose.betas).keypoints3d
    total = _point_losses(points, pose.translation, keypoints, config).sum(1)
    weight = keypoints[..., 2].square().sum(1)
    return torch.where(weight > 0, total / weight, torch.inf)


def _in_use(keypoints: Tensor, config: FitConfig) -> Tensor:
    """The keypoints with the confidence that they have in the body stage."""
    use = torch.ones(len(KEYPOINT_NAMES), device=keypoints.device)
    use[list(MIDHIP)] = float(config.hips)
    return torch.cat([keypoints[..., :2], keypoints[..., 2:] * use[:, None]], -1)


def prior_loss(mixture: PoseMixture, body_pose: Tensor, betas: Tensor, config: FitConfig) -> Tensor:
    """What pose (B, 69) and shape (B, 10) cost, however well they fit: (B,)."""
    bent = body_pose[:, _HINGE] * body_pose.new_tensor(_WRONG)
    return (
        config.pose**2 * mixture(body_pose)
        + config.angle**2 * bent.exp().square().sum(1)  # steep where a joint bends the wrong way
        + config.shape**2 * betas.square().sum(1)
    )


def fit(
    body: Body, mixture: PoseMixture, keypoints: Tensor, start: Pose,
    config: FitConfig = FitConfig(), history: Collection[int] = (),
) -> Fit:  # fmt: skip
    """Fit bodies to the points that are marked in their pictures.

    Args:
        keypoints: (B, 24, 3) in [-1, 1] of the crop, and a confidence; 0: not marked, not looked at.
        start: B bodies, in front of the camera.
        history: of each stage, after which steps to keep what is found; 0 is its start.

    Raises:
        RscError: the shapes do not fit, or a marked point or the start is not finite.
    """
    _check(keypoints, start)
    with torch.enable_grad():
        # Cloned: what comes from inference mode has no gradients.
        rotmats, betas, position = (value.detach().clone() for value in start)
        turn, body_pose = rotmat_to_axis_angle(rotmats).split([1, 23], 1)
        turn, body_pose = turn[:, 0].clone(), body_pose.flatten(1).clone()
        used = _in_use(keypoints, config)
        kept: list[Moment] = []

        def now() -> Pose:
            whole = torch.cat([turn, body_pose], 1).view(-1, JOINTS, 3)
            return Pose(axis_angle_to_rotmat(whole), betas, position)

        def keep(stage: Stage, step: int) -> None:
            if step in history:
                at = Pose(*(value.detach().clone() for value in now()))
                kept.append(Moment(stage, step, at, reprojection_error(body, at, keypoints, config)))  # fmt: skip

        with torch.no_grad():  # only turned as a whole, a body need not be posed anew
            out = body.joints(rotmats, betas)
            root, far = out.joints24[:, :1], position[:, 2].clone()
            relative = (out.keypoints3d - root) @ rotmats[:, 0]

        def camera_loss() -> Tensor:
            points = relative @ axis_angle_to_rotmat(turn).mT + root
            off, sure = _offsets(points, position, keypoints)
            torso = (sure.square() * off.square().sum(-1))[:, list(TORSO)].sum(1)
            return torso + config.depth**2 * (position[:, 2] - far).square()

        def body_loss() -> Tensor:
            pose = now()
            points = body.joints(pose.rotmats, pose.betas).keypoints3d
            fits = _point_losses(points, position, used, config).sum(1)
            return fits + prior_loss(mixture, body_pose, betas, config)

        stages: list[tuple[Stage, list[Tensor], Callable[[], Tensor], int]] = [
            ("camera", [turn, position], camera_loss, config.camera_steps),
            ("body", [turn, body_pose, betas], body_loss, config.body_steps),
        ]
        for stage, leaves, loss, steps in stages:
            _descend(leaves, loss, steps, config.lr, functools.partial(keep, stage))
        pose = Pose(*(value.detach() for value in now()))
    with torch.no_grad():
        error = reprojection_error(body, pose, keypoints, config)
        return Fit(pose, error, body_loss(), kept)


def _descend(
    leaves: list[Tensor], loss: Callable[[], Tensor], steps: int, rate: float,
    keep: Callable[[int], None],
) -> None:  # fmt: skip
    """Adam on tensors, in place. The sum over the batch gives each person her own gradient, and Adam
    treats every number alone: people do not disturb one another."""
    for leaf in leaves:
        leaf.requires_grad_(True)
    optimiser = torch.optim.Adam(leaves, rate)
    keep(0)
    for step in range(steps):
        # Of the leaves alone: whatever network the start came from is left in peace.
        gradients = torch.autograd.grad(loss().sum(), leaves)
        for leaf, gradient in zip(leaves, gradients, strict=True):
            leaf.grad = gradient
        optimiser.step()
        keep(step + 1)
    for leaf in leaves:
        leaf.requires_grad_(False)
        leaf.grad = None


def _check(keypoints: Tensor, start: Pose) -> None:
    n = len(keypoints)
    shapes = [tuple(v.shape) for v in (keypoints, *start)]
    if shapes != [(n, len(KEYPOINT_NAMES), 3), (n, JOINTS, 3, 3), (n, BETAS), (n, 3)]:
        raise RscError(
            "a fit wants keypoints (B, 24, 3), rotmats (B, 24, 3, 3), betas (B, 10) and a "
            f"translation (B, 3), not {', '.join(map(str, shapes))}"
        )
    marked = keypoints[keypoints[..., 2] != 0]
    if not all(bool(v.isfinite().all()) for v in (marked, keypoints[..., 2], *start)):
        raise RscError("a fit wants finite numbers; a keypoint or the start is not")
    if bool((keypoints[..., 2] < 0).any()):
        raise RscError("a keypoint's confidence must not be negative")
    if bool((start.translation[:, 2] <= 0).any()):
        raise RscError(
            "a fit starts from a body in front of the camera; its depth must be positive"
        )
