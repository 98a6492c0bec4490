"""``rsc predict`` and ``rsc fetch``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rsclib.commands.output import one_line, say
from rsclib.commands.own_options import Fetch, Predict
from rsclib.errors import RscError

if TYPE_CHECKING:
    from rsclib.moving_people import Temporal


def predict(options: Predict) -> int:
    """Write the files of every image and video, and warn of doubtful ones; returns how many failed,
    each with a line of its own."""
    from rsclib.body import load_body
    from rsclib.files.atomic import check_writable
    from rsclib.files.video import is_video
    from rsclib.predict import outputs, predict_photo
    from rsclib.predict_video import Where, predict_video
    from rsclib.predictor import predictor_named

    if not options.images:
        raise RscError("name at least one image or video: rsc predict photo.jpg")
    stems = outputs(options.images, options.out)
    videos = [path for path in options.images if is_video(path)]
    _check_options(options, len(videos))
    check_writable(options.out)
    predictor = predictor_named(options.model, load_body())
    where = Where(options.box, options.tracks, options.track)
    temporal = _temporal(options.model) if options.temporal else None
    failed = []
    for path, stem in zip(options.images, stems, strict=True):
        try:
            if path in videos:
                line, doubts = predict_video(
                    path, stem, predictor, where, options.fps, options.webp, temporal
                )
            else:
                line, doubts = predict_photo(path, stem, predictor, options.box)
            print(one_line(line))
            for doubt in doubts:
                say(one_line(f"rsc: warning: {doubt}"))
        except RscError as error:
            failed.append(str(error))
    for line in failed:
        say(f"rsc: {line}")
    return len(failed)


def _check_options(options: Predict, videos: int) -> None:
    """Options of videos need one, and boxes of one video fit no other."""
    given = {
        "--tracks": options.tracks, "--track": options.track, "--fps": options.fps,
        "--webp": options.webp, "--temporal": options.temporal,
    }  # fmt: skip
    for name, value in given.items():
        if value not in (None, False) and not videos:
            raise RscError(f"{name} is for videos, and there is none among what was named")
    if options.tracks is not None and videos > 1:
        raise RscError("--tracks has the boxes of one video; name one at a time")
    taken = [options.out / f"{Path(path).stem}.csv" for path in options.images]
    if options.tracks and options.tracks.absolute() in [path.absolute() for path in taken]:
        raise RscError(f"{options.tracks} would be taken for this command's own; rename it")


def _temporal(model: str) -> Temporal:
    """The shipped temporal module that reads the features of a model.

    Raises:
        RscError: there is none, or its file is missing or damaged.
    """
    from rsclib.models import VIDEO, temporal_named

    name = next((name for name, reads in VIDEO.items() if reads == model), None)
    if name is None:
        raise RscError(f"there is no temporal module for {model}; leave --temporal out")
    module = temporal_named(name).eval()
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
