"""From a video to its people in their clothes: each one's texture, from the frame that shows most of her."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from rsclib.crops import cut
from rsclib.files.atomic import write_bytes
from rsclib.files.photos import Pixels
from rsclib.looks import look_at
from rsclib.moving_people import Motion
from rsclib.predict_texture import TexturedPerson, beside_each_other, panels_of, texture_of
from rsclib.predictor import NetPredictor
from rsclib.render.export import textured_mesh
from rsclib.render.uv import Atlas
from rsclib.texture import TexGlo

SHEET, GLB = "-textured.png", "-person{}-textured.glb"
SHOWN = 128  # side of the sheet's pictures, pixels


def clearest(motion: Motion, height: int, width: int) -> int:
    """The row whose square is largest among those that lie in the frame, or among all if none does."""
    left, top, side = motion.squares.T
    inside = (left >= 0) & (top >= 0) & (left + side <= width) & (top + side <= height)
    return int(np.where(inside | ~inside.any(), side, -1).argmax())


def texture_people(
    frames: Iterable[Pixels], shape: tuple[int, int], motions: Sequence[Motion], stem: Path,
    predictor: NetPredictor, net: TexGlo,
) -> str:  # fmt: skip
    """Write ``stem-textured.png``, a row a person: what was seen, the body in place, the UV map; and
    ``stem-personN-textured.glb`` of each.

    Args:
        frames: of the video, gone through once. shape: their height and width.

    Returns:
        What was written, in a few words.

    Raises:
        RscError: the body has no UV map, or a file cannot be written.
    """
    rows = [clearest(motion, *shape) for motion in motions]
    wanted: dict[int, list[int]] = {}
    for k, (motion, row) in enumerate(zip(motions, rows, strict=True)):
        wanted.setdefault(int(motion.track.frames[row]), []).append(k)
    atlas, side = Atlas.of(predictor.body), predictor.ranges.full
    found: dict[int, tuple[Pixels, TexturedPerson]] = {}
    for number, frame in enumerate(frames):
        for k in wanted.pop(number, ()):
            square = motions[k].squares[rows[k]].tolist()
            native = max(1, round(square[2]))
            seen = cut(frame, square, side).copy()  # Pillow's is read-only
            looked = look_at(frame, square, seen, native, predictor)
            found[k] = (seen, texture_of(seen, native, predictor, net, looked.taken))
        if not wanted:
            break
    lines = []
    for k, motion in enumerate(motions):
        seen, person = found[k]
        glb = stem.with_name(stem.name + GLB.format(motion.track.person))
        mesh = textured_mesh(person.vertices, atlas, person.uv_map)
        write_bytes(glb, mesh.export(file_type="glb"))
        lines.append(panels_of(seen, person, atlas, SHOWN))
    write_bytes(stem.with_name(stem.name + SHEET), sheet(lines))
    return f"{stem}{{{SHEET},-person*-textured.glb}}"


def sheet(lines: Sequence[Sequence[Image.Image]]) -> bytes:
    """Rows of pictures as a PNG, as many beside each other as make it about as wide as high."""
    across = max(1, round(np.sqrt(len(lines) * SHOWN / sum(p.width for p in lines[0]))))
    whole = [
        [picture for line in lines[begin : begin + across] for picture in line]
        for begin in range(0, len(lines), across)
    ]
    return beside_each_other(*whole)
