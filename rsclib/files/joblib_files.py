"""Read uncompressed joblib dumps of arrays, as VIBE's databases are, without running anything.

Such a file is a pickle in which an array is a wrapper object (shape, order, type) and its bytes follow
in the stream. Python's own slow unpickling machine is used with an allow-list, because the fast one
cannot leave bytes out; arrays are mapped, not read, so a database of gigabytes costs no memory.
"""

from __future__ import annotations

import math
import os
import pickle
import re
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np
from numpy.typing import NDArray

from rsclib.errors import RscError
from rsclib.files import pickles as P

# Persistent objects, extensions, buffers, sets, and two old ways to make an instance.
_REFUSED = b"PQ\x82\x83\x84\x96\x97\x98\x8f\x90\x91io"
_MOST_STEPS = 5_000_000


class _Wrapper(P.Stub):
    """``joblib.numpy_pickle.NumpyArrayWrapper``: its state describes the bytes that follow it."""


class _Stream:
    """A file that never gives more than it has, so that a claimed length costs no memory."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size, self.steps = file, size, 0

    def read(self, count: int = -1) -> bytes:
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise P.RefusedError("it has millions of small parts, which no database needs")
        if count < 0 or count > self.size - self.file.tell():
            raise EOFError("it is cut short")
        return self.file.read(count)

    def readline(self) -> bytes:
        self.steps += 1
        return self.file.readline(10_000)


# The machine written in Python; type checkers do not know it.
_Slow: Any = pickle._Unpickler  # type: ignore[attr-defined]


class _Machine(_Slow):  # type: ignore[misc]
    dispatch: ClassVar[dict[int, Any]] = dict(_Slow.dispatch)

    def __init__(self, stream: _Stream, path: Path) -> None:
        super().__init__(stream, encoding="latin1")
        self.stream, self.path = stream, path
        self.arrays = 0

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("joblib.numpy_pickle", "NumpyArrayWrapper"):
            return _Wrapper
        return P.allowed(module, name)

    def persistent_load(self, pid: Any) -> Any:
        raise P.RefusedError("it has a persistent object, which no array needs")

    def build(self) -> None:
        """An instruction that gives an object its state; a wrapper's array follows it."""
        if not isinstance(self.stack[-2], P.Stub):
            _refuse(self)
        _Slow.load_build(self)
        if isinstance(self.stack[-1], _Wrapper):
            self.stack.append(self.array(self.stack.pop().state))

    def items(self) -> None:
        """An instruction that fills a dictionary: names only, others may take forever to hash."""
        if not all(isinstance(key, str) for key in self.stack[::2]):
            raise P.RefusedError("a dictionary has keys that are no names")
        _Slow.load_setitems(self)

    def item(self) -> None:
        """The same with one entry."""
        if not isinstance(self.stack[-2], str):
            raise P.RefusedError("a dictionary has keys that are no names")
        _Slow.load_setitem(self)

    def array(self, state: Any) -> NDArray[Any]:
        """The array whose bytes begin here, mapped; the stream moves behind it."""
        if not isinstance(state, dict):
            raise P.RefusedError("an array has no description")
        shape, dtype = P.shape_of(state.get("shape")), _dtype(state.get("dtype"))
        file = self.stream.file
        if isinstance(state.get("numpy_array_alignment_bytes"), int):
            file.seek(self.stream.read(1)[0], os.SEEK_CUR)  # joblib 1.2 and later pad
        start, length = file.tell(), math.prod(shape) * dtype.itemsize
        if length > self.stream.size - start:
            raise EOFError("an array is cut short")
        file.seek(length, os.SEEK_CUR)
        if not length:
            return np.empty(shape, dtype)
        order: Any = "F" if state.get("order") == "F" else "C"
        mapped = np.memmap(self.path, dtype, "r", start, shape, order)
        return np.asarray(mapped)


def _refuse(machine: Any) -> None:
    raise P.RefusedError("it has an instruction that no array needs")


_Machine.dispatch |= {
    pickle.BUILD[0]: _Machine.build,
    pickle.SETITEMS[0]: _Machine.items,
    pickle.SETITEM[0]: _Machine.item,
    **dict.fromkeys((*_REFUSED, pickle.DICT[0]), _refuse),
}


def _dtype(value: Any) -> np.dtype[Any]:
    """A plain number, or text of a fixed length."""
    name = value.args[0] if isinstance(value, P.Stub) and value.args else ""
    if isinstance(name, str) and re.fullmatch(r"[<>|]?[US]\d{1,6}", name):
        order = value.state[1] if isinstance(value.state, tuple) and len(value.state) > 1 else "="
        if order not in ("<", ">", "=", "|"):
            raise P.RefusedError("a dtype has a malformed byte order")
        return np.dtype(("" if order == "|" else order) + name.lstrip("<>|"))
    return P.dtype_of(value)


def read_joblib(path: Path) -> dict[str, Any]:
    """A dump's dictionary of arrays; other entries (lists, texts, numbers) as they are.

    Raises:
        RscError: missing, compressed, cut short, not a dictionary of names, or it names anything but
            arrays; nothing in it has been run.
    """
    try:
        size = os.path.getsize(path)
        with open(path, "rb") as file:
            if file.read(2)[:1] != b"\x80":
                raise P.RefusedError("it is no pickle, or a compressed one")
            file.seek(0)
            found = _Machine(_Stream(file, size), path).load()
        if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
            raise P.RefusedError("it does not hold a dictionary of names")
        if odd := [key for key, value in found.items() if isinstance(value, P.Stub)]:
            raise P.RefusedError(f"{odd[0][:40]!r} is neither an array nor plain")
        return found
    except OSError as error:
        raise RscError(f"cannot read {path}: {error.strerror}. Check the path.") from error
    except P.RefusedError as error:
        raise RscError(f"{path} is not a database of joblib: {error}. Nothing was run.") from error
    except Exception as error:  # a malformed stream can raise almost anything from the machine
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise RscError(f"{path} is damaged: {reason}. Get it again.") from error
