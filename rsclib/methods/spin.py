"""SPIN: SMPLify in the loop. The network's prediction starts a fit, and the best fit of an image
teaches the network (Kolotouros et al., ICCV 2019).

A row of RSC-Net's tables with another supervision: start, data and draws are those of
:mod:`rsclib.methods.rsc`. Without the fits SPIN is that row with the plain network and the basic
loss, "Ba-shared".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

import torch
from torch import Tensor, nn

from rsclib.config import Within
from rsclib.data.augment import moved, moved_back
from rsclib.errors import RscError
from rsclib.geometry import axis_angle_to_rotmat, cam_to_translation, rotmat_to_axis_angle
from rsclib.methods import rsc
from rsclib.methods.rsc import Rsc, RscConfig
from rsclib.network import Prediction
from rsclib.people import Batch, Labels
from rsclib.pose_mixture import PoseMixture, load_mixture
from rsclib.resolution import PRESETS
from rsclib.runs.distributed import gather_samples
from rsclib.smplify import FitConfig, Pose, fit
from rsclib.train import Step

WIDEST = 3.0  # a shape with a beta beyond it teaches the mean shape instead, as in SPIN


@dataclass(frozen=True)
class SpinConfig(RscConfig):
    """A row with SMPLify in its loop; all else as :class:`rsclib.methods.rsc.RscConfig` says.

    Attributes:
        fit: see :class:`rsclib.smplify.FitConfig`. Steps are fewer than SPIN's 100 and 100: on
            exact keypoints 50 do as well, and they are most of a step's time on a processor.
        start_range: range_index of the image whose prediction starts the fit: 0 the full size; where
            fewer ranges have joined, the smallest of them.
        threshold: a fit teaches where its error is below it, px^2 of a 224 px crop.
        prior: file of a pose mixture (SMPLify's gmm_08.pkl); None: the shipped one.
    """

    fit: FitConfig = field(default_factory=lambda: FitConfig(camera_steps=20, body_steps=50))
    start_range: Annotated[int, Within(0, 100)] = 0
    threshold: Annotated[float, Within(0, 1e9)] = 100.0
    prior: str | None = None

    def check(self, where: str) -> None:
        """What the fields say together.

        Raises:
            RscError: no run could work with it.
        """
        super().check(where)
        if self.start_range >= PRESETS[self.ranges].count:
            raise RscError(f"{where}: start_range is one of 0..{PRESETS[self.ranges].count - 1}")
        if self.photographed:  # a fit is made in the picture before it was moved
            raise RscError(
                f"{where}: photographed moves boxes, which fits know nothing of; leave it out"
            )


class BestFits(nn.Module):
    """The best fit so far of each of N images, as the unmoved image shows her: SPIN's dictionary.

    Buffers, so that a run's state carries it. An image without a fit has an infinite ``error``.
    """

    pose: Tensor
    betas: Tensor
    error: Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("pose", torch.zeros(count, 72))  # axis-angle: a third of the matrices
        self.register_buffer("betas", torch.zeros(count, 10))
        self.register_buffer("error", torch.full((count,), torch.inf))

    @torch.no_grad()
    def keep(self, ids: Tensor, rotmats: Tensor, betas: Tensor, error: Tensor) -> None:
        """Take over the fits (B, ...) of images ``ids`` (B,) that are better than what is known.

        An image may be there twice; then its better fit counts, the first of two equal ones."""
        order = error.argsort(stable=True)
        first = (ids[order][:, None] == ids[order]).long().argmax(1)  # where its best fit stands
        best = order[first == torch.arange(len(ids), device=ids.device)]
        better = best[error[best] < self.error[ids[best]]]
        places = ids[better]
        self.pose[places] = rotmat_to_axis_angle(rotmats[better]).flatten(1)
        self.betas[places] = betas[better]
        self.error[places] = error[better]

    def at(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """rotmats (B, 24, 3, 3), betas (B, 10) and error (B,) of images ``ids``."""
        rotmats = axis_angle_to_rotmat(self.pose[ids].view(-1, 24, 3))
        return rotmats, self.betas[ids], self.error[ids]


class Spin:
    """SPIN as :func:`rsclib.train.train` wants it."""

    critic = None

    def __init__(self, config: SpinConfig, row: Rsc, mixture: PoseMixture) -> None:
        self.config, self.row, self.net = config, row, row.net
        self.groups, self.lr, self.batch, self.finish = row.groups, row.lr, row.batch, row.finish
        self.mixture = mixture.to(row.memory.ids.device)
        self.fits = BestFits(len(row.people)).to(row.memory.ids.device)
        self.memory = nn.ModuleDict({"queue": row.memory, "fits": self.fits})
        self.taught = 0.0  # share of the last batch's images

    def loss(self, model: nn.Module, batch: Batch, step: int) -> Step:
        """The row's terms with the fits as truth, and SPIN's own, which keeps the person in front of
        the camera."""
        prediction = self.row.predicted(model, batch, step)
        self._fit(prediction, batch)
        labels = self.with_fits(batch)
        terms = self.row.terms(prediction, labels, batch.scales, step)
        behind = (-10 * prediction.cam[:, 0]).exp().square().mean() * batch.scales
        return Step(terms | {"behind": self.config.loss.factor * behind})

    def _fit(self, prediction: Prediction, batch: Batch) -> None:
        """Fit whom no 3D truth is known of, in the picture as it was before it was moved."""
        size = len(batch.labels.ids)
        row = min(self.config.start_range, batch.scales - 1)
        of_size = slice(row * size, (row + 1) * size)
        rotmats, betas, cam = (
            v[of_size].detach().float().clone()  # the network's own output is not written to
            for v in (prediction.rotmats, prediction.betas, prediction.cam)
        )
        assert batch.affine is not None
        with torch.no_grad():
            root = self.row.body.joints(rotmats, betas).joints24[:, 0]
        rotmats, cam = moved_back(rotmats, cam, root, batch.affine)
        start = Pose(rotmats, betas, cam_to_translation(cam))
        # Whoever is behind the camera, or no number, gives no start.
        able = ~batch.labels.has_smpl & (start.translation[:, 2] > 0)
        for values in start:
            able = able & values.flatten(1).isfinite().all(1)
        error = torch.full((size,), torch.inf, device=cam.device)
        if bool(able.any()):
            ids = batch.labels.ids[able]
            marked = self.row.people.labels.keypoints2d[ids.cpu()].to(cam.device)
            start = Pose(*(values[able] for values in start))
            found = fit(self.row.body, self.mixture, marked, start, self.config.fit)
            rotmats[able], betas[able] = found.pose.rotmats, found.pose.betas
            error[able] = found.error
        # Every process keeps the fits of all.
        self.fits.keep(*(gather_samples(v, 1) for v in (batch.labels.ids, rotmats, betas, error)))

    def with_fits(self, batch: Batch) -> Labels:
        """The labels of a batch, with its images' best fits where those are good enough and no truth is
        known."""
        labels = batch.labels
        rotmats, betas, error = self.fits.at(labels.ids)
        assert batch.affine is not None
        rotmats = moved(rotmats, batch.affine)
        betas = torch.where((betas.abs() > WIDEST).any(1, keepdim=True), 0.0, betas)
        good = ~labels.has_smpl & (error < self.config.threshold)
        self.taught = float(good.float().mean())
        return labels._replace(
            rotmats=torch.where(good[:, None, None, None], rotmats, labels.rotmats),
            betas=torch.where(good[:, None], betas, labels.betas),
            has_smpl=labels.has_smpl | good,
        )

    def scores(self, step: int) -> Mapping[str, float]:
        """Now and then the share of images that a fit teaches, and how many images have a fit."""
        if step % self.config.run.log_steps:
            return {}
        return {"taught": self.taught, "fits": float(self.fits.error.isfinite().sum())}


def builder(config: SpinConfig, resumed: bool) -> Callable[[torch.device], Spin]:
    """Fetches the people and makes the method, once its processes run.

    Raises:
        RscError: at once, where another body is in use than the people's, or the prior is of no use.
    """
    row, mixture = rsc.builder(config, resumed), load_mixture(config.prior)
    return lambda device: Spin(config, row(device), mixture)
