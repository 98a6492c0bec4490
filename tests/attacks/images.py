"""Valid encodings of small pictures, and ways to spoil them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

SIDES = ((1, 1), (1, 17), (17, 1), (24, 18))
# Every mode that a format of Pillow can write.
MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "GIF": ("1", "L", "P", "RGB", "RGBA"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"),
    "WEBP": ("RGB", "RGBA", "L"),
    "PPM": ("1", "L", "RGB", "I", "F", "I;16"),
}


def picture(mode: str, width: int, height: int, rng: np.random.Generator) -> Image.Image:
    """Noise of a mode."""
    if mode == "F":
        return Image.fromarray(rng.random((height, width), np.float32))
    if mode == "I":
        return Image.fromarray(rng.integers(0, 65536, (height, width), np.int32))
    if mode == "I;16":
        return Image.fromarray(rng.integers(0, 65536, (height, width), np.uint16))
    rgba = Image.fromarray(rng.integers(0, 256, (height, width, 4), np.uint8), "RGBA")
    if mode == "LAB":
        return Image.frombytes("LAB", (width, height), rgba.convert("RGB").tobytes())
    return rgba.convert("RGB").convert(mode) if mode not in ("RGBA", "LA") else rgba.convert(mode)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def valid(seed: int = 0) -> dict[str, bytes]:
    """Encodings by name: all formats, modes and odd sizes, eight orientations, animations."""
    rng = np.random.default_rng(seed)
    out: dict[str, bytes] = {}
    for kind, modes in MODES.items():
        for mode in modes:
            for size in SIDES:
                out[f"{kind} {mode} {size}"] = encode(picture(mode, *size, rng), kind)
    photo = picture("RGB", 24, 18, rng)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        for kind in ("JPEG", "PNG", "TIFF", "WEBP"):
            out[f"{kind} turned {orientation}"] = encode(photo, kind, exif=exif)
    frames = [picture("RGB", 9, 7, rng) for _ in range(3)]
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        out[f"{kind} animated"] = encode(frames[0], kind, save_all=True, append_images=frames[1:])
    out["JPEG progressive"] = encode(photo, "JPEG", progressive=True, quality=95)
    out["MPO"] = encode(frames[0], "MPO", save_all=True, append_images=frames[1:])
    for packing in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        out[f"TIFF {packing}"] = encode(photo, "TIFF", compression=packing)
    out["TIFF group4"] = encode(picture("1", 24, 18, rng), "TIFF", compression="group4")
    out["PNG clear colour"] = encode(picture("P", 9, 9, rng), "PNG", transparency=3)
    out["PNG clear level"] = encode(picture("I;16", 9, 9, rng), "PNG", transparency=300)
    for level in (0, 255):
        for kind in MODES:
            out[f"{kind} constant {level}"] = encode(Image.new("L", (8, 8), level), kind)
    return out


def spoil(content: bytes, rng: np.random.Generator) -> bytes:
    """Cut, flip, zero, repeat or insert bytes at random."""
    way, data = int(rng.integers(6)), bytearray(content)
    place = int(rng.integers(len(data)))
    if way == 0:
        return bytes(data[:place])
    if way == 1:  # a few bits
        for where in rng.integers(0, len(data), int(rng.integers(1, 6))):
            data[where] ^= 1 << int(rng.integers(8))
    elif way == 2:  # the header, where sizes and offsets are
        for where in rng.integers(0, min(64, len(data)), int(rng.integers(1, 4))):
            data[where] = int(rng.integers(256))
    elif way == 3:
        data[place : place + 8] = bytes(len(data[place : place + 8]))
    elif way == 4:
        data[place:place] = data[place : place + 16]
    else:
        data[place : place + 4] = rng.bytes(4)
    return bytes(data)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bombs() -> Iterator[tuple[str, bytes]]:
    """A few bytes that claim gigapixels."""
    for width, height in ((20_000, 20_000), (65_000, 65_000), (2**31 - 1, 2**31 - 1), (2**30, 1)):
        size = struct.pack(">II", width, height)
        for kind in (0, 2, 6):
            header = _chunk(b"IHDR", size + bytes((8, kind, 0, 0, 0)))
            body = _chunk(b"IDAT", zlib.compress(bytes(1000)))
            yield f"PNG {width} {kind}", b"\x89PNG\r\n\x1a\n" + header + body + _chunk(b"IEND", b"")
        yield f"PPM {width}", b"P6 %d %d 255\n" % (width, height) + bytes(100)
        bitmap = encode(Image.new("RGB", (4, 4)), "BMP")
        claim = struct.pack("<ii", min(width, 2**31 - 1), min(height, 2**31 - 1))
        yield f"BMP {width}", bitmap[:18] + claim + bitmap[26:]
        tall = struct.pack("<HH", min(width, 65535), min(height, 65535))
        gif = encode(Image.new("L", (4, 4)), "GIF")
        place = gif.index(b",\0\0\0\0")  # the frame claims a size too
        yield f"GIF {width}", gif[:6] + tall + gif[10 : place + 5] + tall + gif[place + 9 :]
        jpeg = encode(Image.new("L", (8, 8)), "JPEG")
        place = jpeg.index(b"\xff\xc0") + 5
        claim = struct.pack(">HH", min(height, 65535), min(width, 65535))
        yield f"JPEG {width}", jpeg[:place] + claim + jpeg[place + 4 :]
        tiff = encode(Image.new("L", (4, 4)), "TIFF")
        for tag, value in ((256, width), (257, height)):
            place = tiff.index(struct.pack("<H", tag) + b"\x04\0\1\0\0\0") + 8
            tiff = tiff[:place] + struct.pack("<I", value) + tiff[place + 4 :]
        yield f"TIFF {width}", tiff
    text = zlib.compress(bytes(80_000_000))  # a comment that unpacks to 80 MB
    start = encode(Image.new("L", (4, 4)), "PNG")
    yield "PNG text", start[:33] + _chunk(b"zTXt", b"a\0\0" + text) + start[33:]


def bad_floats() -> Iterator[tuple[str, bytes]]:
    """Pictures of floats that are not levels."""
    for value in (np.nan, np.inf, -np.inf, -1.0, 256.0, 1e30):
        numbers = np.full((5, 6), 0.5, np.float32)
        numbers[2, 3] = value
        yield f"TIFF {value}", encode(Image.fromarray(numbers), "TIFF")
    for value in (-1, 65_536, 2**31 - 1):
        yield f"TIFF {value}", encode(Image.fromarray(np.full((3, 3), value, np.int32)), "TIFF")
