"""Every lesson runs in a fresh kernel, offline, with the solutions written in.

nbval (the other pass of ``make test``) lets a cell with an unknown magic pass; nbclient does not.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tests.rubric import functions_to_write

FOLDER = Path(__file__).parents[1] / "notebooks"
# The first cell of every run: nothing but this machine may be reached.
OFFLINE = """
import socket
_connect = socket.socket.connect
def _local_only(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1"):
        raise RuntimeError(f"a lesson tried to reach {address[0]}")
    _connect(self, address)
socket.socket.connect = _local_only
"""


def run(book: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Execute a notebook in its folder, offline."""
    book.cells.insert(0, nbformat.v4.new_code_cell(OFFLINE))
    client = NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    )
    return client.execute()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda p: p.stem)
def test_runs_with_its_solutions(path: Path) -> None:
    book = nbformat.read(path, 4)
    solutions = f"import runpy\n_answers = runpy.run_path('solutions/{path.stem}.py')\n"
    exercises = 0
    for cell in book.cells:
        if cell.cell_type == "code" and (names := functions_to_write([cell.source])):
            graded = [line for line in cell.source.splitlines() if line.startswith("grade(")]
            cell.source = solutions + "\n".join(
                [*(f"{name} = _answers['{name}']" for name in names), *graded]
            )
            exercises += 1
    done = run(book)
    outputs = [o for c in done.cells if c.cell_type == "code" for o in c.outputs]
    printed = "".join(o.text for o in outputs if o.output_type == "stream")
    assert exercises >= 3
    assert printed.count(": correct") == exercises
    assert "Traceback" not in printed  # of a thread, which would not fail the cell


def test_a_wrong_cell_and_a_connection_are_noticed() -> None:
    for source in ("%no_such_magic", "import socket; socket.create_connection(('192.0.2.1', 80))"):
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
        with pytest.raises(CellExecutionError):
            run(book)
