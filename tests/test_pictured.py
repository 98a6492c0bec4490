"""Bodies in a picture: the mirror image, squares and cameras, files of several people, the page."""

from __future__ import annotations

import json
import os
import re
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rsclib.body import Body, load_body
from rsclib.cli import main
from rsclib.doubts import disagreement
from rsclib.errors import RscError
from rsclib.files import heif
from rsclib.files.named import IMAGES, images_named
from rsclib.files.photos import Photo, crop, read_image
from rsclib.files.video import is_video
from rsclib.geometry import CROP, FOCAL, axis_angle_to_rotmat, project
from rsclib.mirror import mean_of_two_looks, mean_rotation, mirrored_back
from rsclib.network import Prediction, RSCNet
from rsclib.pictured import Where, people_in
from rsclib.predict import OF_PERSON, outputs, predict_photo
from rsclib.predictor import NetPredictor
from rsclib.render.export import write_glb
from rsclib.viz.picture_page import LARGEST, picture_html, shown
from tests.attacks.images import encode, spoil
from tests.test_browser import CHROMIUM, FLAGS
from tests.toys import RANGES, TINY


@pytest.fixture(scope="module")
def body() -> Body:
    return load_body()


@pytest.fixture
def predictor(body: Body) -> NetPredictor:
    torch.manual_seed(0)
    net = RSCNet(TINY).eval()
    with torch.no_grad():  # else all pictures look the same to it
        for head in (net.regressor.decpose, net.regressor.decshape, net.regressor.deccam):
            head.weight.mul_(30)
    return NetPredictor(net, body, RANGES)


def noise(width: int = 90, height: int = 60) -> np.ndarray:
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 9, 3)).astype(np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


# --- two looks -------------------------------------------------------------------------------


def answer(seed: int = 0) -> Prediction:
    g = torch.Generator().manual_seed(seed)
    rotmats = axis_angle_to_rotmat(0.6 * torch.randn(2, 24, 3, generator=g))
    rest = (torch.randn(2, n, generator=g) for n in (10, 3, 5, 4))
    return Prediction(rotmats, *rest)


def test_an_answer_brought_back_is_the_mirrored_body(body: Body) -> None:
    """What the joints of the body itself say, not the formula again."""
    said = answer()._replace(betas=torch.zeros(2, 10))
    back = mirrored_back(said)
    a, b = (body.joints(p.rotmats, p.betas).joints14 for p in (said, back))
    assert float(disagreement(b, a).max()) < 16, "mm; the open body is nearly symmetric"
    assert float(disagreement(a, a).min()) > 60, "these poses are not their own mirror images"
    torch.testing.assert_close(back.rotmats.det(), torch.ones(2, 24))
    again = mirrored_back(back)
    for one, other in zip(again, said, strict=True):
        torch.testing.assert_close(one, other)
    points = []
    for side, seen in ((1, said), (-1, back)):
        cam = torch.tensor([[0.9, 0.3 * side, 0.1]]).expand(2, -1)
        points.append(project(body.joints(seen.rotmats, seen.betas).joints24, cam)[:, 0])
    off = points[1] - points[0] * torch.tensor([-1.0, 1.0])
    assert off.abs().max() < 0.02, "the pelvis is where the mirror shows it"


def test_the_mean_of_two_looks() -> None:
    said = answer()
    same = mean_of_two_looks(said, mirrored_back(said))
    for name in ("rotmats", "betas", "cam", "phi"):
        torch.testing.assert_close(getattr(same, name), getattr(said, name), atol=1e-5, rtol=0)
    there = mirrored_back(answer(1)._replace(phi=said.phi))
    mean = mean_of_two_looks(said, there)
    torch.testing.assert_close(mean.cam, (said.cam + answer(1).cam) / 2)
    eye = torch.eye(3).expand(2, 24, 3, 3)
    torch.testing.assert_close(mean.rotmats @ mean.rotmats.mT, eye, atol=1e-5, rtol=0)


@given(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5), st.integers(0, 99))
def test_half_way_about_one_axis_is_the_mean_angle(a: float, b: float, seed: int) -> None:
    axis = torch.randn(3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    axis = axis / axis.norm()
    first, second, half = (axis_angle_to_rotmat(axis * v) for v in (a, b, (a + b) / 2))
    torch.testing.assert_close(mean_rotation(first, second), half, atol=1e-7, rtol=0)


def test_mirroring_the_picture_mirrors_the_mean(predictor: NetPredictor) -> None:
    """Of both looks no one comes first."""
    pixels = noise(64, 64)
    looks = [people_in(Photo(p, None), predictor, None, 2)[0] for p in (pixels, pixels[:, ::-1])]
    back = mirrored_back(looks[1].prediction)
    torch.testing.assert_close(looks[0].prediction.rotmats, back.rotmats, atol=1e-3, rtol=0)
    torch.testing.assert_close(looks[0].prediction.cam, back.cam, atol=1e-3, rtol=0)
    assert looks[0].unsure_mm == pytest.approx(looks[1].unsure_mm, rel=1e-2)


# --- squares and cameras ---------------------------------------------------------------------


def test_without_boxes_it_is_the_crop(predictor: NetPredictor) -> None:
    pixels = noise()
    for box in (None, (20.0, 10.0, 24.0, 30.0)):
        (person,) = people_in(Photo(pixels, None), predictor, Where(box=box))
        cut, native = crop(pixels, box, RANGES.full)
        np.testing.assert_array_equal(person.cut, cut)
        assert person.native == native and person.range_index == int(RANGES.index(native))


def test_each_box_has_its_own_range_and_place(predictor: NetPredictor) -> None:
    boxes = np.array([(10.0, 5, 20, 35), (50, 20, 6, 10), (-4, 30, 20, 40)])
    where = Where(boxes=lambda pixels: boxes, margin=1.5)
    people = people_in(Photo(noise(), None), predictor, where)
    assert [p.native for p in people] == [52, 15, 60]
    assert [p.range_index for p in people] == [0, 3, 0]
    assert people[0].square == pytest.approx((20 - 26.25, 22.5 - 26.25, 52.5))
    for person in people:
        normal = project(torch.from_numpy(person.joints24)[None], person.prediction.cam)[0].numpy()
        left, top, side = person.square
        wanted = np.array([left, top]) + (normal + 1) / 2 * side  # what Eq. 3 says of the crop
        np.testing.assert_allclose(person.in_picture(person.joints24), wanted, atol=0.02)
        assert person.focal == pytest.approx(FOCAL * side / CROP)
        # One camera for all: the origin lies on the same pixel, as large as before.
        at, focal = person.standing(90, 60), float(np.hypot(60, 90))
        origin = person.in_picture(np.zeros((1, 3), np.float32))[0]
        np.testing.assert_allclose(at[:2] / at[2] * focal + [45, 30], origin, atol=0.6)
        assert focal / at[2] == pytest.approx(person.focal / person.translation[2], rel=1e-5)


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (np.zeros((0, 4)), "nobody was found"),
        (np.array([(95.0, 5, 10, 10)]), "outside the image, which has 90 x 60"),
        (np.array([(0.0, 0, 1e5, 1e5)]), "too large"),
    ],
)
def test_boxes_of_a_detector_that_are_of_no_use(
    predictor: NetPredictor, boxes: np.ndarray, message: str
) -> None:
    with pytest.raises(RscError, match=message):
        people_in(Photo(noise(), None), predictor, Where(boxes=lambda pixels: boxes))


