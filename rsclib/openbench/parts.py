"""The parts of the open benchmark: which motions, people and places each is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Split:
    """One part of the benchmark.

    Attributes:
        motions: "train" or "test" clips (videos: "val" too). scenes: "wild", "studio" or "lab".
        outfits: seeds [first, last) of the people; no seed is in two parts.
        labels: "full" (3D), or "2d" (keypoints only: 3D truth is not even stored).
        stream: number of its random stream; no two parts share one, but an oracle and its part.
        occlusion: probability that something stands in front of the person.
        dense: also store dense truth at a quarter of the size. truth: masks and parts.
        long: share of the people who take their pose from long recordings: of "test" where the
            motions are test clips, else of "val".
        frames: of each video that the part is made of, 30 a second; 0: single pictures.
        version: raised when this part's people change and the others' do not.
        varied: poses, headings and clothes differ more: :mod:`rsclib.openbench.everyday`, and every
            second person comes from the street.
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
    long: float = 0.0
    frames: int = 0
    version: int = 1
    varied: bool = False


SPLITS = {
    s.name: s
    for s in (
        Split("source", "train", "wild", (0, 260), 0, occlusion=0.12, dense=True),
        Split("train-lab", "train", "lab", (1000, 1030), 1),
        Split("train-wild", "train", "wild", (2000, 2160), 2, labels="2d", occlusion=0.15),
        # What 3D labels of those people would be worth. Stream and people are shared on purpose: the
        # very same pictures as train-wild's, so that nothing but the labels differs.
        Split("oracle-wild", "train", "wild", (2000, 2160), 2, occlusion=0.15),
        # Nine of fifteen test clips are cut from a long recording: each is drawn equally often.
        Split(
            "test-wild", "test", "wild", (9000, 9060), 3,
            occlusion=0.15, truth=True, long=9 / 15, version=2,
        ),
        Split("test-studio", "test", "studio", (9100, 9130), 4, truth=True, long=9 / 15, version=2),
        Split("test-lab", "test", "lab", (9200, 9220), 5, truth=True, long=9 / 15, version=2),
        # To choose settings on, so that no test image is looked at for it: people never seen, in
        # the places of training (all of those are in use), half of them in motions never seen.
        Split(
            "val-wild", "train", "wild", (3000, 3060), 6, occlusion=0.15, long=0.5, version=2
        ),
        # People to start a model for photographs from.
        Split(
            "varied-wild", "train", "wild", (6000, 6400), 11, occlusion=0.2, varied=True
        ),
        # The same kinds of poses, headings and clothes on people never seen.
        Split(
            "varied-val", "train", "wild", (6400, 6460), 12, occlusion=0.2, varied=True
        ),
        # Videos of two seconds: four windows of 16 frames that do not repeat one another. Their motions
        # are the clips of "train", "val" or "test", each held-out clip in turn.
        Split("video-train", "train", "wild", (4000, 4160), 7, occlusion=0.25, frames=64),
        Split("video-val", "val", "wild", (5000, 5060), 8, occlusion=0.25, frames=64),
        Split("test-video-wild", "test", "wild", (9300, 9360), 9, occlusion=0.25, frames=64),
        Split("test-video-studio", "test", "studio", (9400, 9430), 10, frames=64),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Street:
    """A part of pedestrians: people in several views (:mod:`rsclib.openbench.pedestrians`).

    Attributes:
        motions: "train" or "test": whose walks, and which places.
        outfits: numbers [first, last) of the people. Their generators are others than a Split's, so
            equal numbers are not equal people; they are Market-1501's four digits, too.
        stream, version: see :class:`Split`.
    """

    name: str
    motions: str
    outfits: tuple[int, int]
    stream: int
    version: int = 1


STREETS = {
    s.name: s
    for s in (
        Street("pedestrians-train", "train", (1, 3000), 20),
        Street("pedestrians-test", "test", (4000, 5000), 21),
    )
}
PARTS: dict[str, Split | Street] = {**SPLITS, **STREETS}
