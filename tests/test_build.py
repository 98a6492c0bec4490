"""The cache of built data: resumable, checked, safe against damage."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rsclib.errors import RscError
from rsclib.files import turns
from rsclib.openbench import build as B
from rsclib.openbench import duration as D


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[B.Request, Path]:
    monkeypatch.setattr(B, "SHARD", 4)
    calls: list[int] = []
    real = B._work

    def work(task):
        calls.append(task[2])
        return real(task)

    monkeypatch.setattr(B.os, "cpu_count", lambda: 1)  # one worker works in this process
    monkeypatch.setattr(B, "_work", work)
    monkeypatch.setattr(B, "_calls", calls, raising=False)
    return B.Request("test-lab", 8, 32, 0), tmp_path


def test_build_then_load(small: tuple[B.Request, Path]) -> None:
    wanted, cache = small
    B.build(wanted, cache=cache)
    data = B.load(wanted, cache=cache)
    assert data["images"].shape == (8, 32, 32, 3)
    assert data["joints14"].shape == (8, 14, 3)
    assert (data["index"] == np.arange(8)).all()


def test_only_missing_shards_are_built(small: tuple[B.Request, Path]) -> None:
    wanted, cache = small
    folder = B.build(wanted, cache=cache)
    before = (folder / "00000.npz").read_bytes()
    (folder / "00001.npz").unlink()
    B._calls.clear()  # type: ignore[attr-defined]
    B.build(wanted, cache=cache)
    assert B._calls == [1]  # type: ignore[attr-defined]
    assert (folder / "00000.npz").read_bytes() == before
    B._calls.clear()  # type: ignore[attr-defined]
    B.build(wanted, cache=cache)
    assert B._calls == []  # type: ignore[attr-defined]


def test_a_flipped_byte_is_detected(small: tuple[B.Request, Path]) -> None:
    wanted, cache = small
    folder = B.build(wanted, cache=cache)
    data = bytearray((folder / "00001.npz").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "00001.npz").write_bytes(data)
    with pytest.raises(RscError, match="damaged"):
        B.load(wanted, cache=cache)


def test_not_built_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RscError, match="rsc data build test-lab"):
        B.load(B.Request("test-lab", 256, 32, 5), cache=tmp_path)


def test_damaged_manifest(small: tuple[B.Request, Path]) -> None:
    wanted, cache = small
    folder = B.build(wanted, cache=cache)
    (folder / "manifest.json").write_text("{")
    with pytest.raises(RscError, match="damaged"):
        B.load(wanted, cache=cache)


def test_as_many_people_as_were_asked_for(
    small: tuple[B.Request, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last shard is built whole, and read in part."""
    _, cache = small
    monkeypatch.setenv("RSC_CACHE", str(cache))
    six, eight = (B.fetch("test-lab", count, 32) for count in (6, 8))
    assert six.keys() == eight.keys()
    for name, array in eight.items():
        np.testing.assert_array_equal(six[name], array[:6])
    assert len(B.fetch("test-lab", 1, 32)["images"]) == 1
    assert B._calls == [0, 1]  # type: ignore[attr-defined]


def test_what_is_missing_is_said_as_the_command_that_builds_it(tmp_path: Path) -> None:
    for wanted, words in (
        (B.request("test-lab"), "test-lab"),
        (B.request("source", 512, 64, 5), "source --count 512 --size 64 --seed 5"),
    ):
        with pytest.raises(RscError, match=f"; run: rsc data build {words}$"):
            B.load(wanted, cache=tmp_path)


