"""Faces that are painted: lips, eyes, brows and beards where the body's source says they are.

The regions are the CC0 masks of MakeHuman's skins on the atlas that the open body kept (built by
``benchmarks/assets/build_faces.py``). Nobody's photograph is in them: tables call them "the
benchmark's painted faces". Only pedestrians have them; other parts keep the faces of
:mod:`rsclib.openbench.outfits`.
"""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rsclib.errors import RscError
from rsclib.files.shipped import ASSETS, check_shipped
from rsclib.openbench.garments import Floats

ASSET = ASSETS / "face_regions.npz"
REGIONS = ("face", "lips", "eyelids", "ears")
IRIS = np.array(
    [[0.20, 0.11, 0.06], [0.30, 0.18, 0.09], [0.32, 0.34, 0.20], [0.30, 0.42, 0.52]], np.float32
)


@dataclass(frozen=True)
class Face:
    """How one person's face looks; colours sRGB in [0, 1], lengths in metres."""

    skin: Floats
    hair: Floats
    iris: Floats
    lips: float
    rouge: float
    brow: float
    brow_height: float
    stubble: float
    moustache: float
    glasses: int

    @staticmethod
    def sample(rng: np.random.Generator, skin: Floats, hair: Floats) -> Face:
        """A face for this skin and hair. glasses: 0 none, 1 dark frames, 2 sunglasses."""
        male = rng.random() < 0.5
        return Face(
            skin, hair, IRIS[rng.choice(4, p=[0.45, 0.25, 0.15, 0.15])],
            lips=rng.uniform(0.15, 0.4) if male else rng.uniform(0.3, 0.85),
            rouge=rng.uniform(0.1, 0.35),
            brow=rng.uniform(0.0032, 0.0055) if male else rng.uniform(0.0022, 0.004),
            brow_height=rng.uniform(0.019, 0.025),
            stubble=rng.uniform(0.25, 0.85) if male and rng.random() < 0.4 else 0.0,
            moustache=rng.uniform(0.5, 0.9) if male and rng.random() < 0.2 else 0.0,
            glasses=int(rng.choice(3, p=[0.8, 0.12, 0.08])),
        )  # fmt: skip


@functools.cache
def load_regions() -> dict[str, Floats]:
    """Each of :data:`REGIONS` as a mask (512 * 512,) in [0, 1], texel by texel of the atlas.

    Raises:
        RscError: the shipped file is missing or damaged.
    """
    check_shipped(ASSET.name)
    try:
        with np.load(ASSET, allow_pickle=False) as file:
            decoded = {name: Image.open(io.BytesIO(file[name].tobytes())) for name in REGIONS}
            return {k: (np.asarray(v).ravel() / 255).astype(np.float32) for k, v in decoded.items()}
    except (OSError, ValueError, KeyError) as error:
        raise RscError(f"{ASSET} cannot be read ({error}); restore it with git checkout") from error


