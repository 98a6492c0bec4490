"""Lesson 23's pictures and its widget: what they show is what was computed."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from rsclib.body import load_body
from rsclib.errors import RscError
from rsclib.files.photos import Photo, crop
from rsclib.metrics import mpjpe
from rsclib.network import RSCNet
from rsclib.pictured import Where, people_in
from rsclib.predictor import NetPredictor
from rsclib.viz import own, upload
from tests.attacks.images import encode
from tests.toys import RANGES, TINY, random_arrays


@pytest.fixture(scope="module")
def predictor() -> NetPredictor:
    torch.manual_seed(0)
    net = RSCNet(TINY).eval()
    with torch.no_grad():
        for head in (net.regressor.decpose, net.regressor.decshape, net.regressor.deccam):
            head.weight.mul_(30)
    return NetPredictor(net, load_body(), RANGES)


def test_the_boxes_are_tight_around_what_was_pasted() -> None:
    data = random_arrays(2) | {"mask": np.zeros((2, 128, 16), np.uint8)}
    mask = np.zeros((2, 128, 128), np.uint8)
    mask[0, 20:120, 40:90] = mask[1, 64:128, 0:32] = 1
    data["mask"] = np.packbits(mask, axis=2)
    shot, boxes = own.crowded_street(data, {0: (100, 50, 128), 1: (400, 100, 64)})
    assert shot.shape == (300, 1024, 3)
    np.testing.assert_allclose(boxes, [(140, 70, 50, 100), (400, 132, 16, 32)])
    back = np.asarray(Image.fromarray(own.street()).resize((1024, 300), Image.Resampling.BICUBIC))
    changed = (shot != back).any(-1)
    rows, columns = np.nonzero(changed[:, :300])
    assert 66 <= rows.min() <= 71 and 168 <= rows.max() <= 173
    assert 136 <= columns.min() <= 141 and 188 <= columns.max() <= 193


def test_a_tightened_square_is_the_middle_of_the_picture() -> None:
    images = random_arrays(2)["images"]
    assert torch.equal(own.tightened(images, 1.0), torch.from_numpy(images).permute(0, 3, 1, 2))
    ramp = np.tile(np.arange(0, 256, 2, dtype=np.uint8)[None, :, None], (128, 1, 3))[None]
    half = own.tightened(ramp, 0.5)[0, 0, 64].float()
    assert half[0] == pytest.approx(64, abs=2) and half[-1] == pytest.approx(191, abs=2)
    wide = own.tightened(ramp, 2.0)[0, 0, 64]
    assert (wide[:28] == 0).all() and (wide[-28:] == 254).all()


def test_movement_and_looks(predictor: NetPredictor) -> None:
    images = np.ascontiguousarray(random_arrays(5)["images"][:, ::4, ::4])
    moved = own.movement(predictor, images, (0.9, 1.0, 1.1), 32)
    assert moved.shape == (3, 5) and (moved[1] == 0).all() and (moved[0] > 0).all()
    plain, other = (own.joints_at(predictor, own.tightened(images, f), 32) for f in (1.0, 0.9))
    np.testing.assert_allclose(moved[0], mpjpe(other, plain, root=None), rtol=1e-6)
    assert own.jumpers(np.array([3.0, 9, 1]), 2) == [1, 0]
    batch = torch.from_numpy(images).permute(0, 3, 1, 2)
    a, b, apart = own.two_looks(predictor, batch, 32)
    flipped = own.two_looks(predictor, batch.flip(3), 32)
    torch.testing.assert_close(a, flipped[1])
    np.testing.assert_allclose(apart, flipped[2], rtol=1e-4)
    assert not torch.allclose(a, b)


def test_what_the_figures_show(predictor: NetPredictor) -> None:
    moved = np.array([[5.0, 9, 40], [0, 0, 0], [4, 6, 80]])
    figure = own.movement_figure((0.9, 1.0, 1.1), moved, 7.0)
    lines = {line.get_label(): line.get_xydata().round(6).tolist() for line in figure.axes[0].lines}
    assert lines["median person"] == [[-10, 9], [0, 0], [10, 6]]
    assert lines["who moves most"] == [[-10, 40], [10, 80]] and lines["your guess"] == [[-4, 7]]
    figure = own.agreement_figure(np.array([10.0, 100, 95]), np.array([50.0, 200, 60]), 95)
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["nothing said: 2 people", "unsure: 1 people"]
    pixels = random_arrays(1)["images"][0]
    boxes = np.array([(10.0, 5, 20, 35), (60, 20, 6, 15)])
    people = people_in(Photo(pixels, None), predictor, Where(boxes=lambda _: boxes))
    figure = own.squares_figure(pixels, people)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words == ["0: 42 px\nrange 0", "1: 18 px\nrange 2"]
    assert [p.get_width() for p in figure.axes[0].patches] == pytest.approx([20, 42, 6, 18])
    views = {str(k): own.as_view(person) for k, person in enumerate(people)}
    figure = own.side_by_side(views, predictor.body)
    assert [axis.get_title() for axis in figure.axes[:2]] == ["0", "1"] and len(figure.axes) == 6
    plt.close("all")


def test_the_spoilt_pictures() -> None:
    a, b = random_arrays(2)["images"]
    spoilt = own.spoilt_views(a, b)
    assert all(v.shape == a.shape and v.dtype == np.uint8 for v in spoilt.values())
    np.testing.assert_array_equal(spoilt["upside down"], np.rot90(a, 2))
    np.testing.assert_array_equal(spoilt["two in a box"][:, 64:], b[:, 32:96])
    assert spoilt["nearly black"].max() <= 13
    half = Image.fromarray(a[:64, 32:96]).resize((128, 128), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(spoilt["legs cut off"], np.asarray(half))


# --- the widget ------------------------------------------------------------------------------


def chosen(content: bytes, name: str = "mine.png") -> tuple[dict[str, Any], ...]:
    """As ipywidgets 8 gives a file that was chosen."""
    when = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    file = {"name": name, "type": "image/png", "size": len(content), "last_modified": when}
    return (file | {"content": memoryview(content)},)


def test_a_photograph_a_box_and_a_size_are_followed(predictor: NetPredictor) -> None:
    first = Photo(random_arrays(1)["images"][0], None)
    widget = upload.Upload(first, "noise", predictor, box=(0, 0, 64, 64), size=28)
    assert widget.said.value.startswith("28 px, range 1; picture and mirror image are ")
    shown = [widget.picture.value]
    assert re.search(r'alt="Three panels of noise at 28 px', shown[0])
    widget.size.value = 24
    shown.append(widget.picture.value)
    assert "24 px, range 1" in widget.said.value
    mine = np.random.default_rng(1).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    widget.file.value = chosen(encode(Image.fromarray(mine), "PNG"), "<b>.png")
    shown.append(widget.picture.value)
    assert widget.box.value == "" and "the photograph &lt;b&gt;.png at 24 px" in shown[-1]
    np.testing.assert_array_equal(widget.photo.pixels, mine)
    widget.box.value = "5, 5, 12 20"
    shown.append(widget.picture.value)
    assert "20 px, range 2; the picture has no more than 20 px of it" in widget.said.value
    assert len(set(shown)) == 4
    for words, said in (("1 2 3", "a box is four numbers"), ("0 0 90 9", "leaves the image")):
        widget.box.value = words
        assert said in widget.said.value and widget.picture.value == shown[-1]
    widget.file.value = chosen(b"<script>", "bad.png")
    assert "not an image of a known format" in widget.said.value and "<" not in widget.said.value
    np.testing.assert_array_equal(widget.photo.pixels, mine)
    plt.close("all")


def test_the_number_of_the_widget_is_that_of_the_picture(predictor: NetPredictor) -> None:
    pixels = random_arrays(1)["images"][0]
    cut, native = crop(pixels, None, RANGES.full)
    (person,) = people_in(Photo(pixels, None), predictor)
    figure, apart = upload.look_figure(cut, native, predictor)
    assert apart == pytest.approx(person.unsure_mm, rel=1e-3)
    assert [axis.get_title() for axis in figure.axes] == ["128 px", "body", "from the side"]
    plt.close("all")


def test_nothing_chosen_and_odd_boxes() -> None:
    with pytest.raises(RscError, match="no file"):
        upload.uploaded(())
    assert upload.box_of("  ") is None and upload.box_of("1,2, 3 4.5") == (1, 2, 3, 4.5)
    with pytest.raises(RscError, match="four numbers"):
        upload.box_of("a b c d")


def test_the_lesson_shows_no_foreign_person() -> None:
    """Its pictures are rendered or measured; none is read from a file of the repository."""
    text = (Path(__file__).parents[1] / "notebooks/23_own_images.ipynb").read_text(encoding="utf-8")
    assert "street_clip" not in text and "read_photo(" not in text
