"""Checks of 23_own_images."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from checks import array_of, expect, tensor_of
from rsclib.crops import squares_of
from rsclib.doubts import disagreement
from rsclib.geometry import CROP, FOCAL, cam_to_translation
from rsclib.skeleton import J14_BONES, J14_MIRROR

Array = NDArray[np.float64]
# x, y, width, height, margin: tall, wide, square, at an edge, without a margin.
_BOXES = [
    (100, 50, 40, 120, 1.2), (10, 200, 90, 30, 1.2), (33.5, 70.25, 64, 64, 1.5), (0, 0, 12, 31, 1.1),
    (250, 160, 50, 101, 1.0),
]  # fmt: skip


def check_square(answer: Callable[[Array, float], Any]) -> None:
    for *box, margin in _BOXES:
        given = np.array(box, float)
        kept = given.copy()
        got = array_of(answer(given, margin), (3,), "left, top, side")
        expect(np.array_equal(given, kept), "an argument was changed")
        want = squares_of(kept[None], margin)[0]
        x, y, w, h = kept
        side = want[2]
        expect(
            abs(got[2] - margin * min(w, h)) > 1e-6 or w == h,
            "the longer side counts, else limbs are cut",
        )
        expect(abs(got[2] - max(w, h)) > 1e-6 or margin == 1, "where is the margin?")
        expect(
            abs(got[2] - (2 * margin - 1) * max(w, h)) > 1e-6 or margin == 1,
            "margin times the longer side, in all: not so much more on either side",
        )
        expect(abs(got[2] - side) < 1e-6, "the side is off: margin times the longer side")
        expect(
            np.abs(got[:2] - [x + w / 2, y + h / 2]).max() > 1e-6,
            "that is the centre: the corner lies half a side to the left of and above it",
        )
        expect(
            np.abs(got[:2] - [x, y]).max() > 1e-6 or np.abs(want[:2] - [x, y]).max() < 1e-6,
            "the square shares the box's centre, not its corner",
        )
        expect(np.abs(got - want).max() < 1e-6, "left and top are off: start from the box's centre")


def _camera_cases() -> list[tuple[torch.Tensor, torch.Tensor, Array]]:
    draw = torch.Generator().manual_seed(4)
    squares = [(0, 0, 224), (300.5, 80.25, 130), (-20, 400, 900), (12, 7, 32)]
    return [
        (
            torch.randn(9, 3, generator=draw) * 0.4,
            torch.tensor([0.7 + 0.1 * k, 0.05 * k, -0.04 * k]),
            np.array(square, float),
        )
        for k, square in enumerate(squares)
    ]


def check_pixels(answer: Callable[..., Any]) -> None:
    for points, cam, square in _camera_cases():
        kept = points.clone()
        got = array_of(answer(points, cam, square), (9, 2), "a pixel for every point")
        expect(torch.equal(points, kept), "an argument was changed")
        left, top, side = square
        placed = (points + cam_to_translation(cam[None])).double().numpy()
        in_square = placed[:, :2] / placed[:, 2:] * FOCAL / CROP  # of the side, from the centre
        want = in_square * side + [left + side / 2, top + side / 2]
        flat = float(cam[0]) * (points[:, :2] + cam[1:]).double().numpy() / 2
        mistakes = [
            (in_square * 2, "that is Eq. 3 in [-1, 1]: now bring it to pixels of the picture"),
            (in_square * side + side / 2, "that is a pixel of the square: where does the square begin?"),
            (in_square * side + [left, top], "0, 0 of the camera is the middle of the square"),
            (in_square * CROP + [left + side / 2, top + side / 2], "one side of the square is not 224 px here"),
            (flat * side + [left + side / 2, top + side / 2], "that has no perspective: divide by each point's own depth"),
        ]  # fmt: skip
        if np.abs(got - want).max() < 1e-2:
            continue
        for wrong, hint in mistakes:
            expect(np.abs(got - wrong).max() > 1e-2, hint)
        expect(False, "off: add delta first, then divide by depth, then scale by the focal length")


@cache
def standing() -> torch.Tensor:
    """Joints (14, 3) of somebody who stands with arms out, metres, camera axes, pelvis at the origin; as
    symmetric as joints can be."""
    from rsclib.body import load_body

    body = load_body()
    with torch.inference_mode():
        turn = torch.eye(3).repeat(1, 24, 1, 1)
        turn[:, 0] = torch.diag(torch.tensor([1.0, -1.0, -1.0]))  # y down, facing the camera
        found = body.joints(turn, torch.zeros(1, 10)).joints14
    mirrored = found[:, list(J14_MIRROR)] * torch.tensor([-1.0, 1.0, 1.0])
    return ((found + mirrored) / 2)[0].clone()


@cache
def _pictures() -> torch.Tensor:
    """Ten pictures, from dark to bright, each brighter on one side."""
    draw = torch.Generator().manual_seed(6)
    levels = torch.linspace(30, 200, 10).view(10, 1, 1, 1)
    noise = torch.randint(-25, 26, (10, 3, 64, 64), generator=draw)
    slope = torch.linspace(-20, 20, 64) * torch.tensor([1.0, -1.0]).repeat(5).view(10, 1, 1, 1)
    return (levels + noise + slope).clamp(0, 255).to(torch.uint8)


def _bones(joints: torch.Tensor) -> torch.Tensor:
    a, b = torch.tensor(J14_BONES).T
    return (joints[..., a, :] - joints[..., b, :]).norm(dim=-1)


def check_liar(answer: Callable[..., Any]) -> None:
    images, base = _pictures(), standing()
    kept, before = images.clone(), base.clone()
    shape = (len(images), 14, 3)
    straight, mirrored = (
        tensor_of(answer(view, base), shape, "joints for every picture").float()
        for view in (images, images.flip(3))
    )
    expect(torch.equal(images, kept) and torch.equal(base, before), "an argument was changed")
    expect(
        (_bones(straight) - _bones(base)).abs().max() < 1e-3,
        "her bones have other lengths than in standing: turn her, do not stretch her",
    )
    pairs = 1000 * (straight[:, None] - straight[None]).norm(dim=-1).mean(-1)
    expect(
        pairs.sum() / (len(images) * (len(images) - 1)) > 100,
        "different pictures get nearly the same answer: nobody believes that you looked at them",
    )
    worst = float(disagreement(straight, mirrored).max())
    expect(
        worst < 10,
        f"you were caught: one picture and its mirror image are {worst:.0f} mm apart. Which turns of a "
        "body look the same in a mirror, and what in a picture stays as it is?",
    )
