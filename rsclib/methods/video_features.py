"""Features of every frame of a video part, computed once by a frozen network and kept."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from rsclib.data.windows import Videos
from rsclib.errors import RscError
from rsclib.files.atomic import write_bytes
from rsclib.files.cache import cache_folder
from rsclib.files.npz import read_npz
from rsclib.network import RSCNet
from rsclib.openbench.build import build, load, request
from rsclib.people import People
from rsclib.predictor import NetPredictor

BATCH = 64
LABELS = ("keypoints2d", "keypoints3d", "pose", "betas", "sequence")


def videos_of(net: RSCNet, part: str, count: int | None, sizes: Sequence[int]) -> Videos:
    """A video part as a temporal module sees it: features at several sizes, and labels.

    Features that were computed before are read from ``<cache>/features``, where their SHA-256 is
    compared; the file's name knows the weights, the part and the size.

    Raises:
        RscError: the part is not one of videos, or cannot be built.
    """
    predictor = NetPredictor(net)
    wanted = request(part, count, predictor.ranges.full)
    folder = build(wanted)
    weights = _digest(net)
    names = {s: f"{weights}-{folder.name}-{wanted.count}-{s}px" for s in sizes}
    found = {s: _load(_path(name), wanted.count, net) for s, name in names.items()}
    if missing := [s for s in sizes if found[s] is None]:
        pixels = load(wanted, ("images",), check=False)["images"]
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        for size in tqdm(missing, desc=f"features of {part}", unit="size"):
            found[size] = features(predictor, images, size)
            _save(_path(names[size]), found[size])
    data = load(wanted, LABELS)
    if "sequence" not in data:
        raise RscError(f"{part} has single pictures, no videos; choose a video part")
    labels = People.of(data | {"images": np.zeros((wanted.count, 1, 1, 3), np.uint8)}).labels
    kept = {size: values for size, values in found.items() if values is not None}
    return Videos(kept, labels, torch.from_numpy(data["sequence"]))


def features(predictor: NetPredictor, images: Tensor, size: int) -> Tensor:
    """phi (N, C) of images (N, 3, S, S) uint8 shrunk to ``size`` px, at the row of alpha for that size."""
    return torch.cat([predictor.at(some, size).phi.cpu() for some in images.split(BATCH)])


def _digest(net: RSCNet) -> str:
    total = hashlib.sha256(f"{net.config}".encode())
    for name, tensor in net.state_dict().items():
        total.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()[:16]


def _path(name: str) -> Path:
    return cache_folder() / "features" / f"{name}.npz"


def _sum(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def _save(path: Path, phi: Tensor | None) -> None:
    assert phi is not None
    values, content = phi.numpy(), io.BytesIO()
    np.savez(content, allow_pickle=False, phi=values, sha256=np.array(_sum(values)))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, content.getbuffer())


def _load(path: Path, count: int, net: RSCNet) -> Tensor | None:
    """What was kept; None where there is nothing, or it is damaged: it is computed again."""
    if not path.is_file():
        return None
    try:
        kept = read_npz(path)
        phi = kept["phi"]
        if phi.shape != (count, net.config.features) or str(kept["sha256"]) != _sum(phi):
            return None
        return torch.from_numpy(phi)
    except (RscError, KeyError):
        return None
