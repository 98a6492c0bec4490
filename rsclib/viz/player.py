"""A page with moving bodies to turn: one file, nothing to load, nothing to run.

The page holds not meshes but what makes them, joint rotations and a thinned skin, and poses the skin
as SMPL does (Eq. 1), so that a minute of film is a megabyte.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import roma
import torch
from numpy.typing import NDArray

from rsclib.body import Body
from rsclib.files.atomic import write_text
from rsclib.files.video import Video
from rsclib.moving_people import Motion, in_the_picture
from rsclib.viz.interactive import decimated
from rsclib.viz.overlays import COLOURS

TEMPLATE = Path(__file__).parent / "player.html"
_INFLUENCES = 4  # joints that move a vertex; the open body's have no more

LICENSED = "This page holds parts of a licensed body model, whose licence says who may have it."


class Packed:
    """Arrays one after the other, each at a multiple of four bytes."""

    def __init__(self) -> None:
        self.bytes = bytearray()

    def add(self, kind: str, values: Any) -> list[Any]:
        """Kind, place and length of an array, for the page."""
        array = np.ascontiguousarray(np.asarray(values), np.dtype(f"<{kind}")).reshape(-1)
        self.bytes.extend(b"\0" * (-len(self.bytes) % 4))
        place = [kind, len(self.bytes), len(array)]
        self.bytes.extend(array.tobytes())
        return place


def thinned(body: Body) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The vertices (V,) that the page keeps, by number, and its faces (F, 3) among them."""
    merged, faces = decimated(body)
    template = body.template.numpy().astype(np.float64)
    sizes = np.bincount(merged)
    mean = np.stack([np.bincount(merged, weights=axis) / sizes for axis in template.T], 1)
    apart = np.linalg.norm(template - mean[merged], axis=1)
    order = np.lexsort((apart, merged))  # of each cell the vertex nearest to its middle comes first
    kept = order[np.searchsorted(merged[order], np.arange(len(sizes)))]
    used, among = np.unique(faces, return_inverse=True)  # a few have lost all their faces
    return kept[used], among.reshape(-1, 3).astype(np.int32)


def _skin(body: Body, kept: NDArray[np.int64], faces: NDArray[np.int32], packed: Packed) -> dict:
    """What all people share: faces, weights, pose correctives."""
    dirs = body.smpl.posedirs.view(-1, len(body.template), 3)[:, kept].numpy()
    dirs = dirs[: len(dirs) * bool(dirs.any())]  # the open body has none
    scale = np.abs(dirs).max((1, 2), initial=0) / 127
    weights, bones = body.smpl.lbs_weights[kept].topk(_INFLUENCES, dim=1)
    weights = weights / weights.sum(1, keepdim=True)
    return {
        "faces": packed.add("u2", faces),
        "scale": packed.add("f4", scale),
        "dirs": packed.add("i1", np.round(dirs / np.where(scale > 0, scale, 1)[:, None, None])),
        "weights": packed.add("u2", torch.round(weights * 65535)),
        "bones": packed.add("u1", bones),
    }


def _person(motion: Motion, video: Video, body: Body, kept: Any, packed: Packed) -> dict:
    """One person's shape and motion."""
    smpl, betas = body.smpl, torch.from_numpy(motion.betas)
    rest = smpl.v_template + smpl.shapedirs @ betas
    turns = roma.rotmat_to_unitquat(torch.from_numpy(motion.rotmats).double())
    arrays = {
        "frames": packed.add("i4", motion.track.frames),
        "rest": packed.add("f4", rest[kept]),
        "joints": packed.add("f4", smpl.J_regressor @ rest),
        "turns": packed.add("i2", torch.round(turns * 32767)),
        "trans": packed.add("f4", in_the_picture(motion, video)),
    }
    return {"person": motion.track.person, "arrays": arrays}


def player_html(motions: Sequence[Motion], video: Video, body: Body, name: str, note: str) -> str:
    """The page: bodies that play, turn and come nearer.

    Args:
        name: its title. note: a sentence below, e.g. which model this is from.
    """
    packed = Packed()
    kept, faces = thinned(body)
    data: Mapping[str, Any] = {
        "name": name, "note": note, "fps": video.fps, "parents": body.parents,
        "vertices": len(kept), "influences": _INFLUENCES, "colours": COLOURS,
        "shared": _skin(body, kept, faces, packed),
        "people": [_person(motion, video, body, kept, packed) for motion in motions],
    }  # fmt: skip
    if body.name != "open":
        data = {**data, "note": f"{note} {LICENSED}"}
    data = {**data, "bytes": base64.b64encode(packed.bytes).decode()}
    # A name must not end the element that it stands in.
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    before, after = TEMPLATE.read_text(encoding="utf-8").split("__DATA__")
    return before + text + after


def write_player(
    path: Path, motions: Sequence[Motion], video: Video, body: Body, name: str, note: str
) -> None:
    """Write :func:`player_html`.

    Raises:
        RscError: the disk refuses.
    """
    write_text(path, player_html(motions, video, body, name, note))
