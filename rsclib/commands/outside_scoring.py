"""``rsc score``: the low-resolution protocol for predictions that come in a file."""

from __future__ import annotations

import dataclasses
import io
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rsclib.commands.building import agree_to_build
from rsclib.commands.options import SCORED, Eval
from rsclib.commands.output import one_line, say
from rsclib.commands.score_options import Score
from rsclib.commands.scoring import licensed_trial, predictors_of, smpl_place
from rsclib.errors import RscError

if TYPE_CHECKING:
    from rsclib.anyone import Info
    from rsclib.exchange import Answers, Manifest
    from rsclib.people import Trial
    from rsclib.predictor import Predictor
    from rsclib.scores import Scores

OUTSIDE = "blazepose-"  # --example: an outside rival


def score(options: Score) -> None:
    """Write pictures, write an example, or score a file."""
    if options.images is not None and options.predictions:
        raise RscError("either --images FOLDER writes pictures, or a file of predictions is scored")
    if options.images is not None and (options.against or options.out):
        raise RscError("--against and --out are for scoring a file, not for --images")
    if options.images is not None:
        return _write(options, options.images)
    if options.example:
        raise RscError("--example needs a folder to write to: --images FOLDER")
    if len(options.predictions) != 1:
        raise RscError("name one file: rsc score FOLDER/predictions.npz (rsc score --help)")
    plain = type(options)()
    for name in ("part", "count", "protocol", "side", "sizes", "limbs"):
        if getattr(options, name) != getattr(plain, name):
            raise RscError(f"--{name} is of --images; a file is scored as its manifest says")
    _score(options, Path(options.predictions[0]))


def _write(options: Score, folder: Path) -> None:
    """The pictures of a part and a manifest, or what a model of ours makes of them."""
    from rsclib.anyone import PLACEHOLDER, Info
    from rsclib.evaluate import joints_at
    from rsclib.exchange import Manifest, digest_of, write_images, write_predictions
    from rsclib.files.atomic import check_writable
    from rsclib.limbs import LIMBS, OnLimbs

    check_writable(folder)
    asked = _as_eval(options, options.part, options.count, options.protocol)
    predictors = _example(options)
    trial, licensed, _ = _trial(asked, options.side)
    sizes = _sizes(options)
    limbs = options.limbs or any(hasattr(p, "joints12") for p in predictors.values())
    joints_each = len(LIMBS) if limbs else trial.truth.shape[1]
    manifest = Manifest(
        options.part, len(trial.images), digest_of(trial), options.side, options.count,
        options.protocol if licensed else "",
        model=Info(PLACEHOLDER, joints_each),
    )  # fmt: skip
    if not predictors:
        manifest = _filled_in(folder, manifest)
        count = write_images(folder, trial, manifest, sizes)
        print(f"{count} pictures in {one_line(folder)}; their list is list.csv")
        print(f"Score the answer: rsc score {one_line(folder / 'predictions.npz')}")
        return
    ((name, predictor),) = predictors.items()
    if _said_of(folder, manifest).name not in (PLACEHOLDER, name):
        raise RscError(f"{folder} has somebody else's answer; name another folder for {name}'s")
    said = (
        getattr(predictor, word, usual) for word, usual in (("licence", ""), ("link", "rsclib"))
    )
    about = getattr(predictor, "about", None) or Info(name, 14, "", *said)
    model = dataclasses.replace(about, name=name, joints=joints_each)
    if limbs and not hasattr(predictor, "joints12"):
        predictor = OnLimbs(predictor)
    joints = {s: joints_at(predictor, trial.images, s, model.joints) for s in sizes}
    file = write_predictions(folder, dataclasses.replace(manifest, model=model), joints)
    print(f"What {name} answers: {one_line(file)}\nScore it: rsc score {one_line(file)}")


def _said_of(folder: Path, manifest: Manifest) -> Info:
    """The model that the folder's manifest names, else that of ``manifest``.

    Raises:
        RscError: there is a manifest, and it is damaged.
    """
    from rsclib.exchange import MANIFEST, manifest_of

    file = folder / MANIFEST
    return manifest_of(file).model if file.is_file() else manifest.model


