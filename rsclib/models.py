"""The models that ship with this package, by name."""

from __future__ import annotations

from pathlib import Path

from rsclib.checkpoints import load_model
from rsclib.errors import RscError
from rsclib.files.shipped import ASSETS, check_shipped
from rsclib.network import RSCNet

MODELS = ASSETS / "models"
# The shipped models, and what tables and pictures call them.
SHIPPED = {"hr-only": "HR-only", "full": "RSC-Net"}


def model_file(name: str) -> Path:
    """The file of a shipped model by name (a key of :data:`SHIPPED`); else ``name`` is the file.

    Raises:
        RscError: the shipped file is missing or damaged.
    """
    if name not in SHIPPED:
        return Path(name)
    check_shipped(f"models/{name}.safetensors")
    return MODELS / f"{name}.safetensors"


def model_named(name: str) -> RSCNet:
    """An RSC-Net: a shipped one by name (a key of :data:`SHIPPED`), or a ``.safetensors`` file.

    Raises:
        RscError: missing, foreign or damaged file, or a network of another kind.
    """
    net = load_model(model_file(name))
    if not isinstance(net, RSCNet):
        raise RscError(
            f"{name} holds a network of the kind {net.kind!r}; here an RSC-Net is needed "
            f"({', '.join(SHIPPED)}, or a model that rsc train wrote)"
        )
    return net
