"""Words of the command line in an order that the parser cannot misread.

tyro reads what follows an option of several values as its values, and names that stand in two
places as an error. People put options anywhere, so what is not an option is moved to the end.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rsclib.errors import RscError


def names_last(words: Sequence[str], command: type) -> list[str]:
    """A command's words, options first, then ``--`` and the names (of images, models, ...).

    Args:
        words: what stands after the command's own name.
        command: the dataclass of its options, whose types say how many values each one takes.

    Raises:
        RscError: an option stands after ``--``, where every word is a name.
    """
    takes = {  # from_, since Python keeps the word without the line for itself, is --from
        f"--{key.rstrip('_').replace('_', '-')}": hint
        for key, hint in typing.get_type_hints(command).items()
    }
    takes |= {name.replace("--", "--no-", 1): hint for name, hint in takes.items() if hint is bool}
    known_names = getattr(command, "NAMES", None)
    options: list[str] = []
    names: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            _no_options(rest, set(takes))
            names += rest
            break
        option, equals, _ = word.partition("=")
        if _is_option(word):
            options.append(word)
            hint = takes.get(option.replace("_", "-"), bool)
            count = _values(hint, rest, bool(equals), option != "--options" and known_names)
            options += rest[:count]
            del rest[:count]
        else:
            names.append(word)
    return [*options, "--", *names] if names else options


def _is_option(word: str) -> bool:
    return word.startswith("-") and word != "-"


def _values(hint: Any, rest: Sequence[str], first_given: bool, names: Any = None) -> int:
    """How many of the next words are values of an option of this type; ``--name=value`` has given
    the first of them. ``names``: all that can be a name, where that is known."""
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    many = [typing.get_args(kind) for kind in kinds if typing.get_origin(kind) is tuple]
    if hint is bool:
        return 0
    if many and ... in many[0]:
        # As many as there are: up to a name, or, where a name may be any file, what is NAME=VALUE.
        pairs = 0
        while pairs < len(rest) and not _is_option(rest[pairs]):
            if rest[pairs] in names if names else "=" not in rest[pairs]:
                break
            pairs += 1
        return pairs if first_given else max(pairs, 1)
    return (len(many[0]) if many and rest[:1] != ["None"] else 1) - first_given


def _no_options(names: Sequence[str], known: set[str]) -> None:
    for word in names:
        option = word.partition("=")[0]
        if option in known and not Path(word).exists():
            raise RscError(
                f"after -- every word is a name, so {option} would be one; put {option} before the --"
            )