def _filled_in(folder: Path, manifest: Manifest) -> Manifest:
    """The manifest with what somebody has already said of their model in that folder's."""
    from rsclib.anyone import PLACEHOLDER

    model = _said_of(folder, manifest)
    if model.name == PLACEHOLDER:
        return manifest
    say(one_line(f"note: the manifest in {folder} keeps what it says of {model.name}"))
    return dataclasses.replace(
        manifest, model=dataclasses.replace(model, joints=manifest.model.joints)
    )


def _example(options: Score) -> dict[str, Any]:
    """Who answers, by name; nobody where pictures are to be written.

    Raises:
        RscError: no such model, or what BlazePose needs is not there.
    """
    if options.example.startswith(OUTSIDE):
        from rsclib.outside.blazepose import TITLES, BlazePose

        kind = options.example.removeprefix(OUTSIDE)
        if kind not in TITLES:
            known = ", ".join(OUTSIDE + name for name in TITLES)
            raise RscError(f"there is no {options.example!r}; choose from {known}")
        return {TITLES[kind]: BlazePose.named(kind)}
    if options.example.endswith(".onnx"):
        from rsclib.anyone import Outside
        from rsclib.body import load_body
        from rsclib.files.body_files import OPEN_BODY
        from rsclib.onnx_files import OnnxModel, OnnxNet

        place, licensed = _body_place(options, options.part)
        own = licensed and (OnnxNet(options.example).trained_on or {}).get("name") == "open"
        model = OnnxModel(options.example, load_body(OPEN_BODY if own else place))
        return {model.info().name: Outside(model)}
    return _predictors(options, options.part, (options.example,)) if options.example else {}


def _score(options: Score, path: Path) -> None:
    from rsclib.exchange import read_manifest, read_predictions
    from rsclib.files.atomic import check_writable, sha256
    from rsclib.limbs import LIMBS, OnLimbs, trial_on_limbs
    from rsclib.runs.provenance import provenance
    from rsclib.runs.results import write_result

    started = time.monotonic()
    if options.out:
        if options.out.is_dir():
            raise RscError(f"{options.out} is a folder; name a file in it: {options.out}/eval.csv")
        check_writable(options.out.parent)
    manifest = read_manifest(path)
    answers = read_predictions(path, manifest)  # its mistakes are said before anything is built
    for note in answers.notes:
        say(one_line(f"note: {path}: {note}"))
    asked = _as_eval(options, manifest.part, manifest.count, manifest.protocol or "spin")
    against = _against(options, manifest)
    if options.out and len(against) > 4:
        raise RscError("--out draws the curves of five methods: name at most four with --against")
    predictors: dict[str, Any] = _predictors(options, manifest.part, against) if against else {}
    # The file may be the same model's own answer, as that of --example.
    predictors = {
        f"{name} (here)" if name == manifest.model.name else name: one
        for name, one in predictors.items()
    }
    trial, _, facts = _trial(asked, manifest.side)
    if manifest.model.joints == len(LIMBS):
        trial, predictors = trial_on_limbs(trial), {n: OnLimbs(p) for n, p in predictors.items()}
        say("arms and legs alone, from the middle of the hips: 12 joints, of all methods")
    scores, table = _scored(answers, trial, predictors)
    if options.out:
        facts |= {"model": dataclasses.asdict(manifest.model), "predictions": sha256(path)}
        about = provenance(options, 0, time.monotonic() - started) | facts
        write_result(options.out, table, about)
        scores.save(options.out.with_suffix(".npz"))
        _draw(options.out.with_suffix(".png"), table)


