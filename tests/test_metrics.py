"""Errors of joints: known values, invariances, and agreement with a per-sample NumPy loop."""

from __future__ import annotations

import numpy as np
import pytest
import roma
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rsclib.errors import RscError
from rsclib.metrics import (
    acceleration,
    acceleration_error,
    centre,
    mpjpe,
    pa_mpjpe,
    procrustes_align,
)
from rsclib.skeleton import J14_NAMES, MIDHIP

SEEDS = st.integers(0, 2**32 - 1)
JOINTS = hnp.arrays(np.float64, (3, 14, 3), elements=st.floats(-2, 2, width=32))


def body(seed: int, batch: int = 4) -> torch.Tensor:
    """Random joints with the spread of a person, float64."""
    generator = torch.Generator().manual_seed(seed)
    return 0.4 * torch.randn(batch, 14, 3, generator=generator, dtype=torch.float64)


def pa_mpjpe_by_loop(pred: np.ndarray, gt: np.ndarray) -> np.ndarray:
    """Umeyama's solution sample by sample, with the SVD."""
    errors = []
    for p, g in zip(pred, gt, strict=True):
        p, g = p - p.mean(0), g - g.mean(0)
        u, d, vt = np.linalg.svd(p.T @ g)
        sign = np.diag([1, 1, np.sign(np.linalg.det(vt.T @ u.T))])
        scale = np.trace(np.diag(d) @ sign) / (p**2).sum()
        errors.append(np.linalg.norm(scale * p @ (vt.T @ sign @ u.T).T - g, axis=-1).mean())
    return 1000 * np.array(errors)


def test_mpjpe_of_a_known_shift_is_its_length_in_mm() -> None:
    gt = body(0).float()
    pred = gt + torch.tensor([0.03, 0.04, 0.0])
    torch.testing.assert_close(mpjpe(pred, gt), torch.full((4,), 50.0).double(), atol=1e-3, rtol=0)
    assert mpjpe(pred, gt, root=MIDHIP).max() < 1e-3


def test_midhip_is_between_the_hips() -> None:
    assert [J14_NAMES[i] for i in MIDHIP] == ["right hip", "left hip"]
    centred = centre(body(1))
    torch.testing.assert_close(centred[:, 2], -centred[:, 3])


def test_mpjpe_averages_over_joints_only() -> None:
    gt = torch.zeros(2, 4, 3)
    pred = gt.clone()
    pred[1, 2, 0] = 0.2
    assert mpjpe(pred, gt).tolist() == pytest.approx([0.0, 50.0])


@settings(max_examples=200)
@given(SEEDS, st.floats(0.2, 4), hnp.arrays(np.float64, 3, elements=st.floats(-5, 5)))
def test_pa_does_not_see_a_similarity(seed: int, scale: float, shift: np.ndarray) -> None:
    gt = body(seed)
    torch.manual_seed(seed % 2**31)
    rotation = roma.random_rotmat(dtype=torch.float64)
    pred = body(seed + 1)
    moved = scale * pred @ rotation.mT + torch.from_numpy(shift)
    torch.testing.assert_close(pa_mpjpe(moved, gt), pa_mpjpe(pred, gt), atol=1e-4, rtol=0)
    assert pa_mpjpe(scale * gt @ rotation.mT + torch.from_numpy(shift), gt).max() < 1e-4


@settings(max_examples=200)
@given(JOINTS, JOINTS)
def test_alignment_minimises_the_squared_error(pred: np.ndarray, gt: np.ndarray) -> None:
    # The alignment is best in the squared sense, so that is what cannot grow (MPJPE itself may).
    p, g = torch.from_numpy(pred), torch.from_numpy(gt)
    p, g = p - p.mean(1, keepdim=True), g - g.mean(1, keepdim=True)
    before = (p - g).square().sum((1, 2))
    after = (procrustes_align(p, g) - g).square().sum((1, 2))
    assert (after <= before + 1e-9).all()


@given(SEEDS)
def test_pa_is_at_most_mpjpe_for_a_perturbed_body(seed: int) -> None:
    gt = centre(body(seed))
    pred = centre(gt + 0.3 * body(seed + 1))
    # 2 %: the mean distance may exceed that of the root-mean-square optimum by a little.
    assert (pa_mpjpe(pred, gt) <= 1.02 * mpjpe(pred, gt)).all()


@settings(max_examples=200)
@given(SEEDS)
def test_pa_equals_a_loop_with_the_svd(seed: int) -> None:
    pred, gt = body(seed), body(seed + 1)
    expected = pa_mpjpe_by_loop(pred.numpy(), gt.numpy())
    np.testing.assert_allclose(pa_mpjpe(pred, gt).numpy(), expected, atol=1e-6)


