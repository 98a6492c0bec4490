"""What Sphinx reads: the repository's own pages, with outputs that need no kernel, and the tables."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

LINK = re.compile(r"(?<!\\)\]\(([^)\s#:]+)(?:#[^)\s]*)?\)")
PLOTLY = "application/vnd.plotly.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
MEASURED, PAPER = Path("results/measured.md"), Path("results/paper.md")
COLUMNS = ("method", "metric", "resolution", "value")
NO_KERNEL = (
    '<p class="no-kernel">Here are sliders, which need a running kernel: <code>make lab</code>. '
    "The text names a figure that shows the same.</p>"
)
INDEX = """
```{{toctree}}
:hidden:
:caption: Lessons

{lessons}
```

```{{toctree}}
:hidden:
:caption: Tables and words

{others}
```
"""


def write_source(root: Path, source: Path) -> None:
    """Write the folder that Sphinx reads.

    Args:
        root: of the repository. source: a folder; pages lie in it where they lie in the repository,
            so that their links hold, and so does what they link to.
    """
    lessons = sorted((root / "notebooks").glob("*.ipynb"))
    # The ablation, claim by claim; the gains of the paper stand in a column of their own.
    verdicts = sorted(p.relative_to(root) for p in (root / "results/edu").glob("table*.md"))
    source.mkdir(parents=True)
    (source / MEASURED).parent.mkdir()
    (source / MEASURED).write_text(measured(root), encoding="utf-8")
    (source / PAPER).write_text(paper(root), encoding="utf-8")
    index = (root / "README.md").read_text(encoding="utf-8").split("\n## ")[0]
    others = [
        name for name in ("notebooks/glossary.md", "CONTRIBUTING.md") if (root / name).is_file()
    ]
    others = [
        *(str(path) for path in verdicts),
        *others,
    ]
    contents = INDEX.format(
        lessons="\n".join(f"notebooks/{path.stem}" for path in lessons),
        others="\n".join(str(Path(p).with_suffix("")) for p in (MEASURED, PAPER, *others)),
    )
    (source / "index.md").write_text(index + contents, encoding="utf-8")
    waiting = [path.relative_to(root) for path in lessons] + [Path(name) for name in others]
    waiting += [*linked(index, Path(), root), *linked(measured(root), MEASURED.parent, root)]
    while waiting:
        page = waiting.pop()
        target = source / page
        if target.exists() or page == Path("README.md"):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if page.suffix == ".ipynb":
            book = nbformat.read(root / page, 4)
            still(book)
            for cell in book.cells:
                if cell.cell_type == "markdown":
                    cell.source = with_home(cell.source, len(page.parts) - 1)
            nbformat.write(book, target)
            text = "\n".join(c.source for c in book.cells if c.cell_type == "markdown")
        elif page.suffix == ".md":
            text = with_home((root / page).read_text(encoding="utf-8"), len(page.parts) - 1)
            target.write_text(text, encoding="utf-8")
        else:
            shutil.copy(root / page, target)
            continue
        waiting += linked(text, page.parent, root)


def with_home(text: str, depth: int) -> str:
    """A page, ``depth`` folders down, whose links to the README lead to the first page."""
    return text.replace(f"]({'../' * depth}README.md", f"]({'../' * depth}index.md")


def linked(text: str, folder: Path, root: Path) -> Iterator[Path]:
    """Files of the repository that a page in ``folder`` links to, as paths from ``root``."""
    for name in LINK.findall(text):
        file = (root / folder / name).resolve()
        if file.is_file() and file.is_relative_to(root.resolve()):
            yield file.relative_to(root.resolve())


def still(book: Any) -> None:
    """Turn outputs that need JupyterLab into HTML: meshes to turn, and a line in place of sliders."""
    for cell in book.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if WIDGET in data:
                output["data"] = {"text/html": NO_KERNEL}
            elif PLOTLY in data:
                output["data"] = {"text/html": _turnable(data[PLOTLY])}


def _turnable(figure: Any) -> str:
    names = ", ".join(trace.get("name", "") for trace in figure["data"] if trace.get("name"))
    alt = html.escape(f"Meshes to turn with the mouse: {names}")
    # "</" would end the script that holds it.
    drawn = json.dumps({k: figure[k] for k in ("data", "layout")}).replace("</", "<\\/")
    return (
        f'<div class="plotly-figure" role="img" aria-label="{alt}"></div>'
        f'<script type="application/json" class="plotly-json">{drawn}</script>'
    )


def _cell(row: Any) -> str:
    try:
        value = float(row.value)
    except ValueError:  # true or false
        return html.escape(str(row.value))
    text = f"{value:.4g}" if abs(value) < 10 else f"{value:.1f}"
    known = "low" in row and pd.notna(row.low) and pd.notna(row.high)
    return f"{text} [{row.low:.1f}, {row.high:.1f}]" if known else text


def _wide(frame: pd.DataFrame, columns: list[str]) -> str:
    """Cells of text as a table, methods as rows."""
    rows = ["method", *(["soften"] if "soften" in frame else [])]
    wide = frame.pivot_table("cell", rows, columns, aggfunc="first", sort=False, fill_value="")
    wide.columns = [" at ".join(c) if isinstance(c, tuple) else str(c) for c in wide.columns]
    return wide.reset_index().to_markdown(index=False, disable_numparse=True) + "\n"


def measured(root: Path) -> str:
    """The page of the numbers measured by this project: every result file with errors of methods."""
    page = [
        "# Tables measured here\n",
        "Errors in mm over the size in px, on the open benchmark; in brackets 95 % intervals. "
        "[Results](README.md) says what each file is, and a JSON file beside each how it was made. "
        "**The paper's numbers are [on a page of their own](paper.md)**: they are of other people, "
        "another network and other data.\n",
    ]
    names = (p.relative_to(root / "results") for p in (root / "results").glob("**/*.csv"))
    # The shipped models first.
    for name in sorted(names, key=lambda n: (n.parts[0] != "open", n.stem != "wild", n)):
        frame = pd.read_csv(root / "results" / name, dtype={"resolution": str})
        single = len(name.parts) > 2  # one run of the ablation; the tables are made of them
        if single or name.parts[0] == "paper" or not {*COLUMNS} <= set(frame):
            continue
        page.append(f"## {name.with_suffix('')}\n")
        frame["cell"] = frame.apply(_cell, axis=1)
        keys = [*(key for key in ("regime", "split") if key in frame), "metric"]
        for of, part in frame.groupby(keys, sort=False):
            page += [f"### {', '.join(map(str, of))}\n", _wide(part, ["resolution"])]
    return "\n".join(page)


def paper(root: Path) -> str:
    """The page of the paper's tables, with the digits of the paper."""
    page = [
        "# The paper's tables\n",
        "As printed: metric at a size in px (h32: a height of 32 px). Nothing here was measured by "
        "this project; that is [on a page of its own](measured.md).\n",
    ]
    for number in range(1, 9):
        frame = pd.read_csv(root / f"results/paper/table{number}.csv", dtype=str)
        page.append(f"## Table {number}\n")
        for of, part in frame.rename(columns={"value": "cell"}).groupby("dataset", sort=False):
            page += [f"### {of}\n", _wide(part, ["metric", "resolution"])]
    return "\n".join(page)
