"""The network: mixed batches, memory layout, 16 bits, fused operations, batch sizes."""

from __future__ import annotations

import copy
import functools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.speed.measure import Case, Pair, differences, relative, with_first
from rsclib.network import NetConfig, Prediction, RSCNet
from rsclib.resolution import EDU

TINY = NetConfig(
    image_size=64, stem=4, planes=(4, 4, 8, 8), blocks=(1, 1, 1, 1), hidden=16, dropout=0.1,
    projection=(16, 8),
)  # fmt: skip
EXACT, ROUNDED = 1e-4, 5e-2  # allowed relative difference of phi in 32 and in 16 bits


class Way(NamedTuple):
    """How to run the network: 16-bit autocast, channels last in memory, trunk compiled."""

    bf16: bool
    last: bool
    compiled: bool


WAYS = {
    "fp32": Way(False, False, False),
    "fp32, channels_last": Way(False, True, False),
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
    if way.last:
        images = images.contiguous(memory_format=torch.channels_last)
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


def _sizes(quick: bool) -> list[tuple[str, NetConfig, int, str]]:
    """Network, its configuration, images a training step, the variant that rsclib trains with."""
    last = "bf16, channels_last"
    if quick:
        return [("tiny", TINY, 4, last)]
    compiled = f"{last}, compiled" if why_not_compile(quick) is None else last
    return [("edu", NetConfig.edu(), 48, compiled), ("paper", NetConfig.paper(), 4, last)]


def steps(quick: bool) -> Iterator[Case]:
    """Forward and backward in training: memory layout, 16 bits, fused operations."""
    possible = ways("steps", quick)
    for name, config, batch, product in _sizes(quick):
        torch.compiler.reset()
        images = torch.randn(batch, 3, config.image_size, config.image_size)
        index = torch.zeros(batch, dtype=torch.long)
        net = RSCNet(config).train()

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
            "steps", f"{name}, batch {batch}, {config.image_size} px", runs,
            dict.fromkeys(runs, batch), pairs, differences(runs, pairs), "phi (relative)",
            _tolerances(possible), product, rounds=5,
        )  # fmt: skip


def inference(quick: bool) -> Iterator[Case]:
    """Images a second: every variant against plain 32 bits, and large batches against single
    images."""
    possible = ways("inference", quick)
    for name, config, _, _ in _sizes(quick):
        torch.compiler.reset()
        net = RSCNet(config).eval()
        nets = {title: prepared(net, way) for title, way in possible.items()}
        batches = (1, 4) if quick else (1, 32)
        images = torch.randn(batches[-1], 3, config.image_size, config.image_size)
        index = torch.zeros(batches[-1], dtype=torch.long)
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
                items[key], tolerance[key] = batch, _tolerances(possible)[title]
                pairs.append((key, f"fp32, batch {batch}"))
                if batch != batches[0]:
                    pairs.append((key, f"{title}, batch {batches[0]}"))
        yield Case(
            "inference", f"{name}, {config.image_size} px", runs, items, pairs,
            differences(runs, pairs), "phi (relative)", tolerance, f"fp32, batch {batches[-1]}",
            rounds=5,
        )  # fmt: skip


def _tolerances(possible: dict[str, Way]) -> dict[str, float]:
    return {title: ROUNDED if way.bf16 else EXACT for title, way in possible.items()}
