"""SPIN's loop: the best fit of an image teaches, wherever the augmentation moved her, bit for bit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rsclib import methods
from rsclib.config import checked
from rsclib.data.augment import moved
from rsclib.errors import RscError
from rsclib.geometry import axis_angle_to_rotmat
from rsclib.methods import check_config, plain_config
from rsclib.methods.rsc import Rsc, RscConfig
from rsclib.methods.spin import BestFits, Spin, SpinConfig
from rsclib.network import Prediction
from rsclib.people import Batch
from rsclib.pose_mixture import load_mixture
from rsclib.runs.folder import read_log
from rsclib.runs.states import load_training_state
from rsclib.smplify import FitConfig
from rsclib.train import train
from tests.toys import CONFIG, RANGES, digest, toy_network, toy_people

QUICK = FitConfig(camera_steps=2, body_steps=2)
SHARED = {f.name: getattr(CONFIG, f.name) for f in dataclasses.fields(CONFIG)}
SPIN = SpinConfig(**SHARED | {"save_seconds": 1e-3}, fit=QUICK, threshold=1e9)
MIXTURE = load_mixture()


def method(config: SpinConfig = SPIN) -> Spin:
    row = Rsc(config, toy_people(), toy_network(config), RANGES, torch.device("cpu"))
    return Spin(config, row, MIXTURE)


def run(config: SpinConfig, folder: Path, change: Callable[[Spin], None] = lambda m: None) -> Any:
    def build(device: torch.device) -> Spin:
        made = method(config)
        change(made)
        return made

    return train(build, config.run, config, folder, progress=False)


def guess(batch: Batch, seed: int = 0) -> Prediction:
    """Some prediction for a batch, everybody in front of the camera."""
    n, rng = len(batch.images), torch.Generator().manual_seed(seed)
    rotmats = axis_angle_to_rotmat(torch.randn(n, 24, 3, generator=rng) * 0.5)
    cam = torch.tensor([0.8, 0.0, 0.0]) + 0.1 * torch.rand(n, 3, generator=rng)
    betas = torch.randn(n, 10, generator=rng) * 0.5
    return Prediction(rotmats, betas, cam, torch.zeros(n, 64), torch.zeros(n, 8))


def test_the_batches_are_those_of_the_row_beside_it() -> None:
    spin, row = method(), Rsc(CONFIG, toy_people(), toy_network(CONFIG), RANGES, torch.device("cpu"))  # fmt: skip
    for step in (0, 3, 5):
        a, b = spin.batch(step), row.batch(step)
        assert torch.equal(a.images, b.images) and torch.equal(a.range_index, b.range_index)
        assert all(map(torch.equal, a.labels, b.labels))


def test_without_a_fit_that_is_good_enough_it_is_the_row_beside_it() -> None:
    strict = method(dataclasses.replace(SPIN, threshold=0.0))
    torch.manual_seed(0)
    row = Rsc(CONFIG, toy_people(), toy_network(CONFIG), RANGES, torch.device("cpu"))
    row.net.load_state_dict(strict.net.state_dict())
    batch = row.batch(0)
    terms = []
    for some in (strict, row):
        torch.manual_seed(1)  # dropout
        terms.append(some.loss(some.net, batch, 0).terms)
    assert {k: v.item() for k, v in terms[1].items()} == {
        k: v.item() for k, v in terms[0].items() if k != "behind"
    }
    assert 0 < terms[0]["behind"].item() < 1


def test_a_fit_is_kept_as_the_unmoved_picture_shows_her_and_taught_as_the_moved_one_does() -> None:
    """With no steps a fit is its start: what comes back is what the network said, moved there and
    back; another batch that shows the same people otherwise teaches the same people."""
    spin = method(dataclasses.replace(SPIN, fit=FitConfig(camera_steps=0, body_steps=0)))
    batch = spin.batch(0)
    assert batch.affine is not None and bool(batch.affine.flip.any()) and bool(batch.affine.angle.any())  # fmt: skip
    prediction = guess(batch)
    spin._fit(prediction, batch)
    labels = spin.with_fits(batch)
    of_size = prediction.rotmats[: len(batch.labels.ids)]
    wild = ~batch.labels.has_smpl
    assert 0 < int(wild.sum()) < len(wild)
    torch.testing.assert_close(labels.rotmats[wild], of_size[wild], atol=1e-5, rtol=0)
    assert torch.equal(labels.rotmats[~wild], batch.labels.rotmats[~wild]), "the truth stays"
    assert bool(labels.has_smpl.all())
    still = batch._replace(affine=batch.affine._replace(
        angle=batch.affine.angle * 0, flip=torch.zeros_like(batch.affine.flip)))  # fmt: skip
    unmoved = spin.with_fits(still).rotmats
    assert not torch.allclose(unmoved[wild], labels.rotmats[wild], atol=1e-2)
    torch.testing.assert_close(moved(unmoved, batch.affine)[wild], labels.rotmats[wild])


def test_the_fit_follows_the_marks_of_the_unmoved_picture() -> None:
    """Its error is that to the data set's own keypoints, whatever the augmentation did to them."""
    from rsclib.geometry import cam_to_translation
    from rsclib.smplify import Pose, reprojection_error

    spin = method(dataclasses.replace(SPIN, fit=FitConfig(camera_steps=0, body_steps=0)))
    batch = spin.batch(0)
    still = batch._replace(affine=type(batch.affine)(
        torch.zeros(4), torch.ones(4), torch.zeros(4, dtype=torch.bool)))  # type: ignore[misc]  # fmt: skip
    prediction = guess(batch)
    spin._fit(prediction, still)
    wild, ids = ~batch.labels.has_smpl, batch.labels.ids
    start = Pose(*(v[:4] for v in (prediction.rotmats, prediction.betas, cam_to_translation(prediction.cam))))  # fmt: skip
    marks = spin.row.people.labels.keypoints2d[ids]
    expected = reprojection_error(spin.row.body, start, marks, spin.config.fit)
    torch.testing.assert_close(spin.fits.error[ids][wild], expected[wild], rtol=1e-4, atol=1e-3)
    assert torch.isinf(spin.fits.error[ids][~wild]).all(), "nobody fits whose truth is known"


