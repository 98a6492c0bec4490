"""What the last pass of ``make test`` relies on: nbval runs every lesson in a fresh kernel, offline.

The lessons themselves run there, once; their solutions run in ``tests/test_notebooks.py``. That is the
same as a run with the solutions written in, as long as the two properties of the first test hold.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.rubric import functions_to_write

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_solution_can_be_graded_apart_from_its_lesson(path: Path) -> None:
    code = [c.source for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
    answers = set(functions_to_write(code))
    assert len(answers) >= 3
    for source in code:
        used = answers & set(re.findall(r"\bmy_\w+", source))
        if functions_to_write([source]):  # the exercise: graded by what its check brings along
            graded = re.findall(r"^grade\(.*", source, re.M)
            assert graded
            assert all(re.fullmatch(r"grade\(lesson\d\d\.\w+, my_\w+\)", line) for line in graded)
        else:
            assert not used, f"a later cell would run otherwise with {used} solved"
        assert not re.search(r"^\s*[%!]", source, re.M), "nbval lets an unknown magic pass"


def nbval(folder: Path, *cells: str) -> subprocess.CompletedProcess[str]:
    """The pass of the Makefile over a notebook of these cells."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(book, folder / "lesson.ipynb")
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "PYTHONPATH=$(CURDIR)/tests/offline $(BIN)/python -m pytest $(SIDE) $(NBVAL)" in recipe
    options = re.search(r"^NBVAL := (.*)$", recipe, re.M)
    assert options
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options[1].split(),
         "--rootdir", str(folder), "-c", os.devnull, str(folder)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "tests" / "offline")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_lesson_that_fails_or_leaves_this_machine_is_noticed(tmp_path: Path) -> None:
    local = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); "
        "socket.create_connection(s.getsockname())"
    )
    fine = nbval(tmp_path, "1 + 1", local)
    assert fine.returncode == 0 and "2 passed" in fine.stdout
    far = nbval(tmp_path, "import socket; socket.create_connection(('192.0.2.1', 80))", "1 / 0")
    assert far.returncode == 1 and "2 failed" in far.stdout
    assert "tried to reach 192.0.2.1" in far.stdout and "ZeroDivisionError" in far.stdout
