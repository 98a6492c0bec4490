"""What a run is: the settings of one row of a table, read from presets and checked."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rsclib.errors import RscError
from rsclib.files.npz import is_file
from rsclib.files.plain_yaml import check_values, read_yaml, shown
from rsclib.losses import LossConfig

PRESET_FOLDER = Path(__file__).parent / "presets"


@dataclass(frozen=True)
class TrainConfig:
    """One row of a table. Presets are YAML files under rsclib/presets, checked against this.

    Attributes:
        ranges: "edu" (128 px) or "paper" (224 px). net: "edu" or "paper".
        schedule: (number of scales, steps) in order: progressive training adds a range at a time;
            "w/o PT" of Table 7 is one entry with all of them.
        batch: images a step, over all processes; each is seen at every active scale. lab_share: of them with 3D labels.
        lr: peak rate of Adam. alpha_rate: alpha's rate in multiples of it; Adam moves a weight by
            at most about its rate a step, so a short training leaves alpha where it was.
        rotation, scale: of the augmentation, degrees and share.
        norm: batch statistics "shared" by the ranges, "per_range", or "measured": per range, taken
            from training images before the first step and frozen (see rsclib.range_norm).
        soften: at the end each range's statistics move by this share towards its larger neighbour's.
        sync_norm: processes that train together share batch statistics; worth its time where a
            process has few images of a range.
        dropout: of the regressor while training; None: as the starting network has it.
        learn_alpha: False is the baseline of Table 6 (alpha stays 1).
        precision: Lightning's name, or "auto": 16 bits where they are faster than 32.
        init: model to start from, a path or the name of a shipped one; None: from scratch.
    """

    ranges: str = "edu"
    net: str = "edu"
    schedule: tuple[tuple[int, int], ...] = ((2, 120), (3, 120), (4, 120), (5, 600))
    batch: int = 16
    lab: int = 4096
    wild: int = 8192
    lab_share: float = 0.4
    lr: float = 2e-4
    alpha_rate: float = 1.0
    rotation: float = 20.0
    scale: float = 0.15
    norm: str = "shared"
    soften: float = 0.0
    sync_norm: bool = False
    dropout: float | None = None
    learn_alpha: bool = True
    init: str | None = "hr-only"
    seed: int = 0
    precision: str = "auto"
    loss: LossConfig = field(default_factory=LossConfig.paper)
    save_seconds: float = 60.0

    @property
    def steps(self) -> int:
        """Steps over the whole schedule."""
        return sum(n for _, n in self.schedule)


def load_config(name_or_path: str) -> TrainConfig:
    """A preset by name ("ci", "edu", "paper") or a YAML file; unknown keys are an error.

    Raises:
        RscError: no such preset, or a key or value that does not fit.
    """
    return check_config(read_values(name_or_path), name_or_path)


def read_values(name_or_path: str) -> dict[str, Any]:
    """What a preset or a YAML file says, unchecked.

    Raises:
        RscError: no such preset, not YAML, or not keys and values.
    """
    path = PRESET_FOLDER / f"{name_or_path}.yaml"
    if not is_file(path):
        path = Path(name_or_path)
    if not is_file(path):
        known = ", ".join(sorted(p.stem for p in PRESET_FOLDER.glob("*.yaml")))
        raise RscError(f"there is no preset or file {name_or_path!r}; presets: {known}")
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise RscError(f"{path}: expected keys and values, found {type(values).__name__}")
    return values


def check_config(values: dict[str, Any], where: str) -> TrainConfig:
    """Settings from plain values; ``where`` names them in errors.

    Raises:
        RscError: a key or value that does not fit.
    """
    config: TrainConfig = _checked(TrainConfig, values, where)
    check_values(config, where)
    return config


def _checked(kind: type, values: Any, where: str) -> Any:
    """Build the dataclass ``kind`` from plain values, naming what does not fit."""
    if not isinstance(values, dict):
        raise RscError(f"{where}: expected keys and values, found {type(values).__name__}")
    fields = {f.name: f for f in dataclasses.fields(kind)}
    if unknown := [key for key in values if key not in fields]:
        raise RscError(f"{where}: unknown key {shown(unknown[0])}; known: {', '.join(fields)}")
    default, out = kind(), {}
    for name, value in values.items():
        like = getattr(default, name)
        number = isinstance(like, float) or name == "dropout"
        if dataclasses.is_dataclass(like):
            out[name] = _checked(type(like), value, f"{where}: {name}")
        elif name == "schedule":
            if not isinstance(value, list) or not all(
                isinstance(pair, list) and [type(n) for n in pair] == [int, int] for pair in value
            ):
                raise RscError(f"{where}: schedule is a list of [scales, steps], whole numbers")
            out[name] = tuple((scales, steps) for scales, steps in value)
        elif value is None and name in ("init", "dropout"):
            out[name] = value
        elif number and type(value) in (int, float) and abs(value) < 1e300:
            out[name] = float(value)
        elif name == "init" and isinstance(value, str):
            out[name] = value
        elif type(value) is not type(like):
            kind_name = {"bool": "true or false", "int": "whole number"}
            wanted = "finite number" if number else kind_name.get(type(like).__name__, "word")
            # The commonest slip: YAML 1.1 takes 4e-5 for a word.
            slip = isinstance(value, str) and re.fullmatch(r"[-+]?\d+[eE][-+]?\d+", value)
            hint = "; a number like 4e-5 needs a point in YAML: 4.0e-5" if slip else ""
            raise RscError(f"{where}: {name} must be a {wanted}, not {shown(value)}{hint}")
        else:
            out[name] = value
    return kind(**out)


def scales_at(config: TrainConfig, step: int) -> int:
    """How many resolution ranges are trained at this step."""
    for scales, steps in config.schedule:
        if step < steps:
            return scales
        step -= steps
    return config.schedule[-1][0]


def settings(config: TrainConfig) -> dict[str, Any]:
    """The settings as plain data, without those that do not change the result."""
    plain = dataclasses.asdict(config)
    plain["schedule"] = [list(s) for s in config.schedule]
    del plain["save_seconds"]
    return plain
