"""Draw ``results/open/pedestrians.jpg``: eight views each of training people (left) and test people.

python -m benchmarks.pedestrian_sheet
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from rsclib.files.atomic import atomic_path
from rsclib.openbench.parts import STREETS
from rsclib.openbench.pedestrians import VIEWS, make_pedestrians

OUT = Path("results/open/pedestrians.jpg")
PEOPLE = 5


def main() -> None:
    """The first people of each part, drawn anew (seed 1, so not what a network was scored on)."""
    halves = []
    for part in STREETS.values():
        images = make_pedestrians(part, 1, 0, PEOPLE * VIEWS, 128)["images"]
        rows = images.reshape(PEOPLE, VIEWS, *images.shape[1:])
        halves.append(np.concatenate([np.concatenate(list(row), 1) for row in rows]))
    with atomic_path(OUT) as temporary:
        Image.fromarray(np.concatenate(halves, 1)).save(temporary, quality=88)
    print(f"{OUT}: {OUT.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
