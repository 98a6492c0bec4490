"""Checks of the exercises. They name the mistake, not the answer; solutions lie in ``solutions/``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def grade(check: Callable[[Any], None], answer: Any) -> None:
    """Print "correct", what is wrong, or that there is nothing to check yet."""
    try:
        check(answer)
    except NotImplementedError:
        print(f"{answer.__name__}: not solved yet")
    except AssertionError as hint:
        print(f"{answer.__name__}: not yet: {hint}")
    else:
        print(f"{answer.__name__}: correct")


def expect(condition: Any, hint: str) -> None:
    """Turn an answer down with a hint."""
    if not bool(condition):
        raise AssertionError(hint)
