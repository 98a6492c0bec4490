"""Moving bodies from a video: every person of every frame, in pieces that survive a stop.

Each track is cut out with one row of alpha for all of it. What the network says of 64 frames is put
away as one file beside the output; the same command goes on after the files that are there. At no
time is more in memory than one frame, the crops of one piece a person, and about 1 kB of results a
box.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rsclib.crops import check_tracks, crops, native_of, squares_of
from rsclib.errors import RscError
from rsclib.files.atomic import atomic_path, held, remove_stale, write_text
from rsclib.files.npz import read_npz
from rsclib.files.photos import Pixels, square
from rsclib.files.video import Video
from rsclib.geometry import assumed_focal, before_one_camera, rotmat_to_axis_angle
from rsclib.network import Prediction
from rsclib.predictor import NetPredictor, SharpPredictor
from rsclib.tracks import Track

TRACKS = "tracks.csv"  # boxes that were found, in the folder of pieces
PIECE = 64  # frames of one person that are put away together
_BATCH = 256  # bodies whose joints are computed at a time
_LAYOUT = 1  # of the pieces; raised when they mean something else
_KEYS = ("rotmats", "betas", "cam", "phi")
Floats = NDArray[np.float32]
Temporal = Callable[[Tensor], Prediction]  # phi (T, C) of consecutive frames -> T rows
Shown = Callable[[Iterable[Any]], Iterable[Any]]  # wraps what is gone through, for a progress bar


class Motion(NamedTuple):
    """One person's body in T frames.

    ``track`` its boxes; ``squares`` (T, 3) left, top, side of what the network saw, pixels;
    ``native`` and ``range_index`` the one size of the track and its row of alpha; ``rotmats``
    (T, 24, 3, 3); ``betas`` (10,) the mean over the frames: a body keeps its shape; ``cam`` (T, 3)
    of the squares; ``joints14`` (T, 14, 3) from the pelvis, metres, camera axes.
    """

    track: Track
    squares: NDArray[np.float64]
    native: int
    range_index: int
    rotmats: Floats
    betas: Floats
    cam: Floats
    joints14: Floats


def whole_clip(video: Video, box: Sequence[float] | None = None) -> Track:
    """The same box in every frame, the whole picture by default, as a track.

    Raises:
        RscError: it is no box, or leaves the picture.
    """
    left, top, side = square((video.height, video.width), box)
    boxes = np.tile(np.array([left, top, side, side], np.float64), (video.count, 1))
    return Track(0, np.arange(video.count), boxes)


@contextlib.contextmanager
def work_folder(folder: Path, key: Mapping[str, Any]) -> Iterator[None]:
    """Hold a folder of pieces; those of another video, model or track are thrown away first.

    Raises:
        RscError: another command works in it, or it cannot be written.
    """
    wanted = json.dumps({"layout": _LAYOUT, "piece": PIECE, **key}, sort_keys=True, indent=1)
    with held(folder, "prediction"):
        path = folder / "key.json"
        try:
            same = path.read_text(encoding="utf-8") == wanted
        except (OSError, ValueError):
            same = False
        if not same:
            for left in (*folder.glob("*-*.npz"), folder / TRACKS):
                left.unlink(missing_ok=True)
            write_text(path, wanted)
        remove_stale(path)
        yield


def forget(folder: Path) -> None:
    """Remove a folder of pieces: what they were for is written."""
    shutil.rmtree(folder, ignore_errors=True)


def digest_of(predictor: NetPredictor) -> str:
    """A hash of the weights that see images, so that pieces of others are not gone on with."""
    total = hashlib.sha256()
    parts = [predictor.net, *([predictor.rdn] if isinstance(predictor, SharpPredictor) else [])]
    for part in parts:
        for name, value in sorted(part.state_dict().items()):
            total.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()


def _piece(folder: Path, track: Track, number: int) -> Path:
    return folder / f"{track.person:010d}-{number:06d}.npz"


def look(
    video: Video, tracks: Sequence[Track], predictor: NetPredictor, folder: Path,
    margin: float, shown: Shown = iter,
) -> None:  # fmt: skip
    """Ask the network about every box and put its answers away; pieces that are there are kept.

    Args:
        folder: of the pieces, see :func:`work_folder`. margin: of the squares around the boxes.

    Raises:
        RscError: a box shows nothing, a frame cannot be read, or the disk refuses.
    """
    check_tracks(tracks, video.count, video.height, video.width)
    squares = [squares_of(track.boxes, margin) for track in tracks]
    done = [np.zeros(len(track.frames), bool) for track in tracks]
    for track, rows in zip(tracks, done, strict=True):
        for start in range(0, len(rows), PIECE):
            rows[start : start + PIECE] = _piece(folder, track, start // PIECE).is_file()
    waiting: dict[int, list[tuple[int, Pixels]]] = {}

    def put_away(k: int) -> None:
        rows = waiting.pop(k)
        images = torch.from_numpy(np.stack([pixels for _, pixels in rows])).permute(0, 3, 1, 2)
        answer = predictor(images, native_of(squares[k]))._asdict()
        with atomic_path(_piece(folder, tracks[k], rows[0][0] // PIECE)) as temporary:
            np.savez(temporary, allow_pickle=False, **{n: answer[n].cpu().numpy() for n in _KEYS})

    if all(rows.all() for rows in done):
        return
    for crop in crops(shown(video), tracks, squares, predictor.ranges.full, done):
        waiting.setdefault(crop.track, []).append((crop.row, crop.pixels))
        if (crop.row + 1) % PIECE == 0 or crop.row + 1 == len(tracks[crop.track].frames):
            put_away(crop.track)
    for k in sorted(waiting):  # of a file that holds fewer frames than it counts
        put_away(k)


def motion_of(
    track: Track, predictor: NetPredictor, folder: Path, margin: float,
    temporal: Temporal | None = None,
) -> Motion:  # fmt: skip
    """One person's body from the pieces of :func:`look`.

    Args:
        temporal: what makes of the features phi (T, C) of consecutive frames T predictions; None:
            each frame's own is taken.

    Raises:
        RscError: a piece is damaged, or the temporal network gives another number of rows.
    """
    numbers = range(-(-len(track.frames) // PIECE))
    paths = [p for p in (_piece(folder, track, n) for n in numbers) if p.is_file()]
    if not paths:
        raise RscError(f"person {track.person} is in no frame that could be read")
    pieces = [read_npz(path) for path in paths]
    rotmats, betas, cam, phi = (np.concatenate([p[name] for p in pieces]) for name in _KEYS)
    seen = Track(track.person, track.frames[: len(cam)], track.boxes[: len(cam)])
    if temporal is not None:
        rotmats, betas, cam = _over_time(phi, seen.frames, temporal)
    squares = squares_of(seen.boxes, margin)
    shape = betas.mean(0)
    joints = [
        predictor.body.joints(part, torch.from_numpy(shape).expand(len(part), -1)).joints14
        for part in torch.from_numpy(rotmats).split(_BATCH)
    ]
    native = native_of(squares_of(track.boxes, margin))
    index = int(predictor.ranges.index(native))
    return Motion(seen, squares, native, index, rotmats, shape, cam, torch.cat(joints).numpy())


def _over_time(
    phi: Floats, frames: NDArray[np.int64], temporal: Temporal
) -> tuple[Floats, Floats, Floats]:
    """What a temporal network says of each run of consecutive frames."""
    ends = np.flatnonzero(np.diff(frames) != 1) + 1
    found = []
    with torch.inference_mode():
        for run in np.split(phi, ends):
            p = temporal(torch.from_numpy(run))
            if len(p.cam) != len(run) or p.rotmats.shape != (len(run), 24, 3, 3):
                raise RscError(f"the temporal network gave {len(p.cam)} rows for {len(run)} frames")
            found.append((p.rotmats.numpy(), p.betas.numpy(), p.cam.numpy()))
    rotmats, betas, cam = (np.concatenate(part) for part in zip(*found, strict=True))
    return rotmats, betas, cam


def focal_of(video: Video) -> float:
    """The focal length in pixels that is assumed of an unknown camera: its picture's diagonal."""
    return assumed_focal(video.width, video.height)


