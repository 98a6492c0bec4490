"""Cloths and prints with detail that a pedestrian of 128 px shows: 3 cm is two pixels there.

All are functions of where a point lies on the T-posed body (:class:`rsclib.openbench.garments.BodyPoints`:
pelvis at 0, crotch at y = -0.08, chest at 0.33, neck at 0.55, wrists at |x| = 0.67, metres).
"""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from rsclib.openbench.garments import CLOTH, BodyPoints, Floats
from rsclib.openbench.garments import step as soft_step

# Shares of the patterns of a top; trousers are plain more often.
PATTERNS = {
    "plain": 0.34, "hoops": 0.16, "pinstripes": 0.07, "plaid": 0.1, "dots": 0.06, "camouflage": 0.05,
    "band": 0.08, "yoke": 0.07, "halves": 0.02, "fade": 0.05,
}  # fmt: skip
CHARACTERS = "0123456789ABEFHKLMNRSTVXZ"


def step(value: NDArray[np.floating], width: float = 0.006) -> Floats:
    """:func:`rsclib.openbench.garments.step` of values of any precision."""
    return soft_step(np.asarray(value, np.float32), width)


def colour(*rgb: float) -> Floats:
    """sRGB in [0, 1] as an array (3,)."""
    return np.array(rgb, np.float32)


def pick_colour(rng: np.random.Generator, dull: float) -> Floats:
    """A colour (3,): white, black, grey, navy, denim or sand with probability ``dull``, else any hue."""
    if rng.random() < dull:
        return np.clip(CLOTH[rng.integers(len(CLOTH))] * rng.uniform(0.8, 1.15), 0.03, 0.95)
    rgb = colorsys.hsv_to_rgb(
        rng.random(), 0.25 + 0.65 * rng.beta(1.6, 1.8), rng.uniform(0.25, 0.85)
    )
    return np.asarray(rgb, np.float32)


def contrast_colour(rng: np.random.Generator, other: Floats, dull: float) -> Floats:
    """A colour that is told apart from ``other`` at a distance: 0.35 away at least, of 1.7."""
    for _ in range(20):
        found = pick_colour(rng, dull)
        if np.linalg.norm(found - other) > 0.35:
            return found
    return np.full(3, 0.9 if other.mean() < 0.5 else 0.06, np.float32)


def cloth(rng: np.random.Generator, p: BodyPoints, plain: float, dull: float) -> Floats:
    """Colours (T, 3) of a cloth.

    Args:
        plain: probability of no pattern, beside the share that plain has anyway.
        dull: see :func:`pick_colour`.
    """
    first = pick_colour(rng, dull)
    second = contrast_colour(rng, first, 0.5)
    third = contrast_colour(rng, second, 0.5)
    kind = rng.choice(list(PATTERNS), p=list(PATTERNS.values()))
    if rng.random() < plain:
        kind = "plain"
    weight: NDArray[np.floating] = np.zeros_like(p.x)
    extra: NDArray[np.floating] = weight
    around = 0.14 * np.arctan2(p.x, p.z + 0.02)  # metres along a waist
    across = np.where(p.arms > 0.5, p.side, p.y)  # stripes run round sleeves, too
    match kind:
        case "hoops":
            period, share = rng.uniform(0.045, 0.16), rng.uniform(0.25, 0.55)
            weight = _stripes(across, period, share)
            if rng.random() < 0.3:
                extra = _stripes(across + period / 2, period, share * 0.4)
        case "pinstripes":
            weight = _stripes(around, rng.uniform(0.035, 0.09), rng.uniform(0.2, 0.5))
        case "plaid":
            period = rng.uniform(0.07, 0.15)
            rows, columns = _stripes(across, period, 0.4), _stripes(around, period, 0.4)
            weight = 0.5 * rows + 0.5 * columns
            thin = [_stripes(v + period / 2, period, 0.1) for v in (across, around)]
            extra = 0.8 * np.maximum(*thin)
        case "dots":
            grid = rng.uniform(0.06, 0.11)
            row = np.floor(across / grid)
            u = (around / grid + 0.5 * (row % 2)) % 1 - 0.5
            weight = step(rng.uniform(0.22, 0.36) - np.hypot(u, across / grid % 1 - 0.5), 0.1)  # fmt: skip
        case "camouflage":
            weight = step(p.noise[4] - 0.52, 0.04)
            extra = step(p.noise[5] - 0.6, 0.04)
        case "band":
            low, high = np.sort(rng.uniform(0.12, 0.42, 2))
            weight = step(p.y - low) * step(max(high, low + 0.06) - p.y) * (p.arms < 0.5)
            if rng.random() < 0.5:
                extra = step(0.012 - np.abs(p.y - low + 0.04)) * (p.arms < 0.5)
        case "yoke":
            raglan = rng.random() < 0.5
            shoulders = np.maximum(step(p.arms - 0.5, 0.2), step(p.y - 0.43))
            weight = shoulders if raglan else step(p.y - rng.uniform(0.2, 0.38))
        case "halves":
            weight = step(p.x, 0.01)
        case "fade":
            weight = np.clip((p.y - rng.uniform(-0.1, 0.1)) / 0.35, 0, 1)
    mixed = first + (second - first) * weight[:, None].astype(np.float32)
    return np.asarray(mixed + (third - mixed) * extra[:, None].astype(np.float32), np.float32)