def _scored(
    answers: Answers, trial: Trial, predictors: dict[str, Predictor]
) -> tuple[Scores, list[dict[str, Any]]]:
    """Scores and rows of a file beside those of models, printed."""
    from rsclib.evaluate import pivot, rows, score_trial
    from rsclib.exchange import score_answers
    from rsclib.resolution import PRESETS

    manifest = answers.manifest
    own, sizes = score_answers(answers, trial), list(answers.joints)
    scores = own.joined(score_trial(predictors, trial, sizes))
    ranges = next((r for r in PRESETS.values() if r.full == manifest.side), PRESETS["edu"])
    table = rows(scores, ranges)
    for metric, title in (("mpjpe", "MPJPE"), ("pa_mpjpe", "PA-MPJPE")):
        print(f"\n{title}, mm, {len(trial.images)} images of {scores.part}, 95 % intervals by clip")
        print(pivot(table, metric).to_markdown())
    name = manifest.model.name
    for other in predictors:
        print(f"\n{name} minus {other}, the same images, mm (below 0: fewer errors)")
        for size in sizes:
            found = [str(scores.difference(name, other, size, m)) for m in ("mpjpe", "pa_mpjpe")]
            print(f"{size:>5} px: MPJPE {found[0]}, PA-MPJPE {found[1]}")
    if len(sizes) > 1:
        print(f"\nMPJPE from {sizes[0]} to {sizes[-1]} px")
        for method in (name, *predictors):
            first, last = (scores.of(method, s).mean() for s in (sizes[0], sizes[-1]))
            mean = sum(scores.of(method, s).mean() for s in sizes) / len(sizes)
            more = f"{100 * (last / first - 1):+.0f} %" if first else "from 0"
            print(f"{method}: {more}, mean over sizes {mean:.1f} mm")
    return scores, table


def _against(options: Score, manifest: Manifest) -> tuple[str, ...]:
    """Whom to compare with."""
    from rsclib.resolution import PRESETS

    shipped = not manifest.protocol and manifest.side == PRESETS["edu"].full
    return options.against or (("full",) if shipped else ())


def _as_eval(options: Score, part: str, count: int | None, protocol: Any) -> Eval:
    """What ``rsc eval`` would be asked for."""
    return Eval((), part, count, protocol, data=options.data, body=options.body)


def _trial(asked: Eval, side: int) -> tuple[Trial, bool, dict[str, Any]]:
    """The pictures and truth, whether they are licensed, and what results keep of it."""
    from rsclib.evaluate import open_trial
    from rsclib.readers.protocols import is_licensed

    if is_licensed(asked.part):
        trial, facts = licensed_trial(asked, side)
        return trial, True, facts
    if asked.part not in SCORED:
        raise RscError(f"there is no part {asked.part!r} to score on (rsc eval --help)")
    agree_to_build(asked.part, asked.count, side)
    return open_trial(asked.part, asked.count, side), False, {}


def _predictors(options: Score, part: str, names: tuple[str, ...]) -> dict[str, Any]:
    place, licensed = _body_place(options, part)
    return dict(predictors_of(names, place, licensed))


def _body_place(options: Score, part: str) -> tuple[Path | None, bool]:
    """Where the body of a part's answers is, and whether the part is a licensed one."""
    from rsclib.readers.protocols import is_licensed

    licensed = is_licensed(part)
    asked = _as_eval(options, part, None, "spin")
    return smpl_place(asked) if licensed else options.body, licensed


def _sizes(options: Score) -> tuple[int, ...]:
    """The sizes to ask for, the largest first.

    Raises:
        RscError: none are known for crops of this side, or one makes no sense.
    """
    from rsclib.resolution import PRESETS

    known = {ranges.full: ranges.eval_sizes for ranges in PRESETS.values()}
    sizes = options.sizes or known.get(options.side, ())
    if not sizes:
        raise RscError(f"no sizes are known for crops of {options.side} px: give --sizes")
    if not all(1 <= size <= options.side for size in sizes):
        raise RscError(f"--sizes must lie within 1..{options.side}")
    return tuple(sorted(set(sizes), reverse=True))


def _draw(path: Path, table: list[dict[str, Any]]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from rsclib.evaluate import CONSTANT
    from rsclib.files.atomic import write_bytes
    from rsclib.viz.curves import error_curves

    content = io.BytesIO()
    error_curves(table, CONSTANT).savefig(content, dpi=120, bbox_inches="tight", format="png")
    write_bytes(path, content.getbuffer())
