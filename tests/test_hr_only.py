"""Pre-training: schedule, sampling, and its loss."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from rsclib.body import load_body
from rsclib.cli import main
from rsclib.data import sources
from rsclib.errors import RscError
from rsclib.geometry import axis_angle_to_rotmat, project
from rsclib.methods import dense_tasks as D
from rsclib.methods import hr_only as P
from rsclib.network import NetConfig, Prediction, RSCNet
from rsclib.people import Batch, Labels, People
from rsclib.runs.states import load_training_state, save_training_state
from rsclib.skeleton import from_hips
from rsclib.train import Step, train
from tests.toys import TINY, digest, random_arrays

CONFIG = P.HrOnlyConfig(stages=((64, 100), (96, 40), (128, 60)), warmup=10, batch=4, compile=False)


def method(config: P.HrOnlyConfig, shape: NetConfig = TINY) -> P.HrOnly:
    arrays = random_arrays()
    return P.HrOnly(config, People.of(arrays), arrays, shape, torch.device("cpu"))


def test_every_stage_warms_up_and_cools_down() -> None:
    toy = method(CONFIG)
    rates = np.array([toy.lr(s) for s in range(CONFIG.steps)])
    assert (rates > 0).all()
    assert rates[:100].max() == rates[9] == CONFIG.lr
    for start, stop in ((0, 100), (100, 140), (140, 200)):
        stage = rates[start:stop]
        assert stage[0] < stage.max() / 5
        assert stage[-1] < stage.max() / 10
    assert np.isclose(rates[100:].max(), 0.4 * CONFIG.lr)
    sides = [CONFIG.side_at(s) for s in (0, 99, 100, 139, 140, 500)]
    assert sides == [64, 64, 96, 96, 128, 128]


def test_batches_follow_the_stages() -> None:
    config = dataclasses.replace(CONFIG, batch=6)
    toy = method(config)
    for step, side in ((0, 64), (120, 96), (199, 128)):
        batch = toy.batch(step)
        assert batch.images.shape == (6, 3, side, side) and batch.scales == 1
        assert batch.dense is not None and batch.dense.shape == (6, side // 4, side // 4, 4)
        assert torch.equal(batch.images, method(config).batch(step).images)


def test_an_epoch_repeats_no_sample_and_depends_on_the_step_alone() -> None:
    seen = np.concatenate([P.batch_indices(3, s, 8, 64) for s in range(8)])
    assert sorted(seen) == list(range(64))
    assert (P.batch_indices(3, 5, 8, 64) == P.batch_indices(3, 5, 8, 64)).all()
    assert (P.batch_indices(3, 5, 8, 64) != P.batch_indices(3, 13, 8, 64)).any()


def test_the_truth_has_no_loss() -> None:
    body = load_body()
    rotmats = axis_angle_to_rotmat(torch.randn(2, 24, 3) * 0.3)
    betas, cam = torch.randn(2, 10), torch.tensor([[0.9, 0.0, 0.1]]).repeat(2, 1)
    joints = body.joints(rotmats, betas).keypoints3d
    flat, one = project(joints, cam), torch.ones(2, 24, 1)
    dense = torch.zeros(2, 4, 4, 4)
    dense[..., 3] = 3
    has = torch.ones(2, dtype=torch.bool)
    labels = Labels(
        torch.cat([flat, one], 2), torch.cat([joints, one], 2), rotmats, betas, has, has,
        torch.arange(2),
    )  # fmt: skip
    batch = Batch(torch.zeros(2, 3, 16, 16), torch.zeros(2, dtype=torch.long), labels, 1, dense)
    maps = torch.zeros(2, 28, 4, 4)
    maps[:, 3] = 50.0
    direct = torch.cat([from_hips(joints), flat], 2)
    right = Prediction(rotmats, betas, cam, torch.zeros(2, 8), torch.zeros(2, 8))
    terms = D.losses(right, maps, direct, batch, body)
    assert all(float(v) < 1e-4 for v in terms.values()), terms
    wrong = right._replace(betas=betas + 1)
    assert float(D.losses(wrong, maps, direct, batch, body)["betas"]) > 0.02
    own = D.losses(right, None, None, batch._replace(dense=None), body)
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


def test_the_seed_of_a_pre_training_is_that_of_its_data(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fetch(name: str, count: int, **options: int) -> dict[str, np.ndarray]:
        asked.append((name, count, options))
        raise InterruptedError

    monkeypatch.setattr(sources, "fetch", fetch)
    with pytest.raises(InterruptedError):
        P.builder(P.HrOnlyConfig(images=512, seed=7, compile=False), False)(torch.device("cpu"))
    assert asked == [("source", 512, {"seed": 7})]


SHORT = P.HrOnlyConfig(
    stages=((64, 8), (96, 4)), batch=4, compile=False, precision="32-true", save_seconds=0.001,
    eval_steps=6,
)  # fmt: skip


def short(config: P.HrOnlyConfig, folder: Path, stop: int = -1, lost: int = 99) -> RSCNet:
    """A pre-training of a second that ends at a step, or loses its loss from one on."""

    def build(device: torch.device) -> P.HrOnly:
        torch.manual_seed(0)
        toy = method(config)
        batch, loss = toy.batch, toy.loss

        def ended(step: int) -> Batch:
            if step == stop:
                raise InterruptedError
            return batch(step)

        def spoilt(model: torch.nn.Module, given: Batch, step: int) -> Step:
            factor = torch.nan if step >= lost else 1.0
            return Step({k: v * factor for k, v in loss(model, given, step).terms.items()})

        toy.batch, toy.loss = ended, spoilt  # type: ignore[method-assign]
        return toy

    return train(build, config.run, config, folder, progress=False)  # type: ignore[return-value]


def test_a_stopped_pre_training_goes_on_bit_for_bit(tmp_path: Path) -> None:
    whole = short(SHORT, tmp_path / "whole")
    with pytest.raises(InterruptedError):
        short(SHORT, tmp_path / "cut", stop=5)
    assert load_training_state(tmp_path / "cut" / "state.pt")["step"] == 5
    assert digest(short(SHORT, tmp_path / "cut").state_dict()) == digest(whole.state_dict())
    rows = list(csv.DictReader((tmp_path / "whole" / "log.csv").open()))
    rows = [row for row in rows if row["mpjpe"]]
    assert [(row["step"], row["side"]) for row in rows] == [("6", "64"), ("12", "96")]
    assert all(float(row["mpjpe"]) > float(row["pa_mpjpe"]) > 0 for row in rows)


def test_all_ranges_leave_with_what_the_first_one_learnt(tmp_path: Path) -> None:
    net = short(SHORT, tmp_path)
    assert (net.alpha == net.alpha[0]).all() and (net.alpha != 1).any()
    assert all(p.requires_grad for p in net.parameters())


def test_a_lost_loss_ends_pre_training_and_is_never_saved(tmp_path: Path) -> None:
    with pytest.raises(RscError, match="step 4 has no finite gradient"):
        short(SHORT, tmp_path, lost=3)
    state = load_training_state(tmp_path / "state.pt")
    assert state["step"] == 3
    assert all(v.isfinite().all() for v in state["net"].values())


def test_a_state_of_the_first_version_goes_on(tmp_path: Path) -> None:
    """It counted the batch per process and had no memory."""
    whole = short(SHORT, tmp_path / "whole")
    with pytest.raises(InterruptedError):
        short(SHORT, tmp_path / "old", stop=5)
    file = tmp_path / "old" / "state.pt"
    state = load_training_state(file)
    state["module"], state["curve"] = state.pop("net"), "step,side,loss\n5,64,2.5\n"
    del state["memory"], state["log"]
    state["config"] |= {"batch": 2, "processes": 2}
    save_training_state(file, state)
    again = dataclasses.replace(SHORT, eval_steps=1000)
    assert digest(short(again, tmp_path / "old").state_dict()) == digest(whole.state_dict())


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
