"""The SMPL pickle reader: right on real layouts, deaf to everything else."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rsclib.errors import RscError
from rsclib.files.pickles import load_smpl_pickle


def write(folder: Path, content: bytes) -> Path:
    path = folder / "model.pkl"
    path.write_bytes(content)
    return path


# --- a small assembler for pickles that Python 3 would not write -----------------------------


def text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def old_string(raw: bytes) -> bytes:
    """A Python 2 ``str``."""
    return b"T" + struct.pack("<i", len(raw)) + raw


def name(module: str, attribute: str) -> bytes:
    return b"c" + f"{module}\n{attribute}\n".encode()


def integer(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def many(*parts: bytes) -> bytes:
    return b"(" + b"".join(parts) + b"t"


def call(module: str, attribute: str, *arguments: bytes) -> bytes:
    return name(module, attribute) + many(*arguments) + b"R"


def old_array(array: np.ndarray) -> bytes:
    """A float64 or int32 array as Python 2's numpy wrote it."""
    kind = array.dtype.str.lstrip("<").encode()
    dtype = call("numpy", "dtype", old_string(kind), integer(0), integer(1))
    dtype += many(integer(3), old_string(b"<"), b"NNN", integer(-1), integer(-1), integer(0)) + b"b"
    shape = many(*(integer(n) for n in array.shape))
    empty = call(
        "numpy.core.multiarray", "_reconstruct", name("numpy", "ndarray"), many(integer(0)),
        old_string(b"b"),
    )  # fmt: skip
    state = many(integer(1), shape, dtype, b"\x89", old_string(array.tobytes()))
    return empty + state + b"b"


def node(start: bytes, **values: bytes) -> bytes:
    """An object whose state is a dictionary."""
    items = b"".join(old_string(key.encode()) + value for key, value in values.items())
    return start + b"}(" + items + b"ub"


def entries(**values: bytes) -> bytes:
    """A protocol-2 dictionary."""
    items = b"".join(old_string(key.encode()) + value for key, value in values.items())
    return b"\x80\x02}(" + items + b"u."


# --- what must be read ---------------------------------------------------------------------


ARRAYS = {
    "v_template": np.arange(12.0).reshape(4, 3),
    "f": np.array([[0, 1, 2], [1, 2, 3]], np.uint32),
    "weights": np.asfortranarray(np.arange(8, dtype=np.float32).reshape(4, 2)),
    "kintree_table": np.array([[2**32 - 1, 0], [0, 1]], ">i8"),
    "flags": np.array([True, False]),
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_reads_what_python_3_writes(tmp_path: Path, protocol: int) -> None:
    regressor = sp.csc_matrix(np.array([[0, 0.5, 0.5], [1, 0, 0]]))
    model: dict[str, Any] = {**ARRAYS, "J_regressor": regressor, "bs_style": "lbs"}
    model["count"] = np.float64(2.5)
    read = load_smpl_pickle(write(tmp_path, pickle.dumps(model, protocol)))
    for key, value in ARRAYS.items():
        np.testing.assert_array_equal(read[key], value)
        assert read[key].dtype.kind == value.dtype.kind
    assert sp.issparse(read["J_regressor"])
    np.testing.assert_array_equal(read["J_regressor"].toarray(), regressor.toarray())
    assert read["bs_style"] == "lbs" and read["count"] == 2.5


def test_equals_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "model.npz", **ARRAYS)
    read = load_smpl_pickle(write(tmp_path, pickle.dumps(ARRAYS, 2)))
    with np.load(tmp_path / "model.npz", allow_pickle=False) as expected:
        for key in ARRAYS:
            np.testing.assert_array_equal(read[key], expected[key])


def test_reads_python_2_strings_chumpy_and_old_scipy(tmp_path: Path) -> None:
    """The layout of the licensed file of 2015, with bytes above 127 in the arrays."""
    numbers = np.array([[1.5, -2.25e300], [np.pi, 1e-200]])
    matrix = sp.csc_matrix(np.array([[0.0, 2.0], [3.0, 0.0]]))
    chumpy = node(name("chumpy.ch", "Ch") + b")\x81", x=old_array(numbers))
    base = call(
        "copy_reg", "_reconstructor", name("chumpy.reordering", "Select"),
        name("__builtin__", "object"), b"N",
    )  # fmt: skip
    select = node(
        base,
        a=chumpy,
        idxs=old_array(np.array([3, 0], np.int32)),
        preferred_shape=many(integer(2), integer(1)),
    )
    csc = node(
        name("scipy.sparse.csc", "csc_matrix") + b")\x81",
        _shape=many(integer(2), integer(2)),
        data=old_array(matrix.data),
        indices=old_array(matrix.indices.astype(np.int32)),
        indptr=old_array(matrix.indptr.astype(np.int32)),
    )
    path = write(
        tmp_path,
        entries(
            v_template=old_array(numbers), shapedirs=chumpy, picked=select, J_regressor=csc,
            bs_style=old_string(b"lbs"),
        ),
    )  # fmt: skip
    read = load_smpl_pickle(path)
    np.testing.assert_array_equal(read["v_template"], numbers)
    np.testing.assert_array_equal(read["shapedirs"], numbers)
    np.testing.assert_array_equal(read["picked"], [[1e-200], [1.5]])
    np.testing.assert_array_equal(read["J_regressor"].toarray(), matrix.toarray())
    assert read["bs_style"] == "lbs"


