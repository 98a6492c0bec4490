"""Solutions of 04_training_signals, and wrong answers that the checks must turn down."""

import torch


def my_2d(J, keypoints):
    return (keypoints[..., 2:] * (J - keypoints[..., :2]).square()).mean()


def my_masked_mean(values, keep):
    kept = torch.where(keep[:, None], values, 0.0)
    return kept.sum() / (keep.sum() * values.shape[1]).clamp(min=1)


def my_translation(X, J, f):
    u, v, zero = J[:, 0], J[:, 1], torch.zeros(len(J))
    rows = torch.cat(
        [
            torch.stack([zero + f, zero, -u], 1),
            torch.stack([zero, zero + f, -v], 1),
        ]
    )
    right = torch.cat([u * X[:, 2] - f * X[:, 0], v * X[:, 2] - f * X[:, 1]])
    return torch.linalg.lstsq(rows, right[:, None]).solution[:, 0]


def _no_depth(X, J, f):
    u, v, zero = J[:, 0], J[:, 1], torch.zeros(len(J))
    rows = torch.cat([torch.stack([zero + f, zero, -u], 1), torch.stack([zero, zero + f, -v], 1)])
    right = torch.cat([-f * X[:, 0], -f * X[:, 1]])
    return torch.linalg.lstsq(rows, right[:, None]).solution[:, 0]


WRONG = {
    "my_2d": [
        lambda J, k: (J - k[..., :2]).square().mean(),
        lambda J, k: (k[..., 2:] * (J - k[..., :2])).square().mean(),
        lambda J, k: (k[..., 2:] * (J - k[..., :2]).square()).sum() / len(J),
        lambda J, k: (k[..., 2:] * (J - k[..., :2]).abs()).mean(),
    ],
    "my_masked_mean": [
        lambda values, keep: (values * keep[:, None]).sum() / (keep.sum() * values.shape[1]),
        lambda values, keep: values[keep].mean(),
        lambda values, keep: torch.where(keep[:, None], values, 0.0).mean(),
        lambda values, keep: torch.nan_to_num(values * keep[:, None]).mean(),
    ],
    "my_translation": [
        _no_depth,
        lambda X, J, f: -my_translation(X, J, f),
        lambda X, J, f: torch.cat([(J - X[:, :2]).mean(0), torch.ones(1)]),
    ],
}
