"""Read MATLAB 5 files of unknown origin: arrays, cells and structures; they hold no code."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import scipy.io
from scipy.io.matlab import matfile_version

from rsclib.errors import RscError
from rsclib.files.matlab_check import check_matlab

MOST = 2**31  # bytes of a file, unpacked
_HEADER, _COMPRESSED = 128, 15
_CHUNK = 2**20


def read_mat(path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    """Variables by name, as scipy gives them with ``squeeze_me``: cells are arrays of objects,
    structures have their fields as attributes.

    Raises:
        RscError: missing, damaged, larger than :data:`MOST` when unpacked, or a variable is not
            there.
    """
    try:
        unpacked_size(path, MOST)
        if matfile_version(str(path))[0] == 1:  # MATLAB 5, by scipy's own rule
            check_matlab(path.read_bytes())  # it would crash, not complain
        found = scipy.io.loadmat(
            path, variable_names=list(keys), squeeze_me=True, struct_as_record=False
        )
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise RscError(f"cannot read {path}: {error.strerror}; check the path") from error
    except NotImplementedError as error:
        raise RscError(f"{path} is of MATLAB 7.3; MATLAB 5 is read") from error
    except Exception as error:  # a malformed file can raise almost anything
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise RscError(f"{path} is damaged or not of MATLAB: {reason}; get it again") from error
    if lost := [key for key in keys if key not in found]:
        raise RscError(f"{path} has no {', '.join(lost)}; is it the right file?")
    return {key: found[key] for key in keys}


def unpacked_size(path: Path, most: int) -> int:
    """Bytes of a file when unpacked, counted without keeping them.

    Raises:
        ValueError: more than ``most``.
    """
    size = os.path.getsize(path)
    total = 0
    with open(path, "rb") as file:
        order = ">" if file.read(_HEADER)[126:128] == b"MI" else "<"
        while len(tag := file.read(8)) == 8:
            kind, length = struct.unpack(f"{order}II", tag)
            if length > size - file.tell():
                break  # scipy says what is wrong with it
            if kind != _COMPRESSED:
                total += length
                file.seek(length, os.SEEK_CUR)
            else:
                total += _inflated(file.read(length), most - total)
            if total > most:
                raise ValueError(f"it unpacks to more than {most // 2**20} MB")
    return total


def _inflated(packed: bytes, most: int) -> int:
    """Bytes that a zlib stream unpacks to, counted until there are more than ``most``."""
    machine, total = zlib.decompressobj(), 0
    while packed and total <= most and not machine.eof:
        total += len(machine.decompress(packed, _CHUNK))
        packed = machine.unconsumed_tail
    return total
