"""Both engines of the rasteriser give one answer, and it is the right one."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rsclib.body import Body, load_body
from rsclib.errors import RscError
from rsclib.geometry import axis_angle_to_rotmat, cam_to_translation
from rsclib.render.rasterize import NEAR, rasterize

needs_pytorch3d = pytest.mark.skipif(
    importlib.util.find_spec("pytorch3d") is None, reason="pytorch3d has no wheel for this platform"
)
FIELDS = ("pix_to_face", "zbuf", "bary_coords", "dists")


@pytest.fixture(scope="module")
def body() -> Body:
    return load_body()


def people(body: Body, count: int) -> Tensor:
    """Random bodies (count, 6890, 3) before the camera, some of them not upright."""
    rotmats = axis_angle_to_rotmat(torch.randn(count, 24, 3) * 0.3)
    upright = axis_angle_to_rotmat(torch.tensor([[np.pi, 0.0, 0.0]]))
    rotmats[:, 0] = axis_angle_to_rotmat(torch.randn(count, 3)) @ upright
    cam = torch.tensor([[0.9, 0.1, -0.1]]).expand(count, 3)
    vertices = body(rotmats, torch.randn(count, 10)).vertices
    assert vertices is not None
    return vertices + cam_to_translation(cam)[:, None]


@needs_pytorch3d
@pytest.mark.parametrize("size", [64, 128])
def test_engines_agree_on_the_body(body: Body, size: int) -> None:
    vertices = people(body, 4)
    ours = rasterize(vertices, body.faces, size)
    theirs = rasterize(vertices, body.faces, size, backend="pytorch3d")
    for name in FIELDS:
        a, b = getattr(ours, name), getattr(theirs, name)
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
    inside = (ours.pix_to_face >= 0) | (theirs.pix_to_face >= 0)
    equal = ours.pix_to_face == theirs.pix_to_face
    assert inside.float().mean() > 0.03
    assert equal[inside].float().mean() >= 0.999
    same = equal & inside
    relative = (ours.zbuf - theirs.zbuf).abs() / theirs.zbuf
    assert relative[same].max() < 1e-4
    assert (ours.bary_coords - theirs.bary_coords)[same].abs().max() < 1e-3
    assert (ours.dists - theirs.dists)[same].abs().max() < 1e-6
    nothing = ours.pix_to_face < 0
    for fragments in (ours, theirs):
        empty = fragments.pix_to_face < 0
        assert all((getattr(fragments, name)[empty] == -1).all() for name in FIELDS)
    assert nothing.any(), "the bodies fill the image: nothing was tested outside"


@pytest.mark.parametrize("backend", ["zbuffer", pytest.param("pytorch3d", marks=needs_pytorch3d)])
def test_face_ids_are_packed(body: Body, backend: Any) -> None:
    vertices = people(body, 3)
    whole = rasterize(vertices, body.faces, 32, backend=backend)
    for b in range(3):
        alone = rasterize(vertices[b : b + 1], body.faces, 32, backend=backend)
        hit = alone.pix_to_face >= 0
        expected = torch.where(hit, alone.pix_to_face + b * len(body.faces), -1)
        assert torch.equal(whole.pix_to_face[b : b + 1], expected)
        assert torch.equal(whole.zbuf[b : b + 1], alone.zbuf)


@needs_pytorch3d
def test_pytorch3d_draws_with_the_fragments(body: Body) -> None:
    """Interpolated by pytorch3d, the vertices come back where the pixels look."""
    from pytorch3d.ops import interpolate_face_attributes

    vertices, size = people(body, 2), 48
    fragments = rasterize(vertices, body.faces, size)
    corners = vertices[:, body.faces].flatten(0, 1)  # (B F, 3, 3), packed like the ids
    points = interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, corners)
    hit = fragments.pix_to_face[..., 0] >= 0
    seen = points[..., 0, :][hit]
    pixels = seen[:, :2] / seen[:, 2:] * (5000 * size / 224) + size / 2
    _, rows, columns = hit.nonzero(as_tuple=True)
    assert (pixels - torch.stack([columns, rows], 1) - 0.5).abs().max() < 1e-2
    assert torch.allclose(seen[:, 2], fragments.zbuf[..., 0][hit], rtol=1e-5)


def wrong_pixels(vertices: Tensor, faces: Tensor, size: int, focal: float, got: Tensor) -> int:
    """Pixels of (S, S) face ids that no rounding excuses, by a float64 loop over the faces.

    A face may be chosen where it covers the pixel and nothing is before it, both within a
    tolerance; none where no face covers the pixel by more than that. Slivers may be drawn or not.
    """
    points = vertices.double().numpy()
    centre = np.arange(size) + 0.5 - size / 2
    x, y = np.meshgrid(centre, centre)
    # How far inside each face the pixel is, and its depth there; one more row for "no face".
    margin = np.full((len(faces) + 1, size, size), -np.inf)
    depth = np.full((len(faces) + 1, size, size), np.inf)
    sliver = np.zeros(len(faces) + 1, bool)
    for f, face in enumerate(faces.numpy()):
        p = points[face]
        if (p[:, 2] <= NEAR).any():
            continue
        u, v = p[:, 0] / p[:, 2] * focal, p[:, 1] / p[:, 2] * focal
        area = (u[1] - u[0]) * (v[2] - v[0]) - (v[1] - v[0]) * (u[2] - u[0])
        sliver[f] = abs(area) < 0.01
        if area < -0.01:  # y is down: the front
            weights = np.stack(
                [
                    ((u[a] - x) * (v[b] - y) - (v[a] - y) * (u[b] - x)) / area
                    for a, b in ((1, 2), (2, 0), (0, 1))
                ]
            )
            margin[f], depth[f] = weights.min(0), 1 / np.tensordot(1 / p[:, 2], weights, 1)
    surely = margin > 1e-3
    nearest = np.where(surely, depth, np.inf).min(0)
    chosen = got.numpy()
    rows, columns = np.indices(chosen.shape)
    covers = margin[chosen, rows, columns] > -1e-3
    before = depth[chosen, rows, columns] <= nearest * (1 + 1e-3)
    wrong = np.where(chosen < 0, surely.any(0), ~(covers & before))
    return int((wrong & ~sliver[chosen]).sum())


# Eighths put corners on pixel centres, edges on rows, and faces on each other or onto a line.
eighths = st.integers(-16, 16).map(lambda i: i / 8)
depths = st.one_of(st.integers(4, 24).map(lambda i: i / 8), st.sampled_from([-1.0, 0.0, 0.005]))
corner = st.tuples(eighths, eighths, depths)
triangles = st.lists(st.tuples(corner, corner, corner), min_size=1, max_size=6)


@pytest.mark.parametrize("backend", ["zbuffer", pytest.param("pytorch3d", marks=needs_pytorch3d)])
@settings(max_examples=150)
@given(triangles)
def test_any_triangles(backend: Any, corners: list[Any]) -> None:
    """Order in depth, edges, back faces, degenerate faces, faces behind the camera."""
    vertices = torch.tensor(corners).view(-1, 3)
    faces = torch.arange(len(vertices)).view(-1, 3)
    size, focal = 12, 6.0
    fragments = rasterize(vertices[None], faces, size, focal, backend=backend)
    ids = fragments.pix_to_face[0, ..., 0]
    assert wrong_pixels(vertices, faces, size, focal, ids) == 0
    hit = fragments.pix_to_face >= 0
    weights = fragments.bary_coords[hit]
    assert torch.allclose(weights.sum(-1), torch.ones(len(weights)), atol=1e-3)
    assert (fragments.zbuf[hit] > 0).all()
    assert (fragments.dists[hit] <= 0).all()


def test_the_principal_point_moves_the_picture() -> None:
    vertices = torch.tensor([[[-0.5, -0.5, 2.0], [0.0, 0.5, 2.0], [0.5, -0.5, 2.0]]])
    faces = torch.tensor([[0, 1, 2]])
    middle = rasterize(vertices, faces, 16, 16.0).pix_to_face[0, ..., 0]
    moved = rasterize(vertices, faces, 16, 16.0, (11.0, 6.0)).pix_to_face[0, ..., 0]
    assert (middle >= 0).any()
    assert torch.equal(middle.roll((-2, 3), (0, 1)), moved)
    if importlib.util.find_spec("pytorch3d"):
        theirs = rasterize(vertices, faces, 16, 16.0, (11.0, 6.0), "pytorch3d")
        assert torch.equal(moved, theirs.pix_to_face[0, ..., 0])


def test_mistakes_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    vertices, faces = torch.ones(1, 3, 3), torch.tensor([[0, 1, 2]])
    with pytest.raises(RscError, match="there are 3"):
        rasterize(vertices, faces + torch.tensor([0, 0, 1]), 8)
    with pytest.raises(RscError, match="NaN"):
        rasterize(vertices * torch.nan, faces, 8)
    with pytest.raises(RscError, match="B, V, 3"):
        rasterize(vertices[0], faces, 8)
    with pytest.raises(RscError, match="backend"):
        rasterize(vertices, faces, 8, backend="opengl")  # type: ignore[arg-type]
    with pytest.raises(RscError, match="at least 1 pixel"):
        rasterize(vertices, faces, 0)
    monkeypatch.setitem(sys.modules, "pytorch3d.structures", None)
    with pytest.raises(RscError, match="not installed"):
        rasterize(vertices, faces, 8, backend="pytorch3d")


def test_no_faces_and_no_meshes() -> None:
    nothing = rasterize(torch.ones(2, 3, 3), torch.zeros(0, 3, dtype=torch.long), 4)
    assert (nothing.pix_to_face == -1).all()
    assert rasterize(torch.ones(0, 3, 3), torch.tensor([[0, 1, 2]]), 4).zbuf.shape == (0, 4, 4, 1)
