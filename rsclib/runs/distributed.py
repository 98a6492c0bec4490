"""Several processes that train as one: who takes which samples, what is summed and gathered.

Of B samples rank r takes ``r, r + world, r + 2 world, ...``. Each process works out the same random
numbers for the whole batch and keeps its share, so that any number of processes sees the same
images. Without a process group every function here is the identity.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.nn.functional import all_reduce  # type: ignore[attr-defined]


def ranks() -> tuple[int, int]:
    """Number of this process and of all processes: (0, 1) when it is alone."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def first_process() -> bool:
    """Whether this is the first process of a training, or none of several: the one that speaks,
    also before the others are connected."""
    names = ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID")
    return not any(int(os.environ.get(name, 0)) for name in names)


@contextlib.contextmanager
def first_process_first() -> Iterator[None]:
    """The first process does what follows while the others wait, and then finds it done: building
    data, say. Nothing inside may sum or gather over the processes."""
    rank, world = ranks()
    if world > 1 and rank:
        dist.barrier()
    yield
    if world > 1 and not rank:
        dist.barrier()


def other_ended(error: BaseException) -> bool:
    """Whether ``error`` only says that another process of this training is gone."""
    return isinstance(error, dist.DistError) or (
        isinstance(error, RuntimeError) and "gloo" in str(error)
    )


def sum_over_processes(values: Tensor) -> Tensor:
    """Sum over the processes, without a gradient."""
    if ranks()[1] == 1:
        return values
    values = values.detach().clone()
    dist.all_reduce(values)
    return values


def sum_with_gradient(values: Tensor) -> Tensor:
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
