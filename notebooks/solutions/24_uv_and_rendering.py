"""Solutions of 24_uv_and_rendering, and wrong answers that the checks must turn down."""

import numpy as np
import torch

from rsclib.render.uv import look_up


def my_look_up(texture, u, v):
    side = len(texture)
    x = np.clip(u * side - 0.5, 0, side - 1)  # texel centres lie at integers + 0.5
    y = np.clip((1 - v) * side - 0.5, 0, side - 1)  # row 0 is v = 1
    left, top = min(int(x), side - 2), min(int(y), side - 2)
    a, b = x - left, y - top
    upper = (1 - a) * texture[top, left] + a * texture[top, left + 1]
    lower = (1 - a) * texture[top + 1, left] + a * texture[top + 1, left + 1]
    return (1 - b) * upper + b * lower


def my_gradient(side, u, v):
    x = np.clip(u * side - 0.5, 0, side - 1)
    y = np.clip((1 - v) * side - 0.5, 0, side - 1)
    left, top = min(int(x), side - 2), min(int(y), side - 2)
    a, b = x - left, y - top
    weights = np.zeros((side, side))
    weights[top : top + 2, left : left + 2] = np.outer([1 - b, b], [1 - a, a])
    return weights


def my_vandal(texture, uv, mask):
    probe = torch.zeros_like(texture, requires_grad=True)
    look_up(probe, uv, mask).sum().backward()
    unseen = probe.grad == 0  # no pixel asks for it
    return torch.where(unseen, (texture + 0.5) % 1, texture)


def _at(texture, x, y):
    """Bilinear at texel coordinates, centres at integers, clamped."""
    side = len(texture)
    x, y = np.clip(x, 0, side - 1), np.clip(y, 0, side - 1)
    left, top = min(int(x), side - 2), min(int(y), side - 2)
    a, b = x - left, y - top
    weights = np.outer([1 - b, b], [1 - a, a])
    return np.einsum("rc,rck->k", weights, texture[top : top + 2, left : left + 2])


def _wrap(texture, u, v):
    side = len(texture)
    x, y = u * side - 0.5, (1 - v) * side - 0.5
    left, top = int(np.floor(x)), int(np.floor(y))
    out = 0
    for r in (top, top + 1):
        for c in (left, left + 1):
            out = out + (1 - abs(x - c)) * (1 - abs(y - r)) * texture[r % side, c % side]
    return out


def _zeros_beyond(texture, u, v):
    return _wrap(np.pad(texture, ((1, 1), (1, 1), (0, 0))), *_inside(len(texture), u, v))


def _inside(side, u, v):
    return (u * side + 1) / (side + 2), (v * side + 1) / (side + 2)


def _gradient_of(look):
    """The weights that a look-up gives to each texel."""

    def weights(side, u, v):
        eye = np.eye(side * side).reshape(side, side, side * side)
        return np.asarray(look(eye, u, v)).reshape(side, side)

    return weights


def _changed(texture, u, v):
    answer = my_look_up(texture, u, v)
    texture[0] = 0
    return answer


_LOOKS = [
    lambda t, u, v: my_look_up(t, u, 1 - v),
    lambda t, u, v: my_look_up(t, 1 - u, v),
    lambda t, u, v: my_look_up(t, v, u),
    lambda t, u, v: my_look_up(t.swapaxes(0, 1), u, v),
    lambda t, u, v: _at(t, u * len(t), (1 - v) * len(t)),
    lambda t, u, v: _at(t, u * len(t) - 1, (1 - v) * len(t) - 1),
    lambda t, u, v: _at(t, u * len(t) - 0.5, (1 - v) * len(t)),
    lambda t, u, v: _at(t, u * len(t), (1 - v) * len(t) - 0.5),
    lambda t, u, v: _at(t, u * (len(t) - 1), (1 - v) * (len(t) - 1)),
    lambda t, u, v: t[min(int((1 - v) * len(t)), len(t) - 1), min(int(u * len(t)), len(t) - 1)],
    _wrap,
    _zeros_beyond,
    lambda t, u, v: t.mean((0, 1)),
    lambda t, u, v: 0.5 * my_look_up(t, u, v),
]


def _in_place(texture, uv, mask):
    texture[:] = my_vandal(texture, uv, mask)
    return texture


def _without_mask(texture, uv, mask):
    return my_vandal(texture, uv, torch.ones_like(mask))


def _slightly(texture, uv, mask):
    return texture + 0.1 * (my_vandal(texture, uv, mask) - texture)


def _one_channel(texture, uv, mask):
    other = texture.clone()
    other[:, 0] = my_vandal(texture, uv, mask)[:, 0]
    return other


def _grey(texture, uv, mask):
    return torch.where(my_vandal(texture, uv, mask) == texture, texture, torch.tensor(0.5))


def _nearest(texture, uv, mask):
    probe = torch.zeros_like(texture, requires_grad=True)
    look_up(probe, uv, mask, "nearest").sum().backward()
    return torch.where(probe.grad == 0, (texture + 0.5) % 1, texture)


def _weak(texture, uv, mask):
    probe = torch.zeros_like(texture, requires_grad=True)
    look_up(probe, uv, mask).sum().backward()
    return torch.where(probe.grad < 0.3, (texture + 0.5) % 1, texture)


WRONG = {
    "my_look_up": [*_LOOKS, _changed, lambda t, u, v: my_look_up(t, u, v)[:1], lambda t, u, v: None],
    "my_gradient": [
        *map(_gradient_of, _LOOKS),
        lambda side, u, v: -my_gradient(side, u, v),
        lambda side, u, v: (my_gradient(side, u, v) > 0).astype(float),
        lambda side, u, v: my_gradient(side, u, v) * side,
        lambda side, u, v: my_gradient(side, u, v) ** 2,
        lambda side, u, v: my_gradient(side, u, v)[None],
        lambda side, u, v: None,
    ],
    "my_vandal": [
        lambda texture, uv, mask: texture,
        lambda texture, uv, mask: texture.clone(),
        lambda texture, uv, mask: (texture + 0.5) % 1,
        lambda texture, uv, mask: torch.rand_like(texture),
        lambda texture, uv, mask: my_vandal(texture, torch.stack([uv[..., 0], 1 - uv[..., 1]], -1), mask),
        lambda texture, uv, mask: my_vandal(texture, uv.flip(-1), mask),
        lambda texture, uv, mask: my_vandal(texture, uv + 0.5 / texture.shape[2], mask),
        lambda texture, uv, mask: my_vandal(texture, uv, mask) + 1.0 * (my_vandal(texture, uv, mask) != texture),
        lambda texture, uv, mask: my_vandal(texture, uv, 1 - mask),
        lambda texture, uv, mask: my_vandal(texture, uv, mask)[0],
        lambda texture, uv, mask: None,
        _in_place, _without_mask, _slightly, _one_channel, _grey, _nearest, _weak,
    ],
}  # fmt: skip
