"""``rsc predict VIDEO --texture``: which frame of a person is looked at, and what is written."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from rsclib import predict_video as P
from rsclib.crops import cut, squares_of
from rsclib.files.photos import Pixels
from rsclib.looks import look_at
from rsclib.moving_people import Motion
from rsclib.predict_texture import texture_of
from rsclib.predict_video import Where, predict_video
from rsclib.predictor import predictor_named
from rsclib.render.uv import Atlas
from rsclib.texture import TexGlo
from rsclib.textured_people import clearest, sheet, texture_people
from rsclib.tracks import Track, write_tracks
from tests.clips import HEIGHT, WIDTH, Clip, Walker
from tests.dressed_toys import TINY


def motion(squares: list[list[float]], person: int = 3) -> Motion:
    """One who is in frames 10, 12, ...; of what the network says only the number of rows is right."""
    count = len(squares)
    boxes = np.array([[left, top, side, side] for left, top, side in squares])
    track = Track(person, np.arange(count) * 2 + 10, boxes)
    turned = np.tile(np.eye(3, dtype=np.float32), (count, 24, 1, 1))
    joints, cam = np.zeros((count, 14, 3), np.float32), np.zeros((count, 3), np.float32)
    betas = np.zeros(10, np.float32)
    return Motion(track, np.array(squares), 40, 4, turned, betas, cam, joints)


def test_the_largest_square_in_the_frame_is_taken() -> None:
    squares = [[0, 0, 20.0], [5, 5, 30.0], [-4, 0, 60.0], [80, 10, 40.0]]
    assert clearest(motion(squares), 50, 100) == 1  # the others are smaller or cut off
    assert clearest(motion(squares), 60, 130) == 3
    assert clearest(motion(squares[2:]), 10, 10) == 0  # none is whole: the largest


def test_everybody_is_painted_from_her_own_frame(tmp_path: Path) -> None:
    people = [motion([[0, 0, 20.0], [4, 4, 40.0]], 3), motion([[30, 2, 44.0]], 7)]
    rng = np.random.default_rng(0)
    frames: list[Pixels] = [rng.integers(0, 256, (64, 96, 3)).astype(np.uint8) for _ in range(20)]
    predictor, net = predictor_named("full"), TexGlo(TINY).eval()
    read = []

    def watched():  # type: ignore[no-untyped-def]
        for k, frame in enumerate(frames):
            read.append(k)
            yield frame

    said = texture_people(watched(), (64, 96), people, tmp_path / "film", predictor, net)
    assert read[-1] == 12  # no further than the last frame that is wanted
    assert "film{-textured.png,-person*-textured.glb}" in said
    names = {"film-textured.png", "film-person3-textured.glb", "film-person7-textured.glb"}
    assert {p.name for p in tmp_path.iterdir()} == names
    seen = cut(frames[12], [4, 4, 40], predictor.ranges.full).copy()
    looked = look_at(frames[12], [4, 4, 40], seen, 40, predictor)
    wanted = texture_of(seen, 40, predictor, net, looked.taken)
    mesh = trimesh.load(tmp_path / "film-person3-textured.glb", force="mesh")
    picture = np.asarray(mesh.visual.material.baseColorTexture.convert("RGB"))
    assert np.array_equal(picture, wanted.uv_map)
    size = (mesh.vertices.max(0) - mesh.vertices.min(0)).max()
    assert size == pytest.approx((wanted.vertices.max(0) - wanted.vertices.min(0)).max(), rel=1e-3)
    assert len(mesh.faces) == len(Atlas.of(predictor.body).faces)


def test_many_people_make_a_sheet_that_is_about_square() -> None:
    line = [Image.new("RGB", (n, 128), "black") for n in (64, 128, 128)]
    picture = Image.open(io.BytesIO(sheet([line] * 35)))
    assert 0.6 < picture.width / picture.height < 1.7
    assert Image.open(io.BytesIO(sheet([line]))).height == 128


def test_a_film_with_textures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(P, "drawn", lambda video, *_: iter(video))
    film = Clip([Walker(4, 2, 3.0, h=48)], 6).write(tmp_path / "clip.mp4")
    boxes = np.tile([40.0, 2, 20, 48], (6, 1))
    write_tracks(tmp_path / "boxes.csv", [Track(1, np.arange(6), boxes)])
    assert squares_of(boxes)[0, 2] < min(HEIGHT, WIDTH)
    out = tmp_path / "out"
    out.mkdir()
    for old in ("clip-person9-textured.glb", "clip-person9.npz", "clipper-person9.npz"):
        (out / old).write_bytes(b"")
    torch.manual_seed(0)
    said, _ = predict_video(
        str(film), out / "clip", predictor_named("full"), Where(tracks=tmp_path / "boxes.csv"),
        painter=TexGlo(TINY).eval(),
    )  # fmt: skip
    assert said.endswith("clip{-textured.png,-person*-textured.glb}")
    names = {p.name for p in out.iterdir()}
    # Those of an earlier call are gone; another film's are not.
    assert names == {
        "clip.mp4", "clip.html", "clip-person1.npz", "clip-person1-textured.glb",
        "clip-textured.png", "clipper-person9.npz",
    }  # fmt: skip
