"""The ``rsc`` command. Every subcommand calls a function that the notebooks call too."""

from __future__ import annotations

import io
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from rsclib.cli_options import (
    Command,
    DataBuild,
    Demo,
    Eval,
    Grid,
    Predict,
    Pretrain,
    Train,
)
from rsclib.errors import RscError, Stopped

if TYPE_CHECKING:
    from rsclib.network import RSCNet
    from rsclib.predictor import NetPredictor
    from rsclib.scores import Scores


def _models(names: Sequence[str]) -> dict[str, RSCNet]:
    """Models by what the table calls them: a shipped one's title, else the name of its folder (of a
    grid's run: row/seed)."""
    from rsclib.models import SHIPPED, model_named

    titles = []
    for name in names:
        folder = Path(name).resolve().parent
        row = f"{folder.parent.name}/" if re.fullmatch(r"seed\d+", folder.name) else ""
        titles.append(SHIPPED.get(name) or row + folder.name)
    if len(set(titles)) < len(titles):
        raise RscError(f"two models would share a row of the table: {', '.join(titles)}")
    return {title: model_named(name) for title, name in zip(titles, names, strict=True)}


def demo(options: Demo) -> None:
    """Table and picture of the shipped models."""
    import matplotlib

    matplotlib.use("Agg")
    from rsclib.files.atomic import check_writable, write_bytes
    from rsclib.openbench.build import fetch
    from rsclib.resolution import EDU
    from rsclib.runs.provenance import write_result
    from rsclib.viz import sheet

    check_writable(options.out)
    predictors = _predictors(("hr-only", "full"))
    images = fetch("test-wild", options.count)["images"]
    if not 0 <= options.person < len(images):
        raise RscError(f"--person must be below {len(images)}")
    table, _, about = _scored(predictors, "test-wild", options)
    write_result(options.out / "demo.json", table, about)
    nets = {name: predictor.net for name, predictor in predictors.items()}
    body = next(iter(predictors.values())).body
    figure = sheet(nets, images[options.person], (128, 80, 52, 32), EDU, body)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=100)
    write_bytes(options.out / "demo.png", picture.getvalue())
    print(f"\nPicture: {options.out / 'demo.png'}   numbers: {options.out / 'demo.json'}")


def _predictors(names: Sequence[str]) -> dict[str, NetPredictor]:
    """Models that share a table.

    Raises:
        RscError: one was trained on another body, or they are not all of one size.
    """
    from rsclib.body import load_body
    from rsclib.predictor import NetPredictor

    body = load_body()
    made = {name: NetPredictor(net, body) for name, net in _models(names).items()}
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
    scores = score(predictors, part, ranges.eval_sizes, options.count, ranges.full)
    table = rows(scores, ranges)
    for metric, title in (("mpjpe", "MPJPE"), ("pa_mpjpe", "PA-MPJPE")):
        print(f"\n{title}, mm, {table[0]['images']} images of {part}, 95 % intervals by clip")
        print(pivot(table, metric).to_markdown())
    about = provenance(options, 0, time.monotonic() - started) | {"body": first.body.identity}
    return table, scores, about


def data_build(options: DataBuild) -> None:
    """Build parts and say where they are."""
    from rsclib.openbench.build import COUNTS, build, long_build, request

    names = options.parts or tuple(COUNTS)
    parts = [request(name, options.count, options.size, options.seed) for name in names]
    for wanted in () if options.yes else parts:
        if takes := long_build(wanted, options.workers):
            _agree(f"{wanted.count} images of {wanted.name} take {takes}")
    for wanted in parts:
        print(build(wanted, options.workers))


