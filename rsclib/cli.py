"""The ``rsc`` command. Every subcommand calls a function that the notebooks call too. ``rsc --version``
says which code it is."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from rsclib import __version__
from rsclib.cli_environment import complete_environment, forgiving_output
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
from rsclib.cli_words import names_last
from rsclib.errors import RscError

if TYPE_CHECKING:
    from rsclib.network import RSCNet


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
    from rsclib.body import load_body
    from rsclib.evaluate import evaluate, wide
    from rsclib.files.atomic import check_writable, write_bytes
    from rsclib.openbench.build import fetch
    from rsclib.resolution import EDU
    from rsclib.runs.provenance import provenance, write_result
    from rsclib.viz import sheet

    check_writable(options.out)
    nets = _models(("hr-only", "full"))
    images = fetch("test-wild", options.count)["images"]
    if not 0 <= options.person < len(images):
        raise RscError(f"--person must be below {len(images)}")
    rows, seconds = evaluate(nets, "test-wild", count=options.count)
    write_result(options.out / "demo.json", rows, provenance(options, 0, seconds))
    for metric, title in (("mpjpe", "MPJPE"), ("pa_mpjpe", "PA-MPJPE")):
        print(f"\n{title}, mm, open benchmark test-wild, 95 % intervals by clip")
        print(wide(rows, metric).to_markdown())
    figure = sheet(nets, images[options.person], (128, 80, 52, 32), EDU, load_body())
    picture = io.BytesIO()
    figure.savefig(picture, dpi=100)
    write_bytes(options.out / "demo.png", picture.getvalue())
    places = f"Picture: {options.out / 'demo.png'}   numbers: {options.out / 'demo.json'}"
    print(f"\n{_one_line(places)}")


def data_build(options: DataBuild) -> None:
    """Build parts and say where they are."""
    from rsclib.openbench.build import COUNTS, build, request

    for name in options.parts or tuple(COUNTS):
        print(build(request(name, options.count, options.size, options.seed), options.workers))


def run_train(options: Train) -> None:
    """Train and say where the model is."""
    from rsclib.config import load_config
    from rsclib.files.atomic import held
    from rsclib.train import train

    config = load_config(options.config)
    with held(options.out):
        train(config, options.out, devices=options.devices, nodes=options.nodes)
    if int(os.environ.get("LOCAL_RANK", 0)) == 0:
        print(_one_line(f"Model: {options.out / 'model.safetensors'}"))


def grid(options: Grid) -> None:
    """Train the rows of a grid and say which failed."""
    import yaml

    from rsclib.files.atomic import check_writable
    from rsclib.methods.grid import read_grid, run_grid

    if bad := [o for o in options.options if "=" not in o]:
        raise RscError(f"--options are NAME=VALUE, not {bad[0]!r}")
    pairs = (o.split("=", 1) for o in options.options)
    parameters = {name: yaml.safe_load(value) for name, value in pairs}
    runs = read_grid(options.grid)
    check_writable(options.out)
    failed = run_grid(
        runs, options.out, options.cluster, options.at_once, options.devices, options.nodes,
        parameters,
    )  # fmt: skip
    if failed:
        raise RscError(f"{len(failed)} of {len(runs)} runs failed: {'; '.join(failed)}")
    print(_one_line(f"{len(runs)} models in {options.out}"))


def run_pretrain(options: Pretrain) -> None:
    """Pre-train and write the HR-only model."""
    from rsclib.checkpoints import load_training_state, save_model
    from rsclib.files.atomic import held
    from rsclib.methods.hr_only import PretrainConfig, pretrain
    from rsclib.runs.distributed import precision_here
    from rsclib.runs.provenance import provenance

    stages = tuple((s, n) for s, n in zip((64, 96, 128), options.steps, strict=True) if n)
    config = PretrainConfig(
        stages=stages, images=options.images, lr=options.lr, start=options.start,
        extra=options.extra, compile=options.compile, seed=options.seed,
    )  # fmt: skip
    with held(options.out):
        net = pretrain(config, options.out)
    seconds = load_training_state(options.out / "state.pt")["seconds"]
    about = provenance(
        config,
        config.seed,
        seconds,
        config.steps * config.batch * config.world,
    ) | {"precision": precision_here(config.precision)}
    if int(os.environ.get("LOCAL_RANK", 0)) == 0:
        save_model(options.out / "model.safetensors", net, about)
        print(_one_line(f"Model: {options.out / 'model.safetensors'}"))


def run_eval(options: Eval) -> None:
    """Print the table, and write it when asked to."""
    from rsclib.evaluate import evaluate, wide
    from rsclib.files.atomic import check_writable
    from rsclib.runs.provenance import provenance, write_result

    if not options.models:
        raise RscError("name at least one model: rsc eval full hr-only")
    nets = _models(options.models)
    if options.out:
        if options.out.is_dir():  # now, not after the evaluation
            raise RscError(f"{options.out} is a folder; name a file in it: {options.out}/eval.json")
        check_writable(options.out.parent)
    rows, seconds = evaluate(nets, options.part, count=options.count)
    for metric, title in (("mpjpe", "MPJPE"), ("pa_mpjpe", "PA-MPJPE")):
        print(f"\n{title}, mm, open benchmark {options.part}, 95 % intervals by clip")
        print(wide(rows, metric).to_markdown())
    if options.out:
        write_result(options.out, rows, provenance(options, 0, seconds))


def _one_line(text: str) -> str:
    """What a name may hold beside letters, a line break or bytes that are no text, as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _say(line: str) -> None:
    """A line of its own on stderr, also where a progress bar stands."""
    from tqdm.auto import tqdm

    tqdm.write(line, file=sys.stderr)


