"""The parts of the open benchmark: which motions, people and places each is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Split:
    """One part of the benchmark.

    Attributes:
        motions: "train" or "test" clips. scenes: "wild", "studio" or "lab".
        outfits: seeds [first, last) of the people; no seed is in two parts.
        labels: "full" (3D), or "2d" (keypoints only: 3D truth is not even stored).
        stream: number of its random stream; no two parts share one.
        occlusion: probability that something stands in front of the person.
        dense: also store dense truth at a quarter of the size. truth: masks and parts.
        version: raised when this part's people change and the others' do not.
    """

    name: str
    motions: str
    scenes: str
    outfits: tuple[int, int]
    stream: int
    labels: str = "full"
    occlusion: float = 0.0
    dense: bool = False
    truth: bool = False
    version: int = 1


SPLITS = {
    s.name: s
    for s in (
        Split("source", "train", "wild", (0, 260), 0, occlusion=0.12, dense=True),
        Split("train-lab", "train", "lab", (1000, 1030), 1),
        Split("train-wild", "train", "wild", (2000, 2160), 2, labels="2d", occlusion=0.15),
        # The pictures of train-wild again, with their 3D truth: for an oracle that shows what
        # better labels of the same images would give. Hence the same stream and outfits.
        Split("oracle-wild", "train", "wild", (2000, 2160), 2, occlusion=0.15),
        Split("test-wild", "test", "wild", (9000, 9060), 3, occlusion=0.15, truth=True),
        Split("test-studio", "test", "studio", (9100, 9130), 4, truth=True),
        Split("test-lab", "test", "lab", (9200, 9220), 5, truth=True),
        # To choose settings on, so that no test image is looked at for it: people never seen, in
        # the motions and places of training (all of those are in use).
        Split("val-wild", "train", "wild", (3000, 3060), 6, occlusion=0.15),
    )
}
