"""From a photograph and its 2D keypoints to a body: SMPLify on one person, with pictures of its way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from rsclib.body import Body
from rsclib.errors import RscError
from rsclib.files.atomic import atomic_path, write_bytes
from rsclib.files.keypoints import read_keypoints
from rsclib.files.photos import crop, read_photo, square
from rsclib.geometry import CROP, FOCAL, cam_to_translation
from rsclib.pose_mixture import PoseMixture
from rsclib.predict import SHOWN, write_obj
from rsclib.predictor import NetPredictor
from rsclib.skeleton import FROM_BODY_25, FROM_COCO_17, KEYPOINT_NAMES
from rsclib.smplify import Fit, FitConfig, Moment, Pose, fit, upright_starts
from rsclib.viz import films
from rsclib.viz.fitting import fit_frames, fit_sheet

SUFFIXES = (".obj", ".npz", ".png", ".webp")
_ROWS = {"BODY_25": FROM_BODY_25, "COCO_17": FROM_COCO_17}
MARGIN = 1.2  # side of the crop over the larger extent of the points, as in SPIN's crops
_FEWEST = 4  # points, below which a fit says nothing


def person_of(path: str | Path, image: str | Path, person: int | None) -> NDArray[np.float64]:
    """One person's points (24, 3) in pixels of the image, and confidences, from a JSON file.

    Raises:
        RscError: see :func:`rsclib.files.keypoints.read_keypoints`; nobody is chosen of several, or
            fewer than four of our points are marked.
    """
    marked = read_keypoints(path, image)
    count = len(marked.points)
    if person is None and count > 1:
        raise RscError(f"{path} has {count} people in it; choose one: --person 0 to {count - 1}")
    if not 0 <= (person or 0) < count:
        raise RscError(f"{path} has {count} people; --person is 0 to {count - 1}, not {person}")
    out = np.zeros((len(KEYPOINT_NAMES), 3))
    for row, point in zip(_ROWS[marked.layout], marked.points[person or 0], strict=True):
        if row is not None:
            out[row] = point
    if (found := int((out[:, 2] > 0).sum())) < _FEWEST:
        raise RscError(f"{path} has {found} points of the person; a fit needs {_FEWEST} or more")
    return out


def box_around(points: NDArray[np.float64], shape: Sequence[int]) -> tuple[float, ...]:
    """x, y, width, height around the marked points (24, 3) of an image (H, W), with a margin.

    Raises:
        RscError: none of them is in the image.
    """
    marked = points[points[:, 2] > 0, :2]
    low, high = marked.min(0), marked.max(0)
    grow = (MARGIN - 1) / 2 * (high - low).max()
    edge = np.array([shape[1], shape[0]], np.float64)
    low, high = (v.clip(0, edge) for v in (low - grow, high + grow))
    if (high - low < 1).any():
        raise RscError("the keypoints lie outside the image; are they of another one?")
    return (*low.tolist(), *(high - low).tolist())


def fit_photo(
    photo: str, keypoints: str | Path, stem: Path, body: Body, mixture: PoseMixture,
    predictor: NetPredictor | None, config: FitConfig, person: int | None = None,
    box: Sequence[float] | None = None, size: int = 224,
) -> str:  # fmt: skip
    """Write ``stem.obj``, ``stem.npz``, ``stem.png`` and ``stem.webp``, a film of the fit.

    The npz holds rotmats (24, 3, 3), betas (10,), cam (3,) of the crop, joints14 (14, 3) from the
    pelvis and vertices (6890, 3), both metres in the camera frame, keypoints2d (24, 3) as they were
    used, in [-1, 1] of the crop, error_px, the root of the points' mean square at the start and the
    end, pixels of a 224 px crop, and native_px.

    Args:
        predictor: gives the start; None: the mean pose at four headings, of which the best fit is
            taken.
        box: x, y, width, height of the crop; None: around the keypoints. size: of the crop without a
            predictor, pixels.

    Returns:
        One line that says what was written.

    Raises:
        RscError: photograph, box or keypoints are of no use, or a file cannot be written.
    """
    points = person_of(keypoints, photo, person)
    pixels, _ = read_photo(photo)
    box = box_around(points, pixels.shape) if box is None else box
    size = size if predictor is None else predictor.ranges.full
    cut, native = crop(pixels, box, size)
    left, top, side = square(pixels.shape, box)
    points[:, :2] = (points[:, :2] - [left, top]) / side * 2 - 1
    marked = torch.from_numpy(points).float()[None]
    if predictor is None:
        start = upright_starts(body, mixture, marked)
    else:
        guess = predictor(torch.from_numpy(cut).permute(2, 0, 1)[None], native)
        start = Pose(guess.rotmats, guess.betas, cam_to_translation(guess.cam))
        start = Pose(*(value.cpu() for value in start))
    found = best_of(
        fit(body, mixture, marked.expand(len(start.betas), -1, -1), start, config, _kept(config))
    )
    with torch.inference_mode():
        out = body(found.pose.rotmats, found.pose.betas)
    offs = [float(m.error[0].sqrt()) for m in (found.history[0], found.history[-1])]
    far = found.pose.translation[0]
    arrays: dict[str, Any] = {
        "rotmats": found.pose.rotmats[0].numpy(), "betas": found.pose.betas[0].numpy(),
        "cam": np.array([2 * FOCAL / (CROP * float(far[2])), *far[:2].tolist()], np.float32),
        "joints14": out.joints14[0].numpy(), "vertices": out.vertices[0].numpy(),
        "keypoints2d": marked[0].numpy(), "error_px": np.array(offs), "native_px": np.int64(native),
    }  # fmt: skip
    large = np.array(Image.fromarray(cut).resize((SHOWN, SHOWN), Image.Resampling.BICUBIC))
    sheet = fit_sheet(large, _shown(found.history), marked[0], body)
    frames = fit_frames(large, found.history, marked[0], body)
    film = films.webp(frames, [200] * (len(frames) - 1) + [2500])
    obj, npz, png, webp = (stem.with_name(stem.name + suffix) for suffix in SUFFIXES)
    write_obj(obj, arrays["vertices"], body.faces.numpy())
    with atomic_path(npz) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)
    with atomic_path(png) as temporary:
        sheet.savefig(temporary, dpi=100)
    write_bytes(webp, film)
    return (
        f"{photo}: {native} px, points off by {offs[0]:.1f} px at the start and {offs[1]:.1f} px "
        f"after the fit (of {CROP:.0f}): {stem}.{{obj,npz,png,webp}}"
    )


def best_of(fits: Fit) -> Fit:
    """Of fits to the same points the one with the smallest loss, as a batch of one."""
    k = fits.loss.argmin().view(1)

    def at(pose: Pose) -> Pose:
        return Pose(*(value[k] for value in pose))

    moments = [m._replace(pose=at(m.pose), error=m.error[k]) for m in fits.history]
    return Fit(at(fits.pose), fits.error[k], fits.loss[k], moments)


def _kept(config: FitConfig) -> set[int]:
    """Steps that a film shows: many at first, when much happens."""
    steps = {0}
    for count in (config.camera_steps, config.body_steps):
        steps |= {round(x) for x in np.geomspace(1, max(count, 1), 12)}
    return steps


def _shown(moments: Sequence[Moment]) -> list[Moment]:
    """Of a film, the few moments for a page: the start, the end of each stage, two on the way."""
    camera = [m for m in moments if m.stage == "camera"]
    body = [m for m in moments if m.stage == "body"]
    return [camera[0], camera[-1], body[len(body) // 3], body[2 * len(body) // 3], body[-1]]
