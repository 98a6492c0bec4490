"""Telling pedestrians apart: the network, Eq. 13 both ways, the ranking, the training."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from rsclib.checkpoints import load_model, read_header, save_model
from rsclib.errors import RscError
from rsclib.methods import check_config, load_config
from rsclib.methods.reid import Reid, ReidConfig, augmented, hardest_triplet, retrieve
from rsclib.models import MODELS, reid_named
from rsclib.openbench.parts import STREETS
from rsclib.openbench.pedestrians import VIEWS, make_pedestrians
from rsclib.reid import LAYERS, ReIDConfig, ReIDNet
from rsclib.reid_loss import FACTOR, measure, printed, released
from rsclib.retrieval import cosine_distance, rank
from rsclib.runs.results import read_result
from rsclib.train import train
from tests.toys import digest

ROOT = Path(__file__).parents[1]
TINY = ReIDConfig(planes=(8, 8, 16, 16), blocks=(1, 1, 1, 1), stripes=2, embedding=8)
CONFIG = ReidConfig(
    images=16 * VIEWS, held_out=4, steps=30, people=6, views=4, lr=1e-2, precision="32-true",
    triplet=1.0, save_seconds=1e9, eval_steps=15,
)  # fmt: skip


@pytest.fixture(scope="module")
def net() -> ReIDNet:
    torch.manual_seed(0)
    return ReIDNet(ReIDConfig()).eval()


def noise(seed: int, n: int = 2) -> torch.Tensor:
    return torch.rand(n, 3, 128, 64, generator=torch.Generator().manual_seed(seed))


def test_the_shapes_of_the_docstring(net: ReIDNet) -> None:
    shapes = {k: tuple(v.shape[1:]) for k, v in net.features(noise(0)).items()}
    assert shapes == {
        "layer1": (32, 32, 16), "layer2": (64, 16, 8), "layer3": (128, 8, 4),
        "layer4": (256, 8, 4), "embedding": (640,),
    }  # fmt: skip
    assert sum(p.numel() for p in net.parameters()) < 2_000_000
    lengths = net.features(noise(0))["embedding"].norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones(2))


def test_a_stripe_sees_its_rows_only(net: ReIDNet) -> None:
    last = torch.rand(1, 256, 8, 4)
    other = last.clone()
    other[:, :, :2] = torch.rand(1, 256, 2, 4)  # the head's quarter
    a, b = net.part_features(last), net.part_features(other)
    changed = ((a - b).abs() > 1e-6).any(2)[0]
    assert changed.tolist() == [True, True, False, False, False]


def test_a_network_is_saved_and_read(net: ReIDNet, tmp_path: Path) -> None:
    save_model(tmp_path / "m.safetensors", net, {}, half=False)
    again = load_model(tmp_path / "m.safetensors")
    assert isinstance(again, ReIDNet) and again.config == net.config
    assert digest(again.state_dict()) == digest(net.state_dict())
    with pytest.raises(RscError, match="four stages"):
        ReIDNet(ReIDConfig(planes=(8, 8, 8)))


# --- Eq. 13 ---


def test_the_printed_form_is_the_norm(net: ReIDNet) -> None:
    a, b = net.features(noise(0)), net.features(noise(1))
    by_hand = np.linalg.norm((a["embedding"] - b["embedding"]).detach().numpy(), axis=1)
    np.testing.assert_allclose(printed(a, b).detach().numpy(), by_hand, rtol=1e-5)


def test_the_released_form_is_the_cosine_in_disguise(net: ReIDNet) -> None:
    """Sum over layers of (2 - 2 cos) / d, worked out in float64 with loops."""
    net = copy.deepcopy(net).requires_grad_(False)
    a, b = net.features(noise(0)), net.features(noise(1))
    for i in range(2):
        total = 0.0
        cosines = []
        for name in LAYERS:
            x, y = (f[name][i].detach().double().numpy().ravel() for f in (a, b))
            cosines.append(x @ y / np.linalg.norm(x) / np.linalg.norm(y))
            total += (2 - 2 * cosines[-1]) / len(x)
        found = measure(a, b)
        assert float(found.raw[i]) == pytest.approx(total, rel=1e-3)
        assert float(found.cosine[i]) == pytest.approx(np.mean(cosines), abs=1e-5)
        assert float(found.rescaled[i]) == pytest.approx(total * FACTOR, rel=1e-3)
        assert float(measure(a, b, 5000).rescaled[i]) == pytest.approx(total * 5000, rel=1e-3)


def test_equal_pictures_have_no_loss_and_a_finite_gradient(net: ReIDNet) -> None:
    image = noise(0).requires_grad_()
    with torch.no_grad():
        target = net.features(noise(0))
    for loss in (printed, released):
        value = loss(net.features(image), target).sum()
        (gradient,) = torch.autograd.grad(value, image)
        assert float(value.detach()) < 1e-5 and gradient.isfinite().all()


def test_a_pixel_s_gradient_lowers_the_loss(net: ReIDNet) -> None:
    """A grey picture is painted towards the target: what TexGlo is trained by."""
    with torch.no_grad():
        target = net.features(noise(3, 1))
    for loss in (printed, released):
        image = torch.full((1, 3, 128, 64), 0.5, requires_grad=True)
        optimiser = torch.optim.Adam([image], 0.05)
        values = []
        for _ in range(8):
            value = loss(net.features(image), target).sum()
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            values.append(float(value.detach()))
        assert values[-1] < 0.8 * values[0]


def test_pictures_are_compared_one_by_one(net: ReIDNet) -> None:
    with pytest.raises(RscError, match="one by one"):
        released(net.features(noise(0, 1)), net.features(noise(0, 2)))


# --- ranking ---


def naive(d: Any, qi: Any, gi: Any, qc: Any, gc: Any) -> tuple[list[float], list[float]]:
    """The protocol once more, with scikit-learn's average precision."""
    first, precision = [], []
    for q in range(len(qi)):
        keep = [
            g for g in range(len(gi)) if gi[g] != -1 and not (gi[g] == qi[q] and gc[g] == qc[q])
        ]
        right = [int(gi[g] == qi[q]) for g in keep]
        if not any(right):
            continue
        closest = min(range(len(keep)), key=lambda k: d[q][keep[k]])
        first.append(float(right[closest]))
        precision.append(average_precision_score(right, [-d[q][g] for g in keep]))
    return first, precision


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(2, 20))
def test_ranking_against_another_implementation(seed: int, queries: int, gallery: int) -> None:
    rng = np.random.default_rng(seed)
    distance = rng.permutation(queries * gallery).reshape(queries, gallery) / 100  # no ties
    args = (
        rng.integers(1, 4, queries), rng.integers(-1, 4, gallery), rng.integers(1, 4, queries),
        rng.integers(1, 4, gallery),
    )  # fmt: skip
    first, precision = naive(distance, *args)
    if not first:
        with pytest.raises(RscError, match="no query has a right answer"):
            rank(distance, *args)
        return
    found = rank(distance, *args)
    np.testing.assert_allclose(found.rank1, first)
    np.testing.assert_allclose(found.ap, precision)


