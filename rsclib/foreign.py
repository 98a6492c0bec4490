"""Other people's weights: the released RSC-Net, SPIN, and torchvision's ResNet-50.

Their files are read with ``weights_only=True``: no code in them is ever executed.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rsclib.checkpoints import load_strict
from rsclib.errors import RscError
from rsclib.files.tensors import PathLike, plain_tensors, read_torch
from rsclib.network import NetConfig, RSCNet

# The body of other people's networks: SMPL, and their files do not say which release of it.
SOME_SMPL = {"name": "smpl", "digest": ""}


def _name(source: PathLike | Mapping[str, Any], default: str) -> str:
    return default if isinstance(source, Mapping) else Path(source).name


def flat(source: PathLike | Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights of a path or dict, out of the containers that are in use, DataParallel's too."""
    state: Any = source if isinstance(source, Mapping) else read_torch(source)
    where = "" if isinstance(source, Mapping) else f"{os.fspath(source)}: "
    for container in ("model", "state_dict"):
        if isinstance(state.get(container), Mapping):
            state = state[container]
    if odd := [k for k in state if not isinstance(k, str)]:
        raise RscError(f"{where}not a state dict: the key {odd[0]!r} is not a name")
    bad = [k for k, v in state.items() if not isinstance(v, Tensor)]
    if bad:
        raise RscError(f"{where}not a state dict: {bad[0]!r} is a {type(state[bad[0]]).__name__}")
    plain_tensors(state)
    if state and all(key.startswith("module.") for key in state):
        state = {key.removeprefix("module."): value for key, value in state.items()}
    return dict(state)


def _from_official(state: Mapping[str, Tensor], blocks: tuple[int, ...]) -> dict[str, Tensor]:
    """Names of the released network (trunk, regressor, head, alphas per stage and range) to ours."""
    out: dict[str, Tensor] = {}
    rows: dict[tuple[int, int], Tensor] = {}
    plain = {key.replace(".hmr_layer.", ".") for key in state}
    if len(plain) < len(state):
        raise RscError("this state dict holds the same block under two names (hmr_layer and not)")
    for key, value in state.items():
        if m := re.fullmatch(r"layer([1-4])\.alphas\.(\d+)", key):
            rows[int(m[1]), int(m[2])] = value.flatten()
        elif m := re.fullmatch(r"layer([1-4])\.(?:hmr_layer\.)?(\d+)\.(.+)", key):
            out[f"trunk.layers.{int(m[1]) - 1}.{m[2]}.{m[3]}"] = value
        elif key.startswith(("conv1.", "bn1.")):
            out[f"trunk.{key}"] = value
        elif m := re.fullmatch(r"layer4_mlp\.(.+)", key):
            out[f"projection.{m[1]}"] = value
        elif re.fullmatch(r"(fc1|fc2|decpose|decshape|deccam)\..+|init_(pose|shape|cam)", key):
            out[f"regressor.{key}"] = value
        else:
            out[key] = value  # unknown: reported as unexpected
    if rows:
        expected = [(stage, row) for row in range(5) for stage in range(1, 5)]
        if lost := [f"layer{s}.alphas.{r}" for s, r in expected if (s, r) not in rows]:
            raise RscError(f"this state dict does not fit the network: missing {', '.join(lost)}")
        wrong = [f"layer{s}.alphas.{r}" for s, r in expected if len(rows[s, r]) != blocks[s - 1]]
        if wrong or len(rows) != len(expected):
            extra = [f"layer{s}.alphas.{r}" for s, r in rows.keys() - set(expected)]
            raise RscError(f"this state dict does not fit the network: {', '.join(wrong + extra)}")
        out["trunk.alpha"] = torch.stack(
            [torch.cat([rows[stage, row] for stage in range(1, 5)]) for row in range(5)]
        )
    return out


def load_official(path_or_state_dict: PathLike | Mapping[str, Any]) -> RSCNet:
    """The released RSC-Net, called as ``net(images, range_index)``, in eval mode.

    Accepts a flat state dict and ``{'model': ...}``, the container that the released trainer writes
    and the released evaluation silently ignores (the cause of 357 mm).

    Raises:
        RscError: lists every key that is missing, unexpected or of another shape.
    """
    config = NetConfig.paper()
    state = _from_official(flat(path_or_state_dict), config.blocks)
    net = RSCNet(config)
    load_strict(net, state, path_or_state_dict)
    net.source, net.trained_on = _name(path_or_state_dict, "RSC-Net"), dict(SOME_SMPL)
    return net.eval()


def load_spin(path_or_state_dict: PathLike | Mapping[str, Any]) -> RSCNet:
    """SPIN's network: plain trunk (alpha = 1), no activation in the regressor, fresh projection.

    Raises:
        RscError: as for :func:`load_official`.
    """
    config = dataclasses.replace(NetConfig.paper(), activation="none")
    state = _from_official(flat(path_or_state_dict), config.blocks)
    net = RSCNet(config)
    own = net.state_dict()
    fresh = {k: own[k] for k in own if k == "trunk.alpha" or k.startswith("projection.")}
    if state.keys() & fresh.keys():
        # Every key would fit, and the regressor would compute another function with them.
        raise RscError("this is RSC-Net's state dict, not SPIN's: read it with load_official")
    load_strict(net, {**fresh, **state}, path_or_state_dict)
    net.source, net.trained_on = _name(path_or_state_dict, "SPIN"), dict(SOME_SMPL)
    return net.eval()


def start_of_spin(path_or_state_dict: PathLike | Mapping[str, Any]) -> RSCNet:
    """A new RSC-Net whose trunk and regressor have SPIN's weights, alpha 1, a fresh projection.

    As in the released training it has ReLU in the regressor, where SPIN has none: the start is
    another function than SPIN.

    Raises:
        RscError: as for :func:`load_official`.
    """
    spin = load_spin(path_or_state_dict)
    net = RSCNet(NetConfig.paper())
    net.load_state_dict(spin.state_dict())
    net.source, net.trained_on = spin.source, spin.trained_on
    return net


def load_imagenet_trunk(net: RSCNet, path_or_state_dict: PathLike | Mapping[str, Any]) -> None:
    """Fill the trunk of ``net`` from torchvision's ResNet-50; ``fc`` is dropped.

    Raises:
        RscError: as for :func:`load_official`.
    """
    state = {k: v for k, v in flat(path_or_state_dict).items() if not k.startswith("fc.")}
    renamed = _from_official(state, net.config.blocks)
    trunk = {k.removeprefix("trunk."): v for k, v in renamed.items()}
    load_strict(net.trunk, {"alpha": net.trunk.alpha.detach(), **trunk}, path_or_state_dict)
