"""From random numbers to a batch of labelled people: what one shard of the open benchmark holds."""

from __future__ import annotations

import functools

import numpy as np
import torch
from numpy.typing import NDArray
from smplx.lbs import batch_rigid_transform
from smplx.vertex_ids import vertex_ids

from rsclib.body import Body, BodyOutput, load_body
from rsclib.files.body_files import OPEN_BODY
from rsclib.geometry import axis_angle_to_rotmat
from rsclib.openbench import poses as P
from rsclib.openbench import rooms, scenes
from rsclib.openbench.camera import Camera
from rsclib.openbench.everyday import sample_varied_headings, sample_varied_poses
from rsclib.openbench.outfits import Outfit, Wardrobe
from rsclib.openbench.parts import Split
from rsclib.openbench.render import clothe, draw
from rsclib.openbench.streetwear import Streetwear
from rsclib.openbench.surface import Surface

Arrays = dict[str, NDArray]

# Of the generator that says who takes a pose from a long recording. Chosen so that the people of
# lesson 00's street keep theirs.
SALT = 731


@functools.cache
def workshop() -> tuple[Body, Surface, Wardrobe]:
    """The open body as the renderer sees it. (Licensed SMPL has no free atlas to paint on.)"""
    body = load_body(OPEN_BODY)
    weights = body.smpl.lbs_weights.numpy()
    surface = Surface.of(body.template.numpy(), body.faces.numpy(), body.uv, body.uv_faces, weights)  # type: ignore[arg-type]
    return body, surface, Wardrobe(surface, weights, vertex_ids["smplh"])


@functools.cache
def streetwear() -> Streetwear:
    """The clothes of pedestrians."""
    _, surface, wardrobe = workshop()
    return Streetwear(wardrobe, surface)


@functools.lru_cache(maxsize=400)
def outfit_of(seed: int, varied: bool = False) -> Outfit:
    """The clothes of a person; in a varied part every second one is dressed as pedestrians are."""
    return streetwear().outfit(seed) if varied and seed % 2 else workshop()[2].outfit(seed)


def place_behind(rng: np.random.Generator, split: Split, view: scenes.View) -> scenes.Place:
    """A place of a part, as a camera sees it."""
    test = split.motions == "test"
    if split.scenes == "lab":
        return rooms.room_place(
            rng, view, int(rng.integers(90, 94) if test else rng.integers(8)), True
        )
    if split.scenes == "studio":
        if rng.random() < 0.5:
            names: tuple[str, ...] = scenes.STUDIO_TEST if test else scenes.STUDIO_TRAIN
            return scenes.panorama_place(rng, view, names)
        return rooms.room_place(
            rng, view, int(rng.integers(70, 80) if test else rng.integers(60, 70)), True
        )
    if rng.random() < 0.72:
        used = scenes.TEST_PANORAMAS + scenes.STUDIO_TEST
        names = tuple(n for n in scenes.load_places().panoramas if n not in used)
        return scenes.panorama_place(rng, view, scenes.TEST_PANORAMAS if test else names)
    return rooms.room_place(
        rng, view, int(rng.integers(800, 860) if test else rng.integers(100, 500)), False
    )


