"""Films of skeletons as SVG: every viewer of a page plays them, sharp at any size, in a few kilobytes.

A film of pictures (:mod:`rsclib.viz.films`) stores every pixel of every frame; a skeleton is 14 points.
The drawing stands in an ``img``, where no script runs and none is needed.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rsclib.skeleton import J14_BONES
from rsclib.viz.meshes import BLUE, GREY, VERMILION

Floats = NDArray[np.floating[Any]]
GREEN = (0.0, 0.62, 0.451)  # Okabe and Ito's
# Colours of the films of lessons 19 to 21; a film with another name is black.
COLOURS: dict[str, tuple[float, ...]] = {
    "truth": GREY, "turned": BLUE, "jittery": VERMILION, "frozen": GREEN,
    "frame by frame": VERMILION, "average": BLUE, "module": GREEN,
}  # fmt: skip
BLACK = (0.0, 0.0, 0.0)
# A panel, in units of 2 mm: 1.2 m wide; the hips are 0.84 m below the upper edge, under the title.
WIDE, HIGH, HIPS, PER_METRE = 600, 1000, 480, 500
SHOWN = 150  # pixels that a page gives a panel
PAUSE = 8  # frames that the last one stands for


def stick_film(
    truth: Floats | None,
    films: Mapping[str, Floats],
    alt: str,
    caption: str,
    pictures: NDArray[np.uint8] | None = None,
    milliseconds: int = 100,
) -> None:
    """Display films of skeletons side by side, each over the truth in grey; before them what was seen.

    Args:
        truth: (T, 14, 3) metres, camera axes, the middle of the hips at the origin. None: not drawn.
        films: the same by name. pictures: (T, S, S, 3) uint8.
        alt, caption: see :func:`rsclib.viz.html.figure_html`. milliseconds: that a frame stands.
    """
    columns = len(films) + (pictures is not None)
    drawn = [] if pictures is None else [_pictures(pictures, milliseconds)]
    for name, joints in films.items():
        panel = [_title(name)]
        if truth is not None:
            panel.append(_moving(truth, GREY, 26, milliseconds))
        panel.append(_moving(joints, COLOURS.get(name, BLACK), 11, milliseconds))
        drawn.append("".join(panel))
    _display(_svg([drawn]), columns * SHOWN, alt, caption)


def strip(
    truth: Floats, films: Mapping[str, Floats], frames: Sequence[int], alt: str, caption: str
) -> None:
    """Display some frames of films, a row a film: a film for paper. Arguments as :func:`stick_film`."""
    rows = []
    for k, (name, joints) in enumerate(films.items()):
        row = [_title(name, min(80, 950 // len(name)))]
        for t in frames:
            colour = COLOURS.get(name, BLACK)
            paths = _still(truth[t], GREY, 26) + _still(joints[t], colour, 11)
            row.append(paths + (_title(f"frame {t}", 80) if k == 0 else ""))
        rows.append(row)
    _display(_svg(rows, wordy=True), (1 + len(frames)) * SHOWN * 2 // 3, alt, caption)


def _d(joints: Floats) -> str:
    """The bones of one frame (14, 3) as an SVG path."""
    at = np.round(np.asarray(joints)[:, :2] * PER_METRE + (WIDE / 2, HIPS)).astype(int)
    return "".join(f"M{at[a][0]} {at[a][1]}L{at[b][0]} {at[b][1]}" for a, b in J14_BONES)


def _still(joints: Floats, colour: tuple[float, ...], width: int, inside: str = "") -> str:
    ink = "#" + "".join(f"{round(255 * c):02x}" for c in colour)
    return (
        f'<path d="{_d(joints)}" fill="none" stroke="{ink}" stroke-width="{width}" '
        f'stroke-linecap="round">{inside}</path>'
    )


def _moving(film: Floats, colour: tuple[float, ...], width: int, milliseconds: int) -> str:
    values = [_d(frame) for frame in film]
    return _still(film[0], colour, width, _animated("d", values, milliseconds))


def _animated(attribute: str, values: Sequence[str], milliseconds: int) -> str:
    """One value after the other, without end; the last stands longer."""
    total = len(values) - 1 + PAUSE
    times = ";".join(f"{k / total:.4f}" for k in range(len(values)))
    return (
        f'<animate attributeName="{attribute}" calcMode="discrete" repeatCount="indefinite" '
        f'dur="{total * milliseconds / 1000:g}s" keyTimes="{times}" values="{";".join(values)}"/>'
    )


def _title(words: str, size: int = 52) -> str:
    return (
        f'<text x="{WIDE // 2}" y="62" text-anchor="middle" font-size="{size}" '
        f'font-family="sans-serif">{html.escape(words)}</text>'
    )


def _pictures(pictures: NDArray[np.uint8], milliseconds: int) -> str:
    """Pictures as one tall one, of which a window shows a part."""
    count, side = pictures.shape[:2]
    file = io.BytesIO()
    tall = Image.fromarray(pictures.reshape(count * side, side, 3))
    tall.save(file, format="webp", quality=90, method=6)
    source = f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
    move = _animated("y", [str(-side * t) for t in range(count)], milliseconds)
    return (
        f'{_title(f"seen, {side} px")}<svg x="0" y="{HIPS - WIDE // 2 + 40}" width="{WIDE - 30}" '
        f'height="{WIDE - 30}" viewBox="0 0 {side} {side}"><image href="{source}" width="{side}" '
        f'height="{count * side}" style="image-rendering: pixelated">{move}</image></svg>'
    )


def _svg(rows: Sequence[Sequence[str]], wordy: bool = False) -> str:
    """Panels on a white ground; with ``wordy`` the first of a row are words, half-way down."""
    columns = max(len(row) for row in rows)
    parts = []
    for y, row in enumerate(rows):
        for x, panel in enumerate(row):
            down = HIGH * y + (HIGH // 2 - 40 if wordy and x == 0 else 0)
            parts.append(f'<g transform="translate({WIDE * x} {down})">{panel}</g>')
    box = (WIDE * columns, HIGH * len(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {box[0]} {box[1]}">'
        f'<rect width="{box[0]}" height="{box[1]}" fill="white"/>{"".join(parts)}</svg>'
    )


def _display(svg: str, width: int, alt: str, caption: str) -> None:
    from IPython.display import display

    source = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
    picture = f'<img alt="{html.escape(alt)}" width="{width}" src="{source}">'
    below = f"<figcaption><em>{html.escape(caption, quote=False)}</em></figcaption>"
    page = f'<figure style="margin: 0">{picture}{below}</figure>'
    display({"text/html": page, "text/plain": f"[film: {alt}]"}, raw=True)
