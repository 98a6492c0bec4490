"""MATLAB files are walked through before scipy reads them: what crashed it is a line now."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from rsclib.errors import RscError
from rsclib.files.matlab import read_mat
from rsclib.files.matlab_check import check_matlab


def written(compressed: bool = False) -> bytes:
    """Numbers, text, cells and nested structures."""
    cells = np.empty((2, 1), object)
    cells[0, 0], cells[1, 0] = np.ones((3, 2)), np.zeros((0, 4))
    content = {
        "a": np.arange(5.0), "b": "text", "c": cells, "d": np.array([[1 + 2j]]),
        "e": {"x": np.int16([1, 2]), "y": {"z": np.array([True])}}, "f": np.uint8([[7]]),
    }  # fmt: skip
    file = io.BytesIO()
    scipy.io.savemat(file, content, do_compression=compressed)
    return file.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
def test_sound_files_pass(tmp_path: Path, compressed: bool) -> None:
    check_matlab(written(compressed))
    (tmp_path / "a.mat").write_bytes(written(compressed))
    found = read_mat(tmp_path / "a.mat", ("a", "b", "c", "e"))
    assert found["a"].tolist() == [0, 1, 2, 3, 4] and found["b"] == "text"
    assert found["e"].y.z and found["c"][0].shape == (3, 2)


def test_a_type_that_scipy_would_follow_out_of_its_table(tmp_path: Path) -> None:
    """Numbers of type 0, or 0x4000: scipy looks them up in an array of 20 and crashes."""
    content = bytearray(written())
    place = content.index(struct.pack("<5d", *range(5))) - 8
    assert struct.unpack_from("<II", content, place) == (9, 40)
    for kind in (0, 8, 10, 19, 0x4000):
        struct.pack_into("<I", content, place, kind)
        (tmp_path / "a.mat").write_bytes(content)
        with pytest.raises(RscError, match=rf"unknown type {kind}"):
            read_mat(tmp_path / "a.mat", ("a",))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [(4, 2**31, "cut short"), (4, 33, "more or fewer numbers"), (4, 48, "more or fewer|cut short")],
)
def test_lengths_that_lie(tmp_path: Path, place: int, value: int, message: str) -> None:
    content = bytearray(written())
    at = content.index(struct.pack("<5d", *range(5))) - 8
    struct.pack_into("<I", content, at + place, value)
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(RscError, match=message):
        read_mat(tmp_path / "a.mat", ("a",))


def test_cells_within_cells_without_end() -> None:
    inner: np.ndarray = np.ones(1)
    for _ in range(40):
        outer = np.empty((1, 1), object)
        outer[0, 0] = inner
        inner = outer
    file = io.BytesIO()
    scipy.io.savemat(file, {"x": inner})
    with pytest.raises(ValueError, match="nested too deeply"):
        check_matlab(file.getvalue())


def test_what_is_not_read() -> None:
    file = io.BytesIO()
    scipy.io.savemat(file, {"s": scipy.sparse.eye(3).tocsc()})
    with pytest.raises(ValueError, match="of the class 5, which is not read"):
        check_matlab(file.getvalue())
