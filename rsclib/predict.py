"""From a photograph to a body: mesh, numbers and a picture in three files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from rsclib.body import Body
from rsclib.doubts import body_doubts, disagreement, picture_doubts
from rsclib.errors import RscError
from rsclib.files.atomic import atomic_path, write_text
from rsclib.files.photos import Pixels, crop, read_photo
from rsclib.files.video import is_video
from rsclib.geometry import project
from rsclib.predictor import NetPredictor
from rsclib.viz import mesh_of, overlay, side_view

SUFFIXES = (".obj", ".npz", ".png")
OF_VIDEOS = (".mp4", ".html", ".csv", ".webp")  # rsclib.predict_video
# Millimetres between the poses of a picture and of its mirror image from which on a prediction is
# called unsure: chosen by benchmarks/unsure.py, results/open/unsure.csv.
UNSURE_MM = 95.0
SHOWN = 384  # side of each panel of the picture, pixels


def outputs(
    photos: Sequence[str], folder: Path, suffixes: Sequence[str] | None = None
) -> list[Path]:
    """The common stem of each photograph's or video's files, ``folder/name``, to which ``suffixes`` (None:
    those of ``rsc predict``) are added.

    Raises:
        RscError: two of them share a name, or one would be written over.
    """
    names = [Path(photo).stem for photo in photos]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise RscError(f"two images are called {twice[0]!r}; predict them into two folders (--out)")
    stems = [folder / name for name in names]
    taken = {Path(photo).absolute() for photo in photos}
    for photo, stem in zip(photos, stems, strict=True):
        for suffix in suffixes or (OF_VIDEOS if is_video(photo) else SUFFIXES):
            if _file(stem, suffix).absolute() in taken:
                raise RscError(f"{_file(stem, suffix)} would be overwritten; choose another --out")
    return stems


def _file(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)


def predict_photo(
    photo: str, stem: Path, predictor: NetPredictor, box: Sequence[float] | None = None
) -> tuple[str, list[str]]:
    """Write ``stem.obj``, ``stem.npz`` and ``stem.png`` for one photograph.

    The npz holds rotmats (24, 3, 3), betas (10,), cam (3,) of the crop, joints14 (14, 3) from the
    pelvis and vertices (6890, 3), both metres in the camera frame, native_px, range_index and
    unsure_mm, how far away the mirrored picture's pose is (:func:`rsclib.doubts.disagreement`). The
    mesh of the obj is turned to y up.

    Returns:
        One line that says what was written, and warnings of what makes it doubtful, a line each.

    Raises:
        RscError: the photograph or the box is of no use, or a file cannot be written.
    """
    ranges, body = predictor.ranges, predictor.body
    try:
        pixels, alpha = read_photo(photo)
        cut, native = crop(pixels, box, ranges.full)
    except RscError as error:
        named = str(RscError(photo)) in str(error)  # as an error writes the name
        raise RscError(str(error) if named else f"{photo}: {error}") from error
    image = torch.from_numpy(cut).permute(2, 0, 1)[None]
    prediction, mirrored = (predictor(view, native) for view in (image, image.flip(3)))
    with torch.inference_mode():
        out = body(prediction.rotmats, prediction.betas)
        other = body.joints(mirrored.rotmats, mirrored.betas).joints14
        apart = float(disagreement(out.joints14, other)[0])
        points = project(out.joints24, prediction.cam)
    doubts = picture_doubts(cut, alpha, box) or body_doubts(points)
    if apart > UNSURE_MM:
        doubts.append(f"unsure: the mirrored picture gives a pose {apart:.0f} mm away")
    index = int(ranges.index(native))
    arrays: dict[str, Any] = {
        "rotmats": prediction.rotmats[0].numpy(), "betas": prediction.betas[0].numpy(),
        "cam": prediction.cam[0].numpy(), "joints14": out.joints14[0].numpy(),
        "vertices": out.vertices[0].numpy(),
        "native_px": np.int64(native), "range_index": np.int64(index),
        "unsure_mm": np.float64(apart),
    }  # fmt: skip
    write_obj(_file(stem, ".obj"), arrays["vertices"], body.faces.numpy())
    with atomic_path(_file(stem, ".npz")) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)
    picture = draw(cut, native, mesh_of(prediction, body), body)
    with atomic_path(_file(stem, ".png")) as temporary:
        picture.savefig(temporary, dpi=100)
    said = f"{photo}: {native} px, range {index}: {_file(stem, '.{obj,npz,png}')}"
    return said, [f"{photo}: {doubt}" for doubt in doubts]


def write_obj(path: Path, vertices: NDArray[np.float32], faces: NDArray[np.int64]) -> None:
    """A mesh in the camera frame (metres) as Wavefront OBJ, y up and z towards the viewer."""
    lines = [f"v {x:.5f} {-y:.5f} {-z:.5f}" for x, y, z in vertices.tolist()]
    lines += [f"f {a} {b} {c}" for a, b, c in (faces + 1).tolist()]
    write_text(path, "\n".join(lines) + "\n")


def draw(cut: Pixels, native: int, vertices: NDArray[np.float32], body: Body) -> Any:
    """A figure: the crop, the mesh over it, the mesh from the side."""
    from matplotlib.figure import Figure  # without pyplot: nothing to close, no window

    # Enlarged first, so that the mesh is drawn with sharp edges.
    large = np.array(Image.fromarray(cut).resize((SHOWN, SHOWN), Image.Resampling.BICUBIC))
    panels = {
        f"input, {native} px": large,
        "prediction": overlay(large, vertices, body),
        "from the side": side_view(vertices, body, SHOWN),
    }
    figure = Figure(figsize=(12, 4.3))
    for axis, (title, panel) in zip(figure.subplots(1, 3), panels.items(), strict=True):
        axis.imshow(panel)
        axis.set_title(title, fontsize=11)
        axis.set_axis_off()
    figure.tight_layout(pad=0.8)
    return figure
