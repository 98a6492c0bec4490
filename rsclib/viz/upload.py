"""A widget for a reader's own photograph: choose a file, say where the person is, choose a size, and the
body follows. Nothing leaves the machine: the file goes to the kernel, which is the reader's own."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rsclib.errors import RscError
from rsclib.files.photos import Photo, Pixels, crop, read_photo
from rsclib.predictor import NetPredictor
from rsclib.resolution import degrade
from rsclib.viz.html import figure_html
from rsclib.viz.meshes import enlarged, mesh_of, overlay, side_view
from rsclib.viz.own import two_looks

SMALLEST, STEP = 24, 4  # pixels


def uploaded(value: Sequence[Mapping[str, Any]]) -> tuple[str, bytes]:
    """Name and content of the first file of a ``FileUpload``.

    Raises:
        RscError: there is none.
    """
    if not value:
        raise RscError("no file was chosen")
    return str(value[0].get("name", "your photograph")), bytes(value[0]["content"])


def box_of(words: str) -> tuple[float, ...] | None:
    """Four numbers x y width height from what a reader types; nothing: the whole picture.

    Raises:
        RscError: they are not four numbers.
    """
    parts = words.replace(",", " ").split()
    if not parts:
        return None
    try:
        numbers = tuple(float(part) for part in parts)
    except ValueError:
        numbers = ()
    if len(numbers) != 4:
        raise RscError(
            "a box is four numbers: x y width height, in pixels; nothing: the whole picture"
        )
    return numbers


class Upload:
    """Upload button, box and size slider, and a picture that follows them.

    Args:
        photo: what is shown before a file is chosen; alt: what there is to be seen in it.
        box: where the person is. size: pixels at the start.
    """

    def __init__(
        self, photo: Photo, alt: str, predictor: NetPredictor, box: Sequence[float] | None = None,
        size: int = 64,
    ) -> None:  # fmt: skip
        import ipywidgets as widgets  # type: ignore[import-untyped]

        self.photo, self.alt, self.predictor = photo, alt, predictor
        full = predictor.ranges.full
        self.file = widgets.FileUpload(
            accept="image/*", description="your photograph", layout={"width": "auto"}
        )
        words = "" if box is None else " ".join(f"{v:.0f}" for v in box)
        self.box = widgets.Text(
            words, description="box", placeholder="x y width height, or nothing"
        )
        self.box.continuous_update = False
        self.size = widgets.IntSlider(
            size, min=SMALLEST, max=full, step=STEP, description="pixels", continuous_update=False
        )
        self.picture, self.said = widgets.HTML(), widgets.HTML()
        self.file.observe(self._new_file, "value")
        self.box.observe(self._follow, "value")
        self.size.observe(self._follow, "value")
        self._follow()

    def show(self) -> None:
        """Display it in a notebook."""
        import ipywidgets as widgets
        from IPython.display import display

        display(
            widgets.VBox([widgets.HBox([self.file, self.box]), self.size, self.said, self.picture])
        )

    def _new_file(self, change: Any) -> None:
        """Another photograph: its whole picture until a box is typed."""
        try:
            name, content = uploaded(self.file.value)
            self.photo, self.alt = read_photo(content), f"the photograph {name}"
        except RscError as error:
            self._say(str(error))
            return
        if self.box.value:
            self.box.value = ""  # which is followed
        else:
            self._follow()

    def _follow(self, _: Any = None) -> None:
        try:
            box, size = box_of(self.box.value), self.size.value
            cut, native = crop(self.photo.pixels, box, self.predictor.ranges.full)
            figure, apart = look_figure(cut, min(size, native), self.predictor)
        except RscError as error:
            self._say(str(error))
            return
        index = int(self.predictor.ranges.index(min(size, native)))
        limit = f"; the picture has no more than {native} px of it" * (native < size)
        self._say(
            f"{min(size, native)} px, range {index}{limit}; picture and mirror image are {apart:.0f} mm "
            "apart"
        )
        alt = f"Three panels of {self.alt} at {min(size, native)} px: input, body over it, body from the side."
        self.picture.value = figure_html(figure, alt)

    def _say(self, words: str) -> None:
        self.said.value = html.escape(words)


def look_figure(cut: Pixels, size: int, predictor: NetPredictor) -> tuple[Any, float]:
    """A figure of a square (S, S, 3) at ``size`` pixels: input, body over it, from the side; and how far
    the mirrored picture's pose is, mm."""
    import matplotlib.pyplot as plt

    image = torch.from_numpy(np.ascontiguousarray(cut)).permute(2, 0, 1)[None]
    prediction = predictor.at(image, size)
    vertices: NDArray[np.float32] = mesh_of(prediction, predictor.body)
    apart = float(two_looks(predictor, image, size)[2][0])
    seen = enlarged(degrade(image, size)[0].permute(1, 2, 0).numpy(), 256)
    pictures = {
        f"{size} px": seen, "body": overlay(seen, vertices, predictor.body),
        "from the side": side_view(vertices, predictor.body, 256),
    }  # fmt: skip
    figure, axes = plt.subplots(1, 3, figsize=(7.5, 2.7))
    for axis, (title, picture) in zip(axes, pictures.items(), strict=True):
        axis.imshow(picture)
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    figure.tight_layout(pad=0.4)
    return figure, apart


def upload_and_slide(
    photo: Photo,
    alt: str,
    predictor: NetPredictor,
    box: Sequence[float] | None = None,
    size: int = 64,
) -> None:
    """Display :class:`Upload`."""
    Upload(photo, alt, predictor, box, size).show()
