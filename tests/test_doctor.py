"""``rsc doctor``: what is there, what is broken, and nothing else that ends with an error."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import torch

from rsclib.cli import main
from rsclib.readers.catalogue import CATALOGUE
from tests import test_pose_mixture, trees
from tests.official import state_dict


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a little of most things, all of it sound."""
    root = tmp_path_factory.mktemp("data")
    trees.smpl_folder(root / "smpl", ("neutral", "female"))
    trees.spin_3dpw(root)
    trees.raw_3dpw(root)
    trees.h36m(root, 2)
    trees.three_dhp_train(root)
    trees.lspet(root)
    trees.coco(root)
    trees.mpii(root)
    trees.amass(root)
    trees.picture(root / "surreal/textures/female/nongrey_female_0001.jpg", 0, (64, 64))
    for place in ("bounding_box_train", "query", "bounding_box_test"):
        person = "0002" if place == "bounding_box_train" else "0001"
        trees.picture(root / f"Market-1501/{place}/{person}_c1s1_000451_03.jpg", 0, (64, 128))
    (root / "vibe_db").mkdir()
    joblib.dump(
        {"vid_name": np.array(["a"]), "theta": np.zeros((1, 82))}, root / "vibe_db/amass_db.pt"
    )
    (root / "checkpoints").mkdir()
    torch.save(state_dict(), root / "checkpoints/RSC-Net.pt")
    return root


def doctor(capsys: pytest.CaptureFixture[str], *words: object, code: int = 0) -> dict[str, Any]:
    """The rows by name."""
    assert main(["doctor", "--json", *map(str, words)]) == code
    rows = json.loads(capsys.readouterr().out)
    assert len({row["name"] for row in rows}) == len(rows)
    return {row["name"]: row for row in rows}