def in_the_picture(motion: Motion, video: Video) -> NDArray[np.float64]:
    """Where the body stands, (T, 3) metres, before one camera for the whole picture."""
    return before_one_camera(motion.cam, motion.squares, video.width, video.height)


def write_amass(path: Path, motion: Motion, video: Video, predictor: NetPredictor) -> None:
    """A person as npz in AMASS's layout, with SMPL's 24 joints.

    As in AMASS: ``trans`` (T, 3) metres, ``poses`` (T, 72) axis-angle of the root and 23 joints
    (AMASS's own files have SMPL-H's 52, (T, 156); the first 66 are the same), ``betas`` (10,),
    ``gender``, ``mocap_framerate``. Not as there: the axes are the camera's, x right, y down, z
    forward. More: ``frames`` (T,), ``boxes`` (T, 4), ``squares`` (T, 3), ``cam`` (T, 3) of the
    squares, ``joints14`` (T, 14, 3) from the pelvis, ``focal_px`` assumed for ``trans``,
    ``native_px``, ``range_index``, ``body`` (name, digest) and ``axes``.

    Raises:
        RscError: the disk refuses.
    """
    rotmats = torch.from_numpy(motion.rotmats).double()
    arrays: dict[str, Any] = {
        "trans": in_the_picture(motion, video),
        "poses": rotmat_to_axis_angle(rotmats).reshape(len(rotmats), 72).numpy(),
        "betas": motion.betas.astype(np.float64),
        "gender": np.array("neutral"), "mocap_framerate": np.float64(video.fps),
        "frames": motion.track.frames, "boxes": motion.track.boxes, "squares": motion.squares,
        "cam": motion.cam, "joints14": motion.joints14,
        "focal_px": np.float64(focal_of(video)), "native_px": np.int64(motion.native),
        "range_index": np.int64(motion.range_index),
        "body": np.array([predictor.body.name, predictor.body.digest]),
        "axes": np.array("camera: x right, y down, z forward, metres"),
    }  # fmt: skip
    with atomic_path(path) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)
