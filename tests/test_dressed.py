"""Pedestrians for textures: order of the maps, meshes by truth and by a regressor, masks, the cache."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from smplx.vertex_ids import vertex_ids  # type: ignore[import-untyped]

from rsclib.dressed import Dressed, chart_mask, drawn, face_mask, guessed_meshes
from rsclib.errors import RscError
from rsclib.geometry import axis_angle_to_rotmat, fit_translation
from rsclib.methods.uv_cache import mesh_of, pictures_of
from rsclib.network import Prediction
from rsclib.render.uv import Atlas, look_up
from rsclib.resolution import EDU, degrade_height
from tests.dressed_toys import toy_arrays, toy_body, toy_dressed, toy_pictures


def test_every_picture_has_its_persons_map() -> None:
    arrays = toy_arrays()
    order = np.random.default_rng(0).permutation(4)
    rows = np.concatenate([[2 * p, 2 * p + 1] for p in order])
    mixed = {k: v[order if k == "uv" else rows] for k, v in arrays.items()}
    people = Dressed.of(mixed, 32)
    for i in range(len(people)):
        number = people.identity[people.person[i]]
        assert number == mixed["identity"][i]
        wanted = arrays["uv"][number - 40]
        np.testing.assert_array_equal(
            people.uv_maps[people.person[i]].permute(1, 2, 0).numpy(), wanted
        )
    torch.testing.assert_close(people.small, degrade_height(people.sharp, 32))
    with pytest.raises(RscError, match="4 people, but 3 textures"):
        Dressed.of(arrays | {"uv": arrays["uv"][:3]}, 32)


def test_the_true_map_on_the_true_mesh_is_the_picture() -> None:
    people, pictures = toy_dressed(), toy_pictures(toy_dressed())
    uv, mask = pictures.at(slice(None))
    truth = people.uv_maps[people.person].float() / 255
    difference = (look_up(truth, uv, mask) - people.sharp / 255).abs() * mask
    assert mask.mean() > 0.05 and difference.max() < 2 / 255


class Oracle:
    """A regressor that knows the truth, with the weak-perspective camera that fits it best."""

    ranges = EDU

    def __init__(self, people: Dressed) -> None:
        self.people, self.body, self.seen = people, toy_body(), []

    def __call__(self, images: torch.Tensor, native: int) -> Prediction:
        self.seen.append((tuple(images.shape), native))
        assert torch.equal(images[:, :, :, 32:96], self.people.sharp[: len(images)])
        rotmats = axis_angle_to_rotmat(self.people.pose.view(-1, 24, 3))
        joints = self.body.joints(rotmats, self.people.betas).keypoints3d
        points = joints + self.people.camera[:, None, 1:]
        flat = points[..., :2] / points[..., 2:] * self.people.camera[:, :1, None] / 64
        t = fit_translation(joints, flat, torch.ones(joints.shape[:2]))
        cam = torch.stack([2 * 5000 / (224 * t[:, 2]), t[:, 0], t[:, 1]], 1)
        rest = [torch.zeros(1)] * (len(Prediction._fields) - 3)
        return Prediction(rotmats, self.people.betas, cam, *rest)


def test_a_regressors_mesh_lies_over_the_true_one() -> None:
    people = toy_dressed()
    oracle = Oracle(people)
    meshes = guessed_meshes(people.sharp, 32, oracle)  # type: ignore[arg-type]
    pictures = drawn(len(people), meshes, Atlas.of(toy_body()), 128)
    truth = toy_pictures(people)
    both, either = (pictures.mask & truth.mask).sum(), (pictures.mask | truth.mask).sum()
    assert both / either > 0.85, "no more apart than the two cameras are"
    assert oracle.seen == [((8, 3, 128, 128), 32)]


def test_meshes_are_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people, body = toy_dressed(), toy_body()
    first = pictures_of(people, people.sharp, 128, None, body, tmp_path)
    (file,) = tmp_path.iterdir()
    monkeypatch.setattr("rsclib.methods.uv_cache.drawn", None)  # drawing again would fail
    again = pictures_of(people, people.sharp, 128, None, body, tmp_path)
    assert np.array_equal(first.mask, again.mask) and np.array_equal(first.uv, again.uv)
    monkeypatch.undo()
    moved = dataclasses.replace(people, camera=people.camera + torch.tensor([0, 0.1, 0, 0]))
    other = pictures_of(moved, people.sharp, 128, None, body, tmp_path)
    assert not np.array_equal(other.mask, first.mask) and len(list(tmp_path.iterdir())) == 2
    file.write_bytes(file.read_bytes()[:1000])
    repaired = pictures_of(people, people.sharp, 128, None, body, tmp_path)
    assert np.array_equal(first.uv, repaired.uv)


def test_whose_mesh() -> None:
    assert mesh_of("truth", toy_body()) is None
    with pytest.raises(RscError, match="there is no model"):
        mesh_of("nobody.safetensors", toy_body())


def test_the_face_is_the_heads_front_and_hands() -> None:
    body, side = toy_body(), 128
    atlas = Atlas.of(body)
    face, chart = face_mask(body, atlas, side), chart_mask(atlas, side)
    assert not (face & ~chart).any() and 0.01 < face.float().mean() < 0.15
    assert 0.4 < chart.float().mean() < 0.9
    template = body.template.numpy()
    crown, nose = int(np.argmax(template[:, 1])), vertex_ids["smplh"]["nose"]
    for vertex, inside in ((crown, False), (nose, True)):
        where = np.nonzero(atlas.faces == vertex)
        u, v = atlas.uv[atlas.uv_faces[where]].mean(0)
        assert bool(face[int((1 - v) * side), int(u * side)]) == inside
