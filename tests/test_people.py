"""One record from the data to the losses: nothing changes shape or place on the way."""

from __future__ import annotations

import torch

from rsclib.geometry import axis_angle_to_rotmat
from rsclib.people import Labels, People
from rsclib.skeleton import (
    J14_BONES,
    J14_MIRROR,
    J14_NAMES,
    KEYPOINT_MIRROR,
    KEYPOINT_NAMES,
    SMPL_MIRROR,
    SMPL_NAMES,
    from_hips,
)
from tests.toys import random_arrays


def test_a_part_becomes_people() -> None:
    arrays = random_arrays(6)
    people = People.of(arrays)
    assert people.images.shape == (6, 3, 128, 128) and people.images.dtype == torch.uint8
    assert torch.equal(people.images[2, 1], torch.from_numpy(arrays["images"][2, :, :, 1]))
    labels = people.labels
    assert torch.equal(labels.keypoints3d[..., :3], torch.from_numpy(arrays["keypoints3d"]))
    assert (labels.keypoints3d[..., 3] == 1).all() and labels.has_3d.all() and labels.has_smpl.all()
    pose = axis_angle_to_rotmat(torch.from_numpy(arrays["pose"]).view(6, 24, 3))
    assert torch.equal(labels.rotmats, pose)
    assert people.dense is not None and people.dense.shape == (6, 32, 32, 4)


def test_without_3d_truth_nothing_claims_it() -> None:
    arrays = random_arrays(6)
    for key in ("pose", "betas", "keypoints3d", "joints14", "dense"):
        del arrays[key]
    people = People.of(arrays)
    assert not people.labels.has_3d.any() and not people.labels.has_smpl.any()
    assert people.dense is None


def test_joined_people_keep_their_labels_and_get_new_numbers() -> None:
    both = People.join(People.of(random_arrays(4)), People.of(random_arrays(6)))
    assert len(both) == 10 and both.labels.ids.tolist() == list(range(10))
    assert torch.equal(both.labels.betas[4:], People.of(random_arrays(6)).labels.betas)
    chosen = torch.tensor([7, 1])
    some = both.labels.at(chosen)
    for name in Labels._fields:
        assert torch.equal(getattr(some, name), getattr(both.labels, name)[chosen]), name


def test_mirrors_swap_left_and_right() -> None:
    for names, mirror in (
        (SMPL_NAMES, SMPL_MIRROR), (J14_NAMES, J14_MIRROR), (KEYPOINT_NAMES, KEYPOINT_MIRROR),
    ):  # fmt: skip
        assert sorted(mirror) == list(range(len(names)))
        for name, other in zip(names, mirror, strict=True):
            swapped = name.replace("left", "?").replace("right", "left").replace("?", "right")
            assert names[other] == swapped
    assert {i for bone in J14_BONES for i in bone} == set(range(14))


def test_from_hips_moves_the_middle_of_the_hips_to_the_origin() -> None:
    points = torch.randn(3, 24, 3)
    got = from_hips(points)
    assert (got[:, 2] + got[:, 3]).abs().max() < 1e-6
    assert torch.allclose(got[:, 5] - got[:, 9], points[:, 5] - points[:, 9], atol=1e-6)
    assert torch.allclose(from_hips(points + 7), got, atol=1e-5)
