"""What pedestrians wear: the garments of the benchmark, cut and sewn with more to see on them.

Collars, buttons, zips, pockets, prints, trouser stripes, bags and scarves are painted on the atlas of
:class:`rsclib.openbench.outfits.Wardrobe`; bags and scarves have bulk, too. The same seed is the same
person in every picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsclib.openbench.cloths import cloth, contrast_colour, folds, pick_colour, print_of, step
from rsclib.openbench.cloths import colour as colour_of
from rsclib.openbench.faces import Face, paint_face
from rsclib.openbench.garments import BodyPoints, Floats, garment_cover, sample_style
from rsclib.openbench.outfits import HAIR, LABELS, SIZE, SKIN, Outfit, Wardrobe
from rsclib.openbench.surface import Surface

DARK = np.array([0.07, 0.06, 0.06], np.float32)


class Streetwear:
    """Dresses pedestrians; shares the wardrobe's points."""

    def __init__(self, wardrobe: Wardrobe, surface: Surface) -> None:
        self.wardrobe = wardrobe
        self.hang = _hang(wardrobe, surface)

    def outfit(self, seed: int) -> Outfit:
        """The pedestrian of this seed."""
        rng = np.random.default_rng([seed, 15485863])
        w, p = self.wardrobe, self.wardrobe.texels
        style = _street_style(rng)
        skin = SKIN[rng.integers(6)] * rng.uniform(0.9, 1.05)
        hair = HAIR[style["hair"]] * rng.uniform(0.8, 1.15)
        face = Face.sample(rng, skin, hair)
        colour = skin * (0.96 + 0.08 * p.noise[2])[:, None]
        colour = paint_face(face, colour, w.position, w.marks)
        labels = np.zeros(len(p.x), np.uint8)
        legs = cloth(rng, p, plain=0.7, dull=0.85)
        top = legs if style["dress"] else cloth(rng, p, plain=0.0, dull=0.5)
        paints = {
            "shoes": _shoes(rng, p, style),
            "bottom": _bottom(rng, p, style, legs) * folds(rng, p),
            "top": _top(rng, p, style, top) * folds(rng, p),
            "jacket": _jacket(rng, p, style) * folds(rng, p),
            "hair": (hair if not style["hat"] else pick_colour(rng, 0.75))
            * (0.75 + 0.5 * p.noise[7] * p.noise[4])[:, None],
        }
        for name, paint in paints.items():
            cover = garment_cover(name, p, style)
            if cover is None:
                continue
            edge = 1 - 0.4 * np.clip(1 - np.abs(cover - 0.5) * 2, 0, 1)  # reads as a hem
            colour = _mix(colour, paint * edge[:, None], cover)
            labels[cover > 0.5] = LABELS[name]
        offset = w.bulk(rng, style) + self._drape(rng, style)
        for cover_of, paint in _accessories(rng, style):
            cover, _ = cover_of(p)
            colour = _mix(colour, paint * folds(rng, p), cover)
            cover, thickness = cover_of(w.vertices)
            offset = np.maximum(offset, cover * thickness)
        texture = np.clip(colour * w.shade[:, None], 0, 1).reshape(SIZE, SIZE, 3)
        return Outfit((texture * 255 + 0.5).astype(np.uint8), labels.reshape(SIZE, SIZE), offset)

    def _drape(self, rng: np.random.Generator, style: dict) -> Floats:
        """Further bulk (6890,) where cloth hangs over a hollow instead of lining it."""
        p, total = self.wardrobe.vertices, np.zeros_like(self.hang)
        for name in ("bottom", "top", "jacket"):
            if (cover := garment_cover(name, p, style)) is not None:
                loose = rng.uniform(0.003, 0.012) if name != "bottom" else rng.uniform(0.0, 0.006)
                total = np.maximum(total, cover * (self.hang + np.float32(loose)))
        return np.asarray(total * (p.head < 0.3), np.float32)