def posed(
    pose: NDArray[np.float32], betas: NDArray[np.float32]
) -> tuple[BodyOutput, NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Bodies in poses (B, 24, 3) with shapes (B, 10): their joints, rest shapes (B, 6890, 3), rest joints
    (B, 24, 3) and the transforms (B, 24, 3, 4) of their joints."""
    body = workshop()[0]
    with torch.no_grad():
        rotmats = axis_angle_to_rotmat(torch.as_tensor(pose))
        out = body.joints(rotmats, torch.as_tensor(betas))
        shaped = body.template + torch.einsum(
            "bl,vkl->bvk", torch.as_tensor(betas), body.smpl.shapedirs
        )
        rest = torch.einsum("jv,bvk->bjk", body.smpl.J_regressor, shaped)
        _, transforms = batch_rigid_transform(rotmats, rest, body.smpl.parents)
    return out, shaped.numpy(), rest.numpy(), transforms[:, :, :3].numpy()


def array_names(split: Split) -> set[str]:
    """The arrays of a part."""
    names = {"images", "keypoints2d", "person", "clip", "place"}
    if split.labels == "full":
        names |= {"pose", "betas", "keypoints3d", "joints14"}
    if split.truth:
        names |= {"mask", "parts"}
    if split.frames:
        names |= {"sequence", "frame"}
    return names | {"dense"} if split.dense else names


def make_people(split: Split, seed: int, shard: int, count: int, size: int) -> Arrays:
    """Render one shard. The same arguments give the same bytes.

    Returns arrays of length ``count``: ``images`` (S, S, 3) uint8; ``keypoints2d`` (24, 3) normalised
    with confidence; ``person`` outfit seed; ``clip``, ``place`` names; and, with full labels,
    ``pose`` (72,) axis-angle in the camera frame, ``betas`` (10,), ``keypoints3d`` (24, 3)
    and ``joints14`` (14, 3), both metres in camera axes; ``mask`` (S, S/8) packed bits, ``parts``
    (S, S) and ``dense`` (S/4, S/4, 4) where the split has them.
    """
    rng = np.random.default_rng([seed, split.stream, shard])
    surface = workshop()[1]
    drawn = (
        sample_varied_poses(rng, count)
        if split.varied
        else P.sample_poses(rng, split.motions, count)
    )
    if split.long:
        own = np.random.default_rng([seed, split.stream, shard, SALT])
        held_out = "test" if split.motions == "test" else "val"
        drawn = P.replace_poses(own, drawn, held_out, split.long)
    cameras = P.sample_cameras(rng, count)
    headings = sample_varied_headings(rng, count) if split.varied else P.sample_headings(rng, count)
    pose = P.place_in_camera(drawn.poses, headings, cameras)
    betas = np.clip(rng.standard_normal((count, 10)), -2.5, 2.5).astype(np.float32)
    distance = np.exp(rng.uniform(np.log(3), np.log(12), count)).astype(np.float32)

    out, shaped, _, transforms = posed(pose, betas)
    joints = out.keypoints3d.numpy()
    data: Arrays = {
        "images": np.zeros((count, size, size, 3), np.uint8),
        "keypoints2d": np.zeros((count, 24, 3), np.float32),
        "person": np.zeros(count, np.int32),
        "clip": drawn.clip.astype("U24"),
        "place": np.zeros(count, "U24"),
    }
    if split.labels == "full":
        data |= {
            "pose": pose.reshape(count, 72),
            "betas": betas,
            "keypoints3d": joints,
            "joints14": out.joints14.numpy(),
        }
    if split.truth:
        data["mask"] = np.zeros((count, size, size // 8), np.uint8)
        data["parts"] = np.zeros((count, size, size), np.uint8)
    if split.dense:
        data["dense"] = np.zeros((count, size // 4, size // 4, 4), np.uint8)
    for i in range(count):
        person = int(rng.integers(*split.outfits))
        outfit = outfit_of(person, split.varied)
        vertices = clothe(surface, shaped[i], outfit, transforms[i])
        shift = np.array([0, 0, distance[i]], np.float32) - joints[i].mean(0)
        vertices = np.ascontiguousarray(vertices + shift, np.float32)
        points = (joints[i] + shift).astype(np.float32)
        wild = split.scenes == "wild"
        margin = rng.uniform(1.1, 1.35) if wild else rng.uniform(1.15, 1.3)
        camera = Camera.around(points, size, margin, rng.normal(0, 0.03, 2).astype(np.float32))
        up = cameras[i][:, 1]
        ground = vertices[np.argmin(vertices @ up)]
        view = camera.view(cameras[i], ground, rng.uniform(0.4, 0.8))
        place = place_behind(rng, split, view)
        picture = draw(
            rng, surface, vertices, outfit, camera, place, cameras[i], ground, split.occlusion
        )
        flat = camera.project(points) * 2 / size - 1
        data["images"][i] = picture.image
        data["keypoints2d"][i, :, :2] = flat
        data["keypoints2d"][i, :, 2] = (np.abs(flat) < 1).all(1)
        data["person"][i], data["place"][i] = person, place.name
        if split.truth:
            data["mask"][i] = np.packbits(picture.mask, 1)
            data["parts"][i] = picture.parts
        if split.dense:
            data["dense"][i] = picture.dense
    return data
