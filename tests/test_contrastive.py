"""The queue behaves like a plain list that forgets its oldest entries."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from rsclib.contrastive import FeatureQueue


@given(st.integers(1, 12), st.lists(st.lists(st.integers(0, 5), max_size=20), max_size=8))
def test_equals_a_list(size: int, batches: list[list[int]]) -> None:
    queue, naive = FeatureQueue(size, 2), []
    counter = 0.0
    for ids in batches:
        features = torch.tensor([[counter + k, float(i)] for k, i in enumerate(ids)]).reshape(-1, 2)
        counter += len(ids)
        queue.enqueue(features, torch.tensor(ids, dtype=torch.long))
        naive = (naive + [(f[0].item(), i) for f, i in zip(features, ids, strict=True)])[-size:]
        assert len(queue) == len(naive)
        kept, mask = queue.negatives(torch.tensor([0, 3]))
        assert sorted(kept[:, 0].tolist()) == sorted(f for f, _ in naive)
        for row, own in zip(mask, (0, 3), strict=True):
            got = sorted(kept[row, 0].tolist())
            assert got == sorted(f for f, i in naive if i != own)


def test_survives_a_checkpoint() -> None:
    queue, again = FeatureQueue(4, 2), FeatureQueue(4, 2)
    queue.enqueue(torch.randn(6, 2), torch.arange(6))
    again.load_state_dict(queue.state_dict())
    queue.enqueue(torch.ones(1, 2), torch.tensor([9]))
    again.enqueue(torch.ones(1, 2), torch.tensor([9]))
    assert torch.equal(queue.features, again.features)
    assert torch.equal(queue.ids, again.ids)
    assert not queue.features.requires_grad


def test_so_many_negatives_are_drawn_for_each_row_and_never_its_own() -> None:
    queue = FeatureQueue(40, 2)
    queue.enqueue(torch.randn(40, 2), torch.arange(40) % 10)
    ids = torch.tensor([3, 99])
    _, keep = queue.negatives(ids, 12)
    assert keep.sum(1).tolist() == [12, 12]
    assert not keep[0, queue.ids == 3].any()
    assert not torch.equal(keep[0], queue.negatives(ids, 12)[1][0])  # drawn anew
    _, keep = queue.negatives(ids, 38)  # more than row 0 has: all it has
    assert keep.sum(1).tolist() == [36, 38]
    assert torch.equal(queue.negatives(ids, 0)[1], queue.negatives(ids, 40)[1])
