"""Where the pixels of pedestrians look in their UV maps, worked out once a mesh model and kept."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
from torch import Tensor

from rsclib.body import Body
from rsclib.dressed import Dressed, drawn, guessed_meshes, true_meshes
from rsclib.errors import RscError
from rsclib.files.atomic import write_bytes
from rsclib.files.cache import cache_folder
from rsclib.files.npz import read_npz
from rsclib.models import check_body, model_named
from rsclib.predictor import NetPredictor
from rsclib.render.uv import Atlas, UvPictures
from rsclib.runs.distributed import ranks

TRUTH = "truth"
_VERSION = 1  # raised when the same meshes are drawn otherwise


def mesh_of(name: str, body: Body) -> NetPredictor | None:
    """The regressor of a name or file; None for "truth".

    Raises:
        RscError: there is none, or it belongs to another body.
    """
    if name == TRUTH:
        return None
    net = model_named(name)
    check_body(net, body)
    return NetPredictor(net, body)


def pictures_of(
    people: Dressed, images: Tensor, native: int, regressor: NetPredictor | None, body: Body,
    folder: Path | None = None,
) -> UvPictures:  # fmt: skip
    """M and delta of every picture, drawn; or what was drawn the last time, as it takes minutes.

    Args:
        images: what the regressor looks at: ``people.sharp``, or ``people.small`` with the number
            of rows that they really have as ``native``.
        regressor: None: the true meshes. folder: of the cache.
    """
    folder = cache_folder() / "uv-pictures" if folder is None else folder
    path = folder / f"{_key(people, images, native, regressor, body)}.npz"
    if (kept := _load(path, images)) is not None:
        return kept
    meshes = true_meshes(people, body)
    if regressor is not None:
        meshes = guessed_meshes(images, native, regressor)
    pictures = drawn(len(images), meshes, Atlas.of(body), images.shape[2])
    if ranks()[0] == 0:
        _save(path, pictures)
    return pictures


def _key(
    people: Dressed, images: Tensor, native: int, regressor: NetPredictor | None, body: Body
) -> str:
    total = hashlib.sha256(json.dumps([_VERSION, native, body.digest, images.shape]).encode())
    parts: list[Tensor] = [people.pose, people.betas, people.camera]
    if regressor is not None:
        parts = [images, *regressor.net.state_dict().values()]
    for tensor in parts:
        total.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()[:32]


def _save(path: Path, pictures: UvPictures) -> None:
    content = io.BytesIO()
    packed = np.packbits(pictures.mask, 2)
    np.savez(content, allow_pickle=False, uv=pictures.uv[pictures.mask], mask=packed)
    try:
        write_bytes(path, content.getbuffer())
    except RscError:  # a cache that cannot be written costs the minutes again
        return


def _load(path: Path, images: Tensor) -> UvPictures | None:
    """What the file has; None where it is missing, damaged or of other pictures."""
    if not path.is_file():
        return None
    try:
        found = read_npz(path)
    except RscError:
        return None
    n, _, height, width = images.shape
    if found.keys() != {"uv", "mask"} or found["mask"].shape != (n, height, -(-width // 8)):
        return None
    mask = np.unpackbits(found["mask"], axis=2, count=width).astype(bool)
    if found["uv"].shape != (int(mask.sum()), 2) or found["uv"].dtype != np.uint16:
        return None
    uv = np.zeros((*mask.shape, 2), np.uint16)
    uv[mask] = found["uv"]
    return UvPictures(uv, mask)
