"""A user's own photograph: read it safely, cut a square out of it.

Whatever the file holds, the result is an upright uint8 RGB array or one line that says what to do.
Pillow decodes, with only the formats below switched on (its others call programs or are rare) and
with its guard against decompression bombs turned from a warning into an error. HEIC and AVIF are
read where there is a decoder (:mod:`rsclib.files.heif`).
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from rsclib.errors import RscError
from rsclib.files.heif import START
from rsclib.files.heif import formats as formats_of

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM")
MAX_BYTES = 2**28  # of a file: 256 MB
MAX_PIXELS = 64_000_000  # of an image, and of the square that is cut out: 64 megapixels
MAX_SIZE = 2048  # side of a crop
GREY = 128  # what shows through where an image is transparent
_SAVE = "save it as a PNG or JPEG and try again"
# EXIF orientation to what turns the pixels upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112  # EXIF's number of that entry
Pixels = NDArray[np.uint8]
# What Pillow logs of a damaged file reaches programs that configured logging, not the terminal.
logging.getLogger("PIL").addHandler(logging.NullHandler())


class Photo(NamedTuple):
    """``pixels`` (H, W, 3) uint8 RGB and ``alpha`` (H, W) uint8, the opacity; None: opaque."""

    pixels: Pixels
    alpha: Pixels | None


def read_image(source: str | os.PathLike[str] | bytes) -> Pixels:
    """The pixels of :func:`read_photo`."""
    return read_photo(source).pixels


def read_photo(source: str | os.PathLike[str] | bytes) -> Photo:
    """Read a photograph: RGB, turned upright as its EXIF says, and its opacity.

    Of an animation the first frame is taken. What is transparent becomes mid-grey. 16-bit grey
    levels 0..65535 become 0..255; floats are levels 0..1 when none is above 1, else 0..255.

    Args:
        source: a path, or the bytes of a file (JPEG, PNG, WebP, TIFF, BMP, GIF, PPM; AVIF and HEIC
            where they can be decoded).

    Raises:
        RscError: no such file; empty, cut short, damaged or of another format; more than
            :data:`MAX_BYTES` or :data:`MAX_PIXELS`; numbers that are not finite or not levels.
    """
    name = "the image" if isinstance(source, bytes) else str(source)
    content = source if isinstance(source, bytes) else _content(Path(source))
    if not content:
        raise RscError(f"{name} is empty; get the file again")
    try:
        formats = formats_of(content[:START]) or FORMATS
        with _strict(), Image.open(io.BytesIO(content), formats=formats) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            image.load()
            turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
            return _photo(image if turn is None else image.transpose(turn))
    except RscError as error:
        raise RscError(f"{name}: {error}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        limit = MAX_PIXELS // 1_000_000
        raise RscError(f"{name} has more than {limit} megapixels; shrink it first") from error
    except UnidentifiedImageError as error:
        raise RscError(f"{name} is not an image of a known format; {_SAVE}") from error
    except Exception as error:  # a malformed file can raise almost anything from Pillow's decoders
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise RscError(f"{name} is damaged or cut short ({reason}); get it again") from error


def _content(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise RscError(f"{path} is a folder; name the images in it, e.g. {path}/*.jpg")
        if not path.is_file():
            raise RscError(f"there is no image at {path}; check the path")
        if path.stat().st_size > MAX_BYTES:
            raise RscError(f"{path} is larger than {MAX_BYTES // 2**20} MB; shrink the image first")
        return path.read_bytes()
    except OSError as error:
        raise RscError(f"cannot read {path}: {error.strerror}; check the path") from error


@contextlib.contextmanager
def _strict() -> Iterator[None]:
    """Half an image is an error, too large a one too; Pillow's other warnings are not shown."""
    lenient, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = lenient


def _photo(image: Image.Image) -> Photo:
    """Pixels and opacity of any mode that holds a picture."""
    alpha = None
    if image.mode == "F" or image.mode.startswith("I"):
        return _grey_levels(np.asarray(image), image.mode, image.info.get("transparency"))
    if image.has_transparency_data:
        image = image.convert("LA") if image.mode == "La" else image
        image = image.convert("RGBA")
        alpha = np.array(image.getchannel("A"), np.uint8)
        image = Image.alpha_composite(Image.new("RGBA", image.size, (GREY,) * 3), image)
    return Photo(np.array(image.convert("RGB"), np.uint8), alpha)


