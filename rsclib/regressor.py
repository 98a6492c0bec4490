"""The iterative regressor (paper, Section 3.2; from HMR): a feature to pose, shape and camera."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from rsclib.errors import RscError


class RegressorConfig(Protocol):
    """What a regressor needs to know; :class:`NetConfig` is one."""

    @property
    def features(self) -> int: ...
    @property
    def hidden(self) -> int: ...
    @property
    def iterations(self) -> int: ...
    @property
    def dropout(self) -> float: ...
    @property
    def activation(self) -> str: ...


Estimate = tuple[Tensor, Tensor, Tensor]  # pose (B, 144 or 72), betas (B, 10), cam (B, 3)


class Regressor(nn.Module):
    """Iterative error feedback from phi to pose, shape and camera (Section 3.2, from HMR).

    Args:
        pose: numbers of a pose, 144 (6D) or 72 (axis-angle).
    """

    init_pose: Tensor
    init_shape: Tensor
    init_cam: Tensor

    def __init__(self, config: RegressorConfig, pose: int = 144) -> None:
        super().__init__()
        self.iterations = config.iterations
        if config.activation not in ("relu", "none"):
            raise RscError(f"activation is 'relu' or 'none', not {config.activation!r}")
        self.activation = nn.ReLU() if config.activation == "relu" else nn.Identity()
        self.fc1 = nn.Linear(config.features + pose + 10 + 3, config.hidden)
        self.fc2 = nn.Linear(config.hidden, config.hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.decpose = nn.Linear(config.hidden, pose)
        self.decshape = nn.Linear(config.hidden, 10)
        self.deccam = nn.Linear(config.hidden, 3)
        for head in (self.decpose, self.decshape, self.deccam):
            nn.init.xavier_uniform_(head.weight, gain=0.01)
        # An upright person facing the camera. All-zero 6D would be no rotation at all.
        rest, upright = ([1.0, 0, 0, 1, 0, 0], [1.0, 0, 0, -1, 0, 0])  # the camera's y points down
        if pose == 72:
            rest, upright = [0.0, 0, 0], [torch.pi, 0, 0]
        start = torch.tensor(rest).repeat(24, 1)
        start[0] = torch.tensor(upright)
        self.register_buffer("init_pose", start.reshape(1, pose))
        self.register_buffer("init_shape", torch.zeros(1, 10))
        self.register_buffer("init_cam", torch.tensor([[0.9, 0.0, 0.0]]))

    def iterates(
        self, phi: Tensor, count: int | None = None, start: Estimate | None = None
    ) -> list[Estimate]:
        """Every estimate from phi (B, C), the start first: ``count`` + 1 of them.

        Args:
            count: of corrections; None: as many as the network was trained with.
            start: pose (B, 144 or 72), betas (B, 10), cam (B, 3); None: the buffers, the mean person.
        """
        pose, betas, cam = start or (self.init_pose, self.init_shape, self.init_cam)
        pose, betas, cam = (v.expand(phi.shape[0], -1) for v in (pose, betas, cam))
        found = [(pose, betas, cam)]
        for _ in range(self.iterations if count is None else count):
            x = torch.cat([phi, pose, betas, cam], 1)
            x = self.dropout(self.activation(self.fc1(x)))
            x = self.dropout(self.activation(self.fc2(x)))
            pose, betas, cam = (
                pose + self.decpose(x), betas + self.decshape(x), cam + self.deccam(x)
            )  # fmt: skip
            found.append((pose, betas, cam))
        return found

    def forward(self, phi: Tensor) -> Estimate:
        """phi (B, C) to the last iterate."""
        return self.iterates(phi)[-1]