def test_what_counts_and_what_does_not() -> None:
    """Nearest to farthest: same camera, junk, a distractor, the right one."""
    distance = np.array([[0.1, 0.2, 0.3, 0.4]])
    found = rank(distance, *map(np.array, ([7], [7, -1, 0, 7], [1], [1, 2, 2, 2])))
    assert found.rank1.tolist() == [0.0] and found.ap.tolist() == [0.5], "the distractor was nearer"
    without = rank(distance[:, [0, 1, 3]], *map(np.array, ([7], [7, -1, 7], [1], [1, 2, 2])))
    assert without.rank1.tolist() == [1.0] and without.ap.tolist() == [1.0]


def test_ranking_refuses_nonsense() -> None:
    ones = np.ones(2, int)
    with pytest.raises(RscError, match="do not fit"):
        rank(np.zeros((2, 3)), ones, ones, ones, ones)
    with pytest.raises(RscError, match="not a number"):
        rank(np.full((2, 2), np.nan), ones, ones, ones, ones)
    with pytest.raises(RscError, match="zero or not a finite"):
        cosine_distance(np.zeros((1, 2)), np.ones((1, 2)))


# --- training ---


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_the_hardest_triplet_against_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    features, identity = rng.standard_normal((8, 4)), np.repeat(np.arange(4), 2)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    losses = []
    for i in range(8):
        d = [np.linalg.norm(unit[i] - unit[j]) for j in range(8)]
        same = [d[j] for j in range(8) if identity[j] == identity[i]]
        other = [d[j] for j in range(8) if identity[j] != identity[i]]
        losses.append(max(0, 0.3 + max(same) - min(other)))
    found = hardest_triplet(torch.tensor(features), torch.tensor(identity), 0.3)
    assert float(found) == pytest.approx(np.mean(losses), abs=2e-3)


def test_augmented_pictures_are_pictures() -> None:
    images = noise(0, 8)
    first, again = (augmented(images, np.random.default_rng(1), CONFIG) for _ in range(2))
    assert torch.equal(first, again), "a function of the generator alone"
    assert first.shape == images.shape and first.min() >= 0 and first.max() <= 1
    plain = dataclasses.replace(CONFIG, pad=0, flip=0.0, erase=0.0)
    only_light = augmented(images, np.random.default_rng(1), plain)
    for a, b in zip(images, only_light, strict=True):
        inside = (b > 0) & (b < 1)
        assert torch.corrcoef(torch.stack([a[inside], b[inside]]))[0, 1] > 0.999
    mirrored = augmented(images, np.random.default_rng(1), dataclasses.replace(plain, flip=1.0))
    torch.testing.assert_close(mirrored, only_light.flip(3))


