"""Rebuild ``rsclib/assets/motions.npz``: motion-capture clips on SMPL's 24 joints, at 30 fps.

Short clips come with the ``pybullet`` wheel (a zip), longer recordings with Debian's package of
assimp's test models (:mod:`bvh_source`). Nothing of them is installed or run:

    pip download pybullet==3.2.7 --no-deps --only-binary :all: --dest wheels
    apt-get download assimp-testmodels
    dpkg-deb --extract assimp-testmodels_*.deb models
    python benchmarks/assets/build_motions.py --wheel wheels/pybullet-3.2.7-*.whl \
        --bvh models/usr/share/assimp/models/BVH

One frame of the wheel's clips has 44 numbers: duration [s], root position [m], and per joint a quaternion
(w, x, y, z) or one hinge angle [rad], at the columns named below. Its body frame has x forward,
y up and z to the body's right; SMPL's has x to its left, y up, z forward.
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from pathlib import Path

import bvh_source
import numpy as np
from bvh_source import Floats
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from rsclib.errors import RscError
from rsclib.files.atomic import atomic_path, sha256
from rsclib.openbench.motions import ASSET, FPS
from rsclib.skeleton import SMPL_NAMES

HOW_TO_GET = "pip download pybullet==3.2.7 --no-deps --only-binary :all: --dest wheels"
FOLDER = "pybullet_data/data/motions/"

# Kinds are by what a photo of it would be called, judged by eye on drawn frames.
KINDS = {
    "walk": "everyday",
    "walk_forward": "everyday",
    "walk_turn_left0": "everyday",
    "walk_turn_left1": "everyday",
    "walk_turn_right0": "everyday",
    "walk_turn_right1": "everyday",
    "run": "everyday",
    "dance_a": "everyday",
    "dance_b": "everyday",
    "jump": "sport",
    "punch": "sport",
    "kick": "sport",
    "spin": "sport",
    "spinkick": "sport",
    "crawl": "acrobatic",
    "getup_facedown": "acrobatic",
    "getup_faceup": "acrobatic",
    "roll": "acrobatic",
    "cartwheel": "acrobatic",
    "backflip": "acrobatic",
}

_TO_SMPL = np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
_ROOT, _CHEST, _NECK = 4, 8, 12
# side, hip, knee (hinge), ankle, shoulder, elbow (hinge), T-pose arm → hanging arm about z
_SIDES = (("right", 16, 20, 21, 25, 29, 90.0), ("left", 30, 34, 35, 39, 43, -90.0))


def clip_name(member: str) -> str:
    """Archive member → clip name, e.g. ``…/walker/turn_left0.txt`` → ``walk_turn_left0``."""
    stem = Path(member).stem
    if "/walker/" in member:
        return "walk_" + stem.removeprefix("0walk_")
    return stem.removeprefix("humanoid3d_")


def retarget(
    frames: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Source frames (F, 44) → poses (T, 24, 3) axis-angle and root positions (T, 3) in m, 30 fps."""
    time = np.concatenate([[0.0], np.cumsum(frames[:-1, 0])])
    at = np.minimum(np.arange(int(time[-1] * FPS + 1e-6) + 1) / FPS, time[-1])

    def linear(column: int) -> NDArray[np.float64]:
        return np.interp(at, time, frames[:, column])

    def ball(column: int) -> Rotation:
        key = Rotation.from_quat(frames[:, column : column + 4], scalar_first=True)
        matrix = Slerp(time, key)(at).as_matrix()
        return Rotation.from_matrix(_TO_SMPL @ matrix @ _TO_SMPL.T)

    poses = np.zeros((len(at), 24, 3))
    poses[:, 0] = ball(_ROOT).as_rotvec()
    # The source has one chest and one neck joint: each turn is shared equally by SMPL's joints.
    for joint in ("spine1", "spine2", "spine3"):
        poses[:, SMPL_NAMES.index(joint)] = ball(_CHEST).as_rotvec() / 3
    for joint in ("neck", "head"):
        poses[:, SMPL_NAMES.index(joint)] = ball(_NECK).as_rotvec() / 2
    for side, hip, knee, ankle, shoulder, elbow, degrees in _SIDES:
        poses[:, SMPL_NAMES.index(f"{side}_hip")] = ball(hip).as_rotvec()
        # The hinge turns about the source's z = SMPL's −x and is ≤ 0, so flexion is about +x.
        poses[:, SMPL_NAMES.index(f"{side}_knee"), 0] = -linear(knee)
        poses[:, SMPL_NAMES.index(f"{side}_ankle")] = ball(ankle).as_rotvec()
        # Arms hang at the source's rest, but point sideways at SMPL's.
        hang = Rotation.from_euler("z", degrees, degrees=True)
        poses[:, SMPL_NAMES.index(f"{side}_shoulder")] = (ball(shoulder) * hang).as_rotvec()
        flexion = np.zeros((len(at), 3))
        flexion[:, 0] = -linear(elbow)
        poses[:, SMPL_NAMES.index(f"{side}_elbow")] = hang.inv().apply(flexion)
    trans = np.stack([linear(c) for c in (1, 2, 3)], axis=1) @ _TO_SMPL.T
    return poses, trans


