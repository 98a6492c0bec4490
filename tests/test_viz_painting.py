"""Pictures of UV maps: colours keep their places, films are as long as asked."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
import torch

from rsclib.body import load_body
from rsclib.render.uv import Atlas
from rsclib.viz import painting

matplotlib.use("Agg")


@pytest.fixture(scope="module")
def standing() -> tuple[np.ndarray, Atlas]:
    body = load_body()
    vertices = (body.template * torch.tensor([1.0, -1.0, -1.0])).numpy()
    return vertices.astype(np.float32), Atlas.of(body)


def test_bytes_are_rounded_and_clamped() -> None:
    values = torch.tensor([-1.0, 0.5, 2.0]).view(3, 1, 1)
    assert painting.as_bytes(values).tolist() == [[[0, 128, 255]]]


def test_the_colour_tells_u() -> None:
    chequers = painting.chequered(64).astype(int)
    red_over_blue = (chequers[..., 0] - chequers[..., 2]).reshape(64, 64)
    assert red_over_blue[:, -8:].min() > 0 > red_over_blue[:, :8].max()


def test_a_red_map_makes_red_bodies_of_all_frames(standing: tuple[np.ndarray, Atlas]) -> None:
    red = torch.zeros(3, 16, 16)
    red[0] = 1
    frames = painting.turning({"red": red, "grey": red * 0 + 0.5}, *standing, 3, 60, 40)
    assert [f.shape for f in frames] == [(78, 80, 3)] * 3
    for frame in frames:
        left, right = frame[:60, :40].astype(int), frame[:60, 40:].astype(int)
        assert (left[..., 0] - left[..., 1]).max() > 150
        assert np.ptp(right, axis=-1).max() <= 1


def test_figures_have_their_parts(standing: tuple[np.ndarray, Atlas]) -> None:
    vertices, atlas = standing
    grey = torch.full((3, 16, 16), 0.5)
    figure = painting.painted({"a": grey, "b": grey}, vertices, atlas)
    assert [axis.get_ylabel() for axis in figure.axes[::4]] == ["a", "b"]
    figure = painting.atlas_picture(vertices, atlas, {"head": int(vertices[:, 1].argmin())})
    assert [t.get_text() for t in figure.axes[2].get_legend().get_texts()] == ["head"]
    figure = painting.progress({"seen": [1.0, 2.0], "unseen": [1.0, 1.0]})
    assert figure.axes[0].lines[0].get_ydata().tolist() == [1.0, 2.0]


def test_weights_of_a_look_are_written_on_its_texels() -> None:
    black = np.zeros((8, 8, 3), np.uint8)
    figure = painting.one_look(black, (1, 2), black, ((3 + 0.25 + 0.5) / 8, 1 - (4 + 0.5) / 8))
    texts = {t.get_position(): float(t.get_text()) for t in figure.axes[2].texts}
    assert texts == {(3, 4): 0.75, (4, 4): 0.25, (3, 5): 0.0, (4, 5): 0.0}
