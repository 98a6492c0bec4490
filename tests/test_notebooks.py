"""Notebooks: hygiene, rubric, and exercises whose checks turn wrong answers down."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import runpy
from pathlib import Path
from types import ModuleType

import nbformat
import numpy as np
import pytest
import torch

from tests.rubric import alts_of, functions_to_write, score

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LESSONS = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)


def _code(path: Path) -> list[str]:
    return [c.source for c in nbformat.read(path, 4).cells if c.cell_type == "code"]


def _checks(path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """Exercise name to its check, read from the notebook's ``grade(...)`` calls."""
    monkeypatch.syspath_prepend(str(FOLDER))
    found = re.findall(r"grade\((lesson\d+)\.(\w+), (my_\w+)\)", "\n".join(_code(path)))
    modules: dict[str, ModuleType] = {
        m: importlib.import_module(f"checks.{m}") for m, _, _ in found
    }
    return {name: getattr(modules[m], check) for m, check, name in found}


def test_there_are_notebooks() -> None:
    assert [p.stem[:2] for p in NOTEBOOKS] == [f"{n:02}" for n in range(31)]


@LESSONS
def test_hygiene(path: Path) -> None:
    book = nbformat.read(path, 4)
    nbformat.validate(book)
    assert path.stat().st_size < 1_000_000
    code = [c for c in book.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == list(range(1, len(code) + 1)), "run top to bottom"
    assert np.median([len(c.source.splitlines()) for c in code]) <= 12
    text = path.read_text(encoding="utf-8")
    assert '"output_type": "error"' not in text
    assert not re.search(r"/(home|root|Users|work|tmp)/", text), "a path of one machine"
    assert "<script" not in text, "an output that downloads"
    assert "pip install" not in text and "%%" not in text
    for cell in code:
        assert "plt.show()" not in cell.source, "show(figure, alt) keeps the alternative text"
        assert all(alt for output in cell.outputs for alt in alts_of(output)), "a picture without"


@LESSONS
def test_rubric(path: Path) -> None:
    points = score(path)
    missing = [name for name, met in points.items() if not met]
    assert len(points) == 15
    assert len(missing) <= 2, missing


@LESSONS
def test_solutions_pass_and_wrong_answers_fail(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = _checks(path, monkeypatch)
    solutions = runpy.run_path(str(FOLDER / "solutions" / f"{path.stem}.py"))
    assert sorted(checks) == sorted(functions_to_write(_code(path))) == sorted(solutions["WRONG"])
    verdict = importlib.import_module("checks").verdict
    for name, check in checks.items():
        assert verdict(check, solutions[name]) == "correct"
        for k, wrong in enumerate(solutions["WRONG"][name]):
            assert re.match(r"not yet: \w", verdict(check, wrong)), (name, k)


def test_right_answers_of_other_types_pass_and_no_answer_stops_a_notebook(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    checks = importlib.import_module("checks")
    lesson = importlib.import_module("checks.lesson00")
    right = runpy.run_path(str(FOLDER / "solutions" / "00_start_here.py"))
    for check, answer in (
        (lesson.check_mpjpe, lambda a, b: float(right["my_mpjpe"](a, b))),
        (lesson.check_mpjpe, lambda a, b: torch.tensor(right["my_mpjpe"](a, b))),
        (lesson.check_centred, lambda j, root: right["my_centred"](j, root).numpy()),
        (lesson.check_interval, lambda *a: list(right["my_interval"](*a))),
        (lesson.check_interval, lambda *a: torch.tensor(right["my_interval"](*a))),
    ):
        assert checks.verdict(check, answer) == "correct"

    def bare(a: object, b: object) -> None:
        raise AssertionError

    for answer in (None, 3, bare, lambda a, b: {}[0], lambda a, b: "many"):
        checks.grade(lesson.check_mpjpe, answer)
        assert re.search(r": not yet: \w", capsys.readouterr().out)


@LESSONS
def test_stubs_and_solutions_have_the_same_arguments(path: Path) -> None:
    solutions = runpy.run_path(str(FOLDER / "solutions" / f"{path.stem}.py"))
    stubs = {
        node.name: [a.arg for a in node.args.args]
        for source in _code(path)
        if "raise NotImplementedError" in source
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
    }
    assert stubs
    for name, arguments in stubs.items():
        assert arguments == list(inspect.signature(solutions[name]).parameters)


@LESSONS
def test_a_slider_is_stored_with_its_own_state(path: Path) -> None:
    """Else a page without a kernel has none, or another lesson's."""
    book = nbformat.read(path, 4)
    view, state = (
        "application/vnd.jupyter.widget-view+json",
        "application/vnd.jupyter.widget-state+json",
    )
    outputs = [o for c in book.cells if c.cell_type == "code" for o in c.outputs]
    shown = {o["data"][view]["model_id"] for o in outputs if view in o.get("data", {})}
    kept = book.metadata.get("widgets", {}).get(state, {}).get("state", {})
    assert shown and shown <= set(kept)


def test_readme_and_lessons_name_the_same_minutes() -> None:
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    for path in NOTEBOOKS:
        opening = path.read_text(encoding="utf-8")
        found = re.search(
            r"\*\*Time\*\*: (\d+) minutes of reading and running[^,]*, (\d+)", opening
        )
        assert found, path.name
        line = re.search(rf"\(notebooks/{path.name}\) \| (\d+) \|", readme)
        assert line and int(line[1]) == int(found[1]) + int(found[2]), path.name
