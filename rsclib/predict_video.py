"""From a video to its people's bodies in motion: over the film, as numbers, and as a page to turn."""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm.auto import tqdm

from rsclib import moving_people as moving
from rsclib.body import Body
from rsclib.crops import MARGIN
from rsclib.errors import RscError
from rsclib.files.atomic import check_writable, sha256
from rsclib.files.films import write_mp4, write_webp
from rsclib.files.photos import Pixels
from rsclib.files.video import Video, open_video
from rsclib.geometry import cam_to_translation
from rsclib.moving_people import Motion, Temporal
from rsclib.predictor import NetPredictor
from rsclib.texture import TexGlo
from rsclib.textured_people import texture_people
from rsclib.tracks import Track, TrackConfig, read_tracks, track, write_tracks
from rsclib.viz.overlays import Drawn, draw_bodies
from rsclib.viz.player import write_player

_SMALL, _LARGE = 128, 2048  # squares below, and pictures up to this many pixels are drawn doubled


@dataclass(frozen=True)
class Where:
    """Where the people are. One at most of ``box`` (x, y, width, height, the same in all frames),
    ``tracks`` (a table of :func:`rsclib.tracks.read_tracks`) and ``find`` (people who walk before a
    still camera) may be given; without any, the whole picture is one person's."""

    box: tuple[float, float, float, float] | None = None
    tracks: Path | None = None
    find: bool = False


def predict_video(
    path: str, stem: Path, predictor: NetPredictor, where: Where | None = None,
    fps: float | None = None, webp: bool = False, temporal: Temporal | None = None,
    painter: TexGlo | None = None,
) -> tuple[str, list[str]]:  # fmt: skip
    """Write ``stem.mp4`` (bodies over the film), ``stem.html`` (:mod:`rsclib.viz.player`), a
    ``stem-personN.npz`` for each person (:func:`rsclib.moving_people.write_amass`) and, of found
    people, their boxes as ``stem.csv``.

    What the network says is kept in ``stem.work`` until all is written: a stopped call goes on. The
    video is gone through once for the network and once to be drawn, twice more to find people.

    Args:
        fps: frames a second where the video does not say, or says it wrongly. webp: write
            ``stem.webp``, too. temporal: see :func:`rsclib.moving_people.motion_of`. painter: paint the
            people, too (:func:`rsclib.textured_people.texture_people`).

    Returns:
        One line that says what was written, and warnings, a line each.

    Raises:
        RscError: the video, the boxes or the model are of no use, nobody was found, or a file cannot
            be written.
    """
    where = where or Where()
    if (where.box is not None) + (where.tracks is not None) + where.find > 1:
        raise RscError("where the people are is said in one way: --box, --tracks or --track")
    video = open_video(path, fps)
    check_writable(stem.parent)
    work = _beside(stem, ".work")
    margin = MARGIN if where.find or where.tracks else 1.0
    key = {"video": _fingerprint(video.path), "boxes": _boxes_key(where), "margin": margin,
           "model": moving.digest_of(predictor)}  # fmt: skip
    with moving.work_folder(work, key):
        tracks = _tracks(video, where, work)
        moving.look(video, tracks, predictor, work, margin, _bar(video, "looking"))
        motions = [moving.motion_of(t, predictor, work, margin, temporal) for t in tracks]
        written = {_beside(stem, f"-person{m.track.person}.npz"): m for m in motions}
        for file, motion in written.items():
            moving.write_amass(file, motion, video, predictor)
        if where.find:
            write_tracks(_beside(stem, ".csv"), tracks)
        note = f"Estimated by {predictor.net.source} from {video.path.name}; {_over(temporal)}."
        write_player(_beside(stem, ".html"), motions, video, predictor.body, video.path.name, note)
        scale = enlargement(video, motions)
        films = drawn(video, motions, predictor.body, scale, _bar(video, "drawing"))
        film = write_mp4(_beside(stem, ".mp4"), films, video.fps)
        if webp:
            again = open_video(_beside(stem, ".mp4"))
            write_webp(_beside(stem, ".webp"), again, film.frames, video.fps)
        textured = ""
        if painter is not None:
            shape = (video.height, video.width)
            textured = ", " + texture_people(video, shape, motions, stem, predictor, painter)
    for old in stem.parent.glob(f"{glob.escape(stem.name)}-person*"):  # of an earlier call's boxes
        kind = re.fullmatch(re.escape(stem.name) + r"-person(\d+)(\.npz|-textured\.glb)", old.name)
        if kind and _beside(stem, f"-person{kind[1]}.npz") not in written:
            old.unlink()
    moving.forget(work)
    kinds = [kind for kind, there in (("csv", where.find), ("webp", webp)) if there]
    said = (
        f"{path}: {film.frames} frames at {video.fps:g} a second, {len(motions)} "
        f"{'person' if len(motions) == 1 else 'people'}, {_over(temporal)}: "
        f"{_beside(stem, '.{' + ','.join(['mp4', 'html', *kinds]) + '}')} ({film.codec}"
        f"{', drawn twice as large' * (scale > 1)}), {_beside(stem, '-person*.npz')}{textured}"
    )
    doubts = _doubts(path, motions, predictor)
    if where == Where() and video.width > video.height:
        doubts.append(
            f"{path}: the whole picture was taken for one person's; --track finds people who walk, "
            "--box and --tracks say where they are"
        )
    return said, doubts


