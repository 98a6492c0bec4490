"""The paper's losses, Eq. 8 to 12, with the variants of Tables 6 and 7.

Predictions of P' scales come as one batch of P'*B samples, largest scale first: rows [0, B) are the
full resolution (i = 1 in the paper, 0 here). Labels are given once, for B samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from rsclib.config import STRICT, Within
from rsclib.contrastive import FeatureQueue, nce
from rsclib.errors import RscError
from rsclib.geometry import cam_to_translation, fit_translation, project
from rsclib.network import Prediction
from rsclib.people import Labels
from rsclib.runs.distributed import gather_samples, ranks, sum_over_processes
from rsclib.skeleton import from_hips

Terms = dict[str, Tensor]
Weight = Annotated[float, Within(0, 1e12)]


@dataclass(frozen=True)
class LossConfig:
    """Weights and variants.

    Attributes:
        joints3d, joints2d: lambda_1, lambda_2 of Eq. 8. pose, betas, camera: its other terms.
        scale_weights: weight of range i in the basic loss: 1 ("even") or (i + 1) / P' ("rising").
        consistency, features: lambda_s, lambda_f.
        pair_scale: pairs weigh w_ij ("sum") or w_ij / P' ("mean").
        ss: which self-supervision, Eq. 10 ("directional"), Eq. 9 ("undirected"), only the highest
            resolution as guidance ("highest"), or "none".
        feat: g of Eq. 11, "nce" (Eq. 12), "mse", "cosine" or "none".
        distance: of Eq. 8 to 10: "squared" as printed, or "absolute". Squares draw an uncertain limb
            to the mean of where it may be, absolute values to the median, which is nearer to what
            MPJPE counts.
        delta: what Eq. 10 compares of the camera, delta = [s, tx, ty] as printed ("camera") or the
            position that follows from it, metres ("translation", the released code).
        tau: temperature. queue: |Q|. negatives: of them drawn for each sample; 0: all.
        ramp_steps: lambda_s and lambda_f grow from 0 over so many steps. factor: multiplies the whole loss.
        consistency_betas, consistency_camera: of the two in Eq. 9 and 10, relative to the pose.
    """

    __pydantic_config__ = STRICT

    joints3d: Weight = 5.0
    joints2d: Weight = 5.0
    pose: Weight = 1.0
    betas: Weight = 1.0
    camera: Weight = 0.0
    scale_weights: Literal["even", "rising"] = "even"
    consistency: Weight = 0.1
    features: Weight = 0.1
    pair_scale: Literal["sum", "mean"] = "sum"
    ss: Literal["none", "directional", "undirected", "highest"] = "directional"
    feat: Literal["none", "nce", "mse", "cosine"] = "nce"
    distance: Literal["squared", "absolute"] = "squared"
    delta: Literal["camera", "translation"] = "camera"
    tau: Annotated[float, Within(1e-6, 1e6)] = 0.1
    queue: Annotated[int, Within(1, 10_000_000)] = 8192
    negatives: Annotated[int, Within(0, 10_000_000)] = 0
    ramp_steps: Annotated[int, Within(0, 1_000_000_000)] = 0
    factor: Annotated[float, Within(1e-12, 1e12)] = 1.0
    consistency_betas: Weight = 1.0
    consistency_camera: Weight = 1.0

    @staticmethod
    def paper() -> LossConfig:
        """As printed: Section 4.1. Eq. 8's squared norms are means here, as in the released code."""
        return LossConfig()

    @staticmethod
    def released() -> LossConfig:
        """As in the released code: other weights on betas and camera, rising scale weights, a ramp.

        ``ramp_steps`` is 5 L there, L = images // 32; it belongs to the data, so set it for yours.
        Its 2D mean also counts 25 OpenPose rows of weight 0, hence 24 / 49 here.
        """
        return LossConfig(
            joints2d=5 * 24 / 49, betas=1e-3, camera=1e-4, scale_weights="rising", consistency=0.25, features=0.025,
            pair_scale="mean", queue=20000, factor=60.0, consistency_betas=1e-3,
            consistency_camera=1e-4, delta="translation", negatives=16384,
        )  # fmt: skip


