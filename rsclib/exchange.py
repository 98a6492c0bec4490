"""Predictions as files, for models that need an environment of their own: pictures out, joints in.

``rsc score --images FOLDER`` writes what is to be looked at; a program of yours, in any language,
answers with two files, which ``rsc score FOLDER/predictions.npz`` checks and scores::

    FOLDER/images/032/test-wild-00017.png     small pictures, one folder a size in pixels
    FOLDER/list.csv                           id,size,file: all that is asked for
    FOLDER/manifest.json                      what the answer belongs to; fill in your model's name
    FOLDER/predictions.npz                    yours: id (R,) text, size (R,) whole, joints (R, J, 3)

Every id is answered once at every size that is answered at all; joints as :mod:`rsclib.anyone` has
them. The hash in the manifest is that of the pictures, so that predictions of other pictures (another
part, number, version or protocol) are refused instead of scored.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from rsclib.anyone import PLACEHOLDER, Info, check_joints, upside_down
from rsclib.config import STRICT, Within, checked
from rsclib.errors import RscError
from rsclib.evaluate import CUT, errors_of
from rsclib.files.atomic import write_bytes, write_text
from rsclib.files.npz import is_file, read_npz
from rsclib.limbs import LIMBS, trial_on_limbs
from rsclib.people import Trial
from rsclib.readers.crops import Crops
from rsclib.resolution import shrink
from rsclib.scores import Scores

MANIFEST, LIST, FILE = "manifest.json", "list.csv", "predictions.npz"
_MOST = 2**31  # bytes of a file of predictions, unpacked
_MOST_MANIFEST = 2**20


@dataclass(frozen=True)
class Manifest:
    """What a file of predictions belongs to.

    Attributes:
        part: of the benchmark, or a licensed one under ``protocol`` ("": the open benchmark).
        count: people asked for, as --count; null: the part's usual number.
        side: of the full crops, pixels. people: how many there are. pixels: their SHA-256.
        unit: of the joints, metres. model: whose they are.
    """

    __pydantic_config__ = STRICT

    part: str
    people: Annotated[int, Within(1, 10_000_000)]
    pixels: str
    side: Annotated[int, Within(32, 2048)] = 128
    count: Annotated[int, Within(1, 10_000_000)] | None = None
    protocol: Literal["", "spin", "vibe"] = ""
    unit: Literal["m"] = "m"
    format: Literal["rsclib-predictions-1"] = "rsclib-predictions-1"
    model: Info = field(default_factory=lambda: Info(PLACEHOLDER))

    def check(self, where: str) -> None:
        """What the fields say together.

        Raises:
            RscError: the model says nothing of use.
        """
        self.model.check(f"{where}: model")


@dataclass(frozen=True)
class Answers:
    """Predictions: by size (px) joints (N, J, 3), metres, in the order of the people; ``notes`` are
    what the user should know and no mistake."""

    manifest: Manifest
    joints: Mapping[int, Tensor]
    notes: tuple[str, ...] = ()


def ids_of(part: str, people: int) -> list[str]:
    """The names of the people of a part, in order."""
    name = Path(part).name  # a licensed part may be a file
    return [f"{name}-{i:05d}" for i in range(people)]


def digest_of(trial: Trial) -> str:
    """SHA-256 of the pictures of a trial, in order; of crops that lie on the disk, of their names and
    squares, which the labels fix."""
    total = hashlib.sha256()
    if isinstance(trial.images, Crops):
        total.update("\n".join([f"{trial.images.size}", *trial.images.names]).encode())
        total.update(np.ascontiguousarray(trial.images.squares).tobytes())
        return total.hexdigest()
    for images in trial.images.split(CUT):
        total.update(np.ascontiguousarray(images.numpy()).tobytes())
    return total.hexdigest()


def write_images(folder: Path, trial: Trial, manifest: Manifest, sizes: Sequence[int]) -> int:
    """Write the pictures of a trial at every size, their list and the manifest to fill in.

    Returns:
        How many pictures there are.

    Raises:
        RscError: answers to other pictures lie there, which the new manifest would vouch for; or the disk
            refuses.
    """
    if (folder / FILE).exists():
        raise RscError(
            f"{folder / FILE} answers other pictures; move it away, or name another folder"
        )
    ids = ids_of(manifest.part, manifest.people)
    lines = ["id,size,file"]
    for size in sizes:
        start, home = 0, folder / "images" / f"{size:03d}"
        for images in trial.images.split(CUT):
            small = shrink(images, size).permute(0, 2, 3, 1).numpy()
            for name, pixels in zip(ids[start : start + len(small)], small, strict=True):
                content = io.BytesIO()
                Image.fromarray(pixels).save(content, "PNG")
                write_bytes(home / f"{name}.png", content.getbuffer())
                lines.append(f"{name},{size},images/{size:03d}/{name}.png")
            start += len(small)
    write_text(folder / LIST, "\n".join(lines) + "\n")
    write_manifest(folder, manifest)
    return len(lines) - 1


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest.json``, whole or not at all."""
    text = json.dumps(dataclasses.asdict(manifest), indent=2, ensure_ascii=False)
    write_text(folder / MANIFEST, text + "\n")