# --- what must be refused ------------------------------------------------------------------


def _hostile(marker: str) -> dict[str, bytes]:
    """Pickles that would leave ``marker`` behind, or worse, if anything in them were called."""
    touch = text(f"touch {marker}")
    python = text(f"open({marker!r}, 'w').close()")
    path, mode = text(marker), text("w")
    found = {
        "os.system": call("os", "system", touch),
        "posix.system": call("posix", "system", touch),
        "os.popen": call("os", "popen", touch),
        "os.mkdir": call("os", "mkdir", path),
        "subprocess.Popen": call("subprocess", "Popen", b"]" + text("touch") + b"a" + path + b"a"),
        "subprocess.getoutput": call("subprocess", "getoutput", touch),
        "pty.spawn": call("pty", "spawn", touch),
        "builtins.eval": call("builtins", "eval", python),
        "builtins.exec": call("builtins", "exec", python),
        "builtins.open": call("builtins", "open", path, mode),
        "io.open": call("io", "open", path, mode),
        "py2 eval": call("__builtin__", "eval", python),
        "py2 execfile": call("__builtin__", "execfile", path),
        "__import__": call("builtins", "__import__", text("antigravity")),
        "importlib": call("importlib", "import_module", text("antigravity")),
        "getattr": call("builtins", "getattr", name("os", "path"), text("join")),
        "getattr chain": call(
            "builtins", "getattr", call("builtins", "__import__", text("os")), text("system")
        ) + many(touch) + b"R",
        "pathlib touch": call("pathlib", "Path.touch", call("pathlib", "Path", path)),
        "dotted ndarray": call("numpy", "ndarray.tofile", path),
        "dotted object": call("builtins", "object.__subclasses__"),
        "numpy.save": call("numpy", "save", path, integer(1)),
        "numpy.load": call("numpy", "load", path),
        "numpy.fromfile": call("numpy", "fromfile", path),
        "numpy.memmap": call("numpy", "memmap", path),
        "numpy multiarray": call("numpy._core.multiarray", "fromfile", path),
        "numpy runstring": call("numpy.testing._private.utils", "runstring", python, b"}"),
        "numpy.matrix": call("numpy", "matrix", text("1 2")),
        "scipy load_npz": call("scipy.sparse", "load_npz", path),
        "scipy csr": call("scipy.sparse._csr", "csr_matrix", integer(3)),
        "torch.load": call("torch", "load", path),
        "torch bytes": call("torch.storage", "_load_from_bytes", old_string(b"x")),
        "functools.partial": call("functools", "partial", name("os", "system"), touch),
        "functools.reduce": call("functools", "reduce", name("os", "system"), b"]"),
        "operator.attrgetter": call("operator", "attrgetter", text("system")),
        "operator.methodcaller": call("operator", "methodcaller", text("system"), touch),
        "pickle.loads": call("pickle", "loads", old_string(b"N.")),
        "marshal.loads": call("marshal", "loads", old_string(b"N")),
        "types.FunctionType": call("types", "FunctionType"),
        "ctypes.CDLL": call("ctypes", "CDLL", text("libc.so.6")),
        "shutil.rmtree": call("shutil", "rmtree", path),
        "socket": call("socket", "create_connection", text("localhost")),
        "chumpy function": call("chumpy.ch", "depends_on", path),
        "copyreg.add_extension": call("copyreg", "add_extension", text("os"), text("system")),
        "own module": call("rsclib.files.pickles", "load_smpl_pickle", path),
        "only named": name("os", "system"),
        "stack global": text("os") + text("system") + b"\x93" + many(touch) + b"R",
        "instance": b"(" + touch + b"ios\nsystem\n",
        "object opcode": b"(" + name("os", "system") + touch + b"o",
        "newobj": name("subprocess", "Popen") + many(text("touch")) + b"\x81",
        "newobj_ex": name("subprocess", "Popen") + many(text("touch")) + b"}\x92",
        "nested in an argument": call("numpy", "dtype", call("os", "system", touch)),
        "nested in a state": name("chumpy.ch", "Ch") + b")\x81" + call("os", "system", touch)
        + b"b",
        "nested in a key": b"}(" + call("os", "system", touch) + b"Nu",
        "bare object": call("builtins", "object"),
        "reconstructor of a class": call(
            "copyreg", "_reconstructor", name("os", "_wrap_close"), name("builtins", "object"), b"N"
        ),
        "reconstructor of object": call(
            "copyreg", "_reconstructor", name("builtins", "object"), b"N", b"N"
        ),
        "extension code": b"\x82\x01",
        "persistent id": text("x") + b"Q",
        "out-of-band buffer": b"\x97",
        "codec": call("_codecs", "encode", text("x"), text("rot13")),
        "state without numbers": name("chumpy.ch", "Ch") + b")\x81" + text("x") + b"b",
    }  # fmt: skip
    return found


