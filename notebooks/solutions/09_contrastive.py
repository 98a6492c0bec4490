"""Solutions of 09_contrastive, and wrong answers that the checks must turn down."""

import torch
import torch.nn.functional as F


def my_nce(anchor, positive, negatives, tau):
    def s(a, b):
        return (a @ b / (a.norm() * b.norm()) / tau).exp()

    same = s(anchor, positive)
    return -torch.log(same / (same + sum(s(anchor, q) for q in negatives)))  # Eq. 12


def my_loss(low, high, queue, queue_ids, ids, tau):
    low, high = F.normalize(low, dim=1), F.normalize(high.detach(), dim=1)
    same = (low * high).sum(1, keepdim=True) / tau
    others = low @ F.normalize(queue, dim=1).T / tau
    others = others.masked_fill(queue_ids[None] == ids[:, None], -torch.inf)
    return (torch.cat([same, others], 1).logsumexp(1) - same[:, 0]).mean()


def my_force(similarities, tau):
    share = (similarities / tau).softmax(0)
    share[0] = share[0] - 1
    return share / tau


def _nce(a, p, q, tau, unit=True, inside=True, mean=False, power=1.0):
    if unit:
        a, p, q = F.normalize(a, dim=0), F.normalize(p, dim=0), F.normalize(q, dim=1)
    same, others = (a @ p / tau).exp(), (q @ a / tau).exp()
    rest = others.mean() if mean else others.sum()
    return -torch.log(same / (rest + same * inside)) * power


def _loss(low, high, queue, queue_ids, ids, tau, hide=-torch.inf, own=None, fixed=True, at=0, unit=True):  # fmt: skip
    high = high.detach() if fixed else high
    if unit:
        low, high, queue = (F.normalize(v, dim=1) for v in (low, high, queue))
    same = (low * high).sum(1, keepdim=True) / tau
    own = queue_ids[None] == ids[:, None] if own is None else own
    others = (low @ queue.T / tau).masked_fill(own, hide)
    return (torch.cat([same, others], 1)[:, at:].logsumexp(1) - same[:, 0]).mean()


def _in_batch(low, high, queue, queue_ids, ids, tau):
    low, high = F.normalize(low, dim=1), F.normalize(high.detach(), dim=1)
    return F.cross_entropy(low @ high.T / tau, torch.arange(len(low)))


def _sum(low, *rest):
    return len(low) * my_loss(low, *rest)


def _changed(low, high, queue, queue_ids, ids, tau):
    queue /= queue.norm(dim=1, keepdim=True)
    return my_loss(low, high, queue, queue_ids, ids, tau)


def _none_own(low, high, queue, queue_ids, ids, tau):
    own = torch.zeros(len(ids), len(queue_ids), dtype=torch.bool)
    return _loss(low, high, queue, queue_ids, ids, tau, own=own)


def _any_own(low, high, queue, queue_ids, ids, tau):
    own = torch.isin(queue_ids, ids)[None].expand(len(ids), -1)
    return _loss(low, high, queue, queue_ids, ids, tau, own=own)


def _only_own(low, high, queue, queue_ids, ids, tau):
    return _loss(low, high, queue, queue_ids, ids, tau, own=queue_ids[None] != ids[:, None])


def _transposed(low, high, queue, queue_ids, ids, tau):
    return _loss(low, high, queue, queue_ids, ids, tau, own=queue_ids[:, None] == ids[None])


def _one_hot(near):
    right = torch.zeros_like(near)
    right[0] = 1
    return right


WRONG = {
    "my_nce": [
        lambda a, p, q, tau: _nce(a, p, q, tau, unit=False),
        lambda a, p, q, tau: _nce(a, p, q, 1.0),
        lambda a, p, q, tau: _nce(a, p, q, 1 / tau),
        lambda a, p, q, tau: _nce(a, p, q, tau, inside=False),
        lambda a, p, q, tau: _nce(a, p, q, tau, mean=True),
        lambda a, p, q, tau: -_nce(a, p, q, tau),
        lambda a, p, q, tau: _nce(a, p, q, tau, power=0.4343),  # log10
        lambda a, p, q, tau: _nce(a, p, q, 0.1),  # always the paper's
        lambda a, p, q, tau: _nce(a, q[0], torch.cat([p[None], q[1:]]), tau),
        lambda a, p, q, tau: _nce(p, a, q, tau),  # negatives against the positive
        lambda a, p, q, tau: _nce(a, p, q[:1], tau),
        lambda a, p, q, tau: 1 - F.cosine_similarity(a, p, dim=0),
        lambda a, p, q, tau: (a - p).square().sum(),
        lambda a, p, q, tau: torch.exp(-_nce(a, p, q, tau)),  # the probability itself
        lambda a, p, q, tau: -F.cosine_similarity(a, p, dim=0) / tau,
        lambda a, p, q, tau: _nce(a.mul_(2), p, q, tau),
        lambda a, p, q, tau: _nce(a, p, q, tau).repeat(2),
        lambda a, p, q, tau: None,
    ],
    "my_loss": [
        _none_own,
        _any_own,
        _only_own,
        _transposed,
        _in_batch,
        _sum,
        _changed,
        lambda *given: _loss(*given, hide=0.0),  # exp(0) = 1 is still counted
        lambda *given: _loss(*given, fixed=False),
        lambda *given: _loss(*given, at=1),  # the positive is not in the sum
        lambda *given: _loss(*given, unit=False),
        lambda *given: _loss(*given[:5], tau=0.1),
        lambda *given: _loss(given[1], given[0], *given[2:]),
        lambda *given: my_loss(*given).detach(),
        lambda *given: float(my_loss(*given)),
        lambda *given: my_loss(*given).item() + 0 * given[0].sum(),
        lambda low, high, *rest: my_loss(low[:1], high[:1], rest[0], rest[1], rest[2][:1], rest[3]),
        lambda low, high, queue, queue_ids, ids, tau: (
            1 - F.cosine_similarity(low, high.detach())
        ).mean(),
        lambda *given: None,
    ],
    "my_force": [
        lambda near, tau: (_one_hot(near) - (near / tau).softmax(0)) / tau,
        lambda near, tau: (near / tau).softmax(0) - _one_hot(near),
        lambda near, tau: (near.softmax(0) - _one_hot(near)) / tau,
        lambda near, tau: (near / tau).softmax(0) / tau,
        lambda near, tau: ((near / tau).softmax(0) - _one_hot(near)) * tau,
        lambda near, tau: ((near / tau).softmax(0) - _one_hot(near).flip(0)) / tau,
        lambda near, tau: torch.cat([-torch.ones(1), (near[1:] / tau).softmax(0)]) / tau,
        lambda near, tau: -_one_hot(near) / tau,
        lambda near, tau: (near / tau).log_softmax(0),
        lambda near, tau: ((near / tau).exp() - _one_hot(near)) / tau,
        lambda near, tau: ((near / tau).softmax(0) - 1) / tau,
        lambda near, tau: ((near.div_(tau)).softmax(0) - _one_hot(near)) / tau,
        lambda near, tau: ((near / tau).softmax(0) - _one_hot(near))[1:] / tau,
        lambda near, tau: (near / tau).softmax(0).argmax(),
        lambda near, tau: None,
    ],
}
