"""Pictures of the lessons: what a reader gets, and that a drawing shows what is true."""

from __future__ import annotations

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from rsclib import viz
from rsclib.body import Body, load_body
from rsclib.geometry import axis_angle_to_rotmat
from rsclib.scores import Scores
from rsclib.viz import bodies
from rsclib.viz.html import webp_of
from rsclib.viz.interactive import decimated


@pytest.fixture(scope="module")
def body() -> Body:
    return load_body()


def _picture(page: str) -> Image.Image:
    found = re.search(r'src="data:image/webp;base64,([^"]+)"', page)
    assert found
    return Image.open(io.BytesIO(base64.b64decode(found[1])))


def test_a_figure_is_sharp_and_says_what_it_shows() -> None:
    figure, axis = plt.subplots(figsize=(3, 2))
    axis.plot([0, 1])
    page = viz.figure_html(figure, 'a "rising" line & more', "It <rises>.")
    assert 'alt="a &quot;rising&quot; line &amp; more"' in page
    assert "<figcaption><em>It &lt;rises&gt;.</em></figcaption>" in page
    shown = re.search(r'width="(\d+)"', page)
    assert shown and abs(_picture(page).width - 2 * int(shown[1])) <= 1
    assert not plt.fignum_exists(figure.number)
    assert "figcaption" not in viz.figure_html(plt.figure(), "nothing to be seen")


def test_photographs_keep_their_colours_and_plots_every_pixel() -> None:
    x = np.linspace(0, 255, 64)
    photograph = np.stack(np.broadcast_arrays(x[:, None], x[None], 128.0), -1).astype(np.uint8)
    figure, axis = plt.subplots(figsize=(3, 3))
    axis.imshow(photograph)
    drawn = Image.open(io.BytesIO(webp_of(figure)[0])).convert("RGB")
    assert len(drawn.getcolors(10**6)) > 1000  # a palette would have 256

    figure, axis = plt.subplots(figsize=(3, 3))
    axis.plot([0, 1])
    raw = io.BytesIO()
    figure.savefig(raw, format="png", dpi=144, bbox_inches="tight", pad_inches=0.05)
    exact = Image.open(io.BytesIO(webp_of(figure)[0])).convert("RGB")
    assert np.array_equal(np.asarray(exact), np.asarray(Image.open(raw).convert("RGB")))


def test_showing_gives_a_reader_the_alternative_text(capsys: pytest.CaptureFixture[str]) -> None:
    viz.show(plt.figure(), "an empty picture", "Nothing.")
    assert "an empty picture" in capsys.readouterr().out


def test_the_heading_is_where_the_belly_points() -> None:
    def turned(degrees: float) -> torch.Tensor:
        # Camera axes: y points down, so the body stands on its head before it is turned over.
        over = axis_angle_to_rotmat(torch.tensor([np.pi, 0.0, 0.0], dtype=torch.float32))
        about = axis_angle_to_rotmat(
            torch.tensor([0.0, -np.radians(degrees), 0.0], dtype=torch.float32)
        )
        return (about @ over).float().expand(1, 24, 3, 3)

    assert [round(viz.heading(turned(d))) for d in (0, 40, -70, 170)] == [0, 40, -70, 170]


def test_a_coarse_mesh_is_the_same_body(body: Body) -> None:
    merged, faces = decimated(body)
    vertices = body.template.numpy()
    count = merged.max() + 1
    assert merged.shape == (6890,) and count < 1500 and faces.max() < count
    assert len(np.unique(np.sort(faces, 1), axis=0)) == len(faces) < 4000
    mean = np.stack([np.bincount(merged, weights=axis) for axis in vertices.T], 1)
    mean /= np.bincount(merged)[:, None]
    assert np.linalg.norm(mean[merged] - vertices, axis=1).max() < 0.08
    data = viz.mesh_figure({"a": vertices, "b": vertices}, body, truth=vertices).data
    assert [trace.name for trace in data] == ["truth, beside a", "a", "truth, beside b", "b"]


def test_a_crowd_changes_only_where_people_stand() -> None:
    mask = np.zeros((1, 128, 16), np.uint8)
    mask[0, 32:96, 4:12] = 255
    data = {"images": np.full((1, 128, 128, 3), 200, np.uint8), "mask": mask}
    street = viz.street()
    shot = viz.crowd(street, data, {0: (100, 90)})
    assert (shot[106, 116] == 200).all()
    changed = np.argwhere((shot != street).any(-1))
    assert changed.min(0).tolist() >= [90, 100] and changed.max(0).tolist() <= [121, 131]


