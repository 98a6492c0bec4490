"""SMPLify: a batch of people fitted at once against one fitted after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from benchmarks.speed.measure import Case, differences, largest, with_first
from rsclib.body import load_body
from rsclib.geometry import axis_angle_to_rotmat, cam_to_translation, project
from rsclib.metrics import MM_PER_M
from rsclib.openbench.poses import place_in_camera, sample_cameras, sample_headings, sample_poses
from rsclib.pose_mixture import load_mixture
from rsclib.smplify import FitConfig, Pose, fit


def fits(quick: bool) -> Iterator[Case]:
    """Both stages, from a start that is a little off, as a network's is."""
    batch, steps = (2, 2) if quick else (16, 10)
    body, mixture = load_body(), load_mixture()
    rng = np.random.default_rng(0)
    poses = sample_poses(rng, "train", batch).poses
    poses = place_in_camera(poses, sample_headings(rng, batch), sample_cameras(rng, batch))
    rotmats = axis_angle_to_rotmat(torch.from_numpy(poses).float())
    cam = torch.tensor([[0.8, 0.0, 0.0]]).repeat(batch, 1)
    points = body.joints(rotmats, torch.zeros(batch, 10)).keypoints3d
    keypoints = torch.cat([project(points, cam), torch.ones(batch, 24, 1)], 2)
    astray = axis_angle_to_rotmat(torch.randn(batch, 24, 3) * 0.15)
    start = Pose(astray @ rotmats, torch.zeros(batch, 10), cam_to_translation(cam))
    config = FitConfig(camera_steps=steps, body_steps=steps)

    def of(some: slice) -> Tensor:
        """Millimetres of the fitted joints."""
        begin = Pose(*(values[some] for values in start))
        found = fit(body, mixture, keypoints[some], begin, config).pose
        with torch.no_grad():
            return body.joints(found.rotmats, found.betas).joints14 * MM_PER_M

    runs: dict[str, Callable[[], Tensor]] = {
        "one by one": lambda: torch.cat([of(slice(k, k + 1)) for k in range(batch)]),
        "whole batch": lambda: of(slice(None)),
    }
    pairs = with_first(runs)
    yield Case(
        "fits", f"SMPLify, {batch} people, {steps} + {steps} steps", runs,
        dict.fromkeys(runs, batch), pairs, differences(runs, pairs, largest), "joints (mm)",
        # Adam divides by the gradient's size: rounding is large where a gradient is nearly 0.
        dict.fromkeys(runs, 0.1), "whole batch", rounds=5,
    )  # fmt: skip
