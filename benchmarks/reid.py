"""How well people are told apart: rank-1 and mAP on test pedestrians, and on a real street.

    python -m benchmarks.reid reid --out results/open/reid.csv
    rsc fetch street
    python -m benchmarks.reid reid --street --out results/open/reid_street.csv

Two of each person's eight views ask, the six others are the gallery, at 128 px and shrunk to 32 px of
height and enlarged again. Intervals are bootstrapped over people. The two floors need no network:
8 x 16 pixels of the picture less its mean, and histograms of colour in three stripes.

With ``--street`` the people are the tracklets of ``vtest.avi`` (rsclib.street, found by rsclib.tracks):
an early crop of each asks for a late crop of the same one, among the late crops of all. Rank-1 has
Wilson's interval, mAP (here the mean of one over the right one's rank) a bootstrap over tracklets, and
so has a network's lead over each floor. The same person may come back in another tracklet, which then
counts as somebody else, so these numbers are lower bounds. Two who are seen in one frame are surely
two: ``... among contemporaries`` asks only among the tracklets that share a frame with the one that
asks (``chance``: what guessing has). All stand before one and the same background. The clip: PETS
2009, University of Reading. No frame of it is written.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import binomtest
from tqdm.auto import tqdm

from rsclib.crops import crops, squares_of
from rsclib.errors import RscError
from rsclib.files.video import open_video
from rsclib.models import reid_named
from rsclib.openbench.build import fetch
from rsclib.openbench.pedestrians import QUERIES, VIEWS
from rsclib.reid import embeddings
from rsclib.retrieval import cosine_distance, rank
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result
from rsclib.statistics import Interval, cluster_bootstrap, paired_difference
from rsclib.street import SHA256, street_clip
from rsclib.tracks import Frames, Track, TrackConfig, track

PART = "pedestrians-test"
HEIGHTS = (128, 32)
# Of a tracklet's length: which crop asks, which is asked for. Settled before anything was measured.
EARLY, LATE = 0.1, 0.9
MARGIN = 1.11  # of a tight box's height: the middle of what pedestrians of the benchmark have
Pictures = NDArray[np.uint8]
Features = NDArray[np.floating]
Methods = Mapping[str, Callable[[Pictures], Features]]
Rows = list[dict]


def shrunk(images: Pictures, height: int) -> Pictures:
    """Pictures (N, H, W, 3) at ``height`` rows and back, both bicubic."""
    rows, columns = images.shape[1:3]
    if height >= rows:
        return images
    small = (columns * height // rows, height)

    def one(image: Pictures) -> Pictures:
        low = Image.fromarray(image).resize(small, Image.Resampling.BICUBIC)
        return np.asarray(low.resize((columns, rows), Image.Resampling.BICUBIC))

    return np.stack([one(image) for image in images])


def pixels(images: Pictures) -> Features:
    """8 x 16 pixels less the picture's mean: (N, 384)."""
    small = [
        np.asarray(Image.fromarray(i).resize((8, 16), Image.Resampling.BOX), np.float32)
        for i in images
    ]
    flat = np.stack(small)
    return (flat - flat.mean((1, 2, 3), keepdims=True)).reshape(len(images), -1)