def test_all_that_is_there_is_found(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = doctor(capsys, "--data", whole)
    found = {name: row["note"] for name, row in rows.items() if row["status"] == "found"}
    assert found["3dpw (SPIN)"] == "6 people, all pictures there"
    assert found["3DPW"] == "10 people in 7 pictures"
    assert found["MPI-INF-3DHP, training"].startswith("5 people in 5 pictures")
    assert found["RSC-Net"] == "RSC-Net.pt" and found["SMPL female"].endswith("SMPL_FEMALE.npz")
    assert found["AMASS"].startswith("1 motions") and found["SURREAL textures"].startswith(
        "1 coloured"
    )
    assert found["amass_db.pt (VIBE)"] == "1 frames with theta, vid_name"
    assert found["Market-1501"] == (
        "1 people to train and 1 to test on (not the whole set, split by folder), 0 junk boxes"
    )
    assert rows["SMPL male"]["status"] == "missing"
    assert {"models/full.safetensors", "open_body.npz", "LSP-Extended", "COCO", "MPII"} < set(found)
    assert not [row for row in rows.values() if row["status"] == "broken"]


def test_every_entry_says_all(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = doctor(capsys, "--data", tmp_path)
    for entry in CATALOGUE:
        row = rows[entry.name]
        assert row["status"] == "missing" and row["ask"] and row["licence"] and row["enables"]
        assert all(place.startswith(str(tmp_path)) for place in row["looked_for"])
    for name in ("AMASS", "MPII", "COCO", "3DPW", "LSP", "SURREAL textures", "InstaVariety (VIBE)"):
        assert name in rows


def test_for_people(
    whole: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RSC_DATA", str(whole))
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert f"Data root: {whole}" in said
    assert "ok     data set   3DPW\n                  10 people in 7 pictures" in said
    assert (
        "-      body       SMPL male" in said and f"looked for: {whole}/smpl/SMPL_MALE.pkl" in said
    )
    assert "0 broken" in said.splitlines()[-1]
    monkeypatch.delenv("RSC_DATA")
    assert main(["doctor"]) == 0
    assert "No data root: name one with --data or RSC_DATA" in capsys.readouterr().out


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("SMPL neutral", lambda r: cut(trees.smpl_folder(r / "smpl") / "SMPL_NEUTRAL.npz"), "cannot read"),
        ("3dpw (SPIN)", lambda r: (trees.spin_3dpw(r), (r / "3dpw/imageFiles/flat_guitar_01/image_00002.jpg").unlink()),
         "1 of 6 pictures"),
        ("3DPW", lambda r: (trees.raw_3dpw(r), cut(r / "3dpw/sequenceFiles/test/downtown_cafe_00.pkl")),
         "damaged or not a pickle"),
        ("MPII", lambda r: (trees.mpii(r), cut(r / "mpii/mpii_human_pose_v1_u12_1.mat")), "damaged"),
        ("COCO", lambda r: (trees.coco(r), (r / "coco/annotations/person_keypoints_train2014.json").unlink()),
         "was looked for and is not there"),
        ("RSC-Net", lambda r: ((r / "checkpoints").mkdir(), torch.save({"a": torch.zeros(1)}, r / "checkpoints/RSC-Net.pt")),
         "unknown checkpoint"),
        ("Market-1501", lambda r: trees.picture(r / "Market-1501/query/0001_c1s1_000451_03.jpg"),
         "bounding_box_train is missing"),
        ("amass_db.pt (VIBE)", lambda r: ((r / "vibe_db").mkdir(), (r / "vibe_db/amass_db.pt").write_bytes(b"\x80\x04")),
         "damaged"),
    ],
)  # fmt: skip
def test_what_is_broken_is_said_and_ends_with_2(
    name: str, make: Any, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path)
    row = doctor(capsys, "--data", tmp_path, code=2)[name]
    assert row["status"] == "broken" and message in row["note"] and "\n" not in row["note"]
    assert doctor(capsys, "--data", tmp_path, "--quick")[name]["status"] == "found"


def test_labels_without_pictures_are_no_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pictures may yet come: only half of them would be wrong."""
    trees.spin_3dpw(tmp_path)
    (tmp_path / "3dpw").rename(tmp_path / "elsewhere")
    row = doctor(capsys, "--data", tmp_path)["3dpw (SPIN)"]
    assert row["status"] == "found" and "their pictures are not there" in row["note"]


def test_a_checksum_in_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "checkpoints").mkdir()
    state = {"fc.weight": torch.zeros(1), "layer1.0.conv1.weight": torch.zeros(1)}
    torch.save(state, tmp_path / "a.pth")
    content = (tmp_path / "a.pth").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    good = tmp_path / f"checkpoints/resnet50-{digest[:8]}.pth"
    good.write_bytes(content)
    row = doctor(capsys, "--data", tmp_path)["ResNet-50 (ImageNet)"]
    assert (row["status"], row["note"]) == ("found", f"{good.name}, SHA-256 as its name says")
    good.rename(good.with_name("resnet50-01234567.pth"))
    row = doctor(capsys, "--data", tmp_path, code=2)["ResNet-50 (ImageNet)"]
    assert f"its SHA-256 begins {digest[:8]}, not 01234567" in row["note"]


def test_the_body_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = trees.smpl_folder(tmp_path / "a", ("neutral", "male"))
    rows = doctor(capsys, "--body", folder)
    assert rows["the body of --body"]["note"].startswith("smpl, ")
    there = {g: rows[f"SMPL {g}"]["status"] for g in ("neutral", "male", "female")}
    assert there == {"neutral": "found", "male": "found", "female": "missing"}
    monkeypatch.setenv("RSC_SMPL", str(tmp_path / "nope"))
    row = doctor(capsys, code=2)["the body of RSC_SMPL"]
    assert row["status"] == "broken" and "there is no body model at" in row["note"]


def test_a_data_root_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--data", str(tmp_path / "nope")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("rsc: --data names ") and error.count("\n") == 1


def test_weights_of_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "checkpoints"
    home.mkdir()
    (home / "gmm_08.pkl").write_bytes(pickle.dumps(test_pose_mixture.arrays(), protocol=2))
    one = torch.zeros(1)
    torch.save(
        {"encoder.layer1.0.w": one, "regressor.fc_blocks.0.w": one}, home / "a_generator.pkl"
    )
    torch.save({"gen_state_dict": {"encoder.gru.w": one}}, home / "vibe_model_wo_3dpw.pth.tar")
    rows = doctor(capsys, "--data", tmp_path)
    assert {
        name: rows[name]["note"] for name in ("SMPLify's pose prior", "HMR (MandyMo)", "VIBE")
    } == {
        "SMPLify's pose prior": "3 components", "HMR (MandyMo)": "a_generator.pkl",
        "VIBE": "vibe_model_wo_3dpw.pth.tar",
    }  # fmt: skip
    (home / "vibe_model_wo_3dpw.pth.tar").unlink()
    torch.save(
        {"encoder.layer1.0.w": one, "regressor.fc_blocks.0.w": one}, home / "vibe_model.pth.tar"
    )
    note = doctor(capsys, "--data", tmp_path, code=2)["VIBE"]["note"]
    assert "is a checkpoint of MandyMo's HMR" in note


def test_blazepose_in_the_cache(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RSC_CACHE", str(tmp_path))
    row = doctor(capsys)["BlazePose"]
    assert (row["status"], row["ask"]) == ("missing", "rsc fetch blazepose")
    (tmp_path / "blazepose").mkdir()
    (tmp_path / "blazepose/pose_detection.tflite").write_bytes(b"half")
    row = doctor(capsys, code=2)["BlazePose"]
    assert (row["status"], row["note"]) == ("broken", "0 of 4 models, SHA-256 as listed")
