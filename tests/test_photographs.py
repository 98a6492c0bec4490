"""Damage as photographs have it (rsclib.data.photographs)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rsclib.config import checked, read_settings
from rsclib.data import photographs as P
from rsclib.data.batches import mixed_batch
from rsclib.errors import RscError
from rsclib.methods.rsc import RscConfig
from rsclib.methods.spin import SpinConfig
from rsclib.people import Labels, People
from rsclib.resolution import EDU, degrade, enlarge

SIDE = 32


def labels_of(points: torch.Tensor) -> Labels:
    n = len(points)
    return Labels(
        points, torch.zeros(n, 24, 4), torch.eye(3).expand(n, 24, 3, 3), torch.zeros(n, 10),
        torch.ones(n, dtype=torch.bool), torch.ones(n, dtype=torch.bool), torch.arange(n),
    )  # fmt: skip


def pictures(n: int, side: int = SIDE) -> torch.Tensor:
    made = np.random.default_rng(0).integers(0, 256, (n, 3, side, side))
    return torch.from_numpy(made.astype(np.uint8))


@settings(deadline=None, max_examples=60)
@given(
    x=st.integers(4, SIDE - 5), y=st.integers(4, SIDE - 5),
    dx=st.integers(-8, 8), dy=st.integers(-8, 8),
)  # fmt: skip
def test_a_point_and_its_pixel_move_alike(x: int, y: int, dx: int, dy: int) -> None:
    image = torch.zeros(1, 3, SIDE, SIDE)
    image[0, :, y, x] = 1
    points = torch.zeros(1, 24, 3)
    points[..., 0], points[..., 1], points[..., 2] = (
        (2 * x + 1) / SIDE - 1,
        (2 * y + 1) / SIDE - 1,
        1,
    )
    out, labels = P.shifted(image, labels_of(points), torch.tensor([[dx, dy]]))
    inside = 0 <= x + dx < SIDE and 0 <= y + dy < SIDE
    assert bool((labels.keypoints2d[..., 2] == float(inside)).all())
    if inside:
        at = ((labels.keypoints2d[0, 0, :2] + 1) * SIDE / 2 - 0.5).round().long()
        assert out[0, 0, at[1], at[0]] == 1
        assert at.tolist() == [x + dx, y + dy]


def test_a_shift_repeats_the_edge_and_leaves_the_body() -> None:
    images = pictures(2).float()
    labels = labels_of(torch.zeros(2, 24, 3))
    out, moved = P.shifted(images, labels, torch.tensor([[3, 0], [0, 0]]))
    assert torch.equal(out[1], images[1])
    assert torch.equal(out[0, :, :, 3:], images[0, :, :, :-3])
    assert torch.equal(out[0, :, :, :3], images[0, :, :, :1].expand(-1, -1, 3))
    assert torch.equal(moved.rotmats, labels.rotmats)
    assert torch.equal(moved.keypoints3d, labels.keypoints3d)


def test_shifts_stay_within_their_share() -> None:
    shift = P.random_shift(500, 128, np.random.default_rng(0))
    assert int(shift.abs().max()) == round(P.SHIFT * 128)
    assert shift.float().mean().abs() < 1.5


def test_nothing_is_done_where_nothing_is_drawn() -> None:
    images = pictures(3)
    none = P.Damage(np.zeros(3), np.zeros(3), np.zeros(3, int))
    out = P.damaged(images, none, np.random.default_rng(0))
    assert torch.equal(out, images) and out is not images


def test_each_kind_does_what_it_says() -> None:
    flat = torch.full((1, 3, 64, 64), 128, dtype=torch.uint8)
    nothing, amount = np.zeros(1), np.ones(1)
    noisy = P.damaged(
        flat, P.Damage(nothing, 10 * amount, nothing.astype(int)), np.random.default_rng(0)
    )
    assert noisy.float().std() == pytest.approx(10, rel=0.1)
    rough = pictures(1, 64)
    blurred = P.damaged(
        rough, P.Damage(amount, nothing, nothing.astype(int)), np.random.default_rng(0)
    )
    assert blurred.float().std() < 0.5 * rough.float().std()
    soft = enlarge(pictures(1, 8), 64)[0]
    coarse, fine = (P.as_jpeg(soft, q).float() - soft.float() for q in (15, 90))
    assert coarse.square().mean() > 4 * fine.square().mean() > 0


def test_about_half_of_the_pictures_have_each_kind() -> None:
    drawn = P.random_damage(1000, np.random.default_rng(0))
    for kind in drawn:
        assert 0.44 < (kind > 0).mean() < 0.56
    assert drawn.quality[drawn.quality > 0].min() >= P.QUALITY[0]


@pytest.mark.parametrize("size", [5, 16, SIDE])
def test_small_pictures_keep_the_side_and_lose_detail(size: int) -> None:
    images = pictures(8)
    out = P.photographed(images, size, np.random.default_rng(0))
    assert out.shape == images.shape and out.dtype == torch.uint8
    assert not torch.equal(out, degrade(images, size))


def people() -> People:
    points = torch.zeros(8, 24, 3)
    points[..., 2] = 1
    return People(pictures(8, 128), labels_of(points), lab=4)


def test_the_other_draws_of_a_batch_are_the_same() -> None:
    options = {"scales": 5, "batch": 4, "seed": 3, "lab_share": 0.5, "rotation": 10.0, "scale": 0.1}
    clean, harmed = (
        mixed_batch(people(), EDU, 7, photographed=p, **options)  # type: ignore[arg-type]
        for p in (False, True)
    )
    assert torch.equal(clean.labels.ids, harmed.labels.ids)
    assert torch.equal(clean.range_index, harmed.range_index)
    assert torch.equal(clean.labels.rotmats, harmed.labels.rotmats)
    assert not torch.equal(clean.labels.keypoints2d, harmed.labels.keypoints2d)
    assert not torch.equal(clean.images, harmed.images)
    again = mixed_batch(people(), EDU, 7, photographed=True, **options)  # type: ignore[arg-type]
    assert torch.equal(harmed.images, again.images)


def test_the_preset_is_read_and_fits_refuse_it() -> None:
    values = read_settings("photo")
    config = checked(RscConfig, {k: v for k, v in values.items() if k != "method"}, "photo")
    assert config.photographed and config.init == "full" and config.wild_labels == "varied"
    with pytest.raises(RscError, match="photographed moves boxes"):
        SpinConfig(photographed=True).check("x")


def test_released_pixels_stretch_the_small_images_alone() -> None:
    dull = people()
    dull = People((dull.images // 4 + 90).byte(), dull.labels, lab=4)
    options = {"scales": 3, "batch": 4, "seed": 3, "lab_share": 0.5, "rotation": 0.0, "scale": 0.0}
    plain, released = (
        mixed_batch(dull, EDU, 7, pixels=p, **options)  # type: ignore[arg-type]
        for p in ("plain", "released")
    )
    assert torch.equal(plain.images[:4], released.images[:4])  # the full size
    small = slice(4, None)
    assert (
        released.images[small].flatten(1).std(1) > 1.5 * plain.images[small].flatten(1).std(1)
    ).all()
    assert torch.equal(plain.labels.keypoints2d, released.labels.keypoints2d)