# --- files -----------------------------------------------------------------------------------


def test_the_files_of_several_people(tmp_path: Path, predictor: NetPredictor, body: Body) -> None:
    photo, stem = tmp_path / "a.png", tmp_path / "out" / "a"
    Image.fromarray(noise()).save(photo)
    found = np.array([(10.0, 5, 20, 35), (50, 20, 6, 10), (60, 10, 20, 40)])
    for count in (3, 2):  # a call with fewer boxes leaves nobody of the first behind
        line, doubts = predict_photo(
            str(photo), stem, predictor, Where(boxes=lambda pixels, n=count: found[:n]), 2
        )
        people = [f"a-person{k}{suffix}" for k in range(count) for suffix in OF_PERSON]
        assert sorted(os.listdir(stem.parent)) == sorted(
            [*people, "a.glb", "a.html", "a-overlay.jpg"]
        )
        assert line.startswith(f"{photo}: {count} people of 42, 12")
        assert all(re.match(rf"{re.escape(str(photo))}, person \d: ", doubt) for doubt in doubts)
    with np.load(tmp_path / "out" / "a-person1.npz", allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    assert int(arrays["looks"]) == 2 and arrays["box"].tolist() == [50, 20, 6, 10]
    assert arrays["native_px"] == 12 and arrays["range_index"] == 3
    placed = arrays["joints24"] + arrays["translation"]  # the camera says where the joints are
    pixels = placed[:, :2] / placed[:, 2:] * arrays["focal_px"] + arrays["centre_px"]
    np.testing.assert_allclose(pixels, arrays["joints2d"], atol=1e-6)
    assert arrays["joints14_2d"].shape == (14, 2)
    scene = trimesh.load_scene(stem.with_suffix(".glb"))
    assert sorted(scene.geometry) == ["person 0", "person 1"]
    one = trimesh.load_mesh(tmp_path / "out" / "a-person1.glb")
    placed = arrays["vertices"] * [1, -1, -1]
    np.testing.assert_allclose(one.vertices, placed, atol=1e-5)
    np.testing.assert_array_equal(one.faces, body.faces.numpy())
    moved = arrays["picture_translation"] * [1, -1, -1]
    np.testing.assert_allclose(scene.geometry["person 1"].vertices, placed + moved, atol=1e-3)
    assert Image.open(stem.with_name("a-overlay.jpg")).size == (1710, 1140)


def test_what_is_not_of_this_command_stays(tmp_path: Path, predictor: NetPredictor) -> None:
    Image.fromarray(noise()).save(tmp_path / "a.jpg")
    kept = ["a-person7.png", "a-person7.npz", "b-person1.npz", "a-personal.npz"]
    for name in kept:  # a person has four files
        (tmp_path / name).write_bytes(b"mine")
    where = Where(boxes=lambda pixels: np.array([(10.0, 5, 20, 35)]))
    predict_photo(str(tmp_path / "a.jpg"), tmp_path / "a", predictor, where)
    assert all((tmp_path / name).read_bytes() == b"mine" for name in kept)
    # Another photograph that is called like a person has a page of its own, and stays whole.
    theirs = [tmp_path / f"a-person5{end}" for end in (".obj", ".glb", ".npz", ".png", ".html")]
    mine = [tmp_path / f"a-person6{end}" for end in (".obj", ".glb", ".npz", ".png")]
    for path in (*theirs, *mine):
        path.write_bytes(b"")
    predict_photo(str(tmp_path / "a.jpg"), tmp_path / "a", predictor, where)
    assert all(path.exists() for path in theirs) and not any(path.exists() for path in mine)
    with pytest.raises(RscError, match=r"a-overlay\.jpg would be overwritten"):
        outputs([str(tmp_path / "a.jpg"), str(tmp_path / "a-overlay.jpg")], tmp_path)
    both = ["a.jpg", "a-person0.jpg"]
    assert (
        len(outputs(both, tmp_path)) == len(outputs(["b.jpg", both[1]], tmp_path, None, True)) == 2
    )
    with pytest.raises(RscError, match=r"the people of a\.jpg would be called like a-person0\.jpg"):
        outputs(both, tmp_path, None, several=True)


def test_a_mesh_that_is_not_finite_is_not_written(tmp_path: Path, body: Body) -> None:
    with pytest.raises(RscError, match="NaN"):
        write_glb(
            tmp_path / "a.glb", {"a": np.full((6890, 3), np.nan)}, body.faces.numpy(), [(0, 0, 1)]
        )
    assert not list(tmp_path.iterdir())


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5000), st.integers(1, 5000), st.floats(0.02, 3))
def test_the_shown_picture_is_bounded(width: int, height: int, share: float) -> None:
    person: Any = types.SimpleNamespace(square=(0.0, 0.0, max(1.0, share * max(width, height))))
    picture = shown(np.zeros((height, width, 3), np.uint8), [person])
    assert max(picture.pixels.shape) <= LARGEST + 1
    assert person.square[2] * picture.scale <= 801
    assert picture.pixels.shape[0] == max(1, round(height * picture.scale))


