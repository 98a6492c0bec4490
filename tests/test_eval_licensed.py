"""``rsc eval --part 3dpw`` and its relatives, end to end on tiny trees."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import joblib
import numpy as np
import pytest
import roma
import torch

from rsclib.body import load_body
from rsclib.checkpoints import save_model
from rsclib.cli import main
from rsclib.commands.options import LICENSED
from rsclib.errors import RscError
from rsclib.evaluate import CONSTANT, joints_at, score_trial
from rsclib.geometry import axis_angle_to_rotmat
from rsclib.metrics import mpjpe, pa_mpjpe
from rsclib.models import model_named
from rsclib.network import RSCNet
from rsclib.people import Trial
from rsclib.predictor import NetPredictor
from rsclib.readers import protocols as R
from rsclib.readers.found import Found
from rsclib.scores import Scores
from rsclib.skeleton import H36M_TO_J14, H36M_TO_J17
from tests import trees
from tests.test_network import TINY


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with SMPL, 3DPW, both protocols of Human3.6M and MPI-INF-3DHP's test set."""
    root = tmp_path_factory.mktemp("data")
    trees.smpl_folder(root / "smpl")
    trees.spin_3dpw(root)
    trees.h36m(root, 1)
    trees.h36m(root, 2)
    names = [
        f"mpi_inf_3dhp_test_set/TS{s}/imageSequence/img_{i:06d}.jpg" for s in (1, 2) for i in (1, 2)
    ]
    trees.points_npz(root / "dataset_extras/mpi_inf_3dhp_valid.npz", root / "mpi_inf_3dhp", names)
    return root


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """A network of SMPL, as other people's are."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    net = RSCNet(dataclasses.replace(TINY, image_size=128))
    save_model(path, net, {"body": load_body(root / "smpl").identity})
    return path


class Oracle:
    """Gives the joints that it is told, in order."""

    def __init__(self, joints: torch.Tensor) -> None:
        self.joints, self.at = joints, 0

    def joints17(self, images: torch.Tensor, size: int) -> torch.Tensor:
        some = self.joints[self.at : self.at + len(images)]
        self.at += len(images)
        return some

    def joints14(self, images: torch.Tensor, size: int) -> torch.Tensor:
        return self.joints17(images, size)[:, :14]


def posed(found: Found, root: Path, genders: list[str]) -> torch.Tensor:
    """The H36M regressor's 17 points (N, 17, 3) of each person's own model, from the full mesh."""
    assert found.pose is not None and found.betas is not None
    out = []
    for pose, betas, gender in zip(found.pose, found.betas, genders, strict=True):
        body = load_body(root / "smpl", gender)  # type: ignore[arg-type]
        rotmats = roma.rotvec_to_rotmat(torch.tensor(pose).view(1, 24, 3))
        vertices = body(rotmats, torch.tensor(betas)[None]).vertices[0]
        out.append(torch.from_numpy(np.load(root / "smpl/J_regressor_h36m.npy")) @ vertices)
    return torch.stack(out)


def test_the_protocols_of_3dpw(root: Path) -> None:
    """spin: the model of the person's gender, from the regressor's pelvis. vibe: the neutral model,
    from the middle of the hips."""
    found = R.read_part("3dpw", root)
    trial, bodies = R.trial(found, "spin", root / "smpl", 64)
    points = posed(found, root, ["male", "female"] * 3)
    expected = points[:, H36M_TO_J14] - points[:, :1]
    torch.testing.assert_close(trial.truth, expected, atol=1e-5, rtol=0)
    assert trial.root is None and set(bodies) == {"male", "female"}
    assert bodies["male"] != bodies["female"]
    trial, bodies = R.trial(found, "vibe", root / "smpl", 64)
    points = posed(found, root, ["neutral"] * 6)[:, H36M_TO_J14]
    middle = (points[:, [2]] + points[:, [3]]) / 2
    torch.testing.assert_close(trial.truth, points - middle, atol=1e-5, rtol=0)
    assert trial.root == (2, 3) and set(bodies) == {"neutral"}
    assert trial.clip.tolist() == ["downtown_arguing_00"] * 3 + ["flat_guitar_01"] * 3


def test_the_root_makes_the_difference(root: Path) -> None:
    """A prediction with the truth's joints has no error under either root, wherever it stands."""
    found = R.read_part("3dpw", root)
    for name, expected in (("spin", 0.0), ("vibe", 0.0)):
        trial, _ = R.trial(found, name, root / "smpl", 64)  # type: ignore[arg-type]
        scores = score_trial({"x": Oracle(trial.truth)}, trial, [64])
        np.testing.assert_allclose(scores.of("x", 64), expected, atol=1e-3)
    vibe, _ = R.trial(found, "vibe", root / "smpl", 64)
    moved = vibe.truth + torch.tensor([0.1, 0, 0])
    by_hips = score_trial({"x": Oracle(moved)}, vibe, [64]).of("x", 64)
    by_pelvis = score_trial({"x": Oracle(moved)}, vibe._replace(root=None), [64]).of("x", 64)
    np.testing.assert_allclose(by_hips, 0, atol=1e-3)
    np.testing.assert_allclose(by_pelvis, 100, atol=1e-3)


