"""TexGlo's training: batches, terms, gradients, resuming, rows; it learns what is drawn."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from rsclib import methods
from rsclib.checkpoints import load_model, save_model
from rsclib.data.backdrops import backdrops
from rsclib.errors import RscError
from rsclib.methods import textured
from rsclib.methods.texture_rows import texture_runs
from rsclib.methods.textured import Textured, TexturedBatch, TexturedConfig, reid_named
from rsclib.openbench import scenes
from rsclib.reid import ReIDConfig, ReIDNet
from rsclib.render.uv import look_up
from rsclib.tables import paper_table
from rsclib.texture import TexGlo, TextureConfig
from rsclib.texture_claims import texture_table_of
from rsclib.texture_scores import psnr
from rsclib.train import train
from tests.dressed_toys import CONFIG, TINY, toy_arrays, toy_builder

CPU = torch.device("cpu")


def same(a: TexturedBatch, b: TexturedBatch) -> bool:
    return all(map(torch.equal, a, b))


def test_batches_are_functions_of_the_step() -> None:
    toy = toy_builder()(CPU)
    a = toy.batch(2)
    assert same(a, toy_builder()(CPU).batch(2)) and not same(a, toy.batch(3))
    assert not same(a, toy_builder(seed=1)(CPU).batch(2))
    assert a.small.shape == a.sharp.shape == (4, 3, 128, 64) and a.faces.shape == (4, 3, 128, 128)
    assert a.small.min() >= -1 and a.sharp.min() >= 0 and a.sharp.max() <= 1


def test_nobody_is_told_their_own_face_and_the_held_out_are_not_seen() -> None:
    toy = toy_builder()(CPU)
    maps = toy.people.uv_maps.float() / 255
    for step in range(12):
        batch = toy.batch(step)
        sharp = (batch.sharp * 255).round().byte()
        for picture, face in zip(sharp, batch.faces, strict=True):
            row = (toy.people.sharp == picture).flatten(1).all(1).nonzero()[0, 0]
            person = toy.people.person[row]
            assert person < 3, "person 3 is held out"
            shown = (maps - face).abs().flatten(1).amax(1).argmin()
            assert shown not in (person, 3)


def test_all_rows_see_the_same_batches() -> None:
    a = toy_builder()(CPU).batch(1)
    b = toy_builder(lookup="nearest", reid_form="printed", reid_weight=3.0)(CPU).batch(1)
    assert same(a, b)


@pytest.mark.parametrize("form", ["released", "printed"])
def test_terms_by_hand(form: str) -> None:
    toy = toy_builder(reid_form=form, reid_weight=2.0, face_weight=3.0)(CPU)
    batch = toy.batch(0)
    terms = toy.loss(toy.net, batch, 0).terms
    toy.net.train()
    texture = (toy.net(batch.small) + 1) / 2
    grid = torch.stack([2 * batch.uv[..., 0] - 1, 1 - 2 * batch.uv[..., 1]], -1)
    person = torch.nn.functional.grid_sample(
        texture, grid, padding_mode="border", align_corners=False
    )
    shown = torch.where(batch.mask > 0, person, batch.behind)
    a, b = toy.reid.features(shown), toy.reid.features(batch.sharp)
    if form == "printed":
        wanted = (a["embedding"] - b["embedding"]).norm(dim=1).mean()
    else:
        wanted = torch.zeros(())
        for name in ("layer1", "layer2", "layer3", "layer4"):
            x, y = (f[name].flatten(1) for f in (a, b))
            x, y = x / x.norm(dim=1, keepdim=True), y / y.norm(dim=1, keepdim=True)
            wanted = wanted + ((x - y) ** 2).mean()
    torch.testing.assert_close(terms["reid"], 2 * wanted)
    inside = toy.face.bool().expand_as(texture)
    face = (texture - batch.faces)[inside].square().sum() / texture.numel()
    torch.testing.assert_close(terms["face"], 3 * face)


def test_the_gradient_reaches_every_weight_and_not_the_judge() -> None:
    toy = toy_builder()(CPU)
    sum(toy.loss(toy.net, toy.batch(0), 0).terms.values()).backward()  # type: ignore[union-attr]
    for name, weight in toy.net.named_parameters():
        assert weight.grad is not None and bool(weight.grad.isfinite().all()), name
    assert all(not p.requires_grad for p in toy.reid.parameters())  # type: ignore[attr-defined]


def test_only_what_is_drawn_is_learnt_from_the_picture() -> None:
    """Without the face term a texel that nobody shows has no gradient."""
    toy = toy_builder(face_weight=0.0)(CPU)
    batch = toy.batch(0)
    maps = torch.zeros(4, 3, 128, 128, requires_grad=True)

    class Given(torch.nn.Module):
        def forward(self, small: Tensor) -> Tensor:
            return maps

    sum(toy.loss(Given(), batch, 0).terms.values()).backward()  # type: ignore[union-attr]
    assert maps.grad is not None
    touched = maps.grad.abs().sum(1) > 0
    assert touched.any() and not (touched & ~toy.chart).float().mean() > 0.05
    assert touched.float().mean() < 0.5, "the other side of the person"


def test_training_finds_the_texture(tmp_path: Path) -> None:
    """End to end: the drawn person comes to look like the picture, which no loss on pixels asks for."""
    config = dataclasses.replace(CONFIG, steps=40, lr=1e-2, face_weight=0.0, eval_steps=1000)

    def likeness(toy: Textured) -> float:
        batch = toy.batch(0)
        toy.net.train()
        with torch.no_grad():
            person = look_up((toy.net(batch.small) + 1) / 2, batch.uv, batch.mask)
        return float(psnr(person, batch.sharp, batch.mask).mean())

    toy = toy_builder(config)(CPU)
    before = likeness(toy)
    net = train(lambda device: toy, config.run, config, tmp_path, progress=False)
    assert isinstance(net, TexGlo) and not net.training
    assert likeness(toy) > before + 1.5, "dB"


def test_a_run_goes_on_bit_for_bit(tmp_path: Path) -> None:
    def run(folder: Path, steps: int) -> TexGlo:
        build = toy_builder()
        run = dataclasses.replace(CONFIG.run, steps=steps)
        return train(build, run, CONFIG, folder, progress=False)  # type: ignore[return-value]

    whole = run(tmp_path / "a", 6).state_dict()
    run(tmp_path / "b", 3)
    resumed = run(tmp_path / "b", 6).state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    log = (tmp_path / "a" / "log.csv").read_text()
    assert "reid" in log and "uv_psnr" in log


def test_models_survive_their_file(tmp_path: Path) -> None:
    net = TexGlo(TINY)
    file = tmp_path / "model.safetensors"
    save_model(file, net, {}, half=False)
    read = load_model(file)
    assert isinstance(read, TexGlo) and read.config == TINY
    picture = torch.rand(1, 3, 128, 64)
    torch.testing.assert_close(read(picture), net.eval()(picture))
    with pytest.raises(RscError, match="'texglo', not a ReID network"):
        reid_named(str(file))
    save_model(tmp_path / "reid.safetensors", ReIDNet(ReIDConfig(planes=(4, 4, 4, 4))), {})
    assert isinstance(reid_named(str(tmp_path / "reid.safetensors")), ReIDNet)
    torch.save({"state_dict": {"layer.weight": torch.zeros(2)}}, tmp_path / "reid.pth")
    with pytest.raises(RscError):
        reid_named(str(tmp_path / "reid.pth"))
    with pytest.raises(RscError, match="no model at"):
        reid_named("reid-of-nobody")


def test_settings() -> None:
    config = methods.check_config({"method": "textured", "up": False, "context": "concat"}, "x")
    assert isinstance(config, TexturedConfig) and config.shape.uv_side == 64
    assert config.shape.context == "concat" and config.images_seen == 1200 * 16
    assert methods.check_config(methods.plain_config(config), "x") == config
    for values, words in (
        ({"context": "product"}, "none, sum, concat"), ({"lookup": "soft"}, "bilinear, nearest"),
        ({"rows": 1}, "rows"), ({"colour": 1}, "unknown key"),
    ):  # fmt: skip
        with pytest.raises(RscError, match=words):
            methods.check_config({"method": "textured", **values}, "x")
    with pytest.raises(RscError, match="too few"):
        toy_builder(held_out=3)(CPU)


def test_rows_of_tables_4_and_8() -> None:
    runs = texture_runs(seed=3, steps=7)
    assert all((run.seed, run.steps) == (3, 7) for run in runs.values())
    for table, number in (("table4", 4), ("table8", 8)):
        rows = texture_table_of(table).rows
        assert list(rows) == list(dict.fromkeys(paper_table(number)["method"]))
        assert set(rows.values()) <= runs.keys()
        # Each row differs from the next in what the paper says it does.
        switches = [
            (runs[r].mesh, runs[r].lookup, runs[r].up, runs[r].context) for r in rows.values()
        ]
        if number == 8:
            assert [s[2:] for s in switches] == [
                (False, "none"), (True, "none"), (True, "concat"), (True, "sum")
            ]  # fmt: skip
            assert len({s[:2] for s in switches}) == 1
        else:
            changed = [
                [a != b for a, b in zip(x, y, strict=True)] for x, y in itertools.pairwise(switches)
            ]
            assert changed == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]]
    assert texture_table_of("table8").rows["w/ Glo-S"] == texture_table_of("table4").rows["TexGlo"]
    with pytest.raises(RscError, match="table4, table8"):
        texture_table_of("table5")


def test_a_whole_run_from_settings_to_a_model_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`rsc train`: people fetched, meshes drawn and kept, trained, saved."""
    save_model(tmp_path / "judge.safetensors", ReIDNet(ReIDConfig(planes=(4, 4, 4, 4))), {})
    config = methods.check_config(
        {"method": "textured", "mesh": "truth", "reid": str(tmp_path / "judge.safetensors"),
         "images": 16, "held_out": 1, "people": 2, "views": 1, "steps": 2, "eval_steps": 2}, "x",
    )  # fmt: skip
    asked = []

    def fetch(name: str, count: int, size: int) -> dict[str, Any]:
        asked.append((name, count, size))
        return toy_arrays()

    monkeypatch.setattr(textured, "fetch", fetch)
    monkeypatch.setattr(textured, "BACKDROPS", 3)
    monkeypatch.setenv("RSC_CACHE", str(tmp_path / "cache"))
    net = methods.run(config, tmp_path / "run", progress=False)
    assert asked == [("pedestrians-train", 16, 128)]
    assert len(list((tmp_path / "cache" / "uv-pictures").iterdir())) == 1
    read = load_model(tmp_path / "run" / "model.safetensors")
    assert isinstance(read, TexGlo) and read.config == net.config == TextureConfig.edu()
    with pytest.raises(RscError, match="no model at"):
        textured.builder(dataclasses.replace(config, reid="nobody"), False)  # type: ignore[type-var]


def test_backdrops_are_places_of_training_and_a_function_of_the_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used: list[tuple[str, ...]] = []
    real = scenes.panorama_place

    def note(rng: Any, view: Any, names: tuple[str, ...]) -> Any:
        used.append(names)
        return real(rng, view, names)

    monkeypatch.setattr(scenes, "panorama_place", note)
    a, b, c = backdrops(3, 64, 5), backdrops(3, 64, 5), backdrops(3, 64, 6)
    assert a.shape == (3, 3, 64, 32) and a.dtype == torch.uint8
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert a.float().std(dim=(1, 2, 3)).min() > 2, "not one plain colour"
    assert not set(used[0]) & set(scenes.test_panoramas())
