"""Pictures of lessons 20 and 21: skeletons as a critic reads them, attention bands, films without a truth."""

from __future__ import annotations

import base64
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from rsclib.body import load_body
from rsclib.viz import judged, memory
from rsclib.viz.stick_film import stick_film


def test_figures_stand_upright_with_the_hips_at_the_origin() -> None:
    poses = torch.zeros(2, 69)
    poses[1, 3 * 17 : 3 * 17 + 3] = torch.tensor([0.0, 0.0, 0.9])  # the left or right elbow
    found = judged.figures_of(poses, load_body())
    assert found.shape == (2, 14, 3)
    assert np.allclose(found[:, 2:4].mean(1), 0, atol=1e-6)
    assert (found[0, [0, 5], 1] > 0.5).all() and found[0, 13, 1] < -0.4  # y down: feet, head
    assert np.allclose(found[0, :6], found[1, :6], atol=1e-5)  # an arm moves no leg
    assert np.abs(found[0] - found[1]).max() > 0.05


def test_the_band_has_each_frames_share_and_the_struck_frame_its_colour() -> None:
    joints = judged.figures_of(torch.zeros(5, 69), load_body())
    share = np.array([0.1, 0.2, 0.4, 0.2, 0.1])
    figure = judged.attention_strip(joints, {"one": share, "two": share[::-1]}, 2)
    bands = figure.axes[1:]
    assert [t.get_text() for t in bands[0].texts] == ["10", "20", "40", "20", "10"]
    assert len(bands) == 2 and bands[1].get_ylabel() == "two"
    colours = [line.get_color() for line in figure.axes[0].lines]
    assert len({str(c) for c in colours}) == 2 and sum(c != "black" for c in colours) * 5 == len(
        colours
    )
    plt.close(figure)


def test_lag_plot_names_every_memory_and_curves_keep_their_values() -> None:
    figure = memory.lag_plot([0, 0.5], [0.0, 1.0], [20.0, 8.0], [85.0, 84.0], 5.0)
    assert [t.get_text() for t in figure.axes[0].texts] == ["z = 0", "z = 0.5"]
    curves = {"frames": [(0, 9.0, 30.0), (40, 8.0, 20.0)], "average": [(0, 12.0, 5.0)]}
    learning = memory.learning(curves, 2.0, 40)
    assert learning.axes[1].lines[0].get_ydata().tolist() == [30.0, 20.0]
    assert learning.axes[1].get_ylim()[1] >= 30
    plt.close(figure)
    plt.close(learning)


def test_a_film_without_a_truth_draws_the_guess_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    pages: list[str] = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, **_: pages.append(data["text/html"])
    )
    film = np.random.default_rng(0).normal(0, 0.3, (4, 14, 3))
    for truth in (None, film):
        stick_film(truth, {"A": film}, "a film", "a caption")
    paths = []
    for page in pages:
        match = re.search(r"base64,([^\"]+)", page)
        assert match
        paths.append(base64.b64decode(match[1]).decode().count("<path"))
    assert paths == [1, 2]
