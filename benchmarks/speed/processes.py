"""Images a second of `rsc train edu` in one process, in two that train as one, and in two runs side by
side, which is what two cores can give at most.

python -m benchmarks.speed.processes --out results/speed/processes.csv
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from rsclib.errors import RscError
from rsclib.methods import load_config
from rsclib.methods.rsc import Rsc, RscConfig
from rsclib.network import NetConfig, RSCNet
from rsclib.people import Batch, Labels, People
from rsclib.resolution import EDU
from rsclib.runs import launch
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result
from rsclib.train import train

# name: (processes of a run, runs at once, DDP's own settings instead of ours)
VARIANTS = {
    "one process": (1, 1, False),
    "two processes": (2, 1, False),
    "two processes, DDP's defaults (before)": (2, 1, True),
    "two runs side by side": (1, 2, False),
}
WARM = 8  # steps that are not timed


def people(n: int = 512) -> People:
    """Random images: what is in them takes no time."""
    has = torch.arange(n) < n // 2
    rotmats = torch.eye(3).expand(n, 24, 3, 3)
    labels = Labels(
        torch.rand(n, 24, 3), torch.rand(n, 24, 4), rotmats, torch.zeros(n, 10), has, has,
        torch.arange(n),
    )  # fmt: skip
    images = torch.randint(0, 256, (n, 3, 128, 128), dtype=torch.uint8)
    return People(images, labels, lab=n // 2)


class Timed(Rsc):
    """Notes when the steps to be timed begin and end."""

    begin = end = 0.0

    def batch(self, step: int) -> Batch:
        """As ever."""
        if step == WARM:
            self.begin = time.perf_counter()
        self.end = time.perf_counter()
        return super().batch(step)


def settings(steps: int) -> RscConfig:
    """The edu preset with all ranges from the first step, from fresh weights: a step costs the same."""
    edu = load_config("edu")
    assert isinstance(edu, RscConfig)
    return dataclasses.replace(edu, schedule=((5, WARM + steps + 1),), init=None, save_seconds=1e9)


def work(processes: int, defaults: bool, steps: int) -> None:
    """Train, and print images a second; runs in a process of its own."""
    config, made = settings(steps), []
    if defaults:
        launch.DDP.clear()
    if processes == 1:
        torch.set_num_threads(1)

    def build(device: torch.device) -> Timed:
        net = RSCNet(NetConfig.edu()).per_range()
        made.append(Timed(config, people(), net, EDU, device, resumed=True))  # measures nothing
        return made[0]

    with tempfile.TemporaryDirectory() as folder:
        train(build, config.run, config, Path(folder), processes, progress=False)
    if int(os.environ.get("LOCAL_RANK", 0)) == 0:
        seconds = made[0].end - made[0].begin
        print(json.dumps(config.batch * EDU.count * steps / seconds))


def measured(name: str, steps: int) -> float:
    """Images a second of a variant, over all that runs at once."""
    processes, runs, defaults = VARIANTS[name]
    words = [sys.executable, "-m", "benchmarks.speed.processes", "--work", str(processes)]
    words += ["--steps", str(steps), *(["--defaults"] if defaults else [])]
    # Each on a core of its own; without, runs that know nothing of each other take both.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(runs)
    ]
    answers = [process.communicate()[0] for process in started]
    if any(process.returncode for process in started):
        raise RscError(f"{name}: a training ended with an error")
    return sum(float(json.loads(answer.splitlines()[-1])) for answer in answers)


def main() -> None:
    """Take turns, and write the rates and their ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("results/speed/processes.csv"))
    parser.add_argument("--steps", type=int, default=40, help="timed steps a turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--defaults", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.work, given.defaults, given.steps)
        return
    began = time.monotonic()
    rates: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for _ in range(given.rounds):
        for name in VARIANTS:
            rates[name].append(measured(name, given.steps))
            print(f"{name}: {rates[name][-1]:.0f} images/s", flush=True)
    most = rates["two runs side by side"]
    rows = [
        {
            "variant": name, "images_per_second": round(statistics.median(values), 1),
            "low": round(min(values), 1), "high": round(max(values), 1),
            "of_two_runs": round(
                statistics.median(v / m for v, m in zip(values, most, strict=True)), 3
            ),
        }
        for name, values in rates.items()
    ]  # fmt: skip
    config = {"steps": given.steps, "rounds": given.rounds, "run": settings(given.steps)}
    write_result(given.out, rows, provenance(config, 0, time.monotonic() - began))


if __name__ == "__main__":
    main()
