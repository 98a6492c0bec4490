"""Solutions of 16_rival_imgsr, and wrong answers that the checks must turn down."""

import numpy as np
import torch
import torch.nn.functional as F


def my_best(pictures, chances):
    return np.average(pictures, axis=0, weights=chances)


def my_hidden(x, shrink):
    seen, *_ = np.linalg.lstsq(shrink, shrink @ x, rcond=None)  # the shortest that shrinks alike
    return x - seen


def my_block(z, kernels, fuse):
    found = z
    for weight, bias in kernels:
        found = torch.cat([found, F.conv2d(found, weight, bias, padding=1).relu()], dim=1)
    return z + F.conv2d(found, *fuse)


def _sets_chances(pictures, chances):
    chances /= chances.sum()
    return np.tensordot(chances, pictures, 1)


def _weighted_median(pictures, chances):
    order = pictures.argsort(0)
    share = np.cumsum(chances[order] / chances.sum(), 0)
    first = (share >= 0.5).argmax(0)
    return np.take_along_axis(np.take_along_axis(pictures, order, 0), first[None], 0)[0]


def _transposed(x, shrink):
    return x - shrink.T @ (shrink @ x)


def _null_vector(x, shrink):
    return np.linalg.svd(shrink)[2][-1]


def _twin(x, shrink):
    return x - 2 * (x - my_hidden(x, shrink))


def _in_place(x, shrink):
    x -= np.linalg.pinv(shrink) @ shrink @ x
    return x


def _block(dense=True, relu=True, add=True, fused_relu=False, out_relu=False, bias=True, padding=1,
           first=False, latest=False):  # fmt: skip
    def wrong(z, kernels, fuse):
        found = [z]
        for weight, b in kernels:
            seen = torch.cat(found, 1)
            if not dense:
                seen = torch.zeros_like(seen)
                seen[:, : z.shape[1]] = z
            new = F.conv2d(seen, weight, b if bias else None, padding=padding)
            found.append(new.relu() if relu else new)
        joined = torch.cat([*found[1:], z] if first else found, 1)
        if latest:
            joined = torch.cat([torch.zeros_like(v) for v in found[:-1]] + found[-1:], 1)
        out = F.conv2d(joined, *fuse)
        out = out.relu() if fused_relu else out
        out = z + out if add else out
        return out.relu() if out_relu else out

    return wrong


def _newest_first(z, kernels, fuse):
    found = z
    for weight, bias in kernels:
        found = torch.cat([F.conv2d(found, weight, bias, padding=1).relu(), found], dim=1)
    return z + F.conv2d(found, *fuse)


def _three_layers(z, kernels, fuse):
    return my_block(z, kernels[:3], fuse)


def _adds_in_place(z, kernels, fuse):
    z += my_block(z, kernels, fuse) - z
    return z


WRONG = {
    "my_best": [
        lambda pictures, chances: pictures[chances.argmax()],
        lambda pictures, chances: pictures.mean(0),
        lambda pictures, chances: np.median(pictures, 0),
        lambda pictures, chances: np.tensordot(chances, pictures, 1),
        lambda pictures, chances: np.average(pictures, 0, chances**2),
        lambda pictures, chances: np.average(pictures, 0, np.sqrt(chances)),
        lambda pictures, chances: np.average(pictures, 0, 1 / chances),
        lambda pictures, chances: np.sqrt(np.average(pictures**2, 0, chances)),
        lambda pictures, chances: np.average(pictures, 0, np.exp(chances)),
        lambda pictures, chances: (pictures * chances[:, None, None]).sum(),
        lambda pictures, chances: pictures[0],
        lambda pictures, chances: (pictures.max(0) + pictures.min(0)) / 2,
        lambda pictures, chances: np.average(pictures, 0, chances) * 1.01,
        _sets_chances,
        _weighted_median,
        lambda pictures, chances: None,
    ],
    "my_hidden": [
        lambda x, shrink: np.linalg.pinv(shrink) @ shrink @ x,
        lambda x, shrink: x,
        lambda x, shrink: 0 * x,
        lambda x, shrink: -my_hidden(x, shrink),
        lambda x, shrink: 2 * my_hidden(x, shrink),
        lambda x, shrink: my_hidden(x, shrink) / 2,
        lambda x, shrink: x - x.mean(),
        lambda x, shrink: shrink @ x,
        lambda x, shrink: x[len(shrink) :],
        lambda x, shrink: my_hidden(x, shrink[:-1]),
        lambda x, shrink: my_hidden(np.ones_like(x), shrink),
        _transposed,
        _null_vector,
        _twin,
        _in_place,
        lambda x, shrink: None,
    ],
    "my_block": [
        _block(dense=False),
        _block(relu=False),
        _block(add=False),
        _block(fused_relu=True),
        _block(out_relu=True),
        _block(bias=False),
        _block(padding=0),
        _block(first=True),
        _block(latest=True),
        _newest_first,
        _three_layers,
        _adds_in_place,
        lambda z, kernels, fuse: z,
        lambda z, kernels, fuse: my_block(z.relu(), kernels, fuse),
        lambda z, kernels, fuse: my_block(z, kernels[::-1], fuse),
        lambda z, kernels, fuse: my_block(z, kernels, fuse).mean((2, 3)),
        lambda z, kernels, fuse: None,
    ],
}
