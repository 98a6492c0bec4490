"""BlazePose (MediaPipe): an off-the-shelf tool that people really use, with joints of its own.

Its landmark network looks at a square of 256 px around one person and answers with 33 points, in the
picture and in metres, how sure it is that there is a person, and her mask. The points are not those of
SMPL: hips and shoulders lie elsewhere, so its millimetres on our truth are "other joint definitions",
compared with ours on the 12 joints that both name (:data:`LIMBS`), from the middle of the hips.
Not done here: MediaPipe's tracking from frame to frame, and its refining of image points by heatmaps.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rsclib.errors import RscError
from rsclib.files.photos import Pixels
from rsclib.limbs import LIMBS
from rsclib.outside.detector import Run, detect
from rsclib.outside.fetching import model_path
from rsclib.outside.squares import Floats, Square, look, put_back, to_picture, turned, whole
from rsclib.resolution import degrade
from rsclib.skeleton import MIDHIP

SIZE = 256  # of the square, pixels
TITLES = {"lite": "BlazePose lite", "full": "BlazePose full", "heavy": "BlazePose heavy"}
LEAST_PRESENCE = 0.5
NAMES = (
    *("nose", "left eye (inner)", "left eye", "left eye (outer)", "right eye (inner)", "right eye"),
    *("right eye (outer)", "left ear", "right ear", "mouth (left)", "mouth (right)"),
    *("left shoulder", "right shoulder", "left elbow", "right elbow", "left wrist", "right wrist"),
    *("left pinky", "right pinky", "left index", "right index", "left thumb", "right thumb"),
    *("left hip", "right hip", "left knee", "right knee", "left ankle", "right ankle"),
    *("left heel", "right heel", "left foot index", "right foot index"),
)
# Their rows among its 33 points, by name: neck and head top of joints14 are not among them.
ROWS = tuple(NAMES.index(name) for name in LIMBS)


class Pose(NamedTuple):
    """What BlazePose says of one person.

    Attributes:
        image: (33, 2) pixels of the picture. world: (33, 3) metres from the middle of the hips, x right,
            y down, z away from the camera. visibility: (33,) 0 to 1. presence: 0 to 1, that there is
            a person. mask: (H, W) 0 to 1, who is the person. square: what it looked at.
    """

    image: Floats
    world: Floats
    visibility: Floats
    presence: float
    mask: NDArray[np.float32]
    square: Square

    @property
    def joints12(self) -> Floats:
        """:data:`LIMBS` (12, 3), metres, from the middle of the hips."""
        limbs = self.world[list(ROWS)]
        return limbs - limbs[list(MIDHIP)].mean(0)


def open_model(name: str) -> Run:
    """A model ("lite", "full", "heavy", "detector", or a file of one) as a function of its picture.

    Raises:
        RscError: ai-edge-litert is not installed, or the file is missing or another one.
    """
    path = model_path(name)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise RscError(
            "BlazePose needs ai-edge-litert, which is not installed here: pip install 'rsclib[outside]'"
        ) from error
    network = Interpreter(str(path), num_threads=torch.get_num_threads())
    network.allocate_tensors()
    (given,), outputs = network.get_input_details(), network.get_output_details()

    def run(picture: NDArray[np.float32]) -> list[NDArray[Any]]:
        network.set_tensor(given["index"], picture[None])
        network.invoke()
        return [network.get_tensor(one["index"]) for one in outputs]

    return run


class BlazePose:
    """A landmark network and, where people are to be found, the detector.

    Something to be scored as a predictor of 12 joints: ``joints12(images, size)``.
    """

    licence, link = "Apache-2.0", "npm: @mediapipe/pose"  # what manifests say of it

    def __init__(self, landmarks: Run, detector: Run | None = None) -> None:
        self.landmarks, self.detector = landmarks, detector

    @classmethod
    def named(cls, name: str = "full", find: bool = False) -> BlazePose:
        """By the name of a model (:data:`TITLES`); ``find``: with the detector.

        Raises:
            RscError: as :func:`open_model`.
        """
        if name not in TITLES:
            raise RscError(f"there is no BlazePose {name!r}; choose from {', '.join(TITLES)}")
        return cls(open_model(name), open_model("detector") if find else None)

    def at(self, picture: Pixels, square: Square) -> Pose:
        """The person in a square of a picture (H, W, 3); it always answers, see ``presence``.

        Raises:
            RscError: the network is another one, or its answer is not finite.
        """
        outputs = self.landmarks(look(picture, square, SIZE).astype(np.float32) / np.float32(255))  # type: ignore[arg-type]
        by_length = {np.size(o): np.asarray(o, np.float64).reshape(-1) for o in outputs}
        wanted = (39 * 5, 39 * 3, 1, SIZE * SIZE)
        if not by_length.keys() >= set(wanted):
            raise RscError("this is not a landmark network of BlazePose: it has other outputs")
        points, world, presence, mask = (by_length[length] for length in wanted)
        if not all(np.isfinite(o).all() for o in (points, world, presence, mask)):
            raise RscError("BlazePose's answer is not finite")
        points, world = (
            points.reshape(39, 5)[:33],
            world.reshape(39, 3)[:33],
        )  # 6 more are for tracking
        return Pose(
            image=to_picture(points[:, :2], square, SIZE),
            world=turned(world, square.angle),
            visibility=_sigmoid(points[:, 3]),
            presence=float(presence[0]),
            mask=put_back(
                _sigmoid(mask).reshape(SIZE, SIZE).astype(np.float32), square, *picture.shape[:2]
            ),
            square=square,
        )

    def find(self, picture: Pixels) -> Pose | None:
        """The person whom its own detector is surest of, in a picture (H, W, 3); None: it misses her,
        because the detector sees nobody or the landmark network no person where it looked.

        Raises:
            RscError: there is no detector; as :meth:`at`.
        """
        if self.detector is None:
            raise RscError("this BlazePose has no detector; give it one")
        square = detect(self.detector, picture)
        if square is None:
            return None
        pose = self.at(picture, square)
        return pose if pose.presence >= LEAST_PRESENCE else None

    def joints12(self, images: Tensor, size: int) -> Tensor:
        """:data:`LIMBS` (B, 12, 3), metres from the middle of the hips, of people who fill images
        (B, 3, S, S) uint8, which are shrunk to ``size`` pixels first: the crop is given."""
        pictures = pictures_of(images, size)
        square = whole(*pictures.shape[1:3])
        return torch.from_numpy(np.stack([self.at(one, square).joints12 for one in pictures]))


def pictures_of(images: Tensor, size: int) -> Pixels:
    """(B, S, S, 3) of images (B, 3, S, S) uint8, shrunk to ``size`` and enlarged, as our networks see
    them."""
    return degrade(images.cpu(), size).permute(0, 2, 3, 1).contiguous().numpy()


def _sigmoid(logits: Floats) -> Floats:
    return 1 / (1 + np.exp(-logits.clip(-100, 100)))