def _hang(wardrobe: Wardrobe, surface: Surface) -> Floats:
    """How far (6890,) a tight cloth stands off the skin: it spans hollows of 10 cm or so, metres."""
    spanned = surface.template.astype(np.float64)
    for _ in range(40):
        spanned = wardrobe.smooth @ spanned
    away = ((spanned - surface.template) * surface.normals).sum(1)
    hands = wardrobe.vertices.side > 0.6
    hang = np.where(hands, 0, np.clip(away, 0, 0.03))
    for _ in range(3):
        hang = 0.5 * hang + 0.5 * (wardrobe.smooth @ hang)
    return hang.astype(np.float32)


def _mix(colour: NDArray[Any], paint: NDArray[Any], cover: NDArray[Any]) -> Floats:
    return np.asarray(colour + (paint - colour) * cover[:, None], np.float32)


def _street_style(rng: np.random.Generator) -> dict:
    """The benchmark's cuts, as people wear them in the street: long trousers mostly, sleeves either
    short or long, no necklines to the navel."""
    style = sample_style(rng)
    if not style["dress"]:
        style["cuff"] = rng.choice([-0.81, -0.4], p=[0.75, 0.25])
    style["sleeve"] = rng.choice([0.17, 0.33, 0.36, 0.655], p=[0.08, 0.25, 0.22, 0.45])
    style["drop"] = rng.choice([0.0, 0.02, 0.05])
    style["hem"] = rng.choice([-0.03, -0.07, -0.12])
    style["jacket"] = (not style["dress"]) and rng.random() < 0.3
    style["open"] = rng.uniform(0.02, 0.08)
    if style["hat"]:
        style["long"] = 9.0
    return style


def _top(rng: np.random.Generator, p: BodyPoints, style: dict, paint: Floats) -> Floats:
    """Print, collar, cuffs, buttons, zip and pockets on a shirt, sweater or dress."""
    base, front = np.median(paint[p.torso > 0.5], 0), (p.z > 0.01) & (p.arms < 0.3)
    trim = contrast_colour(rng, base, 0.6)
    busy = float(np.std(paint[p.torso > 0.5], 0).mean()) > 0.06
    if not busy and rng.random() < 0.55:
        paint = _mix(paint, trim, print_of(rng, p, back=False))
    if rng.random() < (0.1 if busy else 0.45):
        paint = _mix(paint, trim, print_of(rng, p, back=True))
    if rng.random() < 0.4:
        paint = _mix(paint, trim, step(p.y - style["neck"] + style["drop"] * (p.z > 0) + 0.025) * (p.side < 0.14))  # fmt: skip
    if rng.random() < 0.35:
        paint = _mix(paint, trim, step(p.side - style["sleeve"] + 0.035) * (p.arms > 0.3))
        paint = _mix(paint, trim, step(style["hem"] + 0.03 - p.y) * (p.arms < 0.3))
    kind = rng.integers(5)
    if kind == 0:  # a placket with buttons
        paint = paint * (1 - 0.3 * (step(0.004 - np.abs(p.side - 0.02)) * front)[:, None])
        row = np.hypot(p.x, (p.y / 0.085 % 1 - 0.5) * 0.085)
        paint = _mix(paint, contrast_colour(rng, base, 0.9), step(0.011 - row) * front)
    elif kind == 1:  # a zip
        paint = _mix(paint, colour_of(0.75, 0.75, 0.78), step(0.006 - p.side) * front)
    if rng.random() < 0.25:  # a breast pocket or badge
        box = np.maximum(np.abs(p.x - 0.085) / 0.035, np.abs(p.y - 0.345) / 0.04)
        filled = rng.random() < 0.5
        cover = step(1 - box, 0.2) if filled else step(0.14 - np.abs(box - 1), 0.1)
        paint = _mix(paint, trim, (0.85 * cover * front).astype(np.float32))
    return paint


