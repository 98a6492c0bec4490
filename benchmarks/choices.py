"""Score the runs of a grid on val-wild at the largest and the smallest size, each softened by several
shares: how edu's settings were chosen.

python -m benchmarks.choices runs/choices --out results/open/choices.csv
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Iterable
from pathlib import Path

from rsclib.config import checked
from rsclib.errors import RscError
from rsclib.evaluate import Row, evaluate, pivot
from rsclib.methods.rsc import RscConfig, start_network
from rsclib.network import RSCNet
from rsclib.range_norm import soften
from rsclib.resolution import PRESETS
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result
from rsclib.runs.states import load_training_state

SHARES = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 1.0)


def finished(state_file: Path) -> tuple[RSCNet, dict]:
    """The network at the end of a run, before any softening, and the run's settings.

    Raises:
        RscError: no such run, or it is still training.
    """
    state = load_training_state(state_file)
    config = checked(RscConfig, state["config"], str(state_file))
    if state["step"] < config.steps:
        raise RscError(
            f"{state_file.parent} is not finished: step {state['step']} of {config.steps}"
        )
    net = start_network(config)
    net.load_state_dict(state["net"])
    return net.eval(), state["config"]


def score(
    folder: Path, part: str = "val-wild", count: int | None = None, shares: Iterable[float] = SHARES
) -> tuple[list[Row], dict[str, dict]]:
    """Rows of every run below ``folder`` at every share, and the runs' settings by name.

    Raises:
        RscError: there is no run, or one is not finished.
    """
    files = sorted(folder.glob("*/seed*/state.pt"))
    if not files:
        raise RscError(f"there is no run in {folder}; make them with rsc grid")
    rows: list[Row] = []
    configs = {}
    for file in files:
        name = file.parent.relative_to(folder).as_posix()
        measured, configs[name] = finished(file)
        ranges = PRESETS[configs[name]["ranges"]]
        for share in shares:
            net = copy.deepcopy(measured)
            soften(net, share)
            ends = ranges.full, ranges.eval_sizes[-1]
            found, _ = evaluate({name: net}, part, ends, count, ranges)
            rows += [row | {"soften": share} for row in found if row["method"] == name]
    return rows, configs


def main() -> None:
    """Write the file and show its table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of the grid's runs")
    parser.add_argument("--out", type=Path, default=Path("results/open/choices.csv"))
    given = parser.parse_args()
    started = time.monotonic()
    try:
        rows, configs = score(given.folder)
    except RscError as error:
        parser.error(str(error))
    about = provenance({"part": "val-wild", "runs": configs}, 0, time.monotonic() - started)
    write_result(given.out, rows, about)
    print(pivot([r | {"method": f"{r['method']} soften {r['soften']}"} for r in rows]).to_string())


if __name__ == "__main__":
    main()