def _beside(stem: Path, ending: str) -> Path:
    return stem.with_name(stem.name + ending)


def _over(temporal: Temporal | None) -> str:
    return "frame by frame" if temporal is None else "with the temporal module"


def _bar(video: Video, what: str) -> Callable[[Iterable[Any]], Iterable[Any]]:
    return lambda frames: tqdm(frames, what, video.count, unit="frame", leave=False)


def _fingerprint(path: Path) -> str:
    """A hash of a file's bytes; of a folder, of its files' names, sizes and times."""
    if not path.is_dir():
        return sha256(path)
    files = sorted((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in path.iterdir())
    return hashlib.sha256(repr(files).encode()).hexdigest()


def _boxes_key(where: Where) -> Any:
    if where.tracks:
        tracks = read_tracks(where.tracks)
        return hashlib.sha256(
            b"".join(repr((t.person, t.frames.tolist(), t.boxes.tolist())).encode() for t in tracks)
        ).hexdigest()
    return asdict(TrackConfig()) if where.find else where.box


def _tracks(video: Video, where: Where, work: Path) -> list[Track]:
    """The people's boxes; found ones are kept in the folder of pieces."""
    if where.tracks:
        return read_tracks(where.tracks)
    if not where.find:
        return [moving.whole_clip(video, where.box)]
    kept = work / moving.TRACKS
    if not kept.is_file():
        tracks = track(video, shown=_bar(video, "finding people"))
        if not tracks:
            raise RscError(
                f"{video.path}: nobody was found who walks alone before a still camera for "
                f"{TrackConfig.shortest} frames; give their boxes (--tracks) or one box (--box)"
            )
        write_tracks(kept, tracks)
    return read_tracks(kept)


def _doubts(path: str, motions: Sequence[Motion], predictor: NetPredictor) -> list[str]:
    smallest = predictor.ranges.bounds[-1]
    small = [m for m in motions if m.native < smallest]
    if not small:
        return []
    people = ", ".join(str(m.track.person) for m in small[:10]) + ", ..." * (len(small) > 10)
    return [f"{path}: person {people}: squares of less than {smallest} px, smaller than any seen"]


def enlargement(video: Video, motions: Sequence[Motion]) -> int:
    """2 where people are so small that their bodies are hard to see, else 1: the film's scale."""
    typical = float(np.median([m.native for m in motions]))
    return 2 if typical < _SMALL and 2 * max(video.height, video.width) <= _LARGE else 1


def drawn(
    video: Video, motions: Sequence[Motion], body: Body, scale: int,
    shown: moving.Shown = iter,
) -> Iterator[Pixels]:  # fmt: skip
    """The frames with everybody's body over them, one at a time."""
    faces = body.faces.cpu().numpy().astype(np.int32)
    there: dict[int, list[tuple[Motion, int]]] = {}
    for motion in motions:
        for row, frame in enumerate(motion.track.frames.tolist()):
            there.setdefault(frame, []).append((motion, row))
    for number, frame in enumerate(shown(video)):
        people = [
            Drawn(_before_camera(m, row, body), m.squares[row].tolist(), m.track.person)
            for m, row in there.get(number, ())
        ]
        yield draw_bodies(frame, people, faces, scale)


def _before_camera(motion: Motion, row: int, body: Body) -> Any:
    """Vertices (6890, 3) before the camera of the row's square, metres."""
    with torch.inference_mode():
        rotmats, cam = (torch.from_numpy(v[row : row + 1]) for v in (motion.rotmats, motion.cam))
        vertices = body(rotmats, torch.from_numpy(motion.betas)[None]).vertices[0]
        return (vertices + cam_to_translation(cam)).numpy()
