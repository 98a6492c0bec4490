"""Read MATLAB 5 files of unknown origin: arrays, cells and structures; they hold no code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import scipy.io

from rsclib.errors import RscError

MOST = 2**30  # bytes of a file


def read_mat(path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    """Variables by name, as scipy gives them with ``squeeze_me``: cells are arrays of objects,
    structures have their fields as attributes.

    Raises:
        RscError: missing, damaged, larger than :data:`MOST`, or a variable is not there.
    """
    try:
        if os.path.getsize(path) > MOST:
            raise ValueError(f"it is larger than {MOST // 2**20} MB")
        found = scipy.io.loadmat(
            path, variable_names=list(keys), squeeze_me=True, struct_as_record=False
        )
    except OSError as error:
        raise RscError(f"cannot read {path}: {error.strerror or error}; check the path") from error
    except NotImplementedError as error:
        raise RscError(f"{path} is of MATLAB 7.3; MATLAB 5 is read") from error
    except Exception as error:  # a malformed file can raise almost anything
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise RscError(f"{path} is damaged or not of MATLAB: {reason}; get it again") from error
    if lost := [key for key in keys if key not in found]:
        raise RscError(f"{path} has no {', '.join(lost)}; is it the right file?")
    return {key: found[key] for key in keys}