def run_predict(options: Predict) -> int:
    """Write three files an image, and warn of doubtful ones; returns how many images failed, each
    with a line of its own."""
    from rsclib.body import load_body
    from rsclib.files.atomic import check_writable
    from rsclib.models import model_named
    from rsclib.predict import outputs, predict_photo

    if not options.images:
        raise RscError("name at least one image: rsc predict photo.jpg")
    stems = outputs(options.images, options.out)
    check_writable(options.out)
    net, body = model_named(options.model), load_body()
    failed = []
    for photo, stem in zip(options.images, stems, strict=True):
        try:
            line, doubts = predict_photo(photo, stem, net, body, options.box)
            print(_one_line(line))
            for doubt in doubts:
                _say(_one_line(f"rsc: warning: {doubt}"))
        except RscError as error:
            failed.append(str(error))
    for line in failed:
        _say(f"rsc: {line}")
    return len(failed)


# Subcommands: the options of each, and what it does; a number that it returns counts failures.
COMMANDS: dict[str, tuple[type, Any]] = {
    "demo": (Demo, demo),
    "data-build": (DataBuild, data_build),
    "train": (Train, run_train),
    "grid": (Grid, grid),
    "pretrain": (Pretrain, run_pretrain),
    "eval": (Eval, run_eval),
    "predict": (Predict, run_predict),
}


def version() -> str:
    """The package's version and, in a checkout, the commit."""
    root = Path(__file__).parents[1]
    words = ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*"]
    commit = ""
    if (root / ".git").exists():  # else it may lie inside somebody else's repository
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=20)
            commit = f" (commit {done.stdout.strip()})"
    return f"rsc {__version__}{commit}"


def parse(arguments: Sequence[str]) -> Any:
    """The options of the subcommand that the words name: a dataclass of :mod:`rsclib.cli_options`.

    Raises:
        RscError: an option stands where it is read as a name. SystemExit: other words that do not
            fit, with their explanation printed, or after ``--help`` or ``--version``.
    """
    words = list(arguments)
    if words == ["--version"]:
        print(version())
        raise SystemExit(0)
    if words[:2] == ["data", "build"]:  # two words for people, one for the parser
        words[:2] = ["data-build"]
    if words and words[0] in COMMANDS:
        words[1:] = names_last(words[1:], COMMANDS[words[0]][0])
    return tyro.cli(Command, prog="rsc", description=__doc__, args=words)  # type: ignore[call-overload]


def main(arguments: list[str] | None = None) -> int:
    """Entry point: 0 when it worked, 2 after a mistake that the user can mend."""
    forgiving_output()
    try:
        complete_environment()
        options = parse(sys.argv[1:] if arguments is None else arguments)
        failures = dict(COMMANDS.values())[type(options)](options)
        sys.stdout.flush()  # else what did not fit is noticed too late
        if failures:
            return 2
    except RscError as error:
        _say(f"rsc: {error}")
        return 2
    except RuntimeError as error:
        from rsclib.runs.distributed import other_ended

        if not other_ended(error):
            raise
        if int(os.environ.get("LOCAL_RANK", 0)) == 0:  # the others leave it to the first to speak
            _say("rsc: another process of this training ended; the same command goes on from here")
        return 2
    except OSError as error:  # e.g. a disk that filled up under a library's feet
        place = f": {error.filename}" if error.filename else ""
        _say(_one_line(f"rsc: {error.strerror or error}{place}"))
        return 2
    except KeyboardInterrupt:
        _say("rsc: stopped; the same command goes on where it was")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
