"""What a command says: names may hold any byte, and a progress bar may stand where a line goes."""

from __future__ import annotations

import sys


def one_line(text: object) -> str:
    """What a name may hold beside letters, a line break or bytes that are no text, as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def say(line: str) -> None:
    """A line of its own on stderr, also where a progress bar stands."""
    from tqdm.auto import tqdm

    tqdm.write(line, file=sys.stderr)
