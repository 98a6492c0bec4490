"""Videos of the open benchmark: one person, place and camera over many frames.

A sequence is what a tracker hands on: square crops round one person, at 30 frames a second, from a
camera that is held still, panned or shaken. Everything that a picture has (:mod:`rsclib.openbench.people`)
keeps still while it should: outfit, light, place, the camera's faults; only its noise is new in each
frame. What stands in front stands in the place, so the person walks past it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from rsclib.openbench import poses as P
from rsclib.openbench.camera import Camera
from rsclib.openbench.chains import Motion, held_out_motion, train_motion
from rsclib.openbench.occluders import Front, occluder
from rsclib.openbench.parts import Split
from rsclib.openbench.people import Arrays, outfit_of, place_behind, posed, workshop
from rsclib.openbench.render import clothe, draw
from rsclib.render import zbuffer

Floats = P.Floats
# Box of a tracker: smoothed over a sixth of a second.
BOX_FRAMES = 5.0


def make_sequences(split: Split, seed: int, shard: int, count: int, size: int) -> Arrays:
    """Render one shard of ``count`` frames, sequence after sequence. The same arguments give the same bytes.

    Returns the arrays of :func:`rsclib.openbench.people.make_people` with full labels, and
    ``sequence``, the number of each frame's video in the whole part, and ``frame``, its place in it.
    """
    made: list[Arrays] = []
    per_shard = -(-count // split.frames)
    for number in range(shard * per_shard, (shard + 1) * per_shard):
        done = sum(len(m["images"]) for m in made)
        frames = min(split.frames, count - done)
        made.append(_sequence(split, seed, number, frames, size))
    return {name: np.concatenate([m[name] for m in made]) for name in made[0]}


def _sequence(split: Split, seed: int, number: int, frames: int, size: int) -> Arrays:
    key = [seed, split.stream, number]
    rng = np.random.default_rng(key)
    length = split.frames  # of which the first ``frames`` are rendered
    motion = (
        train_motion(rng, length)
        if split.motions == "train"
        else held_out_motion(rng, split.motions, number, length)
    )
    surface = workshop()[1]
    betas = np.clip(rng.standard_normal(10), -2.5, 2.5).astype(np.float32)
    person = int(rng.integers(*split.outfits))
    outfit = outfit_of(person)
    cameras, pose, where = _camera(rng, motion)
    out, shaped, rest, transforms = posed(pose, np.repeat(betas[None], length, 0))
    joints = out.keypoints3d.numpy()
    if not motion.grounded:  # the lowest point on the floor, in every frame
        upright = np.einsum("tij,tkj->tki", cameras.transpose(0, 2, 1), joints)
        where[:, 1] -= upright[..., 1].min(1)
    where -= where.mean(0)
    distance = max(
        float(np.exp(rng.uniform(np.log(3), np.log(12)))), 2.5 + float(np.linalg.norm(where, axis=1).max())
    )  # fmt: skip
    eye = -cameras[0].T @ np.array([0, 0, distance], np.float32)
    shift = np.einsum("tij,tj->ti", cameras, where - eye) - rest[:, 0]
    points = (joints + shift[:, None]).astype(np.float32)
    dressed = [clothe(surface, shaped[t], outfit, transforms[t]) + shift[t] for t in range(length)]
    floor = min(float((v @ c)[:, 1].min()) for v, c in zip(dressed, cameras, strict=True))
    boxes = _crops(rng, points, size, split.scenes == "wild")
    front = _front(rng, split, surface.faces, dressed[length // 2], boxes[length // 2])
    noise = np.random.default_rng([*key, 1])
    spread = float(rng.uniform(0.4, 0.8))
    data: Arrays = {
        "images": np.zeros((frames, size, size, 3), np.uint8),
        "keypoints2d": np.zeros((frames, 24, 3), np.float32),
        "person": np.full(frames, person, np.int32),
        "clip": np.full(frames, motion.clip, "U24"),
        "place": np.zeros(frames, "U24"),
        "sequence": np.full(frames, number, np.int32),
        "frame": np.arange(frames, dtype=np.int32),
        "pose": pose[:frames].reshape(frames, 72),
        "betas": np.repeat(betas[None], frames, 0),
        "keypoints3d": joints[:frames],
        "joints14": out.joints14.numpy()[:frames],
    }
    for t in range(frames):
        camera, rotation = boxes[t], cameras[t]
        below = rotation.T @ shift[t]
        ground = (rotation @ np.array([below[0], floor, below[2]])).astype(np.float32)
        view = camera.view(rotation, ground, spread)
        # The same draws in every frame: the same place, light and faults of the camera.
        place = place_behind(np.random.default_rng([*key, 2]), split, view)
        picture = draw(
            np.random.default_rng([*key, 3]), surface, np.ascontiguousarray(dressed[t], np.float32),
            outfit, camera, place, rotation, ground, 0.0, noise, front.seen_by(camera) if front else None,
        )  # fmt: skip
        flat = camera.project(points[t]) * 2 / size - 1
        data["images"][t] = picture.image
        data["keypoints2d"][t, :, :2] = flat
        data["keypoints2d"][t, :, 2] = (np.abs(flat) < 1).all(1)
        data["place"][t] = place.name
    return data


def _camera(rng: np.random.Generator, motion: Motion) -> tuple[Floats, Floats, Floats]:
    """World-to-camera rotations (T, 3, 3), poses (T, 24, 3) in the camera's frame, and where the root is
    in the world (T, 3)."""
    frames = len(motion.poses)
    base = Rotation.from_matrix(P.sample_cameras(rng, 1)[0])
    heading = float(P.sample_headings(rng, 1)[0] - _mean_yaw(motion))
    turn = Rotation.from_rotvec([0, heading, 0])
    time = np.linspace(0, 1, frames)
    pan = rng.uniform(-0.15, 0.15) * (rng.random() < 0.4) * time
    shake = np.zeros((frames, 3))
    if rng.random() < 0.4:  # held in a hand
        shake = gaussian_filter1d(rng.normal(0, 1, (frames + 40, 3)), 5, axis=0)[20:-20] * 0.025
    panned = Rotation.from_rotvec(np.stack([0 * pan, pan, 0 * pan], 1))
    cameras = Rotation.from_rotvec(shake) * base * panned
    pose = motion.poses.copy()
    pose[:, 0] = (cameras * turn * Rotation.from_rotvec(motion.poses[:, 0])).as_rotvec()
    where = turn.apply(motion.trans).astype(np.float32)
    return cameras.as_matrix().astype(np.float32), pose, where


def _mean_yaw(motion: Motion) -> float:
    """The heading that a person has on average, radians."""
    forward = Rotation.from_rotvec(motion.poses[:, 0]).apply([0, 0, 1]).mean(0)
    return float(np.arctan2(forward[0], forward[2]))


def _crops(rng: np.random.Generator, points: Floats, size: int, wild: bool) -> list[Camera]:
    """A camera a frame that shows the square round the person's points (T, 24, 3), as a tracker's smoothed
    box does."""
    flat = points[..., :2] / points[..., 2:]
    low, high = flat.min(1), flat.max(1)
    margin = rng.uniform(1.1, 1.35) if wild else rng.uniform(1.15, 1.3)
    off = rng.normal(0, 0.03, 2)
    side = gaussian_filter1d((high - low).max(1) * margin, BOX_FRAMES, mode="nearest")
    centre = gaussian_filter1d((low + high) / 2, BOX_FRAMES, axis=0, mode="nearest")
    centre = centre + off * side[:, None]
    focal = size / side
    at = size / 2 - focal[:, None] * centre
    return [Camera(float(f), float(x), float(y), size) for f, (x, y) in zip(focal, at, strict=True)]


def _front(
    rng: np.random.Generator, split: Split, faces: NDArray[np.int32], vertices: Floats, camera: Camera
) -> Front | None:  # fmt: skip
    """What stands in front of the person in the middle of the sequence, if anything does."""
    if rng.random() >= split.occlusion:
        return None
    screen = camera.project(np.asarray(vertices, np.float32))
    x, y = np.ascontiguousarray(screen[:, 0]), np.ascontiguousarray(screen[:, 1])
    mask = zbuffer.silhouette(x, y, faces, camera.size, camera.size).astype(np.float32)
    colour = rng.uniform(0.3, 0.7, 3).astype(np.float32)
    return Front(*occluder(rng, mask, colour), camera)
