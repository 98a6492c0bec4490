"""The one loop that trains every method. It is handed one, and knows neither people nor networks.

A method (a file of :mod:`rsclib.methods`) is a network, its batches, its losses and, where it has
one, its critic. Read :func:`train` top to bottom: Lightning Fabric moves it to a GPU, to 16 bits or
to several devices, and :class:`rsclib.runs.folder.RunFolder` resumes, logs and saves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from rsclib.config import Precision, Within
from rsclib.critics import Critic, critic_loss, generator_loss
from rsclib.runs.distributed import ranks
from rsclib.runs.folder import RunFolder
from rsclib.runs.launch import launched


class Step(NamedTuple):
    """What a method makes of a batch: its weighted terms, whose sum is the loss, and what a critic
    judges: ``fake`` with its gradient and as many ``real`` ones."""

    terms: dict[str, Tensor]
    fake: Tensor | None = None
    real: Tensor | None = None


class Method(Protocol):
    """What :func:`train` asks for; nothing to inherit from.

    Attributes:
        net: what learns; processes share its ``forward``.
        memory: what else a restart needs, e.g. a queue of features; ``nn.Identity()`` for nothing.
        critic: which judges ``Step.fake``, or None.
    """

    net: nn.Module
    memory: nn.Module
    critic: Critic | None

    def groups(self) -> list[dict[str, Any]]:
        """Parameter groups of the optimiser, each with its ``rate`` in multiples of :meth:`lr`."""

    def lr(self, step: int) -> float:
        """The rate of a step."""

    def batch(self, step: int) -> Any:
        """This process's share of a step's batch, a function of (seed, step) alone."""

    def loss(self, model: nn.Module, batch: Any, step: int) -> Step:
        """The terms; call ``model``, not ``net``: it is what Fabric has wrapped."""

    def scores(self, step: int) -> Mapping[str, float]:
        """Further numbers for the log after a step, {} mostly: an evaluation now and then."""

    def finish(self) -> nn.Module:
        """What ships, once all steps are done."""


@dataclass(frozen=True)
class RunConfig:
    """How long and how.

    Attributes:
        batch: images a step, over all processes.
        weight_decay: of AdamW; 0 is Adam. clip: longest gradient; 0: as long as it is.
        precision: Lightning's name, or "auto": 16 bits where they are faster than 32.
        save_seconds: between two savings. log_steps: between two rows of the log.
    """

    steps: Annotated[int, Within(1, 10**9)]
    batch: Annotated[int, Within(1, 65_536)] = 16
    seed: Annotated[int, Within(0, 2**32 - 1)] = 0
    weight_decay: Annotated[float, Within(0, 10)] = 0.0
    clip: Annotated[float, Within(0, 1e9)] = 0.0
    precision: Precision = "auto"
    save_seconds: Annotated[float, Within(0, 1e9)] = 60.0
    log_steps: Annotated[int, Within(1, 10**9)] = 20


def train(
    build: Callable[[torch.device], Method], run: RunConfig, config: Any, folder: Path,
    devices: int = 1, nodes: int = 1, progress: bool = True,
) -> nn.Module:  # fmt: skip
    """Train, or go on with the run in ``folder``.

    Args:
        build: makes the method on a device, in every process at once.
        config: the frozen settings that a run in this folder must share.
        folder: gets ``state.pt`` (everything a restart needs) and ``log.csv``.
        devices, nodes: processes on this machine, and machines; they share each batch. 0 devices:
            see :func:`rsclib.runs.distributed.processes_here`. A run may go on with other numbers.

    Raises:
        RscError: the folder holds a run with other settings, the batch cannot be shared, or the
            loss is lost.
        rsclib.errors.Stopped: a signal ended it after a step; it is saved and can go on.
    """
    fabric = launched(run, devices, nodes)
    method = build(fabric.device)
    # With a rate of 1, which each step multiplies.
    optimiser: Any = torch.optim.AdamW(
        method.groups(), 1.0, weight_decay=run.weight_decay, fused=True
    )
    model, optimiser = fabric.setup(method.net, optimiser)
    parts: dict[str, Any] = {"net": method.net, "memory": method.memory, "optimiser": optimiser}
    critic = method.critic
    if critic:
        judge, judges = fabric.setup(critic.net, critic.optimiser())
        parts |= {"critic": critic.net, "critic_optimiser": judges}
    rank, world = ranks()
    with RunFolder(
        folder, run.steps, config, parts, run.save_seconds, run.log_steps, progress
    ) as keeper:
        for step in keeper.remaining():
            # Dropout: the same when a restart repeats the step, another in each process.
            torch.manual_seed((run.seed * 1_000_003 + step) * world + rank)
            batch = fabric.to_device(method.batch(step))
            terms, fake, real = method.loss(model, batch, step)
            if critic:
                critic.net.requires_grad_(False)  # the network learns to please it
                terms = terms | {"critic": critic.weight * generator_loss(judge(fake), critic.kind)}
            loss = torch.stack(list(terms.values())).sum()
            for group in optimiser.param_groups:
                group["lr"] = method.lr(step) * group["rate"]
            fabric.backward(loss)
            norm = None
            if run.clip:
                norm = fabric.clip_gradients(
                    model, optimiser, max_norm=run.clip, error_if_nonfinite=False
                )
            optimiser.step()
            optimiser.zero_grad()
            if critic:
                critic.net.requires_grad_(True)  # and it learns to tell
                assert fake is not None and real is not None
                fabric.backward(
                    critic_loss(judge(real.detach()), judge(fake.detach()), critic.kind)
                )
                judges.step()
                judges.zero_grad()
            keeper.after(loss, terms, method.scores(step + 1), norm)
    fabric.barrier()
    return method.finish()


def warm_cosine(peak: float, step: int, steps: int, warmup: int, last: float) -> float:
    """A rate that rises to ``peak`` over ``warmup`` steps and falls as a cosine to ``last`` of it."""
    rise = min(1.0, (step + 1) / warmup)
    return peak * rise * (last + (1 - last) * 0.5 * (1 + math.cos(math.pi * step / steps)))
