"""SURREAL's textures of SMPL: clothed people, of whom only the coloured ones are used.

.. code-block:: text

    surreal/textures/female/nongrey_female_0001.jpg     (also male/; others are grey scans)
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from rsclib.errors import RscError
from rsclib.files.photos import Pixels, read_image
from rsclib.readers.found import folder

MOST_OBLONG = 1.01  # a texture is square


def texture_files(root: Path, gender: Literal["female", "male", "*"] = "*") -> list[Path]:
    """The coloured textures, sorted.

    Raises:
        RscError: the folder is missing, or has none.
    """
    home = folder(root, "surreal", "SURREAL's textures", "textures/female/nongrey_*.jpg in it")
    paths = sorted((home / "textures").glob(f"{gender}/**/*nongrey*.jpg"))
    if not paths:
        raise RscError(
            f"SURREAL: no coloured texture was found: {home}/textures/{gender}/**/*nongrey*.jpg was "
            "looked for"
        )
    return paths


def read_texture(path: Path, size: int) -> Pixels:
    """A texture (size, size, 3), row 0 at v = 1.

    Raises:
        RscError: missing, damaged, or not square.
    """
    pixels = read_image(path)
    height, width = pixels.shape[:2]
    if max(height, width) > MOST_OBLONG * min(height, width):
        raise RscError(f"{path} is no texture of SMPL: {width} x {height} pixels are not square")
    resized = Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC)
    return np.array(resized, np.uint8)
