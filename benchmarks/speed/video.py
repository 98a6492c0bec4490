"""A clip from pixels to joints: frame by frame against batches, a GRU step by step against whole."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from benchmarks.speed.measure import Case, with_first
from benchmarks.speed.measure import differences as apart
from benchmarks.speed.networks import EXACT, ROUNDED, TINY, network_input
from rsclib.body import load_body
from rsclib.models import model_named
from rsclib.network import RSCNet
from rsclib.temporal import Temporal, TemporalConfig

FRAMES = 64
GOAL = 3.0  # times frame by frame in 32 bits


def video(quick: bool) -> Iterator[Case]:
    """Features, module and joints of one clip; the memory layout is what rsclib's models have."""
    net = RSCNet(TINY).eval() if quick else model_named("full")
    module = Temporal.over(net, TemporalConfig.over(net)).eval()
    torch.nn.init.normal_(module.back.weight, std=0.01)
    frames = 8 if quick else FRAMES
    images, index = network_input(quick, frames, net.config.image_size)
    index = index + net.config.ranges - 1
    last = images.contiguous(memory_format=torch.channels_last)
    body = load_body()
    plain = RSCNet(net.config).eval()
    plain.load_state_dict(net.state_dict())
    batched = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def features(net: RSCNet, images: Tensor, batch: int, half: bool = False) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            pairs = zip(images.split(batch), index.split(batch), strict=True)
            return torch.cat([net.forward_features(x, i)[1] for x, i in pairs])

    def joints(phi: Tensor) -> Tensor:
        found = module(phi[None])
        return body.joints(found.rotmats, found.betas).joints14

    @torch.inference_mode()
    def frame_by_frame() -> Tensor:
        state, out = None, []
        for i in range(frames):
            phi = plain.forward_features(images[i : i + 1], index[i : i + 1])[1]
            encoded, state = module.encode(phi[None], state)
            found = module.regress(encoded[0])
            out.append(body(found.rotmats, found.betas).joints14)
        return torch.cat(out)

    @torch.inference_mode()
    def in_batches(half: bool) -> Tensor:
        return joints(features(batched, last, 32, half))

    runs: dict[str, Callable[[], Tensor]] = {
        "frame by frame, fp32, whole mesh": frame_by_frame,
        "batches of 32, fp32": functools.partial(in_batches, False),
        "batches of 32, bf16": functools.partial(in_batches, True),
    }
    pairs = with_first(runs)
    yield Case(
        "video", f"clip of {frames} frames, {net.config.image_size} px, end to end", runs,
        dict.fromkeys(runs, frames), pairs, apart(runs, pairs), "joints (relative)",
        dict(zip(runs, (0.0, 10 * EXACT, 2 * ROUNDED), strict=True)), "batches of 32, fp32",
        rounds=5, goal=GOAL,
    )  # fmt: skip
