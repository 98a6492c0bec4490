"""Read pickles of arrays in lists and dictionaries, as 3DPW's sequences are, without running anything.

The machine and its allow-list are those of :mod:`rsclib.files.pickles`; here containers are followed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rsclib.errors import RscError
from rsclib.files.pickles import RefusedError, Stub, plain, stubs_of

_MAX_DEPTH = 6
_MAX_BYTES = 2**30


def read_pickle(path: Path, what: str) -> dict[str, Any]:
    """A dictionary of arrays, numbers, texts, and lists and dictionaries of these.

    Args:
        what: the file should be, for the error.

    Raises:
        RscError: missing, damaged, not a dictionary of names, or it names anything but arrays;
            nothing in it has been run.
    """
    try:
        content = _Followed().of(stubs_of(path))
        if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
            raise RefusedError("it does not hold a dictionary of names")
        return content
    except OSError as error:
        raise RscError(f"cannot read {path}: {error.strerror}. Check the path.") from error
    except RefusedError as error:
        raise RscError(f"{path} is not {what}: {error}. Nothing was run.") from error
    except Exception as error:  # a malformed stream can raise almost anything from the machine
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise RscError(f"{path} is damaged or not a pickle: {reason}. Get it again.") from error


class _Followed:
    """Every stub and container made plain once, however often the pickle names it."""

    def __init__(self) -> None:
        self.made: dict[int, Any] = {}
        self.open: set[int] = set()
        self.bytes = 0

    def of(self, value: Any, depth: int = 0) -> Any:
        if not isinstance(value, Stub | list | tuple | dict):
            return value
        key = id(value)  # the stubs stay alive as long as this does
        if key in self.made:
            return self.made[key]
        if key in self.open or depth > _MAX_DEPTH:
            raise RefusedError("its lists are nested too deeply")
        self.open.add(key)
        if isinstance(value, Stub):
            made: Any = plain(value)
            self.bytes += getattr(made, "nbytes", 0)
            if self.bytes > _MAX_BYTES:
                raise RefusedError("its arrays are larger than 1 GB")
        elif isinstance(value, dict):
            made = {name: self.of(item, depth + 1) for name, item in value.items()}
        else:
            made = [self.of(item, depth + 1) for item in value]
        self.open.discard(key)
        self.made[key] = made
        return made
