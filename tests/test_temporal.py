"""The temporal module, the motion critic and their training."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rsclib.body import load_body
from rsclib.checkpoints import load_model, save_model
from rsclib.cli import main
from rsclib.config import checked
from rsclib.data import sources
from rsclib.data.windows import Videos, real_windows, window_batch
from rsclib.errors import RscError
from rsclib.evaluate_video import joined_windows, video_errors, video_joints
from rsclib.geometry import axis_angle_to_rotmat
from rsclib.losses import LossConfig
from rsclib.methods import load_config, video
from rsclib.methods.video import Video, VideoConfig
from rsclib.methods.video_features import _load, _save
from rsclib.network import NetConfig, RSCNet
from rsclib.predictor import NetPredictor, VideoPredictor
from rsclib.temporal import MEMORY, MotionCritic, Temporal, TemporalConfig, motion_parameters
from rsclib.train import train
from tests import trees
from tests.toys import TINY, toy_people

CONFIG = VideoConfig(
    window=4, batch=4, share_3d=0.5, steps=6, lr=1e-3, width=8, critic_width=8, save_seconds=1e9,
    loss=LossConfig(distance="absolute", betas=1e-3),
)  # fmt: skip


def net() -> RSCNet:
    torch.manual_seed(0)
    return RSCNet(TINY).eval()


def module(head: str = "iterative", width: int = 8) -> Temporal:
    torch.manual_seed(1)
    return Temporal.over(net(), TemporalConfig.over(net(), width, head)).eval()  # type: ignore[arg-type]


def videos(lengths: tuple[int, ...] = (6, 5, 4)) -> Videos:
    count = sum(lengths)
    generator = torch.Generator().manual_seed(3)
    labels = toy_people(n=count, labelled=count).labels
    sequence = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    phi = {s: torch.rand(count, TINY.features, generator=generator) for s in (32, 14)}
    return Videos(phi, labels, sequence)


def test_as_built_it_is_the_image_network_frame_by_frame() -> None:
    image_net = net()
    phi = torch.rand(2, 5, TINY.features)
    found = Temporal.over(image_net, TemporalConfig.over(image_net, 8)).eval()(phi)
    alone = image_net.regress(phi.flatten(0, 1))
    for a, b in zip(found[:3], alone[:3], strict=True):
        assert torch.equal(a, b)


def test_as_built_it_can_be_a_moving_average() -> None:
    """Within what tanh bends: of a still video the very frame, of a noisy one the average by hand."""
    image_net = net()
    made = Temporal.over(image_net, TemporalConfig.over(image_net, start="average")).eval()
    still = torch.rand(1, 1, TINY.features).expand(1, 6, TINY.features)
    assert torch.allclose(made.encode(still)[0], still, atol=0.02)
    phi = torch.rand(2, 9, TINY.features)
    expected = [phi[:, 0]]
    for t in range(1, 9):
        expected.append(MEMORY * expected[-1] + (1 - MEMORY) * phi[:, t])
    found, by_hand = made.encode(phi)[0], torch.stack(expected, 1)
    assert torch.allclose(found[:, 1:], by_hand[:, 1:], atol=0.06)
    assert (found - by_hand).abs().mean() < 0.15 * (phi - by_hand).abs().mean()


def test_an_average_is_as_wide_as_the_features() -> None:
    with pytest.raises(RscError, match="starts as an average of 64 features"):
        Temporal(TemporalConfig(features=64, width=32, start="average"))


def test_a_critics_real_motion_may_be_amass(tmp_path: Path) -> None:
    """Windows are pieces of its files, in order; a data root without it gets one line."""
    trees.amass(tmp_path, rate=30.0, frames=90)
    (clip,) = sources.mocap(str(tmp_path))
    windows = real_windows(np.random.default_rng(0), 6, 16, [clip]).reshape(6, 16, 23, 3)
    spread = windows.diff(dim=1).norm(dim=-1).mean()
    assert spread > 0.1  # noise from frame to frame: no training clip moves like that
    bodies = sources.bodies(64, 0, str(tmp_path))[0]
    known = axis_angle_to_rotmat(torch.from_numpy(clip.poses))[:, 1:].flatten(1)
    nearest = torch.cdist(bodies[:, 1:].flatten(1), known).min(1)
    assert nearest.values.max() < 1e-2 and len(nearest.indices.unique()) > 20
    assert sources.mocap("") == []
    with pytest.raises(RscError, match="AMASS"):
        sources.mocap(str(tmp_path / "elsewhere"))


@pytest.mark.parametrize("head", ["iterative", "mlp3"])
def test_a_frame_knows_those_before_it_and_no_later_one(head: str) -> None:
    made = module(head, 64)  # of eight units all may be silent
    torch.nn.init.normal_(made.back.weight, std=0.1)
    last = made.head.layers[-1] if head == "mlp3" else made.head.decpose
    torch.nn.init.normal_(last.weight, std=0.1)
    phi = torch.rand(1, 6, TINY.features)
    changed = phi.clone()
    changed[:, 3] += 1
    apart = (made(phi).rotmats - made(changed).rotmats).flatten(1).norm(dim=1)
    assert (apart[:3] == 0).all() and (apart[3:] > 0).all()


def test_a_long_video_in_pieces_gives_what_it_gives_whole() -> None:
    made = module()
    torch.nn.init.normal_(made.back.weight)
    phi = torch.rand(1, 9, TINY.features)
    whole, _ = made.encode(phi)
    first, state = made.encode(phi[:, :4])
    second, _ = made.encode(phi[:, 4:], state)
    assert torch.allclose(whole, torch.cat([first, second], 1), atol=1e-6)


def test_the_papers_module_has_vibes_size() -> None:
    made = Temporal(TemporalConfig())
    gru = sum(p.numel() for p in made.gru.parameters())
    assert gru == 3 * 1024 * (2048 + 1024 + 2) + 3 * 1024 * (1024 + 1024 + 2)
    assert made.back.weight.shape == (2048, 1024)
    critic = MotionCritic()
    assert critic.gru.input_size == 69 and critic.gru.hidden_size == 1024
    assert [layer.out_features for layer in critic.attend if hasattr(layer, "out_features")] == [1024, 1024, 1]  # fmt: skip


def test_an_unknown_head_is_refused() -> None:
    with pytest.raises(RscError, match="head is 'iterative' or 'mlp3', not 'lstm'"):
        Temporal(dataclasses.replace(TemporalConfig(), head="lstm"))


def test_attention_sums_to_one_and_weighs_moments() -> None:
    critic = MotionCritic(8).eval()
    scores, weights = critic.attention(torch.randn(3, 7, 69))
    assert scores.shape == (3,) and weights.shape == (3, 7)
    assert torch.allclose(weights.sum(1), torch.ones(3)) and (weights > 0).all()
    assert critic(torch.randn(1, 7, 69)).shape == (1,), "one motion alone is a batch too"


def test_what_the_critic_reads_has_no_root() -> None:
    poses = torch.randn(6, 24, 3) * 0.5
    read = motion_parameters(axis_angle_to_rotmat(poses), 3)
    assert torch.allclose(read, poses[:, 1:].reshape(2, 3, 69), atol=1e-5)


def test_real_windows_are_motion_of_the_training_clips() -> None:
    windows = real_windows(np.random.default_rng(0), 8, 16)
    assert windows.shape == (8, 16, 69) and torch.isfinite(windows).all()
    again = real_windows(np.random.default_rng(0), 8, 16)
    assert torch.equal(windows, again)
    step = windows.diff(dim=1).reshape(8, 15, 23, 3).norm(dim=-1)
    assert 0 < step.mean() < 0.3, "neighbouring frames are near"


def test_windows_are_functions_of_the_step_and_stay_in_their_video() -> None:
    made = videos()
    given = {"batch": 8, "frames": 4, "seed": 0, "share_3d": 0.5}
    a, b = window_batch(made, 3, **given), window_batch(made, 3, **given)  # type: ignore[arg-type]
    assert all(map(torch.equal, (a.phi, a.real, *a.labels), (b.phi, b.real, *b.labels)))
    other = window_batch(made, 4, **given)  # type: ignore[arg-type]
    assert not torch.equal(a.phi, other.phi)
    of = made.sequence[a.labels.ids].reshape(8, 4)
    assert (of == of[:, :1]).all(), "a window is of one video"
    assert (a.labels.ids.reshape(8, 4).diff(dim=1) == 1).all(), "its frames follow one another"
    assert a.labels.has_3d.reshape(8, 4).all(1).tolist() == [True] * 4 + [False] * 4
    for i in range(8):  # features and labels are of the same frames
        rows = a.labels.ids.reshape(8, 4)[i]
        assert any(torch.equal(a.phi[i], phi[rows]) for phi in made.features.values())


def test_a_video_that_is_too_short_is_refused() -> None:
    with pytest.raises(RscError, match="a video of 4 frames has no window of 5"):
        window_batch(videos(), 0, batch=2, frames=5, seed=0, share_3d=0.5)


def toy(config: VideoConfig, folder: Path, steps: int | None = None) -> Temporal:
    def build(device: torch.device) -> Video:
        torch.manual_seed(config.seed)
        return Video(config, videos(), module().train(), device)

    run = config.run if steps is None else dataclasses.replace(config.run, steps=steps)
    return train(build, run, config, folder, progress=False)  # type: ignore[return-value]


def weights(net: torch.nn.Module) -> dict[str, Any]:
    return {name: value.clone() for name, value in net.state_dict().items()}


@pytest.mark.parametrize("critic", [0.5, 0.0])
def test_a_stopped_training_goes_on_bitwise(tmp_path: Path, critic: float) -> None:
    config = dataclasses.replace(CONFIG, critic=critic)
    whole = weights(toy(config, tmp_path / "whole"))

    class Killed(BaseException):
        pass

    def dies(step: int) -> dict[str, float]:
        if step == 4:
            raise Killed
        return {}

    def build(device: torch.device) -> Video:
        torch.manual_seed(config.seed)
        made = Video(config, videos(), module().train(), device)
        made.scores = dies  # type: ignore[method-assign]
        return made

    often = dataclasses.replace(config, save_seconds=0.001)
    with pytest.raises(Killed):
        train(build, often.run, config, tmp_path / "part", progress=False)
    assert (tmp_path / "part" / "state.pt").is_file()
    resumed = weights(toy(config, tmp_path / "part"))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_the_critic_changes_what_is_learnt(tmp_path: Path) -> None:
    with_critic = weights(toy(CONFIG, tmp_path / "a"))
    without = weights(toy(dataclasses.replace(CONFIG, critic=0.0), tmp_path / "b"))
    assert any(not torch.equal(with_critic[name], without[name]) for name in without)
    columns = (tmp_path / "a" / "log.csv").read_text().splitlines()[0].split(",")
    assert "critic" in columns and {"2d", "3d", "pose", "betas"} <= set(columns)


def test_it_learns(tmp_path: Path) -> None:
    """Noise that differs from frame to frame over one pose that does not: the GRU averages it away."""
    torch.manual_seed(0)
    made = videos((8, 8, 8))
    base = torch.rand(1, TINY.features)
    phi = {32: base + 0.3 * torch.randn(24, TINY.features)}
    labels = made.labels._replace(rotmats=torch.eye(3).expand(24, 24, 3, 3))
    still = Videos(phi, labels, made.sequence)
    config = dataclasses.replace(CONFIG, steps=60, critic=0.0, lr=3e-3, share_3d=1.0)
    method = Video(config, still, module().train(), torch.device("cpu"))
    losses = []
    optimiser = torch.optim.Adam(method.net.parameters(), 3e-3)
    for step in range(60):
        terms = method.loss(method.net, method.batch(step), step).terms
        loss = torch.stack(list(terms.values())).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_it_is_saved_and_read(tmp_path: Path) -> None:
    made = module()
    torch.nn.init.normal_(made.back.weight)
    body = load_body()
    save_model(tmp_path / "m.safetensors", made, {"body": body.identity}, half=False)
    again = load_model(tmp_path / "m.safetensors")
    assert isinstance(again, Temporal) and again.config == made.config
    phi = torch.rand(1, 3, TINY.features)
    assert torch.equal(again(phi).rotmats, made(phi).rotmats)


def test_a_module_for_other_features_is_refused() -> None:
    other = Temporal(dataclasses.replace(TemporalConfig(), features=48, width=8, hidden=8))
    frames = NetPredictor(RSCNet(NetConfig.edu()).eval(), load_body())
    with pytest.raises(RscError, match="made for features of length 48"):
        VideoPredictor(frames, other)


def test_videos_are_scored_one_by_one() -> None:
    """A module that has seen another video must not remember it."""
    shape = NetConfig.edu()
    torch.manual_seed(0)
    image_net = RSCNet(dataclasses.replace(shape, planes=(4, 4, 4, 8), blocks=(1, 1, 1, 1))).eval()
    made = Temporal.over(image_net, TemporalConfig.over(image_net, 8))
    torch.nn.init.normal_(made.back.weight)
    predictor = VideoPredictor(NetPredictor(image_net, load_body()), made)
    images = torch.randint(0, 256, (8, 3, 128, 128), dtype=torch.uint8)
    sequence = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    both = video_joints(predictor, images, sequence, 32)
    second = video_joints(predictor, images[4:], sequence[4:], 32)
    assert both.shape == (8, 14, 3) and torch.allclose(both[4:], second, atol=1e-6)


def test_all_metrics_are_of_the_same_frames() -> None:
    truth = torch.randn(9, 14, 3) * 0.2
    sequence = torch.tensor([0] * 4 + [1] * 5)
    found = video_errors(truth + 0.01 * torch.randn(9, 14, 3), truth, sequence)
    assert {len(values) for values in found.values()} == {2 + 3}
    assert (video_errors(truth, truth, sequence)["acceleration_error"] == 0).all()
    long = torch.randn(40, 14, 3) * 0.2
    ids = torch.tensor([0] * 20 + [1] * 20)
    joined = joined_windows(long, long, ids)
    assert set(joined) == {"acceleration, windows joined", "acceleration_error, windows joined"}
    assert joined["acceleration_error, windows joined"] == 0


def test_kept_features_are_checked(tmp_path: Path) -> None:
    image_net = net()
    phi = torch.rand(5, TINY.features)
    path = tmp_path / "features" / "x.npz"
    _save(path, phi)
    found = _load(path, 5, image_net)
    assert found is not None and torch.equal(found, phi)
    assert _load(path, 6, image_net) is None, "another number of frames"
    raw = bytearray(path.read_bytes())
    raw[200] ^= 1
    path.write_bytes(raw)
    assert _load(path, 5, image_net) is None, "a changed byte"


@pytest.mark.parametrize("name", ["video", "video_ci", "video_paper"])
def test_the_presets_are_read(name: str) -> None:
    config = load_config(name)
    assert isinstance(config, VideoConfig)
    if name == "video_paper":  # VIBE's weights: 300, 300, 60, 0.06 and 0.5
        loss = config.loss
        weights = (loss.joints2d, loss.joints3d, loss.pose, loss.betas)
        assert [round(loss.factor * w, 6) for w in weights] == [300, 300, 60, 0.06]
        assert config.critic == 0.5 and round(config.batch * config.share_3d) == 13


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(RscError, match="sizes are different numbers"):
        checked(VideoConfig, {"sizes": [32, 32]}, "mine")
    with pytest.raises(RscError, match="head is one of iterative, mlp3"):
        checked(VideoConfig, {"head": "gru"}, "mine")


def test_rsc_train_ends_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command to its last word; the features are a toy's."""
    made = videos((8, 8))
    wide = {s: torch.rand(16, NetConfig.edu().features) for s in made.features}
    monkeypatch.setattr(video, "videos_of", lambda *_: Videos(wide, made.labels, made.sequence))
    (tmp_path / "mine.yaml").write_text(
        "{method: video, steps: 2, batch: 2, window: 4, critic_width: 8, width: 8, precision: 32-true}"
    )
    assert main(["train", str(tmp_path / "mine.yaml"), "--out", str(tmp_path / "run")]) == 0
    assert isinstance(load_model(tmp_path / "run" / "model.safetensors"), Temporal)


def test_the_method_is_what_the_loop_wants() -> None:
    assert video.builder.__doc__ and callable(video.start_module)
    made = video.start_module(dataclasses.replace(CONFIG, dropout=0.25), net())
    dropout = [m.p for m in made.modules() if isinstance(m, torch.nn.Dropout)]
    assert dropout == [0.25]
