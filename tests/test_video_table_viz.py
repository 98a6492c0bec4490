"""Figures of lesson 22, and pedestrians drawn on the reader's machine."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from rsclib.errors import RscError
from rsclib.files.films import write_mp4
from rsclib.models import model_named, temporal_named
from rsclib.predictor import NetPredictor, VideoPredictor
from rsclib.viz import ablation, video_table, walkers


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def predictor() -> VideoPredictor:
    return VideoPredictor(NetPredictor(model_named("full").eval()), temporal_named("video"))


def test_two_parts_shows_every_film_at_its_place_on_its_arc() -> None:
    parts = {"a": (30.0, 40.0), "b": (36.0, 15.0)}
    axis = video_table.two_parts(parts).axes[0]
    marked = [line for line in axis.lines if line.get_linestyle() == "None"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in marked] == [*parts.values()]
    assert [line.get_label() for line in marked] == ["a: 50 mm in all", "b: 39 mm in all"]
    arc = axis.lines[0].get_xydata()
    assert np.allclose(np.linalg.norm(arc, axis=1), 50)
    for few_or_many in ({}, {str(k): (1.0, 1.0) for k in range(7)}):
        with pytest.raises(RscError, match="one to 6"):
            video_table.two_parts(few_or_many)


def test_joined_dots_says_what_the_jumps_add() -> None:
    table = pd.DataFrame({"per sequence": [13.0, 61.0], "joined": [23.5, 70.0]}, index=["A", "B"])
    axis = video_table.joined_dots(table).axes[0]
    assert [text.get_text() for text in axis.texts] == ["+10.5", "+9.0"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["A", "B"]
    with pytest.raises(RscError, match="joined"):
        video_table.joined_dots(table[["per sequence"]])
    with pytest.raises(RscError, match="a line"):
        video_table.joined_dots(table[:0])


def test_street_dots_shows_one_metric_and_names_sizes() -> None:
    line = {"method": "A", "metric": "acceleration", "value": 5.0, "low": 4.0, "high": 6.0}
    rows = pd.DataFrame(
        [line | {"resolution": "native"}, line | {"resolution": "32"}, line | {"metric": "other"}]
    )
    axis = video_table.street_dots(rows, "acceleration", "mm").axes[0]
    said = [label.get_text() for label in axis.get_yticklabels()]
    assert said == ["A, native size", "A, 32 px"]
    with pytest.raises(RscError, match="no row"):
        video_table.street_dots(rows, "speed", "mm")


def test_a_forest_says_its_unit() -> None:
    claim = {"claim": "a", "paper_mm": 2.0, "gain_mm": 1.0, "low": 0.5, "high": 2.0}
    frame = pd.DataFrame([claim | {"verdict": "reproduced"}])
    for unit in ("mm", "mm/frame²"):
        labels = [axis.get_xlabel() for axis in ablation.forest(frame, unit).axes]
        assert labels == [f"gain ({unit})", f"gain as printed ({unit})"]


def walk(frames: int = 40) -> list[np.ndarray]:
    """A dark box that walks over a light ground."""
    noise = np.random.default_rng(0).integers(150, 170, (120, 240, 3)).astype(np.uint8)
    shown = []
    for t in range(frames):
        frame = noise.copy()
        frame[30:90, 20 + 4 * t : 42 + 4 * t] = (40, 30, 60)
        shown.append(frame)
    return shown


def test_walkers_are_found_and_seen_in_two_ways(tmp_path: Path, predictor: VideoPredictor) -> None:
    write_mp4(tmp_path / "walk.mp4", walk(), 10.0)
    found = walkers.walkers(tmp_path / "walk.mp4", predictor, frames=32)
    assert len(found) == 1
    one = found[0]
    assert one.frames[-1] < 32  # the beginning alone
    assert 60 < one.native < 90
    assert one.images.shape == (len(one.frames), 3, 128, 128)
    again = predictor.frames.at(one.images[:1], 32)
    assert torch.allclose(again.rotmats, one.alone.rotmats[:1], atol=1e-4)
    assert torch.equal(predictor.at(one.images, 32).rotmats, one.over_time.rotmats)
    with pytest.raises(RscError, match="fewer than 60"):
        walkers.walkers_sheet(found, predictor.frames, 60)
    figure = walkers.walkers_sheet(found, predictor.frames, 3)
    assert len(figure.axes) == 9
    pictures = [axis.get_images()[0].get_array() for axis in figure.axes]
    assert not np.array_equal(pictures[0], pictures[3])  # a body is drawn over it


def test_nobody_in_a_still_clip_is_one_line(tmp_path: Path, predictor: VideoPredictor) -> None:
    write_mp4(tmp_path / "still.mp4", [walk(1)[0]] * 30, 10.0)
    with pytest.raises(RscError, match="nobody was found"):
        walkers.walkers(tmp_path / "still.mp4", predictor)


def test_a_video_of_the_benchmark_has_the_same_form(predictor: VideoPredictor) -> None:
    images = torch.randint(0, 255, (6, 3, 128, 128), dtype=torch.uint8)
    (one,) = walkers.from_frames(images, predictor)
    assert torch.equal(one.images, images)
    assert one.native == 128
    alone, over = walkers.trembling(one, predictor.frames)
    assert 0 < over < alone  # noise, smoothed
