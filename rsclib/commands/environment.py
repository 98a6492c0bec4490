"""What the libraries below ask of a user's account, for accounts that lack it.

In a container a process often has a user number without a name (``docker run --user 12345``), and a
home folder that is missing or belongs to another. torch then fails at its import, numba at that of
the first compiled function, and matplotlib warns.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import stat
import sys
import tempfile
from pathlib import Path


def complete_environment() -> None:
    """Set what is missing in ``os.environ``; to be called before torch and numba are imported.

    A user without a name gets one made of the number. Without a home folder that can be written,
    the libraries' caches go to a private temporary folder; what is set already stays as it is.

    Raises:
        OSError: there is no folder for temporary files.
    """
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = os.environ["USER"] = f"uid{os.getuid()}"
    home = Path(os.path.expanduser("~"))  # stays "~", a folder to be made here, where there is none
    caches = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    if home.is_absolute() and _writable(caches if os.path.exists(caches) else home):
        return
    place = {"NUMBA_CACHE_DIR": "numba", "MPLCONFIGDIR": "matplotlib", "TRITON_HOME": "triton"}
    if missing := [name for name in place if not os.environ.get(name)]:
        folder = private_folder()
        for name in missing:
            os.environ[name] = str(folder / place[name])


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)


def private_folder() -> Path:
    """A folder for temporary files that is this user's alone: numba's cache holds code.

    It has the same name each time, so that what was compiled is found again. Where somebody else
    holds that name, it is a new one.
    """
    folder = Path(tempfile.gettempdir()) / f"rsclib-{os.getuid()}"
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700)
    with contextlib.suppress(OSError):
        found = folder.lstat()
        own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
        if own and not found.st_mode & 0o077:
            return folder
    return Path(tempfile.mkdtemp(prefix="rsclib-"))


def forgiving_output() -> None:
    """Let stdout and stderr write what their encoding lacks as ``\\\\xe9`` or ``\\\\udcff``: file
    names may hold any byte, and no name is worth losing a result."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a notebook's stream has no encoding
            stream.reconfigure(errors="backslashreplace")
