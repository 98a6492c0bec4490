"""How much of the shipped weights a model for photographs keeps: the rule, and the means themselves."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks import photo_start as P
from rsclib.models import model_named


def rows(
    errors: dict[float, tuple[float, float]], moves: dict[float, float]
) -> list[dict[str, Any]]:
    """What the script measures: of each share the growth of the error at two sizes, and the movement."""
    out = [{"method": "full", "keep": 1.0, "metric": "movement, ten looks", "value": 1.0}]
    for keep, both in errors.items():
        about = {"method": "photo", "keep": keep}
        out += [about | {"metric": "mpjpe, minus shipped", "value": value} for value in both]
        out += [about | {"metric": "movement, ten looks", "value": moves[keep]}] * 2
    return out


def test_the_share_that_moves_least_among_those_that_lose_nothing() -> None:
    moves = {0.0: 20.0, 0.25: 22.0, 0.5: 24.0}
    assert P.chosen(rows({0.0: (-1, -1), 0.25: (-2, -2), 0.5: (0, 0)}, moves)) == 0.0
    assert P.chosen(rows({0.0: (0.1, -9), 0.25: (-9, 0.2), 0.5: (0, 0)}, moves)) == 0.5
    assert P.chosen(rows({0.0: (0.1, -9), 0.25: (-9, 0.2), 0.5: (1, 0)}, moves)) == 1.0


def test_all_of_the_shipped_weights_are_the_shipped_ones() -> None:
    shipped = model_named("full").per_range()
    other = model_named("hr-only").per_range()
    whole = P.kept(other, 1.0, 0.0)
    assert all(map(torch.equal, whole.parameters(), shipped.parameters()))
    none = P.kept(other, 0.0, 0.0)
    assert all(map(torch.equal, none.parameters(), other.parameters()))
    assert not whole.training