@pytest.mark.parametrize(("wanted", "row"), [(0, 0), (3, 3), (4, 4)])
def test_the_prediction_that_starts_a_fit(wanted: int, row: int) -> None:
    none = FitConfig(camera_steps=0, body_steps=0)
    spin = method(dataclasses.replace(SPIN, start_range=wanted, fit=none))
    batch = spin.batch(5)
    prediction, size = guess(batch), len(batch.labels.ids)
    spin._fit(prediction, batch)
    wild = ~batch.labels.has_smpl
    betas = prediction.betas[row * size : (row + 1) * size][wild]
    torch.testing.assert_close(spin.fits.betas[batch.labels.ids[wild]], betas)


def test_who_cannot_be_fitted_does_not_stop_the_others() -> None:
    spin = method()
    batch = spin.batch(0)
    wild = torch.nonzero(~batch.labels.has_smpl)[:, 0]
    prediction = guess(batch)
    prediction.cam[wild[0], 0] = -0.5  # behind the camera
    spin._fit(prediction, batch)
    ids = batch.labels.ids[wild]
    assert torch.isinf(spin.fits.error[ids[0]]) and bool(spin.fits.error[ids[1:]].isfinite().all())
    nowhere = guess(batch)._replace(rotmats=torch.full_like(prediction.rotmats, torch.nan))
    before = digest(spin.fits.state_dict())
    spin._fit(nowhere, batch)  # the loss will be no number: the loop says so
    assert digest(spin.fits.state_dict()) == before


def test_an_odd_shape_teaches_the_mean_shape() -> None:
    spin, batch = method(), method().batch(0)
    spin._fit(guess(batch), batch)
    wild = torch.nonzero(~batch.labels.has_smpl)[:, 0]
    spin.fits.betas[batch.labels.ids[wild[0]], 4] = -3.01
    labels = spin.with_fits(batch)
    assert not labels.betas[wild[0]].any() and bool(labels.betas[wild[1:]].any(1).all())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=6), max_size=5))  # fmt: skip
