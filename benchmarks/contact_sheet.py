"""Draw ``results/open/people.jpg``: training people above, test people below.

python benchmarks/contact_sheet.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from rsclib.files.atomic import atomic_path
from rsclib.openbench.parts import SPLITS
from rsclib.openbench.people import make_people

OUT = Path("results/open/people.jpg")
COLUMNS, SIDE = 9, 96


def main() -> None:
    """Two rows of each part's first shard, drawn anew (seed 1, so not what a model was scored on)."""
    rows = []
    for part in ("train-wild", "train-lab", "test-wild", "test-studio"):
        images = make_people(SPLITS[part], 1, 0, COLUMNS, SIDE)["images"]
        rows.append(np.concatenate(list(images), 1))
    with atomic_path(OUT) as temporary:
        Image.fromarray(np.concatenate(rows)).save(temporary, quality=88)
    print(f"{OUT}: {OUT.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
