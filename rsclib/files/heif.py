"""Photographs of telephones, HEIC and AVIF: told from videos, which begin alike, and decoded where a
decoder is installed.

Pillow 11.3 and later read AVIF. HEIC needs the plug-in pillow-heif, which is loaded only when there is
such a file: a decoder in C that nobody needs is better left out.
"""

from __future__ import annotations

from typing import Literal

from PIL import features

from rsclib.errors import RscError

START = 64  # bytes of a file that tell
_AVIF = {b"avif", b"avis"}
_HEIF = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_ELSE = "or save it as a PNG or JPEG and try again"
Kind = Literal["AVIF", "HEIF"]


def still_kind(start: bytes) -> Kind | None:
    """Which of the two a file is that begins with these bytes (:data:`START` of them or more): its
    brands say it, the major one or one that it is compatible with. None: neither."""
    if start[4:8] != b"ftyp":
        return None
    length = min(int.from_bytes(start[:4], "big"), START)
    major = start[8:12]
    brands = {start[place : place + 4] for place in range(16, length - 3, 4)} | {major}
    if major in _AVIF | _HEIF:  # videos name the same brands as ones that they are compatible with
        return "AVIF" if brands & _AVIF else "HEIF"
    return None


def formats(start: bytes) -> tuple[str, ...]:
    """The format of Pillow, ready to be read, of a file that begins with these bytes; () of another.

    Raises:
        RscError: it is one of the two and there is nothing that reads it.
    """
    kind = still_kind(start)
    if kind == "AVIF" and not features.check("avif"):
        raise RscError(f"it is an AVIF image, which this Pillow cannot read: update it, {_ELSE}")
    if kind == "HEIF":
        try:
            from pillow_heif import register_heif_opener
        except ImportError as error:
            raise RscError(
                f"it is a HEIC image, which needs a plug-in: install pillow-heif, {_ELSE}"
            ) from error
        register_heif_opener()
    return () if kind is None else (kind,)
