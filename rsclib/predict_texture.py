"""From a photograph to a textured body: a picture, a GLB and a turntable."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from rsclib.errors import RscError
from rsclib.files.atomic import write_bytes
from rsclib.files.photos import Pixels, crop, read_photo, square
from rsclib.geometry import cam_to_translation
from rsclib.looks import Looks, look_at
from rsclib.network import Prediction
from rsclib.predictor import NetPredictor
from rsclib.render.export import textured_mesh
from rsclib.render.uv import Atlas, composite, look_up, rasterise_uv, weak_perspective
from rsclib.resolution import degrade_height
from rsclib.texture import HEIGHT, LOW, WIDTH, TexGlo
from rsclib.viz.painting import as_bytes
from rsclib.viz.turntables import write_turntable

SUFFIXES = ("-textured.png", "-textured.glb", "-textured.webp")
SHOWN = 384  # side of each panel of the picture, pixels


class TexturedPerson(NamedTuple):
    """``vertices`` (V, 3) in the camera frame, metres; ``uv_map`` (T, T, 3) uint8, row 0 at v = 1;
    ``small`` (128, 64, 3) uint8, what the texture network saw."""

    vertices: NDArray[np.float32]
    uv_map: Pixels
    small: Pixels


def texture_of(
    cut: Pixels, native: int, predictor: NetPredictor, net: TexGlo,
    taken: Prediction | None = None,
) -> TexturedPerson:  # fmt: skip
    """M, delta and T of a square picture of one person.

    The mesh is what ``rsc predict`` gives. The texture network has learnt from people who stand in
    the middle half of the columns, seen through 32 rows: it gets those, of a picture that has more
    rows as well.

    Args:
        cut: (S, S, 3) uint8, S the predictor's. native: its pixels a side before it was enlarged.
        taken: what body is in it; None: what the predictor says of the picture alone.
    """
    image = torch.from_numpy(cut).permute(2, 0, 1)[None]
    with torch.inference_mode():
        rotmats, betas, cam, *_ = predictor(image, native) if taken is None else taken
        vertices = predictor.body(rotmats, betas).vertices
        assert vertices is not None
        placed = (vertices + cam_to_translation(cam)[:, None])[0].cpu().numpy()
        small = middle_columns(image)
        small = degrade_height(small, min(LOW, native))  # x_L
        uv_map = net.textures(small)[0]
    return TexturedPerson(placed, as_bytes(uv_map), small[0].permute(1, 2, 0).numpy())


def middle_columns(square: Tensor) -> Tensor:
    """Pictures (B, 3, 128, 64) of bytes out of square ones: as high as they are, half as wide."""
    side = square.shape[2]
    left = (side - side // 2) // 2
    half = square[..., left : left + side // 2]
    if half.shape[2:] == (HEIGHT, WIDTH):
        return half
    grown = torch.nn.functional.interpolate(
        half.float(), size=(HEIGHT, WIDTH), mode="bicubic", antialias=True
    )
    return grown.round().clamp(0, 255).byte()


def over_photo(large: Pixels, person: TexturedPerson, atlas: Atlas) -> Pixels:
    """A square picture (S, S, 3) uint8 with the textured body drawn where the regressor's camera sees it."""
    side = len(large)
    vertices = torch.from_numpy(person.vertices)[None]
    where = rasterise_uv(vertices, atlas, weak_perspective(side, side), side, side)
    uv, mask = where.at([0])
    texture = torch.from_numpy(person.uv_map).permute(2, 0, 1)[None].float() / 255
    behind = torch.from_numpy(large).permute(2, 0, 1)[None].float() / 255
    return as_bytes(composite(look_up(texture, uv, mask), mask, behind)[0])


def predict_texture(
    photo: str,
    stem: Path,
    predictor: NetPredictor,
    net: TexGlo,
    box: Sequence[float] | None = None,
    looks: Looks = 1,
) -> str:
    """Write ``stem-textured.png`` (what was seen, the body over the photograph, its UV map),
    ``stem-textured.glb`` and ``stem-textured.webp`` (the body turns) for one photograph.

    Returns:
        One line that says what was written.

    Raises:
        RscError: the photograph or the box is of no use, the body has no UV map, or a file cannot be
            written.
    """
    pixels, _ = read_photo(photo)
    try:
        cut, native = crop(pixels, box, predictor.ranges.full)
    except RscError as error:
        raise RscError(f"{photo}: {error}") from error
    atlas = Atlas.of(predictor.body)
    looked = look_at(pixels, square(pixels.shape, box), cut, native, predictor, looks)
    person = texture_of(cut, native, predictor, net, looked.taken)
    png, glb, webp = (stem.with_name(stem.name + end) for end in SUFFIXES)
    write_bytes(png, beside_each_other(panels_of(cut, person, atlas)))
    mesh = textured_mesh(person.vertices, atlas, person.uv_map)
    write_bytes(glb, mesh.export(file_type="glb"))
    write_turntable(webp, person.vertices, atlas, person.uv_map)
    return f"{photo}: textured from {min(LOW, native)} rows: {stem}-textured.{{png,glb,webp}}"


def panels_of(
    cut: Pixels, person: TexturedPerson, atlas: Atlas, shown: int = SHOWN
) -> list[Image.Image]:
    """What the texture network saw, the body over the square picture, and its UV map, all ``shown``
    pixels high."""
    size, cubic = (shown, shown), Image.Resampling.BICUBIC
    large = np.array(Image.fromarray(cut).resize(size, cubic))
    return [
        Image.fromarray(person.small).resize((shown // 2, shown), cubic),
        Image.fromarray(over_photo(large, person, atlas)),
        Image.fromarray(person.uv_map).resize(size, cubic),
    ]


def beside_each_other(*lines: Sequence[Image.Image]) -> bytes:
    """Lines of pictures, all of one height, as a PNG with gaps between them."""
    gap, high = 8, lines[0][0].height
    width = max(sum(p.width for p in line) + gap * (len(line) - 1) for line in lines)
    sheet = Image.new("RGB", (width, (high + gap) * len(lines) - gap), "white")
    for row, line in enumerate(lines):
        left = 0
        for panel in line:
            sheet.paste(panel, (left, row * (high + gap)))
            left += panel.width + gap
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()
