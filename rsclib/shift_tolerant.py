"""ST-LPIPS: a perceptual distance that minds a shift less; another metric than LPIPS, under its own name.

LPIPS samples every fourth pixel of a picture in its first layer, so a shift of one pixel changes what it
sees. Here the same two trunks keep all pixels, blur, and only then drop every second one (Zhang 2019);
trunk and heads are trained on human judgements (Ghildyal and Liu 2022). What was trained comes from the
package ``stlpips_pytorch``: its files are read as data, its code is never imported.
"""

from __future__ import annotations

import importlib.util
import math
import os
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rsclib.errors import RscError
from rsclib.files.npz import is_file
from rsclib.files.tensors import plain_tensors, read_torch
from rsclib.perceptual import Metric, Net, NoWeightsError, perceptual_metrics

PACKAGE = "stlpips_pytorch"
SMALLEST = 24  # pixels a side: below, a map is too small to be mirrored at its edges
# Of LPIPS, for values of -1 to 1: ImageNet's mean and standard deviation, about.
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)


@dataclass(frozen=True)
class Trunk:
    """One of the two networks.

    Attributes:
        title: what tables call it. file: its weights in the package.
        sizes: mean absolute weight of every convolution, by which the file is recognised.
    """

    title: str
    file: str
    sizes: tuple[float, ...]


TRUNKS: dict[Net, Trunk] = {
    "alex": Trunk(
        "ST-LPIPS (AlexNet)", "alex_shift_tolerant.pth",
        (0.0279701, 0.0149875, 0.0135069, 0.0111373, 0.0124250),
    ),
    "vgg": Trunk(
        "ST-LPIPS (VGG)", "vgg_shift_tolerant.pth",
        (0.0471083, 0.0485346, 0.0352682, 0.0344305, 0.0248677, 0.0256296, 0.0246137, 0.0180474,
         0.0195390, 0.0174306, 0.0173469, 0.0191176, 0.0174494),
    ),
}  # fmt: skip


class BlurPool(nn.Module):
    """Blur with 1-2-1, mirrored at the edges, and keep every second pixel."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, (H + 1) // 2 + 1, (W + 1) // 2 + 1)."""
        line = torch.tensor([1.0, 2.0, 1.0], device=x.device, dtype=x.dtype) / 4
        kernel = torch.outer(line, line).expand(x.shape[1], 1, 3, 3)
        return F.conv2d(F.pad(x, (2, 2, 2, 2), "reflect"), kernel, stride=2, groups=x.shape[1])


def _alex() -> list[list[nn.Module]]:
    """AlexNet's five stages; the first looks at every pixel, where AlexNet looks at every fourth."""
    first = [nn.Conv2d(3, 64, 11, padding=2), BlurPool(), nn.ReLU()]
    stages: list[list[nn.Module]] = [first]
    planes = ((64, 192, 5), (192, 384, 3), (384, 256, 3), (256, 256, 3))
    for stage, (inputs, outputs, side) in enumerate(planes):
        smaller: list[nn.Module] = [nn.MaxPool2d(3, 1), BlurPool()] if stage < 2 else []
        conv = nn.Conv2d(inputs, outputs, side, padding=side // 2)
        stages.append([*smaller, conv, nn.ReLU()])
    return stages


def _vgg() -> list[list[nn.Module]]:
    """VGG16's five stages."""
    stages: list[list[nn.Module]] = []
    inputs = 3
    for stage, (outputs, count) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))):
        made: list[nn.Module] = [nn.MaxPool2d(2, 1), BlurPool()] if stage else []
        for _ in range(count):
            made += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
            inputs = outputs
        stages.append(made)
    return stages


