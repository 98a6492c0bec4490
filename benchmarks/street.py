"""Real pedestrians: how steady predictions are, and how far those at 32 px are from those at native size.

    rsc fetch street
    python -m benchmarks.street --temporal video --blazepose full --out results/open/street.csv

There is no truth here. What is measured on the people of ``vtest.avi`` (rsclib.street), by the shipped
models, a row a number, with an interval over tracklets:

- ``acceleration``: mean length of the second difference of the 14 joints, root-centred, in
  mm/frame^2, at native size and at 32 px. A frozen pose has none: small is good only for a model that
  moves (``pose_spread``: mean distance of the joints from their tracklet's mean, mm).
- ``agreement``, ``pa_agreement``: MPJPE (root-centred) and PA-MPJPE, mm, of the prediction at 32 px
  with the one at native size (``reference``: whose). A model that always says the same agrees with
  itself, so ``agreement_by_chance`` has the distance to the native predictions of other people.
- ``... minus HR-only``: the difference of the two models on the same frames, paired over tracklets.
- ``blazepose_...``, with ``--blazepose``: agreement with an outside tool (benchmarks/agreement.py).

A model of ``rsc train photo`` is measured as well with ``--photo MODEL``.

The same person may come back in another tracklet, so the intervals are a little too narrow.

The clip: PETS 2009, University of Reading. No frame of it is written.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm.auto import tqdm

from benchmarks.agreement import agreement_rows, answers
from benchmarks.jitter import PHOTO
from rsclib.body import load_body
from rsclib.crops import crops, native_of, squares_of
from rsclib.errors import RscError
from rsclib.files.video import Video, open_video
from rsclib.metrics import acceleration, centre, mpjpe, pa_mpjpe
from rsclib.models import SHIPPED, model_named, temporal_named
from rsclib.outside import blazepose
from rsclib.predictor import NetPredictor, VideoPredictor
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result
from rsclib.skeleton import MIDHIP
from rsclib.statistics import Interval, cluster_bootstrap, paired_difference
from rsclib.street import SHA256, street_clip
from rsclib.temporal import Temporal
from rsclib.tracks import Track, TrackConfig, track

SMALL = 32  # pixels
BATCH = 64
Rows = list[dict]


class Seen(NamedTuple):
    """One person as a model sees them: joints14 (T, 14, 3) from the middle of the hips, metres, at
    native size and at :data:`SMALL` pixels."""

    native: torch.Tensor
    small: torch.Tensor


def images_of(video: Video, tracks: Sequence[Track], size: int) -> list[torch.Tensor]:
    """The crops (T, 3, size, size) uint8 of each track."""
    squares = [squares_of(one.boxes) for one in tracks]
    out = [np.empty((len(one.frames), size, size, 3), np.uint8) for one in tracks]
    for crop in crops(tqdm(video, "crops", video.count), tracks, squares, size):
        out[crop.track][crop.row] = crop.pixels
    return [torch.from_numpy(images).permute(0, 3, 1, 2) for images in out]


@torch.inference_mode()
def seen_by(
    predictor: NetPredictor, images: torch.Tensor, native: int, module: Temporal | None = None
) -> Seen:
    """A person's joints at both sizes; the row of alpha is that of the size.

    Args:
        module: reads the features of all frames; None: each frame by itself.
    """
    sizes: dict[str, torch.Tensor] = {}
    for name, size in (("native", native), ("small", SMALL)):
        found = [
            predictor(batch, native) if name == "native" else predictor.at(batch, size)
            for batch in images.split(BATCH)
        ]
        if module is not None:
            found = [VideoPredictor(predictor, module).bodies(torch.cat([p.phi for p in found]))]
        joints = [predictor.body.joints(p.rotmats, p.betas).joints14 for p in found]
        sizes[name] = centre(torch.cat(joints).double(), MIDHIP)
    return Seen(**sizes)


def by_frame(seen: Sequence[Seen], measure: str, native: Sequence[Seen]) -> list[NDArray]:
    """A number for each frame of each person.

    Args:
        native: whose predictions at native size are the reference.
    """
    match measure:
        case "agreement":
            pairs = zip(seen, native, strict=True)
            return [mpjpe(a.small, b.native).numpy() for a, b in pairs]
        case "pa_agreement":
            pairs = zip(seen, native, strict=True)
            return [pa_mpjpe(a.small, b.native).numpy() for a, b in pairs]
        case "agreement_by_chance":
            return [_to_others(k, seen, native) for k in range(len(seen))]
    size, what = measure.split(" ")
    joints = [getattr(one, size) for one in seen]
    if what == "acceleration":
        return [acceleration(j).numpy() for j in joints]
    return [mpjpe(j, j.mean(0, keepdim=True).expand_as(j)).numpy() for j in joints]


def _to_others(k: int, seen: Sequence[Seen], native: Sequence[Seen]) -> NDArray:
    """Mean distance of each prediction at 32 px to one native prediction of every other person."""
    small = seen[k].small
    middles = [one.native[len(one.native) // 2] for n, one in enumerate(native) if n != k]
    return np.mean([mpjpe(small, m.expand_as(small)).numpy() for m in middles], axis=0)


def rows_of(models: dict[str, list[Seen]]) -> Rows:
    """All numbers. Models by name, the persons of each in one order; the first is what the others
    are compared with."""
    first = next(iter(models))
    rows: Rows = []

    def add(name: str, metric: str, size: int | str, interval: Interval, **more: object) -> None:
        rows.append(
            {"method": name, "metric": metric, "split": "street", "resolution": size, "images": count,
             "value": round(interval.mean, 3), "low": round(interval.low, 3),
             "high": round(interval.high, 3), "people": people, **more}
        )  # fmt: skip

    people = len(models[first])
    for measure in ("native acceleration", "small acceleration", "native pose_spread",
                    "small pose_spread", "agreement", "pa_agreement", "agreement_by_chance"):  # fmt: skip
        alone = " " in measure
        metric = measure.split(" ")[-1]
        size: int | str = "native" if measure.startswith("native") else SMALL
        for whose in [None] if alone else [*models]:
            values = {
                name: by_frame(seen, measure, models[whose or name])
                for name, seen in models.items()
            }
            for name, of in values.items():
                numbers = np.concatenate(of)
                who = np.repeat([f"person{k}" for k in range(people)], [len(v) for v in of])
                count = len(numbers)
                more = {} if alone else {"reference": f"{whose}, native"}
                add(name, metric, size, cluster_bootstrap(numbers, who), **more)
                if name != first:
                    gap = paired_difference(numbers, np.concatenate(values[first]), who)
                    add(name, f"{metric} minus {first}", size, gap, **more)
        if measure.endswith("agreement"):  # each with its own, paired
            own = {n: np.concatenate(by_frame(s, measure, s)) for n, s in models.items()}
            for name in [n for n in models if n != first]:
                gap = paired_difference(own[name], own[first], who)
                add(name, f"{metric} minus {first}", SMALL, gap, reference="its own, native")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("results/open/street.csv"))
    parser.add_argument(
        "--temporal", help="a temporal module over RSC-Net's features, too: its name or file"
    )
    parser.add_argument(
        "--blazepose", choices=tuple(blazepose.TITLES), help="agreement with this BlazePose, too"
    )
    parser.add_argument("--photo", help="a model that rsc train photo wrote, too: its file")
    options = parser.parse_args()
    started, body = time.monotonic(), load_body()
    try:
        clip = street_clip()
        if clip is None:
            raise RscError("the clip is not in the cache; rsc fetch street brings it")
        rows_from: dict[str, tuple[str, Temporal | None]] = {
            SHIPPED[name]: (name, None) for name in ("hr-only", "full")
        }
        if options.photo:
            rows_from[PHOTO] = (options.photo, None)
        if options.temporal:
            over_time = f"{SHIPPED['full']}, over time"
            rows_from[over_time] = ("full", temporal_named(options.temporal).eval())
        rival = options.blazepose and blazepose.BlazePose.named(options.blazepose)
        video = open_video(clip)
        tracks = track(video, shown=lambda frames: tqdm(frames, "people", video.count))
        models: dict[str, list[Seen]] = {}
        sizes = [native_of(squares_of(one.boxes)) for one in tracks]
        for title, (name, module) in rows_from.items():
            predictor = NetPredictor(model_named(name).eval(), body)
            images = images_of(video, tracks, predictor.ranges.full)
            pairs = zip(tqdm(images, title), sizes, strict=True)
            models[title] = [seen_by(predictor, views, size, module) for views, size in pairs]
        rows = rows_of(models)
        if rival:
            title = blazepose.TITLES[options.blazepose]
            images = images_of(video, tracks, blazepose.SIZE)
            theirs = [answers(rival, of.permute(0, 2, 3, 1).numpy()) for of in tqdm(images, title)]
            rows += agreement_rows(models, theirs, title, SMALL)
    except RscError as error:
        parser.error(str(error))
    config = {"clip": SHA256, "temporal": options.temporal, "photo": bool(options.photo), "blazepose": options.blazepose,
              "tracks": TrackConfig(), "small": SMALL, "people": len(tracks),
              "native_px": sizes, "frames": [len(one.frames) for one in tracks]}  # fmt: skip
    about = provenance(config, 0, time.monotonic() - started) | {"body": body.identity}
    write_result(options.out, rows, about)
    for row in rows:
        print({key: value for key, value in row.items() if key != "split"})


if __name__ == "__main__":
    main()
