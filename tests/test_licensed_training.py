"""``rsc train paper`` on tiny trees in the licensed sets' layout: SMPL, SPIN's start, the mix, a step."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rsclib.body import load_body
from rsclib.checkpoints import read_header
from rsclib.cli import main
from rsclib.errors import RscError
from rsclib.foreign import load_spin, start_of_spin
from rsclib.methods import licensed, load_config
from rsclib.methods.rsc import RscConfig
from rsclib.models import model_named
from rsclib.runs.folder import read_log
from tests import trees
from tests.official import state_dict

SHORT = "base: paper\nschedule: [[2, 1]]\nbatches: [1]\nprecision: 32-true\n"


def spin_state() -> dict[str, torch.Tensor]:
    """SPIN's names with random weights."""
    return {
        k.replace(".hmr_layer", ""): v
        for k, v in state_dict().items()
        if "alphas" not in k and "layer4_mlp" not in k
    }


def h36m_train(root: Path, n: int = 4) -> None:
    """``h36m_train_protocol1.npz``: poses, shapes and marked points."""
    names = [f"images/S1_Walking_1.60457274_{i:06d}.jpg" for i in range(n)]
    points = np.random.default_rng(2).normal(0, 0.3, (n, 24, 4))
    points[..., 3] = 1
    for i, name in enumerate(names):
        trees.picture(root / "h36m" / name, i)
    (root / "dataset_extras").mkdir(exist_ok=True)
    arrays = trees.spin_arrays(names, S=points)
    np.savez(root / "dataset_extras/h36m_train_protocol1.npz", **arrays)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SMPL, SPIN's checkpoint, Human3.6M and COCO; the other sets are not there."""
    root = tmp_path_factory.mktemp("data")
    trees.smpl_folder(root / "smpl")
    trees.coco(root)
    h36m_train(root)
    (root / "checkpoints").mkdir()
    torch.save({"model": spin_state()}, root / "checkpoints/model_checkpoint.pt")
    return root


def short(folder: Path, more: str = "") -> Path:
    path = folder / "short.yaml"
    path.write_text(SHORT + more)
    return path


def test_the_preset_is_the_papers() -> None:
    config = load_config("paper")
    assert isinstance(config, RscConfig) and (config.data, config.init) == (
        "licensed", licensed.SPIN_START,
    )  # fmt: skip
    # 32 over the number of ranges below the first, but 10 for the fourth too, as in the released code.
    assert [config.batch_at(s) for s in (0, 4876, 4877, 14631, 14632, 29263, 60480)] == [
        32, 32, 16, 16, 10, 10, 10,
    ]  # fmt: skip
    assert [config.scales_at(s) for s in (0, 4877, 14632, 29263)] == [2, 3, 4, 5]
    assert config.steps == 60_481, "an epoch of half, half, 0.47 and a whole one of 312,188 images"
    assert config.run.batch == 2, "two processes can share every batch, three cannot"
    seen = 32 * 2 * 4877 + 16 * 3 * 9755 + 10 * 4 * 14631 + 10 * 5 * 31218
    assert config.images_seen == seen
    stand_in = load_config(licensed.OPEN)
    assert isinstance(stand_in, RscConfig) and stand_in.data == "open"
    assert (stand_in.net, stand_in.ranges, stand_in.schedule) == (
        config.net, config.ranges, config.schedule,
    )  # fmt: skip


def test_a_constant_rate() -> None:
    from tests.test_rsc import method

    toy = method(schedule=((5, 1000),), lr_end=1.0)
    assert toy.lr(999) == pytest.approx(toy.config.lr) == pytest.approx(toy.lr(20))


def test_another_batch_for_each_stage() -> None:
    from tests.test_rsc import method

    toy = method(schedule=((2, 1), (5, 1)), batches=(6, 4))
    assert toy.batch(0).images.shape[0] == 2 * 6 and toy.batch(1).images.shape[0] == 5 * 4


