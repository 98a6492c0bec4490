"""A person of the test: where a street camera would see them, what is true, what networks guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from rsclib.body import Body, BodyOutput
from rsclib.geometry import axis_angle_to_rotmat, cam_to_translation
from rsclib.network import Prediction
from rsclib.openbench.scenes import load_places
from rsclib.predictor import NetPredictor
from rsclib.resolution import degrade
from rsclib.skeleton import J14_BONES
from rsclib.viz.meshes import BLUE, GREY, VERMILION, enlarged, overlay, shaded

Arrays = Mapping[str, NDArray[Any]]
TURN = 45  # degrees: sideways errors and those in depth both show


def true_body(data: Arrays, person: int, body: Body) -> BodyOutput:
    """The body of one person of a test part, in camera axes."""
    pose = torch.from_numpy(data["pose"][person]).view(1, 24, 3)
    with torch.inference_mode():
        return body(axis_angle_to_rotmat(pose), torch.from_numpy(data["betas"][[person]]))


def heading(rotmats: torch.Tensor) -> float:
    """Where the first person of theta (B, 24, 3, 3) turns the front, degrees: 0 faces the camera,
    positive turns towards the right side of the picture, 180 shows the back."""
    x, _, z = rotmats[0, 0, :, 2].tolist()
    return float(np.degrees(np.arctan2(x, -z)))


def guess(
    predictor: NetPredictor, data: Arrays, person: int, size: int
) -> tuple[Prediction, BodyOutput]:
    """What a predictor makes of one person seen at ``size`` pixels, and the body that it means."""
    images = torch.from_numpy(data["images"][[person]]).permute(0, 3, 1, 2)
    prediction = predictor.at(images, size)
    with torch.inference_mode():
        found = predictor.body(prediction.rotmats, prediction.betas)
    return Prediction(*(v.cpu() for v in prediction)), BodyOutput(*(v.cpu() for v in found))


def about_pelvis(found: BodyOutput) -> NDArray[np.float32]:
    """Vertices (6890, 3) about the pelvis that the errors are measured from, metres."""
    assert found.vertices is not None
    return (found.vertices - found.pelvis)[0].numpy()


def street(panorama: str = "city") -> NDArray[np.uint8]:
    """The part of a shipped panorama that is neither sky nor feet, (150, 512, 3) uint8."""
    return load_places().panoramas[panorama][40:190].copy()


def crowd(
    background: NDArray[np.uint8],
    data: Arrays,
    spots: Mapping[int, tuple[int, int]],
    size: int = 32,
) -> NDArray[np.uint8]:
    """People cut out of their pictures and put into another, each from a crop of ``size`` pixels.

    Args:
        data: a test part with masks. spots: by person, column and row of the crop's top left.
    """
    shot = Image.fromarray(background)
    for person, spot in spots.items():
        mask = np.unpackbits(data["mask"][person], axis=1) * np.uint8(255)
        small, cover = (
            Image.fromarray(a).resize((size, size), Image.Resampling.BICUBIC)
            for a in (data["images"][person], mask)
        )
        shot.paste(small, spot, cover)
    return np.asarray(shot)


def _turned(points: NDArray[np.float32], turn: float) -> NDArray[np.float32]:
    """Points in camera axes, turned by ``turn`` degrees about the vertical."""
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    return (points @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])).astype(np.float32)


def error_lines(
    axis: Any, truth: BodyOutput, guessed: BodyOutput, body: Body, colour: Any, turn: float = 0.0
) -> None:
    """Draw the true mesh in grey, a guessed skeleton over it, and the error of each joint.

    Args:
        axis: of matplotlib; its units become metres.
        turn: degrees about the vertical; 0 looks as the camera does, 90 from the person's side.
    """
    half = 1.15
    near = torch.tensor([[1 / half, 0.0, 0.0]])
    vertices = _turned(about_pelvis(truth), turn) + cam_to_translation(near).numpy()
    mesh, cover = shaded(vertices, body.faces.numpy().astype(np.int32), 400, GREY)
    axis.imshow((1 - cover[..., None] + mesh).clip(0, 1), extent=(-half, half, half, -half))
    right = _turned(truth.joints14[0].numpy(), turn)
    wrong = _turned(guessed.joints14[0].numpy(), turn)
    for a, b in J14_BONES:
        axis.plot(*wrong[[a, b], :2].T, color=colour, linewidth=2.2)
    for here, there in zip(wrong, right, strict=True):
        axis.plot(*np.array([here, there])[:, :2].T, color="black", linewidth=1, linestyle=":")
    axis.scatter(*wrong[:, :2].T, color=[colour], s=12, zorder=3)
    axis.scatter(*right[:, :2].T, color="white", edgecolor="black", s=12, zorder=4)
    axis.set(xlim=(-0.85, 0.85), ylim=(half - 0.05, 0.05 - half))


def guesses(
    predictors: Mapping[str, NetPredictor],
    data: Arrays,
    views: Sequence[tuple[int, int]],
    body: Body,
    colours: Sequence[tuple[float, ...]] = (BLUE, VERMILION),
) -> Any:
    """A figure, a row per view: the input, then each guess over it and beside the truth.

    Args:
        predictors: by name. views: person and size in pixels. colours: of the predictors.
    """
    import matplotlib.pyplot as plt

    columns = 1 + 2 * len(predictors)
    wide = (1.75 * columns, 2.0 * len(views))
    figure, axes = plt.subplots(len(views), columns, figsize=wide, squeeze=False)
    for row, (person, size) in zip(axes, views, strict=True):
        images = torch.from_numpy(data["images"][[person]]).permute(0, 3, 1, 2)
        seen = enlarged(degrade(images, size)[0].permute(1, 2, 0).numpy())
        row[0].imshow(seen)
        row[0].set_title(f"person {person} at {size} px", fontsize=9)
        truth = true_body(data, person, body)
        for k, (name, predictor) in enumerate(predictors.items()):
            prediction, found = guess(predictor, data, person, size)
            assert found.vertices is not None
            vertices = (found.vertices + cam_to_translation(prediction.cam))[0].numpy()
            far = 1000 * (found.joints14 - truth.joints14)[0].norm(dim=-1).mean()
            row[1 + 2 * k].imshow(overlay(seen, vertices, body, colours[k]))
            row[1 + 2 * k].set_title(name, fontsize=9)
            error_lines(row[2 + 2 * k], truth, found, body, colours[k], TURN)
            row[2 + 2 * k].set_title(f"turned {TURN}\N{DEGREE SIGN}: {far:.0f} mm", fontsize=9)
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    figure.tight_layout(pad=0.3)
    return figure


def zoom(shot: NDArray[np.uint8], spot: tuple[int, int], size: int = 32) -> Any:
    """A figure: a wide shot, and in its sky what a crop of ``size`` pixels holds, pixel by pixel.

    Args:
        spot: column and row of the crop's top left.
    """
    import matplotlib.pyplot as plt

    height, width = shot.shape[:2]
    figure, axis = plt.subplots(figsize=(9.4, 9.4 * height / width))
    axis.imshow(shot, interpolation="bicubic")
    part = axis.inset_axes((0.015, 0.42, 0.55 * height / width, 0.55))
    part.imshow(shot, interpolation="nearest")
    part.set(xlim=(spot[0] - 0.5, spot[0] + size - 0.5), ylim=(spot[1] + size - 0.5, spot[1] - 0.5))
    axis.indicate_inset_zoom(part, edgecolor="black", alpha=1)
    for each in (axis, part):
        each.set_xticks([])
        each.set_yticks([])
    figure.tight_layout(pad=0)
    return figure
