"""What a checkpoint may claim, checked before memory is spent on it."""

from __future__ import annotations

import dataclasses
import math
import os
import zipfile
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from rsclib.errors import RscError
from rsclib.network import NetConfig

_WIDEST = 8192  # of any layer that a header may ask for


def net_config(settings: Mapping[str, Any]) -> NetConfig:
    """The shape that a header describes, with every value of its kind and of a sane size.

    Raises:
        ValueError: a setting is unknown or impossible.
    """
    default = dataclasses.asdict(NetConfig())
    if unknown := sorted(settings.keys() - default.keys()):
        raise ValueError(f"unknown settings {unknown}")
    values: dict[str, Any] = {}
    for name, value in settings.items():
        values[name] = tuple(value) if isinstance(value, list) else value
        like = default[name]
        items = value if isinstance(value, list) else [value]
        fits = isinstance(value, list) == isinstance(like, tuple) and (
            not isinstance(like, tuple) or len(items) == len(like)
        )
        if isinstance(like, float):
            fits = type(value) in (int, float) and math.isfinite(value) and 0 <= value < 1
        elif isinstance(like, str):
            fits = isinstance(value, str)
        else:
            most = 64 if name in ("blocks", "ranges", "iterations") else _WIDEST
            fits = fits and all(type(n) is int and 1 <= n <= most for n in items)
        if not fits:
            raise ValueError(f"the setting {name} has an impossible value")
    return NetConfig(**values)


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


def no_bomb(path: str | os.PathLike[str]) -> None:
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
