"""Measure how much faster one way of computing something is than another.

Each comparison first checks that its variants compute the same, then times them in turn. Ratios are
of one run on one machine; above 1 the variant is faster than what stands under "against".

Examples: python -m benchmarks.speed                           (everything, 10 to 35 minutes)
          python -m benchmarks.speed --only contrastive raster
          python -m benchmarks.speed --quick                   (tiny sizes: does it run?)
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
import torch
import tyro

from benchmarks.speed import fits, networks, onnx_runtime, parts, sharpening, textures, video
from benchmarks.speed.measure import Case, Row, measure
from rsclib.errors import RscError
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result

Name = Literal[
    "mixed",
    "contrastive",
    "raster",
    "joints",
    "procrustes",
    "fits",
    "sharpening",
    "textures",
    "steps",
    "inference",
    "video",
    "onnx",
]
COMPARISONS: dict[Name, Callable[[bool], Iterator[Case]]] = {
    "mixed": networks.mixed,
    "contrastive": parts.contrastive,
    "raster": parts.raster,
    "joints": parts.joints,
    "procrustes": parts.procrustes,
    "fits": fits.fits,
    "sharpening": sharpening.sharpening,
    "textures": textures.textures,
    "steps": networks.steps,
    "inference": networks.inference,
    "video": video.video,
    "onnx": onnx_runtime.onnx,
}
WHOLE, PARTIAL = Path("results/speed/ratios.csv"), Path("runs/speed.csv")


@dataclass(frozen=True)
class Options:
    """What to measure."""

    only: tuple[Name, ...] = ()
    """Comparisons to make; none: all of them."""
    quick: bool = False
    """Tiny sizes and two rounds: shows that everything runs, the ratios mean nothing."""
    rounds: int | None = None
    """How often each variant has its turn; default: 7, fewer for what takes seconds."""
    threads: int | None = None
    """Threads of PyTorch; default: what PyTorch chooses."""
    seed: int = 0
    out: Path | None = None
    """Result file; default: results/speed/ratios.csv, or runs/speed.csv with --only or --quick."""


def run(options: Options) -> list[Row]:
    """Measure the comparisons one after the other.

    Raises:
        RscError: variants of a comparison do not compute the same.
    """
    rows: list[Row] = []
    for name in options.only or tuple(COMPARISONS):
        torch.manual_seed(options.seed)
        for case in COMPARISONS[name](options.quick):
            print(f"{case.comparison}: {case.setting}", flush=True)
            rounds = options.rounds or (2 if options.quick else None)
            rows += measure(case, rounds, 0.0 if options.quick else 0.2)
    return rows


def table(rows: Sequence[Row]) -> str:
    """The rows for people, a table a comparison, as Markdown."""
    sections = []
    for setting in dict.fromkeys((r["comparison"], r["setting"]) for r in rows):
        mine = [r for r in rows if (r["comparison"], r["setting"]) == setting]
        lines = [
            {
                "variant": r["variant"] + (" (used)" if r["product"] else ""),
                "ms": f"{r['median_ms']:.4g}", "items/s": f"{r['items_per_second']:.4g}",
                "against": "" if r["variant"] == r["against"] else r["against"],
                "ratio": "" if r["variant"] == r["against"]
                else f"{r['ratio']:.2f} [{r['ratio_low']:.2f}, {r['ratio_high']:.2f}]",
                "goal": "" if r["goal"] is None
                else f"{r['goal']:g}: {'reached' if r['goal_reached'] else 'not reached'}",
                "difference": f"{r['difference']:.1e}",
            }
            for r in mine
        ]  # fmt: skip
        notes = [f"difference: {mine[0]['differs_in']}"]
        if "equal_faces_percent" in mine[0]:
            notes.append(f"equal face ids: {mine[0]['equal_faces_percent']:.3f} %")
        title = f"{setting[0]}: {setting[1]} ({'; '.join(notes)})"
        frame = pd.DataFrame(lines)
        sections.append(f"{title}\n\n{frame.to_markdown(index=False, disable_numparse=True)}")
    return "\n\n".join(sections)


def main(arguments: list[str] | None = None) -> int:
    """Entry point: 0 when it worked, 2 when variants differ or the file cannot be written."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = tyro.cli(Options, prog="python -m benchmarks.speed", description=__doc__, args=words)
    out = options.out or (PARTIAL if options.quick or options.only else WHOLE)
    before = torch.get_num_threads()
    try:
        if options.threads is not None:
            if options.threads < 1:
                raise RscError(f"--threads must be at least 1, not {options.threads}")
            torch.set_num_threads(options.threads)
        started = time.monotonic()
        rows = run(options)
        if not rows:
            raise RscError("nothing was measured: all that was asked for is skipped here")
        about = provenance(options, options.seed, time.monotonic() - started)
        about["command"] = ["python", "-m", "benchmarks.speed", *words]
        write_result(out, rows, about)
        print(f"\n{table(rows)}\n\n{about['seconds']:.0f} s, {about['threads']} threads: {out}")
    except RscError as error:
        print(f"benchmarks.speed: {error}", file=sys.stderr)
        return 2
    finally:
        torch.set_num_threads(before)
    return 0


if __name__ == "__main__":
    sys.exit(main())
