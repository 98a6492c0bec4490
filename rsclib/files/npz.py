"""Read numpy files of unknown origin within bounded memory.

What a file declares is compared with what it holds before anything is allocated: an array's shape
with the bytes that are there, the unpacked size of an archive with a limit. Pickled (object) arrays
are never read.
"""

from __future__ import annotations

import math
import os
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from rsclib.errors import RscError

MAX_BYTES = 2**30  # of all arrays of a file: 1 GB
_MAX_HEADER = 10_000
_STORED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether there is a file that can be looked at: False too for names that no system takes."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def read_npz(
    path: str | os.PathLike[str], keys: tuple[str, ...] | None = None, most: int = MAX_BYTES
) -> dict[str, Any]:
    """The arrays of an npz file by name.

    Args:
        keys: only these, as far as they are there.
        most: bytes that the file may unpack to.

    Raises:
        RscError: missing, damaged, larger than ``most`` when unpacked, two arrays of one name, or an
            array of objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = [m.filename.removesuffix(".npy") for m in members]
            if len(set(names)) < len(names):
                raise ValueError("two arrays have one name")
            if sum(m.file_size for m in members) > most:
                raise ValueError(f"it unpacks to more than {most // 2**20} MB")
            if odd := [m.filename for m in members if m.compress_type not in _STORED]:
                raise ValueError(f"{odd[0][:40]!r} is packed in an unknown way")
            out = {}
            for name, member in zip(names, members, strict=True):
                if keys is None or name in keys:
                    with archive.open(member) as stream:
                        out[name] = _array(stream, member.file_size)
            return out
    except Exception as error:  # a malformed archive can raise almost anything
        raise _refused(path, error) from error


def read_npy(path: str | os.PathLike[str]) -> NDArray[Any]:
    """The array of an npy file.

    Raises:
        RscError: missing, damaged, larger than :data:`MAX_BYTES`, or an array of objects.
    """
    try:
        size = os.path.getsize(path)
        if size > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES // 2**20} MB")
        with open(path, "rb") as stream:
            return _array(stream, size)
    except Exception as error:  # a malformed header can raise almost anything
        raise _refused(path, error) from error


def _refused(path: Any, error: Exception) -> RscError:
    reason = str(error).partition("\n")[0] or type(error).__name__
    return RscError(f"cannot read {path}: {reason}. Get the file again.")


def _array(stream: IO[bytes], size: int) -> NDArray[Any]:
    """The array of a stream of ``size`` bytes, whose header must describe just these."""
    version = npy.read_magic(stream)
    if version == (1, 0):
        header = npy.read_array_header_1_0(stream, max_header_size=_MAX_HEADER)
    elif version == (2, 0):
        header = npy.read_array_header_2_0(stream, max_header_size=_MAX_HEADER)
    else:
        raise ValueError(f"version {version} of the npy format is not read")
    shape, fortran, dtype = header
    if dtype.hasobject or dtype.subdtype is not None:
        raise ValueError("it holds Python objects, which are not read")
    expected = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or expected != size - stream.tell():
        raise ValueError("an array's shape does not fit its bytes")
    data = bytearray(stream.read())
    array = np.frombuffer(data, dtype).reshape(shape[::-1] if fortran else shape)
    return array.T if fortran else array
