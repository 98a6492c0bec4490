"""Hostile files. Those with code create ``marker`` when the code is run."""

from __future__ import annotations

import copyreg
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch

from tests.test_safe_pickle import _hostile, entries, old_array

HUGE = 2**40


class _Calls:
    """Pickles to a call."""

    def __init__(self, function: Any, *arguments: Any, state: Any = None) -> None:
        self.parts = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.parts


def code(marker: Path) -> dict[str, bytes]:
    """Pickles whose code runs under Python's own reader or in a torch file's."""
    found = {name: b"\x80\x04" + body + b"." for name, body in _hostile(str(marker)).items()}
    found |= {f"{name} in a dictionary": entries(v_template=body)
              for name, body in _hostile(str(marker)).items()}  # fmt: skip
    for protocol in range(6):
        found[f"open, protocol {protocol}"] = pickle.dumps(
            {"model": _Calls(open, str(marker), "w")}, protocol
        )
    objects: dict[str, Any] = {}
    nested = _Calls(getattr, _Calls(__import__, "os"), "system")
    objects["getattr of an import"] = {"x": nested}
    objects["extension registry"] = _Calls(copyreg.add_extension, "os", "system", 77)
    objects["load_from_bytes"] = _Calls(
        torch.storage._load_from_bytes, pickle.dumps(_Calls(open, str(marker), "w"))
    )
    objects["state of a module"] = {
        "x": _Calls(torch.nn.Linear, 1, 1, state={"forward": _Calls(open, str(marker), "w")})
    }
    objects["torch.load inside"] = _Calls(torch.load, str(marker))
    objects["torch hub"] = _Calls(torch.hub.load, str(marker), "x")
    for protocol in (2, 4):  # torch's reader knows 2 only, and goes further into those
        found |= {
            f"{k}, protocol {protocol}": pickle.dumps(v, protocol) for k, v in objects.items()
        }
    return found


def pickle_bombs() -> dict[str, bytes]:
    """Small pickles that would take gigabytes or years."""
    twice = b"\x80\x04)" + b"".join(b"\x94h" + bytes([i]) + b"\x86" for i in range(60))
    laughs = b"\x80\x02]q\x00" + b"".join(
        b"](" + b"h" + bytes([i]) * 1 + (b"h" + bytes([i])) * 9 + b"eq" + bytes([i + 1])
        for i in range(20)
    )
    wide = sp.csc_matrix((HUGE, 24))
    megabyte = old_array(np.zeros(130_000))
    again = b"\x80\x02}(" + b"".join(
        b"X\x04\0\0\0" + b"%04d" % i + (megabyte + b"q\x05" if i == 0 else b"h\x05")
        for i in range(3000)
    )
    return {
        "exponential hash": b"\x80\x04}" + twice[2:] + b"Ns.",
        "list of lists of lists": laughs + b".",
        "lists for an array": b"\x80\x02}X\x01\0\0\0a" + laughs[2:] + b"s.",
        "memo slot": b"\x80\x02}r" + struct.pack("<I", 2**31) + b".",
        "string of a terabyte": b"\x80\x04\x8d" + struct.pack("<Q", HUGE) + b"x.",
        "bytes of a terabyte": b"\x80\x04\x8e" + struct.pack("<Q", HUGE) + b"x.",
        "frame of a terabyte": b"\x80\x04\x95" + struct.pack("<Q", HUGE) + b"N.",
        "sparse of a terabyte": pickle.dumps({"v_template": wide, "J_regressor": wide}, 2),
        "one array, many names": again + b"u.",
        "marks": b"\x80\x02" + b"(" * 100_000,
        "deep": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
        "integer of a megabyte": b"\x80\x02\x8b"
        + struct.pack("<i", 2**20)
        + b"\x7f" * 2**20
        + b".",
        "digits": b"L" + b"9" * 100_000 + b"L\n.",
    }


