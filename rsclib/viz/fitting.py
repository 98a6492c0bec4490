"""Pictures of a fit on its way: the body over the photograph, its points and where they should be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rsclib.body import Body
from rsclib.geometry import CROP
from rsclib.smplify import Moment, Pose, image_points
from rsclib.viz.meshes import BLUE, VERMILION, overlay, side_view

WHAT = {"camera": "camera stage", "body": "body stage"}


def title_of(moment: Moment) -> str:
    """Stage, step, and how far the points are off in the root of the mean square, px of 224."""
    off = float(moment.error[0].sqrt())
    return f"{WHAT[moment.stage]}, step {moment.step}: {off:.1f} px"


@torch.no_grad()
def fit_panel(
    axis: Any, picture: NDArray[np.uint8], pose: Pose, keypoints: torch.Tensor, body: Body
) -> None:
    """Draw the first body of a pose over a picture (S, S, 3) of the crop: marked points as rings,
    with a line to where the body has them.

    Args:
        keypoints: (24, 3) in [-1, 1], and a confidence; what is not marked is left out.
    """
    out = body(pose.rotmats[:1], pose.betas[:1])
    vertices = (out.vertices + pose.translation[:1, None])[0].numpy()
    side = picture.shape[0]
    found = (image_points(out.keypoints3d, pose.translation[:1])[0] / CROP + 0.5) * side
    marked = (keypoints[:, :2] / 2 + 0.5) * side
    sure = keypoints[:, 2] > 0
    axis.imshow(overlay(picture, vertices, body, BLUE))
    for a, b in zip(found[sure].tolist(), marked[sure].tolist(), strict=True):
        axis.plot(*zip(a, b, strict=True), color=VERMILION, linewidth=1.6)
    axis.plot(*marked[sure].T, "o", color=VERMILION, markersize=4.5, fillstyle="none")
    axis.set(xlim=(-0.5, side - 0.5), ylim=(side - 0.5, -0.5))
    axis.set_axis_off()


def fit_sheet(
    picture: NDArray[np.uint8], moments: Sequence[Moment], keypoints: torch.Tensor, body: Body
) -> Any:
    """A figure: the fit at each of some moments, above as the camera sees it, below from the side."""
    from matplotlib.figure import Figure  # without pyplot: nothing to close, no window

    figure = Figure(figsize=(3.0 * len(moments), 6.8))
    above, below = figure.subplots(2, len(moments), squeeze=False)
    for top, bottom, moment in zip(above, below, moments, strict=True):
        fit_panel(top, picture, moment.pose, keypoints, body)
        top.set_title(title_of(moment), fontsize=10)
        with torch.no_grad():
            out = body(moment.pose.rotmats[:1], moment.pose.betas[:1])
        vertices = (out.vertices + moment.pose.translation[:1, None])[0].numpy()
        bottom.imshow(side_view(vertices, body, picture.shape[0]))
        bottom.set_axis_off()
    below[0].set_title("from the side", fontsize=10)
    figure.tight_layout(pad=0.6, h_pad=1.6)
    return figure


def fit_frames(
    picture: NDArray[np.uint8], moments: Sequence[Moment], keypoints: torch.Tensor, body: Body
) -> list[NDArray[np.uint8]]:
    """The same as the frames (H, W, 3) of a film, one a moment."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    frames = []
    for moment in moments:
        figure = Figure(figsize=(4.0, 4.3), dpi=100)
        canvas = FigureCanvasAgg(figure)
        axis = figure.subplots()
        fit_panel(axis, picture, moment.pose, keypoints, body)
        axis.set_title(title_of(moment), fontsize=11)
        figure.tight_layout(pad=0.4)
        canvas.draw()
        frames.append(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    return frames