def test_more_than_usual_that_takes_long_is_estimated(
    small: tuple[B.Request, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, cache = small
    many = B.Request("test-lab", 10**6, 32)
    monkeypatch.setattr(D, "LONG", 0)
    assert re.fullmatch(r"about \d+\.\d hours on 1 core and \d GB", D.long_build(many, cache=cache))
    assert D.long_build(wanted, cache=cache) == "", "it is not more than usual"
    monkeypatch.setattr(D, "LONG", float("inf"))
    assert D.long_build(many, cache=cache) == "", "it is not long"
    monkeypatch.setattr(D, "LONG", 0)
    monkeypatch.setitem(B.COUNTS, "test-lab", 0)
    assert D.long_build(wanted, cache=cache)
    B.build(wanted, cache=cache)
    assert D.long_build(wanted, cache=cache) == "", "it is built"


@pytest.mark.parametrize(
    ("name", "count", "size"),
    [("nope", 1, 128), ("source", 0, 128), ("source", 1, 100), ("source", 10**8, 128),
     ("source", 10**400, 128)],
)  # fmt: skip
def test_senseless_requests(name: str, count: int, size: int) -> None:
    with pytest.raises(RscError):
        B.request(name, count, size)


def test_the_folder_depends_on_the_request(tmp_path: Path) -> None:
    folders = {
        B.folder_of(B.Request("test-lab", 256, size, seed), tmp_path)
        for size in (64, 128)
        for seed in (0, 1)
    }
    assert len(folders) == 4
    assert B.folder_of(B.Request("test-lab", 512, 64, 0), tmp_path) in folders


@contextlib.contextmanager
def another_holds(folder: Path) -> Iterator[Callable[[], None]]:
    """Another thread (to the lock, another process) holds it until what is given is called."""
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with turns.turn(folder, lambda: False):
            held.set()
            go.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(60)
    try:
        yield go.set
    finally:
        go.set()
        thread.join()


def test_who_waits_says_for_whom_and_then_builds(
    small: tuple[B.Request, Path], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    wanted, cache = small
    folder = B.folder_of(wanted, cache)
    monkeypatch.setattr(turns, "SECONDS", 0.01)
    looks = []

    def missing(*arguments):
        looks.append(1)
        if len(looks) == 5:
            release()
        return real(*arguments)

    real = B.missing
    monkeypatch.setattr(B, "missing", missing)
    with another_holds(folder) as release:
        B.build(wanted, cache=cache)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1, said
    assert re.fullmatch(
        rf"test-lab-\S+: process {os.getpid()} on \S+ since 2\S+ \S+ is at it; waiting .*", said[0]
    )
    assert B._calls == [0, 1]  # type: ignore[attr-defined]
    assert not list(cache.glob("*.holder"))


def test_who_waits_goes_on_as_soon_as_its_own_shards_are_there(
    small: tuple[B.Request, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other goes on to further ones, and keeps the lock."""
    wanted, cache = small
    monkeypatch.setattr(turns, "SECONDS", 0.01)
    built = B.build(wanted, cache=cache)
    folder = built.rename(cache / "built")
    built.mkdir()
    looks = []

    def missing(*arguments):
        looks.append(1)
        if len(looks) == 5:
            built.rmdir()
            folder.rename(built)
        return real(*arguments)

    real = B.missing
    monkeypatch.setattr(B, "missing", missing)
    B._calls.clear()  # type: ignore[attr-defined]
    with another_holds(built):
        B.build(wanted, cache=cache)
        assert (cache / f"{built.name}.holder").exists(), "it is not held any longer"
    assert B._calls == []  # type: ignore[attr-defined]


def test_an_odd_holder_is_not_repeated(tmp_path: Path) -> None:
    """The file lies in a folder that others may write to; a terminal obeys what is printed."""
    for text in (b"process 1 on \x1b[2J since 2", b"\xff", b"", b"x\ny"):
        (tmp_path / "a.holder").write_bytes(text)
        assert turns._who(tmp_path / "a.holder") == "another process"
    (tmp_path / "a.holder").write_text("process 1 on node-7.x since 2025-01-01 10:00:00")
    assert turns._who(tmp_path / "a.holder").startswith("process 1 on node-7.x")


def test_shards_of_an_older_version(small: tuple[B.Request, Path]) -> None:
    """Arrays may have been renamed: a line says what to do, instead of a missing name later."""
    wanted, cache = small
    folder = B.build(wanted, cache=cache)
    path = folder / "00000.npz"
    with np.load(path) as file:
        arrays = dict(file)
    arrays["keypoints"] = arrays.pop("keypoints3d")
    np.savez(path, **arrays)
    manifest = B._read_manifest(folder) | {"00000": B.sha256(path)}
    (folder / "manifest.json").write_text(B._text(manifest))
    with pytest.raises(RscError, match="another version of rsclib; delete it and run: rsc data"):
        B.load(wanted, cache=cache)
    assert "images" in B.load(wanted, ("images",), cache), "that one is there"
