"""``rsc reproduce``: train the runs that a table lacks, score them, and write the table.

A run is (regime, run of ``tables/runs.yaml``, seed). Its record is every image's error on two test
parts with where it comes from; what has a record is not trained again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rsclib.body import load_body
from rsclib.checkpoints import read_header
from rsclib.claims import (
    PARTS,
    RECORDS,
    START,
    Regime,
    record_path,
    regime_named,
    run_changes,
    sizes_of,
)
from rsclib.config import merged, read_values
from rsclib.errors import RscError
from rsclib.evaluate import rows, score
from rsclib.methods import check_config, plain_config
from rsclib.methods.grid import Run, run_grid
from rsclib.methods.rsc import RscConfig
from rsclib.openbench.build import COUNTS
from rsclib.predictor import predictor_named
from rsclib.resolution import PRESETS
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result
from rsclib.scores import Scores

COUNT = {"ci": 64}  # test images of a preset; others: all
_STEP = 2**-5  # mm that stored errors are rounded to: they compress to half


@dataclass(frozen=True)
class Plan:
    """What a command is to do.

    Attributes:
        regime: its name. preset: "edu", or another base for all runs. runs: names and seeds.
        work: folder of the trainings. records: where the errors are written.
    """

    regime: str
    preset: str
    runs: tuple[tuple[str, int], ...]
    work: Path
    records: Path = RECORDS

    def recorded(self, run: str, seed: int) -> bool:
        """Whether all parts were scored."""
        paths = [record_path(self.records, self.regime, run, seed, part) for part in PARTS]
        return all(path.is_file() for path in paths)

    @property
    def missing(self) -> list[tuple[str, int]]:
        """Runs without a record."""
        return [r for r in self.runs if not self.recorded(*r)]

    def folder(self, run: str, seed: int) -> Path:
        """Of a training, below ``work``."""
        return Path(self.regime) / run / f"seed{seed}"


def settings_of(run: str, seed: int, regime: Regime, preset: str = "edu") -> RscConfig:
    """The settings of a run: the preset, then the regime's changes, then the run's own.

    Raises:
        RscError: no such run or preset.
    """
    if preset not in ("ci", "edu", "paper"):
        raise RscError(f"{preset!r} is no preset of RSC-Net's; choose ci, edu or paper")
    changes = dict(run_changes().get(run) or {})
    if run not in run_changes():
        raise RscError(f"there is no run {run!r}; choose from {', '.join(run_changes())}")
    of_regime = dict(regime.changes)
    if preset != regime.base:  # another scale: its own schedule, data and start
        for name in ("schedule", "lab", "wild", "batch", "lr", "init"):
            of_regime.pop(name, None)
    progressive = changes.pop("progressive", True)
    values = merged(merged(read_values(preset), of_regime), changes)
    config = check_config(values, f"{preset}: {run}")
    assert isinstance(config, RscConfig)
    if not progressive:
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
        if run != START
    ]
    for run, seed in plan.missing:
        if run == START:
            record(plan, run, seed, START.lower())
            told(f"{run}: scored")

    def finished(job: Run) -> None:
        record(plan, job.row, job.config.seed, str(plan.work / job.folder / "model.safetensors"))
        told(f"{job.row}, seed {job.config.seed}: trained and scored")

    return run_grid(jobs, plan.work, cluster, at_once, devices, options=options, finished=finished)


def record(plan: Plan, run: str, seed: int, model: str) -> None:
    """Score a model on all parts and write its record."""
    started = time.monotonic()
    predictor = predictor_named(model, load_body())
    sizes = [s for s in sizes_of(run) if s <= predictor.ranges.full]
    if predictor.ranges != PRESETS["edu"]:
        sizes = list(predictor.ranges.eval_sizes)
    table: list[dict[str, Any]] = []
    found: dict[str, Scores] = {}
    for part in PARTS:
        count = min(COUNT.get(plan.preset, COUNTS[part]), COUNTS[part])
        scores = score(
            {run: predictor}, part, sizes, count, predictor.ranges.full, disagreement=True
        )
        kept = {k: (v / _STEP).round() * _STEP for k, v in scores.errors.items() if k[0] == run}
        found[part] = Scores(part, scores.clip, kept)
        table += rows(found[part], predictor.ranges)
    about = provenance({"model": model}, seed, 0.0)
    if model != START.lower():  # what was trained: its settings, time and commit
        trained = read_header(Path(model))["about"]
        about |= {name: trained[name] for name in ("config", "seconds", "images_seen")}
        about["trained_at"] = trained["git"]
    about |= {"body": predictor.body.identity, "regime": plan.regime, "run": run}
    about["seconds_scoring"] = round(time.monotonic() - started, 1)
    for part, scores in found.items():
        path = record_path(plan.records, plan.regime, run, seed, part)
        path.parent.mkdir(parents=True, exist_ok=True)
        scores.save(path)
    write_result(plan.records / plan.regime / run / f"seed{seed}.csv", table, about)


def seconds_of(plan: Plan, images_per_second: float, at_once: int = 1) -> float:
    """How long the missing trainings take at a rate, s; scoring and data come on top."""
    regime = regime_named(plan.regime)
    images = sum(
        settings_of(run, seed, regime, plan.preset).images_seen
        for run, seed in plan.missing
        if run != START
    )
    return images / images_per_second / at_once


def rate_here(preset: str, seconds: float = 2.0) -> float:
    """Images a second of one process on this machine: steps of the network on noise, timed."""
    import torch

    from rsclib.network import NetConfig, RSCNet
    from rsclib.runs.launch import precision_here

    config = check_config(read_values(preset), preset)
    assert isinstance(config, RscConfig)
    shape = NetConfig.edu() if config.net == "edu" else NetConfig.paper()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = RSCNet(shape).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    count = PRESETS[config.ranges].count
    images = torch.randn(config.batch * count, 3, *(2 * [shape.image_size]), device=device)
    index = torch.arange(count, device=device).repeat_interleave(config.batch)
    half = precision_here(config.precision) == "bf16-mixed"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    times: list[float] = []
    try:
        while (sum(times) < seconds and len(times) < 10) or len(times) < 3:
            started = time.monotonic()
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                net(images, index).rotmats.float().square().mean().backward()
            if device.type == "cuda":
                torch.cuda.synchronize()
            times.append(time.monotonic() - started)
    finally:
        torch.set_num_threads(threads)
    return len(images) / float(np.median(times[1:]))


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
    # The shipped HR-only is of edu's size.
    start = [(START, 0)] * (START in names and preset != "paper")
    return (*start, *((n, s) for s in chosen for n in names if n != START))


def plain_settings(plan: Plan) -> dict[str, dict[str, Any]]:
    """The settings of every run of a plan, as plain data, by folder."""
    regime = regime_named(plan.regime)
    return {
        str(plan.folder(run, seed)): plain_config(settings_of(run, seed, regime, plan.preset))
        for run, seed in plan.runs
        if run != START
    }
