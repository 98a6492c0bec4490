"""The rows of Tables 4 and 8: ``rsclib/presets/textures/rows.yaml`` as settings of the one method."""

from __future__ import annotations

from typing import Any

from rsclib.config import checked, read_values
from rsclib.errors import RscError
from rsclib.methods.textured import TexturedConfig
from rsclib.texture_claims import FILE, TABLES

__all__ = ["FILE", "TABLES", "texture_runs", "texture_seeds"]


def texture_runs(preset: str = "edu", **changes: Any) -> dict[str, TexturedConfig]:
    """Every run of the two tables by name.

    Args:
        preset: "edu", or another scale: "ci", "paper".
        changes: settings that all of them share, such as a seed or fewer steps.

    Raises:
        RscError: no such preset, or a setting that does not fit.
    """
    values = read_values(str(FILE))
    if preset not in values["presets"]:
        known = ", ".join(values["presets"])
        raise RscError(f"textures have no preset {preset!r}; choose from {known}")
    base = {key: value for key, value in values["base"].items() if key != "method"}
    base |= values["presets"][preset]
    return {
        name: checked(TexturedConfig, base | own | changes, f"{FILE.name}: {name}")
        for name, own in values["runs"].items()
    }


def texture_seeds() -> tuple[int, ...]:
    """The seeds of every row."""
    return tuple(read_values(str(FILE))["seeds"])
