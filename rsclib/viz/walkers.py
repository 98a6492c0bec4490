"""Pedestrians of a clip on the reader's own machine, each frame by itself and over time.

What is drawn here are frames of a clip that may not be published with this project
(:mod:`rsclib.street`): a notebook shows them to who fetched the clip, and is committed without.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from rsclib.crops import crops, native_of, squares_of
from rsclib.errors import RscError
from rsclib.files.photos import Pixels
from rsclib.files.video import Video, open_video
from rsclib.metrics import acceleration, centre
from rsclib.network import Prediction
from rsclib.predictor import BATCH, NetPredictor, VideoPredictor
from rsclib.skeleton import MIDHIP
from rsclib.tracks import Frames, track
from rsclib.viz.meshes import BLUE, VERMILION, enlarged, mesh_of, overlay

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWN = 256  # pixels of a side of a picture


@dataclass(frozen=True)
class Beginning:
    """The first ``count`` frames of a video."""

    video: Video
    count: int

    def __iter__(self) -> Iterator[Pixels]:
        return itertools.islice(iter(self.video), self.count)


class Walker(NamedTuple):
    """One person: ``frames`` (T,); ``images`` (T, 3, S, S) uint8 cut out at native size; the bodies that
    each frame by itself and the temporal module give at the small size."""

    person: int
    native: int
    frames: NDArray[np.int64]
    images: torch.Tensor
    alone: Prediction
    over_time: Prediction


def walkers(
    clip: Path, predictor: VideoPredictor, size: int = 32, people: int = 2, frames: int = 240
) -> list[Walker]:
    """The people who are longest to be seen in the first ``frames`` frames, shrunk to ``size`` pixels.

    Raises:
        RscError: the clip cannot be read, or nobody walks there.
    """
    video = open_video(clip)
    beginning: Frames = Beginning(video, min(frames, video.count))
    tracks = sorted(track(beginning), key=lambda one: -len(one.frames))[:people]
    if not tracks:
        raise RscError(f"nobody was found in the first {frames} frames of {clip.name}")
    squares, side = [squares_of(one.boxes) for one in tracks], predictor.ranges.full
    cut = [np.empty((len(one.frames), side, side, 3), np.uint8) for one in tracks]
    for crop in crops(beginning, tracks, squares, side):
        cut[crop.track][crop.row] = crop.pixels
    return [
        _seen(one.person, native_of(square), one.frames, pixels, predictor, size)
        for one, square, pixels in zip(tracks, squares, cut, strict=True)
    ]


def from_frames(images: torch.Tensor, predictor: VideoPredictor, size: int = 32) -> list[Walker]:
    """The one person of a video of the open benchmark, (T, 3, S, S) uint8, in the same form."""
    pixels = images.permute(0, 2, 3, 1).numpy()
    return [_seen(0, images.shape[-1], np.arange(len(images)), pixels, predictor, size)]


def _seen(
    person: int, native: int, frames: NDArray[np.int64], pixels: Pixels, predictor: VideoPredictor,
    size: int,
) -> Walker:  # fmt: skip
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    parts = [predictor.frames.at(some, size) for some in images.split(BATCH)]
    alone = Prediction(*(torch.cat(values) for values in zip(*parts, strict=True)))
    return Walker(person, native, frames, images, alone, predictor.bodies(alone.phi))


def trembling(walker: Walker, predictor: NetPredictor) -> tuple[float, float]:
    """ACC of a person each frame by itself and over time, mm/frame²."""
    found = []
    for bodies in (walker.alone, walker.over_time):
        with torch.inference_mode():
            joints = predictor.body.joints(bodies.rotmats, bodies.betas).joints14.cpu()
        found.append(float(acceleration(centre(joints.double(), MIDHIP)).mean()))
    return found[0], found[1]


def walkers_sheet(
    found: Sequence[Walker], predictor: NetPredictor, columns: int = 6, step: int = 1
) -> Figure:
    """Frames in a row, for each person: cut out at native size, each frame by itself, and over time.

    Raises:
        RscError: a person is seen in fewer frames than are to be drawn.
    """
    if any(len(one.frames) < columns * step for one in found):
        raise RscError(f"a person is seen in fewer than {columns * step} frames")
    import matplotlib.pyplot as plt

    rows = [(one, name) for one in found for name in ("native", "per frame", "over time")]
    figure, axes = plt.subplots(
        len(rows), columns, figsize=(1.35 * columns, 1.42 * len(rows)), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for (one, name), line in zip(rows, axes, strict=True):
        first = (len(one.frames) - columns * step) // 2
        for axis, t in zip(line, range(first, first + columns * step, step), strict=True):
            picture = enlarged(one.images[t].permute(1, 2, 0).numpy(), DRAWN)
            if name != "native":
                bodies = one.alone if name == "per frame" else one.over_time
                body = Prediction(*(value[t : t + 1] for value in bodies))
                colour = VERMILION if name == "per frame" else BLUE
                picture = overlay(picture, mesh_of(body, predictor.body), predictor.body, colour)
            axis.imshow(picture)
            axis.set(xticks=[], yticks=[])
            if name == "native":
                axis.set_title(f"frame {one.frames[t]}", fontsize=8)
        words = f"person {one.person}\n{one.native} px" if name == "native" else f"{name}\n32 px"
        line[0].set_ylabel(words, fontsize=8)
    return figure
