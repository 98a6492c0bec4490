"""Pedestrians: each person in several views, 128 x 64, with the true texture; Section 3.6's data.

They stand in for Market-1501: a person is seen by six cameras, from all sides, walking or standing,
in other light each time. People of training and test share no body, outfit or place. Unlike in the
other parts, clothes keep their colours from picture to picture.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from smplx.lbs import batch_rigid_transform

from rsclib.errors import RscError
from rsclib.geometry import axis_angle_to_rotmat
from rsclib.openbench import poses as P
from rsclib.openbench import scenes
from rsclib.openbench.camera import Camera
from rsclib.openbench.motions import mirror_poses, shipped_motions
from rsclib.openbench.outfits import Outfit
from rsclib.openbench.parts import Street
from rsclib.openbench.people import Arrays, streetwear, workshop
from rsclib.openbench.render import clothe, draw

VIEWS = 8  # pictures of a person
QUERIES = (0, 4)  # of them, those that ask in re-identification: two sides of a person
CAMERAS = 6  # Market-1501 has as many; each has places of its own
TEXTURE = 128  # px, of the true texture
WALKS = {
    "train": ("walk_forward", "walk_turn_left0", "walk_turn_right1"),
    "test": ("walk", "walk_turn_left1", "walk_turn_right0"),
}
ARRAYS = {
    "images", "identity", "view", "camera_id", "place", "clip", "pose", "betas", "camera", "mask", "uv",
}  # fmt: skip
PER_PERSON = {"uv"}  # a row a person; of the others, a row a picture


@functools.lru_cache(maxsize=4)  # pictures come person by person
def _dressed(identity: int) -> Outfit:
    return streetwear().outfit(identity)


def body_of(identity: int) -> NDArray[np.float32]:
    """Betas (10,) of a person."""
    rng = np.random.default_rng([identity, 32452843])
    return np.clip(rng.standard_normal(10) * 0.8, -2, 2).astype(np.float32)


def true_texture(identity: int, size: int = TEXTURE) -> NDArray[np.uint8]:
    """What a person wears as a UV map (size, size, 3), sRGB; row 0 is v = 1."""
    image = Image.fromarray(_dressed(identity).texture)
    return np.asarray(image.resize((size, size), Image.Resampling.BOX))


def places_of(motions: str, camera_id: int) -> tuple[str, ...]:
    """The panoramas that a camera (1 to 6) of "train" or "test" may stand in."""
    names = scenes.test_panoramas() if motions == "test" else scenes.training_panoramas()
    return names[camera_id - 1 :: CAMERAS]


def sample_walkers(
    rng: np.random.Generator, motions: str, n: int
) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Poses (n, 24, 3) without heading of people who walk (two thirds) or stand, and their clips."""
    clips = [shipped_motions()[name] for name in WALKS[motions]]
    poses, clip = P.frames(rng, clips, n)
    still = P.limbs(rng, n, low=False, still=True)
    standing = rng.random(n) < 0.33
    legs = np.array(P.LEFT_LEG + P.RIGHT_LEG + P.TRUNK + (0,))
    poses[np.ix_(standing, legs)] = still[np.ix_(standing, legs)]
    busy = rng.random(n) < 0.2  # an arm carries or points: of the everyday stances
    arm = np.array(P.LEFT_ARM)
    poses[np.ix_(busy, arm)] = still[np.ix_(busy, arm)]
    flip = rng.random(n) < 0.5
    poses[flip] = mirror_poses(poses[flip])
    poses[:, 1:] += rng.normal(0, 0.03, (n, 23, 3)).astype(np.float32)
    return poses, np.where(standing, "stance", clip)


def _centred(
    vertices: NDArray[np.float32], distance: float, shift: NDArray[np.float32]
) -> tuple[NDArray[np.float32], float]:
    """The translation (3,) that puts a body on the camera's axis, and its extent at depth 1.

    Args:
        vertices: (V, 3) camera axes. shift: (2,) how far off the axis, as a part of the extent.
    """
    t = np.array([0, 0, distance], np.float32)
    extent = 0.0
    for _ in range(3):  # the far side is smaller: the middle moves a little each time
        flat = (vertices + t)[:, :2] / (vertices + t)[:, 2:]
        low, high = flat.min(0), flat.max(0)
        extent = float(max(high[1] - low[1], 2 * (high[0] - low[0])))
        t[:2] -= ((low + high) / 2 - shift * extent) * distance
    return t, extent


