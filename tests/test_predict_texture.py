"""``rsc predict --texture``: what the network is shown, where the body is drawn, three files."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from rsclib.checkpoints import save_model
from rsclib.cli import main
from rsclib.errors import RscError
from rsclib.models import model_named, texture_named
from rsclib.predict import SUFFIXES as UNTEXTURED
from rsclib.predict_texture import SUFFIXES, middle_columns, over_photo, texture_of
from rsclib.predictor import NetPredictor
from rsclib.render.uv import Atlas
from rsclib.resolution import degrade_height
from rsclib.texture import TexGlo
from tests.dressed_toys import TINY, toy_arrays, toy_body


@pytest.fixture(scope="module")
def net() -> TexGlo:
    torch.manual_seed(0)
    return TexGlo(TINY).eval()


def square() -> np.ndarray:
    """A toy person in the middle of a square picture."""
    return np.pad(toy_arrays()["images"][0], ((0, 0), (32, 32), (0, 0)), "edge")


def test_the_network_sees_32_rows_of_the_middle(net: TexGlo) -> None:
    cut = square()
    predictor = NetPredictor(model_named("full"), toy_body())
    person = texture_of(cut, 128, predictor, net)
    picture = torch.from_numpy(toy_arrays()["images"][:1]).permute(0, 3, 1, 2)
    wanted = degrade_height(picture, 32)
    assert np.array_equal(person.small, wanted[0].permute(1, 2, 0).numpy())
    uv_map = net.textures(wanted)[0].permute(1, 2, 0).detach().numpy()
    assert np.abs(person.uv_map - uv_map * 255).max() <= 1
    # Fewer rows than 32 are not made more of.
    few = texture_of(cut, 20, predictor, net).small
    assert np.array_equal(few, degrade_height(picture, 20)[0].permute(1, 2, 0).numpy())


def test_the_middle_of_squares_of_other_sizes() -> None:
    wide = torch.from_numpy(np.array(Image.fromarray(square()).resize((224, 224)))).permute(2, 0, 1)
    half = middle_columns(wide[None])
    assert half.shape == (1, 3, 128, 64) and half.dtype == torch.uint8
    near = middle_columns(torch.from_numpy(square()).permute(2, 0, 1)[None])
    assert (half.float() - near.float()).abs().mean() < 6


def test_the_body_is_drawn_where_the_network_sees_it(net: TexGlo) -> None:
    body, cut = toy_body(), square()
    person = texture_of(cut, 128, NetPredictor(model_named("full"), body), net)
    green = person._replace(uv_map=np.full((128, 128, 3), (0, 255, 0), np.uint8))
    large = np.full((200, 200, 3), 255, np.uint8)
    drawn = over_photo(large, green, Atlas.of(body))
    inside = (drawn == (0, 255, 0)).all(2)
    assert 0.02 < inside.mean() < 0.5 and (drawn[~inside] == 255).all()
    # The centre of the silhouette is that of the projected vertices.
    z = person.vertices[:, 2]
    x = 5000 / 224 * 200 * person.vertices[:, 0] / z + 100
    y = 5000 / 224 * 200 * person.vertices[:, 1] / z + 100
    rows, columns = np.nonzero(inside)
    assert abs(rows.min() - y.min()) < 2 and abs(rows.max() - y.max()) < 2
    assert abs(columns.min() - x.min()) < 2 and abs(columns.max() - x.max()) < 2


def test_the_command_writes_its_files(
    net: TexGlo, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rsclib.viz.turntables.FRAMES", 4)
    save_model(tmp_path / "net.safetensors", net, {})
    Image.fromarray(toy_arrays()["images"][0]).save(tmp_path / "a photo.png")
    (tmp_path / "none.png").write_bytes(b"no picture")
    photos = [str(tmp_path / n) for n in ("a photo.png", "none.png")]
    model = ["--texture", "--texture-model", str(tmp_path / "net.safetensors")]
    assert main(["predict", *photos, *model, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr()
    assert "textured from 32 rows" in said.out and said.err.count("none.png") == 1
    names = {f"a photo{end}" for end in (*SUFFIXES, *UNTEXTURED)}
    assert {p.name for p in (tmp_path / "out").iterdir()} == names
    stem = tmp_path / "out" / "a photo"
    assert Image.open(f"{stem}-textured.png").size == (192 + 8 + 384 + 8 + 384, 384)
    film = Image.open(f"{stem}-textured.webp")
    assert film.n_frames > 1  # type: ignore[attr-defined]
    mesh = trimesh.load(f"{stem}-textured.glb", force="mesh")
    atlas = Atlas.of(toy_body())
    assert len(mesh.faces) == len(atlas.faces)
    corners = np.stack([atlas.uv[list(pair)] for pair in itertools.pairwise(range(5))])
    assert np.isfinite(corners).all() and np.allclose(mesh.visual.uv, atlas.uv, atol=1e-5)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["a.png", "--texture-model", "x.safetensors"], "goes with --texture"),
        (["a.png", "--texture", "--texture-model", "full"], "'rscnet'"),
        (["a.png", "--texture", "--texture-model", "none.safetensors"], "no model at"),
        (["a-textured.png", "a.jpg", "--texture", "--out", "."], "would be overwritten"),
    ],
)
def test_what_does_not_go_together(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (64, 128)).save("a-textured.png")
    assert main(["predict", *words]) == 2
    assert complaint in capsys.readouterr().err


def test_a_texture_network_by_name_or_file(tmp_path: Path, net: TexGlo) -> None:
    save_model(tmp_path / "net.safetensors", net, {})
    assert texture_named(str(tmp_path / "net.safetensors")).config == TINY
    with pytest.raises(RscError, match="a texture network is needed"):
        texture_named("reid")
