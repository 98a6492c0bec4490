"""Start the processes of a training: how many, on what, in which precision."""

from __future__ import annotations

import logging
import os
import warnings
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy

from rsclib.errors import RscError

# Gradients are shared, buffers are not: statistics in training are a batch's own or summed by
# rsclib.range_norm, and the first process's are what is saved. Gradients are summed where they lie.
DDP: dict[str, Any] = {"broadcast_buffers": False, "gradient_as_bucket_view": True}


class Run(Protocol):
    """What of :class:`rsclib.train.RunConfig` is needed here."""

    @property
    def batch(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def precision(self) -> str: ...


def launched(run: Run, devices: int, nodes: int) -> Fabric:
    """Fabric with its processes started and seeded, cores shared between them.

    Raises:
        RscError: the batch cannot be shared by so many.
    """
    here = processes_here(devices, nodes, run.batch)
    quiet()
    fabric = Fabric(
        accelerator="auto", devices=here, num_nodes=nodes,
        precision=precision_here(run.precision),  # type: ignore[arg-type]
        strategy=DDPStrategy(**DDP) if here * nodes > 1 else "auto",
    )  # fmt: skip
    fabric.launch()
    if here > 1 and not torch.cuda.is_available():
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // here))
    fabric.seed_everything(run.seed, verbose=False)
    return fabric


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
    results/speed/ratios.csv).
    """
    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(False) else "16-mixed"
    fast = any(has for what, has in torch.cpu.get_capabilities().items() if "bf16" in what)
    return "bf16-mixed" if fast else "32-true"


def quiet() -> None:
    """No banner of Lightning's from every process, no warning that is not the user's to heed; call
    it after Lightning is imported."""
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    # PyTorch 2.12's only other all_reduce with a gradient is private.
    warnings.filterwarnings("ignore", r"torch\.distributed\.nn\.functional", FutureWarning)