# --- the command -----------------------------------------------------------------------------


def test_a_folder_a_pattern_and_boxes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for name in ("in/a.png", "in/b.webp", "c.jpg"):
        Image.fromarray(noise()).save(name)
    Path("in/notes.txt").write_text("no image")
    Path("in/.hidden.png").write_bytes(b"")
    Path("boxes.csv").write_text("image,x1,y1,x2,y2\na.png,10,5,30,40\nc.jpg,50,20,56,30\n")
    words = ["predict", "in", "*.jpg", "--boxes", "boxes.csv", "--looks", "1", "--out", "out"]
    assert main(words) == 2
    said = capsys.readouterr()
    assert [line.split(":")[0] for line in said.out.splitlines()] == ["in/a.png", "c.jpg"]
    errors = [line for line in said.err.splitlines() if "warning" not in line]
    assert errors == [
        "rsc: in/b.webp: boxes.csv has nobody in b.webp; it begins with a.png, c.jpg",
        "rsc: 1 of 3 failed, the others are written",
    ]
    with np.load("out/c-person0.npz", allow_pickle=False) as file:
        assert file["box"].tolist() == [50, 20, 6, 10] and file["looks"] == 1


MISTAKES = {
    "predict *.heic": "no file is called like *.heic",
    "predict a.png --boxes b.csv --box 1 1 9 9": "in one way: --box, --boxes or --detect",
    "predict a.png --box-format xywh": "--box-format says how --boxes is written",
    "predict a.png --boxes b.csv --margin 0.5": "--margin is from 1",
    "predict a.png --boxes b.csv --box-format xyxy": "the columns say x y width height",
    "predict a.png --boxes b.csv": "fit as x1 y1 x2 y2",
    "predict a.png --boxes none.json": "there are no boxes at none.json",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_mistakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(noise()).save("a.png")
    Path("b.csv").write_text("x,y,w,h\n40,20,80,55\n")
    assert main(words.split()) == 2
    error = capsys.readouterr().err
    assert error.startswith("rsc: ") and MISTAKES[words] in error and error.count("\n") == 1


def test_words_become_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.JPG", "a.heic", "c.mp4", "[x].png", "sub/z.png"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    Path("d.png").mkdir()
    assert images_named(["."]) == ["[x].png", "a.heic", "b.JPG"]
    assert images_named(["[x].png", "none.png", "[x].png"]) == ["[x].png", "none.png"]
    assert images_named(["s*", "?.mp4"]) == ["sub/z.png", "c.mp4"]
    assert images_named(["sub"], frames=True) == ["sub"]
    with pytest.raises(RscError, match=r"no images in the folder d\.png"):
        images_named(["d.png"])
    assert all(suffix == suffix.lower() for suffix in IMAGES)


# --- HEIC and AVIF ---------------------------------------------------------------------------


def boxed(major: bytes, *others: bytes) -> bytes:
    brands = b"ftyp" + major + bytes(4) + b"".join(others)
    return (4 + len(brands)).to_bytes(4, "big") + brands + bytes(40)


def test_which_container_it_is() -> None:
    assert heif.still_kind(boxed(b"avif", b"avif", b"mif1")) == "AVIF"
    assert heif.still_kind(boxed(b"mif1", b"mif1", b"avif")) == "AVIF"
    assert heif.still_kind(boxed(b"heic", b"mif1", b"heic")) == "HEIF"
    assert heif.still_kind(boxed(b"mif1", b"heic")) == "HEIF"
    for film in (boxed(b"isom", b"mp41", b"avif"), boxed(b"qt  "), b"\x89PNG\r\n\x1a\n", b""):
        assert heif.still_kind(film) is None


def test_avif_is_read_upright_and_is_no_video(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not heif.features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = noise(64, 48)
    content = encode(Image.fromarray(pixels), "AVIF", quality=95, exif=exif)
    (tmp_path / "a.avif").write_bytes(content)
    assert not is_video(tmp_path / "a.avif")
    read = read_image(tmp_path / "a.avif").astype(int)
    assert np.abs(read - np.rot90(pixels, -1)).mean() < 6
    for length in (20, 100, len(content) // 2):
        with pytest.raises(RscError):
            read_image(content[:length])
    monkeypatch.setattr(heif.features, "check", lambda name: False)
    with pytest.raises(
        RscError, match=r"a\.avif: it is an AVIF image, which this Pillow cannot read"
    ):
        read_image(tmp_path / "a.avif")


def test_spoilt_avif_is_one_line_or_a_picture(capfd: pytest.CaptureFixture[str]) -> None:
    if not heif.features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    rng = np.random.default_rng(0)
    valid = [
        encode(Image.fromarray(noise(24, 18)), "AVIF", speed=10),
        encode(Image.fromarray(noise(9, 7)).convert("RGBA"), "AVIF", speed=10),
        encode(Image.fromarray(noise(9, 7)), "AVIF", speed=10, save_all=True,
               append_images=[Image.fromarray(noise(9, 7)[::-1])]),
    ]  # fmt: skip
    read = 0
    for k in range(400):
        content = spoil(valid[k % 3], rng) or b"x"
        said = ""
        try:
            pixels = read_image(content)
            read += 1
        except RscError as error:
            said = str(error)
        else:
            assert pixels.dtype == np.uint8 and pixels.ndim == 3
        assert said.isprintable()
    assert 20 < read < 390, "neither all read nor all refused"
    assert capfd.readouterr().out == ""


def test_heic_with_and_without_its_plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the plug-in: it registers a decoder that paints one colour."""
    path = tmp_path / "a.heic"
    path.write_bytes(boxed(b"heic", b"mif1"))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(RscError, match=r"a\.heic: it is a HEIC .* install pillow-heif"):
        read_image(path)

    def painted(file: Any, name: str) -> Image.Image:
        return Image.new("RGB", (5, 4), (10, 20, 30))

    def register_heif_opener() -> None:
        monkeypatch.setitem(Image.OPEN, "HEIF", (painted, lambda start: start[8:12] == b"heic"))

    stand_in = types.SimpleNamespace(register_heif_opener=register_heif_opener)
    monkeypatch.setitem(sys.modules, "pillow_heif", stand_in)
    assert read_image(path).shape == (4, 5, 3) and not is_video(path)


def test_heic_with_the_real_plug_in(tmp_path: Path) -> None:
    """Upright and in its colours, as a telephone writes it; what is cut off is refused."""
    plug_in = pytest.importorskip(
        "pillow_heif", reason="pillow-heif (the extra heif) is not installed"
    )
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:, :32], pixels[:24] = (200, 30, 30), (20, 160, 220)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.heic"
    plug_in.from_pillow(Image.fromarray(pixels)).save(path, quality=95, exif=exif.tobytes())
    assert not is_video(path)
    read = read_image(path).astype(int)
    assert read.shape in ((48, 64, 3), (64, 48, 3))
    turned = pixels if read.shape == pixels.shape else np.rot90(pixels, -1)
    assert np.abs(read - turned).mean() < 8
    content = path.read_bytes()
    for length in (20, 100, len(content) // 2):
        with pytest.raises(RscError):
            read_image(content[:length])


# --- the page --------------------------------------------------------------------------------


def page_of(predictor: NetPredictor) -> tuple[str, list[Any]]:
    boxes = np.array([(10.0, 5, 20, 35), (60, 20, 12, 30)])
    pixels = noise()
    people = people_in(Photo(pixels, None), predictor, Where(boxes=lambda p: boxes))
    name = "</script><script>alert(1)</script>.png"
    return picture_html(shown(pixels, people), people, predictor.body, name, "A note."), people


def test_the_page_is_one_file_that_loads_nothing(predictor: NetPredictor) -> None:
    page, people = page_of(predictor)
    assert page.count("</script>") == 2 and "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=[\"']|https?:|import\s*\(|fetch\s*\(", page)
    data = json.loads(page.partition('type="application/json">')[2].partition("</script>")[0])
    assert data["name"].startswith("</script>") and len(data["people"]) == 2
    assert data["people"][1]["native"] == people[1].native


PLACES = """k => {
    const p = people[k], out = [];
    for (let i = 0; i < p.vertices.length; i += 3) out.push(place(p, p.vertices.subarray(i, i + 3), turn(false)));
    return out;
}"""


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
def test_the_page_shows_and_turns_the_bodies(predictor: NetPredictor, tmp_path: Path) -> None:
    """Its camera is the person's: every vertex lies where :meth:`in_picture` puts it."""
    from playwright.sync_api import sync_playwright

    text, people = page_of(predictor)
    (tmp_path / "a.html").write_text(text, encoding="utf-8")
    with sync_playwright() as playwright:
        flags = [f for f in FLAGS if f != "--disable-gpu"]
        flags += ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page(viewport={"width": 1000, "height": 800})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.goto((tmp_path / "a.html").as_uri())
        page.wait_for_function("drawn === 3")
        for k, person in enumerate(people):
            given_px = np.array(page.evaluate(PLACES, k))
            scale = page.evaluate("data.scale")
            np.testing.assert_allclose(
                given_px, scale * person.in_picture(person.vertices), atol=0.5
            )
        before = [page.locator(name).screenshot() for name in ("#over", "#beside")]
        page.locator("#side").click()
        after = [page.locator(name).screenshot() for name in ("#over", "#beside")]
        assert all(a != b for a, b in zip(after, before, strict=True))
        page.locator("#seen").click()
        assert page.locator("#beside").screenshot() == before[1]
        box = page.locator("#beside").bounding_box()
        page.mouse.move(box["x"] + 60, box["y"] + 80)
        page.mouse.down()
        page.mouse.move(box["x"] + 160, box["y"] + 90)
        page.mouse.up()
        assert page.evaluate("yaw") != 0
        stage = page.locator("#over").bounding_box()
        centre = people[1].centre  # a press on the second person chooses her
        page.mouse.click(
            stage["x"] + stage["width"] * centre[0] / 90,
            stage["y"] + stage["height"] * centre[1] / 60,
        )
        assert page.evaluate("chosen") == 1
        assert f"Square of {people[1].native} px" in page.locator("#said").inner_text()
        browser.close()
    assert not errors
