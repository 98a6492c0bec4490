"""Our model files: safetensors with the network's shape and a hash of all of it in the header.

Weights go in strictly: what is missing or unexpected is an error with a readable list. Other
people's checkpoints are read by :mod:`rsclib.foreign`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import safetensors
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from rsclib.errors import RscError
from rsclib.files.atomic import write_bytes
from rsclib.files.body_files import FIRST_BODY
from rsclib.files.npz import is_file
from rsclib.files.recognise import TITLES, whose
from rsclib.files.tensors import PathLike, plain_tensors
from rsclib.network import NetConfig, RSCNet
from rsclib.reid import ReIDConfig, ReIDNet
from rsclib.superres import RdnConfig, SharpConfig, SharpNet
from rsclib.temporal import Temporal, TemporalConfig
from rsclib.texture import TexGlo, TextureConfig

# What the hash of each format covers beside the weights. Settings are a part of the function:
# another dropout, activation or number of iterations. Before format 3 there was but one kind.
HASHED: dict[str, tuple[str, ...]] = {
    "rsclib-1": (),
    "rsclib-2": ("config", "about"),
    "rsclib-3": ("kind", "config", "about"),
}
FORMAT = "rsclib-3"
_WIDEST = 8192  # of any layer that a header may ask for
_FEW = ("blocks", "layers", "fold", "ranges", "iterations")  # and of these no more than 64

Config = TypeVar("Config")


class UnknownKindError(RscError):
    """A model file asks for a network that this version of rsclib does not have."""


def network_of(kind: str, settings: Mapping[str, Any]) -> nn.Module:
    """The network of a model file, with fresh weights.

    A kind is the class attribute ``kind`` of a network; another network gets a line here.

    Args:
        kind: of the file's header. settings: its ``config``; what is missing takes its default.

    Raises:
        UnknownKindError: no such network.
        ValueError: a setting is unknown or impossible.
    """
    match kind:
        case RSCNet.kind:
            return RSCNet(config_of(NetConfig(), settings))
        case TexGlo.kind:
            return TexGlo(config_of(TextureConfig(), settings))
        case ReIDNet.kind:
            return ReIDNet(config_of(ReIDConfig(), settings))
        case SharpNet.kind:
            if settings.keys() != {"rdn", "net"}:
                raise ValueError(f"expected the settings rdn and net, not {sorted(settings)}")
            rdn, net = (
                config_of(RdnConfig(), settings["rdn"]),
                config_of(NetConfig(), settings["net"]),
            )
            return SharpNet(SharpConfig(rdn, net))
        case Temporal.kind:
            return Temporal(config_of(TemporalConfig(), settings))
        case _:
            raise UnknownKindError(
                f"holds a network of the kind {kind[:40]!r}, which this version of rsclib does not "
                "know; update rsclib, or use another model"
            )


def config_of(default: Config, settings: Mapping[str, Any]) -> Config:
    """A network's settings as a header has them, each of the kind of its default and a sane size.

    Args:
        default: a frozen dataclass of numbers, texts and tuples; gives what ``settings`` lack.

    Raises:
        ValueError: a setting is unknown or impossible.
    """
    known = dataclasses.asdict(default)  # type: ignore[call-overload]
    if unknown := sorted(settings.keys() - known.keys()):
        raise ValueError(f"unknown settings {unknown}")
    values: dict[str, Any] = {}
    for name, value in settings.items():
        values[name] = tuple(value) if isinstance(value, list) else value
        like = known[name]
        items = value if isinstance(value, list) else [value]
        fits = isinstance(value, list) == isinstance(like, tuple) and (
            not isinstance(like, tuple) or len(items) == len(like)
        )
        if isinstance(like, float):
            fits = type(value) in (int, float) and math.isfinite(value) and 0 <= value < 1
        elif isinstance(like, str | bool):
            fits = type(value) is type(like)
        else:
            most = 64 if name in _FEW else _WIDEST
            fits = fits and all(type(n) is int and 1 <= n <= most for n in items)
        if not fits:
            raise ValueError(f"the setting {name} has an impossible value")
    return dataclasses.replace(default, **values)  # type: ignore[type-var]


def _digest(tensors: Mapping[str, Tensor], meta: Mapping[str, str]) -> str:
    total = hashlib.sha256()
    total.update("".join(f"{meta[fact]}\n" for fact in HASHED[meta["format"]]).encode())
    for name in sorted(tensors):
        total.update(name.encode())
        flat = tensors[name].detach().cpu().contiguous().flatten()
        total.update(flat.view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def _halved(values: Tensor) -> Tensor:
    """16-bit copy, or the values themselves where one is too large for it (a running variance)."""
    short = values.half()
    return short if bool((short.isfinite() == values.isfinite()).all()) else values


def save_model(path: PathLike, net: nn.Module, about: Mapping[str, Any], half: bool = True) -> None:
    """Write the network to ``path`` (safetensors), whole or not at all.

    Args:
        net: has a class attribute ``kind``, which :func:`network_of` knows, and a frozen dataclass
            ``config``.
        about: JSON-able facts for the header (training command, metrics, seed, ...). ``body``
            is :attr:`rsclib.body.Body.identity` of the body it was trained on; default: that of
            the file that ``net`` was loaded from.
        half: store 16-bit floats, to ship less.
    """
    kind, config = str(net.kind), cast(Any, net.config)
    known = getattr(net, "trained_on", None)
    about = ({"body": known} if known else {}) | dict(about)
    state = {
        k: (_halved(v) if half and v.is_floating_point() else v).detach().cpu().contiguous()
        for k, v in net.state_dict().items()
    }
    header = {
        "format": FORMAT,
        "kind": kind,
        "config": json.dumps(dataclasses.asdict(config)),
        "about": json.dumps(about, sort_keys=True),
    }
    header["sha256"] = _digest(state, header)
    # Through memory: the library's own writer reports a full disk as an error of its own kind.
    write_bytes(path, save(state, metadata=header))


def read_header(path: PathLike) -> dict[str, Any]:
    """The header's kind, config, about and sha256.

    Raises:
        RscError: no such file, or not one of ours.
    """
    meta = _metadata(path)
    try:
        if meta["format"] not in HASHED:
            raise ValueError(f"format {meta['format'][:20]!r}")
        header = {
            "kind": meta["kind"] if "kind" in HASHED[meta["format"]] else RSCNet.kind,
            "config": json.loads(meta["config"]),
            "about": json.loads(meta["about"]),
            "sha256": meta["sha256"],
        }
        if not isinstance(header["config"], dict) or not isinstance(header["about"], dict):
            raise ValueError("its header is not made of settings")
        return header
    except KeyError as error:
        raise RscError(
            f"{path} is not a model written by rsclib (its header has no {error.args[0]})"
        ) from error
    except (ValueError, RecursionError) as error:
        raise RscError(f"{path} is not a model written by rsclib ({error})") from error


def _metadata(path: PathLike) -> dict[str, str]:
    if not is_file(path):
        raise RscError(f"there is no model at {path}; give the path of a .safetensors file")
    try:
        with safetensors.safe_open(path, "pt") as file:
            return dict(file.metadata() or {})
    except Exception as error:  # a malformed header can raise almost anything
        if owner := whose(path):
            raise RscError(f"{path} is {TITLES[owner]}") from error
        raise RscError(f"{path} is not a model written by rsclib ({error})") from error


def load_model(path: PathLike) -> nn.Module:
    """Read a network of any kind that :func:`save_model` wrote, in eval mode.

    A changed byte is detected. The network gets the attributes ``source``, the file's name, and
    ``trained_on``, the identity of the body its betas belong to (:func:`rsclib.models.check_body`).

    Raises:
        RscError: missing, foreign or damaged file, or a kind of network that is not known.
    """
    header, meta = read_header(path), _metadata(path)
    try:
        state = load_file(path)
        # Before anything is built from the header: a damaged one may ask for any size.
        if _digest(state, meta) != header["sha256"]:
            raise ValueError("its contents do not match the hash in its header")
        kind, settings = header["kind"], header["config"]
        with torch.device("meta"):  # shapes without memory: the header may ask for any size
            shapes = {k: v.shape for k, v in network_of(kind, settings).state_dict().items()}
        plain_tensors(state)
        if {k: v.shape for k, v in state.items()} != shapes:
            raise ValueError("its weights do not fit the network that its header describes")
        net = network_of(kind, settings)
        mark(net, path, header["about"].get("body", FIRST_BODY))
    except UnknownKindError as error:
        raise RscError(f"{path} {error}") from error
    except Exception as error:  # a malformed file can raise almost anything
        raise RscError(f"{path} is damaged: {error}; get it again") from error
    load_strict(net, {k: v.float() if v.is_floating_point() else v for k, v in state.items()}, path)
    # Convolutions are faster so (benchmarks/speed), and give the same.
    return net.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload,no-any-return]


def mark(net: nn.Module, path: Any, body: Mapping[str, str]) -> None:
    """Note on a network where it comes from and which body it was trained on."""
    net.source = Path(path).name  # type: ignore[assignment]
    net.trained_on = {key: str(body[key]) for key in ("name", "digest")}  # type: ignore[assignment]


def load_strict(net: nn.Module, state: Mapping[str, Tensor], source: Any) -> None:
    """Load every entry or none.

    Raises:
        RscError: lists what is missing, unexpected, of another shape or not a finite number.
    """
    own = net.state_dict()
    problems = []
    for title, keys in (
        ("missing", sorted(own.keys() - state.keys())),
        ("unexpected", sorted(state.keys() - own.keys())),
        ("of another shape", sorted(
            f"{k} {tuple(state[k].shape)} instead of {tuple(own[k].shape)}"
            for k in own.keys() & state.keys() if own[k].shape != state[k].shape
        )),
        ("of another kind of number", sorted(
            f"{k} {state[k].dtype}" for k in own.keys() & state.keys()
            if own[k].is_floating_point() != state[k].is_floating_point()
        )),
        ("not finite", sorted(
            k for k in own.keys() & state.keys()
            if state[k].shape == own[k].shape and state[k].is_floating_point()
            and not bool(state[k].isfinite().all())
        )),
    ):  # fmt: skip
        if keys:
            more = f" and {len(keys) - 8} more" if len(keys) > 8 else ""
            shown = ", ".join(key[:120] for key in keys[:8])
            problems.append(f"{len(keys)} {title}: {shown}{more}")
    if problems:
        name = source if isinstance(source, str | os.PathLike) else "this state dict"
        raise RscError(
            f"{name} does not fit the network, nothing was loaded: {'; '.join(problems)}"
        )
    net.load_state_dict(dict(state))
