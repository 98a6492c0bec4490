"""Write the measured tables (``results/open/wild.json``, ``results/speed/ratios.json``) into
README.md, between their markers.

python benchmarks/update_readme.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from rsclib.evaluate import pivot
from rsclib.files.atomic import write_text
from rsclib.runs.provenance import read_result


def table(path: Path) -> str:
    """Both metrics of a result file as Markdown."""
    rows = read_result(path)["rows"]
    parts = []
    for metric, title in (("mpjpe", "MPJPE"), ("pa_mpjpe", "PA-MPJPE")):
        frame = pivot(rows, metric)
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


def speed(path: Path) -> str:
    """Of each comparison what rsclib uses, against what it could have used, as Markdown."""
    result = read_result(path)
    lines = [
        {
            "comparison": f"{row['comparison']}: {row['setting']}",
            "used": row["variant"], "against": row["against"],
            "times faster [extremes]": f"{row['ratio']:.1f} "
            f"[{row['ratio_low']:.1f}, {row['ratio_high']:.1f}]",
            "goal": "" if row["goal"] is None
            else f"{row['goal']:g}: {'reached' if row['goal_reached'] else '**not reached**'}",
        }
        for row in result["rows"]
        if row["product"] and row["variant"] != row["against"]
    ]  # fmt: skip
    about = result["provenance"]
    frame = pd.DataFrame(lines).to_markdown(index=False, disable_numparse=True)
    return f"{frame}\n\nMachine: {about['machine']['cpu']}, {about['threads']} threads."


def between(text: str, name: str, body: str) -> str:
    """``text`` with ``body`` between the markers of ``name``."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    head, rest = text.split(begin)
    _, tail = rest.split(end)
    return f"{head}{begin}\n\n{body}\n\n{end}{tail}"


def main() -> None:
    """Replace what stands between the markers."""
    readme = Path("README.md")
    text = readme.read_text(encoding="utf-8")
    text = between(text, "results", table(Path("results/open/wild.json")))
    text = between(text, "speed", speed(Path("results/speed/ratios.json")))
    write_text(readme, text)


if __name__ == "__main__":
    main()
