"""Read a small YAML file safely: plain values, no aliases, bounded in size and depth."""

from __future__ import annotations

import reprlib
from pathlib import Path
from typing import Any

import yaml

from rsclib.errors import RscError

MAX_BYTES = 64 * 1024  # of a file of settings
_MAX_DEPTH = 8


def read_yaml(path: Path) -> Any:
    """The plain values of a small YAML file; an empty one gives {}.

    Anchors and aliases are refused: settings need none, and a few lines of them can stand for
    gigabytes.

    Raises:
        RscError: not YAML, not UTF-8, larger than :data:`MAX_BYTES`, nested deeply, or with an alias.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RscError(f"{path} is larger than {MAX_BYTES // 1024} KB; settings are short")
        text = path.read_text(encoding="utf-8")
        depth = 0
        for event in yaml.parse(text):
            if isinstance(event, yaml.AliasEvent):
                raise RscError(f"{path} has an alias (*name); write the value out")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:  # PyYAML takes quadratic time on these
                raise RscError(f"{path} is nested too deeply; settings are flat")
        values = yaml.safe_load(text)
    except RscError:
        raise
    except OSError as error:
        raise RscError(f"cannot read {path}: {error.strerror}; check the path") from error
    except Exception as error:  # PyYAML lets errors of its converters through: dates, numbers
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise RscError(f"{path} is not YAML: {reason}") from error
    return {} if values is None else values


def shown(value: Any) -> str:
    """A value for an error message, cut short."""
    try:
        return reprlib.repr(value)
    except ValueError:  # Python does not print an integer of thousands of digits
        return "a huge number"
