"""``rsc train``, ``rsc pretrain`` and ``rsc grid``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rsclib.commands.options import Grid, Pretrain, Train
from rsclib.commands.output import one_line
from rsclib.errors import RscError


def train(options: Train) -> None:
    """Train, and say how the loss went and what to do next."""
    from rsclib.methods import load_config

    config = load_config(options.config)
    licensed = getattr(config, "data", "open") == "licensed"
    if not licensed and (options.data is not None or options.body is not None):
        raise RscError("--data and --body are for settings with data: licensed, as paper has")
    _run(config, options.out, options.devices, options.nodes, options if licensed else None)


def pretrain(options: Pretrain) -> None:
    """Pre-train the HR-only model."""
    import torch

    from rsclib.config import checked
    from rsclib.methods.hr_only import HrOnlyConfig

    stages = [[s, n] for s, n in zip((64, 96, 128), options.steps, strict=True) if n]
    kept = ("images", "lr", "start", "extra", "compile", "seed", "batch")
    values = {"stages": stages, **{name: getattr(options, name) for name in kept}}
    devices = options.devices or torch.cuda.device_count() or os.cpu_count() or 1
    _run(checked(HrOnlyConfig, values, "pretrain"), options.out, devices, 1)


def _place(options: Train) -> Any:
    """Where the licensed things lie; None where no data root is named.

    Raises:
        RscError: SMPL is not named, or what is named is no folder.
    """
    from rsclib.commands.scoring import data_root, smpl_place
    from rsclib.methods.licensed import Place

    root, smpl = data_root(options.data), smpl_place(options)
    if root is None:
        return None
    if smpl is None:
        raise RscError(
            f"the labels are poses of SMPL, and there is no {root / 'smpl'}: name its folder with "
            "--body or RSC_SMPL"
        )
    return Place(root, smpl)


def _run(config: Any, out: Path, devices: int, nodes: int, licensed: Train | None = None) -> None:
    from rsclib.methods import run
    from rsclib.methods.reid import ReidConfig
    from rsclib.methods.textured import TexturedConfig
    from rsclib.runs.distributed import first_process
    from rsclib.runs.folder import in_words

    place = None if licensed is None else _place(licensed)
    run(config, out, devices, nodes, place=place)
    if first_process():
        model = one_line(out / "model.safetensors")
        then = f"Score it: rsc eval {model} hr-only"
        if place is not None:
            then = (
                f"Score it: rsc eval {model} --part 3dpw --data {one_line(place.root)} "
                f"--body {one_line(place.smpl)}"
            )
        if isinstance(config, ReidConfig):
            then = f"Score it: python -m benchmarks.reid {model} --out reid.csv"
        if isinstance(config, TexturedConfig):
            then = f"See it: rsc predict photo.jpg --texture --texture-model {model}"
        print(f"{in_words(out, config.settled)}\nModel: {model}\n{then}")


def named_values(words: Sequence[str]) -> dict[str, Any]:
    """Submitit's parameters from NAME=VALUE words.

    Raises:
        RscError: a word is none, or its value is not YAML.
    """
    import yaml

    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise RscError(f"--options are NAME=VALUE, not {word!r}")
        try:
            found[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise RscError(f"--options: {value!r} is no value of YAML") from error
    return found


def grid(options: Grid) -> None:
    """Train the rows of a grid, show how they ended and say which failed."""
    from rsclib.files.atomic import check_writable
    from rsclib.methods.grid import ending, read_grid, run_grid

    parameters = named_values(options.options)
    runs, out = read_grid(options.grid), options.out
    check_writable(out)
    failed = run_grid(
        runs, out, options.cluster, options.at_once, options.devices, options.nodes, parameters
    )
    if finished := ending(runs, out):
        print(f"Loss at the end, mean over seeds\n{finished}")
    if failed:
        raise RscError(f"{len(failed)} of {len(runs)} runs failed: {'; '.join(failed)}")
    print(f"{len(runs)} models in {one_line(out)}")
    print(f"Score them: rsc eval {one_line(out)}/*/*/model.safetensors")