def make_pedestrians(part: Street, seed: int, shard: int, count: int, size: int) -> Arrays:
    """Render one shard: all views of ``count / VIEWS`` people. The same arguments, the same bytes.

    Returns:
        Arrays of length ``count``, person by person: ``images`` (S, S/2, 3) uint8; ``identity``;
        ``view`` 0 to 7; ``camera_id`` 1 to 6; ``place``, ``clip`` names; ``pose`` (72,) axis-angle in the
        camera frame and ``betas`` (10,): the *unclothed* body; ``camera`` (4,) = focal length in
        pixels and translation tx, ty, tz in metres: a body vertex X (camera axes: x right, y
        down, z forward) falls on column ``f (X + tx) / (Z + tz) + S/4`` and row
        ``f (Y + ty) / (Z + tz) + S/2``; ``mask`` (S, S/16) packed bits of the clothed person.
        And of length ``count / VIEWS``: ``uv`` (128, 128, 3) uint8, the texture of each person, see
        :func:`true_texture`; that of picture i is ``uv[i // VIEWS]``.

    Raises:
        RscError: the part has no more people.
    """
    if count % VIEWS:
        raise RscError(f"pedestrians come in {VIEWS} views each; ask for a multiple of {VIEWS}")
    first = part.outfits[0] + shard * (count // VIEWS)
    if first + count // VIEWS > part.outfits[1]:
        raise RscError(f"{part.name} has {part.outfits[1] - part.outfits[0]} people, no more")
    rng = np.random.default_rng([seed, part.stream, shard])
    body, surface, _ = workshop()
    identity = np.repeat(np.arange(first, first + count // VIEWS), VIEWS)
    walkers, clip = sample_walkers(rng, part.motions, count)
    cameras = P.sample_cameras(rng, count)
    start = np.repeat(rng.uniform(-np.pi, np.pi, count // VIEWS), VIEWS)
    turn = start + np.tile(np.arange(VIEWS), count // VIEWS) * 2 * np.pi / VIEWS
    headings = (turn + rng.normal(0, 0.2, count)).astype(np.float32)
    pose = P.place_in_camera(walkers, headings, cameras)
    betas = np.stack([body_of(int(i)) for i in identity])
    with torch.no_grad():
        rotmats = axis_angle_to_rotmat(torch.as_tensor(pose))
        shaped = body.template + torch.einsum(
            "bl,vkl->bvk", torch.as_tensor(betas), body.smpl.shapedirs
        )
        rest = torch.einsum("jv,bvk->bjk", body.smpl.J_regressor, shaped)
        _, transforms = batch_rigid_transform(rotmats, rest, body.smpl.parents)
    order = np.concatenate([rng.permutation(VIEWS) for _ in range(count // VIEWS)])
    data: Arrays = {
        "images": np.zeros((count, size, size // 2, 3), np.uint8),
        "identity": identity.astype(np.int32),
        "view": np.tile(np.arange(VIEWS, dtype=np.int32), count // VIEWS),
        "camera_id": (order % CAMERAS + 1).astype(np.int32),
        "place": np.zeros(count, "U24"),
        "clip": clip.astype("U24"),
        "pose": pose.reshape(count, 72),
        "betas": betas,
        "camera": np.zeros((count, 4), np.float32),
        "mask": np.zeros((count, size, size // 16), np.uint8),
        "uv": np.stack([true_texture(int(i)) for i in identity[::VIEWS]]),
    }
    middle = slice(size // 4, size // 4 + size // 2)
    for i in range(count):
        outfit = _dressed(int(identity[i]))
        # One label for all: nobody changes colour between two pictures.
        outfit = Outfit(outfit.texture, np.zeros_like(outfit.labels), outfit.offset)
        vertices = clothe(surface, shaped[i].numpy(), outfit, transforms[i, :, :3].numpy())
        distance = float(np.exp(rng.uniform(np.log(4), np.log(14))))
        shift = rng.normal(0, 0.015, 2).astype(np.float32)
        translation, extent = _centred(vertices, distance, shift)
        focal = size / (extent * rng.uniform(1.04, 1.18))
        vertices = np.ascontiguousarray(vertices + translation, np.float32)
        # A square picture, the middle of which is kept: its principal point stays in the middle.
        camera = Camera(focal, size / 2, size / 2, size)
        up = cameras[i][:, 1]
        ground = vertices[np.argmin(vertices @ up)]
        view = camera.view(cameras[i], ground, rng.uniform(0.45, 0.9))
        names = places_of(part.motions, int(data["camera_id"][i]))
        place = scenes.panorama_place(rng, view, names)
        picture = draw(rng, surface, vertices, outfit, camera, place, cameras[i], ground, 0.0)
        data["images"][i] = picture.image[:, middle]
        data["mask"][i] = np.packbits(picture.mask[:, middle], 1)
        data["place"][i] = place.name
        data["camera"][i] = focal, *translation
    return data