def histograms(images: Pictures) -> Features:
    """How often each of 6 x 6 x 6 colours is in the upper, middle and lower third: (N, 648)."""
    bins = (images.astype(int) * 6 // 256) @ np.array([36, 6, 1])
    thirds = np.array_split(bins.reshape(len(images), bins.shape[1], -1), 3, axis=1)
    count = [[np.bincount(row.ravel(), minlength=216) for row in third] for third in thirds]
    return np.sqrt(np.concatenate([np.array(c, np.float32) for c in count], 1))


def network(name: str) -> Callable[[Pictures], Features]:
    """The embedding of a network (N, D)."""
    net = reid_named(name)

    def embed(images: Pictures) -> Features:
        return embeddings(net, torch.from_numpy(images).movedim(3, 1)).numpy()

    return embed


def street_pictures(frames: Frames, tracks: Sequence[Track]) -> tuple[Pictures, Pictures]:
    """An early and a late crop (N, 128, 64, 3) of each tracklet."""
    side = max(HEIGHTS)
    out = np.empty((2, len(tracks), side, side // 2, 3), np.uint8)
    squares = [squares_of(one.boxes, MARGIN) for one in tracks]
    wanted = [[round(share * (len(one.frames) - 1)) for share in (EARLY, LATE)] for one in tracks]
    done = [~np.isin(np.arange(len(one.frames)), w) for one, w in zip(tracks, wanted, strict=True)]
    for crop in crops(frames, tracks, squares, side, done):
        which = wanted[crop.track].index(crop.row)
        out[which, crop.track] = crop.pixels[:, side // 4 : -side // 4]  # a person is slim
    return out[0], out[1]


def seen_together(tracks: Sequence[Track]) -> NDArray[np.bool_]:
    """Which tracklets (N, N) share a frame, each with itself too: they are different people."""
    sets = [set(one.frames.tolist()) for one in tracks]
    return np.array([[bool(a & b) for b in sets] for a in sets])


def street_rows(
    methods: Methods, early: Pictures, late: Pictures, together: NDArray[np.bool_],
    floors: Sequence[str],
) -> Rows:  # fmt: skip
    """All numbers of a street: of each method and, of those that are no floor, the lead over each.

    Args:
        early, late: (N, H, W, 3), pictures of N tracklets in one order. together: see
            :func:`seen_together`.
    """
    rows: Rows = []
    count = len(early)
    who = np.arange(count)

    def add(name: str, metric: str, height: int, at: Interval | float) -> None:
        row = {"method": name, "metric": metric, "split": "street", "resolution": height}
        names = ("value", "low", "high")
        numbers = (at,) if isinstance(at, float) else at
        rows.append(row | {"images": count} | {n: round(float(v), 2) for n, v in zip(names, numbers, strict=False)})  # fmt: skip

    for height in HEIGHTS:
        small, asked = shrunk(early, height), shrunk(late, height)
        apart = {n: cosine_distance(embed(small), embed(asked)) for n, embed in methods.items()}
        for group, among in (("", np.ones_like(together)), (" among contemporaries", together)):
            found = {
                # Whoever is left out comes last, behind the right one: neither number minds.
                name: rank(np.where(among, d, np.inf), who, who, np.zeros(count), np.ones(count))
                for name, d in apart.items()
            }
            add("chance", f"rank1{group}", height, float(100 * (1 / among.sum(1)).mean()))
            for name, of in found.items():
                right = int(of.rank1.sum())
                wilson = binomtest(right, count).proportion_ci(method="wilson")
                share = Interval(100 * right / count, 100 * wilson.low, 100 * wilson.high)
                add(name, f"rank1{group}", height, share)
                add(name, f"map{group}", height, cluster_bootstrap(100 * of.ap, who))
            for name in [n for n in methods if n not in floors]:
                for floor in floors:
                    one, other = found[name], found[floor]
                    for metric, a, b in (("rank1", one.rank1, other.rank1), ("map", one.ap, other.ap)):  # fmt: skip
                        lead = paired_difference(100 * a, 100 * b, who)
                        add(name, f"{metric}{group} minus {floor}", height, lead)
    return rows


def on_street(methods: Methods, floors: Sequence[str]) -> tuple[Rows, dict]:
    """The numbers of the fetched clip, and what they were made of."""
    clip = street_clip()
    if clip is None:
        raise RscError("the clip is not in the cache; rsc fetch street brings it")
    video = open_video(clip)
    tracks = track(video, shown=lambda frames: tqdm(frames, "people", video.count))
    rows = street_rows(methods, *street_pictures(video, tracks), seen_together(tracks), floors)
    about = {"clip": SHA256, "tracks": TrackConfig(), "people": len(tracks),
             "early": EARLY, "late": LATE, "margin": MARGIN,
             "height_px": [round(float(np.median(one.boxes[:, 3])), 1) for one in tracks]}  # fmt: skip
    return rows, about


def on_pedestrians(methods: Methods, people: int) -> Rows:
    """The numbers of test pedestrians."""
    data = fetch(PART, people * VIEWS, keys=("images", "identity", "camera_id", "view"))
    query = np.isin(data["view"], QUERIES)
    rows: Rows = []
    for height in HEIGHTS:
        images = shrunk(data["images"], height)
        for name, embed in methods.items():
            found = embed(images)
            ranked = rank(
                cosine_distance(found[query], found[~query]), data["identity"][query],
                data["identity"][~query], data["camera_id"][query], data["camera_id"][~query],
            )  # fmt: skip
            asked = data["identity"][query][ranked.query]
            for metric, values in (("rank1", ranked.rank1), ("map", ranked.ap)):
                at = cluster_bootstrap(100 * values, asked)
                rows.append(
                    {"method": name, "metric": metric, "split": PART,
                     "resolution": height, "images": len(values), "value": round(at.mean, 2),
                     "low": round(at.low, 2), "high": round(at.high, 2)}
                )  # fmt: skip
    return rows


def main() -> None:
    """Score and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", default=["reid"], help="reid, or files")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--people", type=int, default=128)
    parser.add_argument("--street", action="store_true", help="on the clip of rsc fetch street")
    options = parser.parse_args()
    started = time.monotonic()
    floors: Methods = {"8 x 16 pixels": pixels, "colour histograms": histograms}
    config = vars(options)
    try:
        methods: Methods = {Path(name).stem: network(name) for name in options.models} | dict(
            floors
        )
        if options.street:
            rows, about = on_street(methods, list(floors))
            config = config | about
        else:
            rows = on_pedestrians(methods, options.people)
    except RscError as error:
        parser.error(str(error))
    write_result(options.out, rows, provenance(config, 0, time.monotonic() - started))
    for row in rows:
        print({key: value for key, value in row.items() if key != "split"})


if __name__ == "__main__":
    main()
