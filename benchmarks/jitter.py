"""How far a guess moves where nothing of the person has changed: another box, noise, JPEG.

python -m benchmarks.jitter            (a few minutes) -> results/open/jitter.csv
python -m benchmarks.jitter --photo runs/photo/model.safetensors      (after rsc train photo --out runs/photo)

People of val-wild at 128 and 32 px, the shipped models, each with the picture alone, with the mean of
picture and mirror image (rsclib.mirror), and with ten looks, five squares and their mirror images
(rsclib.looks, what ``rsc predict`` does). Damage: the square 10 % tighter or
wider, or moved by 10 % of its side to the right; Gaussian noise of 10 grey levels; JPEG of quality 30. A
row is the mean movement of the 14 joints, from the pelvis, against the undamaged picture (mm), and
"all" their mean over the kinds. Small is good only for a model that moves at all: errors stand beside.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from rsclib.body import load_body
from rsclib.checkpoints import read_header
from rsclib.crops import cut
from rsclib.looks import mean_of_looks, squares_about
from rsclib.metrics import mpjpe
from rsclib.mirror import mean_of_two_looks, mirrored_back
from rsclib.models import model_named
from rsclib.network import Prediction
from rsclib.openbench.build import fetch
from rsclib.predictor import NetPredictor
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result
from rsclib.statistics import cluster_bootstrap, paired_difference
from rsclib.viz.own import tightened

PART = "val-wild"
MODELS = {"HR-only": "hr-only", "Plain": "spin", "RSC-Net": "full"}
PHOTO = "RSC-Net, preset photo"
SIZES = (128, 32)
NOISE, QUALITY, MOVE = 10.0, 30, 0.1
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Options:
    """What is measured.

    Attributes:
        count: people, evenly over the part. photo: a model that ``rsc train photo`` wrote, measured too.
        out: the CSV.
    """

    count: int = 192
    photo: Path | None = None
    out: Path = Path("results/open/jitter.csv")


def noisy(images: Pixels) -> Pixels:
    """Gaussian noise of :data:`NOISE` grey levels, the same for every call."""
    noise = np.random.default_rng(0).normal(0, NOISE, images.shape)
    return (images + noise).round().clip(0, 255).astype(np.uint8)


def as_jpeg(images: Pixels) -> Pixels:
    """Each picture through JPEG of quality :data:`QUALITY`."""
    out = np.empty_like(images)
    for k, image in enumerate(images):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=QUALITY)
        out[k] = np.asarray(Image.open(file))
    return out


def moved(images: Pixels) -> Pixels:
    """The square :data:`MOVE` of its side further to the right; what lies outside repeats the edge."""
    by = round(MOVE * images.shape[2])
    return np.pad(images, ((0, 0), (0, 0), (0, by), (0, 0)), mode="edge")[:, :, by:]


def _square(images: Pixels, factor: float) -> Pixels:
    return tightened(images, factor).permute(0, 2, 3, 1).numpy()


DAMAGE: dict[str, Callable[[Pixels], Pixels]] = {
    "square 10 % tighter": lambda images: _square(images, 0.9),
    "square 10 % wider": lambda images: _square(images, 1.1),
    "square moved by 10 %": moved,
    "noise": noisy,
    "JPEG 30": as_jpeg,
}


def joints(predictor: NetPredictor, images: Pixels, size: int) -> dict[str, Tensor]:
    """Joints (N, 14, 3), metres, of the picture alone and of the means of two and of ten looks."""
    ways = ("alone", "mean of two looks", "mean of ten looks")
    found: dict[str, list[Tensor]] = {way: [] for way in ways}
    pictures = torch.from_numpy(images).permute(0, 3, 1, 2)
    with torch.inference_mode():
        for some in pictures.split(64):
            looks = [predictor.at(view, size) for view in (some, some.flip(3))]
            answers = (looks[0], mean_of_two_looks(looks[0], looks[1]), ten(predictor, some, size))
            for way, p in zip(ways, answers, strict=True):
                found[way].append(predictor.body.joints(p.rotmats, p.betas).joints14.cpu())
    return {way: torch.cat(parts) for way, parts in found.items()}


def ten(predictor: NetPredictor, pictures: Tensor, size: int) -> Prediction:
    """The mean of ten looks at pictures (B, 3, S, S), whose squares repeat the edge where they reach out
    of them; the camera is not asked for."""
    side, views = pictures.shape[-1], []
    whole = pictures.permute(0, 2, 3, 1).numpy()
    for place in squares_about((0.0, 0.0, float(side))):
        seen = np.stack([cut(one, place.tolist(), side) for one in whole])
        view = torch.from_numpy(seen).permute(0, 3, 1, 2)
        views += [predictor.at(view, size), mirrored_back(predictor.at(view.flip(3), size))]
    return mean_of_looks(views)


def measured(options: Options) -> list[dict[str, Any]]:
    """All rows."""
    data = fetch(PART)
    every = np.unique(np.linspace(0, len(data["images"]) - 1, options.count).astype(int))
    images, clip = data["images"][every], data["clip"][every]
    truth = torch.from_numpy(data["joints14"][every])
    damaged = {name: damage(images) for name, damage in DAMAGE.items()}
    body, rows, alone = load_body(), [], {}
    models = MODELS | ({PHOTO: str(options.photo)} if options.photo else {})
    for title, name in models.items():
        predictor = NetPredictor(model_named(name).eval(), body)
        for size in SIZES:
            clean = joints(predictor, images, size)
            off: dict[str, dict[str, NDArray[Any]]] = {way: {} for way in clean}
            for kind, pictures in damaged.items():
                for way, found in joints(predictor, pictures, size).items():
                    off[way][kind] = mpjpe(found, clean[way]).numpy()
            for way, kinds in off.items():
                about = {"method": title, "looks": way, "split": PART, "resolution": size,
                         "images": len(every)}  # fmt: skip
                everything = np.mean(list(kinds.values()), axis=0)
                for kind, values in (kinds | {"all": everything}).items():
                    rows.append(
                        about | _numbers(f"movement, {kind}", cluster_bootstrap(values, clip))
                    )
                error = mpjpe(clean[way], truth).numpy()
                rows.append(about | _numbers("mpjpe", cluster_bootstrap(error, clip)))
                base = alone.setdefault(size, everything)  # HR-only, the picture alone
                if everything is not base:
                    gain = paired_difference(everything, base, clip)
                    rows.append(about | _numbers("movement, all, minus HR-only alone", gain))
    return rows


def _numbers(metric: str, interval: tuple[float, float, float]) -> dict[str, Any]:
    mean, low, high = (round(float(value), 3) for value in interval)
    return {"metric": metric, "value": mean, "low": low, "high": high}


def main(options: Options) -> None:
    """Measure, write, print."""
    started = time.monotonic()
    rows = measured(options)
    trained = read_header(options.photo)["about"] if options.photo else {}
    config = {"part": PART, "models": MODELS, "photo": trained, "sizes": SIZES, "noise": NOISE, "jpeg": QUALITY,
              "move": MOVE, "count": options.count}  # fmt: skip
    write_result(options.out, rows, provenance(config, 0, time.monotonic() - started))
    for row in rows:
        if row["metric"] in ("movement, all", "mpjpe"):
            print(*(row[k] for k in ("method", "looks", "resolution", "metric", "value")), sep="  ")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