def test_marked_points(root: Path) -> None:
    """Human3.6M: 14 rows of S, the head top from row 18; MPI-INF-3DHP: 17 under spin, 14 under vibe."""
    found = R.read_part("h36m-p1", root)
    assert found.points3d is not None
    trial, bodies = R.trial(found, "spin", None, 64)
    rows = [*range(13), 18]
    expected = found.points3d[:, rows, :3] - found.points3d[:, 14:15, :3]
    np.testing.assert_allclose(trial.truth, expected, atol=1e-6)
    assert not bodies and len(found) == 8 and len(set(trial.clip)) == 4
    assert len(R.read_part("h36m-p2", root)) == 4
    found = R.read_part("mpi-inf-3dhp", root)
    assert R.trial(found, "spin", None, 64)[0].truth.shape == (4, 17, 3)
    assert R.trial(found, "vibe", None, 64)[0].truth.shape == (4, 14, 3)


def test_seventeen_joints_of_the_body() -> None:
    body = load_body()
    out = body(axis_angle_to_rotmat(torch.randn(2, 24, 3) * 0.3), torch.randn(2, 10))
    points = body.regressor_h36m @ out.vertices
    torch.testing.assert_close(out.joints17, points[:, H36M_TO_J17] - points[:, :1])
    assert torch.equal(out.joints17[:, :14], out.joints14)


def test_seventeen_are_refused_by_who_has_fourteen() -> None:
    class Fourteen:
        def joints14(self, images: torch.Tensor, size: int) -> torch.Tensor:
            return torch.zeros(len(images), 14, 3)

    with pytest.raises(RscError, match="gives 14 joints, not 17"):
        joints_at(Fourteen(), torch.zeros(1, 3, 32, 32, dtype=torch.uint8), 32, 17)


def test_scores_by_hand(root: Path) -> None:
    """All predictors and sizes, in one pass over pictures that are cut as they are needed."""
    trial, _ = R.trial(R.read_part("3dpw", root), "spin", root / "smpl", 64)
    truth, wrong = trial.truth, trial.truth + 0.02 * torch.randn(6, 14, 3)
    twice = torch.cat([wrong, wrong])
    scores = score_trial({"good": Oracle(truth), "bad": Oracle(twice)}, trial, [32])
    assert scores.methods == ["good", "bad", CONSTANT] and scores.part == "3dpw (spin)"
    np.testing.assert_allclose(scores.of("bad", 32), mpjpe(wrong, truth), atol=1e-9)
    np.testing.assert_allclose(scores.of("bad", 32, "pa_mpjpe"), pa_mpjpe(wrong, truth), atol=1e-9)


def run(words: list[object], out: Path) -> tuple[list[dict[str, str]], dict[str, object], Scores]:
    assert main([*map(str, words), "--out", str(out)]) == 0
    rows = list(csv.DictReader(out.with_suffix(".csv").open()))
    return (
        rows,
        json.loads(out.with_suffix(".json").read_text()),
        Scores.load(out.with_suffix(".npz")),
    )


