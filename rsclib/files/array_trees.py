"""Read pickled trees of arrays, as JAX's networks are kept, without running anything in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsclib.files.pickles import MAX_BYTES, RefusedError, plain_value, read_pickle

_DEEPEST, _MOST = 8, 10_000


def load_array_tree(path: str | Path) -> dict[str, NDArray[Any]]:
    """The arrays of a pickled dictionary of dictionaries by the names on the way to them, such as
    ``"VGG16_0/Conv_3/kernel"``.

    Raises:
        RscError: the file is missing, damaged or no such tree, or it names anything but arrays;
            nothing in it has been run.
    """
    return read_pickle(path, "a tree of arrays", _flat)


def _flat(tree: dict[str, Any]) -> dict[str, NDArray[Any]]:
    out: dict[str, NDArray[Any]] = {}
    total = 0
    waiting: list[tuple[str, Any, int]] = [("", tree, 0)]
    while waiting:
        name, value, depth = waiting.pop()
        if isinstance(value, dict):
            if depth > _DEEPEST or len(out) + len(waiting) + len(value) > _MOST:
                raise RefusedError("it is nested too deeply, or has too many names")
            if not all(isinstance(key, str) for key in value):
                raise RefusedError("its names are not words")
            prefix = f"{name}/" if name else ""
            waiting += [(prefix + key, value[key], depth + 1) for key in reversed(value)]
            continue
        array = plain_value(value)
        if not isinstance(array, np.ndarray):
            raise RefusedError(f"{name[:80]!r} is not an array")
        total += array.nbytes
        if total > MAX_BYTES:
            raise RefusedError("its arrays are larger than 1 GB")
        out[name] = array
    return out
