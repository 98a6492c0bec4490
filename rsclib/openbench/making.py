"""What each kind of part is made by and made of: pictures, videos, pedestrians."""

from __future__ import annotations

import sys

from rsclib.openbench.parts import Split, Street
from rsclib.openbench.pedestrians import ARRAYS, PER_PERSON, VIEWS, make_pedestrians
from rsclib.openbench.people import Arrays, array_names, make_people
from rsclib.openbench.sequences import make_sequences


def make(part: Split | Street, seed: int, shard: int, count: int, size: int) -> Arrays:
    """Render one shard of ``count`` images, ``size`` pixels high."""
    if isinstance(part, Street):
        return make_pedestrians(part, seed, shard, count, size)
    maker = make_sequences if part.frames else make_people
    return maker(part, seed, shard, count, size)


def arrays_of(part: Split | Street) -> set[str]:
    """The names of a part's arrays."""
    return ARRAYS if isinstance(part, Street) else array_names(part)


def rows_of(name: str, images: int) -> int:
    """How many rows an array has for so many images."""
    return -(-images // VIEWS) if name in PER_PERSON else images


def most_images(part: Split | Street) -> int:
    """How many images a part can have: pedestrians end with their people."""
    if isinstance(part, Street):
        return (part.outfits[1] - part.outfits[0]) * VIEWS
    return sys.maxsize
