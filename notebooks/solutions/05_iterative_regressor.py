"""Solutions of 05_iterative_regressor, and wrong answers that the checks must turn down."""

import torch
from torch.nn.functional import normalize


def my_six(rotmats):
    return rotmats[:, :, :2].reshape(-1, 6)


def my_rotation(six):
    a1, a2 = six[:, 0::2], six[:, 1::2]
    b1 = normalize(a1, dim=1)
    b2 = normalize(a2 - (b1 * a2).sum(1, keepdim=True) * b1, dim=1)
    return torch.stack([b1, b2, torch.linalg.cross(b1, b2)], dim=2)


def my_loop(correct, phi, start, count):
    found = [start]
    for _ in range(count):
        found.append(found[-1] + correct(phi, found[-1]))
    return found


def _gram_schmidt(a1, a2, dim=2, mirrored=False, straight=True, first=True, long=False):
    b1 = normalize(a1, dim=1) if first else a1
    b2 = a2 - (b1 * a2).sum(1, keepdim=True) * b1 if straight else a2
    b2 = b2 if long else normalize(b2, dim=1)
    b3 = torch.linalg.cross(b2, b1) if mirrored else torch.linalg.cross(b1, b2)
    return torch.stack([b1, b2, b3], dim=dim)


def _second_first(six):
    b2 = normalize(six[:, 1::2], dim=1)
    b1 = normalize(six[:, 0::2] - (b2 * six[:, 0::2]).sum(1, keepdim=True) * b2, dim=1)
    return torch.stack([b1, b2, torch.linalg.cross(b1, b2)], dim=2)


def _loop(correct, phi, start, count, blind=False, replace=False):
    found = [start]
    for _ in range(count):
        step = correct(phi, start if blind else found[-1])
        found.append(step if replace else found[-1] + step)
    return found


def _in_place(correct, phi, start, count):
    found = [start]
    for _ in range(count):
        start += correct(phi, start)
        found.append(start.copy())
    return found


def _same_object(correct, phi, start, count):
    now = start.copy()
    found = [now]
    for _ in range(count):
        now += correct(phi, now)
        found.append(now)
    return found


WRONG = {
    "my_six": [
        lambda rotmats: rotmats[:, :2].reshape(-1, 6),
        lambda rotmats: rotmats[:, :, :2].mT.reshape(-1, 6),
        lambda rotmats: rotmats[:, :, 1:].reshape(-1, 6),
        lambda rotmats: rotmats[:, :, ::2].reshape(-1, 6),
        lambda rotmats: rotmats.reshape(-1, 9)[:, :6],
        lambda rotmats: rotmats.mT[:, :, :2].reshape(-1, 6),
        lambda rotmats: rotmats[:, :, [1, 0]].reshape(-1, 6),
        lambda rotmats: 2 * rotmats[:, :, :2].reshape(-1, 6),
        lambda rotmats: rotmats[:, :, :2],
        lambda rotmats: rotmats.mul_(1.5)[:, :, :2].reshape(-1, 6),
        lambda rotmats: None,
    ],
    "my_rotation": [
        lambda six: _gram_schmidt(six[:, :3], six[:, 3:]),  # one column after the other
        lambda six: _gram_schmidt(six[:, :3], six[:, 3:], dim=1),  # PyTorch3D's rows
        lambda six: _gram_schmidt(six[:, 0::2], six[:, 1::2], dim=1),
        lambda six: _gram_schmidt(six[:, 0::2], six[:, 1::2], mirrored=True),
        lambda six: _gram_schmidt(six[:, 0::2], six[:, 1::2], straight=False),
        lambda six: _gram_schmidt(six[:, 0::2], six[:, 1::2], first=False),
        lambda six: _gram_schmidt(six[:, 0::2], six[:, 1::2], long=True),
        lambda six: _gram_schmidt(six[:, 1::2], six[:, 0::2]),
        _second_first,
        lambda six: torch.eye(3).expand(len(six), 3, 3),
        lambda six: torch.linalg.qr(six.reshape(-1, 3, 2), mode="complete").Q,
        lambda six: six.mul_(2) is None or my_rotation(six),
        lambda six: six.reshape(-1, 3, 2),
    ],
    "my_loop": [
        lambda c, phi, start, n: _loop(c, phi, start, n)[-1],
        lambda c, phi, start, n: _loop(c, phi, start, n)[1:],
        lambda c, phi, start, n: _loop(c, phi, start, n + 1),
        lambda c, phi, start, n: _loop(c, phi, start, 3),
        lambda c, phi, start, n: _loop(c, phi, start, n, blind=True),
        lambda c, phi, start, n: _loop(c, phi, start, n, replace=True),
        lambda c, phi, start, n: _loop(c, phi, 0 * start, n),
        lambda c, phi, start, n: _loop(c, start, phi, n),
        lambda c, phi, start, n: _loop(lambda p, x: -c(p, x), phi, start, n),
        lambda c, phi, start, n: _loop(lambda p, x: c(p, x) / n, phi, start, n),
        _in_place,
        _same_object,
        lambda c, phi, start, n: None,
    ],
}
