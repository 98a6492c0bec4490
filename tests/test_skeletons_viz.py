"""Skeletons with bones, and films of them."""

from __future__ import annotations

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from rsclib import viz
from rsclib.skeleton import J14_BONES
from rsclib.viz.skeletons import picture_of


def test_bones_lie_between_their_joints_as_seen_from_the_side() -> None:
    joints = np.random.default_rng(0).normal(size=(24, 3))
    figure, axis = plt.subplots()
    viz.bones(axis, joints, viz.BLUE, (2, 1), label="her")
    assert len(axis.lines) == len(J14_BONES)
    for line, (a, b) in zip(axis.lines, J14_BONES, strict=True):
        assert np.allclose(line.get_xydata(), joints[[a, b]][:, [2, 1]])
    assert axis.get_legend_handles_labels()[1] == ["her"]  # one entry, not one a bone
    plt.close(figure)


def test_a_film_moves_and_has_alternative_text() -> None:
    def frame(k: int) -> Figure:
        figure, axis = plt.subplots(figsize=(2, 1))
        axis.plot([0, k])
        return figure

    frames = [picture_of(frame(k)) for k in range(4)]
    page = viz.film_html(frames, [50] * 4, 'a "rising" line', "It rises.")
    assert 'alt="a &quot;rising&quot; line"' in page and "<em>It rises.</em>" in page
    assert not plt.get_fignums(), "a figure of the film was left open"
    data = re.search(r'base64,([^"]+)"', page)
    assert data
    film = Image.open(io.BytesIO(base64.b64decode(data[1])))
    assert film.format == "WEBP" and getattr(film, "n_frames", 1) == 4
    first = np.asarray(film.convert("RGB"))
    film.seek(3)
    assert not np.array_equal(first, np.asarray(film.convert("RGB")))
    assert not plt.get_fignums()
