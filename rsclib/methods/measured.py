"""Batch statistics of every range, measured once and kept: all rows of a table start from the same."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rsclib.errors import RscError
from rsclib.files.atomic import write_bytes
from rsclib.files.cache import cache_folder
from rsclib.files.npz import read_npz
from rsclib.people import People
from rsclib.range_norm import RangeNorm, freeze, measure
from rsclib.runs.distributed import ranks


def measure_or_load(
    net: nn.Module, people: People, settings: dict[str, Any],
    batches: Iterable[tuple[Tensor, Tensor]],
) -> None:  # fmt: skip
    """:func:`rsclib.range_norm.measure`, or what it gave the last time: measuring takes a minute.

    Args:
        settings: all that decides which ``batches`` are drawn from ``people``.
    """
    path = cache_folder() / "statistics" / f"{_key(net, people, settings)}.npz"
    norms = {n: m for n, m in net.named_modules() if isinstance(m, RangeNorm)}
    if path.is_file() and _load(path, norms):
        freeze(net)
        return
    measure(net, batches)
    if ranks()[0] == 0:
        _save(path, norms)


def _key(net: nn.Module, people: People, settings: dict[str, Any]) -> str:
    """Of the weights, the pictures and the settings."""
    total = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    total.update(f"{torch.__version__} {torch.get_num_threads()}".encode())
    for name, tensor in net.state_dict().items():
        total.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    for some in people.images.split(1024):  # hardly more memory than the pictures take already
        total.update(some.contiguous().numpy().reshape(-1).data)
    return total.hexdigest()[:32]


def _save(path: Path, norms: dict[str, RangeNorm]) -> None:
    content = io.BytesIO()
    arrays = {f"{n}/mean": m.running_mean.cpu().numpy() for n, m in norms.items()}
    arrays |= {f"{n}/var": m.running_var.cpu().numpy() for n, m in norms.items()}
    np.savez(content, allow_pickle=False, **arrays)  # type: ignore[arg-type]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content.getbuffer())
    except (OSError, RscError):  # a cache that cannot be written costs the minute again
        return


@torch.no_grad()
def _load(path: Path, norms: dict[str, RangeNorm]) -> bool:
    """Whether the file could be used; a damaged one is measured anew."""
    try:
        found = read_npz(path)
    except RscError:
        return False
    wanted = {f"{n}/{k}": m.running_mean.shape for n, m in norms.items() for k in ("mean", "var")}
    if {k: torch.Size(v.shape) for k, v in found.items()} != wanted:
        return False
    for name, norm in norms.items():
        norm.running_mean.copy_(torch.from_numpy(found[f"{name}/mean"]))
        norm.running_var.copy_(torch.from_numpy(found[f"{name}/var"]))
    return True