def _grey_levels(values: NDArray, mode: str, transparent: object) -> Photo:
    """One channel of integers or floats (H, W) as RGB."""
    if not np.isfinite(values).all():
        raise RscError("it holds NaN or infinity; replace them by numbers")
    low, high = float(values.min()), float(values.max())
    white = (1.0 if high <= 1 else 255.0) if mode == "F" else 65535.0
    if low < 0 or high > white:
        raise RscError(f"its levels {low:g}..{high:g} are not within 0..{white:g}; {_SAVE}")
    grey = (np.asarray(values, np.float32) * np.float32(255 / white)).round().astype(np.uint8)
    alpha = None
    if isinstance(transparent, int):
        alpha = np.where(values == transparent, 0, 255).astype(np.uint8)
        grey[alpha == 0] = GREY
    return Photo(np.repeat(grey[..., None], 3, 2), alpha)


def square(shape: Sequence[int], box: Sequence[float] | None = None) -> tuple[int, int, int]:
    """Left, top and side (pixels) of the square around a box ``x, y, width, height``.

    It has the box's centre and its longer side, so it may reach over the frame of ``shape`` (H, W).

    Raises:
        RscError: the box is not four finite numbers, is smaller than a pixel or leaves the frame;
            the square has more than :data:`MAX_PIXELS`.
    """
    height, width = shape[:2]
    try:
        x, y, w, h = (0, 0, width, height) if box is None else (float(v) for v in box)
    except (TypeError, ValueError, OverflowError) as error:
        raise RscError("a box is four numbers: x y width height, in pixels") from error
    if not all(map(math.isfinite, (x, y, w, h))) or w < 1 or h < 1:
        raise RscError("a box needs four finite numbers x y width height, at least a pixel large")
    if x < 0 or y < 0 or x + w > width or y + h > height:
        leaves = f"the box leaves the image, which has {width} x {height} pixels"
        if 0 <= x <= w - 1 and 0 <= y <= h - 1 and w <= width and h <= height:
            leaves += (
                "; this looks like x1 y1 x2 y2, but a box is x y width height: "
                f"{x:g} {y:g} {w - x:g} {h - y:g}"
            )
        raise RscError(leaves)
    side = round(max(w, h))
    if side * side > MAX_PIXELS:
        limit = math.isqrt(MAX_PIXELS)
        raise RscError(f"the square has {side} pixels a side; give a box of at most {limit}")
    return math.floor(x + (w - side) / 2), math.floor(y + (h - side) / 2), side


def crop(image: Pixels, box: Sequence[float] | None = None, size: int = 128) -> tuple[Pixels, int]:
    """Cut the square around a box out of an image and bring it to the network's size.

    What lies outside the frame repeats the nearest pixel of its edge. The resize is Pillow's
    bicubic, anti-aliased when it shrinks, as in training.

    Args:
        image: (H, W, 3) uint8.
        box: x, y, width, height in pixels, within the frame; None: the whole image. The networks
            have seen people fill 75 to 90 % of the square: leave a small margin.
        size: side of the result, pixels, 1 to :data:`MAX_SIZE`.

    Returns:
        The crop (size, size, 3) uint8 and the square's side in pixels of ``image``, which decides
        the resolution range (:meth:`rsclib.resolution.Ranges.index`).

    Raises:
        RscError: another kind of array, box or size.
    """
    if (
        not isinstance(image, np.ndarray) or image.dtype != np.uint8
        or image.ndim != 3 or image.shape[2] != 3 or image.size == 0
    ):  # fmt: skip
        raise RscError("crop wants an image (H, W, 3) of uint8; read_image gives one")
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MAX_SIZE:
        raise RscError(f"the size of a crop is a whole number from 1 to {MAX_SIZE}")
    left, top, side = square(image.shape, box)
    rows, columns = (
        np.arange(start, start + side).clip(0, length - 1)
        for start, length in zip((top, left), image.shape[:2], strict=True)
    )
    cut = Image.fromarray(image[np.ix_(rows, columns)])
    return np.array(cut.resize((size, size), Image.Resampling.BICUBIC)), side