def _bottom(rng: np.random.Generator, p: BodyPoints, style: dict, paint: Floats) -> Floats:
    """Washed thighs, side stripes, pockets, knees and turn-ups on trousers."""
    if style["dress"]:
        return paint
    base = np.median(paint[p.legs > 0.5], 0)
    trim = contrast_colour(rng, base, 0.7)
    outer = p.side - 0.155 - 0.02 * np.clip(-p.y, 0, 0.3)
    kind = rng.integers(6)
    if kind == 0:  # one stripe or two along the seam
        paint = _mix(paint, trim, step(outer + 0.012, 0.01) * (np.abs(p.z + 0.02) < 0.03))
    elif kind == 1:  # worn denim
        worn = np.exp(-(((p.y + 0.22) / 0.14) ** 2) - ((p.side - 0.12) / 0.05) ** 2) * (p.z > 0)
        paint = _mix(paint, np.clip(base * 1.5 + 0.1, 0, 0.9), (0.6 * worn).astype(np.float32))
    elif kind == 2:
        worn = step(0.055 - np.abs(p.y + 0.42)) * step(0.06 - np.abs(p.side - 0.135)) * (p.z > 0)
        paint = _mix(paint, trim, (0.8 * worn).astype(np.float32))
    elif kind == 3:  # cargo pockets
        box = np.maximum(np.abs(p.z) / 0.06, np.abs(p.y + 0.27) / 0.075)
        paint = paint * (1 - 0.45 * (step(0.15 - np.abs(box - 1), 0.1) * (outer > -0.03))[:, None])
        paint = paint * (1 - 0.2 * (step(1 - box, 0.1) * (outer > -0.03))[:, None])
    if rng.random() < 0.3:
        paint = _mix(paint, trim, step(style["cuff"] + 0.05 - p.y))
    seat = step(0.045 - np.abs(p.side - 0.085)) * step(0.05 - np.abs(p.y + 0.02)) * (p.z < 0)
    if rng.random() < 0.5:
        paint = paint * (1 - 0.22 * seat[:, None])
    if style["belt"]:
        belt = step(0.02 - np.abs(p.y - style["waist"] + 0.02))
        paint = _mix(paint, DARK if base.mean() > 0.25 else colour_of(0.45, 0.3, 0.18), belt)
        buckle = belt * step(0.022 - p.side) * (p.z > 0)
        paint = _mix(paint, colour_of(0.8, 0.78, 0.7), buckle.astype(np.float32))
    return paint


def _jacket(rng: np.random.Generator, p: BodyPoints, style: dict) -> Floats:
    """An open jacket with lapels or a zip, pockets, and stripes on the sleeves now and then."""
    paint = cloth(rng, p, plain=0.75, dull=0.6)
    base = np.median(paint[p.torso > 0.5], 0)
    trim = contrast_colour(rng, base, 0.7)
    front = (p.z > 0.01) & (p.arms < 0.3)
    width = 0.03 + 0.05 * np.clip((p.y - 0.2) / 0.3, 0, 1)
    lapel = step(style["open"] + width - p.side) * step(p.y - 0.18, 0.02) * front
    paint = _mix(paint, trim if rng.random() < 0.3 else base * 0.72, lapel.astype(np.float32))
    if rng.random() < 0.3:
        paint = _mix(paint, trim, step(0.03 - np.abs(p.side - rng.uniform(0.3, 0.5))) * (p.arms > 0.5))  # fmt: skip
    pocket = step(0.012 - np.abs(p.y - 0.06 + 0.3 * (p.side - 0.11))) * step(0.04 - np.abs(p.side - 0.12)) * front  # fmt: skip
    paint = paint * (1 - 0.5 * pocket[:, None])
    if rng.random() < 0.3:
        paint = _mix(paint, trim, print_of(rng, p, back=True))
    return paint


def _shoes(rng: np.random.Generator, p: BodyPoints, style: dict) -> Floats:
    """Soles, toe caps and a stripe."""
    base = pick_colour(rng, 0.85)
    trim = contrast_colour(rng, base, 0.6)
    paint = np.broadcast_to(base, (len(p.x), 3)).astype(np.float32)
    if rng.random() < 0.4:
        paint = _mix(paint, trim, step(p.z - 0.13, 0.01))
    if rng.random() < 0.3:
        paint = _mix(paint, trim, step(0.015 - np.abs(p.z - 0.03), 0.01))
    sole = colour_of(0.92, 0.92, 0.9) if rng.random() < 0.55 else base * 0.5
    return _mix(paint, sole, step(style["ground"] + 0.028 - p.y, 0.008))


