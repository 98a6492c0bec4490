"""The body model: SMPL's layout, on the shipped open body or a licensed SMPL file (Section 3.1).

``smplx`` does the skinning; this module finds the arrays, checks them and names the joints. The
open body (CC0, see ``assets/open_body.md``) has SMPL's counts and order, so all that follows runs
the same on either. Body frame: y up, the face towards +z, the left side +x; metres.
"""

from __future__ import annotations

import contextlib
import io
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
import smplx
import torch
from smplx.lbs import lbs
from smplx.utils import Struct
from torch import Tensor, nn

from rsclib.errors import RscError
from rsclib.safe_pickle import load_smpl_pickle

OPEN_BODY = Path(__file__).parent / "assets" / "open_body.npz"
VERTICES, FACES, JOINTS, BETAS = 6890, 13776, 24, 10
POSE_BASIS = 9 * (JOINTS - 1)

# joints49 in the pool of 54 = 24 joints, 21 mesh vertices, 9 rows of J_regressor_extra.
OPENPOSE_25 = (24, 12, 17, 19, 21, 16, 18, 20, 0, 2, 5, 8, 1, 4, 7, *range(25, 35))
GROUND_TRUTH_24 = (8, 5, 45, 46, 4, 7, 21, 19, 17, 16, 18, 20, *range(47, 54), 24, 26, 25, 28, 27)
# The 14 evaluation joints in the 17 rows of J_regressor_h36m.
H36M_TO_J14 = (6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10)
J14_NAMES = tuple(
    "R ankle,R knee,R hip,L hip,L knee,L ankle,R wrist,R elbow,R shoulder,L shoulder,L elbow,"
    "L wrist,neck,head top".split(",")
)
J14_BONES = (
    (0, 1), (1, 2), (2, 12), (12, 3), (3, 4), (4, 5), (6, 7), (7, 8), (8, 12), (12, 9), (9, 10),
    (10, 11), (12, 13),
)  # fmt: skip

_SHAPES: dict[str, tuple[int, ...]] = {
    "v_template": (VERTICES, 3),
    "weights": (VERTICES, JOINTS),
    "J_regressor": (JOINTS, VERTICES),
    "J_regressor_extra": (9, VERTICES),
    "J_regressor_h36m": (17, VERTICES),
    "kintree_table": (2, JOINTS),
    "f": (FACES, 3),
}
_BESIDE = {
    "J_regressor_extra.npy": "the nine extra training joints (9, 6890)",
    "J_regressor_h36m.npy": "the joints that every table scores (17, 6890)",
}


class BodyOutput(NamedTuple):
    """A posed body, in metres, in the frame that ``rotmats[:, 0]`` turns it to.

    ``vertices`` (B, 6890, 3), None from :meth:`Body.joints`; ``joints24`` (B, 24, 3) the skeleton;
    ``joints49`` (B, 49, 3) 25 OpenPose, then 24 ground-truth joints; ``joints14`` (B, 14, 3) the
    evaluation joints **relative to** ``pelvis`` (B, 1, 3), row 0 of the H36M regressor, which is
    how the paper's tables centre them.
    """

    vertices: Tensor | None
    joints24: Tensor
    joints49: Tensor
    joints14: Tensor
    pelvis: Tensor


