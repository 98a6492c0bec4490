"""Solutions of 01_smpl, and wrong answers that the checks must turn down."""

import torch


def my_translation(cam):
    return torch.stack([cam[:, 1], cam[:, 2], 2 * 5000 / (224 * cam[:, 0])], 1)


def my_skin(points, weights, turns, shifts):
    moved = torch.einsum("kij,vj->vki", turns, points) + shifts
    return (weights[..., None] * moved).sum(1)


def my_local(world, parents):
    out = world.clone()
    for k in range(1, len(parents)):
        out[k] = world[parents[k]].T @ world[k]
    return out


WRONG = {
    "my_translation": [
        lambda cam: torch.stack([cam[:, 1], cam[:, 2], 5000 / (112 * cam[:, 0]) * 2], 1),
        lambda cam: torch.stack([cam[:, 1], cam[:, 2], 2 * 5000 / 224 * cam[:, 0]], 1),
        lambda cam: torch.stack([cam[:, 0] * cam[:, 1], cam[:, 0] * cam[:, 2], cam[:, 0]], 1),
    ],
    "my_skin": [
        lambda p, w, r, t: torch.einsum("vk,kji,vj->vi", w, r, p) + w @ t,
        lambda p, w, r, t: torch.einsum("vk,kij,vj->vi", w, r, p),
        lambda p, w, r, t: torch.einsum("kij,vj->vi", r, p) / len(r) + t.mean(0),
        lambda p, w, r, t: torch.einsum("vk,kij,vj->vi", w, r, p) + t.sum(0),
    ],
    "my_local": [
        lambda world, parents: world,
        lambda world, parents: torch.stack(
            [w if p < 0 else w @ world[p].T for w, p in zip(world, parents, strict=True)]
        ),
        lambda world, parents: torch.stack(
            [world[p].T @ w for w, p in zip(world, parents, strict=True)]
        ),
    ],
}