def _stripes(value: NDArray[np.floating], period: float, share: float) -> Floats:
    """1 on a ``share`` of every ``period`` metres, with soft edges of 4 mm."""
    away = np.abs(value / period % 1 - 0.5) * period
    return step(share * period / 2 - away)


def print_of(rng: np.random.Generator, p: BodyPoints, back: bool) -> Floats:
    """Cover (T,) of a print: one or two characters, a disc, ring, bar, chevron, diamond or cross."""
    height = rng.uniform(0.14, 0.24) if back else rng.uniform(0.09, 0.2)
    middle = rng.uniform(0.26, 0.34)
    x = (-p.x if back else p.x) / height
    y = (middle - p.y) / height
    facing = (p.z < -0.02 if back else p.z > 0.02) & (p.arms < 0.3)
    kind = rng.integers(7)
    soft = 0.05
    if kind <= 1:
        text = "".join(rng.choice(list(CHARACTERS), rng.integers(1, 3)))
        cover = _glyphs(text, x, y)
    elif kind == 2:
        cover = step(0.5 - np.hypot(x, y), soft)
    elif kind == 3:
        cover = step(0.14 - np.abs(np.hypot(x, y) - 0.4), soft)
    elif kind == 4:
        cover = step(0.5 - np.abs(y) - np.abs(x), soft)
    elif kind == 5:
        cover = step(0.15 - np.abs(y - np.abs(x) * 0.8 + 0.2), soft) * step(0.7 - np.abs(x), soft)
    else:
        bars = np.maximum(step(0.13 - np.abs(x), soft), step(0.13 - np.abs(y), soft))
        cover = bars * step(0.5 - np.maximum(np.abs(x), np.abs(y)), soft)
    return (cover * facing).astype(np.float32)


def _glyphs(text: str, x: Floats, y: Floats) -> Floats:
    """Cover of characters one unit high about (0, 0), looked up in a small picture of them."""
    font = ImageFont.load_default(64)
    left, top, right, bottom = font.getbbox(text)
    picture = Image.new("L", (int(right - left) + 8, int(bottom - top) + 8))
    ImageDraw.Draw(picture).text((4 - left, 4 - top), text, 255, font, stroke_width=2)
    glyphs = np.asarray(picture, np.float32) / 255
    rows, columns = glyphs.shape
    i, j = ((y + 0.5) * rows).astype(int), (x * rows + columns / 2).astype(int)
    inside = (i >= 0) & (i < rows) & (j >= 0) & (j < columns) & (y > -0.5) & (x * rows > -columns / 2)  # fmt: skip
    out = np.zeros(len(x), np.float32)
    out[inside] = glyphs[i[inside], j[inside]]
    return out


def folds(rng: np.random.Generator, p: BodyPoints) -> NDArray[np.float32]:
    """Brightness (T, 1) of a cloth's folds and wrinkles."""
    coarse, fine = p.noise[rng.integers(2, 4)], p.noise[rng.integers(4, 6)]
    return (0.86 + 0.18 * coarse + 0.08 * fine)[:, None].astype(np.float32)