def torch_zip(program: bytes, method: int = zipfile.ZIP_STORED, **members: bytes) -> bytes:
    """A torch archive with a given data.pkl."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("a/data.pkl", program)
        archive.writestr("a/byteorder", "little")
        archive.writestr("a/version", "3\n")
        for name, content in members.items():
            archive.writestr(f"a/data/{name}", content)
    return file.getvalue()


def _saved(value: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def torch_files(marker: Path) -> dict[str, bytes]:
    """Checkpoints that are hostile, foreign or absurd."""
    one = torch.zeros(1)
    honest = _saved({"conv1.weight": torch.zeros(64, 3, 7, 7)})
    loop: dict[str, Any] = {"x": one}
    loop["model"] = {"state_dict": loop}
    values: dict[str, Any] = {
        "stride 0": {"conv1.weight": one.expand(2**20, 2**20)},
        "alphas of stride 0": {"layer1.alphas.0": one.expand(2**20, 2**20)},
        "meta": {"conv1.weight": torch.empty(HUGE, device="meta")},
        "sparse": {"conv1.weight": torch.sparse_coo_tensor(size=(2**20, 2**20))},
        "complex": {"conv1.weight": torch.zeros(64, 3, 7, 7, dtype=torch.complex64)},
        "NaN": {"conv1.weight": torch.full((64, 3, 7, 7), torch.nan)},
        "integers": {"conv1.weight": torch.zeros(64, 3, 7, 7, dtype=torch.long)},
        "quantised": {"conv1.weight": torch.quantize_per_tensor(one, 1.0, 0, torch.qint8)},
        "list": [one], "tensor": one, "nothing": {}, "number key": {3: one}, "text": {"a": "b"},
        "nested containers": {"model": {"model": {"state_dict": 3}}}, "loop": loop,
        "newlines in names": {"a\nrsc: fine\x1b[2J": one}, "long name": {"x" * 10**6: one},
        "module": torch.nn.Linear(2, 2),
    }  # fmt: skip
    found = {f"torch {name}": _saved(value) for name, value in values.items()}
    for name in ("os.system", "builtins.exec", "stack global", "nested in a state", "instance"):
        body = _hostile(str(marker))[name]
        found[f"torch zip {name}"] = torch_zip(b"\x80\x02" + body + b".")
        legacy = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)
        found[f"torch legacy {name}"] = legacy + b"\x80\x02" + body + b"."
    zeros = bytes(200_000_000)
    found["torch compressed bomb"] = torch_zip(b"\x80\x02}.", zipfile.ZIP_DEFLATED, **{"0": zeros})
    with zipfile.ZipFile(io.BytesIO(honest)) as archive:
        program = next(archive.read(n) for n in archive.namelist() if n.endswith("data.pkl"))
    count = b"M" + struct.pack("<H", 64 * 3 * 49)  # the pickle's instruction for that number
    assert count in program
    lie = program.replace(count, b"J" + struct.pack("<i", 2**31 - 1))
    found["torch storage that lies"] = torch_zip(lie, **{"0": bytes(64 * 3 * 49 * 4)})
    found["torch script"] = torch_zip(b"\x80\x02}.").replace(b"data.pkl", b"code.pkl")
    found["tar"] = b"data.tar".ljust(257, b"\0") + b"ustar\0" + bytes(10_000)
    for k in range(1, 10):
        found[f"torch cut at {k}/10"] = honest[: len(honest) * k // 10]
    return found


def safetensors_file(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file with any header, JSON-able or bytes."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def safetensors_files(honest: bytes, sign: Callable[[dict[str, Any]], bytes]) -> dict[str, bytes]:
    """Damaged, lying and absurd variants. ``sign`` makes a file of settings with a right hash."""

    def entry(**changes: Any) -> dict[str, Any]:
        return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changes}

    eight = bytes(8)
    found = {
        "empty": b"", "seven bytes": bytes(7), "length 0": bytes(8),
        "length of exabytes": safetensors_file({}, length=2**63),
        "length past the end": safetensors_file({}, length=1000),
        "length of 2^64 - 1": safetensors_file({}, length=2**64 - 1),
        "not JSON": safetensors_file(b"hello"), "a list": safetensors_file([]),
        "not UTF-8": safetensors_file(b'{"\xff\xfe": 1}'),
        "deep": safetensors_file(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        "deep list": safetensors_file(b"[" * 1_000_000),
        "overlap": safetensors_file(entry() | {"b": entry()["a"]}, eight),
        "hole": safetensors_file(entry(data_offsets=[8, 16]), bytes(16)),
        "backwards": safetensors_file(entry(data_offsets=[8, 0]), eight),
        "past the end": safetensors_file(entry(data_offsets=[0, 800]), eight),
        "huge shape": safetensors_file(entry(shape=[2**40, 2**40]), eight),
        "shape that overflows": safetensors_file(entry(shape=[2**62, 4]), eight),
        "huge and empty": safetensors_file(entry(shape=[0, 2**62], data_offsets=[0, 0])),
        "negative shape": safetensors_file(entry(shape=[-2]), eight),
        "unknown dtype": safetensors_file(entry(dtype="OBJECT"), eight),
        "8 bits": safetensors_file(entry(dtype="F8_E4M3", shape=[8]), eight),
        "duplicate": safetensors_file(b'{"a":1,"a":2}'), "trailing": honest + b"x",
        "metadata of numbers": safetensors_file({"__metadata__": {"format": 1}}),
        "metadata of others": safetensors_file({"__metadata__": {"format": "pt"}}),
        "no metadata": safetensors_file(entry(), eight),
        "settings deep": safetensors_file(
            {"__metadata__": {"format": "rsclib-2", "config": "[" * 10**5, "about": "{}"}}
        ),
        "settings of digits": safetensors_file(
            {"__metadata__": {"format": "rsclib-2", "config": "9" * 10**5, "about": "{}"}}
        ),
    }  # fmt: skip
    for k in range(10):
        found[f"cut at {k}/10"] = honest[: len(honest) * k // 10]
    for name, value in {
        "hidden": 2**40, "stem": 8192, "planes": [8192] * 4, "blocks": [64, 64, 64, 64],
        "ranges": -1, "dropout": float("nan"), "iterations": 10**9, "image_size": 33,
        "projection": [1], "activation": "__class__", "norm": None, "blocks ": 1,
        "hidden  ": True, "image_size ": "128", "kind": "\x1b[2J\nrsc: fine" * 1000,
    }.items():  # fmt: skip
        found[f"signed, {name}"] = sign({name.strip(" ") if name != "blocks " else name: value})
    return found


def npz(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of raw members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def npy(array: Any, pickled: bool = False) -> bytes:
    """The bytes of an npy file."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), allow_pickle=pickled)
    return file.getvalue()


