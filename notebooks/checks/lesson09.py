"""Checks of 09_contrastive."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from checks import array_of, expect


def _g(anchor: Tensor, positive: Tensor, negatives: Tensor, tau: float) -> float:
    same = F.cosine_similarity(anchor, positive, dim=0) / tau
    others = F.cosine_similarity(anchor[None], negatives, dim=1) / tau
    return float(torch.cat([same[None], others]).logsumexp(0) - same)


def check_nce(answer: Callable[[Tensor, Tensor, Tensor, float], float]) -> None:
    draw = torch.Generator().manual_seed(0)
    for width, count, tau, spread in ((3, 1, 1.0, 1.0), (5, 7, 0.5, 0.7), (16, 20, 0.2, 2.0)):
        anchor, other = spread * torch.randn(2, width, generator=draw).double()
        positive = anchor + 0.8 * other
        negatives = spread * torch.randn(count, width, generator=draw).double()
        kept = [v.clone() for v in (anchor, positive, negatives)]

        def of(
            a: Tensor = anchor,
            p: Tensor = positive,
            q: Tensor = negatives,
            tau: float = tau,
        ) -> float:
            return float(array_of(answer(a, p, q, tau), (), "one number"))

        got, want = of(), _g(anchor, positive, negatives, tau)
        unchanged = all(
            torch.equal(a, b) for a, b in zip(kept, (anchor, positive, negatives), strict=True)
        )
        expect(unchanged, "an argument was changed")
        longer = abs(of(3 * anchor, positive, 2 * negatives) - got) < 1e-6
        expect(longer, "a vector that points the same way but is longer should change nothing")
        twice = of(q=negatives.repeat(2, 1))
        expect(twice > got + 1e-9, "with every negative listed twice the question is harder: is g?")
        expect(got > 0, "a probability is at most 1: which sign has minus its logarithm?")
        near, far = of(p=anchor), of(p=-anchor)
        expect(near < far, "the nearer the positive, the smaller g")
        flat = of(tau=1e6)
        many = float(torch.tensor(count + 1.0).log())
        expect(
            abs(flat - many) < 1e-3,
            "at a very high temperature all candidates count alike: how many are there, the right "
            "one among them?",
        )
        expect(
            abs(got - want) < 1e-6,
            "try two vectors that are equal, one that is orthogonal, and tau = 1 on paper",
        )


Loss = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, float], Tensor]


def _losses(low: Tensor, high: Tensor, queue: Tensor, keep: Tensor, tau: float) -> Tensor:
    values = [
        _g(a, p, queue[k], tau) if bool(k.any()) else 0.0
        for a, p, k in zip(low, high, keep, strict=True)
    ]
    return torch.tensor(values, dtype=torch.float64)


def check_loss(answer: Loss) -> None:
    draw = torch.Generator().manual_seed(1)
    for people, rows, width, tau in ((4, 12, 6, 0.5), (3, 9, 4, 0.2), (5, 30, 8, 1.0)):
        low, noise = torch.randn(2, people, width, generator=draw).double()
        high = 2 * (low + 0.7 * noise)
        queue = 3 * torch.randn(rows, width, generator=draw).double()
        ids = torch.randperm(50, generator=draw)[:people]
        # A third of the queue are features of these very images, and lie near them.
        queue_ids = torch.arange(rows) + 100
        own = torch.randint(0, people, (rows // 3,), generator=draw)
        queue_ids[: rows // 3] = ids[own]
        queue[: rows // 3] = 1.5 * low[own] + 0.5 * queue[: rows // 3]
        shuffled = torch.randperm(rows, generator=draw)
        queue, queue_ids = queue[shuffled], queue_ids[shuffled]
        low.requires_grad_()
        high.requires_grad_()
        kept = queue.clone(), queue_ids.clone()
        out = answer(low, high, queue, queue_ids, ids, tau)
        got = float(array_of(out, (), "one number for the batch"))
        unchanged = torch.equal(queue, kept[0]) and torch.equal(queue_ids, kept[1])
        expect(unchanged, "the queue was changed")
        keep = queue_ids[None] != ids[:, None]
        plain = low.detach(), high.detach()
        each = _losses(*plain, queue, keep, tau)

        def same(other: Tensor, got: float = got) -> bool:
            return abs(got - float(other)) < 1e-6

        expect(not same(each.sum()), "a larger batch would have a larger loss: why?")
        everyone = _losses(*plain, queue, torch.ones_like(keep), tau)
        expect(not same(everyone.mean()), "some rows of Q show the very image that is asked about")
        nobody = (queue_ids[None] != ids[:, None]).all(0).expand_as(keep)
        expect(
            not same(_losses(*plain, queue, nobody, tau).mean()),
            "an older feature of another image of the batch is a good negative: who must not see it?",
        )
        swapped = _losses(plain[1], plain[0], queue, keep, tau)
        expect(
            not same(swapped.mean()), "whose feature should stay away from Q: the one that learns"
        )
        expect(same(each.mean()), "take one image and a queue of two rows, and count by hand")
        expect(
            isinstance(out, Tensor) and out.requires_grad,
            "no gradient can flow: stay with tensors, and do not cut off what should learn",
        )
        grads = torch.autograd.grad(out, (low, high), allow_unused=True)
        expect(
            grads[0] is not None and bool(grads[0].abs().sum() > 0), "the small image must learn"
        )
        expect(
            grads[1] is None or not bool(grads[1].abs().sum() > 0),
            "the value is right, but the sharp image is pulled along too: what does the bar over phi say?",
        )
    alone = answer(low, high, queue, ids[:1].repeat(rows), ids, tau)
    left = _losses(*plain, queue, (ids[:1] != ids)[:, None].expand(people, rows), tau)
    expect(
        abs(float(array_of(alone, (), "one number")) - float(left.mean())) < 1e-6,
        "what if every row of Q is of the image itself? Then there is nothing to confuse it with",
    )


def check_force(answer: Callable[[Tensor, float], Tensor]) -> None:
    draw = torch.Generator().manual_seed(2)
    for count, tau in ((1, 1.0), (4, 0.5), (30, 0.1), (9, 2.0)):
        near = 2 * torch.rand(count + 1, generator=draw).double() - 1
        kept = near.clone()
        out = answer(near, tau)
        got = torch.from_numpy(array_of(out, (count + 1,), "one number per candidate"))
        expect(torch.equal(near, kept), "the argument was changed")
        share = (near / tau).softmax(0)
        right = torch.zeros_like(share)
        right[0] = 1
        want = (share - right) / tau

        def same(other: Tensor, got: Tensor = got) -> bool:
            return torch.allclose(got, other, atol=1e-8)

        expect(not same(-want), "g should fall when the positive comes nearer: which sign is that?")
        if tau != 1:
            expect(not same(want * tau), "the similarity is divided by something before it is used")
            plain = (near.softmax(0) - right) / tau
            expect(not same(plain), "how do the shares depend on the temperature?")
        expect(
            bool(got[0] < 0) and bool((got[1:] > 0).all()),
            "one candidate attracts and all others repel: look at the signs",
        )
        expect(
            abs(float(got.sum())) < 1e-8,
            "raise all similarities by the same amount: g does not change. So what is the sum?",
        )
        expect(same(want), "compare with (g(s + h) - g(s)) / h for a small h")
