"""Who is where in each frame of a video: boxes by person, read from a table or found.

:func:`track` finds people who walk before a camera that stands still, without a learnt detector:
what differs from the background is a blob, a blob of a person's shape is a box, and boxes that
overlap from frame to frame are one person. Whoever meets another person is lost and begins anew as
somebody else: short tracks of one person each, rather than long ones of several.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.signal import savgol_filter

from rsclib.config import Within, checked
from rsclib.errors import RscError
from rsclib.files.atomic import write_text
from rsclib.files.photos import Pixels

COLUMNS = ("person", "frame", "x", "y", "w", "h")
_MAX_BYTES = 2**26  # of a table: a million boxes
_MOST = 2**31  # of a number in it
_RIM = 8  # pixels
Boxes = NDArray[np.float64]


class Track(NamedTuple):
    """One person's boxes.

    ``frames`` (T,) int64, increasing, from 0; ``boxes`` (T, 4) x, y, width, height in pixels, tight
    around the person; x and y of the upper left corner, where the frame's own is 0, 0.
    """

    person: int
    frames: NDArray[np.int64]
    boxes: Boxes


class Frames(Protocol):
    """What is tracked: frames (H, W, 3) uint8 that can be gone through twice, and how many."""

    @property
    def count(self) -> int: ...
    def __iter__(self) -> Iterator[Pixels]: ...


Shown = Callable[[Frames], Iterable[Pixels]]


def write_tracks(path: str | os.PathLike[str], tracks: Sequence[Track]) -> None:
    """Write a table of boxes: a line a box, columns :data:`COLUMNS`.

    Raises:
        RscError: the disk refuses.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for person, frames, boxes in tracks:
        for frame, box in zip(frames.tolist(), boxes.tolist(), strict=True):
            writer.writerow([person, frame, *box])
    write_text(path, out.getvalue())


