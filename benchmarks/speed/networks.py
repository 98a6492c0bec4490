"""The network: mixed batches, memory layout, 16 bits, fused operations, batch sizes."""

from __future__ import annotations

import copy
import functools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.speed.measure import Case, Pair, differences, relative, with_first
from rsclib.models import model_named
from rsclib.network import NetConfig, Prediction, RSCNet
from rsclib.openbench.parts import SPLITS
from rsclib.openbench.people import make_people
from rsclib.resolution import EDU, normalise
from rsclib.runs.launch import precision_here

TINY = NetConfig(
    image_size=64, stem=4, planes=(4, 4, 8, 8), blocks=(1, 1, 1, 1), hidden=16, dropout=0.1,
    projection=(16, 8),
)  # fmt: skip
EXACT, ROUNDED = 1e-4, 5e-2  # allowed relative difference of phi in 32 and in 16 bits
# A new network's features hardly differ between images, and dividing by the small deviation of a
# small batch magnifies the rounding: measured 0.06 for ResNet-50, 0.006 for the trained edu network.
UNTRAINED = 0.15


class Way(NamedTuple):
    """How to run the network: 16-bit autocast, channels last in memory, trunk compiled."""

    bf16: bool
    last: bool
    compiled: bool


WAYS = {
    "fp32": Way(False, False, False),
    "fp32, channels_last": Way(False, True, False),
    "fp32, channels_last, compiled": Way(False, True, True),
    "bf16": Way(True, False, False),
    "bf16, channels_last": Way(True, True, False),
    "bf16, channels_last, compiled": Way(True, True, True),
}


def why_not_compile(quick: bool) -> str | None:
    """Why torch.compile is left out; None where it is measured."""
    if quick:
        return "compiling takes longer than all of a quick run"
    if shutil.which("c++") is None:
        return "there is no C++ compiler"
    return None


def ways(comparison: str, quick: bool) -> dict[str, Way]:
    """The variants that can be measured here; says which cannot."""
    reason = why_not_compile(quick)
    if reason is None:
        return WAYS
    print(f"{comparison}: torch.compile is skipped, {reason}")
    return {name: way for name, way in WAYS.items() if not way.compiled}


def prepared(net: RSCNet, way: Way) -> RSCNet:
    """A copy of the network, laid out in memory and compiled as ``way`` says."""
    net = copy.deepcopy(net)
    if way.last:
        net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if way.compiled:
        net.trunk.compile(dynamic=False)
    return net


def predict(net: RSCNet, way: Way, images: Tensor, index: Tensor) -> Prediction:
    """One forward; what it costs to lay the images out is part of it."""
    # Either way: images that come from bytes are channels last, and convolutions keep what they get.
    layout = torch.channels_last if way.last else torch.contiguous_format
    images = images.contiguous(memory_format=layout)
    with torch.autocast("cpu", torch.bfloat16, enabled=way.bf16):
        return net(images, index)


def backward(net: RSCNet, prediction: Prediction) -> None:
    """Gradients of a simple loss that every output is part of."""
    net.zero_grad()
    torch.stack([values.square().mean() for values in prediction]).sum().backward()


