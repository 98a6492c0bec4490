"""Where a number comes from: every result file carries what is needed to repeat it.

No folder, user or host name is recorded, so that result files can be published as they are.
"""

from __future__ import annotations

import dataclasses
import datetime
import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from rsclib.errors import RscError

PACKAGES = (
    *("torch", "torchvision", "numpy", "smplx", "pytorch3d", "lightning_fabric", "pillow"),
    *("roma", "scipy"),
)
# The wheel that provides pytorch3d has another name.
_DISTRIBUTION = {"pytorch3d": "easypytorch3d", "lightning_fabric": "lightning-fabric"}
_ROOT = Path(__file__).resolve().parents[2]
_ABSOLUTE = re.compile(r"(?<![\w.:/])(?:/|[A-Za-z]:[\\/])(?:[^/\\\s=,]+[\\/])*([^/\\\s=,]+)")


def provenance(
    config: Any, seed: int, seconds: float, images_seen: int | None = None
) -> dict[str, Any]:
    """What produced a result, ready to be stored beside it.

    Args:
        config: the resolved configuration, a dataclass or a mapping.
        seed: the seed the run was started with.
        seconds: wall time of the run.
        images_seen: images that the training consumed; None where nothing was trained.

    Returns:
        Plain values only: config, seed, seconds, images_seen, git (commit, dirty), versions,
        machine, threads, date (UTC) and command.
    """
    return {
        "config": to_plain(config),
        "seed": int(seed),
        "seconds": round(float(seconds), 3),
        "images_seen": None if images_seen is None else int(images_seen),
        "git": _git(),
        "versions": _versions(),
        "machine": _machine(),
        "threads": torch.get_num_threads(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": _command(),
    }


def to_plain(value: Any) -> Any:
    """``value`` as JSON has it: dataclasses, tensors, arrays and paths become plain values.

    Absolute paths are shortened to their last part.

    Raises:
        RscError: a value has no plain form.
    """
    if value is None or type(value) in (bool, int, float):
        return value
    if hasattr(value, "tolist"):  # tensors, arrays and their scalars
        return to_plain(value.tolist())
    if isinstance(value, str):
        return _without_folders(value)
    if isinstance(value, os.PathLike):
        return _without_folders(os.fspath(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if hasattr(value, "_asdict"):  # a NamedTuple, e.g. statistics.Interval
        return to_plain(value._asdict())
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, torch.dtype | torch.device):
        return str(value)
    raise RscError(f"a {type(value).__name__} cannot be stored in a result file")


def _git() -> dict[str, Any]:
    """Commit of the checkout this package lies in, and whether tracked files were changed."""
    unknown: dict[str, Any] = {"commit": "unknown", "dirty": "unknown"}

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "--no-optional-locks", "-C", str(_ROOT), *arguments],
            capture_output=True, text=True, check=True, timeout=20,
        ).stdout.strip()  # fmt: skip

    try:
        # An installed copy may lie inside somebody else's repository.
        if Path(git("rev-parse", "--show-toplevel")).resolve() != _ROOT:
            return unknown
        status = git("status", "--porcelain", "--untracked-files=no")
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(status)}
    except (OSError, subprocess.SubprocessError):
        return unknown


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(_DISTRIBUTION.get(name, name))
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def _machine() -> dict[str, Any]:
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gb": _memory_gb(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        "platform": f"{platform.system()} {platform.machine()}",
    }


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine() or "unknown"


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, OSError, ValueError):
        return None  # not POSIX


def _command() -> list[str]:
    """Program name and arguments, without the folders of absolute paths."""
    return [Path(sys.argv[0]).name, *(_without_folders(word) for word in sys.argv[1:])]


def _without_folders(text: str) -> str:
    text = text.encode("utf-8", "backslashreplace").decode()  # file names may hold other bytes
    return _ABSOLUTE.sub(r"\1", text)
