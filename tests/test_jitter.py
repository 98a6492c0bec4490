"""Damage that should not move a guess, and what results/README.md says of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import jitter
from rsclib.runs.results import read_result

ROOT = Path(__file__).parents[1]


def pictures() -> np.ndarray:
    ramp = np.broadcast_to(
        np.arange(0, 240, 6, dtype=np.uint8)[None, None, :, None], (2, 40, 40, 3)
    )
    return np.ascontiguousarray(ramp)


def test_damage_keeps_the_shape_and_changes_the_picture_alike_every_time() -> None:
    clean = pictures()
    for name, damage in jitter.DAMAGE.items():
        once, again = damage(clean), damage(clean)
        assert once.shape == clean.shape and once.dtype == np.uint8, name
        assert np.array_equal(once, again) and not np.array_equal(once, clean), name
    assert np.array_equal(clean, pictures())


def test_a_moved_square_shows_what_lies_further_right() -> None:
    clean = pictures()
    assert np.array_equal(jitter.moved(clean)[:, :, :36], clean[:, :, 4:])


def test_the_account_of_the_movement_is_what_was_measured() -> None:
    rows = pd.DataFrame(read_result(ROOT / "results/open/jitter.csv")["rows"])
    rows = rows[(rows["method"] == "RSC-Net") & (rows["metric"] == "movement, all")]
    mm = rows.set_index(["looks", "resolution"])["value"]
    assert {r: round(mm["alone", r]) for r in (128, 32)} == {128: 47, 32: 48}
    assert {r: round(mm["mean of two looks", r]) for r in (128, 32)} == {128: 39, 32: 38}
