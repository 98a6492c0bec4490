"""Settings: frozen dataclasses whose annotations say what is allowed, read from YAML and checked.

``Annotated[float, Within(0, 1)]`` is a number from 0 to 1, ``Literal[...]`` one of some words; an
unknown key is an error. pydantic does the checking, this module says in one line what is wrong.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import re
import typing
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from rsclib.errors import RscError
from rsclib.files.npz import is_file
from rsclib.files.plain_yaml import read_yaml, shown

PRESET_FOLDER = Path(__file__).parent / "presets"
Precision = Literal["auto", "32-true", "bf16-mixed", "16-mixed"]
# Each class of settings has it as __pydantic_config__.
STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
# Settings that do not change the result of a run.
_ASIDE = ("save_seconds", "log_steps", "compile", "eval_steps")
_MOST_BASES = 8
Kind = TypeVar("Kind")


def Within(low: float, high: float) -> Any:
    """The smallest and largest value of a number, both allowed."""
    return Field(ge=low, le=high)


def read_values(name_or_path: str) -> dict[str, Any]:
    """What a preset or a YAML file says, unchecked.

    Raises:
        RscError: no such preset, not YAML, or not keys and values.
    """
    path = PRESET_FOLDER / f"{name_or_path}.yaml"
    if not is_file(path):
        path = Path(name_or_path)
    if os.path.isdir(path):
        raise RscError(f"{path} is a folder; name the YAML file in it")
    if not is_file(path):
        known = ", ".join(sorted(p.stem for p in PRESET_FOLDER.glob("*.yaml")))
        raise RscError(f"there is no preset or file {name_or_path!r}; presets: {known}")
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise RscError(f"{path}: expected keys and values, found {type(values).__name__}")
    return values


def read_settings(name_or_path: str) -> dict[str, Any]:
    """The same of settings: where they have the key ``base``, they say what differs from that preset.

    Raises:
        RscError: as :func:`read_values`, or presets stand on each other without end.
    """
    values = read_values(name_or_path)
    for _ in range(_MOST_BASES):
        if "base" not in values:
            return values
        values = merged(read_values(str(values.pop("base"))), values)
    raise RscError(f"{name_or_path}: its base stands on itself")


def merged(base: Any, changes: Any) -> Any:
    """Nested settings with some of them changed."""
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    return base | {k: merged(base.get(k), v) for k, v in changes.items()}


def checked(kind: type[Kind], values: Any, where: str) -> Kind:
    """Settings of a ``kind`` from plain values; what is not given has its default.

    Args:
        kind: a frozen dataclass; where it has a ``check(where)``, what fields say together.
        where: names the settings in errors.

    Raises:
        RscError: a key or value that does not fit.
    """
    if not isinstance(values, dict):
        raise RscError(f"{where}: expected keys and values, found {type(values).__name__}")
    try:
        # As JSON a list is a tuple, and nothing but plain values passes.
        config: Kind = _adapter(kind).validate_json(  # type: ignore[arg-type]
            json.dumps(values, default=str)
        )
    except (ValidationError, ValueError, RecursionError) as error:
        if not isinstance(error, ValidationError):
            raise RscError(f"{where}: a value is not a plain one ({error})") from error
        raise RscError(f"{where}: {_in_words(error.errors()[0], kind)}") from error
    if check := getattr(config, "check", None):
        check(where)
    return config


def settings(config: Any) -> dict[str, Any]:
    """The settings as plain data, without those that do not change the result."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return {name: value for name, value in plain.items() if name not in _ASIDE}


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _in_words(error: ErrorDetails, kind: type) -> str:
    """What is wrong with a setting, in one line."""
    place, value = error["loc"], error["input"]
    owner, field, name = kind, None, ""
    above: tuple[int | str, ...] = ()
    for depth, part in enumerate(place):  # down to the dataclass and its field
        name, above = str(part), place[:depth]
        hints = typing.get_type_hints(owner, include_extras=True)
        if part not in hints:
            break
        field = hints[name]
        if not dataclasses.is_dataclass(field):
            break
        owner = typing.cast(type, field)
    what, lead = error["type"], "".join(f"{p}: " for p in above)
    if what == "unexpected_keyword_argument":
        known = ", ".join(f.name for f in dataclasses.fields(owner))
        return f"{lead}unknown key {shown(name)}; known: {known}"
    if dataclasses.is_dataclass(field):
        return f"{lead}{name}: expected keys and values, found {type(value).__name__}"
    if form := getattr(owner, "FORMS", {}).get(name):  # of lists, in the settings' own words
        return f"{lead}{name} is {form}"
    if what == "literal_error":
        words = ", ".join(_words(field))
        return f"{lead}{name} is one of {words}, not {shown(value)}"
    low, high = _limits(field)
    if what in ("greater_than_equal", "less_than_equal"):
        return f"{lead}{name} must lie within {low:g}..{high:g}, not {shown(value)}"
    wanted = "finite number" if what.startswith(("float", "finite")) else "word"
    wanted = "whole number" if what.startswith("int") else wanted
    wanted = "true or false" if what.startswith("bool") else wanted
    # The commonest slip: YAML 1.1 takes 4e-5 for a word.
    slip = isinstance(value, str) and re.fullmatch(r"[-+]?\d+[eE][-+]?\d+", value)
    hint = "; a number like 4e-5 needs a point in YAML: 4.0e-5" if slip else ""
    return f"{lead}{name} must be a {wanted}, not {shown(value)}{hint}"


def _words(hint: Any) -> list[str]:
    return [str(word) for word in typing.get_args(hint)]


def _limits(hint: Any) -> tuple[float, float]:
    """Of ``Annotated[number, Within(low, high)]``, also where it may be None."""
    for part in (hint, *typing.get_args(hint)):
        for info in getattr(part, "__metadata__", ()):
            bounds = {type(m).__name__: m for m in info.metadata}
            if {"Ge", "Le"} <= bounds.keys():
                return bounds["Ge"].ge, bounds["Le"].le
    return float("-inf"), float("inf")
