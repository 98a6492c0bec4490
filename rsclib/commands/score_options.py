"""The options of ``rsc score``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import tyro


class _Files(tuple[str, ...]):
    """Names that end so: what the options of several values before them must stop at."""

    def __contains__(self, word: object) -> bool:
        return str(word).endswith(tuple(self))


@dataclass(frozen=True)
class Score:
    """Score the predictions of anybody's model, made in an environment of its own: pictures out,
    joints in.

    1. rsc score --images FOLDER writes the small pictures of a part, the list of their ids, and
       manifest.json, in which you put your model's name, licence and training data.
    2. Your program writes FOLDER/predictions.npz: id (R,) text, size (R,) whole numbers, joints
       (R, 14, 3): metres, relative to the pelvis, camera axes (x right, y down, z forward), in the
       order of rsclib.skeleton.J14_NAMES. With 12 joints in the manifest (--limbs) the first 12 of
       them, arms and legs, and everything is scored on these.
    3. rsc score FOLDER/predictions.npz checks ids, hash and units, and gives tables with intervals,
       the paired difference to --against, and with --out a curve and files for the tables.

    Examples: rsc score --images runs/mine --part test-wild --count 512
              rsc score runs/mine/predictions.npz --against full hr-only --out runs/mine/eval.csv
              rsc score --example full --images runs/example --count 256   (a shipped model's answer)
              rsc score --example full.onnx --images runs/onnx --count 256      (after rsc export)
              rsc score --example blazepose-full --images runs/blazepose --count 256
              rsc score --images runs/3dpw --part 3dpw --data DATA --side 224
    """

    NAMES: ClassVar[tuple[str, ...]] = _Files((".npz",))

    predictions: Annotated[
        tyro.conf.Positional[tuple[str, ...]],
        tyro.conf.arg(metavar="[PREDICTIONS.npz]", help="What is to be scored."),
    ] = ()
    images: Path | None = None
    """Write the pictures to look at into this folder, and a manifest to fill in."""
    example: str = ""
    """Write what this model (a shipped one's name, a file, also what rsc export wrote as .onnx, or
    blazepose-lite, -full or -heavy, which name arms and legs) answers into the folder of --images, in place of pictures."""
    limbs: bool = False
    """Of --images: ask for arms and legs alone."""
    part: str = "test-wild"
    """Of --images: a test part of the open benchmark, a licensed set, or a label file (rsc eval --help)."""
    count: int | None = None
    """Of --images: how many people; default: the part's usual number."""
    protocol: Literal["spin", "vibe"] = "spin"
    """Of --images, on a licensed part (rsc eval --help)."""
    side: int = 128
    """Of --images: side of the full crops, pixels."""
    sizes: tuple[int, ...] = ()
    """Of --images: the sizes in pixels; default: those that the paper's ranges are scored at."""
    against: tuple[str, ...] = ()
    """Models to compare with on the same pictures; default: full, where the crops have 128 pixels and
    the part is of the open benchmark."""
    data: Path | None = None
    """Folder of the licensed data; default: RSC_DATA."""
    body: Path | None = None
    """SMPL's file or folder, for a licensed part; default: RSC_SMPL, else smpl/ in the data folder."""
    out: Path | None = None
    """Write the rows here (.csv), and beside them where they come from (.json), every image's errors
    (.npz) and the curve (.png)."""
