"""Several processes that train as one: who takes which samples, what is summed and gathered.

Of B samples rank r takes ``r, r + world, r + 2 world, ...``. Each process works out the same random
numbers for the whole batch and keeps its share, so that any number of processes sees the same
images. Without a process group every function here is the identity.
"""

from __future__ import annotations

import logging
import os
import warnings

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.nn.functional import all_reduce  # type: ignore[attr-defined]

from rsclib.errors import RscError


def ranks() -> tuple[int, int]:
    """Number of this process and of all processes: (0, 1) when it is alone."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def processes_here(devices: int, nodes: int, batch: int) -> int:
    """How many processes to start on this machine for a batch of ``batch`` images over all.

    Args:
        devices: processes a machine; 0: one a GPU, without a GPU one a core (two processes of one
            thread train faster than one of two threads), but no more than share the batch evenly.
        nodes: machines.

    Raises:
        RscError: the batch cannot be shared evenly, or a number makes no sense.
    """
    if devices < 0 or nodes < 1:
        raise RscError(f"devices must be at least 0 and nodes at least 1, not {devices}, {nodes}")
    if devices:
        if batch % (devices * nodes):
            raise RscError(
                f"a batch of {batch} cannot be shared evenly by {devices * nodes} processes; "
                "change batch or --devices"
            )
        return devices
    most = torch.cuda.device_count() or os.cpu_count() or 1
    even = [n for n in range(1, most + 1) if batch % (n * nodes) == 0]
    if not even:
        raise RscError(f"a batch of {batch} cannot be shared evenly by {nodes} machines")
    return even[-1]


def precision_here(name: str) -> str:
    """Lightning's name of the precision ``name``; "auto" is 16 bits where they are the faster ones.

    A CPU without bfloat16 instructions emulates them, far slower than 32 bits (steps in
    results/speed/ratios.json).
    """
    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(False) else "16-mixed"
    fast = any(has for what, has in torch.cpu.get_capabilities().items() if "bf16" in what)
    return "bf16-mixed" if fast else "32-true"


def other_ended(error: BaseException) -> bool:
    """Whether ``error`` only says that another process of this training is gone."""
    return isinstance(error, dist.DistError) or (
        isinstance(error, RuntimeError) and "gloo" in str(error)
    )


def quiet() -> None:
    """No banner of Lightning's from every process, no warning that is not the user's to heed; call
    it after Lightning is imported."""
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    # PyTorch 2.12's only other all_reduce with a gradient is private.
    warnings.filterwarnings("ignore", r"torch\.distributed\.nn\.functional", FutureWarning)


def total(values: Tensor) -> Tensor:
    """Sum over the processes, without a gradient."""
    if ranks()[1] == 1:
        return values
    values = values.detach().clone()
    dist.all_reduce(values)
    return values


def total_with_gradient(values: Tensor) -> Tensor:
    """Sum over the processes; the gradient is summed over them too."""
    return values if ranks()[1] == 1 else all_reduce(values)


def gather_samples(values: Tensor, scales: int) -> Tensor:
    """The whole batch's rows, in the order that one process would have them in.

    Args:
        values: (P' b, ...) rows of this process, b samples at P' scales, scale after scale.

    Returns:
        (P' B, ...), without a gradient.
    """
    world = ranks()[1]
    if world == 1:
        return values
    parts = [torch.empty_like(values) for _ in range(world)]
    dist.all_gather(parts, values.detach().contiguous())
    # (world, P', b) to (P', b, world): sample k of rank r is number k world + r of its scale.
    stacked = torch.stack([p.unflatten(0, (scales, -1)) for p in parts], 2)
    return stacked.flatten(0, 2)
