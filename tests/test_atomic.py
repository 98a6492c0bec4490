"""Files appear whole or not at all, also when the writer is killed or the disk is full."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rsclib.errors import RscError
from rsclib.files import atomic
from rsclib.files.atomic import atomic_path, held, sha256, write_text


def test_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.txt"
    write_text(path, "one\n")
    write_text(path, "zwei ä\n")
    assert path.read_text(encoding="utf-8") == "zwei ä\n"
    assert os.listdir(path.parent) == ["a.txt"]


def test_temporary_is_beside_the_target_and_keeps_the_suffix(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "weights.npz") as temporary:
        assert temporary.parent == tmp_path and temporary.suffix == ".npz"
        assert not (tmp_path / "weights.npz").exists()
        temporary.write_bytes(b"x")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failing_writer_changes_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(error), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_full_disk_is_reported_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if step != "write":
        monkeypatch.setattr(os, step, full)
    with pytest.raises(RscError, match="No space left"), atomic_path(path) as temporary:
        temporary.write_text("new")
        if step == "write":
            full()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_impossible_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RscError, match="cannot write"):
        write_text(tmp_path / "file" / "a.txt", "x")


def test_files_can_be_read_by_others_as_the_umask_says(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        write_text(tmp_path / "a.txt", "x")
        assert os.umask(0o022) == 0o022  # asking for the mask does not change it
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o644


def test_file_and_folder_are_synced_around_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    real_sync, real_replace = atomic._sync, os.replace

    def sync(path: Path) -> None:
        steps.append("folder" if path.is_dir() else "file")
        real_sync(path)

    def replace(source: Path, target: Path) -> None:
        steps.append("rename")
        real_replace(source, target)

    monkeypatch.setattr(atomic, "_sync", sync)
    monkeypatch.setattr(os, "replace", replace)
    write_text(tmp_path / "a.txt", "x")
    assert steps == ["file", "rename", "folder"]


WRITER = """
import sys
from rsclib.files.atomic import write_text
for i in range(10**9):
    write_text(sys.argv[1], str(i % 10) * 200_000)
    if i == 0:
        print("ready", flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this platform")
def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for attempt in range(8):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(0.003 * attempt)
        writer.kill()
        writer.wait()
        writer.stdout.close()
        text = path.read_text()
        assert len(text) == 200_000 and len(set(text)) == 1


def test_a_reader_beside_two_writers_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "0" * 50_000)

    def write(digit: str) -> None:
        for _ in range(30):
            write_text(path, digit * 50_000)

    writers = [threading.Thread(target=write, args=(digit,)) for digit in "12"]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        text = path.read_text()
        assert len(text) == 50_000 and len(set(text)) == 1
    for writer in writers:
        writer.join()
    assert os.listdir(tmp_path) == ["a.txt"]


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_a_folder_is_held_by_one_training(tmp_path: Path) -> None:
    with held(tmp_path / "run"):
        program = (
            f"from rsclib.files.atomic import held\nwith held({str(tmp_path / 'run')!r}): print(1)"
        )
        words = [sys.executable, "-c", program]
        other = subprocess.run(words, capture_output=True, text=True, check=False)
        assert other.returncode == 1
        assert "another training is running" in other.stderr
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "1\n"
