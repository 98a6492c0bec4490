"""``rsc demo`` and ``rsc eval``."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rsclib.commands.building import agree_to_build
from rsclib.commands.options import Demo, Eval
from rsclib.commands.output import one_line
from rsclib.errors import RscError

if TYPE_CHECKING:
    from rsclib.network import RSCNet
    from rsclib.predictor import NetPredictor
    from rsclib.scores import Scores


def models_by_title(names: Sequence[str]) -> dict[str, RSCNet]:
    """Models by what the table calls them: a shipped one's title, else the name of its folder (of a
    grid's run: row/seed).

    Raises:
        RscError: two would have one title, or a file is of no use.
    """
    from rsclib.models import SHIPPED, model_named

    titles = []
    for name in names:
        folder = Path(name).resolve().parent
        row = f"{folder.parent.name}/" if re.fullmatch(r"seed\d+", folder.name) else ""
        titles.append(SHIPPED.get(name) or row + folder.name)
    if len(set(titles)) < len(titles):
        raise RscError(f"two models would share a row of the table: {', '.join(titles)}")
    return {title: model_named(name) for title, name in zip(titles, names, strict=True)}


def _predictors(names: Sequence[str]) -> dict[str, NetPredictor]:
    """Models that share a table.

    Raises:
        RscError: one was trained on another body, or they are not all of one size.
    """
    from rsclib.body import load_body
    from rsclib.predictor import NetPredictor

    body = load_body()
    made = {name: NetPredictor(net, body) for name, net in models_by_title(names).items()}
    if len({p.ranges for p in made.values()}) > 1:
        sizes = ", ".join(f"{name}: {p.ranges.full} px" for name, p in made.items())
        raise RscError(f"models of one size share a table, not of several ({sizes})")
    return made


def _scored(
    predictors: dict[str, NetPredictor], part: str, options: Demo | Eval
) -> tuple[list[dict[str, Any]], Scores, dict[str, Any]]:
    """Rows and scores of models on a test part, their tables printed, and where they come from."""
    from rsclib.evaluate import pivot, rows, score
    from rsclib.runs.provenance import provenance

    started, first = time.monotonic(), next(iter(predictors.values()))
    ranges = first.ranges
    agree_to_build(part, options.count, ranges.full)
    scores = score(predictors, part, ranges.eval_sizes, options.count, ranges.full)
    table = rows(scores, ranges)
    for metric, title in (("mpjpe", "MPJPE"), ("pa_mpjpe", "PA-MPJPE")):
        print(f"\n{title}, mm, {table[0]['images']} images of {part}, 95 % intervals by clip")
        print(pivot(table, metric).to_markdown())
    about = provenance(options, 0, time.monotonic() - started) | {"body": first.body.identity}
    return table, scores, about


def demo(options: Demo) -> None:
    """Table and picture of the shipped models."""
    import matplotlib

    matplotlib.use("Agg")
    from rsclib.files.atomic import check_writable, write_bytes
    from rsclib.openbench.build import fetch
    from rsclib.resolution import EDU
    from rsclib.runs.results import write_result
    from rsclib.viz import sheet

    check_writable(options.out)
    predictors = _predictors(("hr-only", "full"))
    agree_to_build("test-wild", options.count, 128)
    images = fetch("test-wild", options.count)["images"]
    if not 0 <= options.person < len(images):
        raise RscError(f"--person must be below {len(images)}")
    table, _, about = _scored(predictors, "test-wild", options)
    write_result(options.out / "demo.csv", table, about)
    nets = {name: predictor.net for name, predictor in predictors.items()}
    body = next(iter(predictors.values())).body
    figure = sheet(nets, images[options.person], (128, 80, 52, 32), EDU, body)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=100)
    write_bytes(options.out / "demo.png", picture.getvalue())
    places = f"Picture: {options.out / 'demo.png'}   numbers: {options.out / 'demo.csv'}"
    print(f"\n{one_line(places)}")


def evaluate(options: Eval) -> None:
    """Print the table, and write it when asked to."""
    from rsclib.files.atomic import check_writable
    from rsclib.runs.results import write_result

    if not options.models:
        raise RscError("name at least one model: rsc eval full hr-only")
    predictors = _predictors(options.models)
    if options.out:
        if options.out.is_dir():  # now, not after the evaluation
            raise RscError(f"{options.out} is a folder; name a file in it: {options.out}/eval.csv")
        check_writable(options.out.parent)
    table, scores, about = _scored(predictors, options.part, options)
    if options.out:
        write_result(options.out, table, about)
        scores.save(options.out.with_suffix(".npz"))
