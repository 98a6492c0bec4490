"""What a reader has found: people in pictures on the disk, in pixels and metres, nothing cut yet."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rsclib.errors import RscError
from rsclib.geometry import axis_angle_to_rotmat
from rsclib.people import Labels, People
from rsclib.readers.crops import Crops

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Found:
    """N people of a data set.

    Attributes:
        name: of the data set. source: the file or folder that the labels came from.
        root: folder of the pictures. images: N paths within it.
        centre: (N, 2) of each person's square, pixels. side: (N,) its side, pixels.
        keypoints: (N, 24, 3) pixels and a confidence, :data:`rsclib.skeleton.KEYPOINT_NAMES`; what is
            not marked has confidence 0.
        points3d: (N, 24, 4) the same in camera axes, metres, and a confidence; None: no 3D truth.
        pose: (N, 72) axis-angle, the root in camera axes. betas: (N, 10). None: no SMPL truth.
        has_smpl: (N,) bool, where pose and betas are known.
        gender: (N,) "m" or "f", whose model pose and betas belong to; "n": the neutral one.
        clip: (N,) the sequence of each, ``recording/number`` where a recording has several.
    """

    name: str
    source: Path
    root: Path
    images: Sequence[str]
    centre: Floats
    side: Floats
    keypoints: Floats
    clip: NDArray[np.str_]
    points3d: Floats | None = None
    pose: Floats | None = None
    betas: Floats | None = None
    has_smpl: NDArray[np.bool_] | None = None
    gender: NDArray[np.str_] | None = None

    def __len__(self) -> int:
        return len(self.images)

    def __post_init__(self) -> None:
        """Refuse labels that do not fit one another.

        Raises:
            RscError: shapes, numbers that are not finite, or squares of no size.
        """
        n = len(self.images)
        if not n:
            raise RscError(f"{self.source} has no people; get it again")
        shapes: dict[str, tuple[int, ...]] = {
            "centre": (n, 2), "side": (n,), "keypoints": (n, 24, 3), "points3d": (n, 24, 4),
            "pose": (n, 72), "betas": (n, 10), "has_smpl": (n,), "gender": (n,), "clip": (n,),
        }  # fmt: skip
        for key, shape in shapes.items():
            value = getattr(self, key)
            if value is None:
                continue
            if value.shape != shape:
                raise RscError(f"{self.source}: {key} has shape {value.shape} instead of {shape}")
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                raise RscError(f"{self.source}: {key} has numbers that are not finite")
        if not ((self.side >= 1) & (np.abs(self.centre).max(1) < 1e6)).all():
            raise RscError(f"{self.source}: a person's square has no size, or lies nowhere")
        if (self.pose is None) != (self.betas is None):
            raise RscError(f"{self.source}: of pose and shape it has only one")

    @property
    def squares(self) -> NDArray[np.int64]:
        """(N, 3) left, top and side in whole pixels: what is cut, and what keypoints refer to."""
        side = np.rint(self.side.astype(np.float64))
        corner = np.floor(self.centre.astype(np.float64) - side[:, None] / 2 + 0.5)
        return np.column_stack([corner, side]).astype(np.int64)

    def at(self, index: NDArray[np.intp]) -> Found:
        """Some of the people, in the order of ``index``."""
        changes: dict[str, Any] = {
            field.name: value[index]
            for field in dataclasses.fields(self)
            if isinstance(value := getattr(self, field.name), np.ndarray)
        }
        return dataclasses.replace(self, images=[self.images[i] for i in index], **changes)

    def spread(self, count: int | None) -> Found:
        """So many of the people, evenly over the whole; None: all.

        Raises:
            RscError: fewer than one.
        """
        if count is None or count >= len(self):
            return self
        if count < 1:
            raise RscError(f"the number of images must be 1 or more, not {count}")
        return self.at(np.linspace(0, len(self) - 1, count).round().astype(np.intp))

    @staticmethod
    def joined(parts: Sequence[Found], root: Path) -> Found:
        """Several data sets below ``root``, one after the other; what one lacks is marked unknown.

        Raises:
            RscError: one does not lie below ``root``.
        """
        images: list[str] = []
        for part in parts:
            if not part.root.is_relative_to(root):
                raise RscError(f"{part.name} lies in {part.root}, which is not below {root}")
            home = part.root.relative_to(root).as_posix()
            images += [name if home == "." else f"{home}/{name}" for name in part.images]

        def all_of(key: str, absent: Callable[[int], NDArray[Any]]) -> NDArray[Any]:
            values = [getattr(part, key) for part in parts]
            return np.concatenate(
                [absent(len(p)) if v is None else v for p, v in zip(parts, values, strict=True)]
            )

        def known(part: Found) -> NDArray[np.bool_]:
            if part.pose is None:
                return np.zeros(len(part), bool)
            return np.ones(len(part), bool) if part.has_smpl is None else part.has_smpl

        zeros = functools.partial(np.zeros, dtype=np.float32)
        return Found(
            " + ".join(part.name for part in parts), root, root, images,
            np.concatenate([p.centre for p in parts]), np.concatenate([p.side for p in parts]),
            np.concatenate([p.keypoints for p in parts]), np.concatenate([p.clip for p in parts]),
            all_of("points3d", lambda n: zeros((n, 24, 4))),
            all_of("pose", lambda n: zeros((n, 72))), all_of("betas", lambda n: zeros((n, 10))),
            np.concatenate([known(part) for part in parts]),
            all_of("gender", lambda n: np.full(n, "n")),
        )  # fmt: skip

    def check_images(self) -> Found:
        """This, once every picture is known to be there.

        Raises:
            RscError: some are missing: how many, and which is the first.
        """
        by_folder: dict[str, list[str]] = defaultdict(list)
        for name in dict.fromkeys(self.images):
            folder, _, file = name.rpartition("/")
            by_folder[folder].append(file)
        missing: list[str] = []
        total = 0
        for folder, files in by_folder.items():
            try:
                there = set(os.listdir(self.root / folder))
            except OSError:
                there = set()
            total += len(files)
            missing += [f"{folder}/{file}".lstrip("/") for file in files if file not in there]
        if missing:
            raise RscError(
                f"{self.name}: {len(missing)} of {total} pictures that {self.source.name} names are "
                f"not below {self.root}; the first is {missing[0]}"
            )
        return self

    def labels(self) -> Labels:
        """The one record's labels; keypoints in [-1, 1] of the square."""
        n = len(self)
        left_top, side = self.squares[:, None, :2], self.squares[:, None, 2:]
        keypoints = self.keypoints.astype(np.float64)
        keypoints[..., :2] = 2 * (keypoints[..., :2] - left_top) / side - 1
        keypoints[keypoints[..., 2] <= 0] = 0  # what is not marked lies nowhere
        points = torch.zeros(n, 24, 4)
        has_3d = torch.zeros(n, dtype=torch.bool)
        if self.points3d is not None:
            points = _tensor(self.points3d)
            has_3d = (points[..., 3] > 0).any(1)
        rotmats = torch.eye(3).repeat(n, 24, 1, 1)
        betas, has_smpl = torch.zeros(n, 10), torch.zeros(n, dtype=torch.bool)
        if self.pose is not None and self.betas is not None:
            has_smpl = torch.ones(n, dtype=torch.bool)
            if self.has_smpl is not None:
                has_smpl = torch.from_numpy(self.has_smpl.copy())
            known = _tensor(self.pose).view(n, 24, 3)
            rotmats = torch.where(
                has_smpl[:, None, None, None], axis_angle_to_rotmat(known), rotmats
            )
            betas = _tensor(self.betas) * has_smpl[:, None]
        return Labels(_tensor(keypoints), points, rotmats, betas, has_3d, has_smpl, torch.arange(n))

    def crops(self, size: int) -> Crops:
        """The squares at ``size`` pixels."""
        return Crops(self.root, self.images, self.squares, size)

    def people(self, size: int) -> People:
        """The one record: pictures that are cut when they are looked at, and labels."""
        return People(self.crops(size), self.labels())


def _tensor(values: NDArray) -> Tensor:
    return torch.from_numpy(np.array(values, np.float32))


def folder(root: Path, name: str, what: str, example: str) -> Path:
    """A data set's folder below the data root.

    Raises:
        RscError: it is not there; the line names what was looked for and where.
    """
    found = root / name
    if not found.is_dir():
        raise RscError(
            f"{what} was looked for in {found}, which is no folder; there should be "
            f"{example} (--data or RSC_DATA names the data root; rsc doctor says what is there)"
        )
    return found


def file(path: Path, what: str) -> Path:
    """A file that a data set needs.

    Raises:
        RscError: it is not there.
    """
    if not path.is_file():
        raise RscError(f"{what}: {path} was looked for and is not there (see rsc doctor)")
    return path