def write_predictions(folder: Path, manifest: Manifest, joints: Mapping[int, Tensor]) -> Path:
    """Write both files of an answer; the joints by size (N, J, 3), in the order of the people.

    Raises:
        RscError: they are none (:func:`rsclib.anyone.check_joints`), or the disk refuses.
    """
    ids = ids_of(manifest.part, manifest.people)
    for size, values in joints.items():
        check_joints(values, f"{size} px", ids)
    content = io.BytesIO()
    np.savez_compressed(
        content, allow_pickle=False, id=np.array(ids * len(joints)),
        size=np.repeat(np.array(list(joints), np.int64), len(ids)),
        joints=torch.cat(list(joints.values())).numpy().astype(np.float32),
    )  # fmt: skip
    write_bytes(folder / FILE, content.getbuffer())
    write_manifest(folder, manifest)
    return folder / FILE


def manifest_of(file: Path) -> Manifest:
    """A manifest, filled in or not.

    Raises:
        RscError: damaged, or a key or value that does not fit.
    """
    try:
        if os.path.getsize(file) > _MOST_MANIFEST:
            raise ValueError("it is larger than a megabyte")
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise RscError(f"{file} is no manifest: {reason}") from error
    if isinstance(values, dict) and str(values.get("unit")) in ("mm", "cm"):
        raise RscError(f"{file}: unit is {values['unit']}; give the joints in metres, and say m")
    return checked(Manifest, values, str(file))


def read_manifest(path: Path) -> Manifest:
    """The manifest that lies beside predictions.

    Raises:
        RscError: missing, damaged, or a key or value that does not fit.
    """
    file = path.parent / MANIFEST
    if not is_file(path):
        raise RscError(f"there are no predictions at {path}; name an .npz file (rsc score --help)")
    if not is_file(file):
        raise RscError(
            f"{path} has no {MANIFEST} beside it; rsc score --images FOLDER writes one to fill in"
        )
    manifest = manifest_of(file)
    if manifest.model.name == PLACEHOLDER:
        raise RscError(f"{file}: its model.name is still to be filled in")
    return manifest


