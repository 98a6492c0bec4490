"""One changed byte in a file that ships, is cached or is a state to go on from is never used."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from rsclib import models
from rsclib.checkpoints import load_model, save_model
from rsclib.cli import main
from rsclib.errors import RscError
from rsclib.files import shipped
from rsclib.files.body_files import read_body
from rsclib.network import RSCNet
from rsclib.openbench import build as B
from rsclib.openbench import faces, motions, scenes
from rsclib.openbench.people import workshop
from rsclib.pose_mixture import load_mixture
from rsclib.runs.states import load_training_state, save_training_state
from tests.toys import TINY

NAMES = [line.split()[1] for line in (shipped.ASSETS / shipped.SUMS).read_text().splitlines()]
FLIPS = 12
READERS: dict[str, Callable[[Path], object]] = {
    "open_body.npz": read_body,
    "motions.npz": lambda _: motions.load_motions(),
    "scenes.npz": lambda _: scenes.load_places.__wrapped__(),
    "face_regions.npz": lambda _: faces.load_regions.__wrapped__(),
    "pose_mixture.npz": lambda _: load_mixture(),
}


def unnoticed(path: Path, read: Callable[[], object], flips: int = FLIPS) -> list[int]:
    """Flip a bit in ``flips`` bytes, one at a time, the first and the last among them; where
    ``read`` did not answer with one line of RscError. The file is whole again afterwards."""
    whole, rng = path.read_bytes(), random.Random(path.name)
    missed = []
    for place in [0, len(whole) - 1, *rng.sample(range(len(whole)), flips - 2)]:
        broken = bytearray(whole)
        broken[place] ^= 1 << rng.randrange(8)
        path.write_bytes(broken)
        try:
            read()
        except RscError as error:
            if "\n" not in str(error):
                continue
        missed.append(place)
    path.write_bytes(whole)
    return missed


def test_the_list_of_hashes_is_current() -> None:
    listed = (shipped.ASSETS / shipped.SUMS).read_text(encoding="ascii")
    assert listed == shipped.current_sums(), "run: make sums"
    binary = [p for p in shipped.ASSETS.rglob("*") if p.suffix in (".npz", ".safetensors")]
    assert len(NAMES) == len(binary) >= 5


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped files, that may be damaged."""
    shutil.copytree(shipped.ASSETS, tmp_path / "assets")
    monkeypatch.setattr(shipped, "ASSETS", tmp_path / "assets")
    monkeypatch.setattr(models, "MODELS", tmp_path / "assets" / "models")
    monkeypatch.setattr("rsclib.files.body_files.OPEN_BODY", tmp_path / "assets" / "open_body.npz")
    monkeypatch.setattr("rsclib.pose_mixture.SHIPPED", tmp_path / "assets" / "pose_mixture.npz")
    shipped.check_shipped.cache_clear()
    return tmp_path / "assets"


@pytest.mark.parametrize("name", [*NAMES, shipped.SUMS])
def test_a_flipped_byte_in_a_shipped_file(copy: Path, name: str) -> None:
    def read() -> None:
        shipped.check_shipped.cache_clear()
        if name.startswith("models/"):
            other = {"reid": models.reid_named, "video": models.temporal_named}
            other |= dict.fromkeys(models.TEXTURES, models.texture_named)
            other.get(stem := Path(name).stem, models.model_named)(stem)
        elif name in READERS:
            READERS[name](copy / name)
        else:  # the list itself
            for each in NAMES:
                shipped.check_shipped(each)

    read()
    missed = unnoticed(copy / name, read)
    assert not missed, f"{len(missed)} of {FLIPS} flips unnoticed: {missed}"
    read()


@pytest.mark.parametrize("name", ["motions.npz", "scenes.npz", "open_body.npz", "face_regions.npz"])
def test_nobody_is_rendered_from_a_damaged_file(
    copy: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says so; what renders nobody, such as the help, works."""
    monkeypatch.setattr("rsclib.openbench.people.OPEN_BODY", copy / "open_body.npz")
    monkeypatch.setenv("RSC_CACHE", str(copy / "cache"))
    caches = (workshop, scenes.load_places, motions.shipped_motions, faces.load_regions)
    (copy / name).write_bytes((copy / name).read_bytes() + b"\0")
    for cache in (*caches, shipped.check_shipped):
        cache.cache_clear()
    part = "pedestrians-test" if name == "face_regions.npz" else "test-wild"
    words = ["data", "build", part, "--count", "1", "--size", "32", "--workers", "1"]
    assert main(words) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert f"shipped {name} is damaged" in said[0]
    with pytest.raises(SystemExit) as stop:
        main(["data", "build", "--help"])
    assert stop.value.code == 0


@pytest.fixture
def part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[B.Request, Path]:
    """A built part of two shards of two people, and its cache."""
    monkeypatch.setattr(B, "SHARD", 2)
    wanted = B.Request("test-lab", 4, 32, 0)
    B.build(wanted, workers=1, cache=tmp_path)
    return wanted, tmp_path


@pytest.mark.parametrize(("name", "flips"), [("00001.npz", 40), ("manifest.json", 60)])
def test_a_flipped_byte_in_a_built_part(
    part: tuple[B.Request, Path], name: str, flips: int
) -> None:
    wanted, cache = part
    path = B.folder_of(wanted, cache) / name
    missed = unnoticed(path, lambda: B.load(wanted, cache=cache), flips)
    assert not missed, f"{len(missed)} of {flips} flips unnoticed: {missed}"
    assert len(B.load(wanted, cache=cache)["images"]) == 4


@pytest.mark.parametrize("text", ["[]", "null", "3", '{"00000": 3}', '{"0": "x"}', "{}\n", "\xff"])
def test_what_is_not_a_manifest(part: tuple[B.Request, Path], text: str) -> None:
    wanted, cache = part
    (B.folder_of(wanted, cache) / "manifest.json").write_bytes(text.encode("latin-1"))
    for use in (B.load, B.build):
        with pytest.raises(RscError, match="damaged"):
            use(wanted, cache=cache)  # type: ignore[operator]


def test_a_flipped_byte_in_a_training_state(tmp_path: Path) -> None:
    path, flips = tmp_path / "state.pt", 60
    save_training_state(path, {"step": 3, "net": RSCNet(TINY).state_dict()})
    missed = unnoticed(path, lambda: load_training_state(path), flips)
    assert not missed, f"{len(missed)} of {flips} flips unnoticed: {missed}"
    assert load_training_state(path)["step"] == 3
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(RscError, match="damaged"):
            load_training_state(path)


def test_a_training_state_is_still_a_file_of_torch(tmp_path: Path) -> None:
    save_training_state(tmp_path / "state.pt", {"w": torch.ones(2)})
    again = torch.load(tmp_path / "state.pt", weights_only=True)
    assert torch.equal(again["w"], torch.ones(2))


def test_a_flipped_byte_in_a_trained_model(tmp_path: Path) -> None:
    """One that does not ship: its header has the hash; only spaces around it could change."""
    path, flips = tmp_path / "m.safetensors", 60
    save_model(path, RSCNet(TINY), {"why": "test"})
    missed = unnoticed(path, lambda: load_model(path), flips)
    assert not missed, f"{len(missed)} of {flips} flips unnoticed: {missed}"
