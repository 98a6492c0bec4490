"""The losses: equal to naive loops, with gradients that flow in one direction."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F

from rsclib import losses as L
from rsclib.contrastive import FeatureQueue, nce
from rsclib.errors import RscError
from rsclib.geometry import cam_to_translation, project, rot6d_to_rotmat
from rsclib.network import Prediction
from rsclib.people import Labels

P, B = 3, 4


def _prediction(n: int = P * B) -> Prediction:
    out = Prediction(
        rot6d_to_rotmat(torch.randn(n, 24, 6)), torch.randn(n, 10), torch.rand(n, 3) + 0.5,
        torch.randn(n, 32), torch.randn(n, 16),
    )  # fmt: skip
    return Prediction(*(t.requires_grad_() for t in out))


def _targets(labelled: int = 2) -> Labels:
    has = torch.arange(B) < labelled
    return Labels(
        torch.cat([torch.rand(B, 24, 2), torch.rand(B, 24, 1).round()], 2),
        torch.cat([torch.randn(B, 24, 3), torch.ones(B, 24, 1)], 2),
        rot6d_to_rotmat(torch.randn(B, 24, 6)), torch.randn(B, 10), has, has, torch.arange(B),
    )  # fmt: skip


def test_pair_weights() -> None:
    w = L.pair_weights(5)
    assert w.tolist() == [[max(j - i, 0) for j in range(5)] for i in range(5)]
    assert w.sum() == 20  # (4 pairs of 1) + (3 of 2) + (2 of 3) + (1 of 4)


@pytest.mark.parametrize("distance", ["squared", "absolute"])
def test_basic_loss_equals_a_loop(distance: str) -> None:
    p, t, joints = _prediction(B), _targets(), torch.randn(B, 24, 3)
    config = dataclasses.replace(
        L.LossConfig.paper(),
        joints3d=2.0,
        joints2d=3.0,
        distance=distance,  # type: ignore[arg-type]
    )

    def size(x: torch.Tensor) -> torch.Tensor:
        return x.detach().square() if distance == "squared" else x.detach().abs()

    terms = L.basic_loss(p, joints, t, config)
    flat = project(joints, p.cam)
    two = [
        [
            t.keypoints2d[b, j, 2] * size(flat[b, j] - t.keypoints2d[b, j, :2]).sum()
            for j in range(24)
        ]
        for b in range(B)
    ]
    assert float(terms["2d"]) == pytest.approx(3 * float(sum(map(sum, two))) / (B * 48), rel=1e-5)

    def mid(x: torch.Tensor) -> torch.Tensor:
        return x - (x[2] + x[3]) / 2

    three = [size(mid(joints[b]) - mid(t.keypoints3d[b, :, :3])).mean() for b in range(2)]
    assert float(terms["3d"]) == pytest.approx(2 * float(sum(three)) / 2, rel=1e-5)
    pose = [size(p.rotmats[b] - t.rotmats[b]).mean() for b in range(2)]
    assert float(terms["pose"]) == pytest.approx(float(sum(pose)) / 2, rel=1e-5)


def test_unlabelled_samples_are_never_read() -> None:
    p, joints = _prediction(B), torch.randn(B, 24, 3)
    a, b = _targets(0), _targets(0)
    b.keypoints3d.mul_(1000)
    b.betas.add_(7)
    b = b._replace(keypoints2d=a.keypoints2d, rotmats=b.rotmats * 0)
    first = L.basic_loss(p, joints, a, L.LossConfig.paper())
    second = L.basic_loss(p, joints, b, L.LossConfig.paper())
    assert all(torch.equal(first[k], second[k]) for k in first)
    assert first["3d"] == 0
    assert first["pose"] == 0


@pytest.mark.parametrize("delta", ["camera", "translation"])
@pytest.mark.parametrize("ss", ["directional", "undirected", "highest"])
def test_self_supervision_equals_a_loop_and_has_a_direction(ss: str, delta: str) -> None:
    p = _prediction()
    config = dataclasses.replace(L.LossConfig.paper(), ss=ss, delta=delta)  # type: ignore[arg-type]
    loss = L.self_supervision(p, P, config)
    t = p.cam if delta == "camera" else cam_to_translation(p.cam)

    def apart(i: int, j: int) -> float:
        a, b = slice(i * B, i * B + B), slice(j * B, j * B + B)
        return sum(float((v[a] - v[b]).square().mean()) for v in (p.rotmats, p.betas, t))

    pairs = [(i, j) for i in range(P) for j in range(P) if i < j]
    expected = {
        "directional": sum((j - i) * apart(i, j) for i, j in pairs),
        "undirected": sum(2 * apart(i, j) for i, j in pairs),
        "highest": sum(j * apart(0, j) for j in range(1, P)),
    }[ss]
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert p.betas.grad is not None
    first = p.betas.grad[:B].abs().sum()
    assert (first > 0) == (ss == "undirected")  # the full resolution is never pulled down
    assert p.betas.grad[-B:].abs().sum() > 0


def test_nce_by_hand() -> None:
    anchor, positive = torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0, 1.0]])
    queue = torch.tensor([[0.0, 3.0], [-1.0, 0.0]])
    got = nce(anchor, positive, queue, torch.tensor([[True, True]]), 0.5)
    s = [math.cos(math.pi / 4), 0.0, -1.0]
    expected = -math.log(math.exp(s[0] / 0.5) / sum(math.exp(x / 0.5) for x in s))
    assert float(got) == pytest.approx(expected, rel=1e-6)
    masked = nce(anchor, positive, queue, torch.tensor([[True, False]]), 0.5)
    expected = -math.log(math.exp(s[0] / 0.5) / (math.exp(s[0] / 0.5) + 1))
    assert float(masked) == pytest.approx(expected, rel=1e-6)


def test_nce_equals_gathering_negatives_sample_by_sample() -> None:
    z, zp, q = torch.randn(5, 8), torch.randn(5, 8), torch.randn(30, 8)
    keep = torch.rand(5, 30) > 0.3
    fast = nce(z, zp, q, keep, 0.1)
    for b in range(5):
        pos = F.cosine_similarity(z[b], zp[b], dim=0) / 0.1
        neg = F.cosine_similarity(q[keep[b]], z[b : b + 1]) / 0.1
        slow = -pos + torch.log(pos.exp() + neg.exp().sum())
        assert float(fast[b]) == pytest.approx(float(slow), rel=1e-4)


def test_an_anchor_without_negatives_has_no_loss_and_no_gradient() -> None:
    anchor = torch.randn(2, 8, requires_grad=True)
    keep = torch.tensor([[True] * 5, [False] * 5])
    values = nce(anchor, torch.randn(3, 2, 8), torch.randn(5, 8), keep, 0.1)
    values.sum().backward()
    assert values.shape == (3, 2)
    assert (values[:, 0] > 0).all()
    assert (values[:, 1] == 0).all()
    assert anchor.grad is not None
    assert anchor.grad[0].abs().sum() > 0
    assert (anchor.grad[1] == 0).all()


def test_feature_loss_is_the_weighted_sum_over_pairs() -> None:
    p = _prediction()
    queue = FeatureQueue(64, 16)
    queue.enqueue(torch.randn(20, 16), torch.arange(20) // 2)
    negatives, keep = queue.negatives(torch.arange(B))
    assert not keep.all()
    got = L.feature_loss(p, P, torch.arange(B), queue, L.LossConfig.paper())
    expected = sum(
        (j - i) * nce(p.proj[j * B :][:B], p.proj[i * B :][:B], negatives, keep, 0.1).mean()
        for i in range(P)
        for j in range(i + 1, P)
    )
    assert float(got) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("feat", ["nce", "mse", "cosine"])
def test_feature_loss_moves_only_the_lower_resolution(feat: str) -> None:
    p = _prediction()
    config = dataclasses.replace(L.LossConfig.paper(), feat=feat)  # type: ignore[arg-type]
    queue = FeatureQueue(64, 16)
    queue.enqueue(torch.randn(20, 16), torch.arange(100, 120))
    L.feature_loss(p, P, torch.arange(B), queue, config).backward()
    values = p.proj if feat == "nce" else p.phi
    assert values.grad is not None
    assert values.grad[:B].abs().sum() == 0
    assert values.grad[-B:].abs().sum() > 0


def test_released_preset_equals_its_formula() -> None:
    p, t, joints = _prediction(), _targets(), torch.randn(P * B, 24, 3)
    config = dataclasses.replace(L.LossConfig.released(), ramp_steps=10)
    queue = FeatureQueue(64, 16)
    parts = L.rsc_loss(p, joints, t, P, queue, 5, config)
    basic = 0.0
    for i in range(P):
        rows = slice(i * B, i * B + B)
        terms = L.basic_loss(Prediction(*(v[rows] for v in p)), joints[rows], t, config)
        basic += (i + 1) / P * float(sum(terms.values()))
    ss = float(L.self_supervision(p, P, config))
    feat = float(L.feature_loss(p, P, t.ids, queue, config))
    expected = 60 * (basic + 0.5 * 0.25 / P * (ss + 0.1 * feat))
    assert float(sum(parts.values())) == pytest.approx(expected, rel=1e-5)
    assert len(queue) == P * B  # every scale is kept


def test_one_scale_has_no_consistency() -> None:
    p = _prediction(B)
    parts = L.rsc_loss(p, torch.randn(B, 24, 3), _targets(), 1, None, 0, L.LossConfig.paper())
    assert parts["ss"] == 0
    assert parts["feat"] == 0
    assert parts["2d"] > 0
    with pytest.raises(RscError, match="scales"):
        L.self_supervision(_prediction(7), 3, L.LossConfig.paper())
