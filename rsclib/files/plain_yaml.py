"""Settings from YAML, and which values of them make sense."""

from __future__ import annotations

import dataclasses
import reprlib
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

from rsclib.errors import RscError
from rsclib.resolution import PRESETS

if TYPE_CHECKING:
    from rsclib.config import TrainConfig

MAX_BYTES = 64 * 1024  # of a file of settings
_MAX_DEPTH = 8
WORDS = {
    "ranges": tuple(PRESETS),
    "net": ("edu", "paper"),
    "norm": ("shared", "per_range", "measured"),
    "precision": ("auto", "32-true", "bf16-mixed", "16-mixed"),
}
# Smallest and largest value, both allowed. Whatever is not listed must not be negative.
LIMITS: dict[str, tuple[float, float]] = {
    "batch": (1, 65_536),
    "lab": (1, 10_000_000),
    "wild": (1, 10_000_000),
    "lab_share": (0, 1),
    "lr": (1e-12, 10),
    "rotation": (0, 180),
    "scale": (0, 0.9),
    "soften": (0, 1),
    "dropout": (0, 0.9),
    "seed": (0, 2**32 - 1),
    "save_seconds": (0.001, 1e9),
    "tau": (1e-6, 1e6),
    "queue": (1, 10_000_000),
    "factor": (1e-12, 1e12),
}
_OTHERS = (0, 1e12)
_MAX_STEPS = 10**9


def read_yaml(path: Path) -> Any:
    """The plain values of a small YAML file; an empty one gives {}.

    Anchors and aliases are refused: settings need none, and a few lines of them can stand for
    gigabytes.

    Raises:
        RscError: not YAML, not UTF-8, larger than :data:`MAX_BYTES`, nested deeply, or with an alias.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RscError(f"{path} is larger than {MAX_BYTES // 1024} KB; settings are short")
        text = path.read_text(encoding="utf-8")
        depth = 0
        for event in yaml.parse(text):
            if isinstance(event, yaml.AliasEvent):
                raise RscError(f"{path} has an alias (*name); write the value out")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:  # PyYAML takes quadratic time on these
                raise RscError(f"{path} is nested too deeply; settings are flat")
        values = yaml.safe_load(text)
    except RscError:
        raise
    except OSError as error:
        raise RscError(f"cannot read {path}: {error.strerror}; check the path") from error
    except Exception as error:  # PyYAML lets errors of its converters through: dates, numbers
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise RscError(f"{path} is not YAML: {reason}") from error
    return {} if values is None else values


def shown(value: Any) -> str:
    """A value for an error message, cut short."""
    try:
        return reprlib.repr(value)
    except ValueError:  # Python does not print an integer of thousands of digits
        return "a huge number"


def check_values(config: TrainConfig, where: str) -> None:
    """Refuse settings with which no run could work.

    Raises:
        RscError: names the setting, its value and what is allowed.
    """
    _check_fields(config, where)
    _check_fields(config.loss, f"{where}: loss")
    _check_schedule(config, where)
    if config.init == "":
        raise RscError(f"{where}: init is null, a shipped model's name or a path")
    if config.soften and config.norm == "shared":
        raise RscError(
            f"{where}: soften moves statistics of each range's own, and norm: shared has none; "
            "set soften to 0"
        )


def _check_fields(settings: Any, where: str) -> None:
    hints = typing.get_type_hints(type(settings))
    for field in dataclasses.fields(settings):
        name, value = field.name, getattr(settings, field.name)
        words = WORDS.get(name)
        if typing.get_origin(hints[name]) is Literal:
            words = typing.get_args(hints[name])
        if words and value not in words:
            raise RscError(f"{where}: {name} is one of {', '.join(words)}, not {shown(value)}")
        low, high = LIMITS.get(name, _OTHERS)
        # Written so that NaN, which compares as false, is refused.
        if type(value) in (int, float) and not low <= value <= high:
            raise RscError(f"{where}: {name} must lie within {low:g}..{high:g}, not {shown(value)}")


def _check_schedule(config: TrainConfig, where: str) -> None:
    count = PRESETS[config.ranges].count
    scales = [s for s, _ in config.schedule]
    if not scales or sorted(set(scales)) != scales or not 1 <= scales[0] <= scales[-1] <= count:
        raise RscError(f"{where}: the scales of schedule must grow, within 1..{count}")
    steps = [n for _, n in config.schedule]
    if min(steps) < 1 or sum(steps) > _MAX_STEPS:
        raise RscError(f"{where}: the steps of schedule must be 1 or more, {_MAX_STEPS:g} in all")
