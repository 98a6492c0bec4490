"""Anybody's model: two methods, or a file whose every slip is one clear line."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from rsclib import evaluate as E
from rsclib import exchange as X
from rsclib.anyone import PLACEHOLDER, Info, Look, Outside, check_joints, upside_down
from rsclib.body import load_body
from rsclib.checkpoints import save_model
from rsclib.cli import main
from rsclib.commands import outside_scoring
from rsclib.errors import RscError
from rsclib.geometry import axis_angle_to_rotmat
from rsclib.limbs import OnLimbs, trial_on_limbs
from rsclib.network import RSCNet
from rsclib.people import Trial
from rsclib.resolution import degrade, degrade_reference, enlarge, shrink
from rsclib.scores import Scores
from rsclib.tables import results_table
from tests import trees
from tests.test_network import TINY
from tests.toys import random_arrays

N = 24


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    """A test part of 24 people in four clips, whose joints are a body's."""
    found = random_arrays(N, 4)
    pose = torch.from_numpy(trees.poses(N)).float()
    out = load_body().joints(axis_angle_to_rotmat(pose.view(N, 24, 3)), torch.zeros(N, 10))
    return found | {"joints14": out.joints14.numpy()}


@pytest.fixture(autouse=True)
def part(arrays: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(name: str, count: int | None = None, *_: Any) -> dict[str, np.ndarray]:
        return {k: v[: count or N] for k, v in arrays.items()}

    monkeypatch.setattr(E, "fetch", fetch)
    for place in ("rsclib.commands.scoring", "rsclib.commands.outside_scoring"):
        monkeypatch.setattr(f"{place}.agree_to_build", lambda *_: None)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("tiny") / "model.safetensors"
    save_model(path, RSCNet(dataclasses.replace(TINY, image_size=128)), {})
    return path


@pytest.fixture
def truth(arrays: dict[str, np.ndarray]) -> Tensor:
    return torch.from_numpy(arrays["joints14"])


# --- two methods -------------------------------------------------------------------------------


class Mean:
    """The silliest model: everybody stands as the mean of these people does."""

    def __init__(self, people: Tensor, joints: int = 14) -> None:
        self.pose, self.seen = people.mean(0), list[tuple[int, ...]]()
        self.about = Info("mean pose", joints)

    def info(self) -> Info:
        return self.about

    def predict(self, look: Look) -> Tensor:
        self.seen.append((*look.images.shape, look.size, look.side))
        return self.pose.expand(len(look.images), -1, -1)


def test_two_methods_are_enough(truth: Tensor) -> None:
    """The mean pose has the errors of the best constant one, at every size the same."""
    mine = Mean(truth)
    scores = E.score({"mine": Outside(mine)}, "test-wild", (128, 32))
    np.testing.assert_allclose(scores.of("mine", 128), scores.of(E.CONSTANT, 128), atol=1e-3)
    np.testing.assert_array_equal(scores.of("mine", 128), scores.of("mine", 32))
    assert set(mine.seen) == {(N, 3, 128, 128, 128, 128), (N, 3, 32, 32, 32, 128)}


def test_a_model_is_shown_the_small_pixels(arrays: dict[str, np.ndarray]) -> None:
    """Enlarged again they are what every network of ours sees, and what Pillow gives."""
    images = torch.from_numpy(arrays["images"]).permute(0, 3, 1, 2)
    for size in (128, 112, 80, 52, 32, 24, 1):
        small = shrink(images, size)
        assert small.shape == (N, 3, size, size) and small.dtype == torch.uint8
        assert torch.equal(enlarge(small, 128), degrade(images, size))
    pillow = degrade_reference(arrays["images"][0], 32).astype(int)
    ours = enlarge(shrink(images[:1], 32), 128)[0].permute(1, 2, 0).numpy().astype(int)
    assert np.abs(pillow - ours).mean() < 1
    with pytest.raises(RscError, match="at least 1 pixel"):
        shrink(images, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda j: j * 1000, r"median person here measures .* m \(millimetres: divide by 1000\?\)"),
        (lambda j: j * 100, r"\(centimetres: divide by 100\?\)"),
        (lambda j: j * 0, "median person here measures 0 m"),
        (lambda j: j + 2.0, "relative to the pelvis, and half of the hips"),
        (lambda j: j.where(j != j[3, 2, 1], torch.nan), "not finite"),
        (lambda j: j[:, :13], r"predict gives \(24, 13, 3\), not a tensor \(24, 14, 3\)"),
        (lambda j: j.numpy(), "predict gives ndarray"),
    ],
)
def test_joints_that_cannot_be(change: Any, message: str, truth: Tensor) -> None:
    class Wrong(Mean):
        def predict(self, look: Look) -> Tensor:
            found: Tensor = change(truth)
            return found

    with pytest.raises(RscError, match=message):
        E.score({"x": Outside(Wrong(truth))}, "test-wild", (32,))


