"""Pre-training at full resolution with full labels: where every row of every table starts from.

The paper starts from ImageNet and then SPIN weights; neither is free. This trains the same network
on the ``source`` part with dense truth (body parts, canonical coordinates) as an extra task, images
growing from 64 to 128 px. It only ever sees full-resolution people: it is also the *HR-only* model
that the resolution-aware one is compared with.
"""

from __future__ import annotations

import math
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor
from tqdm.auto import tqdm

from rsclib.body import Body, load_body
from rsclib.data import augment
from rsclib.errors import RscError
from rsclib.files.atomic import check_writable, remove_stale, write_text
from rsclib.geometry import axis_angle_to_rotmat
from rsclib.methods.dense_tasks import Pretrainer, losses
from rsclib.metrics import mpjpe, pa_mpjpe
from rsclib.models import SHIPPED, model_named
from rsclib.network import NetConfig, RSCNet
from rsclib.openbench.build import fetch
from rsclib.resolution import normalise
from rsclib.runs.distributed import precision_here, quiet
from rsclib.runs.states import load_training_state, save_training_state

STATE = ("config", "module", "optimiser", "step", "seconds", "curve")


@dataclass(frozen=True)
class PretrainConfig:
    """Recipe.

    Attributes:
        stages: (image side, steps). Small images teach the most in a minute; the last stage adapts
            to the size in use, which needs a real share.
        lr: peak rate of the first stage; each later stage starts anew at 0.4 of it.
        batch: images a step and process; chosen against 128 in short trials of which no file is kept.
        rotation, scale: of the augmentation, degrees and share; narrower than SPIN's, chosen likewise.
        processes: single-threaded ones, which train faster here than one process with a thread a
            core; 0 takes the number of cores (on a GPU: one).
        start: what this run starts from: another run's folder (network and extra heads), or a model
            (a shipped one's name or a .safetensors file; the heads begin anew); empty: from nothing.
        extra: the dense tasks and direct joints beside the network's own output; without, a run that
            starts from a model has no heads to learn anew.
        compile: fuse the trunk's small operations (PyTorch needs a C++ compiler for that).
    """

    stages: tuple[tuple[int, int], ...] = ((64, 24000), (96, 1500), (128, 2500))
    images: int = 40960
    batch: int = 48
    lr: float = 3e-3
    weight_decay: float = 0.02
    warmup: int = 300
    rotation: float = 8.0
    scale: float = 0.07
    processes: int = 0
    start: str = ""
    extra: bool = True
    compile: bool = True
    seed: int = 0
    precision: str = "auto"
    save_seconds: float = 120.0
    eval_steps: int = 1000

    @property
    def steps(self) -> int:
        """Steps over all stages."""
        return sum(n for _, n in self.stages)

    @property
    def world(self) -> int:
        """How many processes train here."""
        return self.processes or (1 if torch.cuda.is_available() else os.cpu_count() or 1)


def _shrink(images: np.ndarray, side: int) -> Tensor:
    """All images (N, S, S, 3) as uint8 (N, 3, side, side), once per stage; no copy at full size."""
    if side == images.shape[1]:
        return torch.from_numpy(images).permute(0, 3, 1, 2)
    out = torch.empty((len(images), 3, side, side), dtype=torch.uint8)
    for i in range(0, len(images), 512):
        part = torch.from_numpy(images[i : i + 512]).permute(0, 3, 1, 2).float()
        part = F.interpolate(part, size=side, mode="bilinear", antialias=True)
        out[i : i + 512] = part.round().byte()
    return out


