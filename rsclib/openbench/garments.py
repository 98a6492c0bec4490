"""What a person wears, as regions of the T-posed body: cuts, covers and cloths from random numbers.

Every point of the body knows where it lies and which limb it belongs to, so a garment is a region
(below the waist, above the ankle) with a soft edge. The same rules serve the texels that are painted
and the vertices that are given bulk; both are done in :mod:`rsclib.openbench.outfits`.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

Floats = NDArray[np.float32]
CLOTH = np.array(
    [[0.93, 0.93, 0.92], [0.07, 0.07, 0.08], [0.35, 0.35, 0.37], [0.62, 0.62, 0.63],
     [0.10, 0.14, 0.28], [0.20, 0.29, 0.46], [0.60, 0.52, 0.39], [0.24, 0.26, 0.17]],
    np.float32,
)  # fmt: skip


@dataclass(frozen=True)
class BodyPoints:
    """Body points: |x|, x, y, z in metres, shares of the joints, and noise fields (K, N)."""

    side: Floats
    x: Floats
    y: Floats
    z: Floats
    torso: Floats
    arms: Floats
    legs: Floats
    head: Floats
    feet: Floats
    noise: Floats


def step(value: Floats, width: float = 0.006) -> Floats:
    """0 below zero, 1 above, with a soft edge of ``width`` metres."""
    t = np.clip(value / width + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


def body_points(position: Floats, weights: Floats) -> BodyPoints:
    x, y, z = position.T

    def share(*joints: int) -> Floats:
        return weights[:, joints].sum(1)

    grid = np.random.default_rng(11).random((8, 12, 12, 12)).astype(np.float32)
    fields = []
    for k, scale in enumerate((6, 6, 13, 13, 30, 30, 60, 60)):
        coordinates = (position * scale).T % 12
        fields.append(map_coordinates(grid[k], coordinates, order=1, mode="grid-wrap"))
    return BodyPoints(
        np.abs(x), x, y, z,
        torso=share(0, 3, 6, 9, 13, 14, 12),
        arms=share(16, 17, 18, 19, 20, 21, 22, 23),
        legs=share(1, 2, 4, 5, 7, 8, 10, 11),
        head=share(15),
        feet=share(7, 8, 10, 11),
        noise=np.stack(fields).astype(np.float32),
    )  # fmt: skip


def sample_style(rng: np.random.Generator) -> dict:
    """What the person wears, as heights and lengths in metres on the T-posed body."""
    dress = rng.random() < 0.13
    return {
        "dress": dress,
        "hem": rng.choice([-0.03, -0.08, -0.13, 0.02]),
        "sleeve": rng.choice([0.17, 0.32, 0.35, 0.42, 0.62, 0.655, 0.66]),
        "neck": rng.choice([0.525, 0.545, 0.56, 0.585]),
        "drop": rng.choice([0.0, 0.03, 0.06, 0.1]),
        "waist": rng.choice([0.02, 0.05, 0.08]),
        "cuff": rng.choice([-0.45, -0.38]) if dress else rng.choice([-0.81, -0.81, -0.82, -0.4, -0.33, -0.62]),
        "shoe": rng.choice([-0.84, -0.82, -0.78, -0.66]),
        "ground": -0.93,
        "hairline": rng.uniform(0.715, 0.745),
        "nape": rng.uniform(0.59, 0.64),
        "long": rng.choice([9.0, 9.0, 9.0, 0.5, 0.42, 0.34]),
        "bald": rng.random() < 0.07,
        "hat": rng.random() < 0.08,
        "hair": int(rng.choice(6, p=[0.25, 0.25, 0.2, 0.12, 0.1, 0.08])),
        "beard": rng.uniform(0.4, 0.9) if rng.random() < 0.2 else 0.0,
        "glasses": rng.random() < 0.12,
        "jacket": (not dress) and rng.random() < 0.25,
        "open": rng.uniform(0.03, 0.09),
        "belt": rng.random() < 0.3,
        "buttons": rng.random() < 0.3,
        "wide": rng.random() < 0.4,
    }  # fmt: skip


def garment_cover(name: str, p: BodyPoints, style: dict) -> Floats | None:
    """Cover (N,) in [0, 1] of a garment over body points; None when it is not worn."""
    wave = (p.noise[2] - 0.5) * 0.012
    body = np.clip((p.torso + p.arms + p.legs - 0.35) * 3, 0, 1)
    if name == "shoes":
        return step(style["shoe"] - p.y) * (p.feet + p.legs > 0.5)
    if name == "bottom":
        return (
            step(style["waist"] - p.y)
            * step(p.y - style["cuff"] + wave * 0.5)
            * (p.arms < 0.3)
            * body
        )
    if name in ("top", "jacket"):
        if name == "jacket" and not style["jacket"]:
            return None
        sleeve = 0.66 if name == "jacket" else style["sleeve"]
        hem = style["hem"] - (0.05 if name == "jacket" else 0)
        neck = (
            style["neck"]
            - style["drop"] * np.clip(p.z / 0.08, 0, 1) * np.clip(1 - p.side / 0.1, 0, 1) * 1.6
        )
        cover = step(p.y - hem + wave) * step(sleeve - p.side + wave * 0.5) * step(neck - p.y)
        cover = cover * (p.head < 0.4) * body
        if name == "jacket":
            cover = cover * (1 - step(style["open"] - p.side) * (p.z > 0))
        return cover.astype(np.float32)
    if style["bald"] and not style["hat"]:
        return None
    line = style["hairline"] + (0.02 if style["hat"] else 0)
    back = 0.085 - 0.5 * np.clip(0.69 - p.y, 0, 1)  # the hair's front edge runs behind the ears
    cover = np.maximum(step(p.y - line + wave), step(back - p.z, 0.012))
    cover = cover * step(p.y - (0.68 if style["hat"] else style["nape"]), 0.012) * (p.head > 0.3)
    if style["long"] < 1:
        behind = step(0.0 - p.z, 0.02) * step(p.y - style["long"], 0.02) * (p.side < 0.1)
        cover = np.maximum(cover, behind * (p.y < 0.72) * (p.arms < 0.3))
    return cover.astype(np.float32)


def fabric(rng: np.random.Generator, p: BodyPoints, plain: bool) -> Floats:
    """Colour (N, 3) of a cloth: plain, striped, checked, printed or blotched."""

    def pick() -> Floats:
        if rng.random() < 0.6:
            return CLOTH[rng.integers(len(CLOTH))] * rng.uniform(0.8, 1.1)
        hsv = colorsys.hsv_to_rgb(rng.random(), rng.beta(2, 1.6), rng.uniform(0.25, 0.95))
        return np.asarray(hsv, np.float32)

    first, second = pick(), pick()
    kind = 0 if plain else rng.integers(1, 6)
    around = np.arctan2(p.x, p.z + 0.02)
    if kind == 0:
        mask: NDArray = np.zeros(len(p.x))
    elif kind == 1:
        mask = np.sin(p.y * rng.uniform(60, 220)) > rng.uniform(-0.3, 0.6)
    elif kind == 2:
        mask = 0.5 * (np.sin(p.y * 110) > 0) + 0.5 * (np.sin(around * 14) > 0)
    elif kind == 3:
        mask = p.noise[rng.integers(4, 8)] > rng.uniform(0.5, 0.65)
    elif kind == 4:  # a print on the chest
        mask = (p.side < 0.09) & (np.abs(p.y - 0.32) < 0.07) & (p.z > 0) & (p.noise[6] > 0.4)
    else:  # two tones
        mask = p.y > rng.uniform(0.2, 0.42)
    weight = np.asarray(mask, np.float32)[:, None]
    return (first * (1 - weight) + second * weight).astype(np.float32)
