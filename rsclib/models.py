"""The models that ship with this package, by name, and the body that a model belongs to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from torch import nn

from rsclib.body import Body, load_body
from rsclib.checkpoints import load_model
from rsclib.errors import RscError
from rsclib.files.body_files import OPEN_BODY
from rsclib.files.npz import is_file
from rsclib.files.recognise import whose
from rsclib.files.shipped import ASSETS, check_shipped
from rsclib.foreign import load_official, load_spin
from rsclib.foreign_hmr import load_hmr, load_vibe
from rsclib.foreign_reid import ForeignReID, load_reid
from rsclib.network import RSCNet
from rsclib.reid import ReIDNet
from rsclib.superres import SharpNet
from rsclib.temporal import Temporal
from rsclib.texture import TexGlo

MODELS = ASSETS / "models"
# The shipped models, and what tables and pictures call them.
SHIPPED = {
    "hr-only": "HR-only", "full": "RSC-Net", "spin": "SPIN, all sizes",
    "photo": "RSC-Net for photographs",
}  # fmt: skip
# The shipped temporal modules, and whose features each reads.
VIDEO = {"video": "full"}
REID = "reid"  # the shipped network that tells people apart, f_Re of Eq. 13
# The shipped texture networks, T of Section 3.6: seed 0 of three rows of Tables 4 and 8.
TEXTURES = {"texglo": "TexGlo", "wo-glo": "w/o Glo", "baseline-star": "Baseline*"}
TEXTURE = "texglo"


def model_file(name: str) -> Path:
    """The file of a shipped model by name (a key of :data:`SHIPPED`, "video", "reid", or a key of
    :data:`TEXTURES`); else ``name`` is the file.

    Raises:
        RscError: the shipped file is missing or damaged, or it is a folder.
    """
    if name not in {*SHIPPED, *VIDEO, *TEXTURES, REID}:
        if os.path.isdir(name):
            inside = Path(name) / "model.safetensors"
            known = "a .safetensors file" if not inside.is_file() else f"the model in it, {inside}"
            raise RscError(f"{name} is a folder; give {known}")
        return Path(name)
    check_shipped(f"models/{name}.safetensors")
    return MODELS / f"{name}.safetensors"


def network_named(name: str) -> nn.Module:
    """A network of any kind: a shipped one by name (a key of :data:`SHIPPED`), or by path a
    ``.safetensors`` file of ours or a checkpoint of the released RSC-Net, of SPIN, MandyMo's HMR or
    VIBE, told by what is in it.

    Raises:
        RscError: missing, foreign or damaged file.
    """
    file = model_file(name)
    if not is_file(file):
        known = ", ".join(SHIPPED)
        raise RscError(
            f"there is no model at {file}; give a shipped one ({known}) or a file's path"
        )
    match whose(file):
        case "rsc-net":
            return load_official(file)
        case "spin":
            return load_spin(file)
        case "hmr":
            return load_hmr(file)
        case "vibe":
            return load_vibe(file)
    return load_model(file)


def model_named(name: str) -> RSCNet:
    """An RSC-Net, named as for :func:`network_named`.

    Raises:
        RscError: missing, foreign or damaged file, or a network of another kind.
    """
    net = network_named(name)
    if not isinstance(net, RSCNet):
        raise RscError(
            f"{name} holds a network of the kind {net.kind!r}; here an RSC-Net is needed "
            f"({', '.join(SHIPPED)}, or a model that rsc train wrote)"
        )
    return net


def sharp_named(name: str) -> SharpNet:
    """An ImgSR, whose ``rdn`` sharpens pictures, in eval mode, by its path.

    Raises:
        RscError: missing, foreign or damaged file, or a network of another kind.
    """
    net = load_model(model_file(name))
    if not isinstance(net, SharpNet):
        raise RscError(
            f"{name} holds a network of the kind {net.kind!r}; here an ImgSR is needed, what "
            "rsc train imgsr wrote"
        )
    return net.eval()


def temporal_named(name: str = "video") -> Temporal:
    """A temporal module: a shipped one by name (a key of :data:`VIDEO`), or by path one of ours or a
    checkpoint of VIBE (over the features of SPIN).

    Raises:
        RscError: missing, foreign or damaged file, or a network of another kind.
    """
    module = network_named(name)
    if not isinstance(module, Temporal):
        raise RscError(
            f"{name} holds a network of the kind {module.kind!r}; here a temporal module is needed "
            f"({', '.join(VIDEO)}, or what rsc train video wrote)"
        )
    return module


def reid_named(name: str = REID) -> ReIDNet | ForeignReID:
    """A ReID network in eval mode, nothing of it to train: the shipped one by name, or by path a
    ``.safetensors`` file of ours or a PCB or strong-baseline checkpoint.

    Raises:
        RscError: missing, foreign or damaged file, or a network of another kind.
    """
    if name != REID and is_file(name) and whose(name) is not None:
        return load_reid(name)
    net = load_model(model_file(name))
    if not isinstance(net, ReIDNet):
        raise RscError(
            f"{name} holds a network of the kind {net.kind!r}; here a ReID network is needed "
            f"({REID}, a model that rsc train reid wrote, or a PCB or strong-baseline checkpoint)"
        )
    return net.requires_grad_(False)


def texture_named(name: str = TEXTURE) -> TexGlo:
    """A texture network in eval mode: a shipped one by name (a key of :data:`TEXTURES`), or by path what
    ``rsc train texglo`` wrote.

    Raises:
        RscError: missing, foreign or damaged file, or a network of another kind.
    """
    net = load_model(model_file(name))
    if not isinstance(net, TexGlo):
        raise RscError(
            f"{name} holds a network of the kind {net.kind!r}; here a texture network is needed "
            f"({', '.join(TEXTURES)}, or what rsc train texglo wrote)"
        )
    return net


def check_body(net: nn.Module, body: Body) -> None:
    """Refuse to put a model's betas on another body's shape space; fresh weights fit every body.

    Raises:
        RscError: the model was trained on another body.
    """
    trained_on: Mapping[str, str] | None = getattr(net, "trained_on", None)
    if trained_on is not None:
        _same(f"{net.source} was trained on", trained_on, body)


def check_labels(body: Body) -> None:
    """Refuse to train on another body than the one whose betas label the open benchmark.

    Raises:
        RscError: it is another.
    """
    _same("the open benchmark is labelled with", load_body(OPEN_BODY).identity, body)


def _same(what: str, wanted: Mapping[str, str], body: Body) -> None:
    """Compare identities; without a digest, as other people's files are, the names must do."""
    if wanted["name"] == body.name and wanted["digest"] in ("", body.digest):
        return
    title = {"open": "the open body", "smpl": "SMPL"}.get(wanted["name"], wanted["name"])
    digest = f" ({wanted['digest'][:4]}…)" if wanted["digest"] else ""
    given = "RSC_SMPL names another" if os.environ.get("RSC_SMPL") else "the body here is another"
    mend = (
        "unset RSC_SMPL (and leave --body out)" if wanted["name"] == "open"
        else "name that body with RSC_SMPL or --body"
    )  # fmt: skip
    raise RscError(
        f"{what} {title}{digest}, but {given} ({body.name}, {body.digest[:4]}…): {mend}, or use a "
        "model that was trained on this one"
    )