Cover = Callable[[BodyPoints], tuple[Floats, float]]


def _accessories(rng: np.random.Generator, style: dict) -> list[tuple[Cover, Floats]]:
    """Backpack, shoulder bag, scarf or tie: each a cover with its bulk (m), and its colours (1, 3)."""
    worn: list[tuple[Cover, Floats]] = []
    colour = pick_colour(rng, 0.5)[None]
    other = contrast_colour(rng, colour[0], 0.5)[None]
    kind = rng.choice(["none", "backpack", "bag", "scarf", "tie"], p=[0.52, 0.2, 0.12, 0.1, 0.06])
    if kind == "backpack":
        pocket = rng.uniform(0.12, 0.22)

        def straps(p: BodyPoints) -> tuple[Floats, float]:
            band = step(0.018 - np.abs(p.side - 0.095)) * step(p.y - 0.2) * (p.z > -0.06)
            return _on_body(p, band * (p.y < 0.56)), 0.012

        def sack(p: BodyPoints) -> tuple[Floats, float]:
            low = step(p.y - 0.06, 0.02) * step(0.44 - p.y, 0.02)
            return _on_body(p, low * step(0.125 - p.side, 0.02) * (p.z < 0.0)), 0.1

        def flap(p: BodyPoints) -> tuple[Floats, float]:
            low = step(p.y - 0.09) * step(pocket - p.y)
            return _on_body(p, low * step(0.085 - p.side) * (p.z < 0.0)), 0.1

        worn += [(straps, colour * 0.8), (sack, colour), (flap, other)]
    elif kind == "bag":
        sign = rng.choice([-1.0, 1.0])

        def strap(p: BodyPoints) -> tuple[Floats, float]:
            line = p.x * sign - 0.13 + 0.48 * (p.y - 0.0)  # from the hip to the other shoulder
            return _on_body(p, step(0.016 - np.abs(line)) * step(p.y + 0.05)), 0.01

        def pouch(p: BodyPoints) -> tuple[Floats, float]:
            box = np.maximum(np.abs(p.y + 0.03) / 0.1, np.abs(p.z) / 0.09)
            cover = step(1 - box, 0.2) * step(p.x * sign - 0.1, 0.02)
            return np.asarray(cover * (p.arms < 0.3), np.float32), 0.06

        worn += [(strap, other), (pouch, colour)]
    elif kind == "scarf":

        def scarf(p: BodyPoints) -> tuple[Floats, float]:
            ring = step(p.y - 0.5 + 0.3 * np.clip(p.z, 0, 1), 0.01) * step(0.585 - p.y, 0.01)
            end = step(0.035 - np.abs(p.x - 0.04)) * step(p.y - 0.28) * (p.z > 0) * (p.y < 0.55)
            cover = np.maximum(ring * step(0.12 - p.side, 0.02), end)
            return np.asarray(cover * (p.head < 0.6) * (p.arms < 0.2), np.float32), 0.022

        worn.append((scarf, colour))
    elif kind == "tie" and not style["dress"]:

        def tie(p: BodyPoints) -> tuple[Floats, float]:
            width = 0.014 + 0.022 * np.clip((0.48 - p.y) / 0.35, 0, 1)
            line = step(width - p.side) * step(p.y - 0.1) * step(style["neck"] - p.y)
            return _on_body(p, line * (p.z > 0)), 0.004

        worn.append((tie, colour))
    return worn


def _on_body(p: BodyPoints, cover: Floats) -> Floats:
    """A cover without what lies on arms or head."""
    return np.asarray(cover * (p.arms < 0.35) * (p.head < 0.4), np.float32)