HOSTILE = sorted(_hostile("x"))


def test_the_payload_works(tmp_path: Path) -> None:
    """With Python's own reader the pickles do their harm: the tests below can fail."""
    marker = tmp_path / "marker"
    for attack in (
        "os.system",
        "builtins.exec",
        "getattr chain",
        "stack global",
        "nested in a key",
    ):
        pickle.loads(b"\x80\x04" + _hostile(str(marker))[attack] + b".")
        assert marker.exists(), attack
        marker.unlink()


def test_there_are_enough() -> None:
    assert len(HOSTILE) >= 30


@pytest.mark.parametrize("attack", HOSTILE)
@pytest.mark.parametrize("inside", [False, True], ids=["bare", "in a dictionary"])
def test_hostile(tmp_path: Path, attack: str, inside: bool) -> None:
    marker = tmp_path / "marker"
    body = _hostile(str(marker))[attack]
    content = entries(v_template=body) if inside else b"\x80\x04" + body + b"."
    with pytest.raises(RscError, match=r"model\.pkl"):
        load_smpl_pickle(write(tmp_path, content))
    assert not marker.exists()


def test_the_message_names_the_global(tmp_path: Path) -> None:
    with pytest.raises(RscError, match=r"os\.system.*Nothing was run"):
        load_smpl_pickle(write(tmp_path, entries(a=call("os", "system", text("true")))))


def test_object_arrays_and_records_are_refused(tmp_path: Path) -> None:
    for array in (
        np.array([None, "x"], object),
        np.zeros(2, [("a", "f4"), ("b", "O")]),
        np.array(["text"]),
        np.array([b"raw"]),
        np.array(["2020-01-01"], "M8[D]"),
        np.array([1 + 2j]),
    ):
        with pytest.raises(RscError):
            load_smpl_pickle(write(tmp_path, pickle.dumps({"a": array}, 2)))


def test_a_lying_shape_is_refused(tmp_path: Path) -> None:
    honest = old_array(np.zeros((2, 3)))
    read = load_smpl_pickle(write(tmp_path, entries(a=honest)))
    assert read["a"].shape == (2, 3)
    for lie in ((3, 3), (2**30, 2**30), (-1, -6), (2, 2)):
        shape = many(*(integer(n) for n in lie))
        content = honest.replace(many(integer(2), integer(3)), shape)
        assert content != honest
        with pytest.raises(RscError):
            load_smpl_pickle(write(tmp_path, entries(a=content)))


def test_a_sparse_matrix_that_points_outside_is_refused(tmp_path: Path) -> None:
    matrix = sp.csc_matrix(np.eye(3))
    matrix.indices[1] = 1000  # scipy would read past its memory when it is made dense
    with pytest.raises(RscError):
        load_smpl_pickle(write(tmp_path, pickle.dumps({"J_regressor": matrix}, 2)))


def test_huge_memo_slot_is_refused(tmp_path: Path) -> None:
    content = b"\x80\x02}r" + struct.pack("<I", 2**31) + b"."
    with pytest.raises(RscError, match="memory"):
        load_smpl_pickle(write(tmp_path, content))


@pytest.mark.parametrize("content", [b"", b".", b"\x80\x02", b"\x80\xff.", b"PK\x03\x04", b"hello"])
def test_not_a_pickle(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(RscError):
        load_smpl_pickle(write(tmp_path, content))


def test_missing_folder_and_not_a_dictionary(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pkl", tmp_path):
        with pytest.raises(RscError):
            load_smpl_pickle(path)
    for value in ([1, 2], None, {1: 2}, 3.5):
        with pytest.raises(RscError, match="dictionary"):
            load_smpl_pickle(write(tmp_path, pickle.dumps(value)))


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_truncated_anywhere(tmp_path: Path, protocol: int) -> None:
    content = pickle.dumps(ARRAYS, protocol)
    for length in range(0, len(content) - 1, 7):
        with pytest.raises(RscError):
            load_smpl_pickle(write(tmp_path, content[:length]))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused(tmp_path: Path, place: int, value: int) -> None:
    """Never another exception than RscError, whatever byte is damaged."""
    content = bytearray(pickle.dumps({"v": np.arange(6.0), "s": sp.csc_matrix(np.eye(2))}, 2))
    content[place % len(content)] = value
    try:
        read = load_smpl_pickle(write(tmp_path, bytes(content)))
    except RscError:
        return
    assert all(isinstance(key, str) for key in read)


def test_chumpy_set_is_tolerated(tmp_path: Path) -> None:
    """Chumpy nodes keep an empty set beside their numbers."""
    chumpy = node(
        name("chumpy.ch", "Ch") + b")\x81",
        x=old_array(np.eye(2)),
        _dirty_vars=call("__builtin__", "set", b"]"),
    )
    read = load_smpl_pickle(write(tmp_path, entries(a=chumpy)))
    np.testing.assert_array_equal(read["a"], np.eye(2))
    with pytest.raises(RscError):
        load_smpl_pickle(write(tmp_path, entries(a=call("__builtin__", "set", b"]"))))
