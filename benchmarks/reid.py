"""Rank-1 and mAP of ReID networks on pedestrians-test, beside what colours alone can do.

    python -m benchmarks.reid reid --out results/open/reid.csv

A query is one of two views of a person; the gallery is everybody's other six views, and pictures by
the query's own camera do not count (Market-1501's protocol). At 32 px both sides are shrunk to that
height and enlarged again. Intervals are bootstrapped over people. The two floors need no network:
8 x 16 pixels of the picture less its mean, and histograms of colour in three stripes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from rsclib.models import reid_named
from rsclib.openbench.build import fetch
from rsclib.openbench.pedestrians import QUERIES, VIEWS
from rsclib.reid import embeddings
from rsclib.retrieval import cosine_distance, rank
from rsclib.runs.provenance import provenance
from rsclib.runs.results import write_result
from rsclib.statistics import cluster_bootstrap

PART = "pedestrians-test"
HEIGHTS = (128, 32)
Pictures = NDArray[np.uint8]
Features = NDArray[np.floating]


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


def main() -> None:
    """Score and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", default=["reid"], help="reid, or files")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--people", type=int, default=128)
    options = parser.parse_args()
    started = time.monotonic()
    data = fetch(PART, options.people * VIEWS, keys=("images", "identity", "camera_id", "view"))
    query = np.isin(data["view"], QUERIES)
    methods = {name: network(name) for name in options.models}
    methods |= {"8 x 16 pixels": pixels, "colour histograms": histograms}
    rows = []
    for height in HEIGHTS:
        images = shrunk(data["images"], height)
        for name, embed in methods.items():
            found = embed(images)
            ranked = rank(
                cosine_distance(found[query], found[~query]), data["identity"][query],
                data["identity"][~query], data["camera_id"][query], data["camera_id"][~query],
            )  # fmt: skip
            people = data["identity"][query][ranked.query]
            for metric, values in (("rank1", ranked.rank1), ("map", ranked.ap)):
                at = cluster_bootstrap(100 * values, people)
                rows.append(
                    {"method": Path(name).stem, "metric": metric, "split": PART,
                     "resolution": height, "images": len(values), "value": round(at.mean, 2),
                     "low": round(at.low, 2), "high": round(at.high, 2)}
                )  # fmt: skip
                print(f"{name:>20} {height:4d} px {metric:>6} {at} %")
    write_result(options.out, rows, provenance(vars(options), 0, time.monotonic() - started))


if __name__ == "__main__":
    main()