def build(wheel: Path, recordings: Path, out: Path) -> None:
    """Read all human clips of the wheel and those of the BVH files in ``recordings``; write the asset.

    Raises:
        RscError: the wheel is missing, is no zip, or has not the expected clips; a BVH file is
            missing or another.
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    clips = []

    def add(name: str, kind: str, source: str, poses: Floats, trans: Floats) -> None:
        # Half precision turns a joint by at most 0.1° (at half a turn); positions need more.
        arrays[f"{name}/poses"] = poses.astype(np.float16)
        arrays[f"{name}/trans"] = trans.astype(np.float32)
        clips.append({"name": name, "kind": kind, "source": source})
        print(f"{name:18s} {kind:10s} {len(poses):4d} frames {len(poses) / FPS:5.1f} s")

    try:
        archive = zipfile.ZipFile(wheel)
    except (OSError, zipfile.BadZipFile) as error:
        raise RscError(f"cannot read the wheel {wheel}: {error}. Get it: {HOW_TO_GET}") from error
    with archive:
        inside = [m for m in archive.namelist() if m.startswith(FOLDER) and m.endswith(".txt")]
        by_name = {clip_name(m): m for m in inside if "laikago" not in m}  # that one is a robot dog
        if set(by_name) != set(KINDS):
            raise RscError(f"{wheel} has other clips than expected: {sorted(by_name)}")
        for name, kind in KINDS.items():
            frames = np.array(json.loads(archive.read(by_name[name]))["Frames"], dtype=np.float64)
            add(name, kind, by_name[name], *retarget(frames))
    for clip in bvh_source.clips(recordings):
        add(*clip)
    metadata = {
        "format": 1,
        "fps": FPS,
        "joints": list(SMPL_NAMES),
        "clips": clips,
        "source": {
            "package": "pybullet 3.2.7 wheel",
            "sha256": sha256(wheel),
            "folder": FOLDER,
            "licence": "zlib (the wheel); the clips come from the DeepMimic project "
            "and carry no separate licence text",
        },
        "recordings": {
            "package": "assimp-testmodels 5.2.5~ds0-1, Debian",
            "sha256": {r.file: r.sha256 for r in bvh_source.RECORDINGS},
            "folder": bvh_source.FOLDER,
            "licence": "BSD-3-Clause (the package); 01_01 and 01_03 are of CMU's motion capture "
            "database, free for research and commercial use, not to be resold; the boxer's origin "
            "is not named",
        },
    }
    text = json.dumps(metadata, sort_keys=True).encode()
    arrays["metadata"] = np.frombuffer(text, dtype=np.uint8)
    with atomic_path(out) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)  # type: ignore[arg-type]
    print(f"{out}: {out.stat().st_size / 1e3:.0f} kB, sha256 {sha256(out)}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--wheel", type=Path, required=True, help=f"get it with: {HOW_TO_GET}")
    parser.add_argument(
        "--bvh",
        type=Path,
        required=True,
        help=f"{bvh_source.FOLDER}; get it with: {bvh_source.HOW_TO_GET}",
    )
    parser.add_argument("--out", type=Path, default=ASSET)
    arguments = parser.parse_args()
    try:
        build(arguments.wheel, arguments.bvh, arguments.out)
    except RscError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
