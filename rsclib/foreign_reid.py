"""Other people's ReID networks in f_Re's place: PCB and strong-baseline checkpoints of a ResNet-50.

Which one a file is, its keys tell; then every key must fit, and only the trunk and what gives the
feature are kept. Files are read with ``weights_only=True``: no code in them is ever executed.

==================  ==========================================  =======================
layout              keys beside the trunk's                     whose
==================  ==========================================  =======================
``pcb-shared``      local_conv, feat_bn2d, instance0-5          PCB, one map for all stripes; [57]'s
``pcb-lists``       local_conv_list.0-5, fc_list.0-5            PCB, a map a stripe
``pcb-blocks``      classifier0-5.add_block, .classifier        PCB, trunk named ``model``
``strong``          bottleneck, classifier                      the strong baseline (BNNeck)
==================  ==========================================  =======================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize
from torchvision.models import resnet50

from rsclib.checkpoints import load_strict
from rsclib.errors import RscError
from rsclib.files.tensors import PathLike
from rsclib.foreign import flat
from rsclib.reid import LAYERS, Features
from rsclib.resolution import normalise

STRIPES = 6
SIZES = {"pcb": (384, 128), "strong": (256, 128)}  # of the pictures that they were trained on


class ForeignReID(nn.Module):
    """A ResNet-50 whose last stage keeps its resolution, as a :class:`rsclib.reid.ReID`.

    Attributes:
        layout: whose checkpoint it is. size: (height, width) that pictures are brought to.
    """

    def __init__(self, trunk: nn.Module, layout: str, neck: nn.Module | None) -> None:
        super().__init__()
        self.trunk, self.layout, self.neck = trunk, layout, neck
        self.size = SIZES[layout.partition("-")[0]]
        first: Any = trunk.layer4[0]  # type: ignore[index]
        first.conv2.stride = first.downsample[0].stride = (1, 1)

    def features(self, images: Tensor) -> Features:
        """Pictures (B, 3, H, W) in [0, 1] to ``layer1`` to ``layer4`` and ``embedding``: six stripes
        of 2048 (PCB), or the pooled map after its batch norm (strong baseline), of length 1."""
        net: Any = self.trunk
        x = interpolate(images, size=self.size, mode="bilinear", align_corners=False)
        x = net.maxpool(net.relu(net.bn1(net.conv1(normalise(x * 255)))))
        found: Features = {}
        for name in LAYERS:
            x = found[name] = getattr(net, name)(x)
        if self.neck is not None:
            embedding = self.neck(x.mean((2, 3)))
        else:
            stripes = x.unflatten(2, (STRIPES, -1)).mean((3, 4))  # (B, C, 6)
            embedding = normalize(stripes, dim=1).flatten(1)
        return found | {"embedding": normalize(embedding, dim=1)}


def _layout(keys: set[str]) -> str:
    """Whose checkpoint it is, by its keys.

    Raises:
        RscError: nobody's that is known.
    """

    def begins(prefix: str) -> bool:
        return any(key.startswith(prefix) for key in keys)

    if begins("base.layer1.") and begins("instance0."):
        return "pcb-shared"
    if begins("base.layer1.") and begins("local_conv_list."):
        return "pcb-lists"
    if begins("model.layer1.") and begins("classifier0.add_block."):
        return "pcb-blocks"
    if begins("base.layer1.") and begins("bottleneck."):
        return "strong"
    raise RscError(
        "this is no ReID checkpoint that rsclib knows: PCB or strong baseline, ResNet-50 "
        "(rsclib/foreign_reid.py lists their keys)"
    )


def _expected(layout: str, state: Mapping[str, Tensor]) -> nn.Module:
    """A module with exactly the keys of a layout; the number of people is the checkpoint's own."""

    def people(key: str) -> int:
        value = state.get(key)
        if value is None or value.ndim != 2:
            raise RscError(f"this ReID checkpoint has no {key} (people, features)")
        return len(value)

    root = nn.Module()
    trunk = resnet50(weights=None)
    setattr(root, "model" if layout == "pcb-blocks" else "base", trunk)
    if layout in ("pcb-lists", "strong"):
        del trunk.fc
    if layout == "pcb-shared":
        root.local_conv = nn.Conv2d(2048, 256, 1, bias=False)
        root.feat_bn2d = nn.BatchNorm2d(256)
        for k in range(STRIPES):
            setattr(root, f"instance{k}", nn.Linear(256, people(f"instance{k}.weight")))
    elif layout == "pcb-lists":
        root.local_conv_list = nn.ModuleList(
            nn.Sequential(nn.Conv2d(2048, 256, 1), nn.BatchNorm2d(256)) for _ in range(STRIPES)
        )
        root.fc_list = nn.ModuleList(
            nn.Linear(256, people(f"fc_list.{k}.weight")) for k in range(STRIPES)
        )
    elif layout == "pcb-blocks":
        for k in range(STRIPES):
            head = nn.Module()
            head.add_block = nn.Sequential(nn.Linear(2048, 256), nn.BatchNorm1d(256))
            count = people(f"classifier{k}.classifier.0.weight")
            head.classifier = nn.Sequential(nn.Linear(256, count))
            setattr(root, f"classifier{k}", head)
    else:
        root.bottleneck = nn.BatchNorm1d(2048)
        root.classifier = nn.Linear(2048, people("classifier.weight"), bias=False)
    return root


def load_reid(path_or_state_dict: PathLike | Mapping[str, Any]) -> ForeignReID:
    """A PCB or strong-baseline network, in eval mode, nothing of it to train.

    Accepts a flat state dict and ``{'state_dict': ...}``, with or without DataParallel's "module.".
    The counters ``num_batches_tracked``, which files of old PyTorch lack, may be missing.

    Raises:
        RscError: it is nobody's that is known, or lists every key that is missing, unexpected or of
            another shape.
    """
    state = flat(path_or_state_dict)
    layout = _layout(set(state))
    with torch.device("meta"):
        shapes = _expected(layout, state).state_dict()
    counters = {k: torch.zeros((), dtype=torch.long) for k in shapes if k.endswith("num_batches_tracked")}  # fmt: skip
    root: Any = _expected(layout, state)
    load_strict(root, counters | state, path_or_state_dict)
    trunk = root.model if layout == "pcb-blocks" else root.base
    trunk.fc = nn.Identity()
    neck = root.bottleneck if layout == "strong" else None
    return ForeignReID(trunk, layout, neck).eval().requires_grad_(False)
