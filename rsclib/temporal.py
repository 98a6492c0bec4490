"""Video (paper, Section 3.5): a recurrent module over the features of frames, and a critic of motion.

The network that sees images stays as it is. Its pooled features phi_1 .. phi_T of T frames go through
a GRU, which knows what came before, and one regressor reads a body from each of its outputs. The
critic tells motions of people from those that the module makes up.

The paper has one sentence about the layers ("a two-layer GRU and a three-layer MLP"); the rest is
what the released VIBE does, from which the paper's video part descends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import roma
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rsclib.errors import RscError
from rsclib.geometry import rot6d_to_rotmat
from rsclib.network import Estimate, Prediction, Regressor, RSCNet

# Of a module that starts as an average: how much of it a frame leaves standing (chosen on video-val
# among 0.3 to 0.9, before any training; no file is kept), and how far features are shrunk so that tanh hardly bends them.
MEMORY, LINEAR = 0.6, 0.1
POSE_PARAMETERS = 69  # axis-angle of joints 1 .. 23: no root, for a motion is one in any direction


@dataclass(frozen=True)
class TemporalConfig:
    """Shape of the module.

    Attributes:
        features: length of phi. width, layers: of the GRU.
        start: what the module is before it is trained. "frames", as in VIBE: phi is added to the GRU's
            output, and the GRU's share begins at zero, so it is the image network frame by frame.
            "average", ours: nothing is added, and the GRU begins as a moving average of phi, a frame's
            weight falling by MEMORY with every frame since; its width is phi's length.
        head: "iterative", the image network's own regressor, or "mlp3", three layers without feedback.
        hidden, iterations, dropout, activation: of the regressor (:class:`rsclib.network.NetConfig`).
        image_size, ranges: of the network whose features these are.
    """

    features: int = 2048
    width: int = 1024
    layers: int = 2
    start: str = "frames"
    head: str = "iterative"
    hidden: int = 1024
    iterations: int = 3
    dropout: float = 0.5
    activation: str = "relu"
    image_size: int = 224
    ranges: int = 5

    @staticmethod
    def over(
        net: RSCNet, width: int = 0, head: Literal["iterative", "mlp3"] = "iterative",
        start: Literal["frames", "average"] = "frames",
    ) -> TemporalConfig:  # fmt: skip
        """For the features of a network. ``width`` 0: half of phi's length, as in VIBE; all of it where
        the module starts as an average."""
        c = net.config
        usual = c.features if start == "average" else c.features // 2
        return TemporalConfig(
            c.features, width or usual, start=start, head=head, hidden=c.hidden, iterations=c.iterations,
            dropout=c.dropout, activation=c.activation, image_size=c.image_size, ranges=c.ranges,
        )  # fmt: skip


class Mlp3(nn.Module):
    """Three layers from phi to what is added to the mean person: no feedback."""

    def __init__(self, config: TemporalConfig, regressor: Regressor) -> None:
        super().__init__()
        sizes = (config.features, config.hidden, config.hidden)
        self.layers = nn.Sequential(
            nn.Linear(sizes[0], sizes[1]), nn.ReLU(), nn.Linear(sizes[1], sizes[2]), nn.ReLU(),
            nn.Linear(sizes[2], 144 + 10 + 3),
        )  # fmt: skip
        mean = torch.cat([regressor.init_pose, regressor.init_shape, regressor.init_cam], 1)
        self.register_buffer("mean", mean.clone())
        nn.init.xavier_uniform_(self.layers[-1].weight, gain=0.01)  # type: ignore[arg-type]

    def forward(self, phi: Tensor) -> Estimate:
        """phi (N, C) to pose6d (N, 144), betas (N, 10) and cam (N, 3)."""
        pose, betas, cam = (self.mean + self.layers(phi)).split([144, 10, 3], 1)
        return pose, betas, cam


class Temporal(nn.Module):
    """Features of T frames to T bodies.

    As built by :meth:`over` the regressor is a copy of the image network's, so it gives what that gives
    frame by frame, or for a moving average of the frames.

    >>> module = Temporal(TemporalConfig(features=64, width=32, hidden=16))
    >>> module(torch.zeros(2, 16, 64)).rotmats.shape
    torch.Size([32, 24, 3, 3])
    """

    kind: ClassVar[str] = "temporal"  # in the header of its model files
    source: str = "this module"
    trained_on: dict[str, str] | None = None
    spread: Tensor

    def __init__(self, config: TemporalConfig) -> None:
        super().__init__()
        # Standard deviation of each feature: a small network's are a hundred times smaller than
        # ResNet-50's, and a GRU that is given next to nothing learns next to nothing.
        self.register_buffer("spread", torch.ones(config.features))
        if config.head not in ("iterative", "mlp3"):
            raise RscError(f"head is 'iterative' or 'mlp3', not {config.head!r}")
        if config.start not in ("frames", "average"):
            raise RscError(f"start is 'frames' or 'average', not {config.start!r}")
        if config.start == "average" and config.width != config.features:
            raise RscError(
                f"a GRU that starts as an average of {config.features} features is as wide as they "
                f"are many, not {config.width}"
            )
        self.config = config
        self.gru = nn.GRU(config.features, config.width, config.layers, batch_first=True)
        self.back = nn.Linear(config.width, config.features)
        regressor = Regressor(config)
        self.head = regressor if config.head == "iterative" else Mlp3(config, regressor)
        nn.init.zeros_(self.back.bias)
        if config.start == "frames":
            nn.init.zeros_(self.back.weight)
        else:
            self._become_average()

    @torch.no_grad()
    def _become_average(self) -> None:
        """h_t = z h_{t-1} + (1 - z) tanh(c phi_t) in the first layer, and phi_t again behind the others."""
        width = self.config.width
        for name, values in self.gru.named_parameters():
            values.zero_()
            first = name.endswith("_l0")
            if name.startswith("weight_ih"):  # rows: reset gate, update gate, candidate
                values[2 * width :] = torch.eye(width) * (LINEAR if first else 1.0)
            if name.startswith("bias_ih"):
                values[width : 2 * width] = math.log(MEMORY / (1 - MEMORY)) if first else -4.0
        self.back.weight.copy_(torch.eye(width) / LINEAR)

    @staticmethod
    def over(net: RSCNet, config: TemporalConfig) -> Temporal:
        """A module whose regressor starts as the image network's."""
        module = Temporal(config)
        if isinstance(module.head, Regressor):
            module.head.load_state_dict(net.regressor.state_dict())
        module.trained_on = net.trained_on
        return module

    def encode(self, phi: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Features (B, T, C) to features (B, T, C) that know the frames before, and the GRU's state
        (layers, B, width) after the last frame, with which the next ones go on."""
        seen = phi / self.spread
        if state is None and self.config.start == "average":
            state = self._before(seen[:, 0])
        hidden, state = self.gru(seen, state)
        known = self.back(hidden.relu()) * self.spread
        return (phi + known if self.config.start == "frames" else known), state

    def _before(self, first: Tensor) -> Tensor:
        """The state (layers, B, width) before the first frame (B, C): as though it had been there for
        ever. Each layer's candidate, which that frame alone writes."""
        states, width = [], self.config.width
        for layer in range(self.config.layers):
            weight, bias = (getattr(self.gru, f"{kind}_ih_l{layer}") for kind in ("weight", "bias"))
            first = F.linear(first, weight[2 * width :], bias[2 * width :]).tanh()
            states.append(first)
        return torch.stack(states)

    def regress(self, features: Tensor) -> Prediction:
        """Bodies from encoded features (N, C); ``proj`` is the features again, no loss reads it."""
        with torch.autocast(features.device.type, enabled=False):
            pose6d, betas, cam = self.head(features.float())
            rotmats = rot6d_to_rotmat(pose6d.reshape(-1, 24, 6))
        return Prediction(rotmats, betas, cam, features, features)

    def forward(self, phi: Tensor) -> Prediction:
        """phi (B, T, C) of T frames in order to the bodies of B*T, sequence after sequence."""
        return self.regress(self.encode(phi)[0].flatten(0, 1))


class MotionCritic(nn.Module):
    """Poses of T frames to one score: 1 for motion of a person, 0 for one that was made up.

    A GRU reads the poses; attention says which moments count.
    """

    def __init__(self, width: int = 1024, layers: int = 2, dropout: float = 0.2) -> None:
        super().__init__()
        self.gru = nn.GRU(POSE_PARAMETERS, width, layers, batch_first=True)
        parts: list[nn.Module] = []
        for outputs in (width, width, 1):
            linear = nn.Linear(width, outputs)
            nn.init.uniform_(linear.weight, -0.1, 0.1)
            nn.init.constant_(linear.bias, 0.01)
            parts += [linear, nn.Tanh(), nn.Dropout(dropout)]
        self.attend = nn.Sequential(*parts)
        self.judge = nn.Linear(width, 1)

    def attention(self, poses: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (B,) of poses (B, T, 69), and how much each moment counts (B, T), which sums to 1."""
        hidden, _ = self.gru(poses)
        weights = self.attend(hidden).softmax(1)  # (B, T, 1)
        return self.judge((weights * hidden).sum(1))[:, 0], weights[..., 0]

    def forward(self, poses: Tensor) -> Tensor:
        """Scores (B,) of poses (B, T, 69), axis-angle."""
        return self.attention(poses)[0]


def motion_parameters(rotmats: Tensor, frames: int) -> Tensor:
    """What the critic reads of bodies (B*T, 24, 3, 3): axis-angle (B, T, 69) of all joints but the root."""
    turns = roma.rotmat_to_rotvec(rotmats[:, 1:])
    return turns.reshape(-1, frames, POSE_PARAMETERS)
