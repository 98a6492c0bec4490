"""Full disks and folders that refuse: one line, exit code 2, old files intact, no litter."""

from __future__ import annotations

import dataclasses
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from rsclib import cli, methods
from rsclib import evaluate as E
from rsclib.methods import hr_only, rsc
from rsclib.models import model_named
from rsclib.openbench import build as B
from rsclib.runs import folder as folders
from rsclib.runs.states import load_training_state
from rsclib.scores import Scores
from tests.test_faults_kill import litter
from tests.toys import CONFIG, random_arrays, toy_builder

PART = "test-lab"


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, Path], list[str]]]:
    """Every command that writes, made small: the words that write into a folder."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(rsc, "builder", toy_builder)
    monkeypatch.setattr("rsclib.methods.load_config", lambda _: CONFIG)
    rows = [
        {
            "method": "a",
            "metric": metric,
            "resolution": 32,
            "value": 1.0,
            "low": 0.0,
            "high": 2.0,
            "images": 4,
        }
        for metric in ("mpjpe", "pa_mpjpe")
    ]
    monkeypatch.setattr(E, "score", lambda *_, **__: Scores("x", np.array(["a"]), {}))
    monkeypatch.setattr(E, "rows", lambda *_: rows)
    images = {"images": np.zeros((4, 128, 128, 3), np.uint8)}
    people = random_arrays()
    monkeypatch.setattr(hr_only, "fetch", lambda *_, **__: people)
    monkeypatch.setattr("rsclib.data.sources.fetch", lambda *_, **__: people)
    monkeypatch.setattr(B, "SHARD", 2)
    monkeypatch.setattr(B, "fetch", lambda *_, **__: images)
    monkeypatch.setattr("rsclib.viz.sheet", lambda *_, **__: _noise())

    def words(name: str, folder: Path) -> list[str]:
        monkeypatch.setenv("RSC_CACHE", str(folder))
        return {
            "train": ["train", "ci", "--out", str(folder / "run")],
            "pretrain": [
                "pretrain",
                "--out",
                str(folder / "run"),
                "--steps",
                "2",
                "0",
                "0",
                "--no-compile",
                "--devices",
                "1",
                "--batch",
                "48",
            ],
            "data build": ["data", "build", PART, "--count", "4", "--size", "32", "--workers", "1"],
            "eval": ["eval", "full", "--out", str(folder / "run" / "eval.csv")],
            "demo": ["demo", "--count", "4", "--out", str(folder / "run")],
        }[name]

    yield words
    torch.set_num_threads(threads)


def _noise():
    import matplotlib

    matplotlib.use("Agg")

    figure = Figure()
    figure.subplots().imshow(np.random.default_rng(0).random((200, 200)))
    return figure


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB; its size is what there is to fill."""
    place = tmp_path / "disk"
    place.mkdir()
    made = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", place], capture_output=True, check=False
    )
    if not made or made.returncode:
        pytest.skip("a small disk cannot be mounted here (that needs root)")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def fails(words: list[str], capsys: pytest.CaptureFixture[str], message: str) -> None:
    """The command ends with 2 and says one line."""
    capsys.readouterr()
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    bar = re.compile(r"\s*|(train \S+|build \S+|evaluate \S+): .*\|.*\|.*")
    said = [line for line in re.split(r"[\r\n]+", error) if not bar.fullmatch(line)]
    assert len(said) == 1 and said[0].startswith("rsc: "), error
    assert message in said[0]


ALL = ("train", "pretrain", "data build", "eval", "demo")


@pytest.mark.parametrize(
    ("name", "free"),
    [*((name, 0) for name in ALL), ("train", 4096), ("pretrain", 4096), ("demo", 4096),
     ("data build", 4096), ("data build", 16384)],
)  # fmt: skip
@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_full_disk(
    name: str, free: int, disk: Path, commands: Callable[[str, Path], list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """With nothing free, or with so little that writing begins and does not end."""
    (disk / "run").mkdir()
    kept = {
        disk / "run" / n: n.encode()
        for n in ("eval.csv", "demo.csv", "demo.json", "demo.png", "log.csv")
    }
    for path, content in kept.items():
        path.write_bytes(content)
    with pytest.raises(OSError, match="No space"), open(disk / "fill", "wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    os.truncate(disk / "fill", (disk / "fill").stat().st_size - free)
    words = commands(name, disk)
    fails(words, capsys, "No space left")
    changed = {path.name for path, content in kept.items() if path.read_bytes() != content}
    # Of the two files of a demo, the first may have fitted.
    assert changed <= ({"demo.csv", "demo.json"} if name == "demo" and free else set())
    assert litter(disk) == []
    assert not list(disk.rglob("state.pt"))
    for shard in disk.rglob("*.npz"):  # whole, or not there
        with np.load(shard) as arrays:
            assert len(arrays["images"]) == 2
    if name == "data build":
        (disk / "fill").unlink()
        assert cli.main(words) == 0


@pytest.mark.parametrize("name", ALL)
def test_a_read_only_disk(
    name: str, disk: Path, commands: Callable[[str, Path], list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (disk / "run").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    fails(commands(name, disk), capsys, "Read-only")


@pytest.mark.parametrize("name", ALL)
def test_a_file_in_the_place_of_the_folder(
    name: str, tmp_path: Path, commands: Callable[[str, Path], list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "file").write_text("mine")
    said = "Not a directory" if name == "data build" else "file is a file, not a folder"
    fails(commands(name, tmp_path / "file"), capsys, said)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_training_goes_on_after_the_disk_was_full(
    commands: Callable[[str, Path], list[str]], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    """The limit on the size of a file stands for a disk that fills up during the run."""
    eager = dataclasses.replace(CONFIG, save_seconds=0.001)
    whole = methods.run(eager, tmp_path / "whole", progress=False)
    size = (tmp_path / "whole" / "state.pt").stat().st_size
    monkeypatch.setattr("rsclib.methods.load_config", lambda _: eager)
    words = commands("train", tmp_path)
    real, calls = folders.save_training_state, []

    def save(path: Path, state: dict) -> None:
        calls.append(state["step"])
        if len(calls) == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, hard))
        real(path, state)

    monkeypatch.setattr(folders, "save_training_state", save)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        fails(words, capsys, "File too large")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert load_training_state(tmp_path / "run" / "state.pt")["step"] == 2
    assert litter(tmp_path / "run") == []
    assert cli.main(words) == 0
    again = model_named(str(tmp_path / "run" / "model.safetensors")).state_dict()
    first = model_named(str(tmp_path / "whole" / "model.safetensors")).state_dict()
    assert all(torch.equal(v, first[k]) for k, v in again.items())
    assert len(whole.state_dict()) == len(again) > 100


def test_a_complete_part_is_read_from_a_read_only_disk(
    disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(B, "SHARD", 2)
    wanted = B.Request(PART, 4, 32, 0)
    B.build(wanted, workers=1, cache=disk)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    B.build(wanted, cache=disk)
    assert len(B.load(wanted, cache=disk)["images"]) == 4


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_behind_the_output(tmp_path: Path) -> None:
    """``rsc eval > file`` on a full disk: said in one line too, not at the interpreter's end."""
    program = (
        "import sys; from rsclib import cli; "
        "cli.COMMANDS['data build'] = (cli.DataBuild, lambda _: print('x')); sys.exit(cli.main())"
    )
    root = str(Path(__file__).parents[1])
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program, "data", "build"], cwd=root, stdout=full,
            stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": root}, check=False,
        )  # fmt: skip
    assert done.stderr == "rsc: No space left on device\n"
    assert done.returncode == 2
