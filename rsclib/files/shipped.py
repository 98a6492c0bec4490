"""The files that ship with this package are the ones that were tested: their hashes are compared.

``python -m rsclib.files.shipped`` (``make sums``) writes the list anew after a shipped file was rebuilt.
"""

from __future__ import annotations

import functools
from pathlib import Path

from rsclib.errors import RscError
from rsclib.files.atomic import sha256, write_text

ASSETS = Path(__file__).parents[1] / "assets"
SUMS = "SHA256SUMS"
_KINDS = ("*.npz", "models/*.safetensors")


def current_sums() -> str:
    """The list as it should be: a line ``<SHA-256>  <name>`` for every shipped binary file."""
    paths = sorted(path for kind in _KINDS for path in ASSETS.glob(kind))
    return "".join(f"{sha256(p)}  {p.relative_to(ASSETS).as_posix()}\n" for p in paths)


@functools.cache
def check_shipped(name: str) -> None:
    """Compare a shipped file, e.g. "models/full.safetensors", with the list; once per process.

    Raises:
        RscError: the file or the list is missing or damaged.
    """
    try:
        lines = (ASSETS / SUMS).read_text(encoding="ascii").splitlines()
        wanted = {file: digest for digest, _, file in (line.partition("  ") for line in lines)}
        same = wanted.get(name) == sha256(ASSETS / name)
    except (OSError, UnicodeDecodeError) as error:
        raise RscError(f"cannot check the shipped {name} ({error}); reinstall rsclib") from error
    if not same:
        raise RscError(
            f"the shipped {name} is damaged: it does not match {SUMS}; reinstall rsclib, or run "
            "git checkout rsclib/assets (make sums after rebuilding it on purpose)"
        )


if __name__ == "__main__":
    write_text(ASSETS / SUMS, current_sums())
