"""Walk through a MATLAB 5 file before scipy reads it: a wrong type or length in one crashes scipy.

An element is a tag (type, length) and its data; a matrix is an element of elements: flags, lengths of
its axes, a name, then numbers, text, or the matrices of its cells or fields. Everything is checked
against what is there; nothing is kept.
"""

from __future__ import annotations

import math
import struct
import zlib
from typing import NamedTuple

_HEADER, _MATRIX, _COMPRESSED = 128, 14, 15
# Bytes of a number by the type in a tag, and of a letter.
_NUMBERS = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}
_LETTERS = {**{k: _NUMBERS[k] for k in (1, 2, 3, 4)}, 16: 1, 17: 2, 18: 4}
_CELL, _STRUCT, _CHAR, _FIRST_NUMBER, _LAST_NUMBER = 1, 2, 4, 6, 15
_DEEPEST = 32


class Tag(NamedTuple):
    """An element: its type, where its data begin, their bytes, and where the next one begins."""

    kind: int
    start: int
    length: int
    after: int


def check_matlab(content: bytes) -> None:
    """Refuse what is not sound, compressed parts included (their size must be known to be bearable).

    Raises:
        ValueError: what is wrong.
    """
    order = ">" if content[126:128] == b"MI" else "<"
    view, at = memoryview(content), _HEADER
    while at + 8 <= len(view):
        kind, length = struct.unpack_from(f"{order}II", view, at)
        start = at + 8
        if length > len(view) - start:
            raise ValueError("a variable is cut short")
        if kind == _COMPRESSED:
            part = memoryview(zlib.decompress(view[start : start + length]))
            tag = _tag(part, 0, len(part), order)
            if tag.kind != _MATRIX:
                raise ValueError("a variable is no matrix")
            _matrix(part, tag.start, tag.start + tag.length, order, 0)
        elif kind == _MATRIX:
            _matrix(view, start, start + length, order, 0)
        else:
            raise ValueError("a variable is no matrix")
        at = start + length


def _tag(view: memoryview, at: int, end: int, order: str) -> Tag:
    if at + 8 > end:
        raise ValueError("an element is cut short")
    word, length = struct.unpack_from(f"{order}II", view, at)
    if word >> 16:  # a small one: type and length in one word, the data in the other
        kind, length, start, after = word & 0xFFFF, word >> 16, at + 4, at + 8
        if length > 4:
            raise ValueError("a small element is too long")
        return Tag(kind, start, length, after)
    start = at + 8
    if length > end - start:
        raise ValueError("an element is cut short")
    return Tag(word, start, length, min(end, start + length + -length % 8))


def _matrix(view: memoryview, at: int, end: int, order: str, depth: int) -> None:
    if at == end:
        return  # an empty one
    if depth > _DEEPEST:
        raise ValueError("its cells are nested too deeply")
    flags, shape = _tag(view, at, end, order), _tag(view, at + 16, end, order)
    if flags.kind != 6 or flags.length != 8 or shape.kind != 5 or not 8 <= shape.length <= 128:
        raise ValueError("a matrix has no flags or axes")
    (word,) = struct.unpack_from(f"{order}I", view, flags.start)
    kind, imaginary = word & 0xFF, bool(word >> 11 & 1)
    if shape.length % 4:
        raise ValueError("a matrix has malformed axes")
    axes = struct.unpack_from(f"{order}{shape.length // 4}i", view, shape.start)
    name = _tag(view, shape.after, end, order)
    if min(axes) < 0 or name.kind not in (1, 2):
        raise ValueError("a matrix has malformed axes or no name")
    count, at = math.prod(axes), name.after
    if kind == _CELL:
        _matrices(view, at, end, order, count, depth)
    elif kind == _STRUCT:
        width = _tag(view, at, end, order)
        names = _tag(view, width.after, end, order)
        if width.kind != 5 or width.length != 4 or names.kind not in (1, 2):
            raise ValueError("a structure has no field names")
        (letters,) = struct.unpack_from(f"{order}i", view, width.start)
        if letters < 1 or names.length % letters:
            raise ValueError("a structure has malformed field names")
        _matrices(view, names.after, end, order, count * (names.length // letters), depth)
    elif kind == _CHAR or _FIRST_NUMBER <= kind <= _LAST_NUMBER:
        sizes = _LETTERS if kind == _CHAR else _NUMBERS
        for _ in range(1 + imaginary):
            tag = _tag(view, at, end, order)
            if tag.kind not in sizes:
                raise ValueError(f"numbers or letters are of the unknown type {tag.kind}")
            if kind != _CHAR and tag.length != count * sizes[tag.kind]:
                raise ValueError("a matrix has more or fewer numbers than its axes say")
            at = tag.after
    else:
        raise ValueError(f"a variable is of the class {kind}, which is not read")


def _matrices(view: memoryview, at: int, end: int, order: str, count: int, depth: int) -> None:
    if count > (end - at) // 8:
        raise ValueError("a matrix has fewer cells or fields than its axes say")
    for _ in range(count):
        tag = _tag(view, at, end, order)
        if tag.kind != _MATRIX:
            raise ValueError("a cell or field is no matrix")
        _matrix(view, tag.start, tag.start + tag.length, order, depth + 1)
        at = tag.after