@pytest.mark.parametrize(
    ("more", "message"),
    [("batches: [4, 4]", "batches needs a number for each"), ("batches: [0]", "within 1..65536")],
)
def test_batches_that_fit_nothing(tmp_path: Path, more: str, message: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"schedule: [[2, 1]]\n{more}\n")
    with pytest.raises(RscError, match=message):
        load_config(str(path))


def test_a_preset_on_a_preset_on_a_preset(tmp_path: Path) -> None:
    config = load_config(str(short(tmp_path)))
    assert isinstance(config, RscConfig)
    assert config.net == "paper" and config.data == "licensed" and config.schedule == ((2, 1),)
    (tmp_path / "own.yaml").write_text(f"base: {tmp_path / 'own.yaml'}\n")
    with pytest.raises(RscError, match="its base stands on itself"):
        load_config(str(tmp_path / "own.yaml"))


def test_the_start_is_spins_weights_with_relu(root: Path) -> None:
    """All weights are SPIN's; the function is not, because the regressor has ReLU."""
    path = root / "checkpoints/model_checkpoint.pt"
    ours, spin = start_of_spin(path), load_spin(path)
    assert ours.config.activation == "relu" and spin.config.activation == "none"
    theirs = spin.state_dict()
    for name, value in ours.state_dict().items():
        if not name.startswith("projection."):
            assert torch.equal(value, theirs[name]), name
    assert bool((ours.alpha == 1).all())
    phi = torch.rand(2, 2048)
    assert not torch.allclose(ours.eval().regress(phi).betas, spin.regress(phi).betas)


