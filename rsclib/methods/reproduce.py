"""``rsc reproduce``: train the runs that a table lacks, and score them.

A run is (regime, run of ``tables/runs.yaml``, seed). Its record is every image's error on two test
parts with where it comes from; what has a record is not trained again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rsclib.claims import (
    Regime,
    regime_named,
    run_changes,
    untrained,
)
from rsclib.config import merged, read_settings
from rsclib.errors import RscError
from rsclib.methods import Config, check_config, plain_config
from rsclib.methods.grid import Run, run_grid
from rsclib.methods.recording import COUNT, Plan, record, scored_model
from rsclib.methods.rsc import RscConfig
from rsclib.methods.video import VideoConfig
from rsclib.models import model_named
from rsclib.network import RSCNet
from rsclib.temporal import Temporal

__all__ = [
    "COUNT", "Plan", "plain_settings", "rate_here", "record", "runs_of", "seconds_of", "settings_of",
    "train_runs",
]  # fmt: skip


def settings_of(run: str, seed: int, regime: Regime, preset: str = "edu") -> Config:
    """The settings of a run: the preset, then the regime's changes, then the run's own.

    Raises:
        RscError: no such run or preset.
    """
    presets = {"ci": regime.ci, "edu": regime.base, "paper": regime.paper}
    if preset not in presets:
        raise RscError(f"there is no preset {preset!r} of a table; choose ci, edu or paper")
    known = run_changes(regime.runs)
    changes = dict(known.get(run) or {})
    if run not in known or run in untrained():
        trained = ", ".join(name for name in known if name not in untrained())
        raise RscError(f"there is no run {run!r}; choose from {trained}")
    of_regime = dict(regime.changes)
    if preset != "edu":  # another scale: its own schedule, data and start
        for name in ("schedule", "lab", "wild", "batch", "lr", "init"):
            of_regime.pop(name, None)
    progressive = changes.pop("progressive", True)
    values = merged(merged(read_settings(presets[preset]), of_regime), changes)
    config = check_config(values, f"{preset}: {run}")
    if not progressive:
        assert isinstance(config, RscConfig)
        config = replace(config, schedule=((config.schedule[-1][0], config.steps),))
    return replace(config, seed=seed)


def train_runs(
    plan: Plan, cluster: str = "local", at_once: int = 1, devices: int = 1,
    options: dict[str, Any] | None = None, told: Callable[[str], None] = lambda line: None,
) -> list[str]:  # fmt: skip
    """Train and score what is missing; every run is recorded as soon as it is trained.

    Returns:
        A line for each run that failed.
    """
    regime = regime_named(plan.regime)
    jobs = [
        Run(run, settings_of(run, seed, regime, plan.preset), plan.folder(run, seed))
        for run, seed in plan.missing
        if run not in untrained()
    ]
    for run, seed in plan.missing:
        if run in untrained():
            record(plan, run, seed, scored_model(run, regime))
            told(f"{run}: scored")

    def finished(job: Run) -> None:
        record(plan, job.row, job.config.seed, str(plan.work / job.folder / "model.safetensors"))
        told(f"{job.row}, seed {job.config.seed}: trained and scored")

    return run_grid(jobs, plan.work, cluster, at_once, devices, options=options, finished=finished)


def seconds_of(plan: Plan, images_per_second: float, at_once: int = 1) -> float:
    """How long the missing trainings take at a rate, s; scoring and data come on top."""
    regime = regime_named(plan.regime)
    images = sum(
        settings_of(run, seed, regime, plan.preset).images_seen
        for run, seed in plan.missing
        if run not in untrained()
    )
    return images / images_per_second / at_once


def rate_here(config: Config, seconds: float = 2.0) -> float:
    """Images a second of one process on this machine: steps of the network on noise, timed."""
    import torch

    from rsclib.network import NetConfig
    from rsclib.runs.launch import precision_here
    from rsclib.temporal import TemporalConfig

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    half = precision_here(config.precision) == "bf16-mixed"
    given: tuple[torch.Tensor, ...]
    if isinstance(config, VideoConfig):
        shape = TemporalConfig.over(model_named(config.net), config.width, config.head)
        net: torch.nn.Module = Temporal(shape).to(device)
        given = (torch.randn(config.batch, config.window, shape.features, device=device),)
        images = config.batch * config.window
    else:
        wide = NetConfig.edu() if getattr(config, "net", "edu") == "edu" else NetConfig.paper()
        net = RSCNet(wide).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        images = config.batch * wide.ranges
        index = torch.arange(wide.ranges, device=device).repeat_interleave(config.batch)
        given = (torch.randn(images, 3, *(2 * [wide.image_size]), device=device), index)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    times: list[float] = []
    try:
        while (sum(times) < seconds and len(times) < 10) or len(times) < 3:
            started = time.monotonic()
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                net(*given).rotmats.float().square().mean().backward()
            if device.type == "cuda":
                torch.cuda.synchronize()
            times.append(time.monotonic() - started)
    finally:
        torch.set_num_threads(threads)
    return images / float(np.median(times[1:]))


def runs_of(
    tables: Sequence[Any],
    regime: Regime,
    only: Sequence[str],
    seeds: Sequence[int] | None,
    preset: str = "edu",
) -> tuple[tuple[str, int], ...]:
    """Names and seeds of the runs that tables need, seed after seed, so that a table is whole early.

    Args:
        only: rows of the tables; none: all. seeds: default the regime's. preset: of all runs.

    Raises:
        RscError: a row that no table has, or a negative seed.
    """
    names = list(dict.fromkeys(run for table in tables for run in table.runs))
    if only:
        wanted = []
        for row in only:
            having = [t for t in tables if row in t.rows or row in t.runs]
            if not having:
                known = ", ".join(dict.fromkeys(r for t in tables for r in t.rows))
                raise RscError(f"there is no row {row!r}; choose from {known}")
            wanted.append(having[0].run_of(row) if row in having[0].rows else row)
        names = [n for n in names if n in wanted]
    chosen = tuple(dict.fromkeys(seeds)) if seeds is not None else regime.seeds
    if min(chosen, default=0) < 0:
        raise RscError(f"a seed is 0 or more, not {min(chosen)}")
    # The shipped models are of edu's size.
    start = [(n, 0) for n in names if n in untrained() and preset != "paper"]
    return (*start, *((n, s) for s in chosen for n in names if n not in untrained()))


def plain_settings(plan: Plan) -> dict[str, dict[str, Any]]:
    """The settings of every run of a plan, as plain data, by folder."""
    regime = regime_named(plan.regime)
    return {
        str(plan.folder(run, seed)): plain_config(settings_of(run, seed, regime, plan.preset))
        for run, seed in plan.runs
        if run not in untrained()
    }
