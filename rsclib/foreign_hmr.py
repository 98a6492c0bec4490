"""Other people's HMR and VIBE: the ancestors of SPIN's network in images and its child in videos.

Their files are read with ``weights_only=True``: no code in them is ever executed. What belongs to a
body model in them (``smpl.*``) is left out; every other name must fit.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rsclib.checkpoints import load_strict
from rsclib.errors import RscError
from rsclib.files.tensors import PathLike, plain_tensors, read_torch
from rsclib.foreign import SOME_SMPL, flat
from rsclib.network import NetConfig, RSCNet
from rsclib.temporal import Temporal, TemporalConfig

# theta of HMR's regressor: camera, pose (axis-angle), shape; ours: pose, shape, camera.
_THETA = [*range(3, 75), *range(75, 85), *range(3)]
_FEATURES = 2048
HMR = dataclasses.replace(NetConfig.paper(), pose="axis-angle", pixels="opencv")
VIBE = TemporalConfig(activation="none")


def load_hmr(path_or_state_dict: PathLike | Mapping[str, Any]) -> RSCNet:
    """MandyMo's HMR (``*_generator.pkl``), in eval mode: plain trunk (alpha = 1), ReLU in the regressor,
    axis-angle in place of 6D, pixels as its own loader gives them: OpenCV's order of colours, from 0 to 1
    (the original HMR's, in TensorFlow, are from -1 to 1).

    Raises:
        RscError: lists every key that is missing, unexpected or of another shape.
    """
    state = {k: v for k, v in flat(path_or_state_dict).items() if not k.startswith("smpl.")}
    net = RSCNet(HMR)
    own = net.state_dict()
    named = {k: own[k] for k in own if k == "trunk.alpha" or k.startswith("projection.")}
    for key, value in state.items():
        if m := re.fullmatch(r"encoder\.layer([1-4])\.(\d+\..+)", key):
            named[f"trunk.layers.{int(m[1]) - 1}.{m[2]}"] = value
        elif key.startswith(("encoder.conv1.", "encoder.bn1.")):
            named[f"trunk.{key.removeprefix('encoder.')}"] = value
        elif not key.startswith("regressor."):
            named[key] = value  # unknown: reported as unexpected
    named |= _regressor({k: v for k, v in state.items() if k.startswith("regressor.")})
    load_strict(net, named, path_or_state_dict)
    net.source, net.trained_on = _name(path_or_state_dict, "HMR"), dict(SOME_SMPL)
    return net.eval()


def _regressor(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """One matrix for theta as the three heads of ours, its columns in their order.

    Raises:
        RscError: a key is missing, of another shape or unknown.
    """
    blocks = "regressor.fc_blocks.regressor_fc_"
    shapes = {
        f"{blocks}0.weight": (1024, _FEATURES + 85), f"{blocks}0.bias": (1024,),
        f"{blocks}1.weight": (1024, 1024), f"{blocks}1.bias": (1024,),
        f"{blocks}2.weight": (85, 1024), f"{blocks}2.bias": (85,),
    }  # fmt: skip
    mean = "regressor.mean_theta"
    if lost := sorted({*shapes, mean} - state.keys()):
        raise RscError(f"this state dict does not fit HMR: missing {', '.join(lost)}")
    wrong = [f"{k} {tuple(state[k].shape)}" for k, s in shapes.items() if state[k].shape != s]
    if state[mean].ndim != 2 or state[mean].shape[1:] != (85,) or not len(state[mean]):
        wrong.append(f"{mean} {tuple(state[mean].shape)}")
    if wrong:
        raise RscError(f"this state dict does not fit HMR: {', '.join(wrong)}")
    first, last, bias = (state[f"{blocks}{k}"] for k in ("0.weight", "2.weight", "2.bias"))
    theta = state[mean][:1, _THETA]
    last, bias = last[_THETA], bias[_THETA]
    out = {
        "fc1.weight": torch.cat([first[:, :_FEATURES], first[:, _FEATURES:][:, _THETA]], 1),
        "fc1.bias": state[f"{blocks}0.bias"],
        "fc2.weight": state[f"{blocks}1.weight"], "fc2.bias": state[f"{blocks}1.bias"],
        "decpose.weight": last[:72], "decpose.bias": bias[:72],
        "decshape.weight": last[72:82], "decshape.bias": bias[72:82],
        "deccam.weight": last[82:], "deccam.bias": bias[82:],
        "init_pose": theta[:, :72], "init_shape": theta[:, 72:82], "init_cam": theta[:, 82:],
    }  # fmt: skip
    rest = {key: value for key, value in state.items() if key not in shapes and key != mean}
    return {f"regressor.{k}": v for k, v in out.items()} | rest


def load_vibe(path_or_state_dict: PathLike | Mapping[str, Any]) -> Temporal:
    """VIBE's temporal module (``vibe_model*.pth.tar``) over SPIN's features, in eval mode: two layers of
    GRU, what they say added to each frame's feature, no activation in the regressor.

    The motion discriminator in the same file is not read.

    Raises:
        RscError: as for :func:`load_hmr`.
    """
    given: Any = path_or_state_dict
    content = given if isinstance(given, Mapping) else read_torch(given)
    state = content.get("gen_state_dict", content)
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise RscError("gen_state_dict of this file is not a state dict")
    plain_tensors(state)
    module = Temporal(VIBE)
    named = {"spread": module.spread}
    for key, value in state.items():
        if key.startswith("regressor.smpl."):
            continue
        for theirs, ours in (("encoder.gru.", "gru."), ("encoder.linear.", "back."),
                             ("regressor.", "head.")):  # fmt: skip
            if key.startswith(theirs):
                named[ours + key.removeprefix(theirs)] = value
                break
        else:
            named[str(key)] = value  # unknown: reported as unexpected
    load_strict(module, named, path_or_state_dict)
    module.source, module.trained_on = _name(path_or_state_dict, "VIBE"), dict(SOME_SMPL)
    return module.eval()


def _name(source: PathLike | Mapping[str, Any], default: str) -> str:
    return default if isinstance(source, Mapping) else Path(source).name
