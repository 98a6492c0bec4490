"""The rivals of Table 1: RSC-Net's pictures and draws, the plain network, and what is their own."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rsclib import claims, methods
from rsclib.checkpoints import load_model, read_header, save_model
from rsclib.critics import BodyCritic, FeatureCritic, as_bodies
from rsclib.data import sources
from rsclib.errors import RscError
from rsclib.geometry import rot6d_to_rotmat
from rsclib.methods import hmr, imgsr, load_config, plain_config
from rsclib.methods.feaen import Feaen, FeaenConfig
from rsclib.methods.hmr import Hmr, HmrConfig
from rsclib.methods.imgsr import Imgsr, ImgsrConfig
from rsclib.methods.reproduce import settings_of
from rsclib.methods.rsc import Rsc, RscConfig
from rsclib.people import Batch
from rsclib.range_norm import RangeNorm
from rsclib.superres import SharpNet
from rsclib.train import Step, train
from tests.test_distributed import _losses, _train
from tests.toys import CONFIG, RIVALS, digest, toy_builder, toy_train

CPU = torch.device("cpu")
JUDGED = [name for name in RIVALS if name != "imgsr"]


class Killed(Exception):
    """Stands for whatever may end a process."""


def made(name: str, **changes: Any) -> Any:
    return toy_builder(dataclasses.replace(RIVALS[name], **changes))(CPU)


def plain() -> Rsc:
    """Ba-shared, which every rival is compared with."""
    loss = dataclasses.replace(CONFIG.loss, ss="none", feat="none")
    return toy_builder(dataclasses.replace(CONFIG, learn_alpha=False, loss=loss))(CPU)


def same_weights(method: Any, other: Any) -> None:
    method.network.load_state_dict(other.network.state_dict())


@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_sees_the_batches_of_rsc_net(name: str) -> None:
    ours, theirs = made(name), toy_builder(CONFIG)(CPU)
    for step in range(CONFIG.steps):
        one, other = ours.batch(step), theirs.batch(step)
        assert torch.equal(one.images, other.images)
        assert torch.equal(one.range_index, other.range_index) and one.scales == other.scales
        assert all(map(torch.equal, one.labels, other.labels))


@pytest.mark.parametrize("name", RIVALS)
def test_the_basic_loss_is_that_of_the_plain_network(name: str) -> None:
    """From the same weights every rival begins with the same terms: what is its own comes on top.

    (ImgSR too: what sharpens begins as the identity.)"""
    ours, theirs = made(name), plain()
    same_weights(ours, theirs)
    batch = theirs.batch(4)
    torch.manual_seed(3)
    wanted = theirs.loss(theirs.net, batch, 4).terms
    torch.manual_seed(3)
    found = ours.loss(ours.net, batch, 4).terms
    assert found.keys() - wanted.keys() == ({"image"} if name == "imgsr" else set())
    for term, value in wanted.items():
        assert torch.allclose(found[term], value, rtol=1e-5, atol=1e-7), term
    assert wanted["ss"] == 0 and wanted["feat"] == 0


@pytest.mark.parametrize("name", RIVALS)
def test_a_stopped_run_goes_on_bit_for_bit(name: str, tmp_path: Path) -> None:
    """With what a restart would lose first: the critic, its optimiser, what sharpens."""
    config = dataclasses.replace(RIVALS[name], save_seconds=1e-3)
    fresh: list[str] = []

    def cut(method: Rsc) -> None:
        fresh.append(digest(method.critic.net.state_dict()) if method.critic else "")
        real = method.batch

        def batch(at: int) -> Batch:
            if at == 3:
                raise Killed
            return real(at)

        method.batch = batch  # type: ignore[method-assign]

    whole = toy_train(config, tmp_path / "whole")
    with pytest.raises(Killed):
        toy_train(config, tmp_path / "cut", change=cut)
    last: list[Any] = []
    resumed = toy_train(config, tmp_path / "cut", change=last.append)
    assert digest(whole.state_dict()) == digest(resumed.state_dict())
    if name in JUDGED:
        assert digest(last[0].critic.net.state_dict()) != fresh[0], "the critic never learnt"
    rows = list(csv.DictReader((tmp_path / "whole" / "log.csv").open()))
    assert ("critic" if name in JUDGED else "image") in rows[-1]
    assert all(np.isfinite(float(v)) for row in rows for v in row.values() if v)


@pytest.mark.parametrize("name", JUDGED)
def test_the_critic_and_the_network_learn_apart(name: str, tmp_path: Path) -> None:
    """A rate of nothing for one leaves it as it was, whatever the other does."""
    kept: list[Any] = []
    for still, changes in (("net", {"lr": 1e-12}), ("critic", {"critic_lr": 1e-12})):
        config = dataclasses.replace(RIVALS[name], **changes, lab_share=1.0)
        before: list[dict[str, Tensor]] = []

        def change(method: Any, before: list = before) -> None:
            kept.append(method)
            parts = (method.network, method.critic.net)
            before += [{k: v.detach().clone() for k, v in m.named_parameters()} for m in parts]

        toy_train(config, tmp_path / still, change=change)
        method = kept[-1]
        for part, module, old in zip(
            ("net", "critic"), (method.network, method.critic.net), before, strict=True
        ):
            now = {k: v.detach() for k, v in module.named_parameters()}
            moved = max(float((now[k] - old[k]).abs().max()) for k in old)
            assert (moved > 1e-5) == (part != still), f"{part} moved by {moved}, {still} was still"


def critic_gradient(method: Any, step: Step) -> dict[str, Tensor]:
    """Of what the critic says alone, in the network."""
    for p in method.net.parameters():
        p.grad = None
    scores = method.critic.net.requires_grad_(False)(step.fake)
    (scores - 1).square().mean().backward()
    return {n: p.grad for n, p in method.net.named_parameters() if p.grad is not None}


def test_hmr_judges_every_iterate_beside_as_many_real_bodies() -> None:
    toy = made("hmr")
    batch = toy.batch(5)
    step = toy.loss(toy.net, batch, 5)
    assert step.fake is not None and step.real is not None
    assert step.fake.shape == step.real.shape == (3 * 5 * 4, 23 * 9 + 10)
    rows = {tuple(row) for row in toy.bodies.tolist()}
    assert all(tuple(row) in rows for row in step.real.tolist())
    again, other = toy.real(60, 5), toy.real(60, 4)
    assert torch.equal(again, step.real) and not torch.equal(other, step.real)
    # The three iterates are what the regressor goes through, in order.
    toy.net.eval()
    with torch.no_grad():
        fake = toy.loss(toy.net, batch, 5).fake
        _, phi = toy.network.forward_features(batch.images, batch.range_index)
        for k, (pose, betas, _) in enumerate(toy.network.regressor.iterates(phi)[1:]):
            wanted = as_bodies(rot6d_to_rotmat(pose.view(-1, 24, 6)), betas)
            assert torch.allclose(fake.chunk(3)[k], wanted, atol=1e-5)
        final = toy.net(batch.images, batch.range_index)[0]
        assert torch.allclose(final.rotmats, toy.network(batch.images, batch.range_index).rotmats)


def test_hmrs_critics_teach_pose_and_shape_and_no_camera() -> None:
    toy = made("hmr")
    found = critic_gradient(toy, toy.loss(toy.net, toy.batch(5), 5))
    heads = {n: float(g.abs().sum()) for n, g in found.items() if ".dec" in n}
    assert heads["net.regressor.decpose.weight"] > 0 and heads["net.regressor.decshape.weight"] > 0
    assert found["net.trunk.conv1.weight"].abs().sum() > 0
    # The camera is not judged; it is the next iterate's input, so its head has some all the same.
    last = made("hmr")
    last.network.regressor.iterations = 1
    alone = critic_gradient(last, last.loss(last.net, last.batch(5), 5))
    assert "net.regressor.deccam.weight" not in alone
    assert alone["net.regressor.decpose.weight"].abs().sum() > 0


def test_the_weight_of_the_prior_is_that_of_25_critics_together() -> None:
    toy = made("hmr", prior=0.5)
    fake = torch.randn(7, 217)
    scores = toy.critic.net(fake)
    by_hand = sum((scores[:, k] - 1).square().mean() for k in range(25)) * 0.5
    assert torch.allclose(toy.critic.weight * (scores - 1).square().mean(), by_hand)


def test_the_25_critics_by_hand() -> None:
    """Joint by joint, with a linear layer of its own cut out of the grouped convolution."""
    judge, bodies = BodyCritic(), torch.randn(6, 217)
    rotmats, betas = bodies[:, :207].view(6, 23, 9), bodies[:, 207:]
    scores, features = judge(bodies), []
    for k in range(23):
        feature = judge.shared(rotmats[:, k])
        features.append(feature)
        weight, bias = judge.each.weight[k, :, 0], judge.each.bias[k]  # type: ignore[index]
        assert torch.allclose(scores[:, k], feature @ weight + bias, atol=1e-5)
    assert torch.allclose(scores[:, 23], judge.pose(torch.cat(features, 1))[:, 0], atol=1e-5)
    assert torch.allclose(scores[:, 24], judge.shape(betas)[:, 0], atol=1e-6)
    assert scores.shape == (6, 25)


@pytest.mark.parametrize("joint", [0, 7, 22])
def test_a_joint_is_judged_by_its_own_critic_and_that_of_all(joint: int) -> None:
    judge, one = BodyCritic(), torch.randn(4, 217)
    other = one.clone()
    other[:, 9 * joint : 9 * joint + 9] += 1
    changed = (judge(one) != judge(other)).any(0).nonzero().flatten().tolist()
    assert changed == [joint, 23]
    other = one.clone()
    other[:, 207:] += 1
    assert (judge(one) != judge(other)).any(0).nonzero().flatten().tolist() == [24]


def test_a_body_has_no_heading() -> None:
    """The root says where the camera stands; it is not judged."""
    rotmats, betas = sources.bodies(5, 0)
    turned = rotmats.clone()
    turned[:, 0] = torch.eye(3)
    assert torch.equal(as_bodies(rotmats, betas), as_bodies(turned, betas))


def test_real_bodies_are_rotations_of_the_training_motions() -> None:
    rotmats, betas = sources.bodies(200, 0)
    assert rotmats.shape == (200, 24, 3, 3) and betas.shape == (200, 10)
    eye = torch.eye(3).expand(200, 24, 3, 3)
    assert torch.allclose(rotmats @ rotmats.mT, eye, atol=1e-5)
    assert torch.allclose(torch.linalg.det(rotmats), torch.ones(200, 24), atol=1e-5)
    assert betas.abs().max() <= 2.5 and abs(float(betas.std()) - 1) < 0.1
    again, other = sources.bodies(200, 0), sources.bodies(200, 1)
    assert torch.equal(again[0], rotmats) and not torch.equal(other[0], rotmats)
    # Knees bend backwards: the first Euler angle of a knee is positive, of nearly all.
    from rsclib.geometry import rotmat_to_axis_angle

    knees = rotmat_to_axis_angle(rotmats[:, [4, 5]])[..., 0]
    assert (knees > -0.3).float().mean() > 0.95


def test_hmrs_critics_tell_broken_bodies() -> None:
    """Trained on nothing but the two piles, they score bodies nobody trained on: real ones near 1."""
    torch.manual_seed(0)
    real, fresh = (as_bodies(*sources.bodies(256, seed)) for seed in (0, 1))
    random = torch.linalg.qr(torch.randn(256, 24, 3, 3))[0]
    broken = as_bodies(random, torch.randn(256, 10))
    judge = BodyCritic(hidden=64)
    optimiser = torch.optim.Adam(judge.parameters(), 3e-3)
    for _ in range(50):
        loss = (judge(real) - 1).square().mean() + judge(broken).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        good, bad = judge(fresh), judge(as_bodies(random.roll(1, 1), torch.randn(256, 10)))
    assert (good[:, 23] - bad[:, 23]).mean() > 0.7
    assert ((good - bad)[:, :23].mean(0) > 0.1).float().mean() > 0.8
    assert abs(float((good - bad)[:, 24].mean())) < 0.1, "shapes of both are alike"


def test_feaen_shows_full_images_and_teaches_the_others() -> None:
    toy = made("feaen")
    batch = toy.batch(5)
    toy.network.eval()
    step = toy.loss(toy.net, batch, 5)
    phi = toy.network(batch.images, batch.range_index).phi
    assert torch.allclose(step.fake, phi[4:], atol=1e-5)
    assert torch.allclose(step.real, phi[:4].repeat(4, 1), atol=1e-5)
    assert not step.real.requires_grad and step.fake.requires_grad
    found = critic_gradient(toy, step)
    assert found["trunk.conv1.weight"].abs().sum() > 0
    assert not any("regressor" in name or "projection" in name for name in found)


def test_feaen_needs_two_sizes() -> None:
    with pytest.raises(RscError, match="start with 2 scales"):
        dataclasses.replace(RIVALS["feaen"], schedule=((1, 2), (5, 2))).check("x")  # type: ignore[attr-defined]


def test_a_wasserstein_critic_is_1_lipschitz() -> None:
    torch.manual_seed(0)
    bounded, free = FeatureCritic(32, bounded=True), FeatureCritic(32)
    with torch.no_grad():
        for p in [*bounded.parameters(), *free.parameters()]:
            p.mul_(20)  # however far training may have taken the weights
        for _ in range(50):
            bounded(torch.randn(4, 32))  # power iterations
    a, b = torch.randn(500, 32) * 3, torch.randn(500, 32) * 3
    far = (a - b).norm(dim=1)
    with torch.no_grad():
        slope = (bounded(a) - bounded(b))[:, 0].abs() / far
        assert slope.max() <= 1.001
        assert ((free(a) - free(b))[:, 0].abs() / far).max() > 10
    a.requires_grad_(True)
    bounded(a).sum().backward()
    assert a.grad is not None and a.grad.norm(dim=1).max() <= 1.001


def test_imgsr_pulls_the_pictures_to_the_full_one() -> None:
    toy = made("imgsr")
    batch = toy.batch(5)
    step = toy.loss(toy.net, batch, 5)
    full = batch.images[:4]
    small = [batch.images[4 * i : 4 * i + 4] for i in range(1, 5)]  # the full one is right as it is
    by_hand = torch.stack([(images - full).square().mean() for images in small])
    weighted = RIVALS["imgsr"].image * by_hand.mean()  # type: ignore[attr-defined]
    assert torch.allclose(step.terms["image"], weighted)  # the identity to begin with
    assert step.fake is None and toy.critic is None
    # Both losses reach what sharpens, the image loss nothing else.
    toy.net.rdn.last.weight.data.normal_(0, 0.01)
    toy.loss(toy.net, batch, 5).terms["image"].backward()
    assert toy.net.rdn.first.weight.grad.abs().sum() > 0
    assert all(p.grad is None or not p.grad.any() for p in toy.network.parameters())
    toy.net.zero_grad(set_to_none=True)
    terms = toy.loss(toy.net, batch, 5).terms
    sum(v for k, v in terms.items() if k != "image").backward()
    assert toy.net.rdn.first.weight.grad.abs().sum() > 0
    assert toy.network.trunk.conv1.weight.grad.abs().sum() > 0


def test_imgsr_has_two_rates_and_every_weight_once() -> None:
    toy = made("imgsr", lr=1e-4, rdn_lr=5e-4)
    body, sharpens = toy.groups()
    assert sharpens["rate"] == pytest.approx(5) and body["rate"] == 1
    ids = [id(p) for g in (body, sharpens) for p in g["params"]]
    wanted = [id(p) for p in toy.net.parameters() if p.requires_grad]
    assert len(ids) == len(set(ids)) and set(ids) == set(wanted)
    assert len(made("imgsr", learn_alpha=True).groups()) == 3


def test_imgsr_ships_both_networks(tmp_path: Path) -> None:
    net = toy_train(RIVALS["imgsr"], tmp_path)
    assert isinstance(net, SharpNet) and not net.training
    assert net.rdn.last.weight.abs().sum() > 0, "it never learnt"
    save_model(tmp_path / "m.safetensors", net, {}, half=False)
    again = load_model(tmp_path / "m.safetensors")
    assert isinstance(again, SharpNet) and again.config == net.config
    assert read_header(tmp_path / "m.safetensors")["kind"] == "imgsr"
    images, index = torch.randn(2, 3, 32, 32), torch.tensor([0, 4])
    with torch.no_grad():
        assert torch.equal(again(images, index)[0].rotmats, net(images, index)[0].rotmats)


@pytest.mark.parametrize("name", ["hmr", "feaen"])
def test_the_others_ship_the_plain_network(name: str, tmp_path: Path) -> None:
    net = toy_train(RIVALS[name], tmp_path)
    assert net.kind == "rscnet" and (net.alpha == 1).all()
    assert all(m.sets == 1 for m in net.modules() if isinstance(m, RangeNorm))


def test_two_processes_train_a_rival_as_one(tmp_path: Path) -> None:
    """The shared batch, and real bodies as one process would have drawn them."""
    options = ("method=hmr", "sync_norm=true", "schedule=[[2, 1], [5, 2]]", "lr=0.0001")
    one = _train(tmp_path / "one", 1, *options)
    two = _train(tmp_path / "two", 2, *options)
    assert np.allclose(_losses(one), _losses(two), rtol=1e-4)
    for name, value in one["critic"].items():
        assert torch.allclose(value, two["critic"][name], atol=1e-3), name


def test_a_run_by_its_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``rsc train`` finds the method, trains it and writes a model with where it comes from."""
    for module, name in ((hmr, "hmr"), (imgsr, "imgsr")):
        monkeypatch.setattr(module, "builder", toy_builder)
        config: Any = RIVALS[name]
        methods.run(config, tmp_path / name, progress=False)
        about = read_header(tmp_path / name / "model.safetensors")["about"]
        assert about["config"] == plain_config(config) and about["config"]["method"] == name
        again: Any = methods.check_config(about["config"], name)
        assert dataclasses.replace(again, save_seconds=config.save_seconds) == config


