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
        "claim": ["RA over Ba at 32 px", "SS over none", "CL over MS"],
        "paper_mm": [8.34, np.nan, 7.73],
        "gain_mm": [2.0, 0.3, -1.5],
        "low": [1.0, -0.5, -2.5],
        "high": [3.0, 1.1, -0.5],
        "share_of_room": [0.4, 0.06, np.nan],
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
    assert [t.get_text() for t in here.get_yticklabels()] == VERDICTS["claim"].tolist()
    assert here.yaxis_inverted()  # the first claim on top
    drawn = [np.asarray(line.get_xdata()) for line in here.lines]
    for low, high, gain in VERDICTS[["low", "high", "gain_mm"]].to_numpy(float):
        assert any(np.array_equal(x, [low, high]) for x in drawn)
        assert any(np.array_equal(x, [gain]) for x in drawn)
    assert not any(8.34 in x for x in drawn)
    assert any(np.array_equal(x.get_xdata(), VERDICTS["paper_mm"], True) for x in paper.lines)
    words = [t.get_text() for t in here.texts]
    assert words == ["reproduced, 40% of the room", "undecided, 6% of the room", "contradicted"]
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
