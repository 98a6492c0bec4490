"""Solutions of 01_smpl, and wrong answers that the checks must turn down."""

import torch


def my_shape(template, dirs, betas):
    return template + dirs @ betas


def my_skin(points, weights, turns, shifts):
    moved = torch.einsum("kij,vj->vki", turns, points) + shifts
    return (weights[..., None] * moved).sum(1)


def my_local(world, parents):
    out = world.clone()
    for k in range(1, len(parents)):
        out[k] = world[parents[k]].T @ world[k]
    return out


def my_translation(cam):
    return torch.stack([cam[:, 1], cam[:, 2], 2 * 5000 / (224 * cam[:, 0])], 1)


def _with_depth(depth):
    return lambda cam: torch.stack([cam[:, 1], cam[:, 2], depth(cam[:, 0])], 1)


def _in_place(world, parents):
    for k in range(1, len(parents)):
        world[k] = world[parents[k]].T @ world[k]
    return world


WRONG = {
    "my_shape": [
        lambda template, dirs, betas: dirs @ betas,
        lambda template, dirs, betas: template - dirs @ betas,
        lambda template, dirs, betas: template + dirs.sum(2),
        lambda template, dirs, betas: template + dirs[:, :, 0] * betas[0],
        lambda template, dirs, betas: template + dirs[:, :, :10] @ betas[:10] / 10,
        lambda template, dirs, betas: template + (dirs @ betas).abs(),
        lambda template, dirs, betas: template + betas @ dirs,
        lambda template, dirs, betas: template + (dirs * betas),
        lambda template, dirs, betas: template.add_(dirs @ betas),
        lambda template, dirs, betas: (template + dirs @ betas).sum(0),
        lambda template, dirs, betas: None,
    ],
    "my_skin": [
        lambda p, w, r, t: torch.einsum("vk,kji,vj->vi", w, r, p) + w @ t,
        lambda p, w, r, t: torch.einsum("vk,kij,vj->vi", w, r, p),
        lambda p, w, r, t: torch.einsum("kij,vj->vi", r, p) / len(r) + t.mean(0),
        lambda p, w, r, t: torch.einsum("vk,kij,vj->vi", w, r, p) + t.sum(0),
        lambda p, w, r, t: torch.einsum("vij,vj->vi", r[w.argmax(1)], p) + t[w.argmax(1)],
        lambda p, w, r, t: torch.einsum("vk,kij,vj->vi", w, r, p) - w @ t,
        lambda p, w, r, t: torch.einsum("vk,kij,vkj->vi", w, r, p[:, None] + t),
        lambda p, w, r, t: torch.einsum("kij,vj->vki", r, p) + t,
        lambda p, w, r, t: w @ (r @ p + t),
        lambda p, w, r, t: p,
        lambda p, w, r, t: None,
        lambda p, w, r: p,
    ],
    "my_local": [
        lambda world, parents: world,
        lambda world, parents: torch.stack(
            [w if p < 0 else w @ world[p].T for w, p in zip(world, parents, strict=True)]
        ),
        lambda world, parents: torch.stack(
            [world[p].T @ w for w, p in zip(world, parents, strict=True)]
        ),
        lambda world, parents: torch.stack(
            [w if p < 0 else world[p] @ w for w, p in zip(world, parents, strict=True)]
        ),
        lambda world, parents: torch.stack(
            [w if p < 0 else w.T @ world[p] for w, p in zip(world, parents, strict=True)]
        ),
        lambda world, parents: torch.stack(
            [w if p < 0 else world[0].T @ w for w, p in zip(world, parents, strict=True)]
        ),
        lambda world, parents: torch.stack(
            [w if k == 0 else world[k - 1].T @ w for k, w in enumerate(world)]
        ),
        _in_place,
        lambda world, parents: my_local(world, parents)[1:],
        lambda world, parents: my_local(world, [-1, 0, 1, 0, 3]),
        lambda world, parents: None,
    ],
    "my_translation": [
        _with_depth(lambda s: 5000 / (112 * s) * 2),
        _with_depth(lambda s: 2 * 5000 / 224 * s),
        _with_depth(lambda s: 5000 / (224 * s)),
        _with_depth(lambda s: 2 * 5000 / s),
        _with_depth(lambda s: s),
        _with_depth(lambda s: 2 * 5000 / (128 * s)),
        lambda cam: torch.stack([cam[:, 0] * cam[:, 1], cam[:, 0] * cam[:, 2], cam[:, 0]], 1),
        lambda cam: torch.stack([cam[:, 2], cam[:, 1], 2 * 5000 / (224 * cam[:, 0])], 1),
        lambda cam: torch.stack([cam[:, 1], cam[:, 2], 2 * 5000 / (224 * cam[:, 0])], 0),
        lambda cam: 2 * 5000 / (224 * cam[:, 0]),
        lambda cam: cam,
        lambda cam: None,
    ],
}
