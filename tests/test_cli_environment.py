"""The command line in poor surroundings: no account, no home, an output that lacks letters."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from rsclib.commands.environment import complete_environment, private_folder
from rsclib.errors import RscError
from rsclib.files.cache import cache_folder
from rsclib.runs.results import read_result

ROOT = Path(__file__).parents[1]
NOBODY = 54321  # a user number without a name
# Runs rsc as NOBODY; 77 where that user cannot read the interpreter or the package.
# Where the interpreter of the tests is root's alone, the machine's own one may do.
MACHINES = shutil.which(f"python3.{sys.version_info.minor}", path="/usr/local/bin:/usr/bin")
AS_NOBODY = f"""
import os, sys
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
try:
    for folder in (os.path.dirname(os.__file__), *os.environ["PYTHONPATH"].split(":")):
        os.listdir(folder)
except PermissionError:
    sys.exit(77)
from rsclib.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may write (pytest's own are closed to other users)."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can run a command as another user")
@pytest.mark.parametrize("home", [None, "/root"])
def test_a_user_without_a_name(place: Path, home: str | None) -> None:
    """demo imports all there is before it looks at --out."""
    (place / "file").write_text("")
    path = f"{ROOT}:{sysconfig.get_path('purelib')}"
    surroundings = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "TMPDIR": str(place)}
    surroundings |= {} if home is None else {"HOME": home}
    for python in filter(None, (sys.executable, MACHINES)):
        words = [python, "-c", AS_NOBODY, "demo", "--out", "file"]
        ended = subprocess.run(
            words, capture_output=True, text=True, cwd=place, timeout=300, env=surroundings
        )
        if ended.returncode != 77:
            break
    else:
        pytest.skip("the interpreter or the package lies where only root may read")
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("rsc: ") and ended.stderr.count("\n") == 1, ended.stderr
    assert (place / f"rsclib-{NOBODY}").is_dir() and not (place / "~").exists()


def test_data_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("RSC_CACHE", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(RscError, match="set RSC_CACHE"):
        cache_folder()


def test_a_home_that_works_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("NUMBA_CACHE_DIR", "MPLCONFIGDIR", "XDG_CACHE_HOME")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    before = dict(os.environ)
    complete_environment()
    assert dict(os.environ) == before
    monkeypatch.setenv("HOME", "~")
    monkeypatch.setenv("MPLCONFIGDIR", "mine")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    monkeypatch.setenv("TRITON_HOME", "")
    complete_environment()
    assert os.environ["MPLCONFIGDIR"] == "mine"
    assert Path(os.environ["NUMBA_CACHE_DIR"]).parent == private_folder()


@pytest.mark.parametrize("trap", ["open to all", "a link", "a file", "none"])
def test_only_a_folder_of_ones_own_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trap: str
) -> None:
    """What numba keeps there is run: it must not be somebody else's."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    usual = tmp_path / f"rsclib-{os.getuid()}"
    if trap == "open to all":
        usual.mkdir()
        usual.chmod(0o777)
    elif trap == "a link":
        (tmp_path / "theirs").mkdir()
        usual.symlink_to(tmp_path / "theirs")
    elif trap == "a file":
        usual.write_text("")
    folder = private_folder()
    assert (folder == usual) == (trap == "none")
    assert folder.is_dir() and folder.stat().st_mode & 0o777 == 0o700
    assert (private_folder() == folder) == (trap == "none")  # found again


# --- an output that lacks letters -----------------------------------------------------------


def narrow(
    words: list[str], place: Path, **surroundings: str
) -> subprocess.CompletedProcess[bytes]:
    """``rsc`` in a process of its own with other surroundings."""
    program = "import sys; from rsclib.cli import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, cwd=place, timeout=300,
        env=os.environ | surroundings,
    )  # fmt: skip


POOR = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "C": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}


@pytest.mark.parametrize("encoding", POOR)
def test_names_of_any_bytes(tmp_path: Path, encoding: str) -> None:
    """Good images, missing ones and folders, with names that the output cannot write."""
    names = [os.fsdecode(n) for n in (b"\xff\xfe.png", "Łódź 人.png".encode(), b"line\nbreak.png")]
    for name in names:
        Image.new("RGB", (40, 40), "red").save(tmp_path / name)
    words = ["predict", *names, "無.png", "--out", os.fsdecode(b"to \xe9")]
    ended = narrow(words, tmp_path, **POOR[encoding])
    assert b"Traceback" not in ended.stderr, ended.stderr.decode("utf-8", "replace")
    assert ended.returncode == 2 and len(ended.stdout.splitlines()) == 3
    said = ended.stderr.splitlines()
    errors = [line for line in said if not line.startswith(b"rsc: warning: ")]
    assert len(errors) == 2 and errors[0].startswith(b"rsc: there is no image at")
    assert errors[1] == b"rsc: 1 of 4 failed, the others are written"
    assert len(list((tmp_path / os.fsdecode(b"to \xe9")).iterdir())) == 3 * 6


def test_other_commands_with_such_names(tmp_path: Path) -> None:
    folder = os.fsdecode(b"m\xff")
    words = ["eval", "full", "--count", "64", "--out", f"{folder}/é.json"]
    for command, code in (
        (words, 0),
        (["predict", "--help"], 0),
        (["train", "é", "--out", folder], 2),
        (["eval", f"{folder}/é.safetensors"], 2),
    ):
        ended = narrow(command, tmp_path, **POOR["ascii"])
        assert b"Traceback" not in ended.stderr and ended.returncode == code, ended.stderr
        assert bool(ended.stderr) == bool(code)
    assert read_result(tmp_path / folder / "é.json")["provenance"]["config"]["out"]
