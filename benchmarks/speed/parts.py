"""The parts around the network: contrastive loss, rasteriser, body joints, Procrustes alignment."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.speed.measure import Case, differences, largest, relative, with_first
from rsclib.body import Body, BodyOutput, load_body
from rsclib.contrastive import FeatureQueue
from rsclib.geometry import axis_angle_to_rotmat, cam_to_translation
from rsclib.losses import LossConfig, feature_loss, pair_weights
from rsclib.metrics import MM_PER_M, pa_mpjpe
from rsclib.network import Prediction
from rsclib.render.rasterize import rasterize

UPRIGHT = (np.pi, 0.0, 0.0)  # the camera's y points down


def nce_sample_by_sample(
    anchor: Tensor, positive: Tensor, negatives: Tensor, keep: Tensor, tau: float
) -> Tensor:
    """:func:`rsclib.contrastive.nce` of one pair of scales, as Eq. 12 is written: each sample gathers its
    negatives."""
    values = []
    for b in range(len(anchor)):
        others = negatives[keep[b]]
        same = F.cosine_similarity(anchor[b], positive[b], dim=0) / tau
        apart = F.cosine_similarity(others, anchor[b : b + 1], dim=1) / tau
        values.append(torch.logsumexp(torch.cat([same[None], apart]), 0) - same)
    return torch.stack(values)


def feature_loss_pair_by_pair(
    prediction: Prediction, scales: int, ids: Tensor, queue: FeatureQueue, config: LossConfig
) -> Tensor:
    """:func:`rsclib.losses.feature_loss` as written in Eq. 11 and 12: a sum over pairs of scales."""
    proj, weights = prediction.proj.chunk(scales), pair_weights(scales)
    negatives, keep = queue.negatives(ids)
    terms = [
        weights[i, j]
        * nce_sample_by_sample(proj[j], proj[i].detach(), negatives, keep, config.tau).mean()
        for i in range(scales)
        for j in range(i + 1, scales)
    ]
    return torch.stack(terms).sum()


def contrastive(quick: bool) -> Iterator[Case]:
    """The contrastive loss as matrix products against gathering negatives for each sample."""
    images, scales, count, width = (2, 3, 64, 16) if quick else (16, 5, 8192, 256)
    config, queue = LossConfig.paper(), FeatureQueue(count, width)
    # Of each image in the queue every resolution is there, and of half of the batch's images too.
    queue.enqueue(torch.randn(count, width), torch.arange(count) // scales)
    ids = torch.arange(images) + count // scales - images // 2
    proj = torch.randn(scales * images, width, requires_grad=True)
    prediction = Prediction(*(proj,) * len(Prediction._fields))

    def loss(function: Callable[..., Tensor]) -> Tensor:
        return function(prediction, scales, ids, queue, config)[None]

    def with_gradient(function: Callable[..., Tensor]) -> Tensor:
        value = loss(function)
        (gradient,) = torch.autograd.grad(value, proj)
        return torch.cat([value, gradient.flatten()])

    functions = {"sample by sample": feature_loss_pair_by_pair, "matrix product": feature_loss}
    for what, call in (("loss", loss), ("loss and gradient", with_gradient)):
        runs = {name: functools.partial(call, f) for name, f in functions.items()}
        pairs = with_first(runs)
        yield Case(
            "contrastive",
            f"{what}, {images} images at {scales} sizes, {count} negatives of {width}", runs,
            dict.fromkeys(runs, images), pairs, differences(runs, pairs, relative),
            f"{what} (relative)", dict.fromkeys(runs, 1e-4), "matrix product", rounds=5,
            goal=None if quick else 30.0,
        )  # fmt: skip


def _poses(count: int, bend: float = 0.3) -> tuple[Tensor, Tensor]:
    """Random poses (count, 24, 3, 3), upright before the camera, and shapes (count, 10)."""
    rotmats = axis_angle_to_rotmat(torch.randn(count, 24, 3) * bend)
    rotmats[:, 0] = axis_angle_to_rotmat(torch.tensor([UPRIGHT])) @ rotmats[:, 0]
    return rotmats, torch.randn(count, 10)


def _unequal_faces(result: Any, reference: Any) -> float:
    """Share of unequal face ids inside the silhouette, that is where either shows a face."""
    inside = (result.pix_to_face >= 0) | (reference.pix_to_face >= 0)
    unequal = result.pix_to_face != reference.pix_to_face
    return float(unequal[inside].float().mean())  # nan, so refused, if nothing is seen


def raster(quick: bool) -> Iterator[Case]:
    """The z-buffer against pytorch3d's general rasteriser, on posed bodies."""
    if importlib.util.find_spec("pytorch3d") is None:
        print("raster: skipped, pytorch3d is not installed (it has no wheel for this platform)")
        return
    count, sizes = (1, (32,)) if quick else (2, (128, 224))
    body = load_body()
    vertices = body(*_poses(count)).vertices
    assert vertices is not None
    vertices = vertices + cam_to_translation(torch.tensor([[0.9, 0.0, 0.0]]))[:, None]

    def draw(size: int, backend: Literal["zbuffer", "pytorch3d"]) -> Any:
        return rasterize(vertices, body.faces, size, backend=backend)

    for size in sizes:
        runs: dict[str, Callable[[], Any]] = {
            "pytorch3d": functools.partial(draw, size, "pytorch3d"),
            "zbuffer": functools.partial(draw, size, "zbuffer"),
        }
        pairs = with_first(runs)
        unequal = differences(runs, pairs, _unequal_faces)
        yield Case(
            "raster", f"{size} px, {count} bodies of {len(body.faces)} faces", runs,
            dict.fromkeys(runs, count), pairs, unequal, "face ids inside the silhouette (share)",
            dict.fromkeys(runs, 1e-3), "zbuffer", rounds=3,
            goal=None if quick else 300.0,
            extra={"equal_faces_percent": 100 * (1 - unequal["zbuffer", "pytorch3d"])},
        )  # fmt: skip