@pytest.mark.parametrize("part", LICENSED)
def test_from_the_command_line(
    part: str, root: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["eval", model, "--part", part, "--data", root, "--body", root / "smpl"]
    rows, document, scores = run(words, tmp_path / "a.csv")
    own = [r for r in rows if r["method"] == model.stem]
    sizes = {128, 112, 80, 52, 32}
    assert {(int(r["resolution"]), r["metric"]) for r in own} == {
        (s, m) for s in sizes for m in ("mpjpe", "pa_mpjpe")
    }
    assert all(float(r["low"]) <= float(r["value"]) <= float(r["high"]) for r in own)
    assert {r["split"] for r in rows} == {f"{part} (spin)"}
    said = capsys.readouterr()
    assert f"{part} (spin): {len(scores.clip)} of {len(scores.clip)} people, labels of" in said.err
    assert "95 % intervals by clip" in said.out
    assert str(root) not in json.dumps(document), "no folder of the user's is published"
    about = document["provenance"]
    assert (
        isinstance(about, dict)
        and about["protocol"] == "spin"
        and len(about["labels"]["sha256"]) == 64
    )
    assert set(about["truth_bodies"]) == ({"male", "female"} if part == "3dpw" else set())


def test_the_protocol_changes_the_numbers(root: Path, model: Path, tmp_path: Path) -> None:
    words = ["eval", model, "--part", "3dpw", "--data", root]  # SMPL is found in the data root
    *_, spin = run(words, tmp_path / "spin.csv")
    *_, vibe = run([*words, "--protocol", "vibe"], tmp_path / "vibe.csv")
    name = model.stem
    assert not np.allclose(spin.of(name, 128), vibe.of(name, 128), atol=0.1)
    with pytest.raises(RscError, match="other images"):
        spin.joined(vibe)


def test_ours_beside_the_truth_of_smpl(root: Path, tmp_path: Path) -> None:
    """A model of the open body keeps it, though RSC_SMPL's body gives the truth."""
    rows, document, _ = run(
        ["eval", "full", "--part", "3dpw", "--data", root, "--count", "2"], tmp_path / "a.csv"
    )
    about = document["provenance"]
    assert isinstance(about, dict) and about["body"]["name"] == "open"
    assert {r["images"] for r in rows} == {"2"}


def test_released_pixels_are_named_and_differ(root: Path, model: Path, tmp_path: Path) -> None:
    """Only where an image is shrunk, and never in a row that looks like any other."""
    words = ["eval", model, "--part", "3dpw", "--data", root]
    *_, plain = run(words, tmp_path / "a.csv")
    *_, released = run([*words, "--pixels", "released"], tmp_path / "b.csv")
    name = model.stem
    called = f"{name} (released pixels)"
    assert released.methods == [called, CONSTANT]
    np.testing.assert_array_equal(plain.of(name, 128), released.of(called, 128))
    assert not np.allclose(plain.of(name, 52), released.of(called, 52), atol=1e-6)


def test_a_database_of_vibe_by_path(
    root: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """VIBE's frames, boxes and neutral truth; it does not know who is a man."""
    with np.load(root / "dataset_extras/3dpw_test.npz") as file:
        labels = dict(file)
    path = tmp_path / "3dpw_test_db.pt"
    joblib.dump(
        {
            "vid_name": np.array(["downtown_arguing_00_0"] * 3 + ["flat_guitar_01_0"] * 3),
            "img_name": np.char.add("data/3dpw/", labels["imgname"]),
            "bbox": np.tile([48.0, 48.0, 60.0, 60.0], (6, 1)),
            "pose": labels["pose"], "shape": labels["shape"],
        },
        path,
    )  # fmt: skip
    words = ["eval", model, "--part", path, "--data", root]
    *_, scores = run([*words, "--protocol", "vibe"], tmp_path / "a.csv")
    assert scores.part == "3dpw_test_db (vibe)" and len(scores.clip) == 6
    *_, own = run(
        ["eval", model, "--part", "3dpw", "--data", root, "--protocol", "vibe"], tmp_path / "b"
    )
    # The same truth, other boxes: the constant pose is the same, the network's is not.
    np.testing.assert_allclose(scores.of(CONSTANT, 128), own.of(CONSTANT, 128), atol=1e-3)
    capsys.readouterr()
    assert main([*map(str, words)]) == 2
    assert "does not say whose model" in capsys.readouterr().err


def test_the_owners_files_of_3dpw(root: Path, model: Path, tmp_path: Path) -> None:
    """Without SPIN's list the sequences themselves are read; two people of one are two clips."""
    trees.raw_3dpw(tmp_path)
    words = ["eval", model, "--part", "3dpw", "--data", tmp_path, "--body", root / "smpl"]
    rows, document, scores = run(words, tmp_path / "a.csv")
    assert len(scores.clip) == 10 and len(set(scores.clip)) == 3
    about = document["provenance"]
    assert isinstance(about, dict) and about["labels"] == {"file": "test", "sha256": None}
    assert {r["images"] for r in rows} == {"10"}


def test_labels_by_path(
    root: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = root / "dataset_extras/3dpw_test.npz"
    *_, by_name = run(["eval", model, "--part", "3dpw", "--data", root], tmp_path / "a.csv")
    *_, by_path = run(["eval", model, "--part", path, "--data", root], tmp_path / "b.csv")
    name = model.stem
    np.testing.assert_array_equal(by_name.of(name, 32), by_path.of(name, 32))
    assert main(["eval", str(model), "--part", str(path), "--body", str(root / "smpl")]) == 2
    assert "6 of 6 pictures that 3dpw_test.npz names are not below" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--part", "3dpw"], "name the folder it lies in with --data or RSC_DATA"),
        (["--part", "3dpw", "--data", "{root}/nope"], "--data names .*nope, which is no folder"),
        (["--part", "3dpw", "--data", "{empty}", "--body", "{root}/smpl"], "3DPW was looked for in"),
        (["--part", "h36m-p1", "--data", "{empty}", "--body", "{root}/smpl"],
         "h36m_valid_protocol1.npz is not there"),
        (["--part", "mpi-inf-3dhp", "--data", "{empty}", "--body", "{root}/smpl"],
         "MPI-INF-3DHP was looked for in"),
        (["--part", "nope.npz", "--body", "{root}/smpl"], "there is no label file nope.npz"),
        (["--part", "3dpw", "--data", "{root}", "--body", "{neutral}"],
         r"holds no SMPL model: none of SMPL_FEMALE\.pkl.*--protocol vibe"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(
    words: list[str], message: str, root: Path, model: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    import re

    neutral = trees.smpl_folder(tmp_path / "neutral", ("neutral",))
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("RSC_SMPL", str(root / "smpl"))
    places = {"root": root, "neutral": neutral, "empty": tmp_path / "empty"}
    assert main(["eval", str(model), *(w.format(**places) for w in words)]) == 2
    error = capsys.readouterr().err.strip()
    assert re.search(message, error) and "\n" not in error and error.startswith("rsc: ")


def test_truth_that_is_not_whole(root: Path, tmp_path: Path) -> None:
    found = R.read_part("h36m-p1", root)
    assert found.points3d is not None
    points = found.points3d.copy()
    points[5, 14, 3] = 0
    with pytest.raises(RscError, match=r"person 5 .* lacks a point that is scored"):
        R.trial(dataclasses.replace(found, points3d=points), "spin", None, 32)
    with pytest.raises(RscError, match="no 3D truth"):
        R.trial(dataclasses.replace(found, points3d=None), "spin", None, 32)
    people = R.read_part("3dpw", root)
    with pytest.raises(RscError, match="does not say whose model"):
        R.trial(dataclasses.replace(people, gender=None), "spin", root / "smpl", 32)
    assert isinstance(
        R.trial(dataclasses.replace(people, gender=None), "vibe", root / "smpl", 32)[0], Trial
    )
    with pytest.raises(RscError, match="--body or RSC_SMPL"):
        R.trial(people, "spin", None, 32)


def test_the_parts_that_help_names() -> None:
    assert tuple(R.PARTS) == LICENSED


def test_crops_in_parts_give_the_same_scores(
    root: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four at a time, then two, is what all six at once are, in memory or cut from the disk."""
    trial, _ = R.trial(R.read_part("3dpw", root), "vibe", root / "smpl", 128)
    predictors = {"x": NetPredictor(model_named(str(model)), load_body(root / "smpl"))}
    held = trial._replace(images=trial.images[:])
    whole = score_trial(predictors, held, [128, 32], disagreement=True)
    monkeypatch.setattr("rsclib.evaluate.CUT", 4)
    parts = score_trial(predictors, trial, [128, 32], disagreement=True)
    assert whole.errors.keys() == parts.errors.keys()
    for key, values in whole.errors.items():
        np.testing.assert_allclose(parts.errors[key], values, atol=1e-3, err_msg=str(key))
    assert whole.of("x", 32, "disagreement").min() > 0
