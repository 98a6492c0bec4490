"""One person of a test part, filmed: the clip that her picture is a frame of, from the same camera."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from rsclib.openbench.camera import Camera
from rsclib.openbench.motions import Clip, mirror_poses, shipped_motions
from rsclib.openbench.people import outfit_of, posed, workshop
from rsclib.openbench.render import clothe, draw
from rsclib.openbench.scenes import load_places, panorama_place
from rsclib.viz.people import Arrays

Floats = NDArray[np.float32]
AWAY, MARGIN = 6.0, 1.2  # metres to the camera; side of the crop over the person's extent


def her_motion(data: Arrays, person: int) -> tuple[Floats, Floats, NDArray[np.float64]]:
    """The whole clip of a person of a test part, turned as in her picture.

    Returns:
        poses (T, 24, 3) axis-angle and root positions (T, 3), m, both in camera axes; and the world's
        axes in the camera's, (3, 3), y up.
    """
    clip: Clip = shipped_motions()[str(data["clip"][person])]
    pose = data["pose"][person].reshape(24, 3)
    sides = {1.0: clip.poses, -1.0: mirror_poses(clip.poses)}  # the picture may be a mirrored frame
    far = {k: np.linalg.norm(p[:, 1:] - pose[1:], axis=-1).mean(1) for k, p in sides.items()}
    side = min(far, key=lambda k: far[k].min())
    poses, now = sides[side].copy(), int(far[side].argmin())
    seen = Rotation.from_rotvec(pose[0]) * Rotation.from_rotvec(poses[now, 0]).inv()
    poses[:, 0] = (seen * Rotation.from_rotvec(poses[:, 0])).as_rotvec()
    where = seen.apply(clip.trans * np.array([side, 1, 1], np.float32)).astype(np.float32)
    return poses, where, seen.as_matrix()


def filmed(data: Arrays, person: int, size: int = 128, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Render that clip, 30 frames a second, with her shape, her outfit and, if it is a panorama, her
    place (else another one of the test). The crop follows her as a tracker's box does.

    Args:
        seed: draws what her picture does not tell: which way the panorama lies, colours, the camera's faults.

    Returns:
        ``images`` (T, S, S, 3) uint8; ``joints14`` (T, 14, 3), metres, camera axes, from the pelvis;
        ``up`` (3,), where up is in camera axes.
    """
    poses, where, seen = her_motion(data, person)
    count, surface = len(poses), workshop()[1]
    betas = np.repeat(data["betas"][[person]], count, 0)
    out, shaped, _, transforms = posed(poses, betas)
    shift = where - where.mean(0) + np.array([0, 0, AWAY], np.float32)
    points = out.keypoints3d.numpy() + shift[:, None]
    outfit = outfit_of(int(data["person"][person]))
    dressed = [clothe(surface, shaped[t], outfit, transforms[t]) + shift[t] for t in range(count)]
    rotation = seen.astype(np.float32)
    floor = min(float((v @ rotation)[:, 1].min()) for v in dressed)
    flat = points[..., :2] / points[..., 2:]
    low, high = flat.min(1), flat.max(1)
    side = gaussian_filter1d((high - low).max(1) * MARGIN, 5, mode="nearest")
    middle = gaussian_filter1d((low + high) / 2, 5, axis=0, mode="nearest")
    known = load_places().panoramas
    place = str(data["place"][person])
    names = (place,) if place in known else tuple(sorted(known))[:1]
    noise = np.random.default_rng([seed, 1])
    images = []
    for t in range(count):
        focal = float(size / side[t])
        x, y = (float(v) for v in size / 2 - focal * middle[t])
        camera = Camera(focal, x, y, size)
        below = rotation.T @ shift[t]
        ground = (rotation @ np.array([below[0], floor, below[2]])).astype(np.float32)
        view = camera.view(rotation, ground, 0.6)
        behind = panorama_place(np.random.default_rng([seed, 2]), view, names)
        picture = draw(
            np.random.default_rng([seed, 3]), surface, np.ascontiguousarray(dressed[t], np.float32),
            outfit, camera, behind, rotation, ground, 0.0, noise,
        )  # fmt: skip
        images.append(picture.image)
    return {"images": np.stack(images), "joints14": out.joints14.numpy(), "up": seen[:, 1]}
