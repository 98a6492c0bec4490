"""The command line: mistakes give one line and a non-zero exit."""

from __future__ import annotations

import io
import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from rsclib import cli
from rsclib.cli import COMMANDS, main, parse
from rsclib.commands.scoring import models_by_title
from rsclib.errors import RscError
from rsclib.evaluate import pivot
from rsclib.models import MODELS
from rsclib.openbench import build as B
from rsclib.openbench.parts import PARTS, SPLITS

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data", "build", "nope"], f"choose from {', '.join(PARTS)}"),
        (["data"], "rsc data build"),
        (["data", "list", "--help"], "rsc data build"),
        (
            ["train", "nope", "--out", "x"],
            "presets: ci, edu, feaen, hmr, hr_only, imgsr, paper, paper_open, photo, reid, texglo, video, video_ci, video_paper",
        ),
        (["eval", "no/such/model.safetensors"], "there is no model"),
        (["eval"], "name at least one model"),
        (["eval", "full", "--part", "3DPW"], "choose from source, train-lab"),
        (["eval", "full", "--part", "train-wild"], "3dpw, h36m-p1, h36m-p2, mpi-inf-3dhp, or name"),
        (["data", "build", "test-lab", "--size", "100"], "multiple of 32"),
    ],
)
def test_mistakes(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert error.startswith("rsc: ")


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The help of e.g. "data build", as words with one space between."""
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), "--help"])
    assert stop.value.code == 0
    return " ".join(capsys.readouterr().out.replace("│", " ").split())


@pytest.mark.parametrize(
    "command",
    [
        "demo",
        "data build",
        "data",
        "train",
        "grid",
        "pretrain",
        "eval",
        "predict",
        "fetch",
        "doctor",
        "fit",
    ],
)
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = help_of(command, capsys)
    assert said.startswith(f"usage: rsc {command}")
    assert re.search(f"Examples?: rsc {command}", said)


def test_help_names_the_commands_and_the_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert "data build" in help_of("", capsys)
    for command in ("data", "data build"):
        assert ", ".join(PARTS) in help_of(command, capsys)
    scored = help_of("eval", capsys)
    assert {name for name in SPLITS if name not in scored} == {"train-wild"}


def test_unwritable_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RSC_CACHE", str(tmp_path / "file"))
    assert main(["data", "build", "test-lab"]) == 2
    assert "RSC_CACHE" in capsys.readouterr().err


class Stdin(io.StringIO):
    def __init__(self, answer: str | None) -> None:
        super().__init__(answer)
        self.isatty = lambda: answer is not None  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("answer", "words", "message"),
    [("y\n", (), ""), ("YES\n", (), ""), ("n\n", (), "nothing was built"),
     ("\n", (), "nothing was built"), ("", (), "nothing was built"), (None, (), "add --yes"),
     (None, ("--yes",), "")],
)  # fmt: skip
def test_days_of_building_are_not_begun_without_a_yes(
    answer: str | None, words: tuple[str, ...], message: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    built: list[str] = []
    monkeypatch.setattr(B, "build", lambda wanted, _: built.append(wanted.name))
    takes = {"source": "about 9.0 hours on 2 cores and 5 GB"}
    monkeypatch.setattr(
        "rsclib.openbench.duration.long_build", lambda wanted, _: takes.get(wanted.name, "")
    )
    monkeypatch.setattr("sys.stdin", Stdin(answer))
    code = main(["data", "build", "test-lab", "source", "--count", "1000000", *words])
    error = capsys.readouterr().err
    assert ("1000000 images of source take about 9.0 hours" in error) == (not words)
    if message:
        assert (code, built) == (2, []), "neither part is begun"
        assert message in error and error.count("\n") == 1
    else:
        assert (code, built) == (0, ["test-lab", "source"])


@pytest.mark.parametrize("words", ["eval full --count 1000000", "demo --count 1000000 --out {out}"])
def test_nor_by_a_command_that_builds_by_the_way(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(B, "build", lambda *_: pytest.fail("it was begun"))
    monkeypatch.setattr("rsclib.openbench.duration.long_build", lambda _: "about 9.0 hours")
    monkeypatch.setattr("sys.stdin", Stdin(None))
    assert main(words.format(out=tmp_path).split()) == 2
    error = capsys.readouterr().err
    assert "1000000 images of test-wild are not built and take about 9.0 hours" in error
    assert "rsc data build test-wild --count 1000000 --yes" in error


STOPS = {
    "eval full": "the same command begins anew",
    "predict photo.png": "the same command begins anew",
    "fit photo.png photo.json": "the same command begins anew",
    "data build test-lab": "the same command goes on after the shards that are built",
    "grid g.yaml --out new": "the same command goes on from what was saved",
    "train ci --out new": "before a step was saved; the same command begins anew",
    "pretrain --out new": "before a step was saved; the same command begins anew",
    "train ci --out run": "the same command goes on from what was saved",
}


@pytest.mark.parametrize("words", STOPS)
def test_a_stop_promises_no_more_than_is_true(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "state.pt").touch()
    commands = {name: (kind, stopped) for name, (kind, _) in cli.COMMANDS.items()}
    monkeypatch.setattr(cli, "COMMANDS", commands)
    assert main(words.split()) == 130
    error = capsys.readouterr().err
    assert error.startswith("rsc: stopped") and error.endswith(STOPS[words] + "\n")


def test_two_models_never_share_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "full", "full"]) == 2
    assert "share a row" in capsys.readouterr().err


def test_a_grids_runs_are_rows_of_their_own(tmp_path: Path) -> None:
    files = [tmp_path / name / "model.safetensors" for name in ("a/seed0", "b/seed0", "c")]
    for file in files:
        file.parent.mkdir(parents=True)
        shutil.copy(MODELS / "full.safetensors", file)
    assert list(models_by_title(["hr-only", *map(str, files)])) == [
        "HR-only",
        "a/seed0",
        "b/seed0",
        "c",
    ]


def test_checkpoints_of_one_folder_are_rows_of_their_own(tmp_path: Path) -> None:
    files = [tmp_path / "checkpoints" / f"{name}.safetensors" for name in ("one", "two")]
    files[0].parent.mkdir()
    for file in files:
        shutil.copy(MODELS / "full.safetensors", file)
    assert list(models_by_title([*map(str, files)])) == ["one", "two"]
    for other in ("a/one", "seed1/one", "b/RSC-Net"):  # nothing is taken for something else
        files.append(tmp_path / f"{other}.safetensors")
        files[-1].parent.mkdir(exist_ok=True)
        shutil.copy(files[0], files[-1])
    above = tmp_path.name
    assert list(models_by_title(["full", *map(str, files)])) == [
        "RSC-Net", "checkpoints/one", "two", "a/one", f"{above}/seed1/one", "b/RSC-Net",
    ]  # fmt: skip


def test_an_unknown_model_is_told_which_ones_ship(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "fulll"]) == 2
    assert (
        "give a shipped one (hr-only, full, spin, photo) or a file's path"
        in capsys.readouterr().err
    )


def test_the_table_keeps_the_order_of_the_models() -> None:
    rows = [
        {"method": m, "metric": "mpjpe", "resolution": 32, "value": 1.0, "low": 0.0, "high": 2.0}
        for m in ("zebra", "ape")
    ]
    assert list(pivot(rows).index) == ["zebra", "ape"]


def test_help_does_not_wait_for_torch() -> None:
    program = "import sys, rsclib.cli; print('torch' in sys.modules)"
    words = [sys.executable, "-c", program]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "False\n"


# --- options anywhere ------------------------------------------------------------------------

PIECES = {
    "predict": ["--box 1 2 30 40", "--out x", "--model=hr-only", "a.jpg", "b.jpg"],
    "fit": ["--box 1 2 30 40", "--steps 3 4", "--start=mean", "a.jpg", "a.json"],
    "eval": ["--part test-lab", "--count 64", "--out=x.json", "full", "hr-only"],
    "data build": ["--count 64", "--seed 3", "test-wild", "val-wild"],
    "grid": ["--options a=1 b=2", "--out x", "--at_once 2", "g.yaml"],
    "train": ["--out x", "--devices 2", "ci"],
    "pretrain": ["--steps 1 2 3", "--no-extra", "--out x", "--lr 0.1"],
}


@pytest.mark.parametrize("command", PIECES)
def test_options_stand_anywhere(command: str) -> None:
    """Every order of options and names is the one with the names, in their order, at the end."""
    pieces = PIECES[command]
    wanted = parse([*command.split(), *" ".join(pieces).split()])
    assert isinstance(wanted, COMMANDS[command][0])
    names = [p for p in pieces if not p.startswith("-")]
    for order in itertools.permutations(pieces):
        if [p for p in order if p in names] == names:
            assert parse([*command.split(), *" ".join(order).split()]) == wanted, order


def test_a_box_before_the_image() -> None:
    options = parse(["predict", "--box", "1", "2", "30", "40", "a.jpg", "--out", "x", "b.jpg"])
    assert options.box == (1, 2, 30, 40)
    assert (options.images, str(options.out)) == (("a.jpg", "b.jpg"), "x")
    assert parse(["predict", "--box=1", "2", "3", "4", "a.jpg"]).box == (1, 2, 3, 4)
    assert parse(["predict", "a", "--box", "-1", "2", "3", "4", "b"]).box == (
        -1,
        2,
        3,
        4,
    )  # photos.py objects
    assert parse(["grid", "--options=a=1", "b=2", "g.yaml", "--out", "x"]).options == ("a=1", "b=2")


def test_names_that_look_like_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse(["predict", "--out", "x", "--", "-a.jpg", "--b.jpg"]).images == (
        "-a.jpg",
        "--b.jpg",
    )
    for words in ("predict -- a.jpg --out x", "eval -- full --out=x.json", "train -- ci --out x"):
        with pytest.raises(RscError, match="put --out before the --"):
            parse(words.split())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "--out").write_text("")  # a file of that name: then it is meant
    assert parse(["predict", "--", "--out"]).images == ("--out",)


def test_words_that_fit_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ("predict --wrong 3 a", "predict --box 1 2 3 a.jpg", "train ci more --out x",
                  "predict a --out", "pretrain --steps 1 2 --out x"):  # fmt: skip
        with pytest.raises(SystemExit) as stop:
            parse(words.split())
        assert stop.value.code == 2
        assert capsys.readouterr().err


# --- a folder for a file, a file for a folder ---------------------------------------------------

WRONG_KIND = {
    "predict folder": "there are no images in the folder folder",
    "predict photo.png --model folder": "give the model in it, folder/model.safetensors",
    "fit folder photo.png": "photo.png is not JSON",
    "fit photo.png folder": "there are no keypoints at folder",
    "eval folder": "give the model in it, folder/model.safetensors",
    "eval empty": "empty is a folder; give a .safetensors file",
    "eval full --out folder": "folder is a folder; name a file in it: folder/eval.csv",
    "eval full --out photo.png/x.json": "cannot write photo.png: it is a file, not a folder",
    "predict photo.png --out photo.png/deep": "cannot write photo.png/deep: photo.png is a file, not a folder",
    "predict photo.png --out dead": "it is a link to nothing, not a folder",
    "demo --out photo.png": "cannot write photo.png: it is a file, not a folder",
    "train ci --out photo.png": "cannot write photo.png: it is a file, not a folder",
    "pretrain --out photo.png": "cannot write photo.png: it is a file, not a folder",
    "grid grid.yaml --out photo.png": "cannot write photo.png: it is a file, not a folder",
}


@pytest.mark.parametrize("words", WRONG_KIND)
def test_folders_and_files_mixed_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (40, 40), "red").save("photo.png")
    for folder in ("folder", "empty"):
        (tmp_path / folder).mkdir()
    shutil.copy(MODELS / "full.safetensors", "folder/model.safetensors")
    shutil.copy(ROOT / "benchmarks/grids/room.yaml", "grid.yaml")
    (tmp_path / "dead").symlink_to("nowhere")
    before = (tmp_path / "photo.png").read_bytes()
    assert main(words.split()) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]  # Fabric may speak before
    assert error.startswith("rsc: ") and WRONG_KIND[words] in error
    assert (tmp_path / "photo.png").read_bytes() == before


@pytest.mark.parametrize("module", ["rsclib", "rsclib.cli"])
def test_version_and_module(module: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", module]
    surroundings = os.environ | {"PYTHONPATH": str(ROOT)}
    said = subprocess.run(
        [*words, "--version"], capture_output=True, text=True, check=True, cwd=tmp_path,
        env=surroundings,
    )  # fmt: skip
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.fullmatch(
        rf"rsc {re.escape(version)}( \(commit [0-9a-f]+(-dirty)?\))?\n", said.stdout
    )
    assert ("commit" in said.stdout) == (ROOT / ".git").exists()
    wrong = subprocess.run(
        [*words, "eval"], capture_output=True, text=True, cwd=tmp_path, env=surroundings
    )
    assert wrong.returncode == 2 and wrong.stderr.startswith("rsc: name at least one model")