class Body(nn.Module):
    """f_SMPL of Eq. 1 with its joint regressors (make one with :func:`load_body`).

    It holds buffers only, nothing to train and nothing in ``state_dict``.

    Attributes: ``name`` "open" or "smpl"; ``faces`` (13776, 3) int64; ``parents`` list of 24 with
    -1 at the root; ``part_of_vertex`` (6890,) the joint with the largest skinning weight; ``uv``
    (T, 2), ``uv_faces`` (13776, 3) and ``mirror`` (6890,) the vertex at (-x, y, z): tensors, None
    where a licensed file has none.
    """

    faces: Tensor
    part_of_vertex: Tensor
    uv: Tensor | None
    uv_faces: Tensor | None
    mirror: Tensor | None
    regressor_extra: Tensor
    regressor_h36m: Tensor
    pool_to_49: Tensor
    h36m_to_14: Tensor
    fast_template: Tensor
    fast_shapedirs: Tensor
    fast_posedirs: Tensor
    fast_regressor: Tensor
    fast_weights: Tensor
    fast_extra: Tensor
    fast_h36m: Tensor
    fast_picked: Tensor

    def __init__(self, arrays: Mapping[str, Any], name: str) -> None:
        """Take arrays that :func:`check_arrays` has passed."""
        super().__init__()
        self.name = name
        keys = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f")
        struct = Struct(**{key: arrays[key] for key in keys})
        with contextlib.redirect_stdout(io.StringIO()):  # smplx warns of "only" ten betas
            self.smpl = smplx.SMPL(
                "",
                data_struct=struct,
                create_betas=False,
                create_global_orient=False,
                create_body_pose=False,
                create_transl=False,
            )
        self.parents = [int(p) for p in self.smpl.parents]
        self._keep("faces", self.smpl.faces_tensor.clone())
        self._keep("part_of_vertex", self.smpl.lbs_weights.argmax(1))
        for key, dtype in (("uv", torch.float32), ("uv_faces", torch.long), ("mirror", torch.long)):
            value = arrays.get(key)
            self._keep(key, None if value is None else torch.as_tensor(value).to(dtype))
        self._keep("regressor_extra", torch.as_tensor(arrays["J_regressor_extra"]))
        self._keep("regressor_h36m", torch.as_tensor(arrays["J_regressor_h36m"]))
        self._keep("pool_to_49", torch.tensor((*OPENPOSE_25, *GROUND_TRUTH_24)))
        self._keep("h36m_to_14", torch.tensor(H36M_TO_J14))
        self._prepare_fast_path()
        for key in list(self.smpl._buffers):  # a body is data, not a part of a checkpoint
            self.smpl._non_persistent_buffers_set.add(key)
        self.smpl.vertex_joint_selector._non_persistent_buffers_set.add("extra_joints_idxs")

    def _keep(self, key: str, value: Tensor | None) -> None:
        self.register_buffer(key, value, persistent=False)

    def _prepare_fast_path(self) -> None:
        """Keep the few vertices that joints are made of, for :meth:`joints`.

        The 24 rest joints are linear in the betas, so they ride along as 24 more "vertices", and
        those that only the (in SMPL's case wide) J_regressor touches need not be skinned.
        """
        smpl = self.smpl
        landmarks = smpl.vertex_joint_selector.extra_joints_idxs
        used = (self.regressor_extra != 0).any(0) | (self.regressor_h36m != 0).any(0)
        used[landmarks] = True
        ids = torch.nonzero(used)[:, 0]
        place = torch.full((VERTICES,), -1)
        place[ids] = torch.arange(len(ids))
        regressor = smpl.J_regressor.double()  # in double, as the sums are over 6890 terms
        rest = (regressor @ smpl.v_template.double()).float()
        rest_dirs = torch.einsum("jv,vck->jck", regressor, smpl.shapedirs.double()).float()
        posedirs = smpl.posedirs.view(POSE_BASIS, VERTICES, 3)[:, ids]
        no_dirs = posedirs.new_zeros(POSE_BASIS, JOINTS, 3)
        self._keep("fast_template", torch.cat([smpl.v_template[ids], rest]))
        self._keep("fast_shapedirs", torch.cat([smpl.shapedirs[ids], rest_dirs]))
        self._keep("fast_posedirs", torch.cat([posedirs, no_dirs], 1).flatten(1))
        self._keep("fast_regressor", torch.cat([torch.zeros(JOINTS, len(ids)), torch.eye(JOINTS)], 1))
        self._keep("fast_weights", torch.cat([smpl.lbs_weights[ids], torch.eye(JOINTS)]))
        self._keep("fast_extra", self.regressor_extra[:, ids].contiguous())
        self._keep("fast_h36m", self.regressor_h36m[:, ids].contiguous())
        self._keep("fast_picked", place[landmarks])

    @property
    def template(self) -> Tensor:
        """The mean shape in the T-pose, (6890, 3) metres."""
        return self.smpl.v_template

    @property
    def t_pose_joints(self) -> Tensor:
        """The 24 joints of the mean shape in the T-pose, (24, 3) metres."""
        return self.fast_template[-JOINTS:]

    def forward(self, rotmats: Tensor, betas: Tensor) -> BodyOutput:
        """The mesh and its joints.

        Args:
            rotmats: theta as rotation matrices (B, 24, 3, 3); row 0 takes the body frame to the
                output frame, the others are relative to the parent joint.
            betas: (B, 10); for the open body one unit is one standard deviation.

        Raises:
            RscError: the shapes are not as above.
        """
        _check_input(rotmats, betas)
        out = self.smpl(
            betas=betas, global_orient=rotmats[:, :1], body_pose=rotmats[:, 1:], pose2rot=False
        )  # M = f_SMPL(beta, theta)  Eq. 1
        extra = self.regressor_extra @ out.vertices  # X = W M  Eq. 2
        h36m = self.regressor_h36m @ out.vertices
        pool = torch.cat([out.joints, extra], 1)  # 24 joints, 21 landmark vertices, 9 extra
        return self._collect(out.vertices, pool, h36m)

    def joints(self, rotmats: Tensor, betas: Tensor) -> BodyOutput:
        """The joints of :meth:`forward` without the mesh (``vertices`` is None), for training.

        Arguments and errors are those of :meth:`forward`. Only the vertices that a joint is made
        of are skinned: 223 for the open body.
        """
        _check_input(rotmats, betas)
        vertices, joints24 = lbs(
            betas,
            rotmats,
            self.fast_template,
            self.fast_shapedirs,
            self.fast_posedirs,
            self.fast_regressor,
            self.smpl.parents,
            self.fast_weights,
            pose2rot=False,
        )
        points = vertices[:, :-JOINTS]
        pool = torch.cat([joints24, points[:, self.fast_picked], self.fast_extra @ points], 1)
        return self._collect(None, pool, self.fast_h36m @ points)

    def _collect(self, vertices: Tensor | None, pool: Tensor, h36m: Tensor) -> BodyOutput:
        pelvis = h36m[:, :1]
        joints14 = h36m[:, self.h36m_to_14] - pelvis
        return BodyOutput(vertices, pool[:, :JOINTS], pool[:, self.pool_to_49], joints14, pelvis)


