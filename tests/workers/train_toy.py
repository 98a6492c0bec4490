"""Train a tiny network on random images: run by tests in processes of their own.

python -m tests.workers.train_toy FOLDER DEVICES [KEY=VALUE of TrainConfig ...]

Where the folder holds a config.yaml it is `rsc train` that runs, with those settings.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import torch
import yaml

from rsclib import cli
from rsclib import train as T
from rsclib.config import TrainConfig
from rsclib.losses import LossConfig
from rsclib.network import NetConfig
from tests.test_network import TINY

CONFIG = TrainConfig(
    schedule=((2, 2), (3, 2), (5, 2)), batch=4, init=None, precision="32-true", lab_share=0.5,
    loss=LossConfig(queue=64), save_seconds=1e9,
)  # fmt: skip


def toy_data(config: TrainConfig, size: int) -> T.Data:
    """Twelve random images, five of them labelled."""
    rng, n = torch.Generator().manual_seed(0), 12
    return T.Data(
        torch.randint(0, 256, (n, 3, size, size), dtype=torch.uint8, generator=rng),
        torch.rand(n, 24, 3, generator=rng), torch.rand(n, 24, 4, generator=rng),
        torch.eye(3).expand(n, 24, 3, 3), torch.zeros(n, 10), torch.arange(n) < 5,
    )  # fmt: skip


def main() -> None:
    """Train as the arguments say."""
    folder, devices, *options = sys.argv[1:]
    changes = {key: yaml.safe_load(value) for key, value in (o.split("=") for o in options)}
    T.Data.load = staticmethod(toy_data)  # type: ignore[method-assign]
    # No dropout: each process would draw a mask of its own.
    tiny = dataclasses.replace(TINY, image_size=128, dropout=0.0)
    NetConfig.edu = staticmethod(lambda: tiny)  # type: ignore[method-assign]
    torch.set_num_threads(1)
    if (config := Path(folder) / "config.yaml").is_file():
        sys.exit(cli.main(["train", str(config), "--out", folder, "--devices", devices]))
    T.train(dataclasses.replace(CONFIG, **changes), Path(folder), False, devices=int(devices))


if __name__ == "__main__":
    main()
