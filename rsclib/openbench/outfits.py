"""Clothes, hair, faces and shoes, painted on the body's atlas from a seed.

Every texel of the atlas is a point of the T-posed body, so what :mod:`rsclib.openbench.garments`
says of the body is painted texel by texel, and a displacement of the skin beneath gives it bulk.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.sparse import coo_matrix, csr_matrix, diags

from rsclib.openbench.garments import (
    CLOTH,
    Floats,
    body_points,
    fabric,
    garment_cover,
    sample_style,
    step,
)
from rsclib.openbench.surface import Surface

SIZE = 512
LABELS = {"skin": 0, "hair": 1, "top": 2, "bottom": 3, "shoes": 4, "jacket": 5}
SKIN = np.array(
    [[0.96, 0.82, 0.73], [0.91, 0.72, 0.60], [0.82, 0.62, 0.47], [0.66, 0.46, 0.33],
     [0.48, 0.32, 0.22], [0.33, 0.22, 0.16]],
    np.float32,
)  # fmt: skip
HAIR = np.array(
    [[0.05, 0.04, 0.04], [0.13, 0.09, 0.06], [0.28, 0.18, 0.10], [0.55, 0.42, 0.24],
     [0.55, 0.55, 0.55], [0.42, 0.19, 0.09]],
    np.float32,
)  # fmt: skip


@dataclass(frozen=True)
class Outfit:
    """texture (512, 512, 3) uint8 sRGB, labels (512, 512) uint8 (see LABELS), offset (6890,) m."""

    texture: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    offset: Floats


@numba.njit(cache=True)
def _atlas(uv: Floats, uv_faces: NDArray[np.int32], size: int) -> tuple[NDArray[np.int32], Floats]:
    """Face and barycentric coordinates of every texel, -1 outside the charts."""
    face = np.full((size, size), -1, np.int32)
    bary = np.zeros((size, size, 3), np.float32)
    for t in range(uv_faces.shape[0]):
        ax, ay = uv[uv_faces[t, 0], 0] * size - 0.5, (1 - uv[uv_faces[t, 0], 1]) * size - 0.5
        bx, by = uv[uv_faces[t, 1], 0] * size - 0.5, (1 - uv[uv_faces[t, 1], 1]) * size - 0.5
        cx, cy = uv[uv_faces[t, 2], 0] * size - 0.5, (1 - uv[uv_faces[t, 2], 1]) * size - 0.5
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0:
            continue
        for row in range(max(0, int(min(ay, by, cy))), min(size - 1, int(max(ay, by, cy)) + 1) + 1):
            for column in range(
                max(0, int(min(ax, bx, cx))), min(size - 1, int(max(ax, bx, cx)) + 1) + 1
            ):
                u = ((column - ax) * (cy - ay) - (row - ay) * (cx - ax)) / area
                v = ((bx - ax) * (row - ay) - (by - ay) * (column - ax)) / area
                if u >= 0 and v >= 0 and u + v <= 1:
                    face[row, column] = t
                    bary[row, column, 0] = 1 - u - v
                    bary[row, column, 1] = u
                    bary[row, column, 2] = v
    return face, bary


class Wardrobe:
    """Paints outfits for one body. Making it takes about a second; it can be shared by all seeds."""

    def __init__(self, surface: Surface, weights: Floats, marks: dict[str, int]) -> None:
        face, bary = _atlas(surface.uv, surface.uv_faces, SIZE)
        corners = surface.faces[face]
        position = np.einsum("hwk,hwkc->hwc", bary, surface.template[corners])
        influence = np.einsum("hwk,hwkj->hwj", bary, weights[corners])
        # Texels outside the charts repeat the nearest one inside, against seams in the picture.
        nearest = distance_transform_edt(face < 0, return_distances=False, return_indices=True)
        position = position[nearest[0], nearest[1]].reshape(-1, 3)
        influence = influence[nearest[0], nearest[1]].reshape(-1, 24)
        self.texels = body_points(
            np.asarray(position, np.float32), np.asarray(influence, np.float32)
        )
        self.vertices = body_points(surface.template, np.asarray(weights, np.float32))
        self.position = np.asarray(position, np.float32)
        self.marks = {name: surface.template[index] for name, index in marks.items()}
        self.smooth = _averaging(surface.faces, len(surface.template))
        self.shade = self._occlusion()

    def _occlusion(self) -> Floats:
        """Light that folds of the body keep out: armpits, crotch, under the chin, inner thighs."""
        p = self.texels
        dark = np.zeros(len(p.x), np.float32)
        for (x, y, z), radius, depth in (
            ((0.16, 0.38, 0.0), 0.07, 0.35),
            ((0.0, -0.1, 0.0), 0.08, 0.4),
            ((0.0, 0.57, 0.06), 0.05, 0.35),
        ):
            distance = (p.side - x) ** 2 + (p.y - y) ** 2 + (p.z - z) ** 2
            dark += depth * np.exp(-distance / (2 * radius**2))
        inner = p.legs * np.exp(-p.side / 0.05) * 0.25
        return (1 - np.clip(dark + inner, 0, 0.5)).astype(np.float32)

    def outfit(self, seed: int) -> Outfit:
        """The person of this seed: the same seed gives the same person, everywhere."""
        rng = np.random.default_rng([seed, 104729])
        style = sample_style(rng)
        p = self.texels
        skin = SKIN[rng.integers(6)] * rng.uniform(0.92, 1.05)
        colour = skin * (0.95 + 0.1 * p.noise[2])[:, None]
        colour = self._face(rng, colour, skin, style)
        labels = np.zeros(len(p.x), np.uint8)
        folds = (0.84 + 0.2 * p.noise[rng.integers(2, 4)] + 0.1 * p.noise[rng.integers(4, 6)])[
            :, None
        ]
        bottom_colour = fabric(rng, p, plain=rng.random() < 0.8)
        top_colour = bottom_colour if style["dress"] else fabric(rng, p, plain=rng.random() < 0.5)
        jacket_colour = fabric(rng, p, plain=True)
        shoe_base = CLOTH[rng.integers(len(CLOTH))]
        sole = np.array([0.9, 0.9, 0.88], np.float32) if rng.random() < 0.5 else shoe_base * 0.6
        shoe_colour = np.where((p.y < style["ground"] + 0.025)[:, None], sole, shoe_base)
        hair_colour = HAIR[style["hair"]] * (0.7 + 0.6 * p.noise[7] * p.noise[4])[:, None]
        for name, paint in (
            ("shoes", shoe_colour), ("bottom", bottom_colour * folds), ("top", top_colour * folds),
            ("jacket", jacket_colour * folds), ("hair", hair_colour),
        ):  # fmt: skip
            cover = garment_cover(name, p, style)
            if cover is None:
                continue
            # A thin dark line along the edge reads as a hem.
            edge = 1 - 0.35 * np.clip(1 - np.abs(cover - 0.5) * 2, 0, 1)
            colour = colour * (1 - cover[:, None]) + paint * edge[:, None] * cover[:, None]
            labels[cover > 0.5] = LABELS[name]
        if style["buttons"]:
            line = np.exp(-((p.x / 0.004) ** 2)) * (p.z > 0) * (labels == LABELS["top"])
            colour = colour * (1 - 0.35 * line[:, None])
        if style["belt"]:
            belt = step(0.018 - np.abs(p.y - style["waist"])) * (p.torso + p.legs > 0.5)
            colour = (
                colour * (1 - belt[:, None])
                + np.array([0.1, 0.07, 0.05], np.float32) * belt[:, None]
            )
        texture = np.clip(colour * self.shade[:, None], 0, 1).reshape(SIZE, SIZE, 3)
        return Outfit(
            (texture * 255 + 0.5).astype(np.uint8),
            labels.reshape(SIZE, SIZE),
            self.bulk(rng, style),
        )

    def _face(self, rng: np.random.Generator, colour: Floats, skin: Floats, style: dict) -> Floats:
        """Brows, eyes, lips, cheeks, and sometimes a beard or glasses."""

        def spot(centre: Floats, sizes: tuple[float, float, float]) -> Floats:
            away = (self.position - np.asarray(centre, np.float32)) / np.asarray(sizes, np.float32)
            return np.exp(-(away**2).sum(1) / 2)[:, None]

        def mix(mask: Floats, paint: NDArray[np.floating] | float) -> None:
            nonlocal colour
            colour = colour * (1 - mask) + np.asarray(paint, np.float32) * mask

        nose = self.marks["nose"]
        if style["beard"]:
            jaw = spot(nose + [0, -0.075, -0.03], (0.05, 0.032, 0.05)) * style["beard"]
            mix(np.clip(jaw * 1.5, 0, 0.9), HAIR[style["hair"]])
        for eye in (self.marks["leye"], self.marks["reye"]):
            mix(0.8 * spot(eye + [0, 0.02, 0.0], (0.013, 0.0035, 0.02)), HAIR[style["hair"]] * 0.7)
            mix(0.35 * spot(eye, (0.017, 0.012, 0.02)), skin * 0.55)
            mix(spot(eye, (0.009, 0.0045, 0.02)), np.array([0.9, 0.9, 0.9], np.float32))
            mix(spot(eye, (0.0045, 0.005, 0.02)), 0.08)
            if style["glasses"]:
                ring = np.abs(np.hypot(*((self.position - eye)[:, :2] / [0.024, 0.019]).T) - 1)
                near = (np.abs(self.position - eye) < 0.05).all(1)
                mix((np.clip(1 - ring * 5, 0, 1) * near)[:, None].astype(np.float32), 0.05)
        lips = rng.uniform(0.4, 0.8)
        mix(
            lips * spot(nose + [0, -0.045, -0.012], (0.018, 0.006, 0.02)), skin * [0.85, 0.45, 0.45]
        )
        mix(0.3 * spot(nose + [0, -0.012, 0], (0.012, 0.004, 0.02)), skin * 0.5)
        mix(0.25 * spot(nose + [0, 0.0, -0.02], (0.05, 0.025, 0.03)), skin * [1.05, 0.8, 0.78])
        return np.asarray(colour, np.float32)

    def bulk(self, rng: np.random.Generator, style: dict) -> Floats:
        """Displacement (6890,) of the skin along its normal, metres: cloth, hair and shoes."""
        p = self.vertices
        total = np.zeros(len(p.x), np.float32)
        bulk = {
            "shoes": rng.uniform(0.008, 0.014),
            "bottom": rng.uniform(0.003, 0.016),
            "top": rng.uniform(0.003, 0.018),
            "jacket": rng.uniform(0.012, 0.024),
            "hair": rng.uniform(0.008, 0.03),
        }
        for name, thickness in bulk.items():
            cover = garment_cover(name, p, style)
            if cover is not None:
                wavy = thickness * (0.7 + 0.6 * p.noise[2])
                if style["dress"] and name == "bottom":
                    wavy = wavy + 0.06 * np.clip((style["waist"] - p.y) / 0.4, 0, 1)
                if name == "bottom" and style["wide"]:
                    wavy = wavy + 0.018 * np.clip((-0.35 - p.y) / 0.4, 0, 1)
                total = np.maximum(total, (cover * wavy).astype(np.float32))
        for _ in range(2):
            total = (0.5 * total + 0.5 * (self.smooth @ total)).astype(np.float32)
        return np.where((p.head > 0.5) & (p.z > 0.07) & (p.y < 0.7), 0, total).astype(np.float32)


def _averaging(faces: NDArray[np.int32], count: int) -> csr_matrix:
    """(V, V) matrix that takes the mean over each vertex's neighbours."""
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (count, count)).tocsr()
    graph = (edges + edges.T).sign().astype(np.float32)
    return (diags(1 / np.asarray(graph.sum(1)).ravel()) @ graph).tocsr()
