"""The renderer: its skinning equals smplx, its rasteriser equals pytorch3d, its truth is true."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from smplx.lbs import batch_rigid_transform

from rsclib.geometry import axis_angle_to_rotmat
from rsclib.openbench import scenes
from rsclib.openbench.camera import Camera
from rsclib.openbench.parts import SPLITS
from rsclib.openbench.people import SALT, make_people, workshop
from rsclib.openbench.poses import replace_poses, sample_poses
from rsclib.openbench.render import shadow
from rsclib.render.zbuffer import skin, visible_faces

COUNT, SIZE = 8, 64


@pytest.fixture(scope="module")
def people() -> dict[str, np.ndarray]:
    return make_people(SPLITS["test-wild"], 0, 0, COUNT, SIZE)


def test_the_renderer_takes_the_open_body_whatever_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it looks for no other, not even for a moment: other threads read the environment too."""
    monkeypatch.setenv("RSC_SMPL", str(tmp_path / "nowhere.pkl"))
    gone: list[str] = []
    monkeypatch.setattr(type(os.environ), "__delitem__", lambda _, key: gone.append(key))
    body, _, _ = workshop.__wrapped__()  # past its cache
    assert (body.name, gone) == ("open", [])


def test_skinning_equals_smplx() -> None:
    body, surface, _ = workshop()
    rotmats = axis_angle_to_rotmat(torch.randn(1, 24, 3) * 0.4)
    betas = torch.randn(1, 10)
    expected = body(rotmats, betas).vertices[0].numpy()
    shaped = body.template + torch.einsum("bl,vkl->bvk", betas, body.smpl.shapedirs)
    joints = torch.einsum("jv,bvk->bjk", body.smpl.J_regressor, shaped)
    _, transforms = batch_rigid_transform(rotmats, joints, body.smpl.parents)
    got = skin(
        shaped[0].numpy(), surface.skin_joints, surface.skin_weights, transforms[0, :, :3].numpy()
    )
    assert np.abs(got - expected).max() < 2e-5


def test_rasteriser_equals_pytorch3d() -> None:
    pytest.importorskip("pytorch3d", reason="pytorch3d has no wheel for this platform")
    from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes
    from pytorch3d.structures import Meshes

    _, surface, _ = workshop()
    vertices = surface.template * np.float32([1, -1, -1]) + np.float32([0.02, 0.03, 3])
    size, focal = 32, 50.0
    face, bary, depth = visible_faces(vertices, surface.faces, focal, size / 2, size / 2, size)
    # pytorch3d's screen: x to the left, y up, both in [-1, 1].
    ndc = torch.from_numpy(
        np.stack(
            [
                -vertices[:, 0] / vertices[:, 2] * focal * 2 / size,
                -vertices[:, 1] / vertices[:, 2] * focal * 2 / size,
                vertices[:, 2],
            ],
            1,
        )
    )
    theirs, their_depth, their_bary, _ = rasterize_meshes(
        Meshes([ndc], [torch.from_numpy(surface.faces.astype(np.int64))]),
        image_size=size, blur_radius=0.0, faces_per_pixel=1, perspective_correct=True, bin_size=0,
    )  # fmt: skip
    theirs = theirs[0, ..., 0].numpy()
    hit = (face >= 0) | (theirs >= 0)
    assert hit.sum() > 50
    assert (face == theirs)[hit].mean() > 0.99
    same = (face == theirs) & (face >= 0)
    assert np.abs(bary - their_bary[0, ..., 0, :].numpy())[same].max() < 2e-3
    assert np.abs(depth - their_depth[0, ..., 0].numpy())[same].max() < 1e-4


def test_shards_are_deterministic(people: dict[str, np.ndarray]) -> None:
    again = make_people(SPLITS["test-wild"], 0, 0, COUNT, SIZE)
    assert all(np.array_equal(people[k], again[k]) for k in people)
    other = make_people(SPLITS["test-wild"], 1, 0, COUNT, SIZE)
    assert not np.array_equal(people["images"], other["images"])


def test_keypoints_lie_on_the_person(people: dict[str, np.ndarray]) -> None:
    """Hips and shoulders project onto the mask, which is only so when camera and truth agree."""
    masks = np.unpackbits(people["mask"], axis=2).astype(bool)
    inside = []
    for i in range(COUNT):
        for j in (2, 3, 8, 9, 12):
            x, y = (people["keypoints2d"][i, j, :2] + 1) / 2 * SIZE
            inside.append(masks[i, int(np.clip(y, 0, SIZE - 1)), int(np.clip(x, 0, SIZE - 1))])
    assert np.mean(inside) > 0.9


