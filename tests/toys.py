"""Toys that train in a second: a tiny network, twelve random people of 32 px, five small ranges.

python -m tests.toys FOLDER DEVICES [KEY=VALUE of RscConfig ...]

trains the toy in a process of its own; ``method=hmr`` and so on for a rival. Where the folder holds
a config.yaml it is `rsc train` that runs, with those settings.
"""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from rsclib.losses import LossConfig
from rsclib.methods import rsc
from rsclib.methods.feaen import Feaen, FeaenConfig
from rsclib.methods.hmr import Hmr, HmrConfig
from rsclib.methods.imgsr import Imgsr, ImgsrConfig
from rsclib.methods.rsc import Rsc, RscConfig
from rsclib.network import NetConfig, RSCNet
from rsclib.people import Labels, People
from rsclib.resolution import Ranges
from rsclib.superres import RdnConfig
from rsclib.train import train

TINY = NetConfig(
    image_size=32, stem=8, planes=(4, 4, 8, 8), blocks=(1, 2, 1, 1), hidden=16, projection=(16, 8)
)
RANGES = Ranges(32, (32, 24, 16, 12, 8), (28, 20, 14, 10))
CONFIG = RscConfig(
    schedule=((2, 2), (3, 2), (5, 2)), batch=4, init=None, precision="32-true", lab_share=0.5,
    loss=LossConfig(queue=64), save_seconds=1e9,
)  # fmt: skip

# The rivals of Table 1: a plain network, the basic loss, and what is their own.
_PLAIN: dict[str, Any] = {f.name: getattr(CONFIG, f.name) for f in dataclasses.fields(CONFIG)} | {
    "learn_alpha": False,
    "loss": dataclasses.replace(CONFIG.loss, ss="none", feat="none"),
}
RIVALS: dict[str, RscConfig] = {
    "hmr": HmrConfig(**_PLAIN, mocap=64),
    "imgsr": ImgsrConfig(**_PLAIN, rdn=RdnConfig(2, 3, 16, 32)),
    "feaen": FeaenConfig(**_PLAIN),
    "feaen-wgan": FeaenConfig(**_PLAIN, gan="wgan"),
}
_KINDS: dict[type, Callable[..., Rsc]] = {
    RscConfig: Rsc, HmrConfig: Hmr, ImgsrConfig: Imgsr, FeaenConfig: Feaen,
}  # fmt: skip


def toy_people(size: int = RANGES.full, n: int = 12, labelled: int = 5) -> People:
    """Random images, the first of them with 3D labels."""
    rng = torch.Generator().manual_seed(0)
    has = torch.arange(n) < labelled
    images = torch.randint(0, 256, (n, 3, size, size), dtype=torch.uint8, generator=rng)
    points = torch.rand(n, 24, 3, generator=rng), torch.rand(n, 24, 4, generator=rng)
    rotmats = torch.eye(3).expand(n, 24, 3, 3)
    labels = Labels(*points, rotmats, torch.zeros(n, 10), has, has, torch.arange(n))
    return People(images, labels, lab=labelled)


def toy_network(config: RscConfig, shape: NetConfig = TINY) -> RSCNet:
    """What :func:`rsclib.methods.rsc.start_network` gives, tiny."""
    net = RSCNet(shape)
    return net if config.norm == "shared" else net.per_range()


def toy_builder(
    config: RscConfig, resumed: bool = False, shape: NetConfig = TINY,
    change: Callable[[Rsc], None] = lambda method: None,
) -> Callable[[torch.device], Rsc]:  # fmt: skip
    """A builder of the toy, of a rival where the settings are one's; ``change`` may plant a fault in
    the method."""
    kind = _KINDS[type(config)]

    def build(device: torch.device) -> Rsc:
        method = kind(config, toy_people(), toy_network(config, shape), RANGES, device, resumed)
        change(method)
        return method

    return build


def toy_train(config: RscConfig, folder: Path, devices: int = 1, **options: Any) -> RSCNet:
    """Train the toy, or go on with it."""
    build = toy_builder(config, (folder / "state.pt").is_file(), **options)
    return train(build, config.run, config, folder, devices, progress=False)  # type: ignore[return-value]


def random_arrays(n: int = 96, clips: int = 2) -> dict[str, np.ndarray]:
    """What :func:`rsclib.openbench.build.fetch` gives of ``source``, n images of 128 px."""
    rng = np.random.default_rng(0)
    return {
        "images": rng.integers(0, 256, (n, 128, 128, 3), np.uint8),
        "keypoints2d": rng.random((n, 24, 3), np.float32),
        "keypoints3d": rng.random((n, 24, 3), np.float32),
        "joints14": rng.random((n, 14, 3), np.float32),
        "betas": rng.random((n, 10), np.float32), "pose": rng.random((n, 72), np.float32),
        "dense": np.zeros((n, 32, 32, 4), np.uint8),
        "clip": np.repeat([f"clip{k}" for k in range(clips)], n // clips),
    }  # fmt: skip


def digest(state: Mapping[str, torch.Tensor]) -> str:
    """A short hash of all weights and statistics: equal means bitwise equal."""
    total = hashlib.sha256()
    for name in sorted(state):
        flat = state[name].detach().cpu().contiguous().flatten()
        total.update(name.encode() + flat.view(torch.uint8).numpy().tobytes())
    return total.hexdigest()[:16]


def main() -> None:
    """Train as the arguments say."""
    folder, devices, *options = sys.argv[1:]
    changes = {key: yaml.safe_load(value) for key, value in (o.split("=") for o in options)}
    # No dropout: each process would draw a mask of its own.
    dry = dataclasses.replace(TINY, dropout=0.0)
    torch.set_num_threads(1)
    rsc.MEASURED = (2, 8)
    if (config := Path(folder) / "config.yaml").is_file():
        from rsclib import cli

        rsc.builder = lambda config, resumed: toy_builder(config, resumed, dry)
        sys.exit(cli.main(["train", str(config), "--out", folder, "--devices", devices]))
    config = RIVALS.get(changes.pop("method", ""), CONFIG)
    toy_train(dataclasses.replace(config, **changes), Path(folder), int(devices), shape=dry)


if __name__ == "__main__":
    main()