def test_the_dictionary_is_that_of_a_plain_loop(visits: list[list[tuple[int, int]]]) -> None:
    fits, plain = BestFits(5), dict[int, tuple[float, int]]()
    number = 0
    for visit in visits:
        ids = torch.tensor([i for i, _ in visit])
        error = torch.tensor([torch.inf if e == 6 else float(e) for _, e in visit])
        numbers = torch.arange(number, number + len(visit))
        number += len(visit)
        betas = numbers[:, None].expand(-1, 10).float()
        fits.keep(ids, torch.eye(3).repeat(len(visit), 24, 1, 1), betas, error)
        for i, e, k in zip(ids.tolist(), error.tolist(), numbers.tolist(), strict=True):
            if e < plain.get(i, (np.inf, -1))[0]:
                plain[i] = (e, k)
    rotmats, betas, error = fits.at(torch.arange(5))
    for i in range(5):
        e, k = plain.get(i, (np.inf, 0))
        assert float(error[i]) == e and float(betas[i, 0]) == max(k, 0)
    assert rotmats.shape == (5, 24, 3, 3)


class Killed(Exception):
    """Stands for whatever may end a process."""


def test_a_stopped_run_goes_on_bit_for_bit_with_its_fits(tmp_path: Path) -> None:
    config = dataclasses.replace(SPIN, schedule=((2, 2), (3, 2)))

    def stop(made: Spin) -> None:
        real = made.batch

        def batch(step: int) -> Batch:
            if step == 3:
                raise Killed
            return real(step)

        made.batch = batch

    whole = run(config, tmp_path / "whole")
    with pytest.raises(Killed):
        run(config, tmp_path / "cut", stop)
    resumed = run(config, tmp_path / "cut")
    states = [load_training_state(tmp_path / name / "state.pt") for name in ("whole", "cut")]
    assert digest(whole.state_dict()) == digest(resumed.state_dict())
    memories = [digest(state["memory"]) for state in states]
    assert memories[0] == memories[1] != digest(method(config).memory.state_dict())
    error = states[0]["memory"]["fits.error"]
    assert 2 < int(error.isfinite().sum()) <= 7, "of the wild ones alone"


def test_fits_teach(tmp_path: Path) -> None:
    """With fits another network comes of it than without; the log says how many are taught."""
    short = dataclasses.replace(SPIN, schedule=((2, 1), (5, 2)))
    taught = run(short, tmp_path / "fits")
    alone = run(dataclasses.replace(short, threshold=0.0), tmp_path / "none")
    assert digest(taught.state_dict()) != digest(alone.state_dict())
    rows = read_log(tmp_path / "fits")
    assert all(row["behind"] >= 0 for row in rows) and rows[0].keys() >= {"pose", "betas", "behind"}
    spin = method()
    spin.taught = 0.25
    assert spin.scores(20) == {"taught": 0.25, "fits": 0.0} and spin.scores(21) == {}


def test_settings() -> None:
    config = check_config({"method": "spin", "fit": {"body_steps": 7}, "learn_alpha": False}, "x")
    assert isinstance(config, SpinConfig) and config.fit.body_steps == 7
    assert check_config(plain_config(config), "x") == config
    assert plain_config(config)["method"] == "spin"
    for wrong, said in (
        ({"start_range": 5}, "start_range is one of 0..4"), ({"threshold": -1}, "threshold must lie"),
        ({"fit": {"lr": 0}}, "fit: lr must lie"), ({"fit": {"step": 3}}, "unknown key 'step'"),
        ({"soften": 0.5}, "soften"),
    ):  # fmt: skip
        with pytest.raises(RscError, match=said):
            checked(SpinConfig, wrong, "x")
    with pytest.raises(RscError, match=r"method is one of .*spin"):
        check_config({"method": "spun"}, "x")


def test_the_command_trains_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a file of settings to a model, through the door that ``rsc train`` uses."""
    made: list[RscConfig] = []

    def row(config: RscConfig, resumed: bool) -> Any:
        made.append(config)
        return lambda device: method(SPIN).row

    monkeypatch.setattr(methods.spin.rsc, "builder", row)
    methods.run(dataclasses.replace(SPIN, schedule=((2, 1),)), tmp_path, progress=False)
    assert isinstance(made[0], SpinConfig) and (tmp_path / "model.safetensors").is_file()
    with pytest.raises(RscError, match="no pose mixture at"):
        methods.run(dataclasses.replace(SPIN, prior="none.pkl"), tmp_path / "b", progress=False)