def test_a_step_of_the_papers_training(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """ResNet-50 at 224 px from SPIN's weights, the model scored on 3DPW's tree afterwards; a run goes
    on only with the data that it was begun with."""
    out = tmp_path / "run"
    words = ["train", str(short(tmp_path)), "--out", str(out), "--data", str(root)]
    assert main(words) == 0
    said = capsys.readouterr()
    assert "mixed: 33.3 % h36m-train (4 people), 66.7 % coco (1 people)" in said.err
    grew = "not there, so the others' shares grew: lsp-train, mpii, lspet, mpi-inf-3dhp-train"
    assert grew in said.err
    assert f"rsc eval {out}/model.safetensors --part 3dpw --data {root}" in said.out
    header = read_header(out / "model.safetensors")
    about = header["about"]
    assert about["body"] == load_body(root / "smpl").identity
    assert grew in about["data"] and len(about["start"]) == 64
    assert str(root) not in json.dumps(about), "no folder of the user's is published"
    assert header["config"]["image_size"] == 224 and header["config"]["activation"] == "relu"
    losses = read_log(out)
    assert len(losses) == 1 and np.isfinite(list(losses[0].values())).all()
    net, start = model_named(str(out / "model.safetensors")), start_of_spin(
        root / "checkpoints/model_checkpoint.pt"
    )  # fmt: skip
    moved = (net.trunk.conv1.weight - start.trunk.conv1.weight).abs().max()
    assert 0 < moved < 1e-3, "one step from SPIN's weights (which the file holds in 16 bits)"
    # With another set below the root it does not go on.
    other = tmp_path / "more"
    shutil.copytree(root, other)
    trees.lspet(other)
    capsys.readouterr()
    assert main([*words[:-1], str(other)]) == 2
    assert "was begun with other data sets than" in capsys.readouterr().err


def test_a_model_of_it_is_scored_on_3dpw(root: Path, tmp_path: Path) -> None:
    """The body in the header is SMPL's, so that ``rsc eval --part 3dpw`` takes the model."""
    from rsclib.checkpoints import save_model
    from rsclib.network import RSCNet
    from rsclib.people import Share
    from tests.test_network import TINY

    tree = tmp_path / "data"
    shutil.copytree(root / "smpl", tree / "smpl")
    trees.spin_3dpw(tree)
    config = load_config(str(short(tmp_path)))
    build = licensed.builder(config, False, licensed.Place(root, root / "smpl"), tmp_path)  # type: ignore[arg-type]
    build._keep((Share("coco", 1, 1.0),))
    import dataclasses

    model = tmp_path / "model.safetensors"
    net = RSCNet(dataclasses.replace(TINY, image_size=128))
    save_model(model, net, {"body": build.body.identity})
    assert main(["eval", str(model), "--part", "3dpw", "--data", str(tree), "--count", "2"]) == 0


def test_feaen_and_imgsr_see_the_same_people(root: Path, tmp_path: Path) -> None:
    """The rivals that need nothing more can be trained on it, HMR and SPIN cannot."""
    place = licensed.Place(root, root / "smpl")
    assert {kind.__name__ for kind in licensed.KINDS} == {"RscConfig", "ImgsrConfig", "FeaenConfig"}
    for name in ("hmr", "spin"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"method: {name}\ndata: licensed\n")
        with pytest.raises(RscError, match="for the methods rsc, imgsr and feaen"):
            licensed.builder(load_config(str(path)), False, place, tmp_path)  # type: ignore[arg-type]


def test_licensed_batches_are_functions_of_the_step(root: Path, tmp_path: Path) -> None:
    """Crops cut from the disk, the same for the same step; 3D labels only where a set has them."""
    path = tmp_path / "own.yaml"
    path.write_text(
        "{data: licensed, init: null, schedule: [[2, 9]], batch: 6, precision: 32-true}"
    )
    config = load_config(str(path))
    place = licensed.Place(root, root / "smpl")

    def made() -> Any:
        build = licensed.builder(config, False, place, tmp_path)  # type: ignore[arg-type]
        return build(torch.device("cpu"))

    a, b = made(), made()
    one, two = a.batch(3), b.batch(3)
    assert torch.equal(one.images, two.images) and one.images.shape == (12, 3, 128, 128)
    assert not torch.equal(one.images, a.batch(4).images)
    ids = one.labels.ids
    assert torch.equal(one.labels.has_smpl, ids < 4) and torch.equal(one.labels.has_3d, ids < 4)
    assert a.body.name == "smpl"
    terms = a.loss(a.net, one, 3).terms
    assert all(bool(value.isfinite()) for value in terms.values())


@pytest.mark.parametrize(
    ("words", "lost", "message"),
    [
        ([], "", r"needs its licensed data: name their folder with --data or RSC_DATA .*paper_open"),
        (["--data", "{root}/nope"], "", "--data names .*nope, which is no folder"),
        (["--data", "{root}"], "smpl", "no .*smpl: name its folder with --body or RSC_SMPL"),
        (["--data", "{root}"], "smpl/SMPL_NEUTRAL.npz", "holds no SMPL model"),
        (["--data", "{root}", "--body", "{open}"], "", "is another body; name SMPL's"),
        (["--data", "{root}"], "checkpoints", "starts from SPIN's checkpoint, and .*base: paper"),
        (["--data", "{root}"], "coco h36m dataset_extras", "no training set was found below"),
        (["--data", "{root}"], "h36m", "4 of 4 pictures that h36m_train_protocol1.npz names are not"),
    ],
)  # fmt: skip
def test_what_is_missing_is_one_line(
    words: list[str], lost: str, message: str, root: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    import re

    from rsclib.files.body_files import OPEN_BODY

    monkeypatch.delenv("RSC_DATA", raising=False)
    monkeypatch.delenv("RSC_SMPL", raising=False)
    tree = tmp_path / "data"
    shutil.copytree(root, tree)
    for name in lost.split():
        path = tree / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    given = [word.format(root=tree, open=OPEN_BODY) for word in words]
    assert main(["train", str(short(tmp_path)), "--out", str(tmp_path / "run"), *given]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and re.search(message, lines[0]) and lines[0].startswith("rsc: ")
    assert not (tmp_path / "run" / "state.pt").exists()
