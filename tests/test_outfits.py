"""Outfits: the same seed dresses the same person, and front and back tell a heading apart."""

from __future__ import annotations

import numpy as np
import pytest

from rsclib.openbench.outfits import LABELS, SIZE
from rsclib.openbench.people import workshop

SEEDS = (0, 1, 2, 3)


@pytest.fixture(scope="module")
def outfits() -> list:
    return [workshop()[2].outfit(seed) for seed in SEEDS]


def test_shapes_and_ranges(outfits: list) -> None:
    for o in outfits:
        assert o.texture.shape == (SIZE, SIZE, 3) and o.texture.dtype == np.uint8
        assert set(np.unique(o.labels)) <= set(LABELS.values())
        assert o.offset.shape == (6890,) and np.isfinite(o.offset).all()
        assert (o.offset >= 0).all() and o.offset.max() < 0.12


def test_a_seed_is_a_person(outfits: list) -> None:
    again = workshop()[2].outfit(SEEDS[1])
    assert np.array_equal(again.texture, outfits[1].texture)
    assert np.array_equal(again.offset, outfits[1].offset)
    for i in range(len(outfits)):
        for j in range(i):
            assert not np.array_equal(outfits[i].texture, outfits[j].texture)


def test_the_face_is_not_displaced(outfits: list) -> None:
    _, surface, _ = workshop()
    v = surface.template
    face = (surface.part_of_vertex == 15) & (v[:, 2] > 0.09) & (v[:, 1] < 0.69)
    assert face.sum() > 50
    assert all((o.offset[face] == 0).all() for o in outfits)


def test_front_and_back_of_the_head_differ(outfits: list) -> None:
    """Skin in front, hair behind: what a network needs to tell where somebody faces."""
    wardrobe = workshop()[2]
    p = wardrobe.texels
    front = (p.head > 0.9) & (p.z > 0.1) & (p.y < 0.68)
    back = (p.head > 0.9) & (p.z < 0.0) & (p.y > 0.68)
    haired = [o for o in outfits if (o.labels == LABELS["hair"]).any()]
    assert haired
    for o in haired:
        labels = o.labels.ravel()
        assert (labels[front] == LABELS["skin"]).mean() > 0.8
        assert (labels[back] == LABELS["hair"]).mean() > 0.5


def test_everybody_wears_something(outfits: list) -> None:
    for o in outfits:
        for garment in ("top", "bottom", "shoes"):
            assert (o.labels == LABELS[garment]).mean() > 0.005, garment


def test_clothes_are_outside_the_skin(outfits: list) -> None:
    _, _, wardrobe = workshop()
    torso = (wardrobe.vertices.torso > 0.9) & (np.abs(wardrobe.vertices.y - 0.2) < 0.08)
    assert all((o.offset[torso] > 0.001).mean() > 0.9 for o in outfits)
