"""The models that ship with this package, by name."""

from __future__ import annotations

from pathlib import Path

from rsclib.checkpoints import load_model
from rsclib.network import RSCNet

MODELS = Path(__file__).parent / "assets" / "models"
# The shipped models, and what tables and pictures call them.
SHIPPED = {"hr-only": "HR-only", "full": "RSC-Net"}


def model_named(name: str) -> RSCNet:
    """A shipped model by name (a key of :data:`SHIPPED`), or a ``.safetensors`` file by path.

    Raises:
        RscError: missing, foreign or damaged file.
    """
    return load_model(MODELS / f"{name}.safetensors" if name in SHIPPED else name)
