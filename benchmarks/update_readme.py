"""Write the measured table of ``results/open/wild.json`` into README.md, between its markers.

python benchmarks/update_readme.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    return "\n\n".join([*parts, sentence(rows)])


def sentence(rows: list[dict[str, Any]]) -> str:
    """The goals of the shipped models and how far they are reached, in words."""
    value = {(r["method"], r["metric"], r["resolution"]): r["value"] for r in rows}

    def share(a: str, b: str, metric: str, size: int, of: int) -> float:
        return 100 * value[a, metric, size] / value[b, metric, of]

    def verdict(reached: bool) -> str:
        return "reached" if reached else "**not reached**"

    constant = "best constant pose"
    half = share("HR-only", constant, "mpjpe", 128, 128)
    aligned = share("HR-only", constant, "pa_mpjpe", 128, 128)
    small = 100 - share("RSC-Net", "HR-only", "mpjpe", 32, 32)
    full = share("RSC-Net", "HR-only", "mpjpe", 128, 128) - 100
    return (
        f"Goals set before training: HR-only at no more than 50 % of the constant pose's MPJPE "
        f"({half:.1f} %: {verdict(half <= 50)}) and 60 % of its PA-MPJPE ({aligned:.1f} %: "
        f"{verdict(aligned <= 60)}); RSC-Net at least 15 % below HR-only at 32 px ({small:.1f} %: "
        f"{verdict(small >= 15)}) and within 5 % of it at full size ({full:+.1f} %: "
        f"{verdict(full <= 5)})."
    )


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
