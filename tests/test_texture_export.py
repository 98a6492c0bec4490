"""Textured bodies leave the house: GLB and OBJ that trimesh reads back, a film that Pillow reads."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from PIL import Image

from rsclib.body import load_body
from rsclib.errors import RscError
from rsclib.render.export import textured_mesh, write_textured
from rsclib.render.uv import Atlas
from rsclib.viz import turntable, write_turntable


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return Atlas.of(load_body())


@pytest.fixture(scope="module")
def vertices() -> NDArray[np.float32]:
    """The mean body upright in the camera frame, 4 m away."""
    return (load_body().template.numpy() * [1, -1, -1] + [0, 0, 4]).astype(np.float32)


@pytest.fixture(scope="module")
def uv_map() -> NDArray[np.uint8]:
    """Left half red, the rest blue; the upper rows (v near 1) lighter."""
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:, :32, 0] = picture[:, 32:, 2] = 200
    picture[:32, :, 1] = 90
    return picture


def colours(mesh: trimesh.Trimesh, picture: Image.Image) -> NDArray[np.uint8]:
    """Of every vertex by its u, v, v = 1 at the first row."""
    pixels = np.asarray(picture.convert("RGB"))
    side = len(pixels)
    u, v = np.asarray(mesh.visual.uv).T
    column = np.clip(u * side, 0, side - 1).astype(int)
    row = np.clip((1 - v) * side, 0, side - 1).astype(int)
    return pixels[row, column]


def by_place(mesh: trimesh.Trimesh, picture: Image.Image) -> dict[tuple[float, ...], set]:
    """The colours at every point in space: a seam has two."""
    found: dict[tuple[float, ...], set] = {}
    for point, colour in zip(np.round(mesh.vertices, 4), colours(mesh, picture), strict=True):
        found.setdefault(tuple(point + 0.0), set()).add(tuple(int(c) for c in colour))
    return found


def test_both_files_come_back_with_their_colours(
    tmp_path: Path, vertices: NDArray, atlas: Atlas, uv_map: NDArray
) -> None:
    made = textured_mesh(vertices, atlas, uv_map)
    written = write_textured(tmp_path / "person", vertices, atlas, uv_map)
    assert [p.name for p in written] == ["person.glb", "person.obj", "person.mtl", "person_map.png"]
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in written}
    truth = by_place(made, Image.fromarray(uv_map))
    np.testing.assert_array_equal(np.asarray(Image.open(written[3]).convert("RGB")), uv_map)
    scene = trimesh.load(written[0])
    (glb,) = scene.geometry.values()
    obj = trimesh.load(written[1], process=False)
    for mesh, picture in (
        (glb, glb.visual.material.baseColorTexture), (obj, obj.visual.material.image),
    ):  # fmt: skip
        assert len(mesh.faces) == len(atlas.faces)
        np.testing.assert_allclose(mesh.bounds, made.bounds, atol=1e-4)
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), uv_map)
        found = by_place(mesh, picture)
        shared = truth.keys() & found.keys()
        assert len(shared) > 0.98 * len(truth), "rounding moves few points"
        assert sum(found[p] == truth[p] for p in shared) > 0.99 * len(shared)


def test_it_stands_upright_and_shows_its_outside(
    vertices: NDArray, atlas: Atlas, uv_map: NDArray
) -> None:
    mesh = textured_mesh(vertices, atlas, uv_map)
    low, high = mesh.bounds
    assert high[1] - low[1] > 1.5, "y up"
    merged = trimesh.Trimesh(mesh.vertices, mesh.faces)
    merged.merge_vertices(merge_tex=True)
    assert merged.volume > 0.03, "m3; faces that wind inwards make it negative"
    # The crown is the highest point, and each corner has the place of its vertex.
    wanted = vertices[atlas.faces] * [1, -1, -1]
    np.testing.assert_allclose(mesh.vertices[mesh.faces], wanted, atol=1e-6)


def test_what_cannot_be_written_is_one_line(
    tmp_path: Path, vertices: NDArray, atlas: Atlas, uv_map: NDArray
) -> None:
    for bad, words in (
        ((vertices[:100], uv_map), "vertices"), ((vertices * np.nan, uv_map), "NaN"),
        ((vertices, uv_map / 255), "of bytes"), ((vertices, uv_map[..., 0]), "UV map"),
    ):  # fmt: skip
        with pytest.raises(RscError, match=words):
            write_textured(tmp_path / "x", bad[0], atlas, bad[1])
    with pytest.raises(RscError, match="no spaces"):
        write_textured(tmp_path / "a b", vertices, atlas, uv_map)
    (tmp_path / "file").touch()
    with pytest.raises(RscError, match="cannot write"):
        write_textured(tmp_path / "file" / "x", vertices, atlas, uv_map)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_the_turntable_turns(
    tmp_path: Path, vertices: NDArray, atlas: Atlas, uv_map: NDArray
) -> None:
    frames = turntable(vertices, atlas, uv_map, frames=4, height=48, width=40, light=0.0)
    assert len(frames) == 4 and frames[0].shape == (48, 40, 3)
    cover = [(f < 250).any(2) for f in frames]
    assert all(0.05 < c.mean() < 0.9 and not c[0].any() and not c[-1].any() for c in cover)
    heights = [np.nonzero(c.any(1))[0] for c in cover]
    assert all(h[-1] - h[0] > 20 for h in heights)
    # The back's outline is the front's mirrored; the side's is narrower than both.
    front, side, back = cover[0], cover[1], cover[2]
    assert (front[:, ::-1] == back).mean() > 0.95 and side.sum() < 0.8 * front.sum()
    lit = turntable(vertices, atlas, uv_map, frames=1, height=48, width=40, light=0.8)[0]
    inner = front & (lit < 250).any(2)
    assert lit[inner].mean() < frames[0][inner].mean(), "some of it is turned from the light"


def test_the_film_is_read_back(
    tmp_path: Path, vertices: NDArray, atlas: Atlas, uv_map: NDArray
) -> None:
    write_turntable(tmp_path / "turn.webp", vertices, atlas, uv_map, 4, 32, 24)
    film = Image.open(io.BytesIO((tmp_path / "turn.webp").read_bytes()))
    assert film.format == "WEBP" and getattr(film, "n_frames", 1) == 4 and film.size == (24, 32)
