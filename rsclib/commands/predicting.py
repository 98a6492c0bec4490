"""``rsc predict`` and ``rsc fetch``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rsclib.commands.output import one_line, say
from rsclib.commands.own_options import Fetch, Predict
from rsclib.errors import RscError

if TYPE_CHECKING:
    from rsclib.files.boxes import BoxFile
    from rsclib.moving_people import Temporal
    from rsclib.network import RSCNet
    from rsclib.pictured import Detector
    from rsclib.pictured import Where as People


def predict(options: Predict) -> int:
    """Write the files of every image and video, and warn of doubtful ones; returns how many failed,
    each with a line of its own."""
    from rsclib.body import load_body
    from rsclib.files.atomic import check_writable
    from rsclib.files.boxes import read_boxes
    from rsclib.files.named import images_named
    from rsclib.files.video import is_video
    from rsclib.models import texture_named
    from rsclib.predict import SUFFIXES, outputs, predict_photo
    from rsclib.predict_texture import SUFFIXES as TEXTURED
    from rsclib.predict_texture import predict_texture
    from rsclib.predict_video import Where, predict_video
    from rsclib.predictor import predictor_named

    if not options.images:
        raise RscError("name at least one image or video: rsc predict photo.jpg")
    images = images_named(options.images, frames=options.fps is not None)
    suffixes = (*SUFFIXES, *TEXTURED) if options.texture else None
    several = options.boxes is not None or options.detect
    stems = outputs(images, options.out, suffixes, several)
    videos = [path for path in images if is_video(path)]
    _check_options(options, images, videos)
    detector = _detector() if options.detect else None
    table = read_boxes(options.boxes, options.box_format) if options.boxes else None
    check_writable(options.out)
    predictor = predictor_named(options.model, load_body(options.body))
    where = Where(options.box, options.tracks, options.track)
    temporal = _temporal(options, predictor.net) if _over_time(options) else None
    painter = texture_named(options.texture_model) if options.texture else None
    failed = 0
    for path, stem in zip(images, stems, strict=True):
        try:
            if path in videos:
                line, doubts = predict_video(
                    path, stem, predictor, where, options.fps, options.webp, temporal, painter
                )
            else:
                people = _people(options, path, table, detector)
                line, doubts = predict_photo(path, stem, predictor, people, options.looks)
            print(one_line(line))
            for doubt in doubts:
                say(one_line(f"rsc: warning: {doubt}"))
            if painter is not None and path not in videos:
                line = predict_texture(path, stem, predictor, painter, options.box, options.looks)
                print(one_line(line))
        except RscError as error:
            failed += 1
            say(f"rsc: {error}")
    if failed and len(images) > 1:
        say(f"rsc: {failed} of {len(images)} failed, the others are written")
    return failed


def _people(
    options: Predict, path: str, table: BoxFile | None, detector: Detector | None
) -> People:
    """Where the people of one image are."""
    from rsclib.pictured import Where as People

    if table is None:
        return People(options.box, detector, options.margin)
    return People(
        None, lambda pixels: table.of(path, pixels.shape, options.min_score), options.margin
    )


def _detector() -> Detector:
    """What finds people in a picture.

    Raises:
        RscError: what it needs is not installed.
    """
    from rsclib.outside.finding import people_finder

    try:
        return people_finder()
    except RscError as error:
        raise RscError(f"--detect: {error}") from error


def _check_options(options: Predict, images: Sequence[str], videos: Sequence[str]) -> None:
    """Options of videos need one, those of images one of these; boxes of one video fit no other."""
    given = {
        "--tracks": options.tracks, "--track": options.track, "--fps": options.fps,
        "--webp": options.webp, "--temporal": options.temporal,
        "--temporal-module": options.temporal_module or None,
    }  # fmt: skip
    for name, value in given.items():
        if value not in (None, False) and not videos:
            raise RscError(f"{name} is for videos, and there is none among what was named")
    if options.texture_model != "texglo" and not options.texture:
        raise RscError("--texture-model goes with --texture")
    if options.texture and (options.boxes is not None or options.detect):
        raise RscError("--texture paints one person an image: say where with --box")
    of_images = {"--boxes": options.boxes, "--detect": options.detect}
    for name, value in of_images.items():
        if value not in (None, False) and len(videos) == len(images):
            raise RscError(f"{name} is for images, and there is none among what was named")
    if sum((options.box is not None, options.boxes is not None, options.detect)) > 1:
        raise RscError("where the people are is said in one way: --box, --boxes or --detect")
    if options.min_score != type(options).min_score and options.boxes is None:
        raise RscError("--min-score goes with --boxes")
    if options.margin != type(options).margin and options.boxes is None and not options.detect:
        raise RscError("--margin goes with --boxes or --detect; --box is taken as it is")
    if options.looks != type(options).looks and len(videos) == len(images):
        raise RscError("--looks is for images, and there is none among what was named")
    if options.box_format and not options.boxes:
        raise RscError("--box-format says how --boxes is written; --box is always x y width height")
    if not 1 <= options.margin <= 4:
        raise RscError(f"--margin is from 1, as tight as the box, to 4, not {options.margin:g}")
    if options.tracks is not None and len(videos) > 1:
        raise RscError("--tracks has the boxes of one video; name one at a time")
    taken = [options.out / f"{Path(path).stem}.csv" for path in images]
    if options.tracks and options.tracks.absolute() in [path.absolute() for path in taken]:
        raise RscError(f"{options.tracks} would be taken for this command's own; rename it")


def _over_time(options: Predict) -> bool:
    return options.temporal or bool(options.temporal_module)


def _temporal(options: Predict, net: RSCNet) -> Temporal:
    """The temporal module that is named, or the shipped one that reads the features of the model.

    Raises:
        RscError: there is none, its file is missing or damaged, or it reads other features.
    """
    from rsclib.models import VIDEO, temporal_named

    shipped = next((name for name, reads in VIDEO.items() if reads == options.model), None)
    name = options.temporal_module or shipped
    if name is None:
        raise RscError(f"there is no temporal module for {options.model}; leave --temporal out")
    module = temporal_named(name).eval()
    if module.config.features != net.config.features:
        raise RscError(
            f"{name} reads features of {module.config.features} numbers, and those of {options.model} "
            f"have {net.config.features}; name the --model that it was trained on"
        )
    return lambda phi: module(phi[None])


def work_left(options: Predict) -> bool:
    """Whether a stopped prediction has put something away to go on from."""
    return any((options.out / f"{Path(path).stem}.work").is_dir() for path in options.images)


def fetch(options: Fetch) -> None:
    """Bring the named things into the cache and say where they are and whose."""
    from rsclib import street
    from rsclib.outside import fetching

    if not options.names:
        raise RscError(f"name what to fetch: {', '.join(Fetch.NAMES)}")
    if unknown := [name for name in options.names if name not in Fetch.NAMES]:
        raise RscError(f"there is no {unknown[0]!r} to fetch; choose from {', '.join(Fetch.NAMES)}")
    if options.from_ is not None and options.names != ("blazepose",):
        raise RscError("--from is for blazepose alone")
    for name in options.names:
        if name == "street":
            path, source = street.fetch_street()
            print(one_line(f"{path}, from {source}"))
            print(street.ACKNOWLEDGEMENT)
        else:
            for model, source in fetching.fetch_blazepose(options.from_).items():
                print(one_line(f"{fetching.folder() / fetching.KNOWN[model].name}, from {source}"))
            print(fetching.ACKNOWLEDGEMENT)
