"""Notebooks: hygiene, and exercises whose checks turn wrong answers down."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path

import nbformat
import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def _functions(path: Path) -> dict:
    """The functions a notebook defines, without running its cells."""
    scope: dict = {"np": np}
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type == "code":
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.FunctionDef):
                    exec(compile(ast.Module([node], []), str(path), "exec"), scope)
    return scope


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_hygiene(path: Path) -> None:
    book = nbformat.read(path, 4)
    nbformat.validate(book)
    assert path.stat().st_size < 1_000_000
    code = [c for c in book.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == list(range(1, len(code) + 1)), "run top to bottom"
    assert np.median([len(c.source.splitlines()) for c in code]) <= 12
    text = path.read_text(encoding="utf-8")
    assert '"output_type": "error"' not in text
    assert not re.search(r"/(home|root|Users)/", text), "a path of one machine"
    assert sum("assert" in c.source for c in code) >= 4
    for cell in code:
        if "plt.show()" in cell.source:
            assert "# alt:" in cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_solutions_pass_and_wrong_answers_fail(path: Path) -> None:
    scope = _functions(path)
    solutions = runpy.run_path(str(FOLDER / "solutions" / f"{path.stem}.py"))
    assert scope["check_mpjpe"](solutions["my_mpjpe"]) == "correct"
    assert len(solutions["WRONG"]) >= 3
    for wrong in solutions["WRONG"].values():
        with pytest.raises(AssertionError):
            scope["check_mpjpe"](wrong)
    with pytest.raises(NotImplementedError):
        scope["my_mpjpe"](np.zeros((14, 3)), np.zeros((14, 3)))