def _check_input(rotmats: Tensor, betas: Tensor) -> None:
    if rotmats.shape[1:] != (JOINTS, 3, 3) or betas.shape != (len(rotmats), BETAS):
        raise RscError(
            "rotmats must be (B, 24, 3, 3) and betas (B, 10), but they are "
            f"{tuple(rotmats.shape)} and {tuple(betas.shape)}."
        )


def load_body(path: str | os.PathLike[str] | None = None) -> Body:
    """Load a body model.

    Args:
        path: the licensed ``SMPL_NEUTRAL.pkl`` or ``.npz``, or the folder that holds it, with
            ``J_regressor_extra.npy`` and ``J_regressor_h36m.npy`` beside it; or an open body's
            npz. Default: the environment variable ``RSC_SMPL``, else the shipped open body.

    Raises:
        RscError: a file is missing, damaged or of a wrong shape; a pickle holds more than arrays.
    """
    file = Path(path or os.environ.get("RSC_SMPL") or OPEN_BODY)
    if file.is_dir():
        names = ("SMPL_NEUTRAL.pkl", "SMPL_NEUTRAL.npz")
        found = [file / name for name in names if (file / name).is_file()]
        if not found:
            raise RscError(f"{file} holds neither {' nor '.join(names)}. Put the model there.")
        file = found[0]
    if not file.is_file():
        raise RscError(f"there is no body model at {file}. Check the path, or unset RSC_SMPL.")
    arrays = load_smpl_pickle(file) if file.suffix == ".pkl" else _read_npz(file)
    if "weights_255" in arrays:
        return Body(check_arrays(_unpack_open(arrays, file), file), "open")
    for name, use in _BESIDE.items():
        beside = file.parent / name
        if not beside.is_file():
            raise RscError(f"{beside} is missing: it gives {use}. SPIN's data archive has it.")
        try:
            arrays[beside.stem] = np.load(beside, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise RscError(f"cannot read {beside}: {error}. Get it again.") from error
    return Body(check_arrays(arrays, file), "smpl")


def _read_npz(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        raise RscError(f"cannot read {path}: {error}. Get the file again.") from error


def _unpack_open(packed: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Undo the packing of ``open_body.npz``: sparse rows, weights in 1/255, UVs in 1/65535."""
    try:
        arrays = {key: packed[key] for key in ("v_template", "shapedirs", "f", "uv_faces", "mirror")}
        arrays["uv"] = packed["uv"].astype(np.float32) / 65535
        arrays["posedirs"] = np.zeros((VERTICES, 3, POSE_BASIS), np.float32)
        # Slots that are not used name a joint too, never twice the same and with weight zero.
        arrays["weights"] = np.zeros((VERTICES, JOINTS), np.float32)
        shares = packed["weights_255"].astype(np.float32) / 255
        np.put_along_axis(arrays["weights"], packed["weights_joint"].astype(np.int64), shares, 1)
        parents = packed["parents"].astype(np.int64)
        arrays["kintree_table"] = np.stack([parents, np.arange(len(parents))])
        for key, rows in (("J_regressor", JOINTS), ("J_regressor_extra", 9), ("J_regressor_h36m", 17)):
            entry = [packed[f"{key}_{part}"] for part in ("val", "row", "col")]
            matrix = np.zeros((rows, VERTICES), np.float32)
            matrix[entry[1], entry[2]] = entry[0]
            arrays[key] = matrix
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise RscError(f"{path} is a damaged open body ({error}). Get the file again.") from error
    return arrays


def check_arrays(arrays: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The arrays of a SMPL file as dense, finite float32 or int64 of SMPL's shapes.

    Raises:
        RscError: an array is missing or of a wrong shape, holds NaN, or points past the end.
    """
    if arrays.get("posedirs") is None and "posedirs" in arrays:
        raise RscError(f"{path}: posedirs is empty.")
    dirs = np.shape(arrays.get("shapedirs"))
    count = max(dirs[-1], BETAS) if len(dirs) == 3 else BETAS
    wanted = _SHAPES | {
        "shapedirs": (VERTICES, 3, count),
        "posedirs": (VERTICES, 3, POSE_BASIS),
    }
    checked: dict[str, Any] = {key: arrays.get(key) for key in ("uv", "uv_faces", "mirror")}
    for key, shape in wanted.items():
        if key not in arrays:
            raise RscError(f"{path} is not a body model of SMPL's layout: it has no {key}.")
        value = arrays[key].toarray() if sp.issparse(arrays[key]) else np.asarray(arrays[key])
        if value.shape != shape:
            raise RscError(f"{path}: {key} has shape {value.shape} instead of {shape}.")
        if value.dtype.kind not in "fiu" or not np.isfinite(value).all():
            raise RscError(f"{path}: {key} does not hold finite numbers.")
        checked[key] = value.astype(np.int64 if key in ("f", "kintree_table") else np.float32)
    parents = checked["kintree_table"][0]
    parents[0] = -1  # SMPL's own file has 2**32 - 1
    if (parents[1:] < 0).any() or (parents[1:] >= np.arange(1, JOINTS)).any():
        raise RscError(f"{path}: kintree_table is not a tree with parents before children.")
    sums = checked["weights"].sum(1)
    if np.abs(sums - 1).max() > 1e-3:
        raise RscError(f"{path}: the skinning weights of a vertex do not sum to one.")
    limits: dict[str, tuple[int, tuple[int, ...]]] = {"f": (VERTICES, (FACES, 3))}
    if checked["uv"] is not None:
        limits["uv_faces"] = (len(checked["uv"]), (FACES, 3))
    if checked["mirror"] is not None:
        limits["mirror"] = (VERTICES, (VERTICES,))
    for key, (limit, shape) in limits.items():
        value = checked[key]
        if np.shape(value) != shape or np.min(value) < 0 or np.max(value) >= limit:
            raise RscError(f"{path}: {key} is not {shape} indices below {limit}.")
        checked[key] = np.asarray(value).astype(np.int64)
    return checked
