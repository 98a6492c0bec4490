"""Pictures of lessons 14 and 18: what 25 critics say, and where mesh and person agree."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from rsclib.critics import CRITICS
from rsclib.viz import agreement as A
from rsclib.viz import body_critic as B


def test_every_kind_of_pixel_has_its_colour() -> None:
    truth = np.array([[0, 0, 3], [3, 3, 3]])
    found = np.array([[0, 2, 0], [3, 4, 3]])
    picture = A.agreement(truth, found)
    wanted = [[(1.0, 1.0, 1.0), A.EXTRA, A.MISSED], [A.RIGHT, A.OTHER, A.RIGHT]]
    assert np.array_equal(picture, (255 * np.array(wanted)).round().astype(np.uint8))
    assert len({tuple(np.round(c, 3)) for c in (*A.WORDS.values(), (1.0, 1.0, 1.0))}) == 5
    parts = A.part_picture(np.arange(7)[None])
    assert len({tuple(p) for p in parts[0].tolist()}) == 7


def test_the_sheet_says_which_share_is_right() -> None:
    truth = np.zeros((4, 4), int)
    truth[1:3] = 2
    nobody = np.zeros((4, 4), int)
    seen = np.zeros((4, 4, 3), np.uint8)
    figure = A.agreement_sheet(
        [seen] * 2, [truth, truth], {"true": [truth] * 2, "nobody": [nobody] * 2}, ["a", "b"]
    )
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["a", "truth", "true: 100 %", "nobody: 50 %", "b", *titles[1:4]]
    assert [t.get_text() for t in figure.legends[0].get_texts()] == list(A.WORDS)
    plt.close(figure)


def test_critics_are_named_in_their_order() -> None:
    assert len(B.NAMES) == CRITICS and B.NAMES[3] == "left knee" and B.NAMES[-1] == "shape"
    scores = {"one": np.linspace(0, 1, CRITICS), "two": np.zeros(CRITICS)}
    figure = B.critic_lines(scores, 0.6)
    axis = figure.axes[0]
    assert [t.get_text() for t in axis.get_xticklabels()] == list(B.NAMES)
    assert np.array_equal(axis.lines[0].get_ydata(), scores["one"])
    plt.close(figure)


def test_bends_kinds_and_learning_keep_their_values() -> None:
    bends = B.bend_scores(np.array([-60.0, 0, 60]), {"knee": np.array([0.1, 0.5, 0.6])}, (0, 90), 0)
    assert bends.axes[0].lines[0].get_ydata().tolist() == [0.1, 0.5, 0.6]
    kinds = B.kinds_plot(
        {"real": {"joints": 0.6, "pose": 1.0}, "knee": {"joints": 0.5, "pose": 0.7}}
    )
    assert [list(line.get_xdata()) for line in kinds.axes[0].lines[2:]] == [[0.6, 0.5], [1.0, 0.7]]
    curve = B.learning([(50, 0.6, 0.4, 0.9, 0.1), (100, 0.6, 0.4, 1.0, 0.0)], 100)
    assert curve.axes[1].lines[0].get_ydata() == pytest.approx([0.9, 1.0])
    for figure in (bends, kinds, curve):
        plt.close(figure)
