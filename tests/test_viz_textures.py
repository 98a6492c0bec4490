"""Pictures of textures: what is drawn where, and a page that stores every vote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from rsclib.viz import textures
from rsclib.votes import draw_ballots, read_votes, tally

SHADES = [np.full((8, 4, 3), v, np.uint8) for v in (0, 90, 250)]


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


def test_a_grid_has_its_names_and_pictures() -> None:
    figure = textures.picture_grid({"a": SHADES, "b": SHADES[::-1]}, ["x", "y", "z"])
    axes = np.array(figure.axes).reshape(2, 3)
    assert [a.get_title() for a in axes[0]] == ["x", "y", "z"]
    assert [a.get_ylabel() for a in axes[:, 0]] == ["a", "b"]
    shown = [[int(a.get_images()[0].get_array()[0, 0, 0]) for a in row] for row in axes]
    assert shown == [[0, 90, 250], [250, 90, 0]]
    with pytest.raises(ValueError, match="width ratios"):
        textures.picture_grid({"a": SHADES}, ["x"])


def test_a_sheet_asks_without_names() -> None:
    figure = textures.ballot_sheet([SHADES, SHADES[::-1], SHADES])
    titles = [a.get_title() for a in figure.axes if a.get_images()]
    assert titles == ["1", "left", "right", "2", "left", "right", "3", "left", "right"]


def test_every_click_is_stored(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    ballots = draw_ballots([f"p{k}" for k in range(5)], ("A", "B"), 3, 0)
    page = textures.vote_page([SHADES] * 3, ballots, path)
    picture, (left, right) = page.children[0], page.children[1].children
    assert "Question 1 of 3" in picture.value and "A" not in picture.value.split("figcaption")[1]
    left.click()
    assert [v.preferred for v in read_votes(path)] == [ballots[0].left]
    right.click()
    right.click()
    assert "3 votes stored" in picture.value and left.disabled and right.disabled
    votes = read_votes(path)
    assert [v.person for v in votes] == [b.person for b in ballots]
    assert [v.preferred for v in votes[1:]] == [b.right for b in ballots[1:]]
    textures.vote_page([SHADES] * 3, ballots, path).children[1].children[0].click()
    assert len(read_votes(path)) == 4, "an earlier voter's answers are kept"
    assert tally(read_votes(path), "A").votes == 4


def test_plots_show_their_numbers() -> None:
    rng = np.random.default_rng(0)
    gains = {"a over b": rng.normal(2, 1, 40), "b over c": rng.normal(-1, 1, 40)}
    axis = textures.gains_of_people(gains, "dB").axes[0]
    means = [line.get_xdata()[0] for line in axis.lines if len(line.get_xdata()) == 2][:2]
    assert means == pytest.approx([v.mean() for v in gains.values()])
    assert [t.get_text() for t in axis.get_yticklabels()] == list(gains)
    grids = {"one": rng.random((3, 2)), "two": rng.random((3, 2))}
    axes = textures.place_maps(grids).axes
    assert [t.get_text() for t in axes[1].texts] == [f"{v:.2f}" for v in grids["two"].ravel()]
    limits = {a.get_images()[0].get_clim() for a in axes}
    assert len(limits) == 1, "one scale for all"
    dyes = textures.swatches(
        {"dye": [(0, 0, 1), (2, 0, 0)], "painted": [(1, 1, 1), (0, 0, 0)]}, "ab"
    )
    colours = dyes.axes[0].get_images()[0].get_array()
    assert colours.shape == (2, 2, 3) and colours[0, 1].tolist() == [1, 0, 0]
