"""Pictures of UV maps: an atlas with its body, one look-up from near, painted maps and their bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rsclib.render.uv import Atlas
from rsclib.viz.meshes import BLUE, VERMILION
from rsclib.viz.turntables import turntable

_MARKS = "osD^vP*X"  # points are told apart by shape, too
_CHECKS = 16  # squares along a side of the map that shows the atlas


def as_bytes(uv_map: Tensor) -> NDArray[np.uint8]:
    """A map or picture (3, H, W) in [0, 1] as (H, W, 3) uint8."""
    return (uv_map.detach().clamp(0, 1).permute(1, 2, 0).numpy() * 255 + 0.5).astype(np.uint8)


def chequered(side: int) -> NDArray[np.uint8]:
    """A map (side, side, 3) whose colour runs from blue to vermilion with u, in squares."""
    u, row = np.meshgrid((np.arange(side) + 0.5) / side, np.arange(side))
    colour = np.array(BLUE) * (1 - u[..., None]) + np.array(VERMILION) * u[..., None]
    square = side // _CHECKS
    dark = (row // square + row.T // square) % 2
    return ((1 - (1 - colour) * np.where(dark, 1.0, 0.45)[..., None]) * 255).astype(np.uint8)


def atlas_picture(
    vertices: NDArray[np.float32], atlas: Atlas, picks: Mapping[str, int], side: int = 256
) -> Any:
    """A figure: the body from its front and back in a chequered map, then the map with its charts.

    Args:
        vertices: (V, 3), axes of the camera frame, metres. picks: vertices to be marked, by name.
    """
    import matplotlib.pyplot as plt

    chequers = chequered(side)
    sides = turntable(vertices, atlas, chequers, 2, 420, 260)
    figure, axes = plt.subplots(1, 3, figsize=(9.0, 3.6), gridspec_kw={"width_ratios": [1, 1, 2.3]})
    for axis, picture, title in zip(axes, sides, ("front", "back"), strict=False):
        axis.imshow(picture)
        axis.set_title(title, fontsize=9)
    axes[2].imshow(chequers, extent=(0, 1, 0, 1), alpha=0.55)
    axes[2].triplot(*atlas.uv.T, atlas.uv_faces, color="black", lw=0.12)
    for mark, (name, vertex) in zip(_MARKS, picks.items(), strict=False):
        corners = np.unique(atlas.uv_faces[atlas.faces == vertex])
        axes[2].plot(*atlas.uv[corners].T, mark, color="white", mec="black", ms=8, label=name)
    axes[2].legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes[2].set(xlabel="u", ylabel="v", xlim=(0, 1), ylim=(0, 1))
    for axis in axes[:2]:
        axis.axis("off")
    figure.tight_layout(pad=0.4)
    return figure


def one_look(
    photo: NDArray[np.uint8], pixel: tuple[int, int], uv_map: NDArray[np.uint8], at: tuple[float, float]
) -> Any:  # fmt: skip
    """A figure: a pixel (row, column) of a picture, where it looks in the map, and its four texels.

    Args:
        at: (u, v) in [0, 1].
    """
    import matplotlib.pyplot as plt

    side = len(uv_map)
    x, y = at[0] * side - 0.5, (1 - at[1]) * side - 0.5  # in texels, centres at integers
    figure, axes = plt.subplots(1, 3, figsize=(8.0, 3.0), gridspec_kw={"width_ratios": [1, 2, 2]})
    axes[0].imshow(photo)
    axes[0].plot(pixel[1], pixel[0], "s", mfc="none", mec="white", ms=9, mew=2)
    axes[0].set_title("a pixel", fontsize=9)
    for axis in axes[1:]:
        axis.imshow(uv_map)
    axes[1].plot(x, y, "s", mfc="none", mec="white", ms=9, mew=2)
    axes[1].set_title("where it looks", fontsize=9)
    left, top = int(np.floor(x)), int(np.floor(y))
    for row in (top, top + 1):
        for column in (left, left + 1):
            weight = (1 - abs(x - column)) * (1 - abs(y - row))
            axes[2].text(
                column, row, f"{weight:.2f}", ha="center", va="center", fontsize=11,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8},
            )  # fmt: skip
    axes[2].plot(x, y, "X", color="white", mec="black", ms=11)
    axes[2].set(xlim=(left - 1.5, left + 2.5), ylim=(top + 2.5, top - 1.5))
    axes[2].set_title("its four texels and their weights", fontsize=9)
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
    figure.tight_layout(pad=0.4)
    return figure


def painted(maps: Mapping[str, Tensor], vertices: NDArray[np.float32], atlas: Atlas) -> Any:
    """A figure, a row a map (3, T, T) in [0, 1]: the map, the body from the front, its side, its back.

    Args:
        vertices: (V, 3), axes of the camera frame, metres.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        len(maps), 4, figsize=(6.4, 2.05 * len(maps)), squeeze=False,
        gridspec_kw={"width_ratios": [1.35, 1, 1, 1]},
    )  # fmt: skip
    for row, (name, uv_map) in zip(axes, maps.items(), strict=True):
        plain = as_bytes(uv_map)
        row[0].imshow(plain, interpolation="nearest")
        row[0].set_ylabel(name, fontsize=9)
        row[0].set_xticks([])
        row[0].set_yticks([])
        views = turntable(vertices, atlas, plain, 4, 240, 180, light=0.15)
        for axis, picture in zip(row[1:], views, strict=False):
            axis.imshow(picture)
            axis.axis("off")
    for axis, title in zip(axes[0], ("UV map", "as photographed", "a quarter turn", "half a turn"), strict=True):  # fmt: skip
        axis.set_title(title, fontsize=9)
    figure.tight_layout(pad=0.3)
    return figure


def progress(lines: Mapping[str, Sequence[float]]) -> Any:
    """A figure: PSNR in dB over the steps of painting, a line a part of the map."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(5.6, 2.7))
    styles = (BLUE, "-"), (VERMILION, "--"), ("black", ":")
    for (name, values), (colour, style) in zip(lines.items(), styles, strict=False):
        axis.plot(np.arange(1, len(values) + 1), values, style, color=colour, label=name, lw=2)
    axis.set(xlabel="step of gradient descent", ylabel="PSNR against the truth, dB")
    axis.legend(fontsize=9, frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout(pad=0.4)
    return figure


def turning(
    maps: Mapping[str, Tensor], vertices: NDArray[np.float32], atlas: Atlas, frames: int = 24,
    height: int = 230, width: int = 150,
) -> list[NDArray[np.uint8]]:  # fmt: skip
    """Frames of a film: the body once around in each of the maps, side by side, their names below."""
    from PIL import Image, ImageDraw

    films = [
        turntable(vertices, atlas, as_bytes(m), frames, height, width, light=0.15)
        for m in maps.values()
    ]
    out = []
    for pictures in zip(*films, strict=True):
        sheet = Image.new("RGB", (width * len(maps), height + 18), "white")
        for k, (name, picture) in enumerate(zip(maps, pictures, strict=True)):
            sheet.paste(Image.fromarray(picture), (k * width, 0))
            ImageDraw.Draw(sheet).text(
                (k * width + width // 2, height + 8), name, "black", anchor="mm"
            )
        out.append(np.asarray(sheet))
    return out
