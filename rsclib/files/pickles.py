"""Read SMPL's ``.pkl`` files without running anything that is in them.

A pickle is a program for a small machine: it may name any importable function and call it. SMPL's
files need numpy arrays, a scipy CSC matrix and, in the old releases, Chumpy arrays. Here each of
those names stands for a stub of this module that only keeps what it is given; every other name
stops the reading before anything is called. The arrays are then made from the kept bytes: not even
numpy's own unpickling code sees unchecked data.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from rsclib.errors import RscError

# The largest slot number a real file needs is a few hundred; a huge one would claim gigabytes.
_MAX_MEMO = 1_000_000
_MAX_BYTES = 2**30  # of a file and of its arrays; SMPL's own files are 40 to 250 MB
# How often a tuple may be used again. Tuples of tuples of ... hash in exponential time.
_MAX_REUSED = 24
_REFUSED_CODES = {"PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "INST", "OBJ"}
_NUMBERS = {"b1", "f2", "f4", "f8", *(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8))}


class RefusedError(Exception):
    """What is wrong with the pickle, in words."""


class Stub:
    """Keeps the arguments and the state that a pickle gives it; does nothing with them."""

    args: tuple[Any, ...] = ()  # stays so when the pickle makes an instance without __init__
    state: Any = None

    def __init__(self, *args: Any) -> None:
        self.args = args

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Dtype(Stub):
    """``numpy.dtype('f8', ...)`` and its state ``(version, '<', ...)``."""


class _Array(Stub):
    """An array: state ``(version, shape, dtype, is_fortran, bytes)``."""


class _Buffer(Stub):
    """An array of protocol 5: arguments ``(bytes, dtype, shape, order)``."""


class _Scalar(Stub):
    """A numpy number: arguments ``(dtype, bytes)``."""


class _Csc(Stub):
    """A scipy CSC matrix: state with ``data``, ``indices``, ``indptr`` and the shape."""


class _Chumpy(Stub):
    """A Chumpy node: ``x`` holds the numbers, or ``a`` is a node and ``idxs`` picks from it."""


class _Set(Stub):
    """A set: Chumpy nodes carry an empty one, of no use here."""


class _Object:
    """Stands for ``object``, which old classes name as their base; it cannot be built."""

    def __init__(self, *_: Any) -> None:
        raise RefusedError("it builds a bare object, which no array needs")


def _array(*_: Any) -> _Array:
    """numpy's ``_reconstruct``: an empty array; the state that follows says everything."""
    return _Array()


def _reconstructor(*args: Any) -> Stub:
    """``copyreg._reconstructor``: an empty instance of a known class."""
    if len(args) != 3 or args[0] not in (_Csc, _Chumpy):
        raise RefusedError("it rebuilds an object that is not an array")
    kind: type[Stub] = args[0]
    return kind()


def _encode(*args: Any) -> bytes:
    """``_codecs.encode``: how Python 3 writes bytes in an old protocol."""
    if len(args) != 2 or not isinstance(args[0], str) or args[1] != "latin1":
        raise RefusedError("it holds a malformed byte string")
    return args[0].encode("latin1")


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("chumpy.ch", "Ch"): _Chumpy,
    ("chumpy.reordering", "Select"): _Chumpy,
    ("copy_reg", "_reconstructor"): _reconstructor,
    ("copyreg", "_reconstructor"): _reconstructor,
    ("__builtin__", "object"): _Object,
    ("builtins", "object"): _Object,
    ("__builtin__", "set"): _Set,
    ("builtins", "set"): _Set,
    ("_codecs", "encode"): _encode,
}
for _core in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_core}.multiarray", "_reconstruct"] = _array
    _ALLOWED[f"{_core}.multiarray", "scalar"] = _Scalar
    _ALLOWED[f"{_core}.numeric", "_frombuffer"] = _Buffer
for _module in ("scipy.sparse.csc", "scipy.sparse._csc"):
    _ALLOWED[_module, "csc_matrix"] = _Csc


def allowed(module: str, name: str) -> Any:
    """The stub for a known name; called before anything of that name could be."""
    stub = _ALLOWED.get((module, name))
    if stub is None:
        raise RefusedError(f"it asks for {module}.{name}, which no array needs")
    return stub


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return allowed(module, name)


def _scan(content: bytes) -> None:
    """Read the instructions without obeying them; refuse those that no SMPL file has."""
    before, slots, reused = "", 0, 0
    tuples: set[int] = set()
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name == "MEMOIZE" or opcode.name.endswith("PUT"):
            slot = slots if opcode.name == "MEMOIZE" else int(argument or 0)
            slots += 1
            (tuples.add if before.startswith("TUPLE") else tuples.discard)(slot)
        reused += opcode.name == "DUP" or (
            opcode.name.endswith("GET") and int(argument or 0) in tuples
        )
        if reused > _MAX_REUSED:
            raise RefusedError("it uses the same tuples over and over, which no array needs")
        before = opcode.name
        if opcode.name in _REFUSED_CODES:
            raise RefusedError(f"it has the instruction {opcode.name}, which no array needs")
        if opcode.name.endswith("PUT") and int(argument or 0) > _MAX_MEMO:
            raise RefusedError("it asks for an absurd amount of memory")


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):  # a Python 2 string
        return value.encode("latin1")
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    raise RefusedError("an array's numbers are not bytes")