def _all_joints(out: BodyOutput) -> Tensor:
    return torch.cat([out.joints24, out.joints49, out.joints14, out.pelvis], 1)


def joints(quick: bool) -> Iterator[Case]:
    """Joints without the mesh against the joints of the full mesh, as evaluated and as trained."""
    batch = 2 if quick else 64
    body = load_body()
    rotmats, betas = _poses(batch)
    rotmats.requires_grad_()

    @torch.no_grad()
    def forward(function: Callable[..., BodyOutput]) -> Tensor:
        return _all_joints(function(rotmats, betas))

    def with_gradient(function: Callable[..., BodyOutput]) -> Tensor:
        out = _all_joints(function(rotmats, betas))
        (gradient,) = torch.autograd.grad(out.square().sum(), rotmats)
        return torch.cat([out.flatten(), gradient.flatten()])

    functions = {"full mesh": Body.forward, "joints only": Body.joints}
    for what, call in (("forward", forward), ("forward and backward", with_gradient)):
        runs = {
            name: functools.partial(call, functools.partial(f, body))
            for name, f in functions.items()
        }
        pairs = with_first(runs)
        yield Case(
            "joints", f"{what}, batch {batch}", runs, dict.fromkeys(runs, batch), pairs,
            differences(runs, pairs, relative),
            "joints (relative)" if call is forward else "joints and gradient (relative)",
            dict.fromkeys(runs, 1e-4), "joints only",
        )  # fmt: skip


def pa_mpjpe_one_by_one(pred: Tensor, gt: Tensor) -> Tensor:
    """:func:`rsclib.metrics.pa_mpjpe` independently: a loop over samples, NumPy's SVD, Umeyama."""
    errors = []
    for p, g in zip(pred.double().numpy(), gt.double().numpy(), strict=True):
        p, g = p - p.mean(0), g - g.mean(0)
        u, s, vt = np.linalg.svd(p.T @ g)
        proper = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])  # a mirror is not a rotation
        aligned = p @ (u * proper) @ vt * ((s * proper).sum() / (p**2).sum())
        errors.append(np.linalg.norm(aligned - g, axis=1).mean() * MM_PER_M)
    return torch.tensor(errors)


def procrustes(quick: bool) -> Iterator[Case]:
    """Aligned errors of a batch at once against a loop over its samples."""
    batch = 8 if quick else 512
    gt = torch.randn(batch, 14, 3) * 0.3
    pred = gt + torch.randn(batch, 14, 3) * 0.05
    pred[::4, :, 0] *= -1  # mirrored bodies, where the proper rotation is not the SVD's first
    runs = {
        "one by one": functools.partial(pa_mpjpe_one_by_one, pred, gt),
        "whole batch": functools.partial(pa_mpjpe, pred, gt),
    }
    pairs = with_first(runs)
    yield Case(
        "procrustes", f"batch {batch}, 14 joints", runs, dict.fromkeys(runs, batch), pairs,
        differences(runs, pairs, largest), "PA-MPJPE (mm)", dict.fromkeys(runs, 1e-6),
        "whole batch",
    )  # fmt: skip
