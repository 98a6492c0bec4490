"""Keypoints as annotators give them."""

from __future__ import annotations

import pytest
import torch

from rsclib.data.annotators import SPREAD, as_annotated
from rsclib.people import Labels
from rsclib.skeleton import KEYPOINT_MIRROR, KEYPOINT_NAMES


def people(n: int = 400) -> Labels:
    """Labels whose points fill a box of half the picture's side."""
    rng = torch.Generator().manual_seed(0)
    points = torch.cat([torch.rand(n, 24, 2, generator=rng) - 0.5, torch.ones(n, 24, 1)], 2)
    points[:, 0, :2], points[:, 1, :2] = -0.5, 0.5  # so the box is the same for all
    has = torch.zeros(n, dtype=torch.bool)
    return Labels(
        points, torch.zeros(n, 24, 4), torch.eye(3).expand(n, 24, 3, 3), torch.zeros(n, 10), has,
        has, torch.arange(n),
    )  # fmt: skip


def test_exact_labels_stay_as_they_are() -> None:
    labels = people()
    assert as_annotated(labels, 0, 0, 0, seed=3) is labels


def test_the_same_seed_gives_the_same_errors_and_nothing_else_changes() -> None:
    labels = people()
    once, again = (as_annotated(labels, 1, 0.2, 0.1, seed=3) for _ in range(2))
    other = as_annotated(labels, 1, 0.2, 0.1, seed=4)
    assert torch.equal(once.keypoints2d, again.keypoints2d)
    assert not torch.equal(once.keypoints2d, other.keypoints2d)
    for name in set(Labels._fields) - {"keypoints2d"}:
        assert getattr(once, name) is getattr(labels, name)
    assert torch.equal(people().keypoints2d, labels.keypoints2d), "the labels given were changed"


@pytest.mark.parametrize("times", [0.5, 1.0, 2.0])
def test_points_are_off_by_their_own_spread(times: float) -> None:
    labels = people(4000)
    off = as_annotated(labels, times, 0, 0, seed=0).keypoints2d - labels.keypoints2d
    side = (1.0 * 1.0 * 0.5) ** 0.5  # of the area of a person in a box of side 1
    found = off[..., :2].std(dim=(0, 2)) / side / times
    assert torch.allclose(found, SPREAD, rtol=0.06)
    eye, hip = KEYPOINT_NAMES.index("left eye"), KEYPOINT_NAMES.index("left hip")
    assert found[hip] > 3 * found[eye]
    assert (off[..., 2] == 0).all()


def test_the_share_of_points_goes_missing() -> None:
    found = as_annotated(people(4000), 0, 0.2, 0, seed=0).keypoints2d[..., 2]
    assert float((found == 0).float().mean()) == pytest.approx(0.2, abs=0.01)
    hidden = people(10)
    hidden.keypoints2d[:, 5, 2] = 0
    assert (as_annotated(hidden, 1, 0.2, 0.2, seed=0).keypoints2d[:, [0, 5], 2].sum()) <= 10


def test_limbs_are_swapped_whole() -> None:
    labels = people(4000)
    found = as_annotated(labels, 0, 0, 0.1, seed=0).keypoints2d
    mirrored = labels.keypoints2d[:, KEYPOINT_MIRROR]
    for joints in ([6, 7, 8, 9, 10, 11], [0, 1, 2, 3, 4, 5]):
        as_was = (found[:, joints] == labels.keypoints2d[:, joints]).all((1, 2))
        swapped = (found[:, joints] == mirrored[:, joints]).all((1, 2))
        assert (as_was ^ swapped).all()
        assert float(swapped.float().mean()) == pytest.approx(0.1, abs=0.02)
    assert torch.equal(found[:, 12:], labels.keypoints2d[:, 12:])