def mixed(quick: bool) -> Iterator[Case]:
    """One forward of all ranges against one forward a range, with the gradients.

    With statistics of each range's own the two compute the same while training. With shared ones
    they normalise by other batches, so there the check is made in evaluation mode.
    """
    batch, config = (2, TINY) if quick else (16, NetConfig.edu())
    config = replace(config, dropout=0.0)  # so that gradients can be compared
    ranges = EDU.count
    images = torch.randn(ranges * batch, 3, config.image_size, config.image_size)
    images = images.contiguous(memory_format=torch.channels_last)
    index = torch.arange(ranges).repeat_interleave(batch)

    def one_forward(net: RSCNet) -> RSCNet:
        backward(net, net(images, index))
        return net

    def a_forward_a_range(net: RSCNet) -> RSCNet:
        parts = zip(images.split(batch), index.split(batch), strict=True)
        outputs = zip(*(net(x, i) for x, i in parts), strict=True)
        backward(net, Prediction(*(torch.cat(values) for values in outputs)))
        return net

    def gradient(net: RSCNet) -> Tensor:
        return torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])

    for norm in ("shared", "per_range"):
        net = RSCNet(replace(config, norm=norm)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        nets = [net, copy.deepcopy(net)]
        runs: dict[str, Callable[[], RSCNet]] = {
            "a forward a range": functools.partial(a_forward_a_range, nets[0]),
            "one mixed forward": functools.partial(one_forward, nets[1]),
        }
        pairs = with_first(runs)
        for copied in nets:
            copied.train(norm == "per_range")
        apart = differences(runs, pairs, lambda a, b: relative(gradient(a), gradient(b)))
        for copied in nets:
            copied.train()
        yield Case(
            "mixed", f"{norm} statistics, {ranges} ranges x {batch}, {config.image_size} px, fp32",
            runs, dict.fromkeys(runs, len(images)), pairs, apart,
            "gradient (relative)" + ("" if norm == "per_range" else ", evaluation mode"),
            dict.fromkeys(runs, 1e-3), "one mixed forward",
        )  # fmt: skip


class Model(NamedTuple):
    """A network to measure, its images a training step, the way that rsclib trains it, and the
    difference that 16 bits may make to phi while it trains."""

    name: str
    net: RSCNet
    batch: int
    product: str
    rounded: float


def models(quick: bool) -> Iterator[Model]:
    """The edu network with its shipped weights and ResNet-50 without any; a tiny one if quick."""
    last = f"{'bf16' if precision_here('auto') == 'bf16-mixed' else 'fp32'}, channels_last"
    if quick:
        yield Model("tiny", RSCNet(TINY), 4, last, UNTRAINED)
        return
    compiled = f"{last}, compiled" if why_not_compile(quick) is None else last
    yield Model("edu", model_named("hr-only"), 48, compiled, ROUNDED)  # by rsc pretrain
    yield Model("paper", RSCNet(NetConfig.paper()), 4, last, UNTRAINED)  # by rsc train


@functools.cache
def _people() -> Tensor:
    """Eight rendered people (8, 3, 128, 128), normalised; 16 bits lose more of noise."""
    images = make_people(SPLITS["train-wild"], 1, 0, 8, 128)["images"]
    return normalise(torch.from_numpy(images).permute(0, 3, 1, 2))


def network_input(quick: bool, count: int, size: int) -> tuple[Tensor, Tensor]:
    """Images (count, 3, size, size), people or, if quick, noise, and their range indices."""
    index = torch.zeros(count, dtype=torch.long)
    if quick:
        return torch.randn(count, 3, size, size), index
    people = F.interpolate(_people(), (size, size), mode="bilinear")
    return people[torch.arange(count) % len(people)].contiguous(), index


def steps(quick: bool) -> Iterator[Case]:
    """Forward and backward in training: memory layout, 16 bits, fused operations."""
    possible = ways("steps", quick)
    for name, net, batch, product, rounded in models(quick):
        torch.compiler.reset()
        size = net.config.image_size
        images, index = network_input(quick, batch, size)
        net.train()

        def step(net: RSCNet, way: Way, images: Tensor = images, index: Tensor = index) -> Tensor:
            prediction = predict(net, way, images, index)
            backward(net, prediction)
            return prediction.phi

        runs = {
            title: functools.partial(step, prepared(net, way), way)
            for title, way in possible.items()
        }
        pairs = with_first(runs)
        yield Case(
            "steps", f"{name}, batch {batch}, {size} px", runs,
            dict.fromkeys(runs, batch), pairs, differences(runs, pairs), "phi (relative)",
            _tolerances(possible, rounded), product, rounds=5,
        )  # fmt: skip


def inference(quick: bool) -> Iterator[Case]:
    """Images a second: every variant against plain 32 bits, and large batches against single
    images."""
    possible = ways("inference", quick)
    for name, net, *_ in models(quick):
        torch.compiler.reset()
        size = net.eval().config.image_size
        nets = {title: prepared(net, way) for title, way in possible.items()}
        batches = (1, 4) if quick else (1, 32)
        images, index = network_input(quick, batches[-1], size)
        runs: dict[str, Callable[[], Tensor]] = {}
        items, tolerance = {}, {}
        pairs: list[Pair] = []

        @torch.inference_mode()
        def run(net: RSCNet, way: Way, images: Tensor, index: Tensor) -> Tensor:
            return predict(net, way, images, index).phi

        for batch in batches:
            for title, way in possible.items():
                key = f"{title}, batch {batch}"
                runs[key] = functools.partial(run, nets[title], way, images[:batch], index[:batch])
                items[key], tolerance[key] = batch, _tolerances(possible, ROUNDED)[title]
                pairs.append((key, f"fp32, batch {batch}"))
                if batch != batches[0]:
                    pairs.append((key, f"{title}, batch {batches[0]}"))
        yield Case(
            "inference", f"{name}, {size} px", runs, items, pairs,
            differences(runs, pairs), "phi (relative)", tolerance, f"fp32, channels_last, batch {batches[-1]}",
            rounds=5,
        )  # fmt: skip


def _tolerances(possible: dict[str, Way], rounded: float) -> dict[str, float]:
    return {title: rounded if way.bf16 else EXACT for title, way in possible.items()}
