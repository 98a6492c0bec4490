"""Whose checkpoint is this? Told by the names in it, before anything is loaded.

The names are the texts of the pickle inside, which is only read through, never obeyed: so a file is
recognised too where ``weights_only`` would refuse it, because its settings are objects of a class.
"""

from __future__ import annotations

import contextlib
import itertools
import mmap
import os
import pickletools
import zipfile
from collections.abc import Iterator

_LONGEST, _MOST = 200, 5_000_000  # of a name, and of a pickle's instructions
_PROGRAM = 2**26  # bytes of the pickle in an archive; real ones are below a megabyte
# What the user is told: "PATH is ...".
TITLES = {
    "rsc-net": "the released RSC-Net: rsclib.foreign.load_official reads it",
    "spin": "a checkpoint of SPIN or its kind: rsclib.foreign.load_spin reads it",
    "hmr": "a checkpoint of MandyMo's HMR: rsclib.foreign_hmr.load_hmr reads it",
    "vibe": "a checkpoint of VIBE, a network for videos: rsclib.foreign_hmr.load_vibe reads it",
    "hmr2": "a checkpoint of HMR2 (4D-Humans), a transformer: rsclib cannot read it",
    "resnet": "a ResNet of torchvision, which knows no poses: rsclib.foreign.load_imagenet_trunk "
    "starts a ResNet-50 trunk from it",
    "state": "the state of a training: its model is the model.safetensors that lies beside it when "
    "the training has ended",
    "smpl": "a body model, not a network: name it with RSC_SMPL",
    "unknown": "an unknown checkpoint (nothing in it was run): rsclib reads its own models "
    "(.safetensors) and checkpoints of RSC-Net, SPIN, MandyMo's HMR and VIBE",
}


def whose(path: str | os.PathLike[str]) -> str | None:
    """A key of :data:`TITLES`; None where the file is neither of torch nor another pickle."""
    names: set[str] = set()
    with contextlib.suppress(Exception):  # a malformed file can raise almost anything
        for name in _texts(path):
            names.add(name.removeprefix("module."))  # of DataParallel
    return _owner(names) if names or _is_pickle(path) else None


def _owner(names: set[str]) -> str:
    def begins(prefix: str) -> bool:
        return any(name.startswith(prefix) for name in names)

    if begins("layer1.alphas.") or begins("layer1.hmr_layer."):
        return "rsc-net"
    if "gen_state_dict" in names or begins("encoder.gru."):
        return "vibe"
    if begins("encoder.layer1.") and begins("regressor.fc_blocks."):
        return "hmr"
    if begins("smpl_head.") and begins("backbone."):
        return "hmr2"
    if {"fc1.weight", "decpose.weight", "layer1.0.conv1.weight"} <= names:
        return "spin"
    if {"fc.weight", "layer1.0.conv1.weight"} <= names:
        return "resnet"
    if {"step", "optimiser", "seconds"} <= names:
        return "state"
    if {"v_template", "shapedirs"} <= names:
        return "smpl"
    return "unknown"


def _is_pickle(path: str | os.PathLike[str]) -> bool:
    """Whether a file is an archive of torch, or begins as a pickle of protocol 2 or later."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return any(name.endswith("/data.pkl") for name in archive.namelist())
        with open(path, "rb") as file:
            start = file.read(9)
    except (OSError, ValueError, zipfile.BadZipFile):
        return False
    # The length at the start of a safetensors file may look like a pickle; its header follows.
    return start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05" and start[8:] != b"{"


def _texts(path: str | os.PathLike[str]) -> Iterator[str]:
    """The texts in the pickle of an archive, or in the pickles that a file begins with."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                stored = member.compress_type == zipfile.ZIP_STORED
                if member.filename.endswith("/data.pkl") and stored:
                    if member.file_size <= _PROGRAM:
                        yield from _strings(archive.read(member))
                    return
        return
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content[:1] == b"\x80":
            for _ in range(4):  # torch's old files: a mark, a version, the machine, the weights
                yield from _strings(content)


def _strings(program: bytes | mmap.mmap) -> Iterator[str]:
    for opcode, argument, _ in itertools.islice(pickletools.genops(program), _MOST):  # type: ignore[arg-type]
        if isinstance(argument, str) and opcode.name != "GLOBAL" and len(argument) <= _LONGEST:
            yield argument
