"""Write the measured table of ``results/open/wild.json`` into README.md, between its markers.

python benchmarks/update_readme.py
"""

from __future__ import annotations

from pathlib import Path

from rsclib.atomic import write_text
from rsclib.evaluate import wide
from rsclib.provenance import read_result

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"


def table(path: Path) -> str:
    """Both metrics of a result file as Markdown."""
    rows = read_result(path)["rows"]
    parts = []
    for metric, title in (("mpjpe", "MPJPE"), ("pa_mpjpe", "PA-MPJPE")):
        frame = wide(rows, metric)
        frame.index.name = f"{title} (mm)"
        parts.append(frame.to_markdown())
    return "\n\n".join(parts)


def main() -> None:
    """Replace what stands between the markers."""
    readme = Path("README.md")
    text = readme.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    body = table(Path("results/open/wild.json"))
    write_text(readme, f"{head}{BEGIN}\n\n{body}\n\n{END}{tail}")


if __name__ == "__main__":
    main()