def pair_weights(scales: int) -> Tensor:
    """w_ij = 1(j - i > 0) (j - i), (P, P): row i guides column j, Eq. 10."""
    index = torch.arange(scales)
    return (index[None, :] - index[:, None]).clamp(min=0).float()  # w_ij  Eq. 10


def _mean_where(values: Tensor, keep: Tensor) -> Tensor:
    """Mean over the kept samples' (B, ...) values; 0, with a gradient of 0, when there are none.

    Of several processes each divides by the kept samples of all, so that the mean of theirs (which
    is what data-parallel training takes) is the mean over the whole batch."""
    flat = values.flatten(1).mean(1)
    kept = sum_over_processes(keep.sum()).clamp(min=1) / ranks()[1]
    # Chosen, not multiplied: 0 * nan is nan, and absent labels may be anything.
    return torch.where(keep, flat, 0.0).sum() / kept


def _distance(a: Tensor, b: Tensor, config: LossConfig) -> Tensor:
    """Element-wise distance of Eq. 8 to 10."""
    return (a - b).square() if config.distance == "squared" else (a - b).abs()


def _known(values: Tensor, known: Tensor) -> Tensor:
    """Values with 0 where ``known`` (of the leading shape) is False, so that no gradient is nan."""
    return torch.where(known.reshape(known.shape + (1,) * (values.ndim - known.ndim)), values, 0.0)


def basic_loss(
    prediction: Prediction, keypoints3d: Tensor, labels: Labels, config: LossConfig
) -> Terms:
    """L_b of one scale, Eq. 8, term by term and weighted.

    Args:
        prediction: B samples. keypoints3d: their X (B, 24, 3), metres.
    """
    flat = project(keypoints3d, prediction.cam)  # J  Eq. 3
    seen = labels.keypoints2d[..., 2:]
    smpl, three = labels.has_smpl, labels.has_3d
    truth2d = _known(labels.keypoints2d[..., :2], seen[..., 0] > 0)
    truth3d = _known(labels.keypoints3d, three)
    sure = truth3d[..., 3:]
    off = _distance(from_hips(keypoints3d), from_hips(truth3d[..., :3]), config)
    # Eq. 8: ||[beta, theta] - [beta_g, theta_g]||^2 + lambda_1 ||X - X_g||^2 + lambda_2 ||J - J_g||^2
    terms = {
        "2d": config.joints2d * (seen * _distance(flat, truth2d, config)).mean(),
        "3d": config.joints3d * _mean_where(sure * off, three),
        "pose": config.pose
        * _mean_where(_distance(prediction.rotmats, _known(labels.rotmats, smpl), config), smpl),
        "betas": config.betas
        * _mean_where(_distance(prediction.betas, _known(labels.betas, smpl), config), smpl),
    }
    if config.camera:
        with torch.no_grad():
            truth = fit_translation(truth3d[..., :3], truth2d, seen[..., 0])
        away = (cam_to_translation(prediction.cam) - truth).square()
        terms["camera"] = config.camera * _mean_where(away, smpl & three)  # a fit has no truth3d
    return terms


def _split(values: Tensor, scales: int) -> list[Tensor]:
    if len(values) % scales:
        raise RscError(f"{len(values)} predictions cannot be {scales} scales of one batch")
    return list(values.chunk(scales))


def _pairs(scales: int, ss: str) -> list[tuple[int, int, float]]:
    """(i, j, weight) with i guiding j."""
    weights = pair_weights(scales)
    pairs = [(i, j, float(weights[i, j])) for i in range(scales) for j in range(i + 1, scales)]
    return [p for p in pairs if p[0] == 0] if ss == "highest" else pairs


