"""The models that ship with this package, by name."""

from __future__ import annotations

import os
from pathlib import Path

from rsclib.checkpoints import load_model
from rsclib.errors import RscError
from rsclib.files.shipped import ASSETS, check_shipped
from rsclib.network import RSCNet

MODELS = ASSETS / "models"
# The shipped models, and what tables and pictures call them.
SHIPPED = {"hr-only": "HR-only", "full": "RSC-Net"}


def model_named(name: str) -> RSCNet:
    """A shipped model by name (a key of :data:`SHIPPED`), or a ``.safetensors`` file by path.

    Raises:
        RscError: missing, foreign or damaged file, or a folder.
    """
    if name not in SHIPPED:
        if os.path.isdir(name):
            inside = Path(name) / "model.safetensors"
            known = "a .safetensors file" if not inside.is_file() else f"the model in it, {inside}"
            raise RscError(f"{name} is a folder; give {known}")
        return load_model(name)
    check_shipped(f"models/{name}.safetensors")
    return load_model(MODELS / f"{name}.safetensors")
