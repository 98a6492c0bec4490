"""Write a file whole or not at all.

A reader never sees half a file: the bytes go to a temporary file in the same folder, are synced to
the disk, and take the name in one step. The folder is synced too, else a power cut may lose the
rename itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from rsclib.errors import RscError


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write to; on success it replaces ``path``, on failure it is removed.

    Raises:
        RscError: the folder cannot be written or the disk is full; ``path`` is left as it was.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The suffix is kept, because np.savez and others add theirs when it is missing.
        fd, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
        os.close(fd)
        temporary = Path(name)
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())
        _sync(temporary)
        os.replace(temporary, path)
        temporary = None
        _sync(path.parent)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _umask() -> int:
    """The process's umask (mkstemp makes files private; results are meant to be read)."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_bytes(path: str | os.PathLike[str], *parts: bytes | memoryview) -> None:
    """Write ``parts``, one after the other, to ``path`` in one step (see :func:`atomic_path`)."""
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        for part in parts:
            file.write(part)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` to ``path`` in one step (see :func:`atomic_path`)."""
    write_bytes(path, text.encode())


def remove_stale(path: str | os.PathLike[str]) -> None:
    """Remove what killed writers of ``path`` left behind; call it where no other writer can be.

    Raises:
        RscError: the folder cannot be written.
    """
    path = Path(path)
    # What mkstemp adds in atomic_path.
    left = re.compile(rf"\.{re.escape(path.stem)}-[a-z0-9_]{{8}}{re.escape(path.suffix)}")
    try:
        for name in os.listdir(path.parent) if path.parent.is_dir() else ():
            if left.fullmatch(name):
                (path.parent / name).unlink(missing_ok=True)
    except OSError as error:
        raise _refused(path.parent, error) from error


def check_writable(folder: str | os.PathLike[str]) -> None:
    """Make ``folder`` and try it, so that hours of work do not end at a folder that refuses them.

    Raises:
        RscError: it cannot be made or written.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _refused(folder, error) from error


@contextlib.contextmanager
def held(folder: str | os.PathLike[str], what: str = "training") -> Iterator[None]:
    """Keep ``folder`` for this training alone until the block is left or the process ends.

    Args:
        what: is going on in it, for the message to others.

    Raises:
        RscError: another one holds it, or it cannot be written.
    """
    folder = Path(folder)
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", blocking=False)
        lock.acquire()
    except Timeout as error:
        raise RscError(
            f"another {what} is running in {folder}; wait for it, or choose another folder"
        ) from error
    except OSError as error:
        raise _refused(folder, error) from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if new and [p.name for p in folder.iterdir()] == [".lock"]:  # nothing came of it
                (folder / ".lock").unlink()
                folder.rmdir()
        lock.release()


def _refused(path: str | os.PathLike[str], error: OSError) -> RscError:
    path = Path(path)
    if isinstance(error, IsADirectoryError):
        return RscError(f"cannot write {path}: it is a folder; give the name of a file")
    if isinstance(error, FileExistsError | NotADirectoryError):
        for place in (path, *path.parents):
            if os.path.lexists(place) and not place.is_dir():
                kind = "a link to nothing" if place.is_symlink() else "a file"
                where = "it" if place == path else place
                return RscError(
                    f"cannot write {path}: {where} is {kind}, not a folder; choose another folder"
                )
    return RscError(
        f"cannot write {path}: {error.strerror or error}. Free some space or choose a folder "
        "you may write to; nothing was changed."
    )


def sha256(path: str | os.PathLike[str]) -> str:
    """The file's SHA-256 as 64 hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