def test_the_difference_is_drawn_with_its_sign() -> None:
    clips = np.repeat(["a", "b", "c"], 10)
    base = np.random.default_rng(0).normal(100, 20, 30)
    errors = {("ours", 32, "mpjpe"): base - 12, ("theirs", 32, "mpjpe"): base}
    scores = Scores("test-wild", clips, errors)
    table = viz.difference_table(scores, "ours", "theirs", [32])
    assert table.loc["32 px", "difference"] == "-12.0 [-12.0, -12.0]"
    (axis,) = viz.difference_plot(scores, "ours", "theirs", [32]).axes
    assert [text.get_text() for text in axis.texts] == ["−12.0"]
    (axis,) = viz.gains_plot(scores, "ours", "theirs", 32, {3: "number 3"}).axes
    assert [text.get_text() for text in axis.texts] == ["number 3"]
    plt.close("all")


def test_bodies_share_one_scale_and_a_slider_holds_every_state(body: Body) -> None:
    small, tall = body.template.numpy() * np.float32(0.8), body.template.numpy()
    views = [bodies.View("small", small, 30), bodies.View("tall", tall, joints=body.t_pose_joints.numpy())]  # fmt: skip
    figure = bodies.bodies(views, body, columns=2)
    drawn = [axis.get_images()[0] for axis in figure.axes]
    assert drawn[0].get_extent() == drawn[1].get_extent()
    high = [np.flatnonzero((np.asarray(i.get_array()) < 0.99).any((1, 2))) for i in drawn]
    small_rows, tall_rows = (rows[-1] - rows[0] for rows in high)
    assert (
        abs(small_rows / tall_rows - 0.8) < 0.02 and tall_rows > 0.9 * drawn[1].get_array().shape[0]
    )
    plt.close("all")
    states = {name: (v, body.t_pose_joints.numpy()) for name, v in (("a", small), ("b", tall))}
    figure = bodies.growing(states, body)
    assert [step.label for step in figure.layout.sliders[0].steps] == ["a", "b"]
    assert max(figure.frames[1].data[0].z) == pytest.approx(1000 * tall[:, 1].max(), abs=40)


def test_a_film_moves_and_says_what_it_shows(body: Body) -> None:
    still = body(torch.eye(3).expand(1, 24, 3, 3), torch.zeros(1, 10))
    truth = viz.about_pelvis(still) * np.array([1, -1, -1], np.float32)  # the camera's axes
    frames = [viz.two_bodies(truth, truth + move, body, size=64) for move in (0, 0.3)]
    assert (frames[0] != frames[1]).any() and (frames[0][0] == 255).all()  # on white
    page = viz.film_html(frames, (500, 80), 'two "bodies"', "One moves.")
    assert 'alt="two &quot;bodies&quot;"' in page and "<em>One moves.</em>" in page
    data = base64.b64decode(page.split("base64,")[1].split('"')[0])
    film = Image.open(io.BytesIO(data))
    assert film.n_frames == 2 and film.info["loop"] == 0


def test_errors_over_the_steps_are_drawn_where_they_are() -> None:
    errors = np.array([[300.0, 320.0], [100.0, 120.0], [150.0, 170.0]])  # start and two steps
    figure = viz.starts_plot({"a loop": {"usual": errors, "other": 2 * errors}}, 1, [2.0, 1.0])
    curves, bars = figure.axes
    assert curves.lines[0].get_ydata().tolist() == [310.0, 110.0, 160.0]
    assert [bar.get_height() for bar in bars.patches] == [2.0, 1.0]
    turns = torch.linspace(0, 2 * torch.pi, 361)
    three = torch.stack([0 * turns, (turns + torch.pi) % (2 * torch.pi) - torch.pi, 0 * turns], 1)
    torn, whole = viz.turn_plot(turns, three, three.cos().repeat(1, 2)).axes
    assert sum(np.isnan(line.get_ydata()).sum() for line in torn.lines) >= 1
    assert not any(np.isnan(line.get_ydata()).any() for line in whole.lines)
    assert viz.loop_diagram().axes[0].texts
    plt.close("all")
