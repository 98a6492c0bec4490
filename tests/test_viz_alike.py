"""Pictures of likeness: notes stand below their pictures, lines and dots are where the numbers are."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import torch

from rsclib.viz import alike

matplotlib.use("Agg")


def test_a_row_has_names_and_notes() -> None:
    figure = alike.in_a_row({"a": torch.zeros(3, 8, 4), "b": torch.ones(3, 8, 4)}, {"b": "far"})
    assert [(x.get_title(), x.get_xlabel()) for x in figure.axes] == [("a", ""), ("b", "far")]
    assert [int(x.get_images()[0].get_array().mean()) for x in figure.axes] == [0, 255]


def test_lines_over_a_shift_and_levels() -> None:
    figure = alike.over_shift(
        [0, 1, 3], {"new": [0, 1, 2], "old": [0, 4, 5]}, "distance", {"blur": 3}
    )
    (axis,) = figure.axes
    assert [list(x.get_ydata()) for x in axis.lines] == [[0, 1, 2], [0, 4, 5], [3, 3]]
    styles = {(x.get_linestyle(), x.get_marker()) for x in axis.lines[:2]}
    assert len(styles) == 2  # told apart without colour
    assert axis.get_ylim()[0] <= 0 and [t.get_text() for t in axis.texts] == ["blur"]


def test_gradients_are_shown_as_lengths() -> None:
    gradient = torch.zeros(3, 6, 4)
    gradient[:, 2, 1] = torch.tensor([2.0, -1.0, 2.0])
    figure = alike.where_it_pulls(torch.zeros(3, 6, 4), {"here": gradient})
    shown = figure.axes[1].get_images()[0].get_array()
    assert shown[2, 1] == 3 and shown.sum() == 3


def test_ranks_have_a_panel_a_protocol() -> None:
    rows = pd.DataFrame(
        [("chance", "rank1", 3.0, np.nan, np.nan), ("reid", "rank1", 40.0, 30.0, 50.0),
         ("reid", "other", 90.0, 80.0, 95.0)],
        columns=["method", "metric", "value", "low", "high"],
    )  # fmt: skip
    first, second = alike.ranks(rows, {"rank1": "all", "other": "some"}).axes
    assert [tuple(line.get_xdata()) for line in first.lines] == [(30, 50), (40,), (3,)]
    assert [tuple(line.get_xdata()) for line in second.lines] == [(80, 95), (90,)]
    assert (first.get_title(), second.get_title()) == ("all", "some")


def test_a_ballot_shows_the_reference_between_the_two() -> None:
    grey = torch.arange(5).view(-1, 1, 1, 1).expand(5, 3, 8, 4) / 10
    figure = alike.ballot(grey, grey + 0.5, grey + 0.25, a_row=2)
    shown = [axis for axis in figure.axes if axis.get_images()]
    assert [axis.get_title() for axis in shown[:6]] == ["A", "1: R", "B", "A", "2: R", "B"]
    assert len(shown) == 15
    values = [int(axis.get_images()[0].get_array().mean()) for axis in shown[3:6]]
    assert values == [round(255 * v) for v in (0.6, 0.1, 0.35)]


def test_dots_are_named_and_neighbours_do_not_cover_one_another() -> None:
    table = pd.DataFrame({"x": [0.0, 1.0, 1.05], "y": [0.0, 1.0, 1.03]}, index=["a", "b", "c"])
    (axis,) = alike.against(table, "x", "y").axes
    aside = {t.get_text(): t.xyann[1] for t in axis.texts}
    assert aside["b"] < 0 < aside["c"] and aside["a"] > 0
    assert list(axis.lines[0].get_xdata()) == [0.0, 1.0, 1.05]
