"""Pictures of a motion critic: what it scores, and at which moments of a clip it looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from rsclib.body import Body
from rsclib.geometry import axis_angle_to_rotmat
from rsclib.skeleton import J14_BONES
from rsclib.viz.meshes import BLUE, VERMILION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.floating[Any]]
MARKS = ((BLUE, "o"), (VERMILION, "s"))


def figures_of(poses: torch.Tensor, body: Body) -> Floats:
    """What a critic reads, as skeletons (T, 14, 3): poses (T, 69) on the mean body, upright and facing the
    camera, metres from the middle of the hips, camera axes."""
    turns = torch.cat([torch.zeros(len(poses), 3), poses.detach().cpu()], 1).reshape(-1, 24, 3)
    where = body.fast_template.device
    with torch.inference_mode():
        rotmats = axis_angle_to_rotmat(turns).to(where)
        joints = body.joints(rotmats, torch.zeros(len(poses), 10, device=where)).joints14
    joints = joints.cpu() * torch.tensor([1.0, -1.0, -1.0])
    return (joints - joints[:, 2:4].mean(1, keepdim=True)).numpy()


def score_plot(scores: Mapping[str, Mapping[str, float]]) -> Figure:
    """A figure: a row a kind of film, a mark a critic.

    Args:
        scores: by critic, of each kind the mean score.
    """
    import matplotlib.pyplot as plt

    kinds = list(next(iter(scores.values())))
    figure, axis = plt.subplots(figsize=(8.6, 0.4 * len(kinds) + 1.0), layout="constrained")
    for place, words in ((0, "made up"), (1, "real")):
        axis.axvline(place, color="0.7", linewidth=1)
        axis.annotate(
            words, (place, 1.01), xycoords=("data", "axes fraction"), ha="center", fontsize=9
        )
    for (name, values), (colour, mark) in zip(scores.items(), MARKS, strict=False):
        axis.plot([values[k] for k in kinds], range(len(kinds)), mark, color=colour, label=name,
                  markersize=8)  # fmt: skip
    axis.set_yticks(range(len(kinds)), kinds)
    axis.invert_yaxis()
    axis.set(xlabel="score", xlim=(-0.4, 1.7))
    axis.grid(axis="y", color="0.92")
    axis.legend(frameon=False, fontsize=9, loc="lower left")
    return figure


def training(curves: Mapping[str, Sequence[tuple[float, float, float]]], steps: int) -> Figure:
    """A figure: scores of held-out films while critics learn, a panel a critic.

    Args:
        curves: of each, (step, score of real, score of made-up films).
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9.2, 2.7), layout="constrained", sharey=True)
    for axis, (name, points) in zip(axes, curves.items(), strict=False):
        at = np.array(points)
        for k, words, (colour, mark) in zip((1, 2), ("real", "made up"), MARKS, strict=True):
            axis.plot(at[:, 0], at[:, k], f"{mark}-", color=colour, label=words, markersize=4)
        axis.axhline(1, color="0.7", linewidth=1)
        axis.axhline(0, color="0.7", linewidth=1)
        axis.set(title=name, xlabel="step", xlim=(0, steps), ylim=(-0.4, 1.7))
    axes[0].set_ylabel("score")
    axes[0].legend(frameon=False, fontsize=9)
    return figure


def attention_strip(
    joints: Floats, weights: Mapping[str, Floats], struck: int | None = None
) -> Figure:
    """A figure: the skeletons of a clip in a row, and under them a band a critic, light where it looks.

    Args:
        joints: (T, 14, 3) as of :func:`figures_of`. weights: (T,) by critic, of sum 1.
        struck: a frame that is marked.
    """
    import matplotlib.pyplot as plt

    count, top = len(joints), max(float(w.max()) for w in weights.values())
    figure, axes = plt.subplots(
        1 + len(weights), 1, figsize=(9.4, 1.9 + 0.55 * len(weights)), layout="constrained",
        height_ratios=[3.4] + [1.0] * len(weights), sharex=True,
    )  # fmt: skip
    for t in range(count):
        for a, b in J14_BONES:
            pair = joints[t][[a, b]]
            axes[0].plot(t + 1.6 * pair[:, 0], -pair[:, 1],
                         color=VERMILION if t == struck else "black", linewidth=1.6)  # fmt: skip
    axes[0].set_xlim(-0.6, count - 0.4)
    axes[0].axis("off")
    for axis, (name, values) in zip(axes[1:], weights.items(), strict=True):
        axis.imshow(values[None], cmap="cividis", vmin=0, vmax=top, aspect="auto")
        for t, value in enumerate(values):
            axis.text(t, 0, f"{100 * value:.0f}", ha="center", va="center", fontsize=8,
                      color="white" if value < 0.6 * top else "black")  # fmt: skip
        axis.set(yticks=[], xticks=[])
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    return figure
