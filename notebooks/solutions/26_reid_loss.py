"""Solutions of 26_reid_loss, and wrong answers that the checks must turn down."""

import torch


def my_layer(a, b):
    a, b = a.flatten(1), b.flatten(1)
    a, b = a / a.norm(dim=1, keepdim=True), b / b.norm(dim=1, keepdim=True)
    return (a - b).square().mean(1)


def my_mean_cosine(raw, sizes):
    return 1 - raw / (2 * sum(1 / d for d in sizes))


def my_gradient(f, g):
    away = f - g
    length = away.norm(dim=1, keepdim=True)
    return torch.where(length > 0, away / length.clamp_min(1e-12), torch.zeros_like(away))


def _unit(a):
    return a / a.flatten(1).norm(dim=1).view(-1, 1, 1, 1)


def _in_place(a, b):
    a /= a.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return my_layer(a, b)


WRONG = {
    "my_layer": [
        lambda a, b: (a - b).flatten(1).square().mean(1),
        lambda a, b: (_unit(a) - _unit(b)).flatten(1).square().sum(1),
        lambda a, b: (_unit(a) - _unit(b)).flatten(1).norm(dim=1),
        lambda a, b: (_unit(a) - _unit(b)).flatten(1).abs().mean(1),
        lambda a, b: my_layer(a, b).mean(),
        lambda a, b: my_layer(a, b)[:, None],
        lambda a, b: (a / a.norm(dim=1, keepdim=True) - b / b.norm(dim=1, keepdim=True)).square().flatten(1).mean(1),
        lambda a, b: 1 - torch.cosine_similarity(a.flatten(1), b.flatten(1)),
        lambda a, b: my_layer(a, b) / 2,
        lambda a, b: (_unit(a) - b).flatten(1).square().mean(1),
        lambda a, b: None,
        _in_place,
    ],
    "my_mean_cosine": [
        lambda raw, sizes: 1 - raw / 2,
        lambda raw, sizes: 1 - raw * sum(sizes) / 2,
        lambda raw, sizes: 1 - raw / sum(1 / d for d in sizes),
        lambda raw, sizes: raw / (2 * sum(1 / d for d in sizes)),
        lambda raw, sizes: 1 - raw * sum(sizes) / len(sizes) ** 2 / 2,
        lambda raw, sizes: 1 - raw / (2 * sum(1 / d for d in sizes) / len(sizes)),
        lambda raw, sizes: 0.73,
        lambda raw, sizes: max(0, my_mean_cosine(raw, sizes)),
        lambda raw, sizes: [my_mean_cosine(raw, sizes)],
        lambda raw, sizes: None,
    ],
    "my_gradient": [
        lambda f, g: -my_gradient(f, g),
        lambda f, g: 2 * (f - g),
        lambda f, g: f - g,
        lambda f, g: my_gradient(f, g) / len(f) if len(f) > 1 else 2 * my_gradient(f, g),
        lambda f, g: (f - g) / (f - g).norm(dim=1, keepdim=True),
        lambda f, g: (f - g) / (f - g).norm(),
        lambda f, g: my_gradient(f, g).sum(0),
        lambda f, g: torch.where((f - g).norm(dim=1, keepdim=True) > 0, my_gradient(f, g), torch.ones_like(f)),
        lambda f, g: (f - g).norm(dim=1),
        lambda f, g: None,
    ],
}  # fmt: skip
