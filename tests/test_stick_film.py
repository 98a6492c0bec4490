"""Films of skeletons as SVG, her filmed clip, and the curves of lesson 19."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from rsclib.openbench.people import posed
from rsclib.skeleton import J14_BONES
from rsclib.viz import motion, stick_film
from rsclib.viz.filmed import filmed, her_motion

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Pages that are displayed."""
    pages: list[str] = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, raw: pages.append(data["text/html"])
    )
    return pages


def drawing(page: str) -> ET.Element:
    data = re.search(r'base64,([^"]+)"', page)
    assert data
    return ET.fromstring(base64.b64decode(data[1]))


def joints(seed: int, frames: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.3, (frames, 14, 3))


def numbers(path: str) -> np.ndarray:
    return np.array(re.findall(r"-?\d+", path), float).reshape(-1, 2, 2)


def test_every_frame_of_the_film_has_its_bones_where_the_joints_are(shown: list[str]) -> None:
    truth, guess = joints(0), joints(1)
    stick_film.stick_film(truth, {"a <b>": guess}, 'two "sticks"', "They move.", milliseconds=50)
    assert 'alt="two &quot;sticks&quot;"' in shown[0] and "<em>They move.</em>" in shown[0]
    root = drawing(shown[0])
    assert "a <b>" in [text.text for text in root.iter(f"{SVG}text")]
    paths = list(root.iter(f"{SVG}path"))
    for path, film in zip(paths, (truth, guess), strict=True):
        move = path.find(f"{SVG}animate")
        assert move is not None and move.get("calcMode") == "discrete"
        values = move.attrib["values"].split(";")
        assert len(values) == len(move.attrib["keyTimes"].split(";")) == len(film)
        assert values[0] == path.get("d")
        for value, frame in zip(values, film, strict=True):
            ends = (numbers(value) - (300, 480)) / 500
            assert np.allclose(ends, frame[np.array(J14_BONES)][..., :2], atol=0.0011)
        times = [float(t) for t in move.attrib["keyTimes"].split(";")]
        assert times[0] == 0 and np.all(np.diff(times) > 0) and times[-1] < 1
        assert move.get("dur") == "0.6s"  # four frames of 50 ms, the last one eight times as long


def test_pictures_go_by_in_step(shown: list[str]) -> None:
    seen = np.random.default_rng(2).integers(0, 255, (5, 8, 8, 3), dtype=np.uint8)
    stick_film.stick_film(joints(0), {"x": joints(1)}, "a picture and a stick", "-", seen)
    picture = next(drawing(shown[0]).iter(f"{SVG}image"))
    move = picture.find(f"{SVG}animate")
    assert move is not None and move.get("values") == "0;-8;-16;-24;-32"
    assert picture.get("height") == "40"


def test_a_strip_has_a_panel_a_frame(shown: list[str]) -> None:
    films = {"turned": joints(1), "frozen": joints(2)}
    stick_film.strip(joints(0), films, (0, 2, 4), "two rows of three frames", "-")
    root = drawing(shown[0])
    assert len(list(root.iter(f"{SVG}path"))) == 2 * 3 * 2
    assert not list(root.iter(f"{SVG}animate"))
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert words == ["turned", "frame 0", "frame 2", "frame 4", "frozen"]


def someone(pose: np.ndarray, clip: str) -> dict[str, np.ndarray]:
    """What a test part knows of one person."""
    return {
        "clip": np.array([clip]), "pose": pose.reshape(1, 72), "person": np.array([9000]),
        "betas": np.zeros((1, 10), np.float32), "place": np.array(["workshop"]),
    }  # fmt: skip


def test_the_filmed_clip_goes_through_her_picture() -> None:
    from rsclib.openbench import poses as P
    from rsclib.openbench.motions import mirror_poses, shipped_motions

    clip = shipped_motions()["walk"]
    rng = np.random.default_rng(3)
    frame = P.without_heading(mirror_poses(clip.poses[20:21]))
    pose = P.place_in_camera(frame, P.sample_headings(rng, 1), P.sample_cameras(rng, 1))[0]
    data = someone(pose, "walk")
    poses, _, up = her_motion(data, 0)
    seen = posed(np.stack([pose, poses[20]]), np.zeros((2, 10), np.float32))[0].joints14
    assert (seen[0] - seen[1]).norm(dim=-1).max() < 1e-4  # mirrored and turned as she was
    assert np.allclose(up @ up.T, np.eye(3), atol=1e-6)
    film = filmed(data, 0, size=32)
    assert film["images"].shape == (len(clip.poses), 32, 32, 3) and film["images"].dtype == np.uint8
    assert np.allclose(film["joints14"][20], seen[0], atol=1e-4)
    assert film["up"][1] < -0.5  # y points down in the picture
    again = filmed(data, 0, size=32)
    assert np.array_equal(film["images"], again["images"])
    assert not np.array_equal(film["images"][0], film["images"][10])


def bars(figure: Any) -> list[list[float]]:
    return [[bar.get_width() for bar in axis.patches] for axis in figure.axes]


def test_curves_show_what_they_are_given() -> None:
    truth, guess = joints(0, 9), joints(1, 9)
    figure = motion.one_joint({"truth": truth, "guess": guess}, 5, "left ankle")
    height, second = (axis.lines[1].get_ydata() for axis in figure.axes)
    assert np.allclose(height, -1000 * guess[:, 5, 1])
    assert np.allclose(second, np.diff(-1000 * guess[:, 5, 1], 2))
    table = pd.DataFrame({"MPJPE": [3.0, 1.0], "ACC": [0.0, 2.0]}, index=["turned", "jittery"])
    panels = motion.metric_panels(table)
    assert bars(panels) == [[3.0, 1.0], [0.0, 2.0]]
    stars = [["\N{BLACK STAR}" in text.get_text() for text in axis.texts] for axis in panels.axes]
    assert stars == [[False, True], [True, False]]
    rates = motion.rate_plot((30, 15), {"walk": (1.0, 4.0)})
    assert rates.axes[1].lines[0].get_ydata().tolist() == [0.9, 0.9]
    values, jump = np.array([1.0, 9.0, 2.0]), np.array([False, True, False])
    joined = motion.joined_plot(values, jump, ["a", "a", "b"])
    words = [text.get_text() for text in joined.axes[0].get_legend().get_texts()]
    assert "mean without 1.5, with 4.0" in words
    curve = [{"ACC-ERR": 5.0, "MPJPE": 80.0}, {"ACC-ERR": 3.0, "MPJPE": 81.0}]
    plane = motion.filter_plot((3, 5), {"f": curve, "g": curve}, {"frozen": curve[1]})
    assert plane.axes[0].lines[0].get_ydata().tolist() == [5.0, 3.0]
    assert [line.get_label() for line in plane.axes[1].lines] == ["frozen", "f", "g"]
    plt.close("all")
