"""Pictures of lessons 16 and 17: what is drawn is what was given."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest

from rsclib.statistics import Interval
from rsclib.viz import matched, sharpened


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


def test_pictures_stay_pixels_and_maps_share_one_scale() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    faint, strong = np.full((8, 8), 3.0), np.full((8, 8), 200.0)
    figure = sharpened.grid([{"a": picture, "b": faint}, {"c": strong}])
    drawn = [axis.images for axis in figure.axes]
    assert np.array_equal(drawn[0][0].get_array(), picture)
    assert drawn[1][0].get_clim() == drawn[2][0].get_clim() == (0, sharpened.MOST)
    assert not drawn[3] and [a.get_title() for a in figure.axes] == ["a", "b", "c", ""]


@pytest.mark.parametrize("layers", [1, 3])
def test_a_dense_block_has_an_arrow_from_each_box_to_all_later_ones(layers: int) -> None:
    (axis,) = sharpened.block_picture(layers).axes
    arrows = [t for t in axis.texts if getattr(t, "arrow_patch", None) is not None]
    boxes = layers + 2  # z, the convolutions, the fusion
    assert len(arrows) == boxes * (boxes - 1) // 2 + 3  # into the plus, out of it, and around


def test_gains_and_changes_keep_their_values_and_signs() -> None:
    (axis,) = sharpened.gain_curve(
        [0, 40], {"at 52 px": [0.0, 0.8], "at 32 px": [0.0, 0.3]}, 40
    ).axes
    assert [list(line.get_ydata()) for line in axis.lines[1:]] == [[0.0, 0.8], [0.0, 0.3]]
    panels = {
        "one": {"52 px": Interval(-4.0, -7.0, -1.0)},
        "two": {"52 px": Interval(2.0, -1.0, 5.0)},
    }
    left, right = sharpened.changes(panels, "mm").axes
    assert [t.get_text() for t in left.texts] == ["−4.0"]
    assert [t.get_text() for t in right.texts] == ["+2.0"]
    assert list(left.lines[0].get_xdata()) == [-7.0, -1.0]
    assert left.lines[1].get_marker() != right.lines[1].get_marker()  # not by colour alone


def test_crowds_tie_everybody_to_their_own() -> None:
    real, made = np.eye(2), np.array([[5.0, 5.0], [7.0, 7.0]])
    (axis,) = matched.crowds({"t": (real, made, np.array([0, 1]))}).axes
    ties = [line for line in axis.lines if line.get_linestyle() == "-"]
    assert [line.get_xydata().tolist() for line in ties] == [
        [[5, 5], [1, 0]], [[7, 7], [0, 1]]
    ]  # fmt: skip
    marks = [line.get_marker() for line in axis.lines if line not in ties]
    assert marks == ["o", "^", "o", "^"]  # the filled ones lie upon the hollow


def test_the_best_critic_is_a_share() -> None:
    places = np.linspace(0, 1, 3)
    panels = {"apart": (np.array([2.0, 1, 0]), np.array([0.0, 1, 3]))}
    (axis,) = matched.best_critic(places, panels).axes
    assert axis.lines[0].get_ydata().tolist() == [1.0, 0.5, 0.0]


def test_a_course_stops_where_it_has_come_to() -> None:
    panels = {"loss": {"a": [1.0, 0.5], "b": [1.0]}, "away": {"a": [2.0, 0.1]}}
    figure = matched.course([0, 100], panels, 200, guides={"loss": 0.5})
    left, right = figure.axes
    assert list(left.lines[0].get_ydata()) == [0.5, 0.5]  # the guide
    assert [list(x.get_xdata()) for x in left.lines[1:]] == [[0, 100], [0]]
    assert left.lines[1].get_marker() != left.lines[2].get_marker()
    assert len(right.lines) == 1 and right.get_xlim()[1] > 200
