"""Tiny data sets in the exact layout of the licensed ones, filled with random people."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from PIL import Image
from scipy.spatial.transform import Rotation

from rsclib.files.body_files import OPEN_BODY, read_body
from rsclib.openbench.motions import shipped_motions

SIDE = 96  # pixels of most pictures here


def picture(path: Path, seed: int = 0, size: tuple[int, int] = (SIDE, SIDE)) -> None:
    """A random picture, smooth enough to survive JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    small = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(path)


def poses(n: int, seed: int = 0) -> np.ndarray:
    """Real poses (n, 72), turned at random about the vertical, heads up in a camera (y down)."""
    frames = np.concatenate([clip.poses for clip in shipped_motions().values()])
    rng = np.random.default_rng(seed)
    chosen = frames[rng.integers(0, len(frames), n)].astype(np.float64)
    turn = Rotation.from_euler("xy", [[np.pi, a] for a in rng.uniform(0, 6, n)])
    chosen[:, 0] = (turn * Rotation.from_rotvec(chosen[:, 0])).as_rotvec()
    return chosen.reshape(n, 72)


def spin_arrays(names: list[str], seed: int = 0, **more: Any) -> dict[str, np.ndarray]:
    """What SPIN's label files hold of N pictures."""
    n, rng = len(names), np.random.default_rng(seed)
    part = rng.uniform(10, 80, (n, 24, 3))
    part[..., 2] = 1
    return {
        "imgname": np.array(names), "center": rng.uniform(40, 56, (n, 2)),
        "scale": rng.uniform(0.3, 0.4, n), "part": part, "pose": poses(n, seed),
        "shape": rng.normal(0, 1, (n, 10)), **more,
    }  # fmt: skip


def spin_3dpw(root: Path, per: int = 3, **changes: Any) -> Path:
    """``dataset_extras/3dpw_test.npz`` and its pictures: two sequences of ``per`` frames."""
    names = [
        f"imageFiles/{seq}/image_{i:05d}.jpg"
        for seq in ("downtown_arguing_00", "flat_guitar_01")
        for i in range(per)
    ]
    arrays = spin_arrays(names, gender=np.array(["m", "f"] * per)) | changes
    del arrays["part"]
    for i, name in enumerate(names):
        picture(root / "3dpw" / name, i)
    path = root / "dataset_extras" / "3dpw_test.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return path


def sequence(name: str, frames: int, people: int, seed: int = 0) -> dict[str, Any]:
    """What a sequence file of 3DPW holds."""
    rng = np.random.default_rng(seed)
    cameras = np.tile(np.eye(4), (frames, 1, 1))
    cameras[:, :3, :3] = Rotation.random(frames, random_state=seed).as_matrix()
    points = rng.uniform(20, 76, (people, frames, 3, 18))
    points[:, :, 2] = 0.9
    return {
        "sequence": name,
        "poses": [poses(frames, seed + p) for p in range(people)],
        "betas": [rng.normal(0, 1, 300 if p else 10) for p in range(people)],
        "trans": [rng.normal(0, 1, (frames, 3)) for _ in range(people)],
        "poses2d": list(points),
        "campose_valid": [np.ones(frames, bool) for _ in range(people)],
        "genders": ["m", "f"][:people],
        "cam_poses": cameras,
        "cam_intrinsics": np.eye(3),
        "img_frame_ids": np.arange(frames),
        "texture_maps": [], "v_template_clothed": [np.zeros((6890, 3))] * people,
    }  # fmt: skip


def raw_3dpw(root: Path, split: str = "test", protocol: int = 2) -> list[dict[str, Any]]:
    """``3dpw/`` with a sequence of one person and one of two, as pickles."""
    made = [sequence("downtown_cafe_00", 4, 1, 1), sequence("office_phoneCall_00", 3, 2, 2)]
    for content in made:
        path = root / "3dpw/sequenceFiles" / split / f"{content['sequence']}.pkl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(content, protocol))
        for i in range(len(content["cam_poses"])):
            picture(root / f"3dpw/imageFiles/{content['sequence']}/image_{i:05d}.jpg", i)
    return made


