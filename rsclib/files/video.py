"""Read a video frame by frame, write one: mp4, avi, gif, webm and folders of frames.

Frames stream: one is held at a time, however long the video is. PyAV decodes, with only the formats
below switched on (others, such as play lists, name further files), and a file is walked through once
without decoding before its first frame is given, so that half a download is noticed at the start.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from PIL import Image

from rsclib.errors import RscError
from rsclib.files.atomic import atomic_path
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
            start = file.read(12)
    except (OSError, ValueError):
        return path.suffix.lower() in SUFFIXES and path.suffix.lower() != ".gif"
    if start.startswith(b"GIF8"):
        with contextlib.suppress(Exception), Image.open(path, formats=("GIF",)) as image:
            return getattr(image, "n_frames", 1) > 1
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


class Written(NamedTuple):
    """What was written: number of frames, and the codec by name ("h264" or "mpeg4")."""

    frames: int
    codec: str


def write_mp4(
    path: str | os.PathLike[str], frames: Iterable[Pixels], fps: float, crf: int = 20
) -> Written:
    """Write frames (H, W, 3) uint8 as they come; the file is there when the last one is written.

    H.264 where PyAV was built with an encoder for it, else MPEG-4, 4:2:0 colours either way. A frame
    of an odd side, which these cannot store, is continued by one line of its edge.

    Args:
        fps: frames a second, kept to a thousandth. crf: quality of H.264, smaller is better.

    Raises:
        RscError: there are no frames, they differ in size, or the disk refuses.
    """
    rate = Fraction(fps).limit_denominator(1001)
    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    count, shape, to_yuv = 0, (0, 0, 3), VideoReformatter()
    with atomic_path(path) as temporary, _encoding(path), av.open(str(temporary), "w") as container:
        for frame in frames:
            if not count:
                shape = frame.shape
                stream: Any = container.add_stream(codec, rate=rate)
                stream.width, stream.height = shape[1] + shape[1] % 2, shape[0] + shape[0] % 2
                stream.pix_fmt = "yuv420p"
                if codec == "libx264":
                    stream.options = {"crf": str(crf), "preset": "veryfast"}
                else:
                    stream.codec_context.bit_rate = 4 * shape[0] * shape[1]
            if frame.shape != shape:
                raise RscError(f"frame {count} is {frame.shape}, the first one {shape}")
            even = np.pad(frame, ((0, shape[0] % 2), (0, shape[1] % 2), (0, 0)), mode="edge")
            picture = VideoFrame.from_ndarray(even, format="rgb24")
            container.mux(stream.encode(to_yuv.reformat(picture, format="yuv420p", threads=1)))
            count += 1
        if not count:
            raise RscError(f"there is no frame to write to {path}")
        container.mux(stream.encode())
    return Written(count, "h264" if codec == "libx264" else codec)


@contextlib.contextmanager
def _encoding(path: str | os.PathLike[str]) -> Iterator[None]:
    """The encoder's errors as one line; those of the disk are said by atomic_path."""
    try:
        yield
    except (RscError, OSError):
        raise
    except av.error.FFmpegError as error:
        raise RscError(f"cannot write {path}: the encoder refuses ({error})") from error


class _Streamed(Image.Image):
    """Frames that Pillow asks for one after the other, as those of an animation in one image."""

    def __init__(self, frames: Iterator[Image.Image], count: int) -> None:
        super().__init__()
        self.n_frames, self._frames, self._at = count, frames, -1
        self.seek(0)

    def tell(self) -> int:
        return self._at

    def seek(self, frame: int) -> None:
        while self._at < frame:
            shown = next(self._frames)
            self.im, self._mode, self._size, self._at = (
                shown.im,
                shown.mode,
                shown.size,
                self._at + 1,
            )


def write_webp(
    path: str | os.PathLike[str], frames: Iterable[Pixels], count: int, fps: float,
    side: int = 640, quality: int = 70,
) -> None:  # fmt: skip
    """Write ``count`` frames as an animated WebP, which every browser plays, for ever.

    Args:
        side: the longer side is shrunk to this many pixels.

    Raises:
        RscError: there are fewer frames than that, or the disk refuses.
    """

    def shrunk() -> Iterator[Image.Image]:
        for frame in frames:
            image = Image.fromarray(frame)
            image.thumbnail((side, side), Image.Resampling.BICUBIC)
            yield image

    try:
        with atomic_path(path) as temporary:
            # Rounded to milliseconds one by one, else the film would run away from its clock.
            ends = np.round(1000 * np.arange(count + 1) / fps).astype(int)
            _Streamed(shrunk(), count).save(
                temporary, format="webp", save_all=True, loop=0, quality=quality, method=2,
                duration=np.diff(ends).tolist(),
            )  # fmt: skip
    except (StopIteration, RuntimeError) as error:
        raise RscError(f"there are fewer frames than {count} to write to {path}") from error
