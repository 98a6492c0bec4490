"""Read JSON of unknown origin within bounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rsclib.errors import RscError
from rsclib.files.npz import is_file


def read_json(path: Path, missing: str, most: int) -> Any:
    """What a file of at most ``most`` bytes says.

    Args:
        missing: the message where there is no such file.

    Raises:
        RscError: missing, larger, unreadable, or not JSON.
    """
    if not is_file(path):
        raise RscError(missing)
    try:
        if path.stat().st_size > most:
            raise RscError(f"{path} is larger than {most // 2**20} MB; cut it down")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RscError(f"cannot read {path}: {error.strerror}; check the path") from error
    except (ValueError, RecursionError) as error:  # also of bytes that are no text
        reason = str(error).partition("\n")[0] or "it is nested too deeply"
        raise RscError(f"{path} is not JSON: {reason}") from error
