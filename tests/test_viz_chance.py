"""Plots of chance: what is drawn is what was given."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from rsclib.viz import chance

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _closed() -> object:
    yield
    plt.close("all")


def test_by_seed_sorts_recordings_with_their_names() -> None:
    table = np.array([[3.0, -1.0, 1.0], [2.0, -2.0, 1.5]])
    axis = chance.by_seed(table, ["up", "down", "flat"], table.mean(1).tolist(), "t").axes[0]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["down", "flat", "up"]
    assert [text.get_text() for text in axis.texts[:3]] == ["−1.0", "+1.0", "+3.0"]
    assert axis.get_yticklabels()[0].get_text() == "seed 0: +1.0"


def test_clouds_draw_the_interval_of_the_values() -> None:
    values = np.linspace(0, 100, 1001)
    figure = chance.clouds({"one": values, "two": values / 2}, 40)
    for axis, scale in zip(figure.axes, (1, 0.5), strict=True):
        low, high = axis.lines[1].get_xdata()
        assert (low, high) == pytest.approx((2.5 * scale, 97.5 * scale))
    assert figure.axes[0].get_title() == "one:\n+2.5 to +97.5"


def test_parting_and_half_widths_show_all_points() -> None:
    left, right = chance.parting([0.0, 1.0], np.zeros((3, 4)), [0, 1, 2], 16).axes
    assert len(left.lines[1].get_xdata()) == 2 and len(right.lines) == 4
    axis = chance.half_widths([7, 14], {"a": [2.0, 1.0], "b": [3.0, 2.9]}, -1.5, 7).axes[0]
    assert [line.get_ydata()[0] for line in axis.lines[:3]] == [2.0, 3.0, 1.5]
