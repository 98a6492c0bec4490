"""Build the pages into a folder: ``python -m benchmarks.site build/site`` (``make site``)."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from sphinx.cmd.build import build_main

from benchmarks.site.pages import write_source

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def build(out: Path, root: Path = ROOT) -> int:
    """Pages of the repository at ``root`` into ``out``; 0 unless something is wrong with them.

    Args:
        out: a folder of its own, emptied first; ``index.html`` in it is the first page.
    """
    source, doctrees = out.with_name(out.name + "-source"), out.with_name(out.name + "-doctrees")
    for folder in (out, source, doctrees):
        shutil.rmtree(folder, ignore_errors=True)
    write_source(root, source)
    return build_main(
        ["-q", "-W", "--keep-going", "-b", "html", "-c", str(HERE), "-d", str(doctrees), str(source), str(out)]
    )  # fmt: skip


def main() -> int:
    """Build, and say where to look."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder for the pages; emptied first")
    out = parser.parse_args().out.resolve()
    code = build(out)
    if not code:
        print(f"{out.name}: open {out / 'index.html'} in a browser")
    return code


if __name__ == "__main__":
    sys.exit(main())
