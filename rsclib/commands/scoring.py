"""``rsc demo`` and ``rsc eval``."""

from __future__ import annotations

import io
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rsclib.commands.building import agree_to_build
from rsclib.commands.options import LICENSED, SCORED, Demo, Eval, Train
from rsclib.commands.output import one_line, say
from rsclib.errors import RscError

if TYPE_CHECKING:
    from torch import nn

    from rsclib.people import Trial
    from rsclib.predictor import NetPredictor
    from rsclib.scores import Scores


def models_by_title(names: Sequence[str]) -> dict[str, nn.Module]:
    """Models by what the table calls them: a shipped one's title, of a training's ``model.safetensors``
    its folder's name (of a grid's run: row/seed), else the file's own, with the folder's before it
    where that alone would not tell it from another.

    Raises:
        RscError: two would have one title, or a file is of no use.
    """
    from rsclib.models import SHIPPED, network_named

    titles, stems = [], [Path(name).stem for name in names]
    for name, stem in zip(names, stems, strict=True):
        folder = Path(name).resolve().parent
        row = f"{folder.parent.name}/" if re.fullmatch(r"seed\d+", folder.name) else ""
        place = row + folder.name
        if name in SHIPPED:
            titles.append(SHIPPED[name])
        elif stem == "model":
            titles.append(place)
        elif row or stems.count(stem) > 1 or stem in SHIPPED.values():
            titles.append(f"{place}/{stem}")
        else:
            titles.append(stem)
    if len(set(titles)) < len(titles):
        raise RscError(f"two models would share a row of the table: {', '.join(titles)}")
    return {title: network_named(name) for title, name in zip(titles, names, strict=True)}


def predictors_of(
    names: Sequence[str], smpl: Path | None = None, licensed: bool = False, pixels: str = "plain"
) -> dict[str, NetPredictor]:
    """Models that share a table.

    Args:
        smpl: the body in place of RSC_SMPL's. licensed: on licensed data each model has the body that
            it was trained on; the truth's may be another. pixels: "released" is part of the names.

    Raises:
        RscError: one was trained on another body, or they are not all of one size.
    """
    from rsclib.body import load_body
    from rsclib.files.body_files import OPEN_BODY
    from rsclib.predictor import predictor_of

    made = {}
    for name, net in models_by_title(names).items():
        trained_on = getattr(net, "trained_on", None) or {}
        own = licensed and trained_on.get("name") == "open"
        released = pixels == "released"
        body = load_body(OPEN_BODY if own else smpl)
        made[name + " (released pixels)" * released] = predictor_of(
            net, body, released_pixels=released
        )
    if len({p.ranges for p in made.values()}) > 1:
        sizes = ", ".join(f"{name}: {p.ranges.full} px" for name, p in made.items())
        raise RscError(f"models of one size share a table, not of several ({sizes})")
    return made


def _scored(
    predictors: dict[str, NetPredictor], part: str, options: Demo | Eval
) -> tuple[list[dict[str, Any]], Scores, dict[str, Any]]:
    """Rows and scores of models on a test part, their tables printed, and where they come from."""
    from rsclib.evaluate import pivot, rows, score, score_trial
    from rsclib.readers.protocols import is_licensed
    from rsclib.runs.provenance import provenance

    started, first = time.monotonic(), next(iter(predictors.values()))
    ranges, more = first.ranges, {"body": first.body.identity}
    if isinstance(options, Eval) and is_licensed(part):
        trial, truth = licensed_trial(options, ranges.full)
        scores, more = score_trial(predictors, trial, ranges.eval_sizes), more | truth
    else:
        agree_to_build(part, options.count, ranges.full)
        scores = score(predictors, part, ranges.eval_sizes, options.count, ranges.full)
    table = rows(scores, ranges)
    for metric, title in (("mpjpe", "MPJPE"), ("pa_mpjpe", "PA-MPJPE")):
        print(
            f"\n{title}, mm, {table[0]['images']} images of {scores.part}, 95 % intervals by clip"
        )
        print(pivot(table, metric).to_markdown())
    return table, scores, provenance(options, 0, time.monotonic() - started) | more


def licensed_trial(options: Eval, side: int) -> tuple[Trial, dict[str, Any]]:
    """A licensed part to score on, said in a line, and what results keep of it."""
    from rsclib.files.atomic import sha256
    from rsclib.readers.protocols import read_part, trial

    found = read_part(options.part, data_root(options.data))
    made, bodies = trial(found, options.protocol, smpl_place(options), side, options.count)
    digest = sha256(found.source) if found.source.is_file() else None
    say(
        one_line(
            f"{made.name}: {len(made.images)} of {len(found)} people, labels of {found.source}"
        )
    )
    labels = {"file": found.source.name, "sha256": digest}
    return made, {"truth_bodies": bodies, "protocol": options.protocol, "labels": labels}


def smpl_place(options: Eval | Train) -> Path | None:
    """Where SMPL is for licensed data: ``--body``, else RSC_SMPL, else smpl/ in the data root."""
    if options.body or os.environ.get("RSC_SMPL"):
        return options.body or Path(os.environ["RSC_SMPL"])
    root = data_root(options.data)
    return root / "smpl" if root is not None and (root / "smpl").is_dir() else None


def data_root(given: Path | None) -> Path | None:
    """The folder of licensed data: ``--data``, else RSC_DATA, else None.

    Raises:
        RscError: it is no folder.
    """
    named = given or (Path(value) if (value := os.environ.get("RSC_DATA")) else None)
    if named is not None and not named.is_dir():
        what = "--data" if given else "RSC_DATA"
        raise RscError(f"{what} names {named}, which is no folder")
    return named


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
    predictors = predictors_of(("hr-only", "full"))
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
    from rsclib.readers.protocols import is_licensed
    from rsclib.runs.results import write_result

    if not options.models:
        raise RscError("name at least one model: rsc eval full hr-only")
    licensed = is_licensed(options.part)
    if not licensed and options.part not in SCORED:
        known = ", ".join((*SCORED, *LICENSED))
        raise RscError(
            f"there is no part {options.part!r} to score on; choose from {known}, or name a label file "
            "(.npz, _db.pt)"
        )
    smpl = smpl_place(options) if licensed else options.body
    predictors = predictors_of(options.models, smpl, licensed, options.pixels)
    if options.out:
        if options.out.is_dir():  # now, not after the evaluation
            raise RscError(f"{options.out} is a folder; name a file in it: {options.out}/eval.csv")
        check_writable(options.out.parent)
    table, scores, about = _scored(predictors, options.part, options)
    if options.out:
        write_result(options.out, table, about)
        scores.save(options.out.with_suffix(".npz"))