@pytest.mark.parametrize(
    ("preset", "kind"), [("hmr", HmrConfig), ("imgsr", ImgsrConfig), ("feaen", FeaenConfig)]
)
def test_a_preset_says_what_differs_from_another(preset: str, kind: type) -> None:
    config: Any = load_config(preset)
    edu: Any = load_config("edu")
    assert type(config) is kind
    assert (config.learn_alpha, config.norm, config.soften) == (False, "shared", 0)
    assert (config.loss.ss, config.loss.feat) == ("none", "none")
    own = {"learn_alpha", "norm", "soften", "loss"}
    for field in dataclasses.fields(RscConfig):
        if field.name not in own:
            assert getattr(config, field.name) == getattr(edu, field.name), field.name
    assert dataclasses.replace(config.loss, ss="directional", feat="nce") == edu.loss


def test_a_base_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("{base: nope, method: hmr}")
    with pytest.raises(RscError, match="no preset or file 'nope'"):
        load_config(str(tmp_path / "x.yaml"))


@pytest.mark.parametrize("regime", claims.declared("table1").regimes)
@pytest.mark.parametrize("run", ["HMR", "ImgSR", "FeaEN", "FeaEN-WGAN"])
def test_declared_rivals_are_ba_shared_and_what_is_their_own(regime: str, run: str) -> None:
    base = settings_of("Ba-shared", 2, claims.regime_named(regime))
    config = settings_of(run, 2, claims.regime_named(regime))
    kind = {"HMR": HmrConfig, "ImgSR": ImgsrConfig}.get(run, FeaenConfig)
    assert type(config) is kind
    for field in dataclasses.fields(RscConfig):
        assert getattr(config, field.name) == getattr(base, field.name), field.name
    if kind is FeaenConfig:
        assert config.gan == ("wgan" if run == "FeaEN-WGAN" else "lsgan")  # type: ignore[attr-defined]


def test_the_methods_are_what_the_loop_asks_for() -> None:
    assert {type(made(name)) for name in RIVALS} == {Hmr, Imgsr, Feaen}
    for name in RIVALS:
        method = made(name)
        assert isinstance(method.net, nn.Module) and method.scores(1) == {}
    assert callable(train)
