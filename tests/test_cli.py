"""The command line: mistakes give one line and a non-zero exit."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rsclib.cli import _models, main
from rsclib.evaluate import pivot
from rsclib.models import MODELS
from rsclib.openbench import build as B
from rsclib.openbench.parts import SPLITS


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data", "build", "nope"], f"choose from {', '.join(SPLITS)}"),
        (["data"], "rsc data build"),
        (["data", "list", "--help"], "rsc data build"),
        (["train", "nope", "--out", "x"], "presets: ci, edu, paper"),
        (["eval", "no/such/model.safetensors"], "there is no model"),
        (["eval"], "name at least one model"),
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
    ["demo", "data build", "data", "train", "grid", "pretrain", "eval", "predict"],
)
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = help_of(command, capsys)
    assert said.startswith(f"usage: rsc {command}")
    assert re.search(f"Examples?: rsc {command}", said)


def test_help_names_the_commands_and_the_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert "data build" in help_of("", capsys)
    for command in ("data", "data build"):
        assert ", ".join(SPLITS) in help_of(command, capsys)
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
    monkeypatch.setattr(B, "long_build", lambda wanted, _: takes.get(wanted.name, ""))
    monkeypatch.setattr("sys.stdin", Stdin(answer))
    code = main(["data", "build", "test-lab", "source", "--count", "1000000", *words])
    error = capsys.readouterr().err
    assert ("1000000 images of source take about 9.0 hours" in error) == (not words)
    if message:
        assert (code, built) == (2, []), "neither part is begun"
        assert message in error and error.count("\n") == 1
    else:
        assert (code, built) == (0, ["test-lab", "source"])


def test_two_models_never_share_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "full", "full"]) == 2
    assert "share a row" in capsys.readouterr().err


def test_a_grids_runs_are_rows_of_their_own(tmp_path: Path) -> None:
    files = [tmp_path / name / "model.safetensors" for name in ("a/seed0", "b/seed0", "c")]
    for file in files:
        file.parent.mkdir(parents=True)
        shutil.copy(MODELS / "full.safetensors", file)
    assert list(_models(["hr-only", *map(str, files)])) == ["HR-only", "a/seed0", "b/seed0", "c"]


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
