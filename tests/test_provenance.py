"""Result files: complete, finite, without private folders, refused when damaged."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rsclib.errors import RscError
from rsclib.runs import provenance as module
from rsclib.runs.provenance import provenance, to_plain
from rsclib.runs.results import read_result, write_result
from rsclib.statistics import Interval

HOME = "/".join(["", "home", "someone"])
ROWS = [{"method": "full", "metric": "mpjpe", "resolution": 32, "value": 151.2}]


@dataclasses.dataclass(frozen=True)
class Inner:
    lr: float = 1e-3
    out: Path = Path(HOME) / "runs" / "edu"


@dataclasses.dataclass(frozen=True)
class Config:
    inner: Inner = Inner()
    ranges: tuple[int, ...] = (128, 96)
    extra: tuple[str, ...] = ()


def test_everything_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [f"{HOME}/bin/rsc", "train", f"--out={HOME}/x/run1", "a/b"])
    record = provenance(Config(), seed=7, seconds=1.23456, images_seen=640)
    assert record["config"] == {
        "inner": {"lr": 1e-3, "out": "edu"}, "ranges": [128, 96], "extra": [],
    }  # fmt: skip
    assert (record["seed"], record["seconds"], record["images_seen"]) == (7, 1.235, 640)
    assert record["command"] == ["rsc", "train", "--out=run1", "a/b"]
    assert record["versions"]["torch"] == torch.__version__.partition("+")[0]
    assert record["versions"]["python"].startswith("3.")
    assert set(record["versions"]) >= {"torchvision", "numpy", "smplx", "pytorch3d", "pillow"}
    assert record["threads"] == torch.get_num_threads()
    assert record["date"].endswith("+00:00")
    assert set(record["machine"]) == {"cpu", "cores", "memory_gb", "gpus", "platform"}
    assert HOME not in json.dumps(record)


def test_git_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    inside = repo / "package"
    inside.mkdir(parents=True)

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", repo, *identity, *arguments], check=True, capture_output=True)

    try:
        git("init", "-q")
    except FileNotFoundError:
        pytest.skip("git is not installed")
    monkeypatch.setattr(module, "_ROOT", repo.resolve())
    assert provenance({}, 0, 0)["git"] == {"commit": "unknown", "dirty": "unknown"}  # no commit
    (repo / "file").write_text("one")
    git("add", ".")
    git("commit", "-qm", "first")
    state = provenance({}, 0, 0)["git"]
    assert len(state["commit"]) == 40 and state["dirty"] is False
    (repo / "file").write_text("two")
    assert provenance({}, 0, 0)["git"] == {"commit": state["commit"], "dirty": True}
    # A package that merely lies inside another repository has no commit of its own.
    monkeypatch.setattr(module, "_ROOT", inside.resolve())
    assert provenance({}, 0, 0)["git"]["commit"] == "unknown"
    monkeypatch.setenv("PATH", str(tmp_path))  # git is gone
    assert provenance({}, 0, 0)["git"]["commit"] == "unknown"


def test_round_trip_is_plain_and_stable(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    record = provenance({"alpha": torch.ones(2)}, 0, 1.0)
    rows = [
        ROWS[0] | {"value": np.float32(151.5), "reached": True, "goal": None},
        ROWS[0] | {"value": torch.tensor(3), "note": 'a, "b"\nc', "reached": False},
    ]
    write_result(path, rows, record)
    document = read_result(path)
    assert document["rows"] == [
        ROWS[0] | {"value": 151.5, "reached": True, "goal": None, "note": None},
        ROWS[0] | {"value": 3, "reached": False, "goal": None, "note": 'a, "b"\nc'},
    ]
    assert document == read_result(path.with_suffix(".csv"))
    assert document["provenance"]["config"] == {"alpha": [1.0, 1.0]}
    first = path.read_bytes()
    write_result(path, rows, dict(reversed(list(record.items()))))
    assert path.read_bytes() == first  # keys are sorted
    assert sorted(tmp_path.iterdir()) == [path.with_suffix(".csv"), path]


@pytest.mark.parametrize(
    "value", ["32", "-1.5e3", "true", "", [1], {"a": 1}, Interval(2.0, 1.0, 3.0)]
)
def test_what_a_table_would_not_give_back_is_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(RscError, match=r"rows\.0\.note = .* is no value of a table"):
        write_result(tmp_path / "x.csv", [ROWS[0] | {"note": value}], provenance({}, 0, 1.0))
    assert list(tmp_path.iterdir()) == []


def test_rows_of_another_measurement_are_noticed(tmp_path: Path) -> None:
    for name, seed in (("a.csv", 0), ("b.csv", 1)):
        write_result(tmp_path / name, [ROWS[0] | {"value": 10.0 + seed}], provenance({}, seed, 1.0))
    (tmp_path / "a.csv").write_bytes((tmp_path / "b.csv").read_bytes())
    with pytest.raises(RscError, match=r"a\.csv does not belong to a\.json"):
        read_result(tmp_path / "a.csv")
    (tmp_path / "a.csv").unlink()
    with pytest.raises(RscError, match=r"cannot read a\.csv: No such file"):
        read_result(tmp_path / "a.json")


def test_a_file_of_the_first_schema_is_read(tmp_path: Path) -> None:
    document = {"schema": 1, "rows": ROWS, "provenance": provenance({}, 0, 1.0)}
    (tmp_path / "old.json").write_text(json.dumps(document))
    assert read_result(tmp_path / "old.json")["rows"] == ROWS


@pytest.mark.parametrize("value", [math.nan, math.inf, np.float32("-inf"), torch.tensor(math.nan)])
def test_only_finite_numbers_are_written(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "result.json"
    with pytest.raises(RscError, match=r"rows\.1\.value is not a finite number"):
        write_result(path, [ROWS[0], ROWS[0] | {"value": value}], provenance({}, 0, 1.0))
    assert list(tmp_path.iterdir()) == []


def test_what_json_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RscError, match="a function cannot be stored"):
        write_result(tmp_path / "x.json", [{"value": test_git_state}], provenance({}, 0, 1.0))


def test_a_result_without_provenance_is_refused(tmp_path: Path) -> None:
    record = provenance({}, 0, 1.0)
    del record["seed"], record["git"]
    with pytest.raises(RscError, match="lacks seed, git"):
        write_result(tmp_path / "x.json", ROWS, record)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not a result file"),
        (b"\xff\xfe\x00", "not a result file"),
        (b"[" * 100_000, "not a result file"),
        (b"[1]", "schema 1"),
        (b'{"schema": 3}', "schema 1 or 2"),
        (b'{"schema": 1, "rows": [1]}', "rows must be"),
        (b'{"schema": 1, "rows": []}', "no provenance"),
        (b'{"schema": 1, "rows": [], "provenance": {"seed": 0}}', "lacks config"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises(RscError, match=complaint) as caught:
        read_result(path)
    assert "broken.json" in str(caught.value) and "\n" not in str(caught.value)


def test_nan_in_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    document = {"schema": 1, "rows": ROWS, "provenance": provenance({}, 0, 1.0)}
    path.write_text(json.dumps(document).replace("151.2", "NaN"))
    with pytest.raises(RscError, match=r"rows\.0\.value"):
        read_result(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RscError, match=r"cannot read none\.json"):
        read_result(tmp_path / "none.json")


def test_a_truncated_file_is_refused_wherever_it_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_result(path, ROWS, provenance({}, 0, 1.0))
    whole = path.read_bytes().rstrip()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(RscError):
            read_result(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False)
    | st.text("abc xyz", max_size=8),
    lambda children: st.lists(children, max_size=3)
    | st.dictionaries(st.text("abc", max_size=3), children, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(JSON)
def test_plain_values_stay_as_they_are(value: Any) -> None:
    assert to_plain(value) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{HOME}/data/SMPL_NEUTRAL.pkl", "SMPL_NEUTRAL.pkl"),
        (f"--smpl={HOME}/x.npz --n=3", "--smpl=x.npz --n=3"),
        ("C:\\Users\\a\\x.npz", "x.npz"),
        ("runs/edu", "runs/edu"),
        ("mm/frame and 1 / 2", "mm/frame and 1 / 2"),
        ("https://example.org/a/b", "https://example.org/a/b"),
    ],
)
def test_folders_are_left_out(text: str, expected: str) -> None:
    assert to_plain(text) == expected
