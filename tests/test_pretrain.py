"""Pre-training: schedule, sampling, and its loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from rsclib.body import load_body
from rsclib.cli import main
from rsclib.errors import RscError
from rsclib.geometry import axis_angle_to_rotmat, project
from rsclib.losses import centred
from rsclib.methods import dense_tasks as D
from rsclib.methods import hr_only as P
from rsclib.network import Prediction
from tests.people import random_people
from tests.test_network import TINY

CONFIG = P.PretrainConfig(stages=((64, 100), (96, 40), (128, 60)), warmup=10)


def test_every_stage_warms_up_and_cools_down() -> None:
    rates = np.array([P.learning_rate(CONFIG, s) for s in range(CONFIG.steps)])
    assert (rates > 0).all()
    assert rates[:100].max() == rates[9] == CONFIG.lr
    for start, stop in ((0, 100), (100, 140), (140, 200)):
        stage = rates[start:stop]
        assert stage[0] < stage.max() / 5
        assert stage[-1] < stage.max() / 10
    assert np.isclose(rates[100:].max(), 0.4 * CONFIG.lr)
    assert [P._side_at(CONFIG, s) for s in (0, 99, 100, 139, 140, 500)] == [
        64,
        64,
        96,
        96,
        128,
        128,
    ]


def test_an_epoch_repeats_no_sample_and_depends_on_the_step_alone() -> None:
    seen = np.concatenate([P.batch_indices(3, s, 8, 64) for s in range(8)])
    assert sorted(seen) == list(range(64))
    assert (P.batch_indices(3, 5, 8, 64) == P.batch_indices(3, 5, 8, 64)).all()
    assert (P.batch_indices(3, 5, 8, 64) != P.batch_indices(3, 13, 8, 64)).any()


def test_the_truth_has_no_loss() -> None:
    body = load_body()
    rotmats = axis_angle_to_rotmat(torch.randn(2, 24, 3) * 0.3)
    betas, cam = torch.randn(2, 10), torch.tensor([[0.9, 0.0, 0.1]]).repeat(2, 1)
    joints = body.joints(rotmats, betas).joints49[:, 25:]
    flat = project(joints, cam)
    dense = torch.zeros(2, 4, 4, 4)
    dense[..., 3] = 3
    batch = {
        "keypoints": torch.cat([flat, torch.ones(2, 24, 1)], 2), "joints24": joints,
        "rotmats": rotmats, "betas": betas, "dense": dense,
    }  # fmt: skip
    maps = torch.zeros(2, 28, 4, 4)
    maps[:, 3] = 50.0
    direct = torch.cat([centred(joints), flat], 2)
    right = Prediction(rotmats, betas, cam, torch.zeros(2, 8), torch.zeros(2, 8))
    terms = D.losses(right, maps, direct, batch, body)
    assert all(float(v) < 1e-4 for v in terms.values()), terms
    wrong = right._replace(betas=betas + 1)
    assert float(D.losses(wrong, maps, direct, batch, body)["betas"]) > 0.02
    own = D.losses(right, None, None, {k: v for k, v in batch.items() if k != "dense"}, body)
    assert own == {k: terms[k] for k in ("3d", "2d", "pose", "betas")}


def test_dense_head_fits_every_stage() -> None:
    model = D.Pretrainer(TINY).eval()
    for side in (64, 96, 128):
        prediction, dense, joints = model(torch.zeros(2, 3, side, side))
        assert dense.shape == (2, 28, side // 4, side // 4)
        assert joints.shape == (2, 24, 5)
        assert prediction.betas.shape == (2, 10)


def test_without_extra_tasks_the_head_rests_and_the_network_is_the_same() -> None:
    images = torch.randn(2, 3, 64, 64)
    model = D.Pretrainer(TINY).eval()
    lean = D.Pretrainer(TINY, extra=False).eval()
    lean.load_state_dict(model.state_dict())
    prediction, dense, joints = lean(images)
    assert dense is None and joints is None
    assert torch.equal(prediction.rotmats, model(images)[0].rotmats)
    assert not any(p.requires_grad for p in lean.head.parameters())
    assert all(p.requires_grad for p in lean.net.regressor.parameters())


def test_the_seed_of_a_pre_training_is_that_of_its_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fetch(name: str, count: int, **options: int) -> dict[str, np.ndarray]:
        asked.append((name, count, options))
        raise InterruptedError

    monkeypatch.setattr(P, "fetch", fetch)
    with pytest.raises(InterruptedError):
        P.pretrain(P.PretrainConfig(images=512, seed=7, processes=1), tmp_path)
    assert asked == [("source", 512, {"seed": 7})]


def test_a_lost_loss_ends_pre_training_and_is_never_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = random_people()
    monkeypatch.setattr(P, "fetch", lambda *_, **__: people)
    real, calls = P.losses, []

    def lost_from_three_on(*args, **kwargs):
        calls.append(1)
        factor = torch.nan if len(calls) > 3 else 1
        return {k: v * factor for k, v in real(*args, **kwargs).items()}

    monkeypatch.setattr(P, "losses", lost_from_three_on)
    config = P.PretrainConfig(
        stages=((64, 20),), batch=4, compile=False, processes=1, precision="32-true",
        save_seconds=0.0,
    )  # fmt: skip
    with pytest.raises(RscError, match="step 4 has no finite gradient"):
        P.pretrain(config, tmp_path, TINY)
    state = P.load_training_state(tmp_path / "state.pt", P.STATE)
    assert state["step"] == 3
    assert all(v.isfinite().all() for v in state["module"].values())


def test_joint_weights_keep_the_scale_and_favour_the_limbs() -> None:
    weights = D.joint_weights()[:, 0]
    assert weights.mean() == pytest.approx(1)
    limbs = [0, 1, 4, 5, 6, 7, 10, 11]
    others = [i for i in range(24) if i not in limbs]
    assert torch.allclose(weights[limbs], 2 * weights[others][0].expand(8))


def test_the_part_loss_does_not_depend_on_how_much_background_there_is() -> None:
    logits, parts = torch.randn(1, 25, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long)
    parts[:, 1:3, 1:3] = 7
    logits[:, :, parts[0] == 0] = logits[:, :, :1, 0]  # all background pixels alike
    wide_logits = torch.cat([logits, logits[:, :, :1].expand(1, 25, 40, 4)], 2)
    wide_parts = torch.cat([parts, torch.zeros(1, 40, 4, dtype=torch.long)], 1)
    few, many = D.part_loss(logits, parts), D.part_loss(wide_logits, wide_parts)
    # The "+ 1" against an empty image is worth a pixel.
    off = F.cross_entropy(logits[:, :, :1, :1], parts[:, :1, :1])
    assert few + 0.15 * off * (1 / 13 - 1 / 173) == pytest.approx(float(many), rel=1e-4)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--start", "nowhere"], "nowhere"),
        (["--start", "nowhere.safetensors"], "no model"),
        (["--steps", "0", "0", "0"], "steps"),
    ],
)
def test_a_hopeless_pre_training_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    assert main(["pretrain", "--out", str(tmp_path / "run"), *options]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
