"""Table 2: does the mesh cover the person, and its limbs the person's limbs? Pixels, not joints.

The predicted mesh is drawn over the image by the fast rasteriser and compared with rendered truth:
the silhouette (background, person), and background with six parts; :mod:`rsclib.pixels` makes
accuracy and F1 of it. The truth wears clothes and hair, the mesh does not, so nobody reaches 100 %.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from rsclib.body import Body
from rsclib.errors import RscError
from rsclib.geometry import cam_to_translation
from rsclib.network import Prediction
from rsclib.openbench.build import fetch
from rsclib.pixels import METRICS, Segmentation, accuracy, confusion, f1, over_clips
from rsclib.predictor import NetPredictor
from rsclib.render.rasterize import rasterize
from rsclib.resolution import PRESETS
from rsclib.skeleton import SMPL_NAMES

__all__ = [
    "CLASSES", "METRICS", "SIX_PARTS", "Keeping", "Segmentation", "accuracy", "confusion", "f1",
    "over_clips", "part_map", "segment", "segmentation_scores", "six_part", "true_maps",
]  # fmt: skip

SIX_PARTS = ("head", "torso", "left arm", "right arm", "left leg", "right leg")
BATCH = 32


def six_part(joint: str) -> int:
    """The class, 1 to 6, of what a joint of SMPL's skeleton moves (0 is the background)."""
    side, _, limb = joint.partition("_")
    if limb in ("shoulder", "elbow", "wrist", "hand"):
        return 1 + SIX_PARTS.index(f"{side} arm")
    if limb in ("hip", "knee", "ankle", "foot"):
        return 1 + SIX_PARTS.index(f"{side} leg")
    return 1 + SIX_PARTS.index("head" if joint in ("neck", "head") else "torso")


# Class of 0, the background, and of 1 + joint, the renderer's numbers.
CLASSES = torch.tensor([0, *(six_part(name) for name in SMPL_NAMES)])


def part_map(prediction: Prediction, body: Body, size: int) -> Tensor:
    """The predicted meshes as maps (B, S, S) of classes 0 to 6, S = ``size`` pixels.

    A face is of the part of its first corner, as in the rendered truth.
    """
    vertices = body(prediction.rotmats, prediction.betas).vertices
    assert vertices is not None
    placed = vertices + cam_to_translation(prediction.cam)[:, None]
    faces = rasterize(placed, body.faces, size).pix_to_face[..., 0]
    of_face = CLASSES.to(faces.device)[1 + body.part_of_vertex[body.faces[:, 0]]]
    return torch.where(faces >= 0, of_face[faces % len(of_face)], 0)


def true_maps(part: str, count: int | None, side: int) -> tuple[Tensor, Tensor, np.ndarray]:
    """Rendered truth of a test part: silhouettes (N, S, S) of 0 and 1, parts (N, S, S) of 0 to 6, and
    clips (N,).

    Raises:
        RscError: the part has no masks.
    """
    data = fetch(part, count, side, keys=("mask", "parts", "clip"))
    if "mask" not in data:
        raise RscError(f"{part} has no masks to compare with; choose a test part")
    masks = torch.from_numpy(np.unpackbits(data["mask"], axis=2, count=side))
    return masks, CLASSES[torch.from_numpy(data["parts"]).long()], data["clip"]


def segment(
    predictions: Iterable[Prediction], body: Body, part: str, size: int, count: int | None = None,
    side: int = PRESETS["edu"].full,
) -> Segmentation:  # fmt: skip
    """Draw what was predicted for the images of a test part, in batches and in order, and count pixels.

    Args:
        size: that the images were shrunk to, px. count: only the first so many people; None: all.
        side: of the maps, px.

    Raises:
        RscError: the part has no masks, or another number of people was predicted.
    """
    masks, parts, clip = true_maps(part, count, side)
    whole, six, done = [np.empty((0, 2, 2), np.int64)], [np.empty((0, 7, 7), np.int64)], 0
    with tqdm(total=len(clip), desc=f"segment {part}", leave=False) as bar:
        for prediction in predictions:
            rows = slice(done, done + len(prediction.betas))
            done = rows.stop
            if done > len(clip):
                break
            with torch.inference_mode():
                found = part_map(prediction, body, side).cpu()
            whole.append(confusion(masks[rows], (found > 0).long(), 2))
            six.append(confusion(parts[rows], found, 1 + len(SIX_PARTS)))
            bar.update(len(prediction.betas))
    if done != len(clip):
        raise RscError(f"{part} has {len(clip)} people, not {done} or more")
    return Segmentation(part, size, clip, np.concatenate(whole), np.concatenate(six))


class Keeping:
    """A predictor that keeps the bodies that it found at one size: their joints are scored, and then
    their pixels are counted without a second look at the pictures."""

    def __init__(self, predictor: NetPredictor, size: int) -> None:
        self.predictor, self.size = predictor, size
        self.kept: list[Prediction] = []

    def joints14(self, images: Tensor, size: int) -> Tensor:
        """See :class:`rsclib.predictor.Predictor`."""
        prediction = self.predictor.at(images, size)
        if size == self.size:
            self.kept.append(prediction)
        with torch.inference_mode():
            joints = self.predictor.body.joints(prediction.rotmats, prediction.betas)
        return joints.joints14.cpu()


def segmentation_scores(
    predictor: NetPredictor, part: str = "test-wild", size: int = PRESETS["edu"].midpoints[-1],
    count: int | None = None,
) -> Segmentation:  # fmt: skip
    """Look at every image of a test part, shrunk to ``size`` px, draw what is predicted and count pixels.

    Args:
        count: only the first so many people; None: all.

    Raises:
        RscError: the part has no masks.
    """
    side = predictor.ranges.full
    images = torch.from_numpy(fetch(part, count, side, keys=("images",))["images"])
    found = (predictor.at(some.permute(0, 3, 1, 2), size) for some in images.split(BATCH))
    return segment(found, predictor.body, part, size, count, side)
