"""Write a video as its frames come: mp4 and animated WebP, whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from PIL import Image

from rsclib.errors import RscError
from rsclib.files.atomic import atomic_path
from rsclib.files.photos import Pixels


class Written(NamedTuple):
    """What was written: number of frames, and the codec by name ("h264" or "mpeg4")."""

    frames: int
    codec: str


def write_mp4(
    path: str | os.PathLike[str], frames: Iterable[Pixels], fps: float, crf: int = 23
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
