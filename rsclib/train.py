"""Training RSC-Net: weak supervision, progressive resolutions, all scales in one forward.

Read :func:`train` top to bottom: it is the whole method. Lightning Fabric moves it to a GPU, to 16
bits or to several devices without another line changing.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from tqdm.auto import tqdm

from rsclib.body import Body, load_body
from rsclib.checkpoints import save_model
from rsclib.config import TrainConfig, scales_at, settings
from rsclib.contrastive import FeatureQueue
from rsclib.data import augment
from rsclib.errors import RscError
from rsclib.events import SummaryWriter
from rsclib.files.atomic import remove_stale, write_text
from rsclib.geometry import axis_angle_to_rotmat
from rsclib.losses import Targets, rsc_loss
from rsclib.models import model_named
from rsclib.network import NetConfig, RSCNet
from rsclib.openbench.build import fetch
from rsclib.range_norm import freeze, measure, soften
from rsclib.resolution import PRESETS, Ranges, degrade, normalise
from rsclib.runs.distributed import precision_here, processes_here, quiet, ranks, total
from rsclib.runs.provenance import provenance
from rsclib.runs.states import load_training_state, save_training_state

STATE = ("config", "net", "log", "step", "optimiser", "queue", "seconds")
MEASURED = (16, 128)  # batches, images each


@dataclass
class Data:
    """The two training parts in memory: ``lab`` with 3D labels, ``wild`` with keypoints only."""

    images: Tensor
    keypoints: Tensor
    joints3d: Tensor
    rotmats: Tensor
    betas: Tensor
    labelled: Tensor

    @staticmethod
    def load(config: TrainConfig, size: int) -> Data:
        lab = fetch("train-lab", config.lab, size, config.seed)
        wild = fetch("train-wild", config.wild, size, config.seed)
        n, m = len(lab["images"]), len(wild["images"])
        joints = torch.from_numpy(lab["joints24"])
        rotmats = axis_angle_to_rotmat(torch.from_numpy(lab["pose"]).view(-1, 24, 3))
        return Data(
            torch.from_numpy(np.concatenate([lab["images"], wild["images"]])).permute(0, 3, 1, 2),
            torch.from_numpy(np.concatenate([lab["keypoints"], wild["keypoints"]])),
            # Of the wild part there is no 3D truth to fill in: zeros that are never read.
            torch.cat([torch.cat([joints, torch.ones(n, 24, 1)], 2), torch.zeros(m, 24, 4)]),
            torch.cat([rotmats, torch.eye(3).expand(m, 24, 3, 3)]),
            torch.cat([torch.from_numpy(lab["betas"]), torch.zeros(m, 10)]),
            torch.arange(n + m) < n,
        )

    def pick(self, rng: np.random.Generator, batch: int, share: float) -> Tensor:
        """Indices (B,) of a batch with the wanted share of labelled images."""
        n = int(self.labelled.sum())
        lab = round(batch * share)
        chosen = np.concatenate(
            [rng.integers(0, n, lab), rng.integers(n, len(self.images), batch - lab)]
        )
        return torch.from_numpy(chosen)


def make_batch(
    data: Data, config: TrainConfig, resolutions: Ranges, step: int
) -> tuple[Tensor, Tensor, Targets]:
    """Images (P'*B, 3, S, S) normalised, range indices (P'*B,), targets: a function of the step.

    Of several processes each gets its share of the B images."""
    rng = np.random.default_rng([config.seed, step])
    generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
    rank, world = ranks()
    mine = slice(rank, None, world)
    pick = data.pick(rng, config.batch, config.lab_share)[mine]
    affine = augment.random_affine(config.batch, generator, config.rotation, config.scale)
    tint = augment.random_colour(config.batch, generator)
    batch = augment.warp(
        {
            "images": data.images[pick].float(), "keypoints": data.keypoints[pick],
            "joints24": data.joints3d[pick][..., :3], "rotmats": data.rotmats[pick],
        },
        *(a[mine] for a in affine),
    )  # fmt: skip
    full = augment.colour(batch["images"], *(t[mine] for t in tint)).round().byte()
    sizes = resolutions.sample_sizes(rng)[: scales_at(config, step)]
    images = torch.cat([degrade(full, size) for size in sizes])  # {x_i}: one image, P' resolutions
    index = torch.cat([resolutions.index(size).expand(len(pick)) for size in sizes])
    sure = data.joints3d[pick][..., 3:]
    targets = Targets(
        batch["keypoints"], torch.cat([batch["joints24"], sure], 2), batch["rotmats"],
        data.betas[pick], data.labelled[pick], data.labelled[pick], pick,
    )  # fmt: skip
    return normalise(images), index, targets


def start_network(config: TrainConfig) -> RSCNet:
    """The network a run starts from: a model, or fresh weights."""
    net = (
        RSCNet(getattr(NetConfig, config.net)())
        if config.init is None
        else model_named(config.init)
    )
    if config.norm not in ("shared", "per_range", "measured"):
        raise RscError(f"norm is shared, per_range or measured, not {config.norm!r}")
    net = net if config.norm == "shared" else net.per_range()
    if config.dropout is not None:
        net.regressor.dropout.p = config.dropout
    return net


def measure_norm(net: RSCNet, data: Data, config: TrainConfig, resolutions: Ranges) -> None:
    """Batch statistics of every range from :data:`MEASURED` batches of training images, frozen."""
    count, size = MEASURED
    every = replace(config, batch=size, schedule=((resolutions.count, 1),))
    batches = (make_batch(data, every, resolutions, step) for step in range(count))
    device = next(net.parameters()).device
    net.sync_norm(True)  # the same for any number of processes
    measure(net, ((x.to(device), index.to(device)) for x, index, _ in batches))


def train(
    config: TrainConfig, folder: Path, progress: bool = True, devices: int = 1, nodes: int = 1
) -> RSCNet:
    """Train, or go on with the run in ``folder``; returns the network.

    ``folder`` gets ``state.pt`` (everything a restart needs), ``log.csv``, TensorBoard events and,
    at the end, ``model.safetensors``.

    Args:
        devices, nodes: processes on this machine, and machines; they share each batch. 0 devices:
            see :func:`rsclib.runs.distributed.processes_here`. A run may go on with other numbers.

    Raises:
        RscError: the folder holds a run with other settings, or the batch cannot be shared.
    """
    resolutions = PRESETS[config.ranges]
    here = processes_here(devices, nodes, config.batch)
    precision = precision_here(config.precision)
    fabric = Fabric(
        accelerator="auto", devices=here, num_nodes=nodes, precision=precision,  # type: ignore[arg-type]
        strategy="ddp" if here * nodes > 1 else "auto",
    )  # fmt: skip
    quiet()
    fabric.launch()
    rank, world = ranks()
    if here > 1 and not torch.cuda.is_available():
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // here))
    fabric.seed_everything(config.seed, verbose=False)
    with fabric.rank_zero_first():  # the others find the data built
        data = Data.load(config, resolutions.full)
    state_file = folder / "state.pt"
    net = start_network(config).to(fabric.device).train()
    if config.norm == "measured":
        if state_file.is_file():
            freeze(net)  # what was measured comes with the state
        else:
            measure_norm(net, data, config, resolutions)
    net.sync_norm(config.sync_norm)
    net.trunk.alpha.requires_grad_(config.learn_alpha)
    queue = FeatureQueue(config.loss.queue, net.config.projection[1]).to(fabric.device)
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    body = load_body().to(fabric.device)
    others = [p for p in net.parameters() if p.requires_grad and p is not net.alpha]
    groups = [{"params": others, "rate": 1.0}]
    if config.learn_alpha:
        groups.append({"params": [net.alpha], "rate": config.alpha_rate})
    optimiser = torch.optim.Adam(groups, config.lr, fused=True)
    model, optimiser = fabric.setup(net, optimiser)

    step, before, log = 0, 0.0, "step,scales,loss,images_s\n"
    if state_file.is_file():
        state = load_training_state(state_file, STATE)
        if state["config"] != settings(config):
            raise RscError(f"{folder} holds a run with other settings; choose another folder")
        net.load_state_dict(state["net"])
        optimiser.load_state_dict(state["optimiser"])
        queue.load_state_dict(state["queue"])
        step, before, log = state["step"], state["seconds"], state["log"]
    events = None
    if rank == 0:
        for name in ("state.pt", "log.csv", "model.safetensors"):
            remove_stale(folder / name)
        events = SummaryWriter(folder)
    started = saved = ticked = time.monotonic()
    bar = tqdm(total=config.steps, initial=step, desc="train", disable=not progress or rank > 0)
    first = step  # of those that images_s is measured over
    while step < config.steps:
        scales_before = scales_at(config, step - 1) if step else 1
        for row in range(scales_before, scales_at(config, step)):
            net.copy_row(row - 1, row)  # a range that joins starts from its larger neighbour
        # Dropout: the same when a restart repeats the step, another in each process.
        torch.manual_seed((config.seed * 1_000_003 + step) * world + rank)
        images, index, targets = make_batch(data, config, resolutions, step)
        images = images.to(fabric.device).contiguous(memory_format=torch.channels_last)
        targets = Targets(*(t.to(fabric.device) for t in vars(targets).values()))
        prediction = model(images, index.to(fabric.device))
        joints = body.joints(prediction.rotmats, prediction.betas).joints49[:, 25:]
        scales = scales_at(config, step)
        loss, terms = rsc_loss(prediction, joints, targets, scales, queue, step, config.loss)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(config, step) * group["rate"]
        fabric.backward(loss)
        optimiser.step()
        optimiser.zero_grad()
        step += 1
        bar.update()
        if step % 20 == 0 or step == config.steps:
            value = float(total(loss.detach())) / world
            if not math.isfinite(value):  # in every process
                if rank:
                    raise SystemExit(2)  # the first one speaks
                raise RscError(f"the loss is {value} at step {step}; lower lr and start again")
            now = time.monotonic()
            rate = config.batch * scales * (step - first) / max(1e-9, now - ticked)
            first, ticked = step, now
            log += f"{step},{scales},{value:.5f},{rate:.0f}\n"
            bar.set_postfix(loss=f"{value:.3f}", scales=scales)
            for name, term in terms.items():
                if events:
                    events.add_scalar(f"loss/{name}", float(term.detach()), step)
        late = time.monotonic() - saved > config.save_seconds
        if step == config.steps and not finite(net):  # after the last step no loss would tell
            if rank:
                raise SystemExit(2)
            raise RscError(f"step {step} has no finite gradient; lower lr and start again")
        if rank == 0 and (late or step == config.steps) and finite(net):
            seconds = before + time.monotonic() - started
            save_training_state(
                state_file,
                {
                    "config": settings(config), "net": net.state_dict(), "log": log, "step": step,
                    "optimiser": optimiser.state_dict(), "queue": queue.state_dict(),
                    "seconds": seconds,
                },
            )  # fmt: skip
            write_text(folder / "log.csv", log)
            saved = time.monotonic()
    bar.close()
    soften(net, config.soften)  # not in the state, so once however often a run is taken up
    if events:
        events.close()
        seconds = before + time.monotonic() - started
        seen = config.batch * sum(scales * steps for scales, steps in config.schedule)
        about = provenance(settings(config), config.seed, seconds, seen) | {
            "processes": world,
            "precision": precision,
        }
        write_text(folder / "log.csv", log)  # the last one may have been killed after its state
        save_model(folder / "model.safetensors", net, about)
    fabric.barrier()
    return net.eval()


def finite(net: RSCNet) -> bool:
    """Whether every weight is a number: a gradient can be lost where the loss was not."""
    return all(bool(p.isfinite().all()) for p in net.parameters())


def learning_rate(config: TrainConfig, step: int) -> float:
    """Twenty steps of warm-up, then a cosine to a tenth."""
    return (
        config.lr
        * min(1.0, (step + 1) / 20)
        * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * step / config.steps)))
    )


def evaluation_joints(net: RSCNet, body: Body, images: Tensor, size: int, ranges: Ranges) -> Tensor:
    """Predicted evaluation joints (B, 14, 3), metres, of uint8 images (B, 3, S, S) seen at
    ``size`` pixels."""
    device = next(net.parameters()).device
    x = normalise(degrade(images.to(device), size))
    p = net(x, ranges.index(size).to(device).expand(len(x)))
    return body.joints(p.rotmats, p.betas).joints14
