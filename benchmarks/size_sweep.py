"""Draw ``results/open/size_sweep.webp``: one person while her picture shrinks, and three guesses at her.

python -m benchmarks.size_sweep
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Mapping
from pathlib import Path

import matplotlib
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from rsclib.body import Body, BodyOutput, load_body
from rsclib.files.atomic import write_bytes
from rsclib.geometry import cam_to_translation
from rsclib.metrics import mpjpe
from rsclib.models import SHIPPED, model_named
from rsclib.openbench.build import fetch
from rsclib.predictor import NetPredictor
from rsclib.resolution import degrade
from rsclib.viz import BLUE, GREY, VERMILION, about_pelvis, enlarged, guess, shaded, true_body

PERSON = 30  # of test-wild, the one whom the lessons follow
SIZES = (128, 118, 109, 100, 92, 85, 78, 72, 66, 61, 56, 52, 48, 44, 41, 38, 36, 34, 32, 30, 28, 26, 24)  # fmt: skip
SIDE, HEAD = 256, 34  # pixels of a panel, of the line above it
TURN = 45  # degrees about the vertical, so that errors in depth show
FRAME, FIRST, LAST = 240, 1200, 1600  # milliseconds
SOLID = 0.8  # of a guess, so that the truth shines through
MOST_BYTES = 400_000

Pixels = NDArray[np.uint8]


def turned(found: BodyOutput) -> NDArray[np.float32]:
    """Vertices (6890, 3) about the pelvis, turned, before a camera that sees 1.95 metres."""
    c, s = np.cos(np.radians(TURN)), np.sin(np.radians(TURN))
    around = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    camera = cam_to_translation(torch.tensor([[2 / 1.95, 0.0, 0.03]])).numpy()
    return (about_pelvis(found) @ around + camera).astype(np.float32)


def beside_truth(
    truth: BodyOutput, found: BodyOutput, body: Body, colour: tuple[float, ...]
) -> Pixels:
    """The true mesh in grey and a guess over it on white, (SIDE, SIDE, 3)."""
    faces = body.faces.numpy().astype(np.int32)
    picture = np.ones((SIDE, SIDE, 3), np.float32)
    for vertices, shade, opacity in ((turned(truth), GREY, 1.0), (turned(found), colour, SOLID)):
        mesh, cover = shaded(vertices, faces, SIDE, shade)
        picture = picture * (1 - opacity * cover[..., None]) + opacity * mesh
    return (picture.clip(0, 1) * 255).astype(np.uint8)


def titled(panels: Mapping[str, Pixels]) -> Image.Image:
    """Panels side by side, each with its words above."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    font = ImageFont.truetype(str(folder / "DejaVuSans.ttf"), 16)
    sheet = Image.new("RGB", (SIDE * len(panels), SIDE + HEAD), "white")
    draw = ImageDraw.Draw(sheet)
    for k, (words, panel) in enumerate(panels.items()):
        sheet.paste(Image.fromarray(panel), (k * SIDE, HEAD))
        draw.text((k * SIDE + SIDE / 2, HEAD / 2), words, "black", font, anchor="mm")
    return sheet


# Models, with their colours: sharp pictures only, all sizes with nothing of the paper's, RSC-Net.
SHOWN = {"hr-only": BLUE, "spin": (0.0, 0.62, 0.451), "full": VERMILION}


def frames(person: int = PERSON) -> list[Image.Image]:
    """A frame a size: what is left of the picture, and each shipped model's guess in colour."""
    data, body = fetch("test-wild", person + 1), load_body()
    images = torch.from_numpy(data["images"][[person]]).permute(0, 3, 1, 2)
    truth = true_body(data, person, body)
    predictors = {SHIPPED[name]: NetPredictor(model_named(name), body) for name in SHOWN}
    colours = list(SHOWN.values())
    out = []
    for size in SIZES:
        seen = degrade(images, size)[0].permute(1, 2, 0).numpy()
        panels = {f"{size} × {size} pixels": enlarged(seen, SIDE)}
        for (title, predictor), colour in zip(predictors.items(), colours, strict=True):
            found = guess(predictor, data, person, size)[1]
            error = float(mpjpe(found.joints14, truth.joints14, root=None)[0])
            panels[f"{title}: {error:.0f} mm off"] = beside_truth(truth, found, body, colour)
        out.append(titled(panels))
    return out


def write(out: Path, drawn: list[Image.Image]) -> None:
    """An animation that starts again and again, in the best quality that is small enough."""
    times = [FIRST, *[FRAME] * (len(drawn) - 2), LAST]
    for quality in (85, 75, 65, 55, 45):
        film = io.BytesIO()
        drawn[0].save(
            film, format="webp", save_all=True, append_images=drawn[1:], duration=times,
            loop=0, quality=quality, method=6,
        )  # fmt: skip
        if len(film.getvalue()) < MOST_BYTES:
            write_bytes(out, film.getvalue())
            print(f"{out}: {len(drawn)} frames, {len(film.getvalue()) / 1e3:.0f} kB")
            return
    raise SystemExit(f"{out} would be larger than {MOST_BYTES / 1e3:.0f} kB in every quality")


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("results/open/size_sweep.webp"))
    write(parser.parse_args().out, frames())


if __name__ == "__main__":
    main()
