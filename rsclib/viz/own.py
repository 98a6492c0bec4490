"""Pictures of lesson 23: a crowd with boxes, what a tighter box does, how a look can go wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from rsclib.body import Body
from rsclib.crops import cut
from rsclib.doubts import disagreement
from rsclib.files.photos import Pixels
from rsclib.metrics import mpjpe
from rsclib.pictured import Person
from rsclib.predictor import NetPredictor
from rsclib.viz.meshes import BLUE, GREY, VERMILION, enlarged, mesh_of, overlay, side_view
from rsclib.viz.overlays import COLOURS
from rsclib.viz.people import crowd, street

# Person of test-wild -> column and row of her square's corner, and its side, in a street twice as large.
STREET = {
    38: (60, 150, 120), 30: (250, 160, 128), 69: (480, 172, 64), 187: (600, 165, 40), 83: (700, 150, 110),
    164: (900, 165, 80),
}  # fmt: skip
_BATCH = 64


def crowded_street(
    data: Mapping[str, NDArray[Any]], spots: Mapping[int, tuple[int, int, int]] | None = None
) -> tuple[Pixels, NDArray[np.float64]]:
    """A street (300, 1024, 3) with rendered people of ``test-wild`` in it, and their tight boxes
    (N, 4), x y width height, which their masks give.

    Args:
        data: the part. spots: by person; None: :data:`STREET`.
    """
    shot = np.asarray(Image.fromarray(street()).resize((1024, 300), Image.Resampling.BICUBIC))
    boxes = []
    for person, (x, y, side) in (STREET if spots is None else spots).items():
        shot = crowd(shot, data, {person: (x, y)}, side)
        rows, columns = np.nonzero(np.unpackbits(data["mask"][person], axis=1))
        low, high = np.array([columns.min(), rows.min()]), np.array([columns.max(), rows.max()]) + 1
        scale = side / data["images"].shape[1]
        boxes.append([*(np.array([x, y]) + low * scale), *((high - low) * scale)])
    return shot, np.array(boxes)


def squares_figure(pixels: Pixels, people: Sequence[Person]) -> Any:
    """A figure: the picture, each person's tight box dotted and the square around it drawn, with its
    size in pixels and its range."""
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    figure, axis = plt.subplots(figsize=(9.4, 9.4 * pixels.shape[0] / pixels.shape[1]))
    axis.imshow(pixels)
    for number, p in enumerate(people):
        colour = COLOURS[number % len(COLOURS)]
        for (x, y, w, h), line in ((p.box, ":"), ((*p.square, p.square[2]), "-")):
            box = Rectangle((x, y), w, h, fill=False, color=colour, linewidth=1.6, linestyle=line)
            axis.add_patch(box)
        words = f"{number}: {p.native} px\nrange {p.range_index}"
        at = p.square[0] + p.square[2] / 2, p.square[1] - 3
        back = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.0}
        axis.text(*at, words, ha="center", va="bottom", fontsize=9, bbox=back)
    axis.set_axis_off()
    figure.tight_layout(pad=0)
    return figure


def tightened(images: NDArray[np.uint8], factor: float) -> Tensor:
    """Squares (N, 3, S, S) cut out of images (N, S, S, 3) with ``factor`` times their side, about
    their middle, at the same size; beyond the edge its pixels are repeated."""
    size = images.shape[1]
    side = size * factor
    place = ((size - side) / 2, (size - side) / 2, side)
    return torch.from_numpy(np.stack([cut(i, place, size) for i in images])).permute(0, 3, 1, 2)


def joints_at(predictor: NetPredictor, images: Tensor, size: int) -> Tensor:
    """Evaluation joints (N, 14, 3), metres, of many images, a few at a time."""
    return torch.cat([predictor.joints14(part, size) for part in images.split(_BATCH)])


def movement(
    predictor: NetPredictor, images: NDArray[np.uint8], factors: Sequence[float], size: int
) -> NDArray[np.float64]:
    """How far each person's joints move (F, N), mm, when the square is ``factors`` times as large."""
    plain = joints_at(predictor, tightened(images, 1.0), size)
    moved = [joints_at(predictor, tightened(images, f), size) for f in factors]
    return np.array([mpjpe(joints, plain, root=None).numpy() for joints in moved])


