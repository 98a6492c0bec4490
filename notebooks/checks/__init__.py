"""Checks of the exercises. They name the mistake, not the answer; solutions lie in ``solutions/``."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


def verdict(check: Callable[[Any], None], answer: Any) -> str:
    """ "correct", "not solved yet", or "not yet: " and a hint, whatever the answer does.

    A mistake that ends in an exception is a wrong answer like another: it must not stop a notebook.
    """
    try:
        check(answer)
    except NotImplementedError:
        return "not solved yet"
    except AssertionError as hint:
        # One of the answer's own, or of a library that it calls, may have no words.
        return f"not yet: {str(hint) or 'an assertion in your function failed'}"
    except Exception as error:
        lines = str(error).strip().splitlines() or ["no message"]
        where = "your function" if _raised_in(answer, error) else "calling it or using its answer"
        return f"not yet: {where} ends in {type(error).__name__}: {lines[0]}"
    return "correct"


def _raised_in(answer: Any, error: Exception) -> bool:
    """Whether the answer's own code ran when the error came; if not, the check met it."""
    code = getattr(answer, "__code__", None)
    return any(frame.f_code is code for frame, _ in traceback.walk_tb(error.__traceback__))


def grade(check: Callable[[Any], None], answer: Any) -> None:
    """Print "correct", what is wrong, or that there is nothing to check yet."""
    print(f"{getattr(answer, '__name__', 'your answer')}: {verdict(check, answer)}")


def expect(condition: Any, hint: str) -> None:
    """Turn an answer down with a hint."""
    if not bool(condition):
        raise AssertionError(hint)


def array_of(got: Any, shape: tuple[int, ...], what: str) -> NDArray[np.float64]:
    """An answer of NumPy, PyTorch or plain Python as an array of this shape; a hint if it is none.

    Args:
        what: what is asked for, in words: "return ...".
    """
    expect(got is not None, "it returns nothing: is there a return?")
    if hasattr(got, "detach"):
        got = got.detach().cpu().numpy()
    try:
        values = np.asarray(got, dtype=np.float64)
    except (TypeError, ValueError):
        raise AssertionError(f"return {what}, not {type(got).__name__}") from None
    expect(values.shape == shape, f"return {what}: the shape is {shape}, not {values.shape}")
    expect(np.isfinite(values).all(), "something in it is not a finite number")
    return values


def tensor_of(got: Any, shape: tuple[int, ...], what: str) -> torch.Tensor:
    """:func:`array_of` as a tensor of double precision."""
    return torch.from_numpy(array_of(got, shape, what))
