"""Solutions of 10_feature_losses, and wrong answers that the checks must turn down."""

import torch
import torch.nn.functional as F


def my_cosine(sharp, small):
    dots = (sharp * small).sum(1)
    return (1 - dots / (sharp.norm(dim=1) * small.norm(dim=1))).mean()


def my_found(small, sharp):
    table = F.normalize(small, dim=1) @ F.normalize(sharp, dim=1).T
    return (table.argmax(1) == torch.arange(len(small))).double().mean().item()


def my_gradient(sharp, small):
    unit, there = F.normalize(small, dim=1), F.normalize(sharp, dim=1)
    cosine = (unit * there).sum(1, keepdim=True)
    return -(there - cosine * unit) / small.norm(dim=1, keepdim=True)


def _share(found):
    return (found == torch.arange(len(found))).double().mean()


def _table(small, sharp):
    return F.normalize(small, dim=1) @ F.normalize(sharp, dim=1).T


WRONG = {
    "my_cosine": [
        lambda sharp, small: F.cosine_similarity(sharp, small).mean(),
        lambda sharp, small: 1 - (sharp * small).sum(1).mean(),
        lambda sharp, small: (1 - F.cosine_similarity(sharp, small)).sum(),
        lambda sharp, small: 1 - F.cosine_similarity(sharp, small),  # one number a person
        lambda sharp, small: 1 - F.cosine_similarity(sharp, small, dim=0).mean(),
        lambda sharp, small: (
            1 - F.cosine_similarity(sharp.flatten(), small.flatten(), dim=0) + 1e-5
        ),
        lambda sharp, small: (
            (F.normalize(sharp, dim=1) - F.normalize(small, dim=1)).square().mean()
        ),
        lambda sharp, small: (sharp - small).square().mean(),
        lambda sharp, small: 1 - F.cosine_similarity(sharp, small).abs().mean() / 2,
        lambda sharp, small: torch.arccos(F.cosine_similarity(sharp, small)).mean(),
        lambda sharp, small: 1 - my_cosine(sharp, small),
        lambda sharp, small: my_cosine(sharp.div_(sharp.norm(dim=1, keepdim=True)), small),
        lambda sharp, small: F.cosine_similarity(sharp, small).mean() - 1,
        lambda sharp, small: None,
    ],
    "my_found": [
        lambda small, sharp: my_found(sharp, small),
        lambda small, sharp: _share(torch.cdist(small, sharp).argmin(1)),
        lambda small, sharp: _share((small @ sharp.T).argmax(1)),
        lambda small, sharp: _share(_table(small, sharp).argmax(0)),
        lambda small, sharp: _share(_table(small, sharp).argmin(1)),
        lambda small, sharp: (_table(small, sharp).argmax(1) == torch.arange(len(small))).sum(),
        lambda small, sharp: 1 - my_found(small, sharp),
        lambda small, sharp: 100 * my_found(small, sharp),
        lambda small, sharp: _table(small, sharp).diagonal().mean(),
        lambda small, sharp: _table(small, sharp).argmax(1) == torch.arange(len(small)),
        lambda small, sharp: _share(_table(small, small).argmax(1)),
        lambda small, sharp: (_table(small, sharp).diagonal() > 0.5).double().mean() * 0.99,
        lambda small, sharp: my_found(small[:5], sharp[:5]) * 0.999,
        lambda small, sharp: None,
    ],
    "my_gradient": [
        lambda sharp, small: -my_gradient(sharp, small),
        lambda sharp, small: my_gradient(sharp, small) / len(small),
        lambda sharp, small: my_gradient(sharp, small) * small.norm(dim=1, keepdim=True),
        lambda sharp, small: my_gradient(small, sharp),
        lambda sharp, small: 2 * (small - sharp),
        lambda sharp, small: small - sharp,
        lambda sharp, small: -sharp / (sharp.norm(dim=1) * small.norm(dim=1))[:, None],
        lambda sharp, small: -F.normalize(sharp, dim=1),
        lambda sharp, small: F.normalize(small, dim=1) - F.normalize(sharp, dim=1),
        lambda sharp, small: 2 * my_gradient(sharp, small),
        lambda sharp, small: my_gradient(sharp, small) * sharp.norm(dim=1, keepdim=True),
        lambda sharp, small: my_gradient(sharp, small) / small.norm(dim=1, keepdim=True),
        lambda sharp, small: my_gradient(sharp, small).sum(0),
        lambda sharp, small: my_gradient(sharp, small.mul_(2)),
        lambda sharp, small: None,
    ],
}