def read_tracks(path: str | os.PathLike[str]) -> list[Track]:
    """Read what :func:`write_tracks` wrote, or a table of the same columns from elsewhere.

    Lines may stand in any order and frames may be missing; the tracks come in the order of their
    persons' numbers.

    Raises:
        RscError: no such file, other columns, a number that is none or makes no sense, two boxes of
            one person in one frame; with the line it stands in.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise RscError(f"{path} is larger than {_MAX_BYTES // 2**20} MB; are these boxes?")
        lines = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")), strict=True))
    except OSError as error:
        raise RscError(f"cannot read {path}: {error.strerror}; check the path") from error
    except (ValueError, csv.Error) as error:
        raise RscError(f"{path} is no table of boxes: {error}") from error
    if not lines or tuple(cell.strip() for cell in lines[0]) != COLUMNS:
        raise RscError(f"{path}: its first line must be {','.join(COLUMNS)}")
    people: dict[int, dict[int, list[float]]] = {}
    for number, line in enumerate(lines[1:], 2):
        if not line:
            continue
        try:
            person, frame, box = _box(line)
            if frame in people.setdefault(person, {}):
                raise RscError(f"person {person} has a second box in frame {frame}")
        except RscError as error:
            raise RscError(f"{path}, line {number}: {error}") from error
        people[person][frame] = box
    if not people:
        raise RscError(f"{path} holds no boxes")
    return [
        Track(
            person, np.array(sorted(boxes), np.int64), np.array([boxes[f] for f in sorted(boxes)])
        )
        for person, boxes in sorted(people.items())
    ]


def _box(line: Sequence[str]) -> tuple[int, int, list[float]]:
    """Person, frame and box of a line."""
    if len(line) != len(COLUMNS):
        raise RscError(f"{len(COLUMNS)} values are needed, there are {len(line)}")
    try:
        person, frame = (int(cell) for cell in line[:2])
        x, y, w, h = (float(cell) for cell in line[2:])
    except ValueError as error:
        raise RscError(f"a value is no number ({','.join(line)})") from error
    if not (0 <= person < _MOST and 0 <= frame < _MOST):
        raise RscError("person and frame are whole numbers from 0")
    if not all(math.isfinite(v) and abs(v) < _MOST for v in (x, y, w, h)) or w < 1 or h < 1:
        raise RscError("a box is four finite numbers x, y, w, h, at least a pixel wide and high")
    return person, frame, [x, y, w, h]


@dataclass(frozen=True)
class TrackConfig:
    """How people are found before a still camera.

    Attributes:
        samples: frames whose median is the background. lines: frames are looked at with at most
            this many lines. difference: levels (of 255, in any colour) that a pixel must differ by.
        slimmest, widest: height by width of a blob that is one person: two who walk side by side
            are wider. tallest: times the median height: two who walk one behind the other are
            taller. smallest: height in lines.
        overlap: intersection over union of one person's boxes in two frames. shortest: frames that
            a person must be seen, at least three. smooth: frames of the window (odd) in which boxes
            are smoothed.
    """

    samples: Annotated[int, Within(3, 1000)] = 40
    lines: Annotated[int, Within(32, 10000)] = 576
    difference: Annotated[int, Within(1, 254)] = 35
    slimmest: Annotated[float, Within(0.1, 100)] = 4.0
    widest: Annotated[float, Within(0.1, 100)] = 1.75
    tallest: Annotated[float, Within(1, 100)] = 1.6
    smallest: Annotated[int, Within(8, 10000)] = 45
    overlap: Annotated[float, Within(0.01, 1)] = 0.35
    shortest: Annotated[int, Within(3, 10**6)] = 25
    smooth: Annotated[int, Within(3, 1001)] = 11


def track(frames: Frames, config: TrackConfig | None = None, shown: Shown = iter) -> list[Track]:
    """Find the people who walk before a camera that stands still.

    The frames are gone through twice, one at a time: for the background, then for the boxes.

    Args:
        frames: a :class:`rsclib.files.video.Video`, or whatever else fits :class:`Frames`.
        shown: wraps each pass, for a progress bar.

    Returns:
        Tracks of :attr:`TrackConfig.shortest` frames or more, without gaps, numbered from 0 in the
        order in which they begin.

    Raises:
        RscError: senseless settings; what reading the frames raises.
    """
    config = checked(TrackConfig, vars(config or TrackConfig()), "tracking")
    if config.widest >= config.slimmest or config.smooth % 2 == 0:
        raise RscError("tracking: widest must be below slimmest, and smooth be odd")
    background = _background(frames, config, shown)
    blobs = [_blobs(_looked_at(frame, config), background, config) for frame in shown(frames)]
    heights = [h for found in blobs for *_, h in found.tolist()]
    if not heights:
        return []
    tallest = config.tallest * float(np.median(heights))
    found = _linked([boxes[boxes[:, 3] <= tallest] for boxes in blobs], config)
    scale = next(iter(frames)).shape[0] / background.shape[0]
    return [
        Track(number, np.arange(start, start + len(boxes)), _smooth(boxes, config) * scale)
        for number, (start, boxes) in enumerate(found)
    ]


def _looked_at(frame: Pixels, config: TrackConfig) -> Pixels:
    """The frame with at most as many lines as the settings say."""
    height, width = frame.shape[:2]
    if height <= config.lines:
        return frame
    size = max(1, round(width * config.lines / height)), config.lines
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def _background(frames: Frames, config: TrackConfig, shown: Shown) -> Pixels:
    """The median (H, W, 3) of frames all over the video: nobody who walks is in most of them."""
    wanted = set(np.linspace(0, frames.count - 1, config.samples).round().astype(int).tolist())
    kept = [_looked_at(f, config) for number, f in enumerate(shown(frames)) if number in wanted]
    return np.median(np.stack(kept), axis=0).astype(np.uint8)


def _blobs(frame: Pixels, background: Pixels, config: TrackConfig) -> Boxes:
    """Boxes (N, 4) of what differs from the background and has the shape of one whole person."""
    differs = (cv2.absdiff(frame, background).max(2) > config.difference).astype(np.uint8)
    lines, columns = differs.shape
    differs = cv2.morphologyEx(differs, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))  # no specks
    # What is above one another, as head and coat, is one person; what is side by side is not. With a
    # rim around it, since closing fills what is near the border.
    rim = (_RIM,) * 4
    differs = cv2.copyMakeBorder(differs, *rim, cv2.BORDER_CONSTANT, value=0)
    differs = cv2.morphologyEx(differs, cv2.MORPH_CLOSE, np.ones((15, 5), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(differs)
    boxes = stats[1:, :4] - [_RIM, _RIM, 0, 0]  # the first is the background
    (x, y, w, h), area = boxes.T, stats[1:, 4]
    whole = (x > 0) & (y > 0) & (x + w < columns) & (y + h < lines)  # in the frame
    alone = (h >= config.widest * w) & (h <= config.slimmest * w)
    full = area >= 0.25 * w * h  # a frame of thin lines is nobody
    return boxes[whole & alone & full & (h >= config.smallest)].astype(np.float64)


def overlap(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """Intersection over union (N, M) of boxes (N, 4) and (M, 4) x, y, w, h."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    common = (high - low).clip(0).prod(2)
    return common / (a[:, 2:].prod(1)[:, None] + b[:, 2:].prod(1)[None] - common)


def _linked(blobs: Sequence[Boxes], config: TrackConfig) -> list[tuple[int, Boxes]]:
    """Boxes of each frame as tracks: the first frame and the boxes (T, 4) of each long one."""
    done: list[tuple[int, list[Boxes]]] = []
    alive: list[tuple[int, list[Boxes]]] = []
    for number, boxes in enumerate(blobs):
        last = np.array([of[-1] for _, of in alive]).reshape(-1, 4)
        shared = overlap(last, boxes)
        going, free = [], set(range(len(boxes)))
        for a, b in zip(*linear_sum_assignment(-shared), strict=True):
            if shared[a, b] >= config.overlap:
                alive[a][1].append(boxes[b])
                going.append(alive[a])
                free.remove(int(b))
        ended = {id(one) for one in alive} - {id(one) for one in going}
        done += [one for one in alive if id(one) in ended]
        alive = going + [(number, [boxes[b]]) for b in sorted(free)]
    tracks = [(start, np.array(of)) for start, of in done + alive if len(of) >= config.shortest]
    return sorted(tracks, key=lambda one: (one[0], one[1][0].tolist()))


def _smooth(boxes: Boxes, config: TrackConfig) -> Boxes:
    """Centre and size without the jerks of a blob's outline: Savitzky and Golay's filter."""
    window = min(config.smooth, len(boxes) - 1 + len(boxes) % 2)
    centre = savgol_filter(boxes[:, :2] + boxes[:, 2:] / 2, window, min(2, window - 1), axis=0)
    size = savgol_filter(boxes[:, 2:], window, 1, axis=0).clip(1)
    return np.concatenate([centre - size / 2, size], 1)
