"""The pages of ``make site``: built from committed outputs, every picture with a text, no kernel."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import pytest

from benchmarks.site.__main__ import build
from benchmarks.site.conf import mathml
from benchmarks.site.pages import linked, measured, paper, still
from tests.rubric import alts_of

ROOT = Path(__file__).parents[1]
DOT = "R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
OUTPUTS = (
    {"text/html": f'<figure><img alt="a grey dot on white" src="data:image/gif;base64,{DOT}"></figure>'},
    {"application/vnd.jupyter.widget-view+json": {"model_id": "0"}, "text/plain": "VBox(children=(3,))"},
    {"application/vnd.plotly.v1+json": {
        "data": [{"type": "mesh3d", "name": "truth</script>", "x": [0, 1, 0, 0], "y": [0, 0, 1, 0], "z": [0, 0, 0, 1]}],
        "layout": {"height": 300}, "config": {}}},
)  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository of a README and one small lesson."""
    here = tmp_path / "repository"
    (here / "notebooks" / "solutions").mkdir(parents=True)
    (here / "notebooks" / "solutions" / "00.py").write_text("my_answer = 42\n")
    (here / "picture.gif").write_bytes(b"GIF89a")
    (here / "README.md").write_text(
        "# toy\n\n![One grey dot](picture.gif)\n\n[the lesson](notebooks/00_toy.ipynb)\n\n## Results\n\n9.9\n"
    )
    shutil.copytree(ROOT / "results" / "paper", here / "results" / "paper")
    (here / "results" / "README.md").write_text("# Results\n")
    (here / "results" / "toy.csv").write_text(
        "method,metric,split,resolution,value,low,high\nHR-only,mpjpe,test,32,91.25,80.1,99.9\n"
    )
    text = "# Toy\n\nHome is [there](../README.md), answers [here](solutions/00.py): $\\big|x\\big|^2$.\n\n$$a=\\tfrac12$$"
    code = nbformat.v4.new_code_cell("raise SystemExit('pages are built without running anything')")
    code.outputs = [nbformat.v4.new_output("display_data", data) for data in OUTPUTS]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text), code])
    book.metadata.language_info = {"name": "python", "pygments_lexer": "ipython3"}
    nbformat.write(book, here / "notebooks" / "00_toy.ipynb")
    return here


def test_a_site_of_one_lesson(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "site"
    assert build(out, root) == 0
    first = (out / "index.html").read_text(encoding="utf-8")
    lesson = (out / "notebooks" / "00_toy.html").read_text(encoding="utf-8")
    pictures = re.findall(r"<img\b[^>]*>", first + lesson)
    assert len(pictures) == 2 and all(re.search(r'\balt="[^"]{10,}"', tag) for tag in pictures)
    assert "9.9" not in first and 'href="notebooks/00_toy.html"' in first
    assert 'href="../index.html"' in lesson
    assert (out / "_static" / "plotly.min.js").stat().st_size > 1e6
    assert lesson.count("<math") == 2 and "VBox" not in lesson and "no-kernel" in lesson
    for page in out.glob("**/*.html"):
        loaded = re.findall(r'(?:src|href)="(https?:[^"]+)"', page.read_text(encoding="utf-8"))
        assert not [link for link in loaded if link.endswith((".js", ".css"))], page.name


def test_a_mesh_is_carried_as_data_that_cannot_end_its_script(root: Path) -> None:
    book = nbformat.read(root / "notebooks" / "00_toy.ipynb", 4)
    still(book)
    page = book.cells[1].outputs[2]["data"]["text/html"]
    assert page.count("</script>") == 1 and 'aria-label="Meshes to turn' in page
    assert [alts_of(output) for output in book.cells[1].outputs] == [
        ["a grey dot on white"],
        [],
        [],
    ]


def test_the_paper_and_what_is_measured_share_no_page() -> None:
    ours, theirs = measured(ROOT), paper(ROOT)
    assert "| HR-only" in ours and "3DPW" not in ours
    printed = ("97.18", "143.63", "117.12", "96.36")  # of the paper's Tables 5 and 6
    assert not [number for number in printed if number in ours] and "117.12" in theirs
    assert "### hard, test-wild, mpjpe" in ours and "### easy, test-wild, mpjpe" in ours
    assert "## edu/table6" in ours and "## edu/hard" not in ours  # tables, not single runs
    assert "| RA+SS+CL | 96.36" in re.sub(" +", " ", theirs) and "HR-only" not in theirs
    assert theirs.count("\n## Table ") == 8


def test_links_out_of_the_repository_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.md").write_text("")
    (tmp_path / "b.md").write_text("")
    text = "[a](a.md) [b](../b.md) [none](c.md) [web](https://example.org/x.md) [top](#words)"
    assert list(linked(text, Path(), tmp_path / "in")) == [Path("a.md")]


def test_a_formula_that_docutils_cannot_read_is_shown_as_typed() -> None:
    for known in (
        r"\Big(\tfrac12\Big)",
        r"1, \dots, P",
        r"g_\text{CL} \tag{Eq. 9}",
        r"\mathbb 1(j)",
    ):
        assert "<math" in mathml(known, block=True)
    assert mathml(r"\nosuch{x}", block=False) == r"<code>\nosuch{x}</code>"