def paint_face(face: Face, colour: Floats, position: Floats, marks: dict[str, Floats]) -> Floats:
    """Paint a face over the skin.

    Args:
        colour: (T, 3) of the texels, T = 512 * 512. position: (T, 3) on the T-posed body, metres.
        marks: positions (3,) of nose, leye and reye.
    """
    near = np.flatnonzero(load_regions()["face"] > 0)  # all of it lies there, ears aside
    regions = {name: mask[near] for name, mask in load_regions().items()}
    out, where = colour[near].copy(), position[near]

    def mix(mask: NDArray[np.floating], paint: NDArray[np.floating] | list[float] | float) -> None:
        nonlocal out
        cover = np.clip(mask, 0, 1)[:, None]
        out = out * (1 - cover) + np.asarray(paint, np.float32) * cover

    def spot(centre: NDArray[np.floating], sizes: tuple[float, float, float]) -> Floats:
        away = (where - np.asarray(centre, np.float32)) / np.asarray(sizes, np.float32)
        return np.exp(-(away**2).sum(1) / 2)

    skin, nose = face.skin, marks["nose"]
    for eye in (marks["leye"], marks["reye"]):
        side = np.sign(eye[0])
        socket = spot(eye + [0, 0.003, 0], (0.021, 0.013, 0.03))
        mix(0.42 * socket, skin * [0.62, 0.52, 0.5])  # sockets lie in the shade
        mix(0.25 * spot(eye + [side * 0.012, -0.03, 0], (0.018, 0.012, 0.03)), skin * 1.12)
        mix(face.rouge * spot(eye + [side * 0.01, -0.042, 0], (0.017, 0.014, 0.03)), skin * [1.05, 0.74, 0.7])  # fmt: skip
        along = where[:, 0] * side - abs(eye[0])
        arch = eye[1] + face.brow_height - 1.2 * (along - 0.003) ** 2 / 0.02 - 0.05 * along
        brow = np.exp(-(((where[:, 1] - arch) / face.brow) ** 2) / 2) * (np.abs(along) < 0.021)
        mix(0.85 * brow * (where[:, 2] > 0.06), face.hair * 0.75)
        white = regions["eyelids"] * (np.abs(where[:, 0] - eye[0]) < 0.02)
        mix(0.95 * white, [0.86, 0.85, 0.83])
        mix(spot(eye, (0.0058, 0.0062, 0.03)) * 1.6, face.iris)
        mix(spot(eye, (0.0026, 0.0028, 0.03)) * 1.4, 0.02)
        lash = np.exp(-(((where[:, 1] - eye[1] - 0.0068 + 8 * along**2) / 0.0022) ** 2) / 2)
        mix(0.9 * lash * (np.abs(along) < 0.017), 0.05)
    mouth = nose + np.array([0, -0.042, -0.012], np.float32)
    for name, amount, centre, sizes in (
        ("stubble", face.stubble, mouth + [0, -0.03, -0.02], (0.05, 0.03, 0.06)),
        ("moustache", face.moustache, mouth + [0, 0.017, 0.01], (0.022, 0.006, 0.02)),
    ):
        keep = 1 - regions["lips"] if name == "stubble" else 1.0
        mix(amount * np.clip(1.5 * spot(centre, sizes), 0, 1) * keep, face.hair * 0.8)
    mix((0.45 + 0.5 * face.lips) * regions["lips"], skin * [0.95, 0.95 - 0.6 * face.lips, 0.9 - 0.5 * face.lips])  # fmt: skip
    middle = np.exp(-(((where[:, 1] - mouth[1]) / 0.0022) ** 2) / 2) * regions["lips"]
    mix(0.6 * middle, skin * 0.3)
    mix(0.35 * spot(nose + [0, -0.013, -0.005], (0.012, 0.005, 0.02)), skin * 0.5)  # under the nose
    for sign in (-1, 1):
        mix(0.22 * spot(nose + [sign * 0.014, 0.012, -0.01], (0.005, 0.018, 0.02)), skin * 0.55)
    mix(0.3 * spot(nose + [0, 0.012, 0.0], (0.005, 0.02, 0.02)), skin * 1.15)  # its ridge is lit
    if face.glasses:
        for eye in (marks["leye"], marks["reye"]):
            ring = np.hypot(*((where - eye)[:, :2] / [0.026, 0.019]).T)
            front = where[:, 2] > 0.06
            lens = np.clip((1.08 - ring) * 8, 0, 1) if face.glasses == 2 else np.clip(1 - np.abs(ring - 1) * 4, 0, 1)  # fmt: skip
            mix(0.92 * lens * front, 0.05)
        bridge = (np.abs(where[:, 1] - marks["leye"][1] - 0.004) < 0.003) & (np.abs(where[:, 0]) < 0.012)  # fmt: skip
        mix(0.9 * (bridge & (where[:, 2] > 0.1)), 0.05)
    result = colour.copy()
    inside = regions["face"][:, None]  # its soft edge hides the seam
    result[near] = colour[near] * (1 - inside) + out * inside
    return np.asarray(result, np.float32)
