"""Market-1501's layout: the real set's and ours, told apart, read back, wrong folders in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rsclib.errors import RscError
from rsclib.openbench.market import export_market1501, file_name
from rsclib.openbench.pedestrians import QUERIES, VIEWS
from rsclib.readers.market1501 import _NAME, FOLDERS, PAPER_TEST, pictures, read_market1501


def tree(root: Path, names: dict[str, list[str]]) -> Path:
    """Empty files: a reader of names opens none."""
    for folder, files in names.items():
        (root / folder).mkdir(parents=True)
        for file in files:
            (root / folder / file).touch()
    return root


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real set in small: its 1501 people under its kind of names, junk, distractors, Thumbs.db."""
    rest = [i for i in range(1, 1502) if i not in PAPER_TEST]
    train = sorted([*PAPER_TEST, *rest[:651]])
    test = rest[651:]
    names = {
        "bounding_box_train": [f"{i:04d}_c{c}s1_000{i % 900:03d}_01.jpg" for i in train for c in (1, 6)],
        "query": [f"{i:04d}_c2s2_012345_00.jpg" for i in test],
        "bounding_box_test": [
            *(f"{i:04d}_c5s3_012345_04.jpg" for i in test), "-1_c1s1_000401_03.jpg",
            "-1_c3s2_000401_03.jpg", "0000_c1s1_000151_01.jpg", "0000_c4s6_000151_02.jpg", "Thumbs.db",
        ],
    }  # fmt: skip
    return tree(tmp_path_factory.mktemp("Market-1501") / "Market-1501-v15.09.15", names)


def test_the_real_set_gets_the_papers_split(real: Path) -> None:
    read = read_market1501(real)
    train, test = ({b.identity for b in boxes} for boxes in (read.train, read.test))
    assert read.split == "paper"
    assert (len(train), len(test)) == (1401, 100) and not train & test and test == PAPER_TEST
    assert train | test == set(range(1, 1502)), "no junk and no distractor"
    assert read.junk == 2
    assert sum(b.identity == 0 for b in read.gallery) == 2 and len(read.gallery) == 752
    assert len(read.query) == 750
    first = read.query[0]
    assert (first.camera, first.sequence, first.frame, first.box) == (2, 2, 12345, 0)


def test_another_split_of_the_real_set(real: Path) -> None:
    read = read_market1501(real, "folders")
    assert read.split == "folders" and len(read.train) == 2 * 751 and len(read.test) == 2 * 750


@given(st.integers(1, 9999), st.integers(1, 6), st.integers(0, VIEWS - 1))
def test_our_names_are_markets(identity: int, camera: int, view: int) -> None:
    parts = _NAME.fullmatch(file_name(identity, camera, view))
    assert parts is not None
    assert [int(part) for part in parts.groups()] == [identity, camera, 1, 25 * view + 1, 1]


def walkers(first: int, people: int = 2) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(first)
    smooth = rng.integers(0, 256, (people * VIEWS, 8, 4, 3), np.uint8)
    return {
        "images": smooth.repeat(16, 1).repeat(16, 2),
        "identity": np.arange(first, first + people).repeat(VIEWS),
        "camera_id": rng.integers(1, 7, people * VIEWS),
        "view": np.tile(np.arange(VIEWS), people),
    }


def test_what_is_exported_is_read_back(tmp_path: Path) -> None:
    train, test = walkers(1), walkers(4000, 3)
    assert export_market1501(tmp_path / "out", train, test) == 40
    read = read_market1501(tmp_path / "out")
    assert read.split == "folders" and read.junk == 0
    assert [b.identity for b in read.train] == train["identity"].tolist()
    assert len(read.query) == 3 * len(QUERIES) and len(read.gallery) == 3 * (VIEWS - len(QUERIES))
    assert {b.identity for b in read.test} == {4000, 4001, 4002}
    found = pictures(read.train)
    by_key = {(b.identity, b.camera, b.frame): image for b, image in zip(read.train, found, strict=True)}  # fmt: skip
    for image, identity, camera, view in zip(
        train["images"], train["identity"], train["camera_id"], train["view"], strict=True
    ):
        off = np.abs(by_key[identity, camera, 25 * view + 1].astype(int) - image)
        assert off.mean() < 3, "JPEG, but the right picture"
    with pytest.raises(RscError, match="is not empty"):
        export_market1501(tmp_path / "out", train, test)


def test_parts_that_share_people_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(RscError, match="person 2 is in both"):
        export_market1501(tmp_path / "out", walkers(1), walkers(2))
    assert not (tmp_path / "out").exists()


def test_a_wrong_folder_is_one_line(real: Path, tmp_path: Path) -> None:
    for folder, words in (
        (tmp_path / "nowhere", "there is no folder"),
        (tmp_path, "bounding_box_train is missing; give the folder that holds bounding_box_train"),
        (real.parent, f"did you mean {real}\\?"),
        (real / "query", f"did you mean {real}\\?"),
    ):
        with pytest.raises(RscError, match=words) as said:
            read_market1501(folder)
        assert "\n" not in str(said.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"query": ["0001_c1s1_000001_00.jpg"]}, "person 0001 is in bounding_box_train and in query"),
        ({"query": ["person1.jpg"]}, "not a name of Market-1501"),
        ({"query": ["notes.txt"]}, "holds no pictures"),
    ],
)  # fmt: skip
def test_a_tree_that_is_not_markets(
    tmp_path: Path, change: dict[str, list[str]], words: str
) -> None:
    names = {
        "bounding_box_train": ["0001_c1s1_000001_00.jpg"], "query": ["0002_c1s1_000001_00.jpg"],
        "bounding_box_test": ["0002_c2s1_000001_00.jpg"],
    }  # fmt: skip
    with pytest.raises(RscError, match=words):
        read_market1501(tree(tmp_path / "set", names | change))


def test_the_papers_split_needs_its_people(tmp_path: Path) -> None:
    names = {key: ["0900_c1s1_000001_00.jpg"] for key in FOLDERS}
    names["bounding_box_train"] = ["0001_c1s1_000001_00.jpg"]
    folder = tree(tmp_path / "set", names)
    assert read_market1501(folder).split == "folders"
    with pytest.raises(RscError, match="needs person 0002"):
        read_market1501(folder, "paper")


def test_pictures_of_another_size_and_damaged_ones(tmp_path: Path) -> None:
    names = {key: ["0900_c1s1_000001_00.jpg"] for key in FOLDERS}
    names["bounding_box_train"] = ["0001_c1s1_000001_00.jpg"]
    read = read_market1501(tree(tmp_path / "set", names))
    with pytest.raises(RscError, match="is empty"):
        pictures(read.train)
    Image.new("RGB", (60, 128)).save(read.train[0].path)
    with pytest.raises(RscError, match="is 60 x 128, not 64 x 128"):
        pictures(read.train)
