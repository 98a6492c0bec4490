"""The bodies of the people in one picture, and where in the picture they are.

Each person is cut out as a square, whose size in pixels of the picture picks the row of alpha, and looked
at twice: as it is and mirrored. How far the two answers are apart is how sure they are. The body is that of
one look, or the mean of several (:mod:`rsclib.looks`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from rsclib import crops
from rsclib.doubts import body_doubts, disagreement, picture_doubts
from rsclib.errors import RscError
from rsclib.files.photos import MAX_PIXELS, Photo, Pixels, crop, square
from rsclib.geometry import CROP, FOCAL, before_one_camera, cam_to_translation, project
from rsclib.looks import Looks, look_at
from rsclib.network import Prediction
from rsclib.predictor import NetPredictor
from rsclib.tracks import Boxes

# Millimetres between the poses of a picture and of its mirror image from which on a prediction is
# called unsure: chosen by benchmarks/unsure.py, results/open/unsure.csv.
UNSURE_MM = 95.0
Floats = NDArray[np.float32]
Detector = Callable[[Pixels], Boxes]  # a picture (H, W, 3) -> boxes (N, 4), x y width height, tight


@dataclass(frozen=True)
class Where:
    """Where the people of a picture are. ``box``: of one person, x, y, width, height with a margin;
    ``boxes``: what gives tight boxes, a table's or a detector's, of which each becomes a square,
    ``margin`` times as large as the box's longer side. Neither: one person fills the picture."""

    box: tuple[float, ...] | None = None
    boxes: Detector | None = None
    margin: float = crops.MARGIN


class Person(NamedTuple):
    """What was seen and what it is taken for.

    ``box`` x, y, width, height as given (the picture's where there was none); ``square`` left, top,
    side of what was cut out of the picture, pixels; ``cut`` (S, S, 3) as the network saw it;
    ``native`` and ``range_index`` its size in pixels and row of alpha; ``prediction`` of one row;
    ``vertices`` (6890, 3), ``joints24`` (24, 3) and ``pelvis`` (1, 3), metres, camera axes, about the
    body's origin; ``joints14`` (14, 3) about the pelvis; ``unsure_mm`` how far away the
    mirrored picture's pose is; ``doubts`` sentences.
    """

    box: tuple[float, ...]
    square: tuple[float, ...]
    cut: Pixels
    native: int
    range_index: int
    prediction: Prediction
    vertices: Floats
    joints24: Floats
    joints14: Floats
    pelvis: Floats
    unsure_mm: float
    doubts: list[str]

    @property
    def focal(self) -> float:
        """The focal length of the square's camera, pixels of the picture."""
        return FOCAL * self.square[2] / CROP

    @property
    def centre(self) -> tuple[float, float]:
        """Its principal point, the square's centre, pixels of the picture."""
        left, top, side = self.square
        return left + side / 2, top + side / 2

    @property
    def translation(self) -> NDArray[np.float64]:
        """The body's origin before this camera, delta (3,), metres."""
        return cam_to_translation(self.prediction.cam)[0].double().numpy()

    def in_picture(self, points: Floats) -> NDArray[np.float64]:
        """Pixels (N, 2) of points (N, 3) about the body's origin, metres."""
        placed = points.astype(np.float64) + self.translation  # X + delta
        return placed[:, :2] / placed[:, 2:] * self.focal + np.array(self.centre)  # Eq. 3

    def standing(self, width: int, height: int) -> NDArray[np.float64]:
        """The body's origin (3,) before one camera for the whole picture, metres."""
        cam, squares = self.prediction.cam.numpy(), np.array([self.square])
        return before_one_camera(cam, squares, width, height)[0]


def people_in(
    photo: Photo, predictor: NetPredictor, where: Where | None = None, looks: Looks = 1
) -> list[Person]:
    """Find the bodies of the people in a picture, in the order of their boxes.

    Args:
        looks: the body is the mean of so many: :mod:`rsclib.looks`.

    Raises:
        RscError: a box is of no use, there is none, or the network's output is not finite.
    """
    where = where or Where()
    return [
        _person(photo.pixels, cut, native, box, square_, doubts, predictor, looks)
        for cut, native, box, square_, doubts in _cuts(photo, where, predictor.ranges.full)
    ]


_Cut = tuple[Pixels, int, Sequence[float], Sequence[float], list[str]]


def _cuts(photo: Photo, where: Where, size: int) -> Iterator[_Cut]:
    """Squares, their sizes, boxes, places, and what is wrong with them."""
    pixels, alpha = photo
    if where.boxes is None:
        cut, native = crop(pixels, where.box, size)
        box = where.box or (0.0, 0.0, *map(float, pixels.shape[1::-1]))
        yield (
            cut,
            native,
            box,
            square(pixels.shape, where.box),
            picture_doubts(cut, alpha, where.box),
        )
        return
    boxes = where.boxes(pixels)
    if not len(boxes):
        raise RscError("nobody was found in it; say where somebody is with --box")
    squares = crops.squares_of(boxes, where.margin)
    if (squares[:, 2] ** 2 > MAX_PIXELS).any():
        raise RscError("a box is too large: its square has more pixels than an image may have")
    edge = np.array([pixels.shape[1], pixels.shape[0]])
    for box, place in zip(boxes, squares, strict=True):
        low, high = box[:2].clip(0, edge), (box[:2] + box[2:]).clip(0, edge)
        if (high - low < 1).any():
            raise RscError("a box lies outside the image, which has {} x {} pixels".format(*edge))
        cut = crops.cut(pixels, place.tolist(), size)
        doubts = picture_doubts(cut, alpha, (*low, *(high - low)))
        yield cut, max(1, round(float(place[2]))), box.tolist(), place.tolist(), doubts


def _person(
    pixels: Pixels, cut: Pixels, native: int, box: Sequence[float], place: Sequence[float],
    doubts: list[str], predictor: NetPredictor, looks: Looks,
) -> Person:  # fmt: skip
    taken, straight, mirrored = look_at(pixels, place, cut, native, predictor, looks)
    body = predictor.body
    with torch.inference_mode():
        out = body(taken.rotmats, taken.betas)
        both = [body.joints(p.rotmats, p.betas).joints14 for p in (straight, mirrored)]
        apart = float(disagreement(*both)[0])
        points = project(out.joints24, taken.cam)
    doubts = doubts or body_doubts(points.cpu())
    if apart > UNSURE_MM:
        doubts = [*doubts, f"unsure: the mirrored picture gives a pose {apart:.0f} mm away"]
    assert out.vertices is not None
    vertices, joints24, joints14, pelvis = (
        value[0].cpu().numpy() for value in (out.vertices, out.joints24, out.joints14, out.pelvis)
    )
    return Person(
        box=tuple(map(float, box)), square=tuple(map(float, place)), cut=cut, native=native,
        range_index=int(predictor.ranges.index(native)),
        prediction=Prediction(*(v.cpu() for v in taken)), vertices=vertices, joints24=joints24,
        joints14=joints14, pelvis=pelvis, unsure_mm=apart, doubts=doubts,
    )  # fmt: skip
