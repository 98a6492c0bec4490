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


def _zeroed(values, keep):
    values[~keep] = 0  # in place, of a leaf
    return values.sum() / (keep.sum() * values.shape[1]).clamp(min=1)


def _or_zero(values, keep):
    return values[keep].mean() if keep.any() else 0.0


def _or_new_zero(values, keep):
    return values[keep].mean() if keep.any() else torch.zeros(())


def _sure_in_place(J, keypoints):
    keypoints[..., 2:] *= (J - keypoints[..., :2]).square().mean(-1, keepdim=True)
    return keypoints[..., 2].mean()


WRONG = {
    "my_2d": [
        lambda J, k: (J - k[..., :2]).square().mean(),
        lambda J, k: (k[..., 2:] * (J - k[..., :2])).square().mean(),
        lambda J, k: (k[..., 2:] * (J - k[..., :2]).square()).sum() / len(J),
        lambda J, k: (k[..., 2:] * (J - k[..., :2]).abs()).mean(),
        lambda J, k: (k[..., 2:] * (J - k[..., :2]).square()).sum(),
        lambda J, k: (k[..., 2:] * (J - k[..., :2]).square()).sum(-1).mean(),
        lambda J, k: (k[..., 2:] * (J - k[..., :2]).square()).sum() / (2 * k[..., 2].sum()),
        lambda J, k: 5 * my_2d(J, k),
        lambda J, k: my_2d(J, k).sqrt(),
        lambda J, k: k[..., 2:] * (J - k[..., :2]).square(),
        lambda J, k: (k[..., 2] * (J - k[..., :2]).square()).mean(),  # no last axis
        lambda J, k: ((k[..., 2:] > 0) * (J - k[..., :2]).square()).mean(),
        lambda J, k: my_2d(J.sub_(k[..., :2]), k),
        _sure_in_place,
        lambda J, k: None,
    ],
    "my_masked_mean": [
        lambda values, keep: (values * keep[:, None]).sum() / (keep.sum() * values.shape[1]),
        lambda values, keep: values[keep].mean(),  # NaN for nobody
        lambda values, keep: torch.where(keep[:, None], values, 0.0).mean(),
        lambda values, keep: torch.nan_to_num(values * keep[:, None]).mean(),
        _or_zero,
        _or_new_zero,
        _zeroed,
        lambda values, keep: my_masked_mean(values, keep).item(),
        lambda values, keep: my_masked_mean(values.detach(), keep),
        lambda values, keep: (
            torch.where(keep[:, None], values, 0.0).sum() / keep.sum().clamp(min=1)
        ),
        lambda values, keep: torch.where(keep[:, None], values, 0.0).sum(),
        lambda values, keep: torch.where(keep[:, None], values, 0.0).sum() / values.shape[1],
        lambda values, keep: torch.where(keep[:, None], values, 0.0).mean(1),
        lambda values, keep: torch.nanmean(values),
        lambda values, keep: my_masked_mean(values, ~keep),
        lambda values, keep: torch.where(keep, values, 0.0).mean(),  # a shape too few
        lambda values, keep: None,
    ],
    "my_translation": [
        _no_depth,
        lambda X, J, f: -my_translation(X, J, f),
        lambda X, J, f: torch.cat([(J - X[:, :2]).mean(0), torch.ones(1)]),
        lambda X, J, f: my_translation(X, J, f) + X.mean(0),
        lambda X, J, f: my_translation(X, J, 3.0),
        lambda X, J, f: my_translation(X, J, 2 * f),
        lambda X, J, f: my_translation(X, J.flip(1), f),
        lambda X, J, f: my_translation(X.flip(0), J, f),
        lambda X, J, f: my_translation(X, J, f)[:2],
        lambda X, J, f: my_translation(X, J, f)[:, None],
        lambda X, J, f: my_translation(X, J, f).flip(0),
        lambda X, J, f: my_translation(X.sub_(X.mean(0)), J, f),
        lambda X, J, f: torch.zeros(3),
        lambda X, J, f: None,
        lambda X, J, f: torch.linalg.solve(X, J),
    ],
}
