"""Read a video frame by frame: mp4, avi, gif, webm and folders of frames.

Frames stream: one is held at a time, however long the video is. PyAV decodes, with only the formats
below switched on (others, such as play lists, name further files), and a file is walked through once
without decoding before its first frame is given, so that half a download is noticed at the start.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from PIL import Image

from rsclib.errors import RscError
from rsclib.files.heif import START, still_kind
from rsclib.files.photos import MAX_PIXELS, Pixels, read_image

SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".gif", ".webm", ".mkv")
FRAMES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".ppm")  # in a folder
# Demuxers by ffmpeg's names, and what their files begin with.
_FORMATS = "avi,gif,matroska,webm,mov,mp4"
_MARKS = re.compile(
    rb"RIFF....AVI |GIF8[79]a|\x1aE\xdf\xa3|....(ftyp|moov|mdat|wide|free|skip)", re.S
)
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
_END = 0.9  # of the length that a file states: one that ends before was cut short
_MOST_FPS = 1000
# What ffmpeg logs of a damaged file reaches programs that configured logging, not the terminal.
av.logging.set_level(None)
logging.getLogger("libav").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Video:
    """A video that can be read again and again: ``for frame in video`` gives (H, W, 3) uint8 RGB.

    ``fps`` is the mean rate: frames of a phone that come at uneven times are treated as even.
    ``count`` is the number of frames (at most, where a file holds frames that are not shown).
    """

    path: Path
    fps: float
    height: int
    width: int
    count: int

    def __iter__(self) -> Iterator[Pixels]:
        """The frames, upright, in order.

        Raises:
            RscError: one cannot be decoded or is of another size.
        """
        frames = _from_folder(self.path) if self.path.is_dir() else _from_file(self.path)
        number = -1
        for number, frame in enumerate(frames):
            if frame.shape[:2] != (self.height, self.width) or number >= self.count:
                given = f"{frame.shape[1]} x {frame.shape[0]}"
                raise RscError(
                    f"{self.path}: frame {number} is {given}, but the video has {self.count} "
                    f"frames of {self.width} x {self.height}; save it anew as an mp4 and try again"
                )
            yield frame
        if number < 0:
            raise RscError(f"{self.path} holds no frame that can be read; get it again")


def is_video(path: str | os.PathLike[str]) -> bool:
    """Whether a path is to be read as a video: a folder, a file that begins like one, or one that is
    called like one; a GIF only when it moves."""
    path = Path(path)
    try:
        if path.is_dir():
            return True
        with open(path, "rb") as file:
            start = file.read(START)
    except (OSError, ValueError):
        return path.suffix.lower() in SUFFIXES and path.suffix.lower() != ".gif"
    if start.startswith(b"GIF8"):
        with contextlib.suppress(Exception), Image.open(path, formats=("GIF",)) as image:
            return getattr(image, "n_frames", 1) > 1
        return False
    if still_kind(start):  # a photograph in a video's container
        return False
    return bool(_MARKS.match(start)) or path.suffix.lower() in SUFFIXES


def open_video(path: str | os.PathLike[str], fps: float | None = None) -> Video:
    """Look at a video without decoding it.

    Args:
        path: mp4, avi, gif, webm (and mov, mkv), or a folder of images, one a frame, in the order
            of the numbers in their names.
        fps: frames a second; a folder has none of its own, a file's own is taken where None.

    Raises:
        RscError: no such file; empty, damaged, cut short, no video or of another format; a folder
            without images or without fps.
    """
    path = Path(path)
    if fps is not None and not 0 < fps <= _MOST_FPS:
        raise RscError(f"the speed is from 0 to {_MOST_FPS} frames a second, not {fps}")
    if path.is_dir():
        files = _images(path)
        if fps is None:
            raise RscError(
                f"{path} is a folder: as the frames of a video it needs their speed, --fps; of "
                f"photographs name the images in it, e.g. {path}/*.jpg"
            )
        height, width = read_image(files[0]).shape[:2]
        return Video(path, float(fps), height, width, len(files))
    with _container(path) as (_, stream):
        rate = fps or stream.average_rate or stream.guessed_rate
    if not rate or not 0 < rate <= _MOST_FPS:
        raise RscError(f"{path} does not say how many frames a second it has; give --fps")
    count = _packets(path)
    try:
        first = next(_from_file(path))
    except StopIteration:
        raise RscError(f"{path} holds no frame that can be read; get it again") from None
    height, width = first.shape[:2]
    return Video(path, float(rate), height, width, count)


def _images(folder: Path) -> list[Path]:
    def order(path: Path) -> list[Any]:
        return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name)]

    try:
        found = [p for p in folder.iterdir() if p.suffix.lower() in FRAMES and p.name[0] != "."]
    except OSError as error:
        raise RscError(f"cannot read {folder}: {error.strerror}; check the path") from error
    if not found:
        raise RscError(f"there are no images in the folder {folder} ({', '.join(FRAMES)})")
    return sorted(found, key=order)


def _from_folder(folder: Path) -> Iterator[Pixels]:
    return (read_image(path) for path in _images(folder))


@contextlib.contextmanager
def _container(path: Path) -> Iterator[tuple[Any, Any]]:
    """An open container and its first video stream; whatever goes wrong inside is one line."""
    if not path.is_file():
        raise RscError(f"there is no video at {path}; check the path")
    if path.stat().st_size == 0:
        raise RscError(f"{path} is empty; get the file again")
    try:
        # "file:" keeps a name with a colon from being read as the name of a protocol.
        with av.open(
            f"file:{path}", options=dict(_OPTIONS), metadata_errors="replace"
        ) as container:
            if not container.streams.video:
                raise RscError(f"{path} has no pictures in it; is it a sound file?")
            stream = container.streams.video[0]
            size = stream.codec_context
            if size.width * size.height > MAX_PIXELS:
                limit = MAX_PIXELS // 1_000_000
                raise RscError(f"{path}: its frames have more than {limit} megapixels; shrink it")
            stream.thread_type = "AUTO"
            yield container, stream
    except RscError:
        raise
    except Exception as error:  # a malformed file can raise almost anything from the decoders
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise RscError(
            f"{path} is damaged, cut short or no video that can be read "
            f"(mp4, avi, gif, webm): {reason or type(error).__name__}"
        ) from error


def _packets(path: Path) -> int:
    """How many frames are stored, counted without decoding.

    Raises:
        RscError: the file ends long before it says.
    """
    with _container(path) as (container, stream):
        count, end = 0, Fraction(0)
        for packet in container.demux(stream):
            if packet.size and not packet.is_discard:
                count += 1
                if packet.pts is not None and packet.time_base is not None:
                    start = (packet.pts - (stream.start_time or 0)) * packet.time_base
                    end = max(end, start + (packet.duration or 0) * packet.time_base)
        stated = Fraction(0)
        if container.format.name == "avi" and count:  # its header counts, its length is a guess
            stated, end = Fraction(stream.frames), Fraction(count)
            stated, end = stated / stream.average_rate, end / stream.average_rate
        elif stream.duration:
            stated = stream.duration * stream.time_base
        elif container.duration and len(container.streams) == 1:
            stated = Fraction(container.duration, av.time_base)
    if end and end < _END * stated:
        raise RscError(
            f"{path} is cut short: it holds {float(end):.1f} of {float(stated):.1f} s; get it again"
        )
    return count


def _from_file(path: Path) -> Iterator[Pixels]:
    with _container(path) as (container, stream):
        to_rgb = VideoReformatter()  # one for all, of one thread: many small jobs wait for threads
        for frame in container.decode(stream):
            picture = to_rgb.reformat(frame, format="rgb24", threads=1).to_ndarray()
            pixels = np.asarray(picture, np.uint8)
            # The file says by which angle, counter-clockwise, the picture is to be turned.
            quarters = round(frame.rotation / 90) % 4
            yield np.ascontiguousarray(np.rot90(pixels, quarters)) if quarters else pixels
