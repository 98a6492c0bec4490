"""Textured bodies: the look-up against pytorch3d, against a sparse matrix, against plain colours."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from rsclib.body import Body, load_body
from rsclib.errors import RscError
from rsclib.geometry import axis_angle_to_rotmat, cam_to_translation, project
from rsclib.render import uv as R

needs_pytorch3d = pytest.mark.skipif(
    importlib.util.find_spec("pytorch3d") is None, reason="pytorch3d has no wheel here"
)
CAM = torch.tensor([[0.9, 0.05, -0.03], [0.8, 0.0, 0.1]])
HEIGHT, WIDTH = 64, 32


@pytest.fixture(scope="module")
def body() -> Body:
    return load_body()


@pytest.fixture(scope="module")
def atlas(body: Body) -> R.Atlas:
    return R.Atlas.of(body)


@pytest.fixture(scope="module")
def vertices(body: Body) -> Tensor:
    """Two posed bodies about their origins, camera axes."""
    generator = torch.Generator().manual_seed(0)
    rotmats = axis_angle_to_rotmat(torch.randn(2, 24, 3, generator=generator) * 0.3)
    rotmats[:, 0] = axis_angle_to_rotmat(torch.tensor([torch.pi, 0, 0])) @ rotmats[:, 0]
    found = body(rotmats, torch.randn(2, 10, generator=generator)).vertices
    assert found is not None
    return found


@pytest.fixture(scope="module")
def pictures(vertices: Tensor, atlas: R.Atlas) -> R.UvPictures:
    placed = vertices + cam_to_translation(CAM)[:, None]
    return R.rasterise_uv(placed, atlas, R.weak_perspective(HEIGHT, WIDTH), HEIGHT, WIDTH)


@needs_pytorch3d
def test_equals_pytorch3d_and_so_does_its_gradient(
    vertices: Tensor, atlas: R.Atlas, pictures: R.UvPictures
) -> None:
    texture = torch.rand(2, 3, 48, 48, requires_grad=True)
    camera = R.pytorch3d_camera(CAM, HEIGHT, WIDTH)
    wanted = R.reference(texture, vertices, atlas, camera, HEIGHT, WIDTH)
    found = R.look_up(texture, *pictures.at(slice(None)))
    assert pictures.mask.mean() > 0.1
    assert (found - wanted).abs().max() < 1 / 255
    weights = torch.rand_like(found)
    gradients = [torch.autograd.grad((x * weights).sum(), texture)[0] for x in (wanted, found)]
    assert (gradients[0] - gradients[1]).norm() < 0.01 * gradients[0].norm()


@needs_pytorch3d
def test_the_pinhole_is_pytorch3ds(vertices: Tensor, atlas: R.Atlas) -> None:
    intrinsics = torch.tensor([[110.0, 14.0, 30.0]])
    placed = vertices[:1] + torch.tensor([0.1, 0.2, 4.0])
    texture = torch.rand(1, 3, 16, 16)
    camera = R.pytorch3d_pinhole(intrinsics, HEIGHT, WIDTH)
    wanted = R.reference(texture, placed, atlas, camera, HEIGHT, WIDTH)
    seen = R.rasterise_uv(placed, atlas, intrinsics.numpy(), HEIGHT, WIDTH)
    assert (R.look_up(texture, *seen.at([0])) - wanted).abs().max() < 1 / 255


@needs_pytorch3d
def test_the_regressors_camera_is_converted(vertices: Tensor) -> None:
    """A point falls where Eq. 3 puts it."""
    camera = R.pytorch3d_camera(CAM, 128, 64)
    points = vertices[:, ::500]
    screen = camera.transform_points_screen(points)[..., :2]
    flat = project(points, CAM)  # [-1, 1] over a square of 128 px, of which the middle is kept
    wanted = (flat + 1) * 64 - torch.tensor([32.0, 0.0])
    torch.testing.assert_close(screen, wanted, atol=2e-3, rtol=0)


def test_the_hard_look_up_is_a_sparse_matrix(pictures: R.UvPictures) -> None:
    """One texel a pixel, and the gradient goes to that texel alone."""
    side = 20
    texture = torch.rand(1, 3, side, side, requires_grad=True)
    uv, mask = pictures.at([0])
    column = (uv[0, ..., 0] * side).long().clamp(max=side - 1)
    row = ((1 - uv[0, ..., 1]) * side).long().clamp(max=side - 1)
    inside = mask[0, 0] > 0
    pixel = torch.nonzero(inside.flatten())[:, 0]
    texel = (row * side + column)[inside]
    matrix = torch.zeros(inside.numel(), side * side)  # sparse in the baseline's code
    matrix[pixel, texel] = 1
    wanted = (matrix @ texture[0].flatten(1).T).T.view(3, *inside.shape)
    found = R.look_up(texture, uv, mask, "nearest")[0]
    # Between two texels the rounding may choose either.
    close = (found - wanted).abs().amax(0) < 1e-6
    assert close.float().mean() > 0.999
    soft = R.look_up(texture, uv, mask)[0]
    assert (soft - wanted).abs().max() > 0.1, "bilinear is something else"


@given(st.tuples(*[st.floats(0, 1, width=32)] * 3))
def test_a_plain_texture_fills_the_mask(colour: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(0)
    pictures = R.UvPictures(
        rng.integers(0, 65536, (1, 6, 5, 2)).astype(np.uint16), rng.random((1, 6, 5)) < 0.5
    )
    plain = torch.tensor(colour).view(1, 3, 1, 1)
    uv, mask = pictures.at([0])
    for how in ("bilinear", "nearest"):
        seen = R.look_up(plain.expand(1, 3, 9, 9), uv, mask, how)
        torch.testing.assert_close(seen, plain * mask)
    behind = torch.rand(1, 3, 6, 5)
    mixed = R.composite(plain * mask, mask, behind)
    torch.testing.assert_close(mixed, torch.where(mask > 0, plain.expand(1, 3, 6, 5), behind))


def test_a_ramp_gives_back_u_and_v(pictures: R.UvPictures) -> None:
    """Row 0 of a map is v = 1, and texel centres lie at integers + 0.5."""
    side = 64
    middle = (torch.arange(side) + 0.5) / side
    ramp = torch.stack([middle.expand(side, side), (1 - middle)[:, None].expand(side, side)])[None]
    uv, mask = pictures.at([1])
    seen = R.look_up(torch.cat([ramp, ramp[:, :1]], 1), uv, mask)[:, :2]
    inner = (mask > 0) & ((uv > 1 / side) & (uv < 1 - 1 / side)).all(-1)[:, None]
    wanted = uv.permute(0, 3, 1, 2)
    assert inner.sum() > 100
    assert ((seen - wanted).abs() * inner).max() < 1e-3


def test_each_pixel_is_on_its_face(
    vertices: Tensor, atlas: R.Atlas, pictures: R.UvPictures
) -> None:
    """Carry every pixel's (u, v) back to the body and project that point: it is the pixel's."""
    placed = (vertices + cam_to_translation(CAM)[:, None])[0].numpy()
    corners = atlas.uv[atlas.uv_faces].astype(np.float64)
    uv, mask = pictures.at([0])
    rows, columns = np.nonzero(mask[0, 0].numpy())
    for i in range(0, len(rows), 60):
        row, column = rows[i], columns[i]
        at = uv[0, row, column].numpy().astype(np.float64)
        a, b, c = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        area = b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0]
        area = np.where(area == 0, np.inf, area)
        p = at - a
        s = (p[:, 0] * c[:, 1] - p[:, 1] * c[:, 0]) / area
        t = (b[:, 0] * p[:, 1] - b[:, 1] * p[:, 0]) / area
        inside = np.minimum(np.minimum(s, t), 1 - s - t) > -0.02
        weights = np.stack([1 - s - t, s, t], 1)[inside]
        points = np.einsum("fk,fkc->fc", weights, placed[atlas.faces[inside]])
        focal, x, y = R.weak_perspective(HEIGHT, WIDTH)
        screen = points[:, :2] / points[:, 2:] * focal + [x, y]
        miss = np.abs(screen - [column + 0.5, row + 0.5]).max(1).min()
        assert miss < 0.1


def test_what_cannot_be_drawn_is_one_line(vertices: Tensor, atlas: R.Atlas, body: Body) -> None:
    with pytest.raises(RscError, match="vertices"):
        R.rasterise_uv(vertices[:, :100], atlas, R.weak_perspective(8, 4), 8, 4)
    with pytest.raises(RscError, match="NaN"):
        R.rasterise_uv(vertices * torch.nan, atlas, R.weak_perspective(8, 4), 8, 4)
    bare = load_body()
    bare.uv = None
    with pytest.raises(RscError, match="no UV map"):
        R.Atlas.of(bare)