def test_seventeen_joints_only_of_who_has_them(truth: Tensor) -> None:
    images = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    with pytest.raises(RscError, match="gives 14 joints, not 17"):
        E.joints_at(Outside(Mean(truth)), images, 32, 17)
    wide = torch.cat([truth, truth[:, :3]], 1)
    both = Outside(Mean(wide, joints=17))
    assert E.joints_at(both, images, 32, 17).shape == (2, 17, 3)
    assert E.joints_at(both, images, 32, 14).shape == (2, 14, 3)


@pytest.mark.parametrize(("name", "joints"), [("", 14), ("a\nb", 14), ("x" * 81, 14), ("x", 49)])
def test_what_a_model_says_of_itself(name: str, joints: int, truth: Tensor) -> None:
    wrong = Mean(truth)
    wrong.about = Info(name, joints)
    with pytest.raises(RscError, match=r"info\(\): (name|joints) is"):
        Outside(wrong)


def test_heads_below_feet_are_noticed(truth: Tensor) -> None:
    assert not upside_down(truth)
    assert upside_down(truth * torch.tensor([1.0, -1, -1]))


# --- files -------------------------------------------------------------------------------------


def manifest(trial: Trial, **changes: Any) -> X.Manifest:
    base = X.Manifest("test-wild", N, X.digest_of(trial), model=Info("mine"))
    return dataclasses.replace(base, **changes)


def trial() -> Trial:
    return E.open_trial("test-wild")