def test_batch_equals_loop() -> None:
    pred, gt = body(5, 16), body(6, 16)
    for metric in (mpjpe, pa_mpjpe):
        singles = [metric(pred[i : i + 1], gt[i : i + 1]) for i in range(16)]
        torch.testing.assert_close(metric(pred, gt), torch.cat(singles), atol=1e-9, rtol=0)


def test_a_mirrored_body_is_not_forgiven() -> None:
    gt = body(7)
    mirrored = gt * torch.tensor([-1.0, 1.0, 1.0])
    assert pa_mpjpe(mirrored, gt).min() > 50


@pytest.mark.parametrize("degenerate", ["one point", "line", "plane"])
def test_degenerate_joints_give_finite_errors(degenerate: str) -> None:
    gt = body(8)
    keep = {"one point": 0, "line": 1, "plane": 2}[degenerate]
    flat = gt * (torch.arange(3) < keep)
    for pred, truth in ((flat, gt), (gt, flat), (flat, flat)):
        assert pa_mpjpe(pred, truth).isfinite().all()
        assert mpjpe(pred, truth).isfinite().all()
    assert pa_mpjpe(flat, flat).max() < 1e-4


@given(JOINTS, JOINTS)
def test_any_joints_give_finite_errors(pred: np.ndarray, gt: np.ndarray) -> None:
    assert pa_mpjpe(torch.from_numpy(pred), torch.from_numpy(gt)).isfinite().all()


@given(SEEDS)
def test_constant_velocity_has_no_acceleration(seed: int) -> None:
    pose, velocity = body(seed, 1), 0.1 * body(seed + 1, 1)
    joints = pose + torch.arange(10).view(-1, 1, 1) * velocity
    assert acceleration(joints).max() < 1e-9
    other = joints.flip(0)
    assert acceleration_error(joints, other).max() < 1e-9


def test_acceleration_is_in_mm_per_squared_frame() -> None:
    time = torch.arange(6.0).view(-1, 1, 1)
    joints = 0.5 * 0.008 * time**2 * torch.tensor([0.6, 0.8, 0.0]).expand(6, 14, 3)
    assert acceleration(joints).tolist() == pytest.approx([8.0] * 4, abs=1e-3)
    still = torch.zeros_like(joints)
    assert acceleration_error(joints, still).tolist() == pytest.approx([8.0] * 4, abs=1e-3)


def test_acceleration_error_compares_directions_not_lengths() -> None:
    time = torch.arange(5.0).view(-1, 1, 1)
    joints = 0.01 * time**2 * torch.tensor([1.0, 0.0, 0.0]).expand(5, 14, 3)
    assert acceleration_error(joints, -joints).mean() > 30
    assert (acceleration(joints) - acceleration(-joints)).abs().max() < 1e-9


def test_no_acceleration_across_sequences() -> None:
    joints = torch.cat([body(9, 1).expand(4, -1, -1), body(10, 1).expand(5, -1, -1)])
    sequence = torch.tensor([0] * 4 + [1] * 5)
    assert acceleration(joints, sequence).tolist() == [0.0] * 5  # 2 + 3 triples
    assert len(acceleration(joints)) == 7
    assert acceleration(joints).max() > 100  # the jump that the VIBE evaluation counts


@pytest.mark.parametrize("metric", [mpjpe, pa_mpjpe, acceleration_error])
def test_millimetres_are_refused(metric) -> None:  # type: ignore[no-untyped-def]
    gt = body(11)
    with pytest.raises(RscError, match="Divide by 1000"):
        metric(gt, 1000 * gt)
    with pytest.raises(RscError, match=r"prediction.*Divide by 1000"):
        metric(1000 * gt, gt)


def test_a_person_far_from_the_camera_is_not_taken_for_millimetres() -> None:
    gt = body(12) + torch.tensor([0.0, 0.0, 80.0])
    assert mpjpe(gt, gt).max() == 0


def test_wrong_input_is_named() -> None:
    gt = body(13)
    with pytest.raises(RscError, match="one shape"):
        mpjpe(gt[:2], gt)
    with pytest.raises(RscError, match="expected joints"):
        mpjpe(gt[0], gt[0])
    with pytest.raises(RscError, match="expected joints"):
        mpjpe(gt[:0], gt[:0])
    bad = gt.clone()
    bad[2, 3, 1] = float("nan")
    with pytest.raises(RscError, match="sample 2"):
        pa_mpjpe(bad, gt)
    with pytest.raises(RscError, match="three frames"):
        acceleration(gt[:2])
    with pytest.raises(RscError, match="three consecutive"):
        acceleration(gt, torch.tensor([0, 0, 1, 1]))
    with pytest.raises(RscError, match="sequence numbers"):
        acceleration(gt, torch.tensor([0, 0]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
def test_gpu_equals_cpu() -> None:
    pred, gt = body(14), body(15)
    torch.testing.assert_close(pa_mpjpe(pred.cuda(), gt.cuda()).cpu(), pa_mpjpe(pred, gt))
