"""``rsc predict``: three files an image, good ones kept, bad ones named."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rsclib.body import load_body
from rsclib.cli import main
from rsclib.doubts import disagreement
from rsclib.errors import RscError
from rsclib.files.photos import crop, read_image
from rsclib.geometry import cam_to_translation
from rsclib.models import model_named
from rsclib.network import RSCNet
from rsclib.pictured import UNSURE_MM
from rsclib.predict import SUFFIXES, outputs, predict_photo
from rsclib.predictor import NetPredictor, ranges_of
from rsclib.resolution import EDU, PAPER
from rsclib.viz import mesh_of, predict
from tests.toys import TINY


def photo(path: Path, width: int, height: int) -> Path:
    """A smooth picture with some structure."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 4, 3)).astype(np.uint8))
    coarse.resize((width, height), Image.Resampling.BICUBIC).save(path)
    return path


def test_good_and_bad_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, small = photo(tmp_path / "good.png", 150, 200), photo(tmp_path / "small.jpg", 30, 30)
    (tmp_path / "bad.jpg").write_bytes(good.read_bytes()[:200])
    out = tmp_path / "out"
    words = [str(tmp_path / n) for n in ("good.png", "bad.jpg", "none.png", "small.jpg")]
    assert main(["predict", *words, "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert [line.split(":")[0] for line in said.out.splitlines()] == [str(good), str(small)]
    errors = said.err.strip().splitlines()
    errors = [line for line in errors if not line.startswith("rsc: warning: ")]
    assert len(errors) == 3 and all(line.startswith("rsc: ") for line in errors)
    assert "bad.jpg" in errors[0] and "none.png" in errors[1]
    assert errors[2] == "rsc: 2 of 4 failed, the others are written"
    assert {p.name for p in out.iterdir()} == {n + s for n in ("good", "small") for s in SUFFIXES}
    with np.load(out / "small.npz", allow_pickle=False) as file:
        arrays = {k: file[k] for k in file.files}
    assert arrays["native_px"] == 30 and arrays["range_index"] == 4
    shapes = {"rotmats": (24, 3, 3), "betas": (10,), "cam": (3,), "joints14": (14, 3),
              "vertices": (6890, 3)}  # fmt: skip
    for key, shape in shapes.items():
        assert arrays[key].shape == shape and np.isfinite(arrays[key]).all()
    assert Image.open(out / "good.png").size == (1200, 430)


def test_the_files_agree_with_the_network(tmp_path: Path) -> None:
    """At the network's own size the numbers are those of the notebooks' ``predict``."""
    net, body = model_named("full"), load_body()
    path = photo(tmp_path / "a.png", 128, 128)
    line, _ = predict_photo(str(path), tmp_path / "out" / "a", NetPredictor(net, body))
    assert "128 px, range 0" in line
    expected = predict(net, read_image(path), 128, EDU)[1]
    with np.load(tmp_path / "out" / "a.npz", allow_pickle=False) as file:
        arrays = {k: file[k] for k in file.files}
    mirrored = predict(net, read_image(path)[:, ::-1], 128, EDU)[1]
    joints = [body.joints(p.rotmats, p.betas).joints14 for p in (expected, mirrored)]
    assert arrays["unsure_mm"] == pytest.approx(float(disagreement(*joints)[0]), rel=1e-3)
    np.testing.assert_allclose(arrays["betas"], expected.betas[0], atol=1e-5)
    shift = cam_to_translation(expected.cam).numpy()
    np.testing.assert_allclose(arrays["vertices"] + shift, mesh_of(expected, body), atol=1e-4)
    rows = [line.split() for line in (tmp_path / "out" / "a.obj").read_text().splitlines()]
    vertices = np.array([row[1:] for row in rows if row[0] == "v"], float)
    faces = np.array([row[1:] for row in rows if row[0] == "f"], int)
    np.testing.assert_allclose(vertices * [1, -1, -1], arrays["vertices"], atol=1e-5)
    np.testing.assert_array_equal(faces - 1, body.faces.numpy())


def test_the_box_is_what_is_seen(tmp_path: Path) -> None:
    path = photo(tmp_path / "a.png", 150, 100)
    cut, native = crop(read_image(path), (20, 10, 40, 60))
    Image.fromarray(read_image(path)[10:70, 10:70]).save(tmp_path / "b.png")
    np.testing.assert_array_equal(cut, crop(read_image(tmp_path / "b.png"))[0])
    assert native == 60


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name at least one image"),
        (["a.png", "b/a.jpg"], "two images are called 'a'"),
        (["a.png", "--out", "."], "would be overwritten"),
        (["a.png", "--model", "nope"], "there is no model"),
        (["a.png", "--box", "0", "0", "nan", "5"], "box"),
        (["a.png", "--box", "0", "0", "500", "5"], "150 x 100"),
        (["a.png", "--box", "60", "20", "120", "90"], "x y width height: 60 20 60 70"),
        (["a.png", "--min-score", "0.9"], "--min-score goes with --boxes"),
        (["a.png", "--margin", "2"], "--margin goes with --boxes or --detect"),
    ],
)
def test_mistakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    words: list[str], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    before = photo(tmp_path / "a.png", 150, 100).read_bytes()
    assert main(["predict", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("rsc: ") and message in error and error.count("\n") == 1
    assert (tmp_path / "a.png").read_bytes() == before


def test_names_that_are_not_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = photo(tmp_path / "a.png", 40, 40).rename(tmp_path / os.fsdecode(b"\xff.png"))
    assert main(["predict", str(path), "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path}/\\udcff.png: 40 px")


def test_outputs_and_ranges() -> None:
    assert outputs(["x/a.b.png"], Path("o")) == [Path("o/a.b")]
    assert ranges_of(model_named("full")) is EDU
    with pytest.raises(RscError, match="no ranges"):
        ranges_of(RSCNet(TINY))
    assert ranges_of(RSCNet(dataclasses.replace(TINY, image_size=224))) is PAPER


def test_help_says_what_the_models_have_seen(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["predict", "--help"])
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert stop.value.code == 0
    assert "only ever seen rendered people" in said and "rsc predict photo.jpg" in said


def test_output_that_is_not_finite(tmp_path: Path) -> None:
    net = model_named("full")
    with torch.no_grad():
        net.regressor.decshape.bias.fill_(3e38).mul_(10)
    path = photo(tmp_path / "a.png", 40, 40)
    with pytest.raises(RscError, match="not finite"):
        predict_photo(str(path), tmp_path / "a", NetPredictor(net, load_body()))
    assert not (tmp_path / "a.obj").exists()


# --- warnings --------------------------------------------------------------------------------


def spoilt(path: Path, kind: str) -> list[str]:
    """A picture that is spoilt in a way, and the words of the command."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (9, 9, 3)).astype(np.uint8)
    image = Image.fromarray(noise).resize((200, 200), Image.Resampling.BICUBIC)
    box: list[str] = []
    if kind == "12 bits":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 16)
    elif kind == "12 bits of colour":  # Pillow reads the upper bytes of 48-bit files
        image = Image.fromarray((np.asarray(image) // 16).astype(np.uint8))
    elif kind in ("transparent", "nearly transparent"):
        image.putalpha(0 if kind == "transparent" else 6)
    elif kind == "a transparent part":
        alpha = np.full((200, 200), 255, np.uint8)
        alpha[:100, :100] = 0
        image.putalpha(Image.fromarray(alpha))
        box = ["--box", "5", "5", "90", "90"]
    elif kind == "one colour":
        image = Image.new("RGB", (200, 200), (90, 120, 30))
    image.save(path)
    return [str(path), *box, "--out", str(path.parent / "out")]


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("12 bits", "nearly black"), ("12 bits of colour", "nearly black"),
        ("transparent", "100% of what the network sees is transparent"),
        ("nearly transparent", "is transparent"), ("a transparent part", "is transparent"),
        ("one colour", "no contrast"), ("nothing", ""),
    ],
)  # fmt: skip
def test_pictures_that_show_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, cause: str
) -> None:
    assert main(["predict", *spoilt(tmp_path / "a.png", kind)]) == 0  # goes on
    said = capsys.readouterr()
    assert "out/a." in said.out and (tmp_path / "out/a.npz").is_file()
    lines = said.err.splitlines()
    assert all(line.startswith(f"rsc: warning: {tmp_path}/a.png: ") for line in lines)
    of_the_picture = [n for n in ("nearly black", "transparent", "no contrast") if n in said.err]
    assert len(of_the_picture) == bool(cause) and cause in said.err


def test_unsure_is_said_from_the_threshold_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, body, path = model_named("full"), load_body(), str(photo(tmp_path / "a.png", 128, 128))
    for apart, expected in ((UNSURE_MM - 1, 0), (UNSURE_MM + 1, 1)):
        monkeypatch.setattr("rsclib.pictured.disagreement", lambda *_, a=apart: torch.tensor([a]))
        doubts = predict_photo(path, tmp_path / "out", NetPredictor(net, body))[1]
        unsure = f"{path}: unsure: the mirrored picture gives a pose {apart:.0f} mm away"
        assert doubts.count(unsure) == expected
