"""RSC-Net's settings and batches: checked, functions of the step, the same for all rows."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rsclib import methods
from rsclib.config import PRESET_FOLDER, settings
from rsclib.errors import RscError
from rsclib.methods import load_config, plain_config
from rsclib.methods.feaen import FeaenConfig
from rsclib.methods.hmr import HmrConfig
from rsclib.methods.hr_only import HrOnlyConfig
from rsclib.methods.imgsr import ImgsrConfig
from rsclib.methods.rsc import Rsc, RscConfig, blend, start_network
from rsclib.network import NetConfig, RSCNet
from rsclib.people import Batch
from rsclib.runs.folder import in_words
from tests.toys import CONFIG, RANGES, TINY, toy_builder, toy_network, toy_people, toy_train


def method(**changes: Any) -> Rsc:
    config = dataclasses.replace(CONFIG, **changes)
    return toy_builder(config)(torch.device("cpu"))


def same(a: Batch, b: Batch) -> bool:
    return torch.equal(a.images, b.images) and all(map(torch.equal, a.labels, b.labels))


def test_batches_are_functions_of_the_step() -> None:
    a, b = method().batch(5), method().batch(5)
    assert same(a, b) and not same(a, method(seed=1).batch(5))
    assert a.images.shape == (5 * 4, 3, 32, 32) and a.scales == 5
    assert a.range_index.tolist() == np.repeat(range(5), 4).tolist()
    assert not torch.equal(a.images, method().batch(4).images)
    assert int(a.labels.has_3d.sum()) == round(4 * CONFIG.lab_share)


def test_all_rows_of_a_table_see_the_same_batches() -> None:
    """Loss, alpha and statistics differ between rows, and no pixel does."""
    loss = dataclasses.replace(CONFIG.loss, ss="none", feat="none")
    for step in (0, 3, 5):
        assert same(
            method(norm="per_range").batch(step), method(learn_alpha=False, loss=loss).batch(step)
        )


def test_progressive_schedule() -> None:
    assert [CONFIG.scales_at(s) for s in range(6)] == [2, 2, 3, 3, 5, 5]
    assert CONFIG.images_seen == 4 * (2 * 2 + 2 * 3 + 2 * 5)


def test_the_rate_warms_up_and_cools_down() -> None:
    toy = method(schedule=((5, 1000),))
    rates = [toy.lr(step) for step in range(1000)]
    assert rates[0] == pytest.approx(CONFIG.lr / 20, rel=1e-2)
    assert max(rates) == pytest.approx(CONFIG.lr, rel=1e-2) and np.argmax(rates) == 19
    assert rates[-1] == pytest.approx(CONFIG.lr / 10, rel=1e-2)


@pytest.mark.parametrize(
    "schedule", [((2, 1), (5, 1)), ((5, 1),), ((2, 1), (3, 1), (4, 1), (5, 1))]
)
@pytest.mark.parametrize("learn_alpha", [True, False])
def test_every_range_starts_from_the_first(
    tmp_path: Path, schedule: tuple[tuple[int, int], ...], learn_alpha: bool
) -> None:
    """A range starts from the weights of its larger neighbour, also at the first step."""
    first = torch.rand(sum(TINY.blocks)) + 0.5  # as from a pre-training that learnt row 0 alone
    config = dataclasses.replace(CONFIG, schedule=schedule, lr=1e-12, learn_alpha=learn_alpha)

    def change(toy: Rsc) -> None:
        with torch.no_grad():
            toy.net.trunk.alpha.normal_(1, 0.3)
            toy.net.trunk.alpha[0] = first

    got = toy_train(config, tmp_path, change=change)
    assert torch.allclose(got.alpha, first.expand_as(got.alpha), atol=1e-6)


@pytest.mark.parametrize("norm", ["shared", "measured"])
def test_dropout_is_the_networks_own_unless_given(norm: Any) -> None:
    config = RscConfig(init=None, norm=norm, dropout=None)
    assert start_network(config).regressor.dropout.p == NetConfig.edu().dropout > 0
    dry = dataclasses.replace(config, dropout=0.0)
    assert start_network(dry).regressor.dropout.p == 0


@pytest.mark.parametrize("path", sorted(PRESET_FOLDER.glob("*.yaml")), ids=lambda p: p.stem)
def test_presets_fit_and_survive_a_round_trip(path: Path) -> None:
    config = load_config(path.stem)
    assert config.steps > 0 and config.run.steps == config.steps
    assert methods.check_config(plain_config(config), path.stem) == config


def test_a_preset_names_its_method(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("{method: hr_only, stages: [[64, 5]]}")
    assert load_config(str(tmp_path / "x.yaml")) == HrOnlyConfig(stages=((64, 5),))
    (tmp_path / "x.yaml").write_text("{method: magic}")
    with pytest.raises(
        RscError,
        match="one of rsc, hr_only, hmr, imgsr, feaen, spin, video, reid, textured, not 'magic'",
    ):
        load_config(str(tmp_path / "x.yaml"))


def test_a_folder_is_no_preset(tmp_path: Path) -> None:
    with pytest.raises(RscError, match="is a folder; name the YAML file in it"):
        load_config(str(tmp_path))


def test_losses_are_compared_once_all_their_terms_are_in_use(tmp_path: Path) -> None:
    assert CONFIG.settled == 4 and load_config("edu").settled == 120
    assert HrOnlyConfig(stages=((64, 5), (96, 7))).settled == 5
    toy_train(CONFIG, tmp_path)
    assert in_words(tmp_path, CONFIG.settled).count("(step 5)") == 1
    assert in_words(tmp_path, 10**6).count("(step 6)") == 2  # nothing else to compare with


@pytest.mark.parametrize("kind", [RscConfig, HrOnlyConfig, HmrConfig, ImgsrConfig, FeaenConfig])
def test_every_number_has_its_limits(kind: Any) -> None:
    """Nothing is NaN, negative or huge by oversight: annotations say the range of each number."""
    from rsclib.config import checked

    for name, value in settings(kind()).items():
        numbers = value if isinstance(value, dict) else {name: value}
        for key, number in numbers.items():
            if isinstance(number, bool) or not isinstance(number, int | float):
                continue
            for bad in (-1, float("nan"), 1e300):
                wrong = {name: {key: bad}} if isinstance(value, dict) else {name: bad}
                with pytest.raises(RscError, match=key):
                    checked(kind, wrong, "test")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lerning_rate: 1", "unknown key 'lerning_rate'"),
        ("loss: {taw: 1}", "loss: unknown key 'taw'; known: joints3d"),
        ("loss: {ss: maybe}", "loss: ss is one of none, directional, .*, not 'maybe'"),
        ("loss: 5", "loss: expected keys and values, found int"),
        ("batch: many", "batch must be a whole number"),
        ("batch: 1.5", "batch must be a whole number"),
        ("learn_alpha: 1", "learn_alpha must be a true or false"),
        ("init: 3", "init must be a word"),
        ("lr: 4e-5", "lr must be a finite number, not '4e-5'; .* 4.0e-5"),
        ("lr: .nan", "lr must be a finite number"),
        ("schedule: 5", "schedule is a list"),
        ("schedule: [[2.5, 1]]", "schedule is a list"),
        ("norm: each", "norm is one of shared, per_range, measured, not 'each'"),
        ("dropout: much", "dropout must be a finite number"),
        ("dropout: 1", r"dropout must lie within 0\.\.0\.9"),
        ("{keep: 0.5, init: null}", "keep is a share of a model in init"),
        ("{keep: 0.5, data: licensed}", "keep is a share of a model in init, of open data"),
        ("soften: 0.5", "norm: shared has none; set soften to 0"),
        ("- 1", "keys and values"),
        ("a: [", "not YAML"),
    ],
)
def test_bad_presets(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(RscError, match=message):
        load_config(str(tmp_path / "x.yaml"))
    with pytest.raises(RscError, match="presets: ci, edu"):
        load_config("nope")


def test_a_blend_is_the_mean_of_weights_and_leaves_statistics() -> None:
    torch.manual_seed(0)
    own, other = (RSCNet(TINY) for _ in range(2))
    for net in (own, other):
        net.train()(torch.rand(4, 3, 32, 32), torch.zeros(4, dtype=torch.long))
    before = {name: value.clone() for name, value in own.state_dict().items()}
    weights = {name for name, _ in own.named_parameters()}
    blend(own, other, 0.25)
    for name, value in own.state_dict().items():
        theirs = other.state_dict()[name]
        wanted = 0.75 * before[name] + 0.25 * theirs if name in weights else before[name]
        torch.testing.assert_close(value, wanted)
    blend(own, other, 1.0)
    assert all(map(torch.equal, own.parameters(), other.parameters()))


def test_what_ships_keeps_its_share_of_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    start = toy_network(CONFIG)
    monkeypatch.setattr("rsclib.methods.rsc.start_network", lambda config: start)
    for keep in (0.0, 0.5, 1.0):
        toy = method(init="hr-only", keep=keep)
        trained = [p.detach().clone() for p in toy.network.parameters()]
        for shipped, own, first in zip(
            toy.finish().parameters(), trained, start.parameters(), strict=True
        ):
            torch.testing.assert_close(shipped, (1 - keep) * own + keep * first)


def test_the_toy_is_what_it_says() -> None:
    assert RANGES.full == TINY.image_size and RANGES.count == TINY.ranges
    assert isinstance(toy_network(CONFIG), RSCNet)
    assert int(toy_people().labels.has_3d.sum()) == 5
