"""What a run trains: a file a family of table rows, each handed to :func:`rsclib.train.train`.

The key ``method`` of a preset or YAML file names the family ("rsc" where there is none). Nothing is
registered: the ``match`` statements below are the whole list.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from torch import nn

from rsclib.body import load_body
from rsclib.checkpoints import save_model
from rsclib.config import checked, read_settings, settings
from rsclib.errors import RscError
from rsclib.files.atomic import held
from rsclib.methods import (
    feaen,
    hmr,
    hr_only,
    imgsr,
    licensed,
    reid,
    rsc,
    spin,
    textured,
    video,
)
from rsclib.methods.feaen import FeaenConfig
from rsclib.methods.hmr import HmrConfig
from rsclib.methods.hr_only import HrOnlyConfig
from rsclib.methods.imgsr import ImgsrConfig
from rsclib.methods.reid import ReidConfig
from rsclib.methods.rsc import RscConfig
from rsclib.methods.spin import SpinConfig
from rsclib.methods.textured import TexturedConfig
from rsclib.methods.video import VideoConfig
from rsclib.runs.distributed import first_process, ranks
from rsclib.runs.launch import precision_here
from rsclib.runs.provenance import provenance
from rsclib.runs.states import load_training_state
from rsclib.train import train

Config = (
    RscConfig
    | HrOnlyConfig
    | HmrConfig
    | ImgsrConfig
    | FeaenConfig
    | SpinConfig
    | VideoConfig
    | ReidConfig
    | TexturedConfig
)


def load_config(name_or_path: str) -> Config:
    """A preset by name ("ci", "edu", "paper", "hr_only", "hmr", "video", …) or a YAML file. Where it has the key
    ``base``, it says what differs from that preset.

    Raises:
        RscError: no such preset, or a key or value that does not fit.
    """
    return check_config(read_settings(name_or_path), name_or_path)


def check_config(values: dict[str, Any], where: str) -> Config:
    """Settings from plain values; ``where`` names them in errors.

    Raises:
        RscError: a key or value that does not fit.
    """
    if not isinstance(values, dict):
        raise RscError(f"{where}: expected keys and values, found {type(values).__name__}")
    values = dict(values)
    match values.pop("method", "rsc"):
        case "rsc":
            return checked(RscConfig, values, where)
        case "hr_only":
            return checked(HrOnlyConfig, values, where)
        case "hmr":
            return checked(HmrConfig, values, where)
        case "imgsr":
            return checked(ImgsrConfig, values, where)
        case "feaen":
            return checked(FeaenConfig, values, where)
        case "spin":
            return checked(SpinConfig, values, where)
        case "video":
            return checked(VideoConfig, values, where)
        case "reid":
            return checked(ReidConfig, values, where)
        case "textured":
            return checked(TexturedConfig, values, where)
        case other:
            known = "rsc, hr_only, hmr, imgsr, feaen, spin, video, reid, textured"
            raise RscError(f"{where}: method is one of {known}, not {other!r}")


def plain_config(config: Config) -> dict[str, Any]:
    """The settings as plain data, which :func:`check_config` reads again."""
    name = type(config).__module__.rpartition(".")[2]
    method = {} if type(config) is RscConfig else {"method": name}
    return method | settings(config)


def run(
    config: Config, folder: Path, devices: int = 1, nodes: int = 1, progress: bool = True,
    place: licensed.Place | None = None,
) -> nn.Module:  # fmt: skip
    """Train what ``config`` says, or go on with it, and write ``folder/model.safetensors``.

    Args:
        place: of licensed data, where the settings ask for them.

    Raises:
        RscError, rsclib.errors.Stopped: see :func:`rsclib.train.train`.
    """
    with held(folder) if first_process() else contextlib.nullcontext():
        resumed = (folder / "state.pt").is_file()
        on_licensed = isinstance(config, RscConfig) and config.data == "licensed"
        match config:
            case RscConfig() if on_licensed:
                build: Any = licensed.builder(config, resumed, place, folder)
            case HmrConfig():  # the rivals have RSC-Net's settings, and more
                build = hmr.builder(config, resumed)
            case ImgsrConfig():
                build = imgsr.builder(config, resumed)
            case FeaenConfig():
                build = feaen.builder(config, resumed)
            case SpinConfig():
                build = spin.builder(config, resumed)
            case RscConfig():
                build = rsc.builder(config, resumed)
            case HrOnlyConfig():
                build = hr_only.builder(config, resumed)
            case ReidConfig():
                build = reid.builder(config, resumed)
            case TexturedConfig():
                build = textured.builder(config, resumed)
            case VideoConfig():
                build = video.builder(config, resumed)
        net = train(build, config.run, config, folder, devices, nodes, progress)
        if ranks()[0] == 0:
            seconds = load_training_state(folder / "state.pt")["seconds"]
            about = provenance(plain_config(config), config.seed, seconds, config.images_seen)
            about |= {"processes": ranks()[1], "precision": precision_here(config.precision)}
            about |= build.about if on_licensed else {}
            about |= {"body": (build.body if on_licensed else load_body()).identity}
            save_model(folder / "model.safetensors", net, about)
    return net