def toy_people() -> dict[str, np.ndarray]:
    """Sixteen people of coloured halves, in noise: a small network tells them apart in 30 steps."""
    rng = np.random.default_rng(0)
    colours = rng.uniform(0, 255, (16, 2, 3))
    images = colours.repeat(16, 1)[:, None, :, None].repeat(VIEWS, 1).repeat(16, 3)
    images = images + rng.normal(0, 25, images.shape)
    return {
        "images": images.clip(0, 255).astype(np.uint8).reshape(-1, 32, 16, 3),
        "identity": np.arange(100, 116).repeat(VIEWS),
        "camera_id": np.tile(np.arange(VIEWS) % 6 + 1, 16), "view": np.tile(np.arange(VIEWS), 16),
    }  # fmt: skip


def toy_train(folder: Path, config: ReidConfig = CONFIG, end: int | None = None) -> ReIDNet:
    class Killed(Exception):
        pass

    def build(device: torch.device) -> Reid:
        torch.manual_seed(1)
        method = Reid(config, toy_people(), TINY, device)
        real = method.batch

        def batch(step: int) -> Any:
            if step == end:
                raise Killed
            return real(step)

        method.batch = batch  # type: ignore[method-assign]
        return method

    try:
        return train(build, config.run, config, folder, progress=False)  # type: ignore[return-value]
    except Killed:
        return None  # type: ignore[return-value]


def test_it_learns_people_it_has_not_seen(tmp_path: Path) -> None:
    people = {k: v[12 * VIEWS :] for k, v in toy_people().items()}
    torch.manual_seed(1)
    before = retrieve(ReIDNet(TINY).eval(), people)["map"].mean()
    after = retrieve(toy_train(tmp_path), people)
    assert after["map"].mean() > max(0.9, before) and after["rank1"].mean() > 0.9
    log = (tmp_path / "log.csv").read_text().splitlines()
    assert log[0].endswith("names,triplet,rank1,map") and len(log) > 5


def test_a_stopped_run_goes_on_bit_for_bit(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, steps=6, save_seconds=1e-3)
    whole = toy_train(tmp_path / "whole", config)
    assert toy_train(tmp_path / "cut", config, end=3) is None
    resumed = toy_train(tmp_path / "cut", config)
    assert digest(whole.state_dict()) == digest(resumed.state_dict())


def test_held_out_people_are_never_trained_on() -> None:
    method = Reid(CONFIG, toy_people(), TINY, torch.device("cpu"))
    assert set(method.held_out["identity"]) == set(range(112, 116))
    assert len(method.images) == 12 * VIEWS and method.identity.max() == 11
    batch = method.batch(0)
    assert len(batch.images) == 24 and len(batch.identity.unique()) == 6
    with pytest.raises(RscError, match="too few"):
        Reid(dataclasses.replace(CONFIG, held_out=12), toy_people(), TINY, torch.device("cpu"))


def test_settings(tmp_path: Path) -> None:
    assert load_config("reid") == ReidConfig()
    for values, words in (({"peoples": 3}, "unknown key"), ({"views": 1}, "within 2..8")):
        with pytest.raises(RscError, match=words):
            check_config({"method": "reid"} | values, "x")


# --- what ships ---


def test_the_shipped_network_and_its_record() -> None:
    """It is what rsc train reid makes, from a clean checkout, and beats what needs no network."""
    net = reid_named()
    assert isinstance(net, ReIDNet) and not any(p.requires_grad for p in net.parameters())
    file = MODELS / "reid.safetensors"
    about = read_header(file)["about"]
    assert file.stat().st_size < 5e6 and about["git"]["dirty"] is False
    assert check_config(about["config"], "the header") == load_config("reid")
    record = read_result(ROOT / "results/open/reid.csv")
    assert record["provenance"]["git"]["dirty"] is False
    for metric in ("rank1", "map"):
        for resolution in (128, 32):
            rows = {
                r["method"]: r for r in record["rows"]
                if (r["metric"], r["resolution"]) == (metric, resolution)
            }  # fmt: skip
            assert len(rows) == 3
            floor = max(r["high"] for name, r in rows.items() if name != "reid")
            if resolution == 128:
                assert rows["reid"]["low"] > floor
    images = make_pedestrians(STREETS["pedestrians-test"], 3, 0, 4 * VIEWS, 128)
    found = retrieve(net, images)
    assert found["rank1"].mean() > 0.7 and found["map"].mean() > 0.6, "four people it never saw"
