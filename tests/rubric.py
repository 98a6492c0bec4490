"""The fifteen points of a good lesson, those that a script can judge: ``python -m tests.rubric``.

Point 3 (runs from a fresh kernel, offline) is judged here by the execution counts; the run itself is
the last pass of ``make test``. Of point 13 a script sees only that the words are there.
"""

from __future__ import annotations

import html
import itertools
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import nbformat
import numpy as np

FOLDER = Path(__file__).parents[1] / "notebooks"
COLOUR_MAPS = {"cividis", "viridis", "PuOr", "gray"}  # readable by every kind of eye
WORDS, BYTES = 4500, 500 * 1024


def functions_to_write(code: list[str]) -> list[str]:
    """Names of the exercises' stubs."""
    return [
        name
        for source in code
        if "raise NotImplementedError" in source
        for name in re.findall(r"^def (my_\w+)", source, re.M)
    ]


def alts_of(output: Any) -> list[str]:
    """Alternative texts of an output's pictures, as a reader meets them; "" where there is none.

    One that is in the metadata alone reaches nobody.
    """
    data = output.get("data", {})
    bare = [""] * sum(kind.startswith("image/") for kind in data)
    tags = re.findall(r"<img\b[^>]*>", data.get("text/html", ""))
    found = [re.search(r'\balt="([^"]*)"', tag) for tag in tags]
    return bare + [html.unescape(alt[1]) if alt else "" for alt in found]


def minutes_of(prose: str) -> list[int]:
    """Minutes that the headings name, without those of exercises at the end."""
    named = re.findall(r"^#+ (.*?)\((\d+) min\)", prose, re.M)
    return [int(minutes) for heading, minutes in named if "xercise" not in heading]


def _headings_in_order(text: str) -> bool:
    levels = [len(m) for m in re.findall(r"^(#+) ", text, re.M)]
    return levels[0] == 1 and all(b <= a + 1 for a, b in itertools.pairwise(levels))


def _links_exist(text: str) -> bool:
    targets = re.findall(r"\]\(([^)#:]+)\)", text)
    return all((FOLDER / target).is_file() for target in targets)


def score(path: Path) -> dict[str, bool]:
    """Every point of the rubric with whether the notebook meets it."""
    book: Any = nbformat.read(path, 4)
    cells = [c for c in book.cells if c.cell_type == "code"]
    code = [c.source for c in cells]
    prose = "\n\n".join(c.source for c in book.cells if c.cell_type == "markdown")
    opening = "\n".join(c.source for c in book.cells[:3])
    joined = "\n".join(code)
    lines = [len(source.splitlines()) for source in code]
    asserts = sum(len(re.findall(r"^\s*assert ", source, re.M)) for source in code)
    tagged = set(re.findall(r"Eq\. (\d+)", "\n".join(re.findall(r"\$\$.*?\$\$", prose, re.S))))
    stubs = functions_to_write(code)
    answers = FOLDER / "solutions" / f"{path.stem}.py"
    solutions = runpy.run_path(str(answers)) if answers.is_file() else {"WRONG": {}}
    pictures = [alt for cell in cells for output in cell.outputs for alt in alts_of(output)]
    quiz = prose.split("### Quiz")[-1].split("<details>")[0]
    counts = [c.execution_count for c in cells]
    return {
        "1 objectives and prerequisites": 3 <= len(re.findall(r"^\d\. \*", opening, re.M)) <= 5
        and "**Prerequisites**" in opening,
        "2 time, hardware, full run": "**Time**" in opening
        and "CPU cores" in opening
        and len(re.findall(r"^## \d.*\(\d+ min\)", prose, re.M)) >= 4
        and sum(minutes_of(prose)) == int(re.findall(r"\*\*Time\*\*: (\d+) min", opening)[0]),
        "3 run top to bottom": counts == list(range(1, len(cells) + 1))
        and not any(o.output_type == "error" for c in cells for o in c.outputs),
        "4 seed, device, versions": "manual_seed" in code[0]
        and "cuda.is_available" in code[0]
        and "md.version" in code[0],
        "5 short cells": max(lines) <= 40 and float(np.median(lines)) <= 12,
        "6 equations beside their code": all(f"Eq. {n}" in joined for n in tagged)
        and bool(re.search(r"Eq\. \d+", joined + prose)),
        "7 property checks": asserts >= 5 and "naive" in joined and "invarian" in joined,
        "8 predict, then compare": "redict before you run" in prose
        and bool(re.search(r"^my_\w+ = ", joined, re.M))
        and bool(re.search(r"you said|your guess", joined)),
        "9 three graded exercises": all(
            f"({level})" in prose for level in ("warm-up", "core", "stretch")
        )
        and len(stubs) >= 3
        and joined.count("grade(") >= 3
        and all(len(solutions["WRONG"].get(name, ())) >= 3 for name in stubs),
        "10 solutions apart": all(name in solutions for name in stubs),
        "11 a widget and its static twin": "slide(" in joined
        and "static twin" in (prose + joined).lower(),
        "12 figures": bool(pictures)
        and all(len(alt) >= 20 for alt in pictures)
        and set(re.findall(r'cmap="(\w+)"', joined)) <= COLOUR_MAPS,
        "13 beside the paper, limits": "**Beside the paper.**" in prose
        and bool(re.search(r"\*\*Limits\.?\*\*", prose)),
        "14 recap, quiz, references, next": "## Recap" in prose
        and len(re.findall(r"^\d\. ", quiz, re.M)) == 5
        and "**References**" in prose
        and "](glossary.md)" in prose
        and "**Next**" in prose,
        "15 text": len(re.findall(r"\w+", prose)) <= WORDS
        and path.stat().st_size <= BYTES
        and _headings_in_order(prose)
        and _links_exist(prose),
    }


def main() -> int:
    """Print every notebook's score; 1 when one is below 13."""
    worst = 15
    for path in sorted(FOLDER.glob("*.ipynb")):
        points = score(path)
        missing = [name for name, met in points.items() if not met]
        worst = min(worst, len(points) - len(missing))
        print(f"{path.stem}: {len(points) - len(missing)} of 15", *missing, sep="\n    - ")
    return int(worst < 13)


if __name__ == "__main__":
    sys.exit(main())