def self_supervision(prediction: Prediction, scales: int, config: LossConfig) -> Tensor:
    """L_s: agreement of the scales' outputs, Eq. 10 or the variants of Table 7.

    Directional: the larger image's output is a fixed target and weighs (j - i). Undirected (Eq. 9,
    SS-o): no direction, no weights. Highest (SS-h): only the full resolution guides.
    """
    if config.ss == "none" or scales < 2:
        return prediction.cam.sum() * 0
    delta = prediction.cam if config.delta == "camera" else cam_to_translation(prediction.cam)
    camera = _split(delta, scales)
    rotmats, betas = _split(prediction.rotmats, scales), _split(prediction.betas, scales)

    def apart(i: int, j: int, fixed: bool) -> Tensor:
        total = torch.zeros((), device=prediction.cam.device)
        for values, weight in (
            (rotmats, 1.0), (betas, config.consistency_betas), (camera, config.consistency_camera),
        ):  # fmt: skip
            guide = values[i].detach() if fixed else values[i]  # f-bar: no gradient flows into x_i
            total = total + weight * _distance(guide, values[j], config).mean()
        return total

    if config.ss == "undirected":
        # Eq. 9 sums over ordered pairs: each unordered one twice.
        terms = [2 * apart(i, j, False) for i, j, _ in _pairs(scales, config.ss)]
    else:
        terms = [w * apart(i, j, True) for i, j, w in _pairs(scales, config.ss)]  # Eq. 10
    return torch.stack(terms).sum()


def feature_loss(
    prediction: Prediction, scales: int, ids: Tensor, queue: FeatureQueue | None, config: LossConfig
) -> Tensor:
    """L_f = sum w_ij g(phi-bar_i, phi_j), Eq. 11, g being the contrastive loss or a rival of it."""
    if config.feat == "none" or scales < 2:
        return prediction.proj.sum() * 0
    if config.feat != "nce":
        phi = _split(prediction.phi, scales)
        terms = []
        for i, j, w in _pairs(scales, "directional"):
            if config.feat == "mse":
                terms.append(w * (phi[i].detach() - phi[j]).square().mean())
            else:
                terms.append(w * (1 - F.cosine_similarity(phi[i].detach(), phi[j])).mean())
        return torch.stack(terms).sum()  # Eq. 11
    if queue is None:
        raise RscError("the contrastive loss needs a FeatureQueue")
    negatives, keep = queue.negatives(ids, config.negatives)
    proj = torch.stack(_split(prediction.proj, scales))
    lower, width = scales - 1, proj.shape[-1]
    positive = proj[:-1].detach().repeat(1, lower, 1)  # each phi-bar_i beside every lower phi_j
    g = nce(proj[1:].reshape(-1, width), positive, negatives, keep.repeat(lower, 1), config.tau)
    weights = pair_weights(scales)[:-1, 1:].to(g)  # SS-h of Table 7 varies L_s alone
    return (weights * g.view(lower, lower, -1).mean(2)).sum()  # Eq. 11


def rsc_loss(
    prediction: Prediction, keypoints3d: Tensor, labels: Labels, scales: int,
    queue: FeatureQueue | None, step: int, config: LossConfig,
) -> Terms:  # fmt: skip
    """The weighted terms of L_b + lambda_s L_s + lambda_f L_f over all scales; their sum is the loss.

    Args:
        prediction: P'*B samples, largest scale first. keypoints3d: their X (P'*B, 24, 3), metres.
        step: of the whole training, for the ramp. queue: filled by this call with all scales.
    """
    parts: Terms = {}
    points = _split(keypoints3d, scales)
    for i, of_scale in enumerate(zip(*(_split(t, scales) for t in prediction), strict=True)):
        weight = 1.0 if config.scale_weights == "even" else (i + 1) / scales
        terms = basic_loss(Prediction(*of_scale), points[i], labels, config)
        for name, value in terms.items():
            parts[name] = parts.get(name, torch.zeros((), device=value.device)) + weight * value
    ramp = min(1.0, step / config.ramp_steps) if config.ramp_steps else 1.0
    pair = ramp / scales if config.pair_scale == "mean" else ramp
    parts["ss"] = config.consistency * pair * self_supervision(prediction, scales, config)
    if queue is not None:
        queue.enqueue(
            gather_samples(prediction.proj.detach(), scales),
            gather_samples(labels.ids.repeat(scales), scales),
        )
    parts["feat"] = (
        config.features * pair * feature_loss(prediction, scales, labels.ids, queue, config)
    )
    return {name: config.factor * value for name, value in parts.items()}