class ShiftTolerant(nn.Module):
    """The distance of two pictures, as LPIPS: a weighted mean of squares between unit features.

    Made without memory: :func:`st_lpips_metric` puts every weight in its place.
    """

    def __init__(self, net: Net) -> None:
        super().__init__()
        with torch.device("meta"):
            stages = {"alex": _alex, "vgg": _vgg}[net]()
            self.stages = nn.ModuleList(nn.Sequential(*stage) for stage in stages)
            last = [[m for m in stage if isinstance(m, nn.Conv2d)][-1] for stage in stages]
            self.heads = nn.ModuleList(nn.Conv2d(m.out_channels, 1, 1, bias=False) for m in last)

    def maps(self, images: Tensor) -> list[Tensor]:
        """Five maps (B, C, h, w) of pictures (B, 3, H, W) in [0, 1], of length 1 at every place."""
        shift, scale = (torch.tensor(v, device=images.device).view(3, 1, 1) for v in (SHIFT, SCALE))
        x = (2 * images - 1 - shift) / scale
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return found

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) in [0, 1] and others, to (B,)."""
        if min(a.shape[2:]) < SMALLEST:
            raise RscError(f"ST-LPIPS needs pictures of {SMALLEST} px or more, not {a.shape[2:]}")
        pairs = zip(self.heads, self.maps(a), self.maps(b), strict=True)
        each = [head((x - y).square()).mean((1, 2, 3)) for head, x, y in pairs]
        return torch.stack(each).sum(0)


def st_lpips_metric(net: Net = "alex", weights: str | os.PathLike[str] | None = None) -> Metric:
    """ST-LPIPS with its real weights.

    Args:
        weights: the package's file, or a folder that has it; None: the installed package.

    Raises:
        NoWeightsError: there are no weights here; the message says where they were looked for.
        RscError: a file is damaged, or holds other weights.
    """
    if net not in TRUNKS:
        raise RscError(f"the trunk is one of {', '.join(TRUNKS)}, not {net!r}")
    trunk = TRUNKS[net]
    file, source = _find(trunk, weights)
    model = _assembled(net, file)

    @torch.no_grad()
    def distance(a: Tensor, b: Tensor) -> Tensor:
        return model.to(a.device)(a, b)  # type: ignore[no-any-return]

    return Metric(trunk.title, source, distance)


def perceptual_columns(
    nets: tuple[Net, ...] = ("alex", "vgg"), lpips_weights: str | os.PathLike[str] | None = None
) -> tuple[list[Metric], dict[str, str]]:
    """LPIPS, then ST-LPIPS, where their packages are and, of the others, the reason that stands in
    their place."""
    here, missing = perceptual_metrics(nets, lpips_weights)
    for net in nets:
        try:
            here.append(st_lpips_metric(net))
        except NoWeightsError as error:
            missing[TRUNKS[net].title] = str(error)
    return here, missing


def _find(trunk: Trunk, weights: str | os.PathLike[str] | None) -> tuple[Path, str]:
    """The file and how it came to be here."""
    if weights is not None:
        places = (Path(weights), Path(weights) / trunk.file)
        if found := next((p for p in places if is_file(p)), None):
            return found, "a file that was named"
        raise NoWeightsError(
            f"no {trunk.title}: {Path(weights)} is neither a file nor a folder with {trunk.file}"
        )
    spec = importlib.util.find_spec(PACKAGE)  # of a top-level name: nothing is imported
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if is_file(packed := Path(folder) / "weights" / "vST0.0" / trunk.file):
            return packed, f"the package {PACKAGE}"
    raise NoWeightsError(
        f"no {trunk.title}: its weights are not here; make env installs the package {PACKAGE} that "
        "has them"
    )


def _assembled(net: Net, file: Path) -> ShiftTolerant:
    """The network with all its weights, none of them random; other weights are refused."""
    trunk, model = TRUNKS[net], ShiftTolerant(net)
    state = {str(k): v for k, v in read_torch(file).items() if isinstance(v, Tensor)}
    plain_tensors(state)
    stages = sorted(
        (k for k in state if k.startswith("net.slice") and k.endswith((".weight", ".bias"))),
        key=lambda k: (int(k.split(".")[1][5:]), int(k.split(".")[2]), k.endswith("bias")),
    )
    heads = sorted(k for k in state if k.startswith("lin"))
    names, values = list(model.state_dict()), [state[k].float() for k in (*stages, *heads)]
    shapes = [tuple(v.shape) for v in model.state_dict().values()]
    if [tuple(v.shape) for v in values] != shapes:
        raise RscError(f"{file} does not hold the {len(trunk.sizes)} convolutions of {trunk.title}")
    kernels = [v.double() for v in values[: len(stages) : 2]]
    sizes = [float(v.abs().mean()) for v in kernels]
    if not all(math.isclose(a, b, rel_tol=1e-4) for a, b in zip(sizes, trunk.sizes, strict=True)):
        raise RscError(f"{file} holds other weights: its distance is not {trunk.title}")
    model.load_state_dict(dict(zip(names, values, strict=True)), assign=True)
    return model.requires_grad_(False).eval()
