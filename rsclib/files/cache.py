"""Where built and fetched data lies."""

from __future__ import annotations

import os
from pathlib import Path

from rsclib.errors import RscError


def cache_folder() -> Path:
    """The cache folder: ``RSC_CACHE``, else ``~/.cache/rsclib``.

    Raises:
        RscError: there is neither.
    """
    if folder := os.environ.get("RSC_CACHE"):
        return Path(folder)
    try:
        return Path.home() / ".cache" / "rsclib"
    except RuntimeError as error:  # a user without an account, e.g. in a container
        raise RscError("there is no home folder to keep data in; set RSC_CACHE to one") from error