def batch_indices(seed: int, step: int, batch: int, total: int) -> np.ndarray:
    """The samples of a step: a function of the step alone, so a resumed run repeats none."""
    per_epoch = total // batch
    order = np.random.default_rng([seed, step // per_epoch]).permutation(total)
    start = (step % per_epoch) * batch
    return order[start : start + batch]


def learning_rate(config: PretrainConfig, step: int) -> float:
    """In every stage a linear warm-up to its peak, then a cosine to 2 % of it."""
    peak = config.lr
    for _, steps in config.stages:
        if step < steps:
            warmup = min(config.warmup, steps // 5)
            if step < warmup:
                return peak * (step + 1) / warmup
            progress = (step - warmup) / (steps - warmup)
            return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        step, peak = step - steps, 0.4 * config.lr
    return 0.02 * peak


def quick_eval(net: RSCNet, data: dict[str, np.ndarray], side: int, body: Body) -> dict[str, float]:
    """MPJPE and PA-MPJPE (mm) at one image side, full resolution only."""
    net.eval()
    wrong, aligned = [], []
    images = _shrink(data["images"], side)
    with torch.no_grad():
        for i in range(0, len(images), 256):
            x = normalise(images[i : i + 256])
            p = net(x, torch.zeros(len(x), dtype=torch.long))
            joints = body.joints(p.rotmats, p.betas).joints14
            truth = torch.as_tensor(data["joints14"][i : i + 256])
            wrong.append(mpjpe(joints, truth))
            aligned.append(pa_mpjpe(joints, truth))
    net.train()
    return {
        "mpjpe": float(torch.cat(wrong).mean()),
        "pa_mpjpe": float(torch.cat(aligned).mean()),
    }


def pretrain(config: PretrainConfig, folder: Path, net_config: NetConfig | None = None) -> RSCNet:
    """Run or go on with a pre-training; returns the network.

    Args:
        folder: state, learning curve ``curve.csv`` and the weights ``net`` live here.

    Raises:
        RscError: no steps, no run to start from, or the folder holds a run with other settings.
    """
    state_file, begin = folder / "state.pt", Path(config.start) / "state.pt"
    if config.steps < 1:
        raise RscError("there is nothing to train: give at least one stage some steps")
    given = None
    if config.start and not state_file.is_file():
        if config.start in SHIPPED or config.start.endswith(".safetensors"):
            given = model_named(config.start).state_dict()
        elif not begin.is_file():
            raise RscError(f"there is no run to start from in {config.start}: {begin} is missing")
    check_writable(folder)
    for name in ("state.pt", "curve.csv", "model.safetensors"):
        remove_stale(folder / name)  # before any process trains, so none of them is writing
    on_gpu = torch.cuda.is_available()
    processes = config.world
    fabric = Fabric(
        accelerator="auto",
        devices=processes,
        precision=precision_here(config.precision),  # type: ignore[arg-type]
        strategy="ddp" if processes > 1 else "auto",
    )
    quiet()
    fabric.launch()
    rank, world = fabric.global_rank, fabric.world_size
    if not on_gpu:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // processes))
    fabric.seed_everything(config.seed, verbose=False)
    with fabric.rank_zero_first():  # the others find the data built
        data = fetch("source", config.images, seed=config.seed)
        held_out = fetch("val-wild", 512)  # no test image is looked at while settings may change
    net_config = net_config or NetConfig.edu()
    body = load_body().to(fabric.device)
    module = Pretrainer(net_config, config.extra).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(
        module.parameters(), config.lr, weight_decay=config.weight_decay, fused=True
    )
    if config.compile:
        if shutil.which("c++") is None:
            raise RscError(
                "torch.compile needs a C++ compiler: install g++, or set compile to false"
            )
        module.net.trunk.compile()
    model, optimiser = fabric.setup(module, optimiser)
    labels = {
        "keypoints": torch.from_numpy(data["keypoints"]),
        "joints24": torch.from_numpy(data["joints24"]),
        "betas": torch.from_numpy(data["betas"]),
        "rotmats": axis_angle_to_rotmat(torch.from_numpy(data["pose"]).view(-1, 24, 3)),
    }
    if config.extra:
        labels["dense"] = torch.from_numpy(data["dense"])
    step, seconds = 0, 0.0
    curve = "step,side,seconds,loss,mpjpe,pa_mpjpe\n"
    if state_file.is_file():
        state = load_training_state(state_file, STATE)
        if state["config"] != _plain(config):
            raise RscError(f"{folder} holds a run with other settings; choose another folder")
        module.load_state_dict(state["module"])
        optimiser.load_state_dict(state["optimiser"])
        step, seconds, curve = state["step"], state["seconds"], state["curve"]
    elif given is not None:
        module.net.load_state_dict(given)
    elif config.start:
        module.load_state_dict(load_training_state(begin, STATE)["module"])
    started, saved, running = time.monotonic() - seconds, time.monotonic(), 0.0
    side, images = 0, torch.empty(0)
    bar = tqdm(total=config.steps, initial=step, desc="pretrain", disable=rank > 0)
    while step < config.steps:
        wanted = _side_at(config, step)
        if wanted != side:
            side, images = wanted, _shrink(data["images"], wanted)
        turn = step * world + rank  # every process has its own share of the data
        pick = torch.from_numpy(batch_indices(config.seed, turn, config.batch, len(images)))
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + turn)
        batch = {k: v[pick] for k, v in labels.items()}
        batch["images"] = images[pick].float()
        batch = augment.warp(
            batch, *augment.random_affine(len(pick), generator, config.rotation, config.scale)
        )
        if config.extra:  # dense truth at a quarter of the image's side (32 rows at 128 px)
            rows = torch.arange(side // 4) * 128 // side
            batch["dense"] = batch["dense"][:, rows][:, :, rows]
        batch["images"] = augment.colour(
            batch["images"], *augment.random_colour(len(pick), generator)
        )
        batch = {k: v.to(fabric.device) for k, v in batch.items()}
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(config, step)
        x = normalise(batch["images"]).contiguous(memory_format=torch.channels_last)
        prediction, dense, joints = model(x)
        terms = losses(prediction, dense, joints, batch, body)
        loss = torch.stack(list(terms.values())).sum()
        fabric.backward(loss)
        norm = fabric.clip_gradients(model, optimiser, max_norm=2.0, error_if_nonfinite=False)
        if norm is not None and not norm.isfinite():  # in every process; the last state stays
            if rank:
                raise SystemExit(2)  # the first one speaks
            raise RscError(
                f"step {step + 1} has no finite gradient (loss {float(loss.detach()):.3g}); "
                "lower lr and start anew"
            )
        optimiser.step()
        optimiser.zero_grad()
        value = float(loss.detach())
        running = 0.98 * running + 0.02 * value if step else value
        step += 1
        bar.update()
        if step % 20 == 0 or step == config.steps:
            bar.set_postfix(loss=f"{running:.3f}", side=side)
        if rank == 0 and (step % config.eval_steps == 0 or step == config.steps):
            scores = quick_eval(module.net, held_out, side, body)
            spent = time.monotonic() - started
            row = f"{step},{side},{spent:.0f},{running:.4f},{scores['mpjpe']:.1f},{scores['pa_mpjpe']:.1f}"
            curve += row + "\n"
            parts = {k: round(float(v.detach()), 3) for k, v in terms.items()}
            bar.write(f"{row} {parts}")
        late = time.monotonic() - saved > config.save_seconds
        if rank == 0 and (late or step == config.steps):
            save_training_state(
                state_file,
                {
                    "config": _plain(config), "module": module.state_dict(),
                    "optimiser": optimiser.state_dict(), "step": step,
                    "seconds": time.monotonic() - started, "curve": curve,
                },
            )  # fmt: skip
            write_text(folder / "curve.csv", curve)
            saved = time.monotonic()
    bar.close()
    # Only row 0 was learnt; weight decay has shrunk the others, which had no gradient. The HR-only
    # model treats every resolution alike.
    for target in range(1, net_config.ranges):
        module.net.copy_row(0, target)
    fabric.barrier()
    module.net.projection.requires_grad_(True)
    return module.net.eval()


def _side_at(config: PretrainConfig, step: int) -> int:
    for side, steps in config.stages:
        if step < steps:
            return side
        step -= steps
    return config.stages[-1][0]


def _plain(config: PretrainConfig) -> dict:
    """The settings that a resumed run must share, as plain data."""
    kept = asdict(config)
    kept["stages"] = [list(s) for s in config.stages]
    return {k: v for k, v in kept.items() if k not in ("save_seconds", "eval_steps", "compile")}