def dtype_of(value: Any) -> np.dtype[Any]:
    """The numeric dtype that a stub describes; objects, strings and records are refused."""
    if not isinstance(value, _Dtype) or not value.args or not isinstance(value.args[0], str):
        raise RefusedError("an array has no plain dtype")
    name = value.args[0].lstrip("<>=|")
    order = "="
    if value.state is not None:
        if not isinstance(value.state, tuple) or len(value.state) < 2:
            raise RefusedError("a dtype has a malformed state")
        order = value.state[1]
    if name not in _NUMBERS:
        raise RefusedError(f"an array holds {name!r}, which is not a plain number")
    if order not in ("<", ">", "=", "|"):
        raise RefusedError("a dtype has a malformed byte order")
    return np.dtype(("" if order == "|" else order) + name)


def shape_of(value: Any) -> tuple[int, ...]:
    """A tuple of lengths."""
    if not isinstance(value, tuple) or not all(type(n) is int and n >= 0 for n in value):
        raise RefusedError("an array has a malformed shape")
    return value


def _numbers(dtype: Any, shape: Any, data: Any, fortran: bool) -> NDArray[Any]:
    kind, size, raw = dtype_of(dtype), shape_of(shape), _bytes(data)
    if math.prod(size) * kind.itemsize != len(raw):
        raise RefusedError("an array's shape does not fit its numbers")
    return np.frombuffer(raw, kind).reshape(size, order="F" if fortran else "C").copy()


def plain(value: Any, depth: int = 0) -> Any:
    """A stub's content as numpy array or CSC matrix; other values as they are."""
    if depth > 8:
        raise RefusedError("its Chumpy nodes are nested too deeply")
    if isinstance(value, _Array):
        if not isinstance(value.state, tuple) or len(value.state) != 5:
            raise RefusedError("an array has no numbers")
        _, shape, dtype, fortran, data = value.state
        return _numbers(dtype, shape, data, bool(fortran))
    if isinstance(value, _Buffer):
        if len(value.args) != 4:
            raise RefusedError("an array has no numbers")
        data, dtype, shape, order = value.args
        return _numbers(dtype, shape, data, order == "F")
    if isinstance(value, _Scalar):
        if len(value.args) != 2:
            raise RefusedError("it holds a malformed number")
        return _numbers(value.args[0], (), value.args[1], False)[()]
    if isinstance(value, _Csc | _Chumpy):
        state = value.state
        if isinstance(state, tuple) and len(state) == 2:  # (dict, slots)
            state = state[0]
        if not isinstance(state, dict):
            raise RefusedError("an entry has no numbers")
        return _csc(state) if isinstance(value, _Csc) else _chumpy(state, depth)
    if isinstance(value, Stub):
        raise RefusedError("an entry is neither an array nor plain")
    return value


def _csc(state: dict[str, Any]) -> sp.csc_matrix:
    data, rows, starts = (plain(state.get(key)) for key in ("data", "indices", "indptr"))
    if not all(isinstance(x, np.ndarray) and x.ndim == 1 for x in (data, rows, starts)):
        raise RefusedError("a sparse matrix lacks its arrays")
    shape = state.get("_shape", state.get("shape"))
    if not isinstance(shape, tuple) or len(shape) != 2:
        raise RefusedError("a sparse matrix has a malformed shape")
    shape = shape_of(tuple(int(plain(n)) for n in shape))  # numpy integers in some files
    matrix = sp.csc_matrix((data, rows, starts), shape=(shape[0], shape[1]))
    matrix.check_format(full_check=True)
    return matrix


def _chumpy(state: dict[str, Any], depth: int) -> NDArray[Any]:
    if "x" in state:
        return np.asarray(plain(state["x"], depth + 1))
    if "a" in state and "idxs" in state:
        base = np.asarray(plain(state["a"], depth + 1)).ravel()
        picked = base[np.asarray(plain(state["idxs"], depth + 1))]
        shape = state.get("preferred_shape")
        return picked if shape is None else picked.reshape(shape_of(tuple(shape)))
    raise RefusedError("a Chumpy entry is of an unknown kind")


def _all_plain(entries: dict[str, Any]) -> dict[str, Any]:
    """Every entry's content; a small file that names one array again and again is refused."""
    out, total = {}, 0
    for key, value in entries.items():
        out[key] = plain(value)
        total += getattr(getattr(out[key], "data", None), "nbytes", 0)
        if total > _MAX_BYTES:
            raise RefusedError("its arrays are larger than 1 GB")
    return out


def stubs_of(path: Path) -> Any:
    """What a pickle holds, arrays as stubs still; nothing has been run. A bad file raises anything."""
    if path.stat().st_size > _MAX_BYTES:
        raise RefusedError("it is larger than 1 GB")
    content = path.read_bytes()
    _scan(content)
    return _Unpickler(io.BytesIO(content), encoding="latin1").load()


def load_smpl_pickle(path: str | Path, what: str = "a SMPL file") -> dict[str, Any]:
    """The entries of a SMPL pickle: numpy arrays, CSC matrices, strings and numbers.

    Python 2 files (protocol 2, latin1 strings) are read too; neither chumpy nor the numpy and
    scipy versions that wrote the file are needed.

    Args:
        what: the file should be, in errors.

    Raises:
        RscError: the file is missing, empty, cut short, not a dictionary, or it names anything
            but arrays; nothing in it has been run.
    """
    path = Path(path)
    try:
        entries = stubs_of(path)
        if not isinstance(entries, dict) or not all(isinstance(key, str) for key in entries):
            raise RefusedError("it does not hold a dictionary of names")
        return _all_plain(entries)
    except OSError as error:
        raise RscError(f"cannot read {path}: {error.strerror}. Check the path.") from error
    except RefusedError as error:
        raise RscError(f"{path} is not {what}: {error}. Nothing was run.") from error
    except Exception as error:  # a malformed stream can raise almost anything from the machine
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise RscError(f"{path} is damaged or not a pickle: {reason}. Get it again.") from error
