"""Solutions of 08_self_supervision, and wrong answers that the checks must turn down."""

import torch


def my_weights(scales):
    index = torch.arange(scales)
    return (index[None] - index[:, None]).clamp(min=0).float()


def my_consistency(outputs, weights):
    total = 0
    for j in range(len(outputs)):
        for i in range(j):
            total = total + weights[i, j] * (outputs[i].detach() - outputs[j]).square().mean()
    return total


def my_target(outputs, j):
    weights = torch.arange(j, 0, -1).to(outputs)  # j - i for i = 0 .. j - 1
    return (weights[:, None, None] * outputs[:j]).sum(0) / weights.sum()


def _gap(scales):
    index = torch.arange(scales)
    return (index[None] - index[:, None]).float()


def _pairs(outputs, weights, distance, teacher=lambda t: t.detach(), pupil=lambda t: t, pairs=None):
    n = len(outputs)
    pairs = pairs or [(i, j) for j in range(n) for i in range(j)]
    return sum(weights[i, j] * distance(teacher(outputs[i]), pupil(outputs[j])) for i, j in pairs)


def _mse(a, b):
    return (a - b).square().mean()


def _mean_of(outputs, weights):
    return (weights[:, None, None] * outputs[: len(weights)]).sum(0) / weights.sum()


def _counted(scales):
    w = torch.zeros(scales, scales)
    for i in range(scales):
        for j in range(i, scales):
            w[i, j] = j - i + 1
    return w


def _in_place(outputs, weights):
    weights.div_(weights.sum())
    return my_consistency(outputs, weights)


WRONG = {
    "my_weights": [
        lambda scales: _gap(scales).clamp(min=0).T,
        lambda scales: _gap(scales),
        lambda scales: _gap(scales).abs(),
        lambda scales: (_gap(scales) > 0).float(),
        lambda scales: torch.ones(scales, scales).triu(),
        lambda scales: torch.ones(scales, scales),
        lambda scales: my_weights(5),
        lambda scales: my_weights(scales) / scales,
        lambda scales: my_weights(scales) / my_weights(scales).sum().clamp(min=1),
        lambda scales: my_weights(scales) + torch.eye(scales),
        lambda scales: my_weights(scales)[:-1, 1:],
        lambda scales: my_weights(scales).square(),
        lambda scales: -my_weights(scales),
        lambda scales: _gap(scales).clamp(0, 1) * 2,
        lambda scales: torch.arange(scales),
        lambda scales: None,
        _counted,
    ],
    "my_consistency": [
        lambda outputs, weights: _pairs(outputs, weights, _mse, teacher=lambda t: t),
        lambda outputs, weights: _pairs(
            outputs, weights, _mse, teacher=lambda t: t, pupil=lambda t: t.detach()
        ),
        lambda outputs, weights: _pairs(outputs, weights, _mse, pupil=lambda t: t.detach()),
        lambda outputs, weights: _pairs(outputs, torch.ones_like(weights), _mse),
        lambda outputs, weights: _pairs(outputs, my_weights(len(outputs)), _mse),
        lambda outputs, weights: _pairs(outputs, weights, lambda a, b: (a - b).square().sum()),
        lambda outputs, weights: _pairs(outputs, weights, lambda a, b: (a - b).abs().mean()),
        lambda outputs, weights: _pairs(outputs, weights, lambda a, b: _mse(a, b).sqrt()),
        lambda outputs, weights: _pairs(
            outputs, weights, lambda a, b: (a - b).square().sum(1).mean()
        ),
        lambda outputs, weights: _pairs(
            outputs, weights, _mse, pairs=[(0, j) for j in range(1, len(outputs))]
        ),
        lambda outputs, weights: (
            _pairs(outputs, weights, _mse, pairs=[(j - 1, j) for j in range(1, len(outputs))]) + 0.5
        ),
        lambda outputs, weights: 2 * my_consistency(outputs, weights),
        lambda outputs, weights: my_consistency(outputs, weights) / len(outputs),
        lambda outputs, weights: my_consistency(outputs, weights.T),
        lambda outputs, weights: my_consistency(outputs, weights).item(),
        lambda outputs, weights: my_consistency(outputs, weights).detach(),
        lambda outputs, weights: my_consistency(outputs[::-1], weights),
        lambda outputs, weights: None,
        _in_place,
    ],
    "my_target": [
        lambda outputs, j: outputs[:j].mean(0) + 1e-3,
        lambda outputs, j: outputs[:j].mean(0),
        lambda outputs, j: outputs[0],
        lambda outputs, j: outputs[j - 1],
        lambda outputs, j: outputs[j],
        lambda outputs, j: outputs.mean(0),
        lambda outputs, j: _mean_of(outputs, torch.arange(1, j + 1).to(outputs)),
        lambda outputs, j: _mean_of(outputs, torch.arange(j + 1, 0, -1).to(outputs)),
        lambda outputs, j: (torch.arange(j, 0, -1).to(outputs)[:, None, None] * outputs[:j]).sum(0),
        lambda outputs, j: my_target(outputs, j) / len(outputs),
        lambda outputs, j: my_target(outputs, len(outputs) - 1),
        lambda outputs, j: my_target(outputs, 4),
        lambda outputs, j: outputs[:j].median(0).values,
        lambda outputs, j: my_target(outputs, j).mean(0),
        lambda outputs, j: my_target(outputs.mul_(1.0001), j),
        lambda outputs, j: None,
    ],
}
