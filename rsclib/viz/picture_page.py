"""A page with a photograph and the bodies in it, to turn: one file, nothing to load, nothing to run."""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from rsclib.body import Body
from rsclib.files.atomic import write_text
from rsclib.files.photos import Pixels
from rsclib.geometry import CROP, FOCAL
from rsclib.pictured import Person
from rsclib.viz.overlays import COLOURS, Drawn, draw_bodies
from rsclib.viz.player import LICENSED, Packed

TEMPLATE = Path(__file__).parent / "picture.html"
LARGEST = 2048  # longer side of a shown picture, pixels
_BODY = 800  # side of the largest square in it: as large as one need be to be looked at
_QUALITY = 88


class Shown(NamedTuple):
    """A picture as it is shown, ``pixels`` (H, W, 3), ``scale`` times as large as it was."""

    pixels: Pixels
    scale: float


def shown(pixels: Pixels, people: Sequence[Person]) -> Shown:
    """The picture, so large that the largest person can be looked at and no larger than need be."""
    height, width = pixels.shape[:2]
    largest = max(person.square[2] for person in people)
    scale = min(LARGEST / max(height, width), _BODY / largest)
    scale = (
        math.floor(scale) if scale >= 1 else scale
    )  # pixels that are enlarged stay equally large
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if scale == 1:
        return Shown(pixels, 1.0)
    return Shown(np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)), scale)


def over_picture(picture: Shown, people: Sequence[Person], body: Body) -> Pixels:
    """The whole picture with everybody's body over it, (H, W, 3)."""
    drawn = [
        Drawn((p.vertices + p.translation).astype(np.float32), _scaled(p, picture.scale), number)
        for number, p in enumerate(people)
    ]
    faces = body.faces.cpu().numpy().astype(np.int32)
    return draw_bodies(picture.pixels, drawn, faces, numbered=len(people) > 1)


def _scaled(person: Person, scale: float) -> list[float]:
    return [value * scale for value in person.square]


def jpeg(pixels: Pixels) -> bytes:
    """A picture as the bytes of a JPEG file."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def picture_html(picture: Shown, people: Sequence[Person], body: Body, name: str, note: str) -> str:
    """The page: the photograph, the bodies over it and one of them beside it, to be turned.

    Args:
        name: its title. note: a sentence below, e.g. which model this is from.
    """
    packed = Packed()
    height, width = picture.pixels.shape[:2]
    data: Mapping[str, Any] = {
        "name": name, "note": note if body.name == "open" else f"{note} {LICENSED}",
        "width": width, "height": height, "colours": COLOURS, "scale": picture.scale,
        "picture": "data:image/jpeg;base64," + base64.b64encode(jpeg(picture.pixels)).decode(),
        "faces": packed.add("u2", body.faces.cpu().numpy()),
        "people": [_person(person, picture.scale, packed) for person in people],
    }  # fmt: skip
    data = {**data, "bytes": base64.b64encode(packed.bytes).decode()}
    # A name must not end the element that it stands in.
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    before, after = TEMPLATE.read_text(encoding="utf-8").split("__DATA__")
    return before + text + after


def _person(person: Person, scale: float, packed: Packed) -> dict[str, Any]:
    """One person: vertices in tenths of a millimetre about the pelvis, and where that is."""
    left, top, side = _scaled(person, scale)
    about = person.vertices - person.pelvis
    return {
        "vertices": packed.add("i2", np.round(about.astype(np.float64) * 1e4)),
        "at": (person.pelvis[0] + person.translation).tolist(),
        "focal": FOCAL * side / CROP, "centre": [left + side / 2, top + side / 2], "side": side,
        "native": person.native, "range": person.range_index, "apart": round(person.unsure_mm),
        "doubts": person.doubts,
    }  # fmt: skip


def write_picture_page(
    path: Path, picture: Shown, people: Sequence[Person], body: Body, name: str, note: str
) -> None:
    """Write :func:`picture_html`.

    Raises:
        RscError: the disk refuses.
    """
    write_text(path, picture_html(picture, people, body, name, note))