def movement_figure(factors: Sequence[float], moved: NDArray[np.float64], guess: float) -> Any:
    """A figure: median, and the range of the middle 80 %, of (F, N) movements in mm over the square's
    size; a guess at 4 % tighter."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7.2, 3.4))
    change = 100 * (np.asarray(factors) - 1)
    low, middle, high = np.quantile(moved, (0.1, 0.5, 0.9), axis=1)
    axis.fill_between(change, low, high, color=BLUE, alpha=0.2, label="the middle 80 %")
    axis.plot(change, middle, "o-", color=BLUE, label="median person")
    changed = change != 0
    axis.plot(change[changed], moved.max(1)[changed], "^", color=VERMILION, label="who moves most")
    axis.plot([-4], [guess], "*", color="black", markersize=12, label="your guess")
    axis.axvline(0, color=GREY, linewidth=1)
    axis.set(xlabel="square larger by (%)", ylabel="joints move by (mm)", ylim=(0, None))
    axis.legend(frameon=False, fontsize=9)
    figure.tight_layout()
    return figure


def jumpers(moved: NDArray[np.float64], count: int = 1) -> list[int]:
    """Who moves most, of movements (N,), the first first."""
    return [int(k) for k in np.argsort(-moved)[:count]]


def side_by_side(
    views: Mapping[str, tuple[Pixels, NDArray[np.float32]]], body: Body, wide: float = 2.1
) -> Any:
    """A figure, a column a view: the crop, the mesh over it, the mesh from the side.

    Args:
        views: by title, crop (S, S, 3) and vertices (6890, 3) before its camera, metres.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        3, len(views), figsize=(wide * len(views), 3.05 * wide), squeeze=False
    )
    for column, (title, (pixels, vertices)) in zip(axes.T, views.items(), strict=True):
        large = enlarged(pixels, 256)
        pictures = (large, overlay(large, vertices, body), side_view(vertices, body, 256))
        for axis, picture in zip(column, pictures, strict=True):
            axis.imshow(picture)
            axis.set_xticks([])
            axis.set_yticks([])
        column[0].set_title(title, fontsize=9)
    for axis, name in zip(axes[:, 0], ("what it sees", "its guess", "from the side"), strict=True):
        axis.set_ylabel(name, fontsize=9)
    figure.tight_layout(pad=0.4)
    return figure


def as_view(person: Person) -> tuple[Pixels, NDArray[np.float32]]:
    """What :func:`side_by_side` shows of a person."""
    return person.cut, (person.vertices + person.translation).astype(np.float32)


def views_of(
    predictor: NetPredictor, images: Mapping[str, Tensor], size: int
) -> dict[str, tuple[Pixels, NDArray[np.float32]]]:
    """The same of squares (1, 3, S, S), by title, each a sharp look and its mesh."""
    found = {}
    for title, image in images.items():
        prediction = predictor.at(image, size)
        found[title] = image[0].permute(1, 2, 0).numpy(), mesh_of(prediction, predictor.body)
    return found


def two_looks(
    predictor: NetPredictor, images: Tensor, size: int
) -> tuple[Tensor, Tensor, NDArray[np.float64]]:
    """Joints (N, 14, 3) of images and of their mirror images (not brought back), metres, and how far
    apart the two are, (N,) mm."""
    straight, mirrored = (joints_at(predictor, view, size) for view in (images, images.flip(3)))
    return straight, mirrored, disagreement(straight, mirrored).numpy()


def agreement_figure(apart: NDArray[np.float64], errors: NDArray[np.float64], limit: float) -> Any:
    """A figure: error over mirrored disagreement, a point a person; beyond ``limit`` it is "unsure"."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7.2, 3.4))
    for said, marker, colour in ((False, "o", BLUE), (True, "^", VERMILION)):
        here = (apart > limit) == said
        label = f"{'unsure' if said else 'nothing said'}: {here.sum()} people"
        axis.plot(
            apart[here], errors[here], marker, color=colour, alpha=0.6, markersize=5, label=label
        )
    axis.axvline(limit, color="black", linewidth=1, linestyle=":")
    axis.set(xlabel="picture and mirror image apart by (mm)", ylabel="error (mm)", ylim=(0, None))
    axis.legend(frameon=False, fontsize=9)
    figure.tight_layout()
    return figure


def spoilt_views(cutout: Pixels, other: Pixels) -> dict[str, Pixels]:
    """One square (S, S, 3) in ways that people's own photographs are unlike the benchmark's.

    Args:
        other: a square of somebody else, who comes into the picture.
    """
    size = len(cutout)
    half = Image.fromarray(cutout[: size // 2, size // 4 : 3 * size // 4])
    small = Image.fromarray(cutout).resize((size // 3, size // 3), Image.Resampling.BICUBIC)
    far = np.asarray(Image.fromarray(cutout).resize((8, 8)).resize((size, size))).copy()
    start = size // 3
    far[start : start + size // 3, start : start + size // 3] = np.asarray(small)
    together = np.concatenate(
        [cutout[:, size // 4 : 3 * size // 4], other[:, size // 4 : 3 * size // 4]], 1
    )
    return {
        "as it is": cutout,
        "legs cut off": np.asarray(half.resize((size, size), Image.Resampling.BICUBIC)),
        "far too wide a box": far,
        "upside down": cutout[::-1, ::-1].copy(),
        "two in a box": together,
        "nearly black": (cutout * 0.05).astype(np.uint8),
    }
