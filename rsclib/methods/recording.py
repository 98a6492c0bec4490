"""A run's record: every image's or frame's errors on its test parts, the pixels of Table 2 where it shows
the run, and where they come from."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from rsclib.body import load_body
from rsclib.checkpoints import read_header
from rsclib.claims import (
    RECORDS,
    START,
    Regime,
    first_parts_of,
    parts_of,
    pixel_parts_of,
    pixel_path,
    record_path,
    regime_named,
    run_changes,
    sizes_of,
    untrained,
)
from rsclib.evaluate import rows, score
from rsclib.evaluate_video import TRUTH, Filter, score_videos
from rsclib.models import SHIPPED, model_file, model_named, temporal_named
from rsclib.openbench.build import COUNTS
from rsclib.openbench.parts import SPLITS
from rsclib.pixels import METRICS, Segmentation
from rsclib.predictor import NetPredictor, Predictor, VideoPredictor, predictor_named
from rsclib.resolution import PRESETS, Ranges
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result
from rsclib.scores import Key, Scores
from rsclib.segmentation import Keeping, segment
from rsclib.smoothing import constant_velocity, savitzky_golay
from rsclib.temporal import Temporal

COUNT = {"ci": 64}  # test images of a preset; others: all
FILTERS: dict[str, Callable[..., Tensor]] = {
    "savitzky_golay": savitzky_golay, "constant_velocity": constant_velocity
}  # fmt: skip
_STEP = 2**-5  # mm that stored errors are rounded to: they compress to half


@dataclass(frozen=True)
class Plan:
    """What a command is to do.

    Attributes:
        regime: its name. preset: "edu", or another base for all runs. runs: names and seeds.
        work: folder of the trainings. records: where the errors are written.
        again: what is recorded without the pixels of Table 2, or a late part, counts as missing.
    """

    regime: str
    preset: str
    runs: tuple[tuple[str, int], ...]
    work: Path
    records: Path = RECORDS
    again: bool = False

    def recorded(self, run: str, seed: int) -> bool:
        """Whether the parts that every record has were scored."""
        where = self.records, self.regime, run, seed
        return all(record_path(*where, part).is_file() for part in first_parts_of(run))

    def lacking(self, run: str, seed: int) -> list[str]:
        """What a record lacks because it is older than the wish for it, in words."""
        where = self.records, self.regime, run, seed
        parts = [part for part in parts_of(run) if not record_path(*where, part).is_file()]
        counted = all(pixel_path(*where, part).is_file() for part in pixel_parts_of(run))
        return parts + ["the pixels of Table 2"] * (not counted)

    @property
    def missing(self) -> list[tuple[str, int]]:
        """Runs without a record; with ``again`` also those whose record lacks something."""
        return [
            r for r in self.runs
            if not self.recorded(*r) or (self.again and self.lacking(*r))
        ]  # fmt: skip

    def folder(self, run: str, seed: int) -> Path:
        """Of a training, below ``work``."""
        return Path(self.regime) / run / f"seed{seed}"


def scored_model(run: str, regime: Regime) -> str:
    """The shipped model that an untrained run scores."""
    return START.lower() if run == START else str(run_changes(regime.runs)[run]["score"])


def record(plan: Plan, run: str, seed: int, model: str) -> None:
    """Score a model on all parts and write its record."""
    started = time.monotonic()
    found, pixels, table = score_run(plan, run, model)
    about = provenance({"model": model}, seed, 0.0)
    if run not in untrained():  # what was trained: its settings, time and commit
        trained = read_header(Path(model))["about"]
        about |= {name: trained[name] for name in ("config", "seconds", "images_seen")}
        about["trained_at"] = trained["git"]
    about |= {"body": load_body().identity, "regime": plan.regime, "run": run}
    about["seconds_scoring"] = round(time.monotonic() - started, 1)
    # Where they come from is written first: with its scores and pixels a run counts as recorded.
    write_result(plan.records / plan.regime / run / f"seed{seed}.csv", table, about)
    for part, scores in found.items():
        path = record_path(plan.records, plan.regime, run, seed, part)
        path.parent.mkdir(parents=True, exist_ok=True)
        scores.save(path)
        if part in pixels:
            pixels[part].save(pixel_path(plan.records, plan.regime, run, seed, part))


def score_run(
    plan: Plan, run: str, model: str
) -> tuple[dict[str, Scores], dict[str, Segmentation], list[dict[str, Any]]]:
    """Rounded errors of a model by test part, counted pixels where Table 2 shows the run, and the rows of
    its CSV."""
    changes = run_changes(regime_named(plan.regime).runs).get(run, {})
    predictor, ranges = predictor_of(model)
    sizes = [s for s in sizes_of(run) if s <= ranges.full]
    if ranges != PRESETS["edu"]:
        sizes = list(ranges.eval_sizes)
    table: list[dict[str, Any]] = []
    found: dict[str, Scores] = {}
    pixels: dict[str, Segmentation] = {}
    for part in parts_of(run):
        count = min(COUNT.get(plan.preset, COUNTS[part]), COUNTS[part])
        joined: dict[Key, float] = {}
        if SPLITS[part].frames:
            smooth = {run: filter_of(changes)} if "smooth" in changes else None
            scores, joined = score_videos({run: predictor}, part, sizes, count, ranges.full, smooth)
        elif isinstance(predictor, NetPredictor) and part in pixel_parts_of(run):
            keeping = Keeping(predictor, ranges.midpoints[-1])
            scores = score({run: keeping}, part, sizes, count, ranges.full, disagreement=True)
            pixels[part] = segment(
                keeping.kept, predictor.body, part, keeping.size, count, ranges.full
            )
        else:
            scores = score({run: predictor}, part, sizes, count, ranges.full, disagreement=True)
        kept = {k: (v / _STEP).round() * _STEP for k, v in scores.errors.items() if k[0] == run}
        found[part] = Scores(part, scores.clip, kept)
        table += rows(found[part], ranges)
        own = {k: v for k, v in scores.errors.items() if k[0] == TRUTH}
        table += rows(Scores(part, scores.clip, own), ranges)  # the truth's own acceleration
        table += [
            {"method": run, "metric": metric, "split": part, "resolution": size,
             "range_index": int(ranges.index(size)), "images": count, "value": round(value, 3),
             "low": None, "high": None}
            for (_, size, metric), value in joined.items()
        ]  # fmt: skip
        if part in pixels:
            table += pixel_rows(run, pixels[part], ranges)
    return found, pixels, table


def pixel_rows(run: str, pixels: Segmentation, ranges: Ranges) -> list[dict[str, Any]]:
    """Table 2's numbers of one training: accuracy in %, F1 from 0 to 1, 95 % over recordings and clips."""
    out = []
    for metric in METRICS:
        value, low, high = (round(v, 5) for v in pixels.pooled(metric))
        out.append(
            {"method": run, "metric": metric, "split": pixels.part, "resolution": pixels.size,
             "range_index": int(ranges.index(pixels.size)), "images": len(pixels.clip),
             "value": value, "low": low, "high": high}
        )  # fmt: skip
    return out


def filter_of(changes: Mapping[str, Any]) -> Filter:
    """The filter that a run names, with its setting where it has one."""
    given = {"window": changes["window"]} if "window" in changes else {}
    return functools.partial(FILTERS[changes["smooth"]], **given)


def predictor_of(model: str) -> tuple[Predictor, Ranges]:
    """What scores a model by its kind: an image network, or a temporal module over the network that its
    header names. A shipped model by name, or a file."""
    header = {} if model in SHIPPED else read_header(model_file(model))
    if header.get("kind") != Temporal.kind:
        predictor = predictor_named(model, load_body())
        return predictor, predictor.ranges
    frames = NetPredictor(model_named(header["about"]["config"]["net"]).eval(), load_body())
    return VideoPredictor(frames, temporal_named(model)), frames.ranges
