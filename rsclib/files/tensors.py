"""Read other people's ``.pt`` files as data: no code in them is ever executed.

What a file claims is checked before memory is spent on it.
"""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from rsclib.errors import RscError
from rsclib.files.npz import is_file

PathLike = str | os.PathLike[str]


def read_torch(path: PathLike) -> dict[str, Any]:
    """Read someone's ``.pt`` file as data only.

    Raises:
        RscError: no such file; damaged; or it holds objects other than tensors and containers.
    """
    if not is_file(path):
        raise RscError(f"there is no checkpoint at {path}; check the path")
    try:
        no_bomb(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a malformed file can raise almost anything from torch's reader
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        if isinstance(error, pickle.UnpicklingError):  # torch would advise to run the file's code
            names = re.search(r"GLOBAL ([\w.]+)", str(error))
            reason = f"it asks for {names[1]}" if names else "it holds more than tensors"
        raise RscError(
            f"{path} is not a checkpoint that can be read as plain data: {reason}. Nothing was run."
        ) from error
    if not isinstance(content, dict):
        raise RscError(f"{path} holds a {type(content).__name__}, not a dictionary of weights")
    return content


def plain_tensors(state: Mapping[str, Tensor]) -> None:
    """Refuse tensors that are not plain numbers in memory, or views that claim more than they hold.

    A view with strides of 0 may claim any size: a copy of it would fill the memory.

    Raises:
        RscError: one is.
    """
    for name, value in state.items():
        plain = value.layout is torch.strided and value.device.type == "cpu"
        if not plain or value.is_quantized or value.is_complex() or value.is_nested:
            raise RscError(f"not a state dict: {name[:80]!r} is not a plain tensor")
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise RscError(f"not a state dict: {name[:80]!r} claims more numbers than it has")


def no_bomb(path: PathLike) -> None:
    """Refuse an archive that unpacks to more than its size: torch itself never compresses.

    Raises:
        ValueError: it does.
    """
    with open(path, "rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    packed = any(m.compress_type != zipfile.ZIP_STORED for m in members)
    if packed or sum(m.file_size for m in members) > os.path.getsize(path):
        raise ValueError("it is an archive that unpacks to more than it holds")