def npy_header(text: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """An npy file with any header."""
    raw = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(raw)) + raw + data


def npy_files(marker: Path) -> dict[str, bytes]:
    """Arrays that lie about themselves."""
    good = npy(np.zeros(4))
    call = np.array([_Calls(open, str(marker), "w")], object)
    claims = {"terabytes": f"({HUGE},)", "overflow": f"({2**62}, 8)", "negative": "(-1,)",
              "not a tuple": "3", "digits": f"({'9' * 60},)", "bool": "(True,)"}  # fmt: skip
    found = {
        f"claims {name}": npy_header(
            f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}", bytes(32)
        )
        for name, shape in claims.items()
    }
    found |= {
        "objects": npy(call, pickled=True), "empty": b"", "text": b"hello", "cut": good[:-1],
        "longer": good + b"x", "records": npy(np.zeros(2, [("a", "f4")])),
        "record of objects": npy(np.zeros(2, [("a", "O")]), pickled=True),
        "header of code": npy_header("__import__('os').system('true')"),
        "header deep": npy_header("(" * 90), "future version": npy_header("{}", version=b"\x09\0"),
        "pickle": pickle.dumps(call), "dtype of terabytes": npy_header(
            "{'descr': '|V1099511627776', 'fortran_order': False, 'shape': (1,)}"),
    }  # fmt: skip
    return found