def test_person_fills_the_crop(people: dict[str, np.ndarray]) -> None:
    extent = np.ptp(people["keypoints2d"][..., :2], axis=1).max(1) / 2
    assert (extent > 0.7).all()
    assert (extent < 0.95).all()


def test_weak_split_holds_no_3d_truth() -> None:
    data = make_people(SPLITS["train-wild"], 0, 0, 2, SIZE)
    assert not {"pose", "betas", "keypoints3d", "joints14"} & data.keys()
    assert "keypoints2d" in data


def test_the_oracle_sees_the_very_pictures_of_its_part() -> None:
    weak, full = (make_people(SPLITS[n], 0, 0, 3, SIZE) for n in ("train-wild", "oracle-wild"))
    assert full.keys() - weak.keys() == {"pose", "betas", "keypoints3d", "joints14"}
    for key, array in weak.items():
        np.testing.assert_array_equal(array, full[key])


def test_who_is_not_replaced_keeps_her_picture(people: dict[str, np.ndarray]) -> None:
    """The rest of a person is drawn as if no pose had been replaced."""
    before = make_people(replace(SPLITS["test-wild"], long=0.0), 0, 0, COUNT, SIZE)
    kept = before["clip"] == people["clip"]
    assert 0 < kept.sum() < COUNT
    np.testing.assert_array_equal(before["images"][kept], people["images"][kept])
    np.testing.assert_array_equal(before["place"], people["place"])
    np.testing.assert_array_equal(before["person"], people["person"])
    assert all(clip.startswith("cmu_01_03/") for clip in people["clip"][~kept])


def test_the_people_of_the_first_lesson_keep_their_poses() -> None:
    split, rng = SPLITS["test-wild"], np.random.default_rng([0, 3, 0])
    drawn = sample_poses(rng, split.motions, 256)
    own = np.random.default_rng([0, split.stream, 0, SALT])
    replaced = replace_poses(own, drawn, "test", split.long)
    street = [24, 30, 38, 69, 83, 164, 187]
    np.testing.assert_array_equal(replaced.poses[street], drawn.poses[street])
    assert (replaced.clip != drawn.clip).mean() == pytest.approx(split.long, abs=0.06)


def test_nothing_is_shared_between_training_and_test() -> None:
    parts = {
        n: make_people(s, 0, 0, 24, 32)
        for n, s in SPLITS.items()
        if n in ("source", "test-wild", "test-studio")
    }
    train = parts.pop("source")
    for data in parts.values():
        for key in ("person", "clip", "place"):
            shared = set(data[key].tolist()) & set(train[key].tolist())
            assert not shared, f"{key}: {shared}"
    ranges = [range(*s.outfits) for n, s in SPLITS.items() if n != "oracle-wild"]
    for i, a in enumerate(ranges):
        for b in ranges[i + 1 :]:
            assert not set(a) & set(b)


def test_light_turns_with_the_world() -> None:
    sun = np.float32([0, 0.6, 0.8])
    light = scenes.lamp_irradiance(sun, 0.3, np.float32([1, 1, 1]))
    turn = np.float32([[0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    turned = scenes.rotate_irradiance(light, turn)
    normals = np.float32([[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0.6, 0.8]])
    before = scenes.harmonics(normals) @ light
    after = scenes.harmonics(normals @ turn.T) @ turned
    assert np.abs(before - after).max() < 1e-4


def test_a_shadow_beside_the_camera_is_left_out() -> None:
    """A long shadow may reach the camera's own plane, where a point has no place in the picture."""
    up, ground = np.float32([0, -1, 0]), np.float32([0, 1, 3])
    ahead = [[-1, 0, 4], [1, 0, 4], [0, 0, 6]]
    beside = [[0, 0, 0], [1, 0, 0], [0, -1, 3]]
    camera = Camera(40.0, 16.0, 16.0, 32)
    faces = np.arange(6, dtype=np.int32).reshape(2, 3)
    with np.errstate(all="raise"):
        both = shadow(np.float32(ahead + beside), faces, camera, up, ground, up)
    only = shadow(np.float32(ahead), faces[:1], camera, up, ground, up)
    assert only.sum() > 10
    assert np.array_equal(both, only)
