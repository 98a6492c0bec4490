"""Leeds Sports Pose and its extension: people in sports, 14 points each; silhouettes and parts of LSP.

.. code-block:: text

    lsp/joints.mat              joints (3, 14, 2000): x, y, whether it is hidden
    lsp/images/im0001.jpg       1 to 1000 are for training, 1001 to 2000 for testing
    hr-lspet/joints.mat         joints (14, 3, 10000): x, y, whether it is marked
    hr-lspet/im00001.png        the large pictures that SPIN uses, or images/im00001.jpg
    upi-s1h/data/lsp/im1001_segmentation.png, im1001_part_segmentation.png

The 14 are :data:`rsclib.skeleton.J14_NAMES`. Labels belong to pictures of one size: the original and
the small release of LSP differ, and each has its own ``joints.mat``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rsclib.errors import RscError
from rsclib.files.matlab import read_mat
from rsclib.files.photos import read_image
from rsclib.readers.found import Found, file, folder

TRAIN = 1000  # the first so many pictures of LSP
MARGIN = 1.2
PARTS = 7  # background, then six; 255 is what the annotators left open


def read_lsp(root: Path, split: Literal["train", "test"] = "train") -> Found:
    """LSP: all 14 points count, hidden ones too, for its annotators marked them.

    Raises:
        RscError: the folder, labels or pictures are missing, or of another form.
    """
    home = folder(root, "lsp", "LSP", "joints.mat and images/im0001.jpg in it")
    path = file(home / "joints.mat", "LSP's labels")
    joints = _joints(path, (3, 14, -1)).transpose(2, 1, 0)  # (N, 14, 3)
    chosen = np.arange(len(joints))[:TRAIN] if split == "train" else np.arange(len(joints))[TRAIN:]
    points = joints[chosen]
    points[..., 2] = 1
    names = [f"images/im{i + 1:04d}.jpg" for i in chosen]
    return _found(f"lsp-{split}", path, home, names, points).check_images()


def read_lspet(root: Path) -> Found:
    """LSP-Extended, as far as its pictures are there: the large release lacks 572 of 10,000.

    Raises:
        RscError: the folder, the labels or all pictures are missing.
    """
    home = folder(root, "hr-lspet", "LSP-Extended", "joints.mat and im00001.png in it")
    path = file(home / "joints.mat", "LSP-Extended's labels")
    joints = _joints(path, (14, 3, -1)).transpose(2, 0, 1)
    for pattern in ("im*.png", "images/im*.jpg"):
        names = sorted(p.relative_to(home).as_posix() for p in home.glob(pattern))
        if names:
            break
    else:
        raise RscError(f"LSP-Extended has no pictures: {home}/im00001.png was looked for")
    numbers = [_number(name, len(joints), path) for name in names]
    points = joints[numbers]
    points[..., 2] = points[..., 2] > 0
    seen = np.flatnonzero((points[..., 2] > 0).sum(1) >= 2)
    return _found("lspet", path, home, [names[i] for i in seen], points[seen])


def lsp_truth(root: Path, number: int) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Silhouette (H, W) and body parts (H, W), 0 to 6 and 255, of test picture 1001 to 2000.

    Raises:
        RscError: a file is missing or damaged, or the two are not of one size.
    """
    home = folder(root, "upi-s1h", "UP-S1h", "data/lsp/im1001_segmentation.png in it") / "data/lsp"
    mask_file = file(home / f"im{number:04d}_segmentation.png", "a silhouette of LSP")
    mask = read_image(mask_file).max(2) > 0
    path = file(home / f"im{number:04d}_part_segmentation.png", "the parts of LSP")
    read_image(path)  # refuses what is no picture, or too large a one
    with Image.open(path) as image:
        parts = np.asarray(image if image.mode in ("L", "P") else image.convert("L"), np.uint8)
    if parts.shape != mask.shape or not np.isin(parts, (*range(PARTS), 255)).all():
        raise RscError(f"{path} is not 0..6 and 255 at the size of the silhouette; get it again")
    return mask, parts


def _joints(path: Path, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    joints: Any = read_mat(path, ("joints",))["joints"]
    fits = getattr(joints, "ndim", 0) == 3 and joints.shape[:2] == shape[:2]
    if not fits or joints.dtype.kind not in "fiu" or not np.isfinite(joints).all():
        found = getattr(joints, "shape", type(joints).__name__)
        raise RscError(f"{path}: joints is {found}, not finite numbers {shape[:2]} and N")
    return np.array(joints, np.float32)


def _number(name: str, count: int, path: Path) -> int:
    digits = Path(name).stem[2:]
    if not digits.isdecimal() or not 1 <= int(digits) <= count:
        raise RscError(f"{path} has no labels for the picture {name}")
    return int(digits) - 1


def _found(
    name: str, path: Path, home: Path, images: list[str], points: NDArray[np.float32]
) -> Found:
    """People with points (N, 14, 3), in the square round the marked ones."""
    if not images:
        raise RscError(f"{path} labels no pictures of this part")
    keypoints = np.zeros((len(points), 24, 3), np.float32)
    keypoints[:, :14] = points
    seen = points[..., 2:] > 0
    low = np.where(seen, points[..., :2], np.inf).min(1)
    high = np.where(seen, points[..., :2], -np.inf).max(1)
    clips = np.array([Path(image).stem for image in images])
    side = MARGIN * (high - low).max(1)
    return Found(name, path, home, images, (low + high) / 2, side, keypoints, clips)
