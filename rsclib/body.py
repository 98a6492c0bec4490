"""The body model: SMPL's layout, on the shipped open body or a licensed SMPL file (Section 3.1).

``smplx`` does the skinning; this module finds the arrays, checks them and names the joints. The
open body (CC0, see ``assets/open_body.md``) has SMPL's counts and order, so all that follows runs
the same on either. Body frame: y up, the face towards +z, the left side +x; metres.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import smplx  # type: ignore[import-untyped]
import torch
from smplx.lbs import lbs  # type: ignore[import-untyped]
from smplx.utils import Struct  # type: ignore[import-untyped]
from torch import Tensor, nn

from rsclib.errors import RscError
from rsclib.files.body_files import (
    ARRAYS,
    BETAS,
    JOINTS,
    OPEN_BODY,
    POSE_BASIS,
    VERTICES,
    Gender,
    digest_of,
    read_body,
)
from rsclib.skeleton import H36M_TO_J17, J14_NAMES, KEYPOINTS_24, OPENPOSE_25


class BodyOutput(NamedTuple):
    """A posed body, in metres, in the frame that ``rotmats[:, 0]`` turns it to.

    ``vertices`` (B, 6890, 3), None from :meth:`Body.joints`; ``joints24`` (B, 24, 3) the skeleton;
    ``joints49`` (B, 49, 3) 25 OpenPose joints, then the 24 ``keypoints3d``; ``joints14`` (B, 14, 3)
    the evaluation joints **relative to** ``pelvis`` (B, 1, 3), row 0 of the H36M regressor, which
    is how the paper's tables centre them; ``joints17`` (B, 17, 3) the same and three more of that
    regressor. :mod:`rsclib.skeleton` names them all.
    """

    vertices: Tensor | None
    joints24: Tensor
    joints49: Tensor
    joints14: Tensor
    pelvis: Tensor
    joints17: Tensor

    @property
    def keypoints3d(self) -> Tensor:
        """X of the losses: the 24 points (B, 24, 3) that people mark in pictures, metres."""
        return self.joints49[:, 25:]


class Body(nn.Module):
    """f_SMPL of Eq. 1 with its joint regressors (make one with :func:`load_body`).

    It holds buffers only, nothing to train and nothing in ``state_dict``.

    Attributes: ``name`` "open" or "smpl"; ``digest`` a hash of its arrays; ``faces`` (13776, 3)
    int64; ``parents`` list of 24 with -1 at the root; ``part_of_vertex`` (6890,) the joint with the
    largest skinning weight; ``uv`` (T, 2), ``uv_faces`` (13776, 3) and ``mirror`` (6890,) the vertex
    at (-x, y, z): tensors, None where a licensed file has none.
    """

    faces: Tensor
    part_of_vertex: Tensor
    uv: Tensor | None
    uv_faces: Tensor | None
    mirror: Tensor | None
    regressor_extra: Tensor
    regressor_h36m: Tensor
    pool_to_49: Tensor
    h36m_to_17: Tensor
    fast_template: Tensor
    fast_shapedirs: Tensor
    fast_posedirs: Tensor
    fast_regressor: Tensor
    fast_weights: Tensor
    fast_extra: Tensor
    fast_h36m: Tensor
    fast_picked: Tensor

    def __init__(self, arrays: Mapping[str, Any], name: str) -> None:
        """Take arrays that :func:`rsclib.files.body_files.read_body` has read and checked."""
        super().__init__()
        self.name = name
        self.digest = digest_of(arrays)
        struct = Struct(**{key: arrays[key] for key in ARRAYS})
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
        self._keep("pool_to_49", torch.tensor((*OPENPOSE_25, *KEYPOINTS_24)))
        self._keep("h36m_to_17", torch.tensor(H36M_TO_J17))
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
        self._keep(
            "fast_regressor", torch.cat([torch.zeros(JOINTS, len(ids)), torch.eye(JOINTS)], 1)
        )
        self._keep("fast_weights", torch.cat([smpl.lbs_weights[ids], torch.eye(JOINTS)]))
        self._keep("fast_extra", self.regressor_extra[:, ids].contiguous())
        self._keep("fast_h36m", self.regressor_h36m[:, ids].contiguous())
        self._keep("fast_picked", place[landmarks])

    @property
    def identity(self) -> dict[str, str]:
        """Which body this is: ``name`` and ``digest``, for the headers of models and results."""
        return {"name": self.name, "digest": self.digest}

    @property
    def h36m_to_14(self) -> Tensor:
        """The rows of the H36M regressor that are ``joints14``, in their order (14,)."""
        return self.h36m_to_17[: len(J14_NAMES)]

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
        joints17 = h36m[:, self.h36m_to_17] - pelvis
        joints49 = pool[:, self.pool_to_49]
        return BodyOutput(vertices, pool[:, :JOINTS], joints49, joints17[:, :14], pelvis, joints17)


def _check_input(rotmats: Tensor, betas: Tensor) -> None:
    if rotmats.shape[1:] != (JOINTS, 3, 3) or betas.shape != (len(rotmats), BETAS):
        raise RscError(
            "rotmats must be (B, 24, 3, 3) and betas (B, 10), but they are "
            f"{tuple(rotmats.shape)} and {tuple(betas.shape)}."
        )


def load_body(path: str | os.PathLike[str] | None = None, gender: Gender = "neutral") -> Body:
    """Load a body model.

    Args:
        path: the licensed SMPL file (pkl or npz), or a folder that holds it under one of its
            official names (:func:`rsclib.files.body_files.find_smpl`), with
            ``J_regressor_extra.npy`` and ``J_regressor_h36m.npy`` beside it or in that folder; or
            an open body's npz. Default: the environment variable ``RSC_SMPL``, else the shipped
            open body.
        gender: which of SMPL's models to look for in a folder.

    Raises:
        RscError: a file is missing, damaged or of a wrong shape; a pickle holds more than arrays.
    """
    arrays, name = read_body(path or os.environ.get("RSC_SMPL") or OPEN_BODY, gender)
    return Body(arrays, name)