def _agree(what: str) -> None:
    """Ask on a terminal whether to go on.

    Raises:
        RscError: the answer is not yes, or there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise RscError(f"{what}; add --yes to build them")
    print(f"{what}. Build them? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise RscError("nothing was built")


def run_train(options: Train) -> None:
    """Train, and say how the loss went and what to do next."""
    from rsclib.methods import load_config

    _train(load_config(options.config), options.out, options.devices, options.nodes)


def run_pretrain(options: Pretrain) -> None:
    """Pre-train the HR-only model."""
    import torch

    from rsclib.config import checked
    from rsclib.methods.hr_only import HrOnlyConfig

    stages = [[s, n] for s, n in zip((64, 96, 128), options.steps, strict=True) if n]
    kept = ("images", "lr", "start", "extra", "compile", "seed", "batch")
    values = {"stages": stages, **{name: getattr(options, name) for name in kept}}
    devices = options.devices or torch.cuda.device_count() or os.cpu_count() or 1
    _train(checked(HrOnlyConfig, values, "pretrain"), options.out, devices, 1)


def _train(config: Any, out: Path, devices: int, nodes: int) -> None:
    from rsclib.methods import run
    from rsclib.runs.distributed import first_process
    from rsclib.runs.folder import in_words

    run(config, out, devices, nodes)
    if first_process():
        model = out / "model.safetensors"
        print(f"{in_words(out)}\nModel: {model}\nScore it: rsc eval {model} hr-only")


def grid(options: Grid) -> None:
    """Train the rows of a grid, show how they ended and say which failed."""
    import yaml

    from rsclib.methods.grid import ending, read_grid, run_grid

    if bad := [o for o in options.options if "=" not in o]:
        raise RscError(f"--options are NAME=VALUE, not {bad[0]!r}")
    pairs = (o.split("=", 1) for o in options.options)
    parameters = {name: yaml.safe_load(value) for name, value in pairs}
    runs = read_grid(options.grid)
    failed = run_grid(
        runs, options.out, options.cluster, options.at_once, options.devices, options.nodes,
        parameters,
    )  # fmt: skip
    if finished := ending(runs, options.out):
        print(f"Loss at the end, mean over seeds\n{finished}")
    if failed:
        raise RscError(f"{len(failed)} of {len(runs)} runs failed: {'; '.join(failed)}")
    print(
        f"{len(runs)} models in {options.out}\nScore them: rsc eval {options.out}/*/*/model.safetensors"
    )


def run_eval(options: Eval) -> None:
    """Print the table, and write it when asked to."""
    from rsclib.files.atomic import check_writable
    from rsclib.runs.provenance import write_result

    if not options.models:
        raise RscError("name at least one model: rsc eval full hr-only")
    predictors = _predictors(options.models)
    if options.out:
        check_writable(options.out.parent)
    table, scores, about = _scored(predictors, options.part, options)
    if options.out:
        write_result(options.out, table, about)
        scores.save(options.out.with_suffix(".npz"))


def _say(line: str) -> None:
    """A line of its own on stderr, also where a progress bar stands."""
    from tqdm.auto import tqdm

    tqdm.write(line, file=sys.stderr)


def run_predict(options: Predict) -> int:
    """Write three files an image; returns how many images failed, each with a line of its own."""
    from rsclib.body import load_body
    from rsclib.models import model_named
    from rsclib.predict import outputs, predict_photo
    from rsclib.predictor import NetPredictor

    if not options.images:
        raise RscError("name at least one image: rsc predict photo.jpg")
    stems = outputs(options.images, options.out)
    predictor = NetPredictor(model_named(options.model), load_body())
    failed = []
    for photo, stem in zip(options.images, stems, strict=True):
        try:
            line = predict_photo(photo, stem, predictor, options.box)
            print(line.encode("utf-8", "replace").decode())  # names need not be UTF-8
        except RscError as error:
            failed.append(str(error))
    for line in failed:
        _say(f"rsc: {line}")
    return len(failed)


def _joined(words: list[str]) -> list[str]:
    """``data build``, two words for people, as the one that it is for the parser.

    Raises:
        RscError: something else is to be done with the data.
    """
    if words[:1] != ["data"]:
        return words
    if words[1:2] in (["-h"], ["--help"]):
        return ["data build", "--help"]
    if words[1:2] != ["build"]:
        raise RscError("data has one command, rsc data build; rsc data --help says more")
    return ["data build", *words[2:]]


def main(arguments: list[str] | None = None) -> int:
    """Entry point: 0 when it worked, 2 after a mistake that the user can mend."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        words = _joined(words)
        command = tyro.cli(Command, prog="rsc", description=__doc__, args=words)  # type: ignore[call-overload]
        actions: dict[type, Any] = {
            Demo: demo,
            DataBuild: data_build,
            Train: run_train,
            Grid: grid,
            Pretrain: run_pretrain,
            Eval: run_eval,
            Predict: run_predict,
        }
        failures = actions[type(command)](command)
        sys.stdout.flush()  # else what did not fit is noticed too late
        if failures:
            return 2
    except RscError as error:
        _say(f"rsc: {error}")
        return 2
    except Stopped as stop:
        from rsclib.runs.distributed import first_process

        if first_process():
            _say(f"rsc: {stop}; the same command goes on from there")
        return 128 + stop.signal
    except RuntimeError as error:
        from rsclib.runs.distributed import first_process, other_ended

        if not other_ended(error):
            raise
        if first_process():  # the others leave it to the first to speak
            _say("rsc: another process of this training ended; the same command goes on from here")
        return 2
    except OSError as error:  # e.g. a disk that filled up under a library's feet
        place = f": {error.filename}" if error.filename else ""
        _say(f"rsc: {error.strerror or error}{place}")
        return 2
    except KeyboardInterrupt:
        _say("rsc: stopped; the same command goes on from what was saved")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
