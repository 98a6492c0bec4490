"""Two plain filters of joint films: what any video method has to beat (lesson 19, beside Table 3).

Neither looks at an image or learns anything. ``savitzky_golay`` sees the future, as a method that is
given a whole clip does; ``constant_velocity`` sees the past alone, as one that must answer at once.
Joints are ``(N, J, 3)`` in metres, in time order, sequence after sequence; ``sequence`` ``(N,)`` says
which one a frame is of, and nothing passes from one to another. The result has the same shape, in
float64. Settings are to be chosen on a validation part, never on the one that is reported.
"""

from __future__ import annotations

import torch
from scipy.signal import savgol_filter
from torch import Tensor

from rsclib.errors import RscError
from rsclib.metrics import spans


def savitzky_golay(joints: Tensor, sequence: Tensor, window: int = 9, order: int = 2) -> Tensor:
    """Put, in place of every frame, the middle of the polynomial that fits the frames around it best.

    At both ends of a sequence the polynomial of the first or last ``window`` frames is read off
    where it is needed. A sequence shorter than the window takes the largest odd window that it
    fills; one of no more than ``order + 1`` frames lies on a polynomial already and stays as it is.

    Args:
        window: frames, odd, more than ``order``. order: of the polynomial; 2 leaves alone whatever
            has a constant acceleration.

    Raises:
        RscError: window or order make no sense, or the frames do not fit their sequence numbers.
    """
    if window < 1 or window % 2 == 0 or not 0 <= order < window:
        raise RscError(f"a window is odd and longer than the order: {window} and {order} are not")
    joints, out = _checked(joints, sequence)
    for a, b in spans(sequence):
        fits = min(window, (b - a) - (b - a + 1) % 2)  # odd
        if fits > order:
            smooth = savgol_filter(joints[a:b].numpy(), fits, order, axis=0, mode="interp")
            out[a:b] = torch.from_numpy(smooth)
    return out


def constant_velocity(joints: Tensor, sequence: Tensor, agility: float = 0.1) -> Tensor:
    """A Kalman filter for joints that keep their velocity but for a random push a frame.

    Each frame it says where the joint should be now, x + v, sees where the guess is, z, and goes a
    part of the way: x becomes x + v + g (z - x - v), and v becomes v + h (z - x - v). The gains g and
    h follow from how far guesses and pushes scatter; they are the same for all joints, and settle
    after a while (then it is the alpha-beta filter). The first two frames are taken as they are.

    Args:
        agility: scatter of the pushes (metres a frame, a frame) over that of the guesses (metres).
            Large: it follows every guess, and trembles. Small: it is smooth, and late.

    Raises:
        RscError: ``agility`` is not above zero, or the frames do not fit their sequence numbers.
    """
    if not 0 < agility < float("inf"):
        raise RscError(f"agility must be above zero, not {agility}")
    joints, out = _checked(joints, sequence)
    gains = _gains(max((b - a for a, b in spans(sequence)), default=0), agility**2)
    for a, b in spans(sequence):
        if b - a < 3:
            continue
        place, velocity = joints[a + 1], joints[a + 1] - joints[a]
        for t, (g, h) in zip(range(a + 2, b), gains, strict=False):
            surprise = joints[t] - (place + velocity)
            place, velocity = place + velocity + g * surprise, velocity + h * surprise
            out[t] = place
    return out


def _gains(length: int, q: float) -> list[tuple[float, float]]:
    """Gains of place and velocity from the third frame on, if a guess scatters with variance 1 and a
    push with ``q``."""
    # Of the first two guesses z0, z1: place z1, velocity z1 - z0, and what both are worth.
    var_x, cov, var_v = 1.0, 1.0, 2.0 + q
    gains = []
    for _ in range(length - 2):
        var_x, cov, var_v = var_x + 2 * cov + var_v, cov + var_v, var_v + q  # a frame later
        g, h = var_x / (var_x + 1), cov / (var_x + 1)
        gains.append((g, h))
        var_x, cov, var_v = (1 - g) * var_x, (1 - g) * cov, var_v - h * cov
    return gains


def _checked(joints: Tensor, sequence: Tensor) -> tuple[Tensor, Tensor]:
    """``joints`` in float64 on the CPU, and a copy to fill."""
    if joints.ndim != 3 or joints.shape[-1] != 3 or sequence.shape != joints.shape[:1]:
        shapes = f"{tuple(joints.shape)} and {tuple(sequence.shape)}"
        raise RscError(f"expected joints (N, J, 3) and sequence numbers (N,), got {shapes}")
    if not joints.isfinite().all():
        raise RscError("a joint is NaN or infinite; a filter would spread it over its sequence")
    joints = joints.detach().cpu().double()
    return joints, joints.clone()