def read_predictions(path: Path, manifest: Manifest) -> Answers:
    """The joints of a file, checked and in the order of the people.

    Raises:
        RscError: the file is damaged or has other arrays; an id is missing, twice there or unknown;
            a number is not finite, in another unit or from another origin.
    """
    arrays = read_npz(path, most=_MOST)
    try:
        rows, sizes, joints = arrays["id"], arrays["size"], arrays["joints"]
    except KeyError as error:
        raise RscError(
            f"{path} has no {error.args[0]}; it needs id, size and joints (rsc score --help)"
        ) from error
    shape = (len(rows) if rows.ndim else 0, manifest.model.joints, 3)
    fits = rows.ndim == 1 and rows.dtype.kind in "US" and sizes.shape == rows.shape
    if not fits or sizes.dtype.kind not in "iu" or joints.dtype.kind != "f":
        raise RscError(
            f"{path}: id is (R,) text, size (R,) whole numbers, joints (R, J, 3) numbers with a "
            f"point, not {rows.dtype} {rows.shape}, {sizes.dtype} {sizes.shape}, "
            f"{joints.dtype} {joints.shape}"
        )
    if joints.shape != shape:
        raise RscError(f"{path}: joints is {joints.shape}, and the manifest promises {shape}")
    if not len(rows):
        raise RscError(f"{path} has no predictions")
    names = np.char.decode(rows, "utf-8", "replace") if rows.dtype.kind == "S" else rows
    place = {name: k for k, name in enumerate(ids_of(manifest.part, manifest.people))}
    found: dict[int, Tensor] = {}
    notes = []
    for size in sorted({int(s) for s in sizes}, reverse=True):
        if not 1 <= size <= manifest.side:
            raise RscError(f"{path}: size {size} is not within 1..{manifest.side} pixels")
        chosen = np.flatnonzero(sizes == size)
        order = _order([str(name) for name in names[chosen]], place, f"{path} at {size} px")
        if order != list(range(len(order))):
            notes.append(f"{size} px: ids are in another order than the part's; matched by id")
        values = torch.from_numpy(np.ascontiguousarray(joints[chosen], np.float32))
        in_order = torch.empty_like(values)
        in_order[torch.tensor(order)] = values
        check_joints(in_order, f"{path} at {size} px", list(place))
        if upside_down(in_order):
            notes.append(f"{size} px: most shoulders are below the feet; camera axes have y down")
        found[size] = in_order
    return Answers(manifest, found, tuple(notes))


def _order(names: list[str], place: Mapping[str, int], where: str) -> list[int]:
    """The place of each name among the people, each there once."""
    unknown = [name for name in names if name not in place]
    if unknown:
        raise RscError(
            f"{where}: {unknown[0][:60]!r} is no id of the part; they run from {next(iter(place))} "
            f"to {list(place)[-1]}"
        )
    order = [place[name] for name in names]
    if len(set(order)) < len(order):
        ((twice, _),) = Counter(names).most_common(1)
        raise RscError(f"{where}: {twice} stands there twice; one prediction an id and size")
    if len(order) < len(place):
        lost = sorted(set(place.values()) - set(order))
        raise RscError(
            f"{where}: {len(lost)} of {len(place)} ids are missing, the first is "
            f"{list(place)[lost[0]]}; a mean over some of the people compares with nothing"
        )
    return order


def score_answers(answers: Answers, trial: Trial) -> Scores:
    """Errors of every image, as :func:`rsclib.evaluate.score_trial` has them.

    Raises:
        RscError: they are predictions of other pictures, or of another number of joints.
    """
    manifest = answers.manifest
    if len(trial.images) != manifest.people or digest_of(trial) != manifest.pixels:
        raise RscError(
            f"these are predictions of other pictures than {trial.name} has here: the number or hash "
            "in the manifest is another; write the pictures again with rsc score --images"
        )
    if manifest.model.joints == len(LIMBS) and trial.truth.shape[1] != len(LIMBS):
        trial = trial_on_limbs(trial)
    wanted = trial.truth.shape[1]
    if manifest.model.joints < wanted:
        raise RscError(
            f"{trial.name} is scored on {wanted} joints, and there are {manifest.model.joints}; "
            "choose protocol vibe"
        )
    errors: dict[tuple[str, int, str], Any] = {}
    for size, joints in answers.joints.items():
        for metric, values in errors_of(joints[:, :wanted], trial).items():
            errors[manifest.model.name, size, metric] = values
    return Scores(trial.name, trial.clip, errors)
