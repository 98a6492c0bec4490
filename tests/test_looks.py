"""Several looks at one person (rsclib.looks)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rsclib import looks as K
from rsclib.crops import cut
from rsclib.geometry import axis_angle_to_rotmat, cam_to_translation, project
from rsclib.mirror import mean_of_two_looks
from rsclib.network import Prediction
from rsclib.predictor import NetPredictor, predictor_named

rng = np.random.default_rng(0)


def answer(count: int, seed: int = 0) -> Prediction:
    draw = torch.Generator().manual_seed(seed)
    rotmats = axis_angle_to_rotmat(torch.randn(count, 24, 3, generator=draw) * 0.3)
    cam = torch.tensor([0.9, 0.05, -0.1]).repeat(count, 1)
    return Prediction(
        rotmats, torch.randn(count, 10), cam, torch.zeros(count, 4), torch.zeros(count, 2)
    )


def test_the_squares_are_about_the_first() -> None:
    squares = K.squares_about((10.0, 20.0, 40.0))
    np.testing.assert_allclose(squares[0], (10, 20, 40))
    np.testing.assert_allclose(squares[:, 2], [40, 36, 36, 44, 44])
    middles = squares[:, :2] + squares[:, 2:] / 2
    np.testing.assert_allclose(middles.mean(0), (30, 40))  # nowhere else on the whole
    assert np.abs(middles - (30, 40)).max() == pytest.approx(2)


@settings(deadline=None, max_examples=25)
@given(
    scale=st.floats(0.5, 1.2), right=st.floats(-0.3, 0.3), down=st.floats(-0.3, 0.3),
    side=st.floats(20, 300),
)  # fmt: skip
def test_a_camera_comes_back_to_the_first_square(
    scale: float, right: float, down: float, side: float
) -> None:
    """Points fall on the same pixels of the picture, by the camera of whichever square."""
    points = torch.randn(5, 7, 3, generator=torch.Generator().manual_seed(1)) * 0.4
    cam = torch.tensor([[scale, right, down]]).repeat(5, 1)
    prediction = answer(5)._replace(cam=cam)
    places = torch.from_numpy(K.squares_about((30.0, 40.0, side))).float()

    def pixels(cams: torch.Tensor, squares: torch.Tensor) -> torch.Tensor:
        # Without depth: a scaled orthographic camera, which Eq. 3's long lens nearly is.
        flat = cams[:, None, :1] * (points[..., :2] + cams[:, None, 1:])
        return squares[:, None, :2] + (flat + 1) / 2 * squares[:, None, 2:]

    there = pixels(cam, places)
    back = pixels(K.from_squares(prediction).cam, places[:1].expand(5, -1))
    assert torch.allclose(there, back, atol=1e-3 * side)
    placed = project(points, K.from_squares(prediction).cam)
    assert cam_to_translation(K.from_squares(prediction).cam)[:, 2].gt(0).all()
    assert placed.shape == (5, 7, 2)


def test_the_mean_of_equal_answers_is_the_answer() -> None:
    one = answer(1, 3)
    mean = K.mean_of_looks([one] * 4)
    for got, want in zip(mean, one, strict=True):
        assert torch.allclose(got, want, atol=1e-5)
    several = answer(6)
    looks = [Prediction(*(v[k : k + 2] for v in several)) for k in (0, 2, 4)]
    mixed = K.mean_of_looks(looks)
    assert mixed.cam.shape == (2, 3)
    assert torch.allclose(
        mixed.rotmats @ mixed.rotmats.mT, torch.eye(3).expand(2, 24, 3, 3), atol=1e-5
    )
    assert torch.allclose(torch.linalg.det(mixed.rotmats), torch.ones(2, 24), atol=1e-5)


@pytest.fixture(scope="module")
def predictor() -> NetPredictor:
    return predictor_named("full")


def test_one_two_and_ten(predictor: NetPredictor) -> None:
    """One is the network's word, two is the mean with the mirror image, ten is the naive loop's."""
    picture = rng.integers(0, 256, (90, 120, 3)).astype(np.uint8)
    square = (20.0, 10.0, 60.0)
    first = cut(picture, square, predictor.ranges.full).copy()
    image = torch.from_numpy(first).permute(2, 0, 1)[None]
    alone, mirrored = predictor(image, 60), predictor(image.flip(3), 60)
    one, two, ten = (K.look_at(picture, square, first, 60, predictor, n) for n in (1, 2, 10))  # type: ignore[arg-type]
    for looked in (one, two, ten):
        assert torch.allclose(looked.straight.rotmats, alone.rotmats, atol=1e-4)
        assert torch.allclose(looked.mirrored.rotmats, mirrored.rotmats, atol=1e-4)
    assert torch.allclose(one.taken.rotmats, alone.rotmats, atol=1e-4)
    wanted = mean_of_two_looks(alone, mirrored)
    for name in ("rotmats", "betas", "cam"):
        assert torch.allclose(getattr(two.taken, name), getattr(wanted, name), atol=1e-4)
    betas = []
    for place in K.squares_about(square):
        seen = cut(picture, place.tolist(), predictor.ranges.full).copy()
        view = torch.from_numpy(seen).permute(2, 0, 1)[None]
        betas += [predictor(v, 60).betas for v in (view, view.flip(3))]
    assert torch.allclose(ten.taken.betas, torch.cat(betas).mean(0, keepdim=True), atol=1e-4)
    assert ten.taken.rotmats.shape == (1, 24, 3, 3)


def test_a_camera_that_sees_next_to_nothing_stays_finite() -> None:
    gone = answer(5)._replace(cam=torch.tensor([[0.0, 0.1, 0.2]]).repeat(5, 1))
    back = K.from_squares(gone).cam
    assert bool(back.isfinite().all()) and back.abs().max() < 3
