"""Agreement with BlazePose on the street: how far predictions are from what an outside tool says.

**Never an error.** BlazePose's answer at native size is no truth: it errs, too, and its hips and
shoulders lie elsewhere than SMPL's. But it saw photographs and ours did not, so of two of our models
the one that agrees more with it is likelier right. ``python -m benchmarks.street --blazepose full``
adds these rows:

- ``blazepose_agreement``, ``blazepose_pa_agreement``: mean distance of the 12 common joints, from the
  middle of the hips, and after Procrustes alignment, mm, over the frames where BlazePose sees a person
  in the given box.
- ``blazepose_agreement_by_chance``: the same to what it says of other people.
- ``... minus HR-only``, ``... minus native``: paired, of two models or of a model's two sizes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rsclib.files.photos import Pixels
from rsclib.limbs import on_limbs
from rsclib.metrics import mpjpe, pa_mpjpe
from rsclib.outside.blazepose import LEAST_PRESENCE, BlazePose
from rsclib.outside.squares import whole
from rsclib.statistics import Interval, cluster_bootstrap, paired_difference

Rows = list[dict]


class BothSizes(Protocol):
    """joints14 (T, 14, 3) of one person, metres, at native size and shrunk."""

    @property
    def native(self) -> Tensor: ...
    @property
    def small(self) -> Tensor: ...


class Answers(NamedTuple):
    """What BlazePose says of one person: joints (T, 12, 3), metres, and whether it sees one (T,)."""

    joints: Tensor
    seen: NDArray[np.bool_]


def answers(rival: BlazePose, pictures: Iterable[Pixels]) -> Answers:
    """Its answers on the crops (S, S, 3) of one person, frame by frame."""
    poses = [rival.at(one, whole(*one.shape[:2])) for one in pictures]
    return Answers(
        torch.from_numpy(np.stack([pose.joints12 for pose in poses])),
        np.array([pose.presence >= LEAST_PRESENCE for pose in poses]),
    )


def agreement_rows(
    models: dict[str, Sequence[BothSizes]], theirs: Sequence[Answers], title: str, small: int
) -> Rows:
    """All numbers. Models by name, the people of each in the order of ``theirs``; the first is what the
    others are compared with."""
    kept = [k for k, one in enumerate(theirs) if one.seen.any()]
    who = np.repeat([f"person{k}" for k in kept], [theirs[k].seen.sum() for k in kept])
    first, rows = next(iter(models)), []

    def add(name: str, metric: str, size: int | str, interval: Interval) -> None:
        rows.append(
            {"method": name, "metric": metric, "split": "street", "resolution": size,
             "images": len(who), "value": round(interval.mean, 3), "low": round(interval.low, 3),
             "high": round(interval.high, 3), "people": len(kept), "reference": f"{title}, native"}
        )  # fmt: skip

    for metric in (
        "blazepose_agreement",
        "blazepose_pa_agreement",
        "blazepose_agreement_by_chance",
    ):
        values: dict[tuple[str, int | str], NDArray] = {}
        for name, people in models.items():
            for size in ("native", small):
                said = [on_limbs(people[k].native if size == "native" else people[k].small)
                        for k in kept]  # fmt: skip
                values[name, size] = np.concatenate(_distances(metric, said, theirs, kept))
        for (name, size), of in values.items():
            add(name, metric, size, cluster_bootstrap(of, who))
        for (name, size), of in values.items():
            if name != first:
                gap = paired_difference(of, values[first, size], who)
                add(name, f"{metric} minus {first}", size, gap)
            if size != "native":
                add(name, f"{metric} minus native", size,
                    paired_difference(of, values[name, "native"], who))  # fmt: skip
    return rows


def _distances(
    metric: str, said: Sequence[Tensor], theirs: Sequence[Answers], kept: Sequence[int]
) -> list[NDArray]:
    """A number (T',) for each frame of each person where BlazePose saw them."""
    mine = [joints[torch.from_numpy(theirs[k].seen)] for joints, k in zip(said, kept, strict=True)]
    true = [theirs[k].joints[torch.from_numpy(theirs[k].seen)] for k in kept]
    if metric == "blazepose_agreement":
        return [mpjpe(a, b).numpy() for a, b in zip(mine, true, strict=True)]
    if metric == "blazepose_pa_agreement":
        return [pa_mpjpe(a, b).numpy() for a, b in zip(mine, true, strict=True)]
    middles = [joints[len(joints) // 2] for joints in true]
    return [
        np.mean([mpjpe(a, m.expand_as(a)).numpy() for j, m in enumerate(middles) if j != n], axis=0)
        for n, a in enumerate(mine)
    ]
