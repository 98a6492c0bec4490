"""Ten thousand spoilt images: an upright uint8 RGB array or one line, never anything else."""

from __future__ import annotations

import io
import logging
import re
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image, ImageFile, ImageOps

from rsclib.errors import RscError
from rsclib.files import photos
from rsclib.files.photos import MAX_PIXELS, crop, read_image, square
from tests.attacks.images import bad_floats, bombs, encode, picture, spoil, valid

VALID = valid()
SPOILT = 10_000
# libtiff, a C library, writes its own lines on damaged TIFF files, which Pillow cannot stop.
LIBTIFF = re.compile(r"[\w.]+: .+")


def outcome(content: bytes) -> np.ndarray | None:
    """The image, or None where it was refused in the documented way."""
    try:
        image = read_image(content)
    except RscError as error:
        line = str(error)
        assert "\n" not in line and line.isprintable() and len(line) > 20
        return None
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size
    assert image.flags.writeable
    return image


def test_ten_thousand(capfd: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    names, count, read = list(VALID), 0, 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for k in range(SPOILT):
            content = VALID[names[k % len(names)]]
            for _ in range(1 + k % 2):
                content = spoil(content, rng) or b"x"
            read += outcome(content) is not None
            count += 1
    assert count == SPOILT
    assert 500 < read < SPOILT - 500, "neither all read nor all refused: the test bites"
    out, err = capfd.readouterr()
    leaked = [line for line in err.splitlines() if not LIBTIFF.fullmatch(line)]
    assert not out and not leaked, leaked[:5]


def test_what_is_valid_is_read() -> None:
    assert len(VALID) > 200
    for name, content in VALID.items():
        assert outcome(content) is not None, name


def test_truncated_is_refused_or_whole() -> None:
    """Never half an image: what is read from the beginning of a file equals the whole."""
    count = 0
    for name, content in VALID.items():
        if "(24, 18)" not in name and "(" in name:
            continue
        whole = outcome(content)
        for length in np.linspace(0, len(content) - 1, 12).astype(int):
            image = outcome(content[:length])
            # Where EXIF or a transparent colour is stored last, its loss is seen: refused, too.
            assert image is None or np.array_equal(image, whole), (name, length)
            count += 1
    assert count > 1000


@pytest.mark.parametrize("bomb", [c for _, c in bombs()], ids=[n for n, _ in bombs()])
def test_bombs(bomb: bytes) -> None:
    tracemalloc.start()
    try:
        assert outcome(bomb) is None or len(bomb) > 50_000  # the text is not the image's
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_the_guard_does_not_depend_on_pillows_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(RscError, match="64 megapixels"):
        read_image(dict(bombs())["PNG 20000 0"])
    with pytest.raises(RscError, match="cut short"):
        read_image(VALID["PNG RGB (24, 18)"][:-40])
    assert ImageFile.LOAD_TRUNCATED_IMAGES, "left as it was"


def test_numbers_that_are_not_levels() -> None:
    for name, content in bad_floats():
        assert outcome(content) is None, name


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations(kind: str, orientation: int) -> None:
    content = VALID[f"{kind} turned {orientation}"]
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    np.testing.assert_array_equal(read_image(content), np.asarray(expected))


def test_levels_and_transparency() -> None:
    rng = np.random.default_rng(1)
    deep = picture("I;16", 9, 7, rng)
    for kind in ("PNG", "TIFF", "PPM"):
        read = read_image(encode(deep, kind))[..., 0]
        assert np.abs(read - np.asarray(deep) / 257).max() <= 0.5 + 1e-3, kind
    clear = Image.fromarray(np.uint8([[[255, 0, 0, 255], [255, 0, 0, 0]]]), "RGBA")
    assert read_image(encode(clear, "PNG")).tolist() == [[[255, 0, 0], [128, 128, 128]]]
    floats = Image.fromarray(np.float32([[0, 0.5, 1]]))
    assert read_image(encode(floats, "TIFF"))[0, :, 0].tolist() == [0, 128, 255]
    floats = Image.fromarray(np.float32([[0, 100, 255]]))
    assert read_image(encode(floats, "TIFF"))[0, :, 0].tolist() == [0, 100, 255]


def test_paths(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("%!PS-Adobe-3.0 EPSF-3.0\nshowpage")
    for path in (
        tmp_path, tmp_path / "none.png", tmp_path / "empty.png", tmp_path / "text.jpg",
        tmp_path / ("x" * 300), tmp_path / "nul\0.png", Path("/dev/zero"),
    ):  # fmt: skip
        with pytest.raises(RscError) as caught:
            read_image(path)
        assert "\n" not in str(caught.value)
    (tmp_path / "good.png").write_bytes(VALID["PNG RGB (24, 18)"])
    assert read_image(tmp_path / "good.png").shape == (18, 24, 3)
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_too_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open(tmp_path / "large.png", "wb") as file:
        file.truncate(photos.MAX_BYTES + 1)  # sparse: it takes no space
    with pytest.raises(RscError, match="256 MB"):
        read_image(tmp_path / "large.png")


# --- the crop --------------------------------------------------------------------------------

numbers = st.one_of(st.floats(), st.integers(-50, 50), st.sampled_from([2**70, -0.0, 1e-300]))
boxes = st.one_of(
    st.none(), st.lists(numbers, max_size=6), st.tuples(numbers, numbers, numbers, numbers),
    st.text(max_size=4), st.lists(st.text(max_size=2), min_size=4, max_size=4), st.integers(),
)  # fmt: skip


@given(st.integers(1, 40), st.integers(1, 40), boxes, st.one_of(st.integers(-3, 300), st.none()))
@example(5, 5, (0, 0, 10**400, 1), 8)
@example(5, 5, (float("nan"), 0, 1, 1), 8)
@example(5, 5, (0, 0, 0, 5), 8)
@example(5, 5, (-1, 0, 3, 3), 8)
def test_any_box(height: int, width: int, box: object, size: object) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    try:
        cut, native = crop(image, box, size)  # type: ignore[arg-type]
    except RscError:
        return
    assert cut.shape == (size, size, 3) and cut.dtype == np.uint8
    assert 1 <= native <= max(height, width)


@given(st.data())
def test_crop_equals_padding_by_hand(data: st.DataObject) -> None:
    h, w = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 20))
    x, y = data.draw(st.integers(0, w - 1)), data.draw(st.integers(0, h - 1))
    box = (x, y, data.draw(st.integers(1, w - x)), data.draw(st.integers(1, h - y)))
    image = np.random.default_rng(h * w).integers(0, 256, (h, w, 3)).astype(np.uint8)
    left, top, side = square(image.shape, box)
    cut, native = crop(image, box, side)  # at its own size: no resampling
    padded = np.pad(image, ((40, 40), (40, 40), (0, 0)), mode="edge")
    naive = padded[40 + top : 40 + top + side, 40 + left : 40 + left + side]
    np.testing.assert_array_equal(cut, naive)
    assert native == side == max(box[2:])
    assert left <= x and top <= y and left + side >= x + box[2] and top + side >= y + box[3]


def test_crop_of_something_else() -> None:
    for image in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8),
                  np.zeros((4, 4, 4), np.uint8), None, [[1]]):  # fmt: skip
        with pytest.raises(RscError, match="read_image"):
            crop(image)  # type: ignore[arg-type]


def test_a_long_strip_is_no_bomb() -> None:
    strip = np.zeros((1, 60_000, 3), np.uint8)
    assert strip.shape[1] ** 2 > MAX_PIXELS
    with pytest.raises(RscError, match="box of at most 8000"):
        crop(strip)
    assert crop(strip, (59_000, 0, 1000, 1))[1] == 1000
