"""The rows of Tables 4 and 8: ``rsclib/presets/textures/rows.yaml`` as settings of the one method."""

from __future__ import annotations

from typing import Any

from rsclib.config import PRESET_FOLDER, checked, read_values
from rsclib.errors import RscError
from rsclib.methods.textured import TexturedConfig

TABLES = ("table4", "table8")
FILE = PRESET_FOLDER / "textures" / "rows.yaml"


def texture_runs(**changes: Any) -> dict[str, TexturedConfig]:
    """Every run of the two tables by name.

    Args:
        changes: settings that all of them share, such as a seed or fewer steps.

    Raises:
        RscError: a setting that does not fit.
    """
    values = read_values(str(FILE))
    base = {key: value for key, value in values["base"].items() if key != "method"}
    return {
        name: checked(TexturedConfig, base | own | changes, f"{FILE.name}: {name}")
        for name, own in values["runs"].items()
    }


def texture_table(table: str) -> dict[str, str]:
    """The rows of "table4" or "table8", as the paper names them, and the run of each.

    Raises:
        RscError: another table.
    """
    if table not in TABLES:
        raise RscError(f"textures have the tables {', '.join(TABLES)}, not {table!r}")
    rows: dict[str, str] = read_values(str(FILE))["tables"][table]
    return rows