def smpl_folder(folder: Path, genders: tuple[str, ...] = ("neutral", "male", "female")) -> Path:
    """Bodies in SMPL's layout: the open one's arrays, each gender with another shape space."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays, _ = read_body(OPEN_BODY)
    arrays = {k: v for k, v in arrays.items() if k not in ("uv", "uv_faces", "mirror")}
    for key in ("J_regressor_extra", "J_regressor_h36m"):
        np.save(folder / f"{key}.npy", arrays.pop(key))
    for number, gender in enumerate(("neutral", "male", "female")):
        if gender in genders:
            arrays["shapedirs"] = np.roll(arrays["shapedirs"], number, -1)
            np.savez(folder / f"SMPL_{gender.upper()}.npz", **arrays)
    return folder


def h36m(root: Path, protocol: int) -> Path:
    """``h36m_valid_protocolN.npz`` and its pictures: 3D points, no poses."""
    names = [
        f"images/S{s}_Walking_1.{camera}_{i:06d}.jpg"
        for s in (9, 11)
        for camera in ((60457274,) if protocol == 2 else (60457274, 54138969))
        for i in (1, 6)
    ]
    return points_npz(
        root / "dataset_extras" / f"h36m_valid_protocol{protocol}.npz", root / "h36m", names
    )


def points_npz(path: Path, home: Path, names: list[str]) -> Path:
    """A label file with S in place of poses."""
    arrays = spin_arrays(names)
    points = np.random.default_rng(1).normal(0, 0.3, (len(names), 24, 4))
    points[..., 3] = 1
    del arrays["pose"], arrays["shape"]
    for i, name in enumerate(names):
        picture(home / name, i)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays, S=points)
    return path


def three_dhp_train(root: Path) -> dict[str, np.ndarray]:
    """Two cameras of one sequence, 21 frames: ``annot.mat`` of MATLAB 5 with its cells."""
    rng = np.random.default_rng(3)
    cells = {key: np.empty((2, 1), object) for key in ("annot2", "annot3")}
    for camera in range(2):
        cells["annot2"][camera, 0] = rng.uniform(10, 2000, (21, 56))
        cells["annot3"][camera, 0] = rng.normal(0, 500, (21, 84))
    cells["annot2"][0, 0][10, 8] = -5  # the pelvis of frame 10 left the picture of camera 0
    home = root / "mpi_inf_3dhp/S1/Seq1"
    home.mkdir(parents=True)
    scipy.io.savemat(home / "annot.mat", cells)
    for camera in range(2):
        for i in (1, 11, 21):
            picture(home / f"imageFrames/video_{camera}/frame_{i:06d}.jpg", i)
    return cells


def lsp(root: Path, count: int = 1003) -> np.ndarray:
    """LSP with only the labels of the first; pictures are made for 1, 2 and from 1001 on."""
    joints = np.random.default_rng(4).uniform(5, 90, (3, 14, count))
    joints[2] = 0
    (root / "lsp").mkdir()
    scipy.io.savemat(root / "lsp/joints.mat", {"joints": joints})
    for i in range(1, count + 1):
        picture(root / f"lsp/images/im{i:04d}.jpg", 0, (16, 16))
    return joints


def lspet(root: Path) -> np.ndarray:
    joints = np.random.default_rng(5).uniform(5, 90, (14, 3, 10))
    joints[:, 2] = joints[:, 2] > 40
    (root / "hr-lspet").mkdir()
    scipy.io.savemat(root / "hr-lspet/joints.mat", {"joints": joints})
    for i in (1, 2, 7):
        picture(root / f"hr-lspet/im{i:05d}.png", i)
    return joints


def coco(root: Path) -> dict[str, Any]:
    """Two people of one picture, one of them without a wrist."""
    points = np.random.default_rng(6).uniform(5, 90, (2, 17, 3))
    points[..., 2] = 2
    points[0, 1:3, 2] = 0  # eyes do not matter
    points[1, 9] = 0
    document = {
        "images": [{"id": 9, "file_name": "COCO_train2014_000000000009.jpg"}],
        "annotations": [
            {"image_id": 9, "bbox": [10, 20, 30, 60], "keypoints": p.ravel().tolist()}
            for p in points
        ],
    }
    home = root / "coco"
    (home / "annotations").mkdir(parents=True)
    path = home / "annotations/person_keypoints_train2014.json"
    path.write_text(json.dumps(document))
    picture(home / "train2014/COCO_train2014_000000000009.jpg")
    return document


def mpii(root: Path) -> np.ndarray:
    """Three pictures: a whole person and a half one; nobody; a test picture."""
    xy = np.random.default_rng(7).uniform(5, 90, (16, 2))

    def person(points: int) -> dict[str, Any]:
        marked = [{"id": i, "x": xy[i, 0], "y": xy[i, 1], "is_visible": 1} for i in range(points)]
        return {
            "scale": 0.4, "objpos": {"x": 48.0, "y": 50.0}, "annopoints": {"point": marked},
        }  # fmt: skip

    pictures = [
        {"image": {"name": "000001163.jpg"}, "annorect": [person(16), person(9)]},
        {"image": {"name": "000003072.jpg"}, "annorect": {"x1": 3.0}},
        {"image": {"name": "000004812.jpg"}, "annorect": person(16)},
    ]
    release = {"annolist": pictures, "img_train": np.array([1, 1, 0])}
    (root / "mpii").mkdir()
    scipy.io.savemat(root / "mpii/mpii_human_pose_v1_u12_1.mat", {"RELEASE": release})
    picture(root / "mpii/images/000001163.jpg")
    return xy


def amass(root: Path, rate: float = 120.0, frames: int = 400) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(8)
    arrays = {
        "poses": rng.normal(0, 0.3, (frames, 156)), "trans": rng.normal(0, 1, (frames, 3)),
        "mocap_framerate": np.array(rate), "gender": np.array("male"), "betas": np.zeros(16),
    }  # fmt: skip
    home = root / "amass/CMU/01"
    home.mkdir(parents=True)
    np.savez(home / "01_01_poses.npz", **arrays)
    np.savez(home / "shape.npz", betas=np.zeros(16))
    return arrays
