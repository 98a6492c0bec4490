"""Pictures of ablations: what stands where, and that ours and the paper's never share an axis."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from rsclib import viz
from rsclib.errors import RscError
from rsclib.statistics import Interval

VERDICTS = pd.DataFrame(
    {
        "claim": ["RA over Ba", "a longer claim, of which brackets (A against B)", "CL over MS"],
        "paper_mm": [8.34, np.nan, 7.73],
        "gain_mm": [2.0, 0.3, -1.5],
        "low": [1.0, -0.5, -2.5],
        "high": [3.0, 1.1, -0.5],
        "share_of_room": [0.4, -0.001, np.nan],
        "verdict": ["reproduced", "undecided", "contradicted"],
    }
)
SIZES = (128, 52, 32)


class Toy:
    def frame(self, metric: str, part: str = "test-wild") -> pd.DataFrame:
        return pd.DataFrame(np.zeros((2, 3)), ["RA", "Ba"], [f"{s} px" for s in reversed(SIZES)])

    def gain(
        self, row: str, than: str, size: int, metric: str = "mpjpe", part: str = "test-wild"
    ) -> Interval:
        sign = 1.0 if (row, than) == ("RA", "Ba") else -1.0
        mean = sign * (1000 if metric == "pa_mpjpe" else 100) / size
        return Interval(mean, mean - 1, mean + 1)


def test_a_forest_keeps_the_paper_in_a_panel_of_its_own() -> None:
    figure = viz.forest(VERDICTS)
    here, paper = figure.axes
    assert not here.get_shared_x_axes().joined(here, paper)
    labels = [t.get_text() for t in here.get_yticklabels()]
    assert labels == [
        "RA over Ba",
        "a longer claim, of which brackets\n(A against B)",
        "CL over MS",
    ]
    assert here.yaxis_inverted()  # the first claim on top
    drawn = [np.asarray(line.get_xdata()) for line in here.lines]
    for low, high, gain in VERDICTS[["low", "high", "gain_mm"]].to_numpy(float):
        assert any(np.array_equal(x, [low, high]) for x in drawn)
        assert any(np.array_equal(x, [gain]) for x in drawn)
    assert not any(8.34 in x for x in drawn)
    assert any(np.array_equal(x.get_xdata(), VERDICTS["paper_mm"], True) for x in paper.lines)
    words = [t.get_text() for t in here.texts]
    assert words == ["reproduced, 40% of the room", "undecided, 0% of the room", "contradicted"]
    plt.close(figure)


def test_a_forest_refuses_what_it_cannot_draw() -> None:
    with pytest.raises(RscError, match="paper_mm"):
        viz.forest(VERDICTS.drop(columns="paper_mm"))
    with pytest.raises(RscError, match="maybe"):
        viz.forest(VERDICTS.assign(verdict="maybe"))
    with pytest.raises(RscError, match="a claim"):
        viz.forest(VERDICTS[:0])
    plt.close(viz.forest(VERDICTS.drop(columns="share_of_room")))


def test_gains_are_drawn_at_every_size_with_their_bands() -> None:
    figure = viz.gain_over_sizes(Toy(), [("RA", "Ba"), ("Ba", "RA")], "pa_mpjpe")
    (axis,) = figure.axes
    assert axis.xaxis_inverted()
    for line, sign in zip(axis.lines, (1, -1), strict=False):
        assert np.allclose(line.get_xdata(), SIZES)
        assert np.allclose(line.get_ydata(), sign * 1000 / np.array(SIZES))
    legend = axis.get_legend()
    assert legend and [t.get_text() for t in legend.get_texts()] == ["RA over Ba", "Ba over RA"]
    for band, sign in zip(axis.collections, (1, -1), strict=True):
        heights = np.asarray(band.get_paths()[0].vertices)[:, 1]
        assert heights.max() == pytest.approx((sign * 1000 / np.array(SIZES)).max() + 1)
    plt.close(figure)
    with pytest.raises(RscError, match="pairs"):
        viz.gain_over_sizes(Toy(), [])


def test_gains_stand_above_their_share_of_labels_with_their_intervals() -> None:
    pairs = [("RA", "Ba"), ("Ba", "RA")]
    figure = viz.gain_over_labels({"none": Toy(), "1 of 16": Toy(), "40 %": Toy()}, pairs)
    (axis,) = figure.axes
    assert [t.get_text() for t in axis.get_xticklabels()] == ["none", "1 of 16", "40 %"]
    first, second = (box.lines[0] for box in axis.containers)
    assert np.allclose(first.get_ydata(), 100 / 32) and np.allclose(second.get_ydata(), -100 / 32)
    assert (np.asarray(first.get_xdata()) < np.asarray(second.get_xdata())).all()
    (bars,) = axis.containers[0].lines[2]
    assert np.allclose([s[:, 1] for s in bars.get_segments()], [100 / 32 - 1, 100 / 32 + 1])
    plt.close(figure)
    with pytest.raises(RscError, match="pairs"):
        viz.gain_over_labels({"none": Toy()}, [])