def npz_files(marker: Path, honest: dict[str, Any]) -> dict[str, bytes]:
    """Archives that lie, hide or unpack to too much."""
    good = {f"{key}.npy": npy(value) for key, value in honest.items()}
    found = {f"v_template {k}": npz(good | {"v_template.npy": v})
             for k, v in npy_files(marker).items()}  # fmt: skip
    bomb = npy_header(
        f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({3 * 2**29},)}}"
    ) + bytes(3 * 2**20)
    declared = npz({"v_template.npy": bomb}).replace(
        struct.pack("<I", len(bomb)), struct.pack("<I", 3 * 2**30)
    )
    traversal = npz(good | {"../../escaped.npy": npy(np.zeros(2)), "/abs.npy": b"x"})
    twice = npz({"v_template.npy": npy(np.zeros(3)), "v_templatf.npy": npy(np.zeros(3))})
    whole = npz(good)
    found |= {
        "archive that unpacks to gigabytes": declared,
        "one name twice": twice.replace(b"v_templatf", b"v_template"),
        "names that climb": traversal, "no arrays": npz({}), "not arrays": npz({"a.npy": b"x"}),
        "no extension": npz({"v_template": npy(np.zeros(3))}),
        "bzip2": npz(good, zipfile.ZIP_BZIP2), "lzma": npz(good, zipfile.ZIP_LZMA),
        "encrypted": whole.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\1\0"),
        "checksum": whole[:-len(whole) // 2] + b"\xff" * 9 + whole[9 - len(whole) // 2 :],
        "NaN": npz(good | {"v_template.npy": npy(np.full((6890, 3), np.nan, np.float32))}),
        "text for numbers": npz(good | {"v_template.npy": npy(np.full((6890, 3), "x"))}),
        "complex": npz(good | {"v_template.npy": npy(np.zeros((6890, 3), complex))}),
        "too large numbers": npz(good | {"v_template.npy": npy(np.full((6890, 3), 1e300))}),
        "uv of nothing": npz(good | {"uv.npy": npy(np.float32(3))}),
        "uv_faces of floats": npz(good | {"uv_faces.npy": npy(np.zeros((13776, 3)))}),
        "weights of text": npz(good | {"weights_255.npy": npy("abc")}),
        "parents of NaN": npz(good | {"parents.npy": npy(np.full(24, np.nan))}),
        "no parents": npz(good | {"parents.npy": npy(np.zeros(0, np.int8))}),
    }  # fmt: skip
    for k in range(10):
        found[f"npz cut at {k}/10"] = whole[: len(whole) * k // 10]
    return found


def json_files() -> dict[str, bytes]:
    """What a JSON reader may be given."""
    origin = dict.fromkeys(
        ("config", "seed", "git", "versions", "machine", "seconds", "images_seen", "date"), 0
    )
    good: dict[str, Any] = {"schema": 1, "rows": [], "provenance": origin}
    deep = json.dumps(good).replace('"seed": 0', '"seed": ' + "[" * 900 + "]" * 900)
    return {
        "json empty": b"", "json list": b"[1]", "json number": b"3", "json null": b"null",
        "json text": b'"a"', "json deep": b"[" * 10**6, "json deep inside": deep.encode(),
        "json digits": b"9" * 10**5, "json not UTF-8": b"\xff\xfe", "json NaN": b'{"schema": NaN}',
        "json rows": json.dumps(good | {"rows": [1]}).encode(), "json cut": b'{"schema": 1',
        "json infinite": json.dumps(good | {"rows": [{"value": float("inf")}]}).encode(),
        "json no origin": json.dumps(good | {"provenance": {}}).encode(), "json NUL": bytes(100),
    }  # fmt: skip