def test_what_is_written_is_read(tmp_path: Path, truth: Tensor) -> None:
    joints = {128: truth, 32: truth + 0.01}
    path = X.write_predictions(tmp_path, manifest(trial()), joints)
    known = X.read_manifest(path)
    assert known == manifest(trial())
    answers = X.read_predictions(path, known)
    assert list(answers.joints) == [128, 32] and not answers.notes
    for size, values in joints.items():
        assert torch.equal(answers.joints[size], values)
    scores = X.score_answers(answers, trial())
    np.testing.assert_allclose(scores.of("mine", 128), 0, atol=1e-4)
    np.testing.assert_allclose(scores.of("mine", 32), 10 * np.sqrt(3), atol=1e-3)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_order_is_matched_by_id(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ids = np.array(X.ids_of("test-wild", N))
    order = rng.permutation(N)
    joints = rng.normal(0, 0.3, (N, 14, 3)).astype(np.float32)
    joints[:, (2, 3)] = 0
    path = tmp_path_factory.mktemp("order") / X.FILE
    np.savez(path, id=ids[order], size=np.full(N, 32), joints=joints[order])
    known = X.Manifest("test-wild", N, "", model=Info("mine"))
    answers = X.read_predictions(path, known)
    np.testing.assert_array_equal(answers.joints[32].numpy(), joints)
    assert bool([n for n in answers.notes if "another order" in n]) == bool(
        (order != range(N)).any()
    )


def rewritten(path: Path, **changes: Any) -> None:
    """The arrays of a file with some of them changed; None leaves one out."""
    with np.load(path) as file:
        values = dict(file)
    for key, change in changes.items():
        values[key] = change(values[key]) if callable(change) else change
    np.savez(path, **{k: v for k, v in values.items() if v is not None})


def repeated(ids: np.ndarray) -> np.ndarray:
    out = ids.copy()
    out[3] = out[2]
    return out


def at(place: tuple[int, ...], value: float) -> Any:
    def change(joints: np.ndarray) -> np.ndarray:
        out = joints.copy()
        out[place] = value
        return out

    return change


SLIPS: dict[str, tuple[dict[str, Any], str]] = {
    "an id is missing": (
        {key: (lambda v: v[1:]) for key in ("id", "size", "joints")},
        r"1 of 24 ids are missing, the first is test-wild-00000; a mean over some",
    ),
    "an id twice": ({"id": repeated}, "test-wild-00002 stands there twice"),
    "an unknown id": (
        {"id": lambda v: np.where(v == v[5], "test-wild-99999", v)},
        r"'test-wild-99999' is no id of the part; they run from test-wild-00000 to test-wild-00023",
    ),
    "millimetres": ({"joints": lambda v: v * 1000}, r"millimetres: divide by 1000"),
    "NaN": ({"joints": at((7, 3, 1), np.nan)}, "test-wild-00007 has numbers that are not finite"),
    "infinite": ({"joints": at((0, 0, 0), np.inf)}, "test-wild-00000 has numbers that are not"),
    "another origin": ({"joints": lambda v: v + 3}, "relative to the pelvis"),
    "49 joints": ({"joints": np.zeros((N, 49, 3))}, r"joints is \(24, 49, 3\), and the manifest"),
    "no joints": ({"joints": None}, "has no joints; it needs id, size and joints"),
    "whole numbers": ({"joints": np.zeros((N, 14, 3), int)}, "numbers with a point, not"),
    "numbers for ids": ({"id": np.arange(N)}, r"id is \(R,\) text"),
    "objects": ({"id": np.array([{}] * N)}, "cannot read .*Python objects"),
    "a size too large": ({"size": np.full(N, 512)}, "size 512 is not within 1..128"),
    "sizes of another length": ({"size": np.full(3, 32)}, r"size \(R,\) whole numbers"),
    "nothing": (
        {key: (lambda v: v[:0]) for key in ("id", "size", "joints")}, "has no predictions",
    ),
}  # fmt: skip


@pytest.mark.parametrize("slip", SLIPS)
def test_every_slip_is_one_line(
    slip: str, tmp_path: Path, truth: Tensor, capsys: pytest.CaptureFixture[str]
) -> None:
    import re

    path = X.write_predictions(tmp_path, manifest(trial()), {32: truth})
    changes, message = SLIPS[slip]
    rewritten(path, **changes)
    assert main(["score", str(path)]) == 2
    error = capsys.readouterr().err.strip()
    assert re.search(message, error), error
    assert "\n" not in error and error.startswith("rsc: ")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unit": "mm"}, "unit is mm; give the joints in metres, and say m"),
        ({"unit": "yards"}, "unit is one of m, not 'yards'"),
        ({"pixels": "0" * 64}, "predictions of other pictures than test-wild has here"),
        ({"people": 23}, "'test-wild-00023' is no id of the part"),
        ({"part": "nowhere"}, "is no id of the part"),
        ({"protocol": "hmr"}, "protocol is one of"),
        ({"lincense": "x"}, "unknown key 'lincense'"),
        ({"format": "2"}, "format is one of rsclib-predictions-1"),
        ({"model": {"name": ""}}, "name is a line of 1 to 80 letters"),
        ({"model": {"name": "a", "joints": 49}}, "joints is 12, 14 or 17, not 49"),
        ({"side": 10**9}, "side must lie within 32..2048"),
    ],
)
def test_slips_of_the_manifest(
    changes: dict[str, Any], message: str, tmp_path: Path, truth: Tensor,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = X.write_predictions(tmp_path, manifest(trial()), {32: truth})
    document = json.loads((tmp_path / X.MANIFEST).read_text()) | changes
    (tmp_path / X.MANIFEST).write_text(json.dumps(document))
    assert main(["score", str(path)]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error and "\n" not in error


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "\xff", "[" * 100_000])
def test_what_is_no_manifest(text: str, tmp_path: Path, truth: Tensor) -> None:
    path = X.write_predictions(tmp_path, manifest(trial()), {32: truth})
    (tmp_path / X.MANIFEST).write_bytes(text.encode("latin1"))
    with pytest.raises(RscError) as caught:
        X.read_manifest(path)
    assert "\n" not in str(caught.value) and X.MANIFEST in str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name one file"),
        (["a.npz", "b.npz"], "name one file"),
        (["a.npz", "--images", "x"], "either --images FOLDER writes pictures, or"),
        (["--example", "full"], "--example needs a folder"),
        (["nowhere.npz"], "there are no predictions at nowhere.npz"),
        (["nowhere.npz", "--count", "9"], "--count is of --images"),
        (["--images", "{tmp}", "--against", "full"], "not for --images"),
        (["--images", "{tmp}", "--part", "3DPW"], "there is no part '3DPW' to score on"),
        (["--images", "{tmp}", "--side", "100"], "no sizes are known for crops of 100 px"),
        (["--images", "{tmp}", "--sizes", "300"], "--sizes must lie within 1..128"),
        (["--images", "{tmp}", "--part", "3dpw"], "name the folder it lies in with --data"),
    ],
)
def test_mistakes(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.delenv("RSC_DATA", raising=False)
    assert main(["score", *(w.format(tmp=tmp_path) for w in words)]) == 2
    assert message in capsys.readouterr().err


def test_a_manifest_is_to_be_filled_in(tmp_path: Path, truth: Tensor) -> None:
    nobody = manifest(trial(), model=Info(PLACEHOLDER))
    path = X.write_predictions(tmp_path, nobody, {32: truth})
    with pytest.raises(RscError, match=r"model\.name is still to be filled in"):
        X.read_manifest(path)


def test_no_manifest_beside_it(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", id=np.array(["x"]))
    with pytest.raises(RscError, match=r"has no manifest.json beside it; rsc score --images"):
        X.read_manifest(tmp_path / "a.npz")


# --- the command -------------------------------------------------------------------------------


def test_a_models_file_scores_as_the_model(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The round trip is ``rsc eval``, to a millionth of a millimetre."""
    out, folder = tmp_path / "direct.csv", tmp_path / "example"
    assert main(["eval", str(model), "--part", "test-wild", "--out", str(out)]) == 0
    assert main(["score", "--example", str(model), "--images", str(folder)]) == 0
    assert f"rsc score {folder}/predictions.npz" in capsys.readouterr().out
    again = tmp_path / "again.csv"
    words = ["score", str(folder / X.FILE), "--out", str(again), "--against", str(model)]
    # A model beside itself: two rows, and nothing between them.
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "(here)" in shown and "MPJPE 0.0 [0.0, 0.0]" in shown
    document = json.loads((folder / X.MANIFEST).read_text())
    name, document["model"]["name"] = document["model"]["name"], "from a file"
    (folder / X.MANIFEST).write_text(json.dumps(document))
    assert main(words) == 0
    direct, scored = Scores.load(out.with_suffix(".npz")), Scores.load(again.with_suffix(".npz"))
    sizes = (128, 112, 80, 52, 32)
    for size in sizes:
        for metric in ("mpjpe", "pa_mpjpe"):
            for method in ("from a file", name):
                np.testing.assert_allclose(
                    scored.of(method, size, metric), direct.of(name, size, metric), atol=1e-6
                )
    said = capsys.readouterr().out
    assert f"from a file minus {name}, the same images" in said
    assert "32 px: MPJPE 0.0 [0.0, 0.0], PA-MPJPE 0.0 [0.0, 0.0]" in said
    with again.open() as file:
        rows = list(csv.DictReader(file))
    own = {(int(r["resolution"]), r["metric"]): r for r in rows if r["method"] == "from a file"}
    assert len(own) == 10
    assert float(own[32, "mpjpe"]["value"]) == pytest.approx(direct.of(name, 32).mean(), abs=1e-3)
    shown = results_table([again], table=1)
    assert "from a file" in set(shown["method"])
    about = json.loads(again.with_suffix(".json").read_text())["provenance"]
    assert about["model"]["name"] == "from a file" and len(about["predictions"]) == 64
    with Image.open(again.with_suffix(".png")) as picture:
        assert picture.width > 400 and picture.format == "PNG"


def test_pictures_out_joints_in(
    tmp_path: Path, truth: Tensor, capsys: pytest.CaptureFixture[str]
) -> None:
    """A program that knows nothing of rsclib: it reads the list and the PNGs, and writes an npz."""
    folder = tmp_path / "mine"
    words = ["score", "--images", str(folder), "--count", "12", "--sizes", "32", "128"]
    assert main(words) == 0
    assert "24 pictures in" in capsys.readouterr().out
    with (folder / X.LIST).open() as file:
        asked = list(csv.DictReader(file))
    assert len(asked) == 24 and [r["size"] for r in asked] == ["128"] * 12 + ["32"] * 12
    images = trial().images
    assert isinstance(images, Tensor)
    for row in (asked[3], asked[15]):
        with Image.open(folder / row["file"]) as picture:
            assert picture.size == (int(row["size"]),) * 2
            found = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
        assert torch.equal(found, shrink(images[3:4], int(row["size"]))[0])
    document = json.loads((folder / X.MANIFEST).read_text())
    assert document["count"] == document["people"] == 12
    document["model"]["name"] = "theirs"
    (folder / X.MANIFEST).write_text(json.dumps(document))
    rows = [int(row["id"].rpartition("-")[2]) for row in asked]
    np.savez(
        folder / X.FILE, id=np.array([row["id"] for row in asked]),
        size=np.array([int(row["size"]) for row in asked]), joints=truth[rows].numpy(),
    )  # fmt: skip
    words = ["score", "--against", "full", "hr-only", str(folder / X.FILE)]
    assert main([*words, "--out", str(tmp_path / "a.csv")]) == 0
    scores = Scores.load(tmp_path / "a.npz")
    assert scores.methods == ["theirs", "RSC-Net", "HR-only", E.CONSTANT]
    assert len(scores.clip) == 12
    np.testing.assert_allclose(scores.of("theirs", 32), 0, atol=1e-3)
    assert scores.difference("theirs", "RSC-Net", 32).mean < 0
    said = capsys.readouterr().out
    assert "theirs minus RSC-Net" in said and "mean over sizes" in said
    # Other pictures' manifest must not vouch for these answers, nor the file lose its name.
    assert main(["score", "--images", str(folder), "--count", "13"]) == 2
    assert "answers other pictures" in capsys.readouterr().err
    assert json.loads((folder / X.MANIFEST).read_text())["model"]["name"] == "theirs"


def test_the_shipped_model_is_the_comparison_by_default(
    tmp_path: Path, truth: Tensor, capsys: pytest.CaptureFixture[str]
) -> None:
    path = X.write_predictions(tmp_path, manifest(trial()), {32: truth})
    assert main(["score", str(path)]) == 0
    assert "mine minus RSC-Net" in capsys.readouterr().out
    options = outside_scoring.Score((str(path),))
    at_224 = manifest(trial(), side=224)
    assert outside_scoring._against(options, manifest(trial())) == ("full",)
    assert outside_scoring._against(options, at_224) == ()
    assert outside_scoring._against(options, manifest(trial(), protocol="spin")) == ()


def test_notes_are_said_and_no_mistake(
    tmp_path: Path, truth: Tensor, capsys: pytest.CaptureFixture[str]
) -> None:
    turned = truth * torch.tensor([1.0, -1, -1])
    path = X.write_predictions(tmp_path, manifest(trial()), {32: turned})
    rewritten(path, **{key: (lambda v: v[::-1]) for key in ("id", "size", "joints")})
    assert main(["score", str(path), "--against", "full"]) == 0
    error = capsys.readouterr().err
    assert "matched by id" in error and "camera axes have y down" in error


def test_a_licensed_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """3DPW's tree under protocol spin at 224 px: pictures, a model's answer, its scores."""
    root = tmp_path / "data"
    trees.smpl_folder(root / "smpl")
    trees.spin_3dpw(root)
    folder, words = tmp_path / "mine", ["--part", "3dpw", "--data", str(root)]
    assert main(["score", "--images", str(folder), "--side", "224", *words]) == 0
    document = json.loads((folder / X.MANIFEST).read_text())
    assert (document["protocol"], document["side"], document["people"]) == ("spin", 224, 6)
    assert (folder / "images/032/3dpw-00005.png").is_file()
    from rsclib.readers import protocols as R

    made, _ = R.trial(R.read_part("3dpw", root), "spin", root / "smpl", 224)
    known = dataclasses.replace(X.Manifest(**document | {"model": Info("mine")}))
    X.write_predictions(folder, known, {224: made.truth, 32: made.truth})
    out = tmp_path / "a.csv"
    assert main(["score", str(folder / X.FILE), "--data", str(root), "--out", str(out)]) == 0
    scores = Scores.load(out.with_suffix(".npz"))
    assert scores.part == "3dpw (spin)" and scores.methods == ["mine", E.CONSTANT]
    np.testing.assert_allclose(scores.of("mine", 32), 0, atol=1e-3)
    about = json.loads(out.with_suffix(".json").read_text())["provenance"]
    assert about["protocol"] == "spin" and set(about["truth_bodies"]) == {"male", "female"}
    # Another protocol is another truth: its predictions are not scored under this name.
    vibe = dataclasses.replace(known, protocol="vibe")
    X.write_manifest(folder, vibe)
    assert main(["score", str(folder / X.FILE), "--data", str(root)]) == 0
    assert "3dpw (vibe)" in capsys.readouterr().out


def test_too_few_joints_for_the_protocol(tmp_path: Path) -> None:
    wide = trial()._replace(truth=torch.rand(N, 17, 3))
    answers = X.Answers(manifest(trial()), {32: torch.zeros(N, 14, 3)})
    with pytest.raises(
        RscError, match="scored on 17 joints, and there are 14; choose protocol vibe"
    ):
        X.score_answers(answers, wide)


def test_checks_by_hand() -> None:
    """Limits of what is taken for a person: 20 cm to 4 m, hips within half a metre."""
    joints = torch.zeros(3, 14, 3)
    joints[:, 13, 1] = -0.19
    with pytest.raises(RscError, match=r"measures 0.19 m$"):
        check_joints(joints, "x")
    joints[:, 13, 1] = -0.21
    check_joints(joints, "x")
    joints[:, (2, 3), 0] = 0.6
    with pytest.raises(RscError, match=r"0.6 m away from it"):
        check_joints(joints, "x")
    check_joints(torch.zeros(0, 14, 3), "x")


# --- arms and legs alone ---------------------------------------------------------------------


class Limbs(Mean):
    """Says 12 joints, from another origin that is near the hips."""

    def __init__(self, people: Tensor) -> None:
        super().__init__(people[:, :12] + torch.tensor([0.05, -0.1, 0.02]), 12)
        self.about = Info("limbs", 12)


def test_twelve_joints_by_two_methods(truth: Tensor) -> None:
    """A model of 12 and one of 14 that says the same have the same errors on the limbs, and the origin
    of the 12 does not count."""
    few, many, known = Outside(Limbs(truth)), Outside(Mean(truth)), trial()
    with pytest.raises(
        RscError, match=r"limbs gives arms and legs alone: score it on .*trial_on_limbs"
    ):
        few.joints14(known.images, 32)  # type: ignore[arg-type]
    assert not hasattr(many, "joints12") and not hasattr(few, "joints17")
    scores = E.score_trial({"few": few, "many": OnLimbs(many)}, trial_on_limbs(known), (32,))  # type: ignore[dict-item]
    np.testing.assert_allclose(scores.of("few", 32), scores.of("many", 32), atol=1e-3)
    whole = E.score_trial({"many": many}, known, (32,))
    assert np.abs(whole.of("many", 32) - scores.of("many", 32)).max() > 1
    with pytest.raises(RscError, match="is scored on 12 joints here"):
        trial_on_limbs(trial_on_limbs(known))


def test_twelve_joints_in_a_file(
    model: Path, tmp_path: Path, truth: Tensor, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model's own limbs in a file are as good as the model itself."""
    words = ["--images", str(tmp_path), "--sizes", "32", "--limbs"]
    assert main(["score", *words, "--example", str(model)]) == 0
    made = json.loads((tmp_path / "manifest.json").read_text())
    assert made["model"]["joints"] == 12
    with np.load(tmp_path / "predictions.npz") as file:
        assert file["joints"].shape == (N, 12, 3)
    out = tmp_path / "eval.csv"
    path = str(tmp_path / "predictions.npz")
    assert main(["score", path, "--against", str(model), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "12 joints, of all methods" in said.err
    scores = Scores.load(out.with_suffix(".npz"))
    one, other = (m for m in scores.methods if m != E.CONSTANT)
    np.testing.assert_allclose(scores.of(one, 32), scores.of(other, 32), atol=1e-3)


def test_what_was_filled_in_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["score", "--images", str(tmp_path), "--count", "3", "--sizes", "32"]
    assert main(words) == 0 and "note" not in capsys.readouterr().err
    text = (tmp_path / X.MANIFEST).read_text()
    (tmp_path / X.MANIFEST).write_text(text.replace(PLACEHOLDER, "theirs"))
    assert main([*words, "--limbs"]) == 0
    assert "keeps what it says of theirs" in capsys.readouterr().err
    model = json.loads((tmp_path / X.MANIFEST).read_text())["model"]
    assert (model["name"], model["joints"]) == ("theirs", 12)
    assert main([*words, "--example", "full"]) == 2  # nor is their answer written over
    said = capsys.readouterr().err
    assert "has somebody else's answer" in said and "keeps" not in said
    (tmp_path / X.MANIFEST).write_text("{")
    assert main(words) == 2 and "is no manifest" in capsys.readouterr().err


def test_pictures_for_twelve_joints(tmp_path: Path) -> None:
    assert main(["score", "--images", str(tmp_path), "--sizes", "32", "--limbs"]) == 0
    assert json.loads((tmp_path / "manifest.json").read_text())["model"]["joints"] == 12
    assert main(["score", str(tmp_path / "predictions.npz"), "--limbs"]) == 2


def test_an_outside_rival_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    truth: Tensor,
) -> None:  # fmt: skip
    from rsclib.outside.blazepose import BlazePose

    monkeypatch.setattr(BlazePose, "named", classmethod(lambda cls, name: Outside(Limbs(truth))))
    words = ["score", "--images", str(tmp_path), "--sizes", "32", "--example"]
    assert main([*words, "blazepose-lite"]) == 0
    made = json.loads((tmp_path / "manifest.json").read_text())
    assert made["model"] | {"link": ""} == dataclasses.asdict(Info("BlazePose lite", 12))
    assert main([*words, "blazepose-huge"]) == 2
    assert "choose from blazepose-lite, blazepose-full, blazepose-heavy" in capsys.readouterr().err
