"""Runs of Tables 4 and 8: what is missing is trained, and every test person's scores are kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rsclib.body import load_body
from rsclib.checkpoints import load_model, read_header
from rsclib.dressed import Dressed, chart_mask
from rsclib.errors import RscError
from rsclib.methods.grid import Run, run_grid
from rsclib.methods.texture_rows import texture_runs, texture_seeds
from rsclib.methods.textured import TexturedConfig, reid_named
from rsclib.methods.uv_cache import TRUTH, mesh_of, pictures_of
from rsclib.openbench.build import COUNTS, fetch
from rsclib.render.uv import Atlas
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result
from rsclib.scores import Scores
from rsclib.shift_tolerant import perceptual_columns
from rsclib.texture import HEIGHT, TexGlo
from rsclib.texture_claims import PART, RECORDS, ROWS, texture_record, texture_table_of
from rsclib.texture_scores import score_textures

COUNT = {"ci": 64}  # test pictures of a preset, eight of a person; others: all


@dataclass(frozen=True)
class TexturePlan:
    """What a command is to do.

    Attributes:
        preset: "edu", or another scale of all runs. runs: names and seeds.
        work: folder of the trainings. records: where scores are written.
        lpips_weights: a file or folder of LPIPS's trunk; None: wherever it is found.
    """

    preset: str
    runs: tuple[tuple[str, int], ...]
    work: Path
    records: Path = RECORDS
    lpips_weights: Path | None = None

    @property
    def missing(self) -> list[tuple[str, int]]:
        """Runs without a record."""
        return [r for r in self.runs if not texture_record(self.records, *r).is_file()]

    def settings(self, run: str, seed: int) -> TexturedConfig:
        """Of a run."""
        return texture_runs(self.preset, seed=seed)[run]

    def jobs(self) -> list[Run]:
        """The trainings of what is missing."""
        return [
            Run(run, self.settings(run, seed), Path("textures") / run / f"seed{seed}")
            for run, seed in self.missing
        ]


def texture_runs_of(
    tables: Sequence[str], only: Sequence[str], seeds: Sequence[int] | None
) -> tuple[tuple[str, int], ...]:
    """Names and seeds of the runs that tables need, seed after seed, so that a table is whole early.

    Args:
        only: rows of the tables, or runs; none: all. seeds: default those of rows.yaml.

    Raises:
        RscError: a row that no table has, or a negative seed.
    """
    shown = [texture_table_of(name).rows for name in tables]
    names = list(dict.fromkeys(run for rows in shown for run in rows.values()))
    wanted = []
    for row in only:
        found = next((rows[row] for rows in shown if row in rows), row if row in names else None)
        if found is None:
            known = ", ".join(dict.fromkeys([*(r for rows in shown for r in rows), *names]))
            raise RscError(f"there is no row {row!r}; choose from {known}")
        wanted.append(found)
    chosen = tuple(dict.fromkeys(seeds)) if seeds is not None else texture_seeds()
    if min(chosen, default=0) < 0:
        raise RscError(f"a seed is 0 or more, not {min(chosen)}")
    return tuple((n, s) for s in chosen for n in names if not only or n in wanted)


def train_textures(
    plan: TexturePlan, cluster: str = "local", at_once: int = 1, devices: int = 1,
    options: dict[str, Any] | None = None, told: Callable[[str], None] = lambda line: None,
) -> list[str]:  # fmt: skip
    """Train and score what is missing; every run is recorded as soon as it is trained.

    Returns:
        A line for each run that failed.
    """

    def finished(job: Run) -> None:
        record(plan, job.row, job.config.seed, plan.work / job.folder / "model.safetensors")
        told(f"{job.row}, seed {job.config.seed}: trained and scored")

    return run_grid(
        plan.jobs(), plan.work, cluster, at_once, devices, options=options, finished=finished
    )


def record(plan: TexturePlan, run: str, seed: int, model: Path) -> None:
    """Score a model on the test people and write its record.

    Raises:
        RscError: the file holds no texture network, or a file cannot be written.
    """
    started = time.monotonic()
    config, net = plan.settings(run, seed), load_model(model)
    if not isinstance(net, TexGlo):
        raise RscError(f"{model} holds a network of the kind {net.kind!r}, not a texture network")
    body, count = load_body(), COUNT.get(plan.preset, COUNTS[PART])
    people = Dressed.of(fetch(PART, count, HEIGHT), config.rows)
    # M(x_L) and delta(x_L): at test time there is no x_H (Figure 4).
    seen = pictures_of(people, people.small, config.rows, mesh_of(config.mesh, body), body)
    true = pictures_of(people, people.sharp, people.height, mesh_of(TRUTH, body), body)
    # AlexNet's trunk alone: VGG's would take as long as half of the training on one core.
    metrics, why_not = perceptual_columns(("alex",), plan.lpips_weights)
    table = score_textures(
        net, people, seen, true, chart_mask(Atlas.of(body), people.uv_maps.shape[2]),
        reid_named(config.reid), metrics, config.lookup,
    )  # fmt: skip
    trained = read_header(model)["about"]
    about = provenance({}, seed, 0.0)
    about |= {name: trained[name] for name in ("config", "seconds", "images_seen")}
    about |= {"trained_at": trained["git"], "run": run, "body": body.identity}
    about |= {"lpips": {m.name: m.source for m in metrics} | why_not}
    about["seconds_scoring"] = round(time.monotonic() - started, 1)
    names = np.array([f"person {n}" for n in table.index])
    scores = Scores(PART, names, {(run, ROWS, str(k)): table[k].to_numpy() for k in table})
    path = texture_record(plan.records, run, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        {"method": run, "metric": str(column), "split": PART, "resolution": ROWS,
         "images": len(people), "value": float(f"{table[column].mean():.6g}")}
        for column in table
    ]  # fmt: skip
    write_result(path.with_name(f"seed{seed}.csv"), lines, about)
    scores.save(path)  # last: a run that has it is done


def seconds_a_step(config: TexturedConfig) -> float:
    """How long a step of one process takes here, on noise: of the processor's time, where that is it."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net, judge = TexGlo(config.shape), reid_named(config.reid)
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if isinstance(judge, torch.nn.Module):
        judge.to(device)
    pictures = torch.rand(config.batch, 3, HEIGHT, HEIGHT // 2, device=device)
    clock = time.monotonic if device.type == "cuda" else time.process_time
    threads, times = torch.get_num_threads(), []
    torch.set_num_threads(1)
    try:
        for _ in range(3):
            started = clock()
            drawn = torch.nn.functional.interpolate(net(pictures), size=pictures.shape[2:])
            with torch.no_grad():
                judge.features(pictures)
            judge.features(drawn)["embedding"].square().mean().backward()
            if device.type == "cuda":
                torch.cuda.synchronize()
            times.append(clock() - started)
    finally:
        torch.set_num_threads(threads)
    return float(np.median(times[1:]))
