"""Grids of runs: rows of a table times seeds, on this machine or a Slurm cluster.

A grid is a YAML file: ``base`` (a preset), ``rows`` (name: what differs from the base) and
``seeds``. Every run has a folder ``<out>/<row>/seed<k>`` with its ``config.yaml``; a grid that is
started again leaves finished runs alone and goes on with the others.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import submitit
import yaml
from tqdm.auto import tqdm

from rsclib.config import merged, read_settings, read_values
from rsclib.errors import RscError
from rsclib.files.atomic import write_text
from rsclib.methods import Config, check_config, plain_config
from rsclib.runs.folder import read_log
from rsclib.runs.jobs import Job, LocalJob, SlurmJob


@dataclass(frozen=True)
class Run:
    """One row of a table at one seed; ``folder`` is relative to the grid's."""

    row: str
    config: Config
    folder: Path


def read_grid(path: Path) -> list[Run]:
    """The runs of a grid file, row by row.

    Raises:
        RscError: not YAML, an unknown key, or a row that does not fit the settings.
    """
    values = read_values(str(path))
    if unknown := sorted(map(str, values.keys() - {"base", "rows", "seeds"})):
        raise RscError(f"{path}: unknown key {unknown[0]!r}; known: base, rows, seeds")
    rows, seeds = values.get("rows"), values.get("seeds", [0])
    if not isinstance(rows, dict) or not rows:
        raise RscError(f"{path}: rows must name at least one row, each with what differs in it")
    if not isinstance(seeds, list) or not seeds or not all(type(s) is int for s in seeds):
        raise RscError(f"{path}: seeds must be a list of integers, not {seeds!r}")
    if len(set(seeds)) < len(seeds):
        raise RscError(f"{path}: a seed stands twice in {seeds}")
    base = read_settings(str(values.get("base", "edu")))
    runs = []
    for name, changes in rows.items():
        if not re.fullmatch(r"[\w+.-]+", str(name)) or not str(name).strip("."):
            raise RscError(f"{path}: a row's name is a folder's, so not {name!r}")
        config = check_config(merged(base, changes or {}), f"{path}: {name}")
        runs += [
            Run(str(name), replace(config, seed=seed), Path(str(name)) / f"seed{seed}")
            for seed in seeds
        ]
    return runs


def train_command(run: Run, out: Path, devices: int, nodes: int) -> list[str]:
    """The command of one run."""
    folder = out / run.folder
    return [
        sys.executable, "-m", "rsclib.cli", "train", str(folder / "config.yaml"), "--out",
        str(folder), "--devices", str(devices), "--nodes", str(nodes),
    ]  # fmt: skip


def run_grid(
    runs: Sequence[Run],
    out: Path,
    cluster: str = "local",
    at_once: int = 1,
    devices: int = 0,
    nodes: int = 1,
    options: dict[str, Any] | None = None,
    command: Any = train_command,
    finished: Callable[[Run], None] = lambda run: None,
) -> list[str]:
    """Train what is not finished yet and wait for it.

    Args:
        cluster: "local" (processes on this machine) or "slurm".
        at_once: runs at a time; on this machine they share its cores.
        devices, nodes: of each run, see :func:`rsclib.train.train`.
        options: further submitit parameters, e.g. ``{"slurm_partition": "gpu"}``.
        command: makes a run's command line. finished: called with every run that has its model,
            also with those that had it before.

    Returns:
        One line for each run that failed; none means that all models are there.

    Raises:
        RscError: unknown cluster, or a job could not be submitted.
    """
    if cluster not in ("local", "slurm"):
        raise RscError(f"cluster is local or slurm, not {cluster!r}")
    if at_once < 1:
        raise RscError(f"--at-once must be at least 1, not {at_once}")
    cores = None  # as the environment says
    if cluster == "local" and at_once > 1 and "OMP_NUM_THREADS" not in os.environ:
        # Else each takes all cores, and their threads wait for one another.
        cores = max(1, (os.cpu_count() or 1) // at_once)
    todo = [r for r in runs if not (out / r.folder / "model.safetensors").is_file()]
    ready = [run for run in runs if run not in todo]  # to be told of
    failed: list[str] = []
    active: dict[Run, Job] = {}
    bar = tqdm(total=len(runs), initial=len(runs) - len(todo), desc="grid", unit="run")
    try:
        executor = _cluster(out, devices, nodes, options) if cluster == "slurm" else None
        while todo or active or ready:
            while todo and len(active) < at_once:
                run = todo.pop(0)
                plain = plain_config(run.config)
                write_text(out / run.folder / "config.yaml", yaml.safe_dump(plain))
                words, log = command(run, out, devices, nodes), out / run.folder / "output.txt"
                active[run] = SlurmJob(words, executor) if executor else LocalJob(words, log, cores)
            for run, job in [(r, j) for r, j in active.items() if j.done()]:
                del active[run]
                bar.update()
                if error := job.error():
                    failed.append(f"{run.folder}: {error}")
                else:
                    ready.append(run)
            if ready and (not todo or len(active) == at_once):  # the others work meanwhile
                finished(ready.pop(0))
            time.sleep(0.2)
    except (RuntimeError, submitit.core.utils.FailedJobError, OSError) as error:
        raise RscError(f"cannot run jobs on {cluster}: {str(error).splitlines()[0]}") from error
    finally:  # after Ctrl-C, say: all save at once, then we wait
        bar.close()
        for job in active.values():
            job.ask_to_stop()
        for job in active.values():
            job.wait()
    return failed


def _cluster(
    out: Path, devices: int, nodes: int, options: dict[str, Any] | None
) -> submitit.AutoExecutor:
    """Slurm, where each process of a run is a task."""
    executor = submitit.AutoExecutor(out / "jobs", cluster="slurm")
    executor.update_parameters(
        name="rsc-grid", nodes=nodes, tasks_per_node=max(1, devices), timeout_min=24 * 60,
        **(options or {}),
    )  # fmt: skip
    return executor


def ending(runs: Sequence[Run], out: Path) -> str:
    """Loss and minutes of the finished runs as Markdown, a line a row, mean over its seeds."""
    lines = [
        {"row": run.row, "seed": run.config.seed, **read_log(out / run.folder)[-1]}
        for run in runs
        if (out / run.folder / "model.safetensors").is_file()
    ]
    if not lines:
        return ""
    frame = pd.DataFrame(lines)
    table = frame.groupby("row", sort=False).agg(
        seeds=("seed", "size"), loss=("loss", "mean"), low=("loss", "min"), high=("loss", "max"),
        minutes=("seconds", lambda s: s.mean() / 60),
    )  # fmt: skip
    text: str = table.to_markdown(floatfmt=".3g")
    return text
