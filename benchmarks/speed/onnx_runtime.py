"""The same network in PyTorch and as an ONNX file in onnxruntime, image by image and in batches."""

from __future__ import annotations

import functools
import importlib.util
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.speed.measure import Case, differences, largest
from benchmarks.speed.networks import TINY, network_input
from rsclib.models import model_named
from rsclib.network import RSCNet

SAME = 1e-4  # largest difference of a rotation matrix's entries


def why_not() -> str | None:
    """Why it is left out; None where it is measured."""
    lost = [n for n in ("onnx", "onnxscript", "onnxruntime") if importlib.util.find_spec(n) is None]
    return f"{', '.join(lost)} is not installed (the extra export)" if lost else None


def onnx(quick: bool) -> Iterator[Case]:
    """One forward; both get as many threads as PyTorch has."""
    if reason := why_not():
        print(f"onnx: skipped, {reason}")
        return
    from rsclib.onnx_files import OnnxNet, export_onnx

    net = RSCNet(TINY).eval() if quick else model_named("full")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        export_onnx(net, path, "full")
        session = OnnxNet(path, torch.get_num_threads())
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def by_torch(images: Tensor, index: Tensor) -> Tensor:
        return net(images.contiguous(memory_format=torch.channels_last), index).rotmats

    def by_onnx(images: Tensor, index: Tensor) -> Tensor:
        return torch.from_numpy(session(images, index)["rotmats"])

    for batch in (1, 4) if quick else (1, 32):
        images, index = network_input(quick, batch, net.config.image_size)
        runs: dict[str, Callable[[], Tensor]] = {
            f"PyTorch, batch {batch}": functools.partial(by_torch, images, index),
            f"onnxruntime, batch {batch}": functools.partial(by_onnx, images, index),
        }
        first = next(iter(runs))
        pairs = [(name, first) for name in runs]
        yield Case(
            "onnx", f"{net.config.image_size} px, batch {batch}", runs, dict.fromkeys(runs, batch),
            pairs, differences(runs, pairs, largest), "rotation matrices", dict.fromkeys(runs, SAME),
            first,
        )  # fmt: skip
