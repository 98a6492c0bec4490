"""The state of a training: everything that it needs to go on after it was stopped."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch

from rsclib.errors import RscError
from rsclib.files.atomic import write_bytes
from rsclib.files.tensors import PathLike, read_torch

# Ends a training state: this line and the SHA-256 of all that stands before it.
_SEAL = b"\nrsclib-sha256:"
_SEAL_LENGTH = len(_SEAL) + 64


def save_training_state(path: PathLike, state: Mapping[str, Any]) -> None:
    """Write everything a training needs to go on, in one step, with a hash of it at the end.

    ``torch.load`` reads the file too: it looks past the hash.
    """
    content = io.BytesIO()  # torch's own writer reports a full disk as an error of its own kind
    torch.save(dict(state), content)
    with content.getbuffer() as data:
        write_bytes(path, data, _SEAL + hashlib.sha256(data).hexdigest().encode())


def load_training_state(path: PathLike, keys: Collection[str] = ()) -> dict[str, Any]:
    """Read what :func:`save_training_state` wrote; a changed byte is detected.

    Args:
        keys: what it must hold.

    Raises:
        RscError: no such file, it is damaged, or of another kind of training.
    """
    if not Path(path).is_file():
        raise RscError(f"there is no training state at {path}")
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise RscError(f"cannot read {path}: {error.strerror or error}") from error
    body, seal = memoryview(data)[:-_SEAL_LENGTH], data[-_SEAL_LENGTH:]
    if seal != _SEAL + hashlib.sha256(body).hexdigest().encode():
        raise RscError(
            f"{path} is damaged, or was not written by this version: its contents do not match the "
            "hash at its end; delete it to start anew"
        )
    state = read_torch(path)
    if lacking := sorted(set(keys) - state.keys()):
        raise RscError(f"{path} is of another kind of training: it has no {', '.join(lacking)}")
    return state
