"""From a photograph to bodies: meshes, numbers, pictures and a page to turn them on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rsclib.body import Body
from rsclib.errors import RscError
from rsclib.files.atomic import atomic_path, write_bytes, write_text
from rsclib.files.photos import Pixels, read_photo
from rsclib.files.video import is_video
from rsclib.geometry import assumed_focal
from rsclib.looks import Looks
from rsclib.pictured import Person, Where, people_in
from rsclib.predictor import NetPredictor
from rsclib.render.export import write_glb
from rsclib.viz import overlay, picture_page, side_view
from rsclib.viz.overlays import COLOURS

OF_PERSON = (".obj", ".glb", ".npz", ".png")  # also with -personN before them
OF_IMAGE = (".html", "-overlay.jpg")
SUFFIXES = (*OF_PERSON, *OF_IMAGE)
OF_VIDEOS = (".mp4", ".html", ".csv", ".webp")  # rsclib.predict_video
SHOWN = 384  # side of each panel of the picture, pixels


def outputs(
    photos: Sequence[str], folder: Path, suffixes: Sequence[str] | None = None,
    several: bool = False,
) -> list[Path]:  # fmt: skip
    """The common stem of each photograph's or video's files, ``folder/name``, to which ``suffixes`` (None:
    those of ``rsc predict``) are added.

    Args:
        several: a photograph may show several people, whose files are called ``name-personN``.

    Raises:
        RscError: two of them share a name, or one would be written over.
    """
    names = [Path(photo).stem for photo in photos]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise RscError(f"two images are called {twice[0]!r}; predict them into two folders (--out)")
    for photo, name in zip(photos, names, strict=True):
        of_person = re.fullmatch(r"(.+)-person\d+", name)
        whose = photos[names.index(of_person[1])] if of_person and of_person[1] in names else None
        if whose is not None and (several or is_video(whose)):
            raise RscError(
                f"the people of {whose} would be called like {photo}; predict them into two folders "
                "(--out)"
            )
    stems = [folder / name for name in names]
    taken = {Path(photo).absolute() for photo in photos}
    for photo, stem in zip(photos, stems, strict=True):
        files = [_file(stem, s) for s in suffixes or (OF_VIDEOS if is_video(photo) else SUFFIXES)]
        for file in files:
            if file.absolute() in taken:
                raise RscError(f"{file} would be overwritten; choose another --out")
    return stems


def _file(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)


def predict_photo(
    photo: str,
    stem: Path,
    predictor: NetPredictor,
    where: Where | None = None,
    looks: Looks = 1,
) -> tuple[str, list[str]]:
    """Write what one photograph shows.

    Of one person, who is where ``where.box`` says: ``stem.obj``, ``stem.glb``, ``stem.npz`` and
    ``stem.png``. Of the people of ``where.boxes`` those of each as ``stem-personN`` with N from 0, and
    ``stem.glb`` of all, where they seem to stand. Always ``stem.html``, a page to turn them on, and
    ``stem-overlay.jpg``, the whole picture with them. Each file is whole or not there; people of an
    earlier call who are no more are removed last.

    The npz is that of :func:`arrays_of`. The meshes of obj and glb are turned to y up; they are about
    the body's origin, in metres.

    Args:
        looks: see :func:`rsclib.pictured.people_in`.

    Returns:
        One line that says what was written, and warnings of what makes it doubtful, a line each.

    Raises:
        RscError: the photograph or a box is of no use, or a file cannot be written.
    """
    where, body = where or Where(), predictor.body
    try:
        content = read_photo(photo)
        people = people_in(content, predictor, where, looks)
    except RscError as error:
        named = str(RscError(photo)) in str(error)  # as an error writes the name
        raise RscError(str(error) if named else f"{photo}: {error}") from error
    several = where.boxes is not None
    stems = [_file(stem, f"-person{k}") for k in range(len(people))] if several else [stem]
    faces, size = body.faces.cpu().numpy(), content.pixels.shape[1::-1]
    for k, (person, own) in enumerate(zip(people, stems, strict=True)):
        write_obj(_file(own, ".obj"), person.vertices, faces)
        write_glb(_file(own, ".glb"), {f"person {k}": person.vertices}, faces, [_colour(k)])
        with atomic_path(_file(own, ".npz")) as temporary:
            np.savez(temporary, allow_pickle=False, **arrays_of(person, size, looks, body))
        panels = draw(person, body)
        with atomic_path(_file(own, ".png")) as temporary:
            panels.savefig(temporary, dpi=100)
    if several:
        standing = {f"person {k}": p.vertices + p.standing(*size) for k, p in enumerate(people)}
        write_glb(_file(stem, ".glb"), standing, faces, [_colour(k) for k in range(len(people))])
    picture = picture_page.shown(content.pixels, people)
    note = f"Estimated by {predictor.net.source} from {Path(photo).name}{_asked(looks)}."
    page = _file(stem, ".html")
    picture_page.write_picture_page(page, picture, people, body, Path(photo).name, note)
    drawn = picture_page.over_picture(picture, people, body)
    write_bytes(_file(stem, "-overlay.jpg"), picture_page.jpeg(drawn))
    if several:
        _forget_others(stem, stems)
    return _said(photo, stem, people, several), [
        f"{photo}{f', person {k}' * several}: {doubt}"
        for k, person in enumerate(people)
        for doubt in person.doubts
    ]


def _colour(number: int) -> tuple[float, ...]:
    return COLOURS[number % len(COLOURS)]


def _asked(looks: Looks) -> str:
    said = {1: "", 2: " and its mirror image", 10: ", the mean of ten looks"}
    return said[looks]


def _said(photo: str, stem: Path, people: Sequence[Person], several: bool) -> str:
    files = ",".join(suffix[1:] for suffix in OF_PERSON)
    if not several:
        size = f"{people[0].native} px, range {people[0].range_index}"
        return f"{photo}: {size}: {stem}.{{{files},html}}, {_file(stem, '-overlay.jpg')}"
    sizes = ", ".join(str(p.native) for p in people[:10]) + ", ..." * (len(people) > 10)
    count = f"{len(people)} {'person' if len(people) == 1 else 'people'} of {sizes} px"
    return f"{photo}: {count}: {stem}{{.html,.glb,-overlay.jpg}}, {stem}-person*.{{{files}}}"


def _forget_others(stem: Path, stems: Sequence[Path]) -> None:
    """Remove the files of people of an earlier call with other boxes: where all four are there."""
    kept = {own.name for own in stems}
    old = re.compile(re.escape(stem.name) + r"-person\d+\.npz")
    for path in stem.parent.iterdir():
        files = [path.with_suffix(suffix) for suffix in OF_PERSON]
        page = path.with_suffix(".html")  # a picture of its own that is called so has one
        if page.exists() or not old.fullmatch(path.name) or path.stem in kept:
            continue
        if all(f.is_file() for f in files):
            for file in files:
                file.unlink(missing_ok=True)


def arrays_of(
    person: Person, size: Sequence[int], looks: Looks, body: Body
) -> Mapping[str, NDArray[Any]]:
    """What an npz holds of a person in a picture of ``size`` (width, height).

    rotmats (24, 3, 3), betas (10,), cam (3,) of the square; vertices (6890, 3), joints24 (24, 3) about
    the body's origin and joints14 (14, 3) about the pelvis, metres, camera frame. In pixels of the
    picture: box (4,) x y width height, square (3,) left top side, joints2d (24, 2) and joints14_2d
    (14, 2). The square's camera, before which they are projected: focal_px, centre_px (2,) and
    translation (3,) of the body's origin, metres; the same before one camera for the whole picture,
    whose focal length is assumed: picture_focal_px, picture_translation (3,). native_px and
    range_index; unsure_mm; looks, of how many it is the mean; body (name, digest).
    """
    joints14 = person.joints14 + person.pelvis
    return {
        "rotmats": person.prediction.rotmats[0].numpy(),
        "betas": person.prediction.betas[0].numpy(), "cam": person.prediction.cam[0].numpy(),
        "vertices": person.vertices, "joints24": person.joints24, "joints14": person.joints14,
        "box": np.array(person.box), "square": np.array(person.square, np.float64),
        "joints2d": person.in_picture(person.joints24), "joints14_2d": person.in_picture(joints14),
        "focal_px": np.array(float(person.focal)), "centre_px": np.array(person.centre),
        "translation": person.translation,
        "picture_focal_px": np.array(float(assumed_focal(size[0], size[1]))),
        "picture_translation": person.standing(size[0], size[1]),
        "native_px": np.array(person.native, np.int64), "range_index": np.array(person.range_index, np.int64),
        "unsure_mm": np.array(float(person.unsure_mm)), "looks": np.array(looks),
        "body": np.array([body.name, body.digest]),
    }  # fmt: skip


def write_obj(path: Path, vertices: NDArray[np.float32], faces: NDArray[np.int64]) -> None:
    """A mesh in the camera frame (metres) as Wavefront OBJ, y up and z towards the viewer."""
    lines = [f"v {x:.5f} {-y:.5f} {-z:.5f}" for x, y, z in vertices.tolist()]
    lines += [f"f {a} {b} {c}" for a, b, c in (faces + 1).tolist()]
    write_text(path, "\n".join(lines) + "\n")


def draw(person: Person, body: Body) -> Any:
    """A figure: the crop, the mesh over it, the mesh from the side."""
    from matplotlib.figure import Figure  # without pyplot: nothing to close, no window

    # Enlarged first, so that the mesh is drawn with sharp edges.
    size = (SHOWN, SHOWN)
    large: Pixels = np.array(Image.fromarray(person.cut).resize(size, Image.Resampling.BICUBIC))
    vertices = (person.vertices + person.translation).astype(np.float32)
    panels = {
        f"input, {person.native} px": large,
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
