"""Plots about fits: what is drawn is what was given."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from rsclib.smplify import Moment, Pose
from rsclib.viz import fit_plots

RECORD = Path(__file__).parents[1] / "results" / "open" / "fits.csv"


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.mark.parametrize("sigma", [5.0, 100.0])
def test_the_pull_is_largest_at_sigma_over_root_three(sigma: float) -> None:
    r = torch.linspace(0, 4 * sigma, 4001, dtype=torch.float64)
    pull = fit_plots.pull_of(r, sigma)
    assert abs(float(r[pull.argmax()]) - sigma / 3**0.5) < 2 * sigma / 1000
    assert torch.allclose(pull, 2 * r * sigma**4 / (sigma**2 + r**2) ** 2)
    marked = fit_plots.robust_plot(sigma, {"here": 7.0}).axes[1].lines[-1]
    assert marked.get_xdata()[0] == 7.0
    assert marked.get_ydata()[0] == pytest.approx(2 * 7 * sigma**4 / (sigma**2 + 49) ** 2, rel=1e-5)


def test_the_forest_shows_the_record() -> None:
    table = pd.read_csv(RECORD)
    axis = fit_plots.fits_forest(table).axes[0]
    words = sorted(t.get_text() for t in axis.texts)
    values = table[table.metric == "mpjpe change"].value
    assert words == sorted(f"{v:+.1f}" for v in values)
    assert next(t.get_text() for t in axis.get_yticklabels()) == "RSC-Net at 32 px"


def test_a_course_is_drawn_over_both_stages() -> None:
    pose = Pose(torch.eye(3).expand(1, 24, 3, 3), torch.zeros(1, 10), torch.zeros(1, 3))
    moments = [
        Moment(stage, step, pose, torch.tensor([value]))
        for stage, step, value in (("camera", 0, 9.0), ("camera", 4, 4.0), ("body", 6, 1.0))
    ]
    figure = fit_plots.course_plot(moments, np.array([3.0, 2, 1]), np.array([1.0, 1, 2]), chosen=1)
    seen = figure.axes[0].lines[0]
    assert list(seen.get_xdata()) == [0, 4, 10] and list(seen.get_ydata()) == [3, 2, 1]
    assert list(figure.axes[1].lines[-1].get_ydata()) == [2]


def test_clouds_costs_and_bends() -> None:
    change, error = np.array([-5.0, 3.0, -1.0]), np.array([1.0, 10.0, 200.0])
    axis = fit_plots.gains_scatter({"a": (change, error, error == 200)}, 100.0).axes[0]
    assert [list(line.get_xdata()) for line in axis.lines[:3]] == [[1.0], [10.0], [200.0]]
    bars = fit_plots.pose_costs({"x": 3.0, "y backwards": 4.0}, np.arange(11.0)).axes[0]
    assert [p.get_width() for p in bars.patches[:2]] == [3, 4]
    degrees = np.array([-10.0, 0, 10])
    bend = fit_plots.bend_plot(degrees, degrees**2, -degrees).axes[0]
    assert list(bend.lines[1].get_ydata()) == [10, 0, -10]
