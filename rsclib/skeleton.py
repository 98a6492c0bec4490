"""Which joint is which: the sets of joints in use, their names, mirrors and roots (Section 3.1).

Three sets, never to be mixed:

- ``joints24``, SMPL's skeleton: what ``rotmats`` turn, in the order of :data:`SMPL_NAMES`.
- ``keypoints2d`` and ``keypoints3d``: 24 points that people mark in pictures, in the order of
  :data:`KEYPOINT_NAMES`. They are the last 24 of SPIN's 49 joints, ``joints49``.
- ``joints14``: what the tables score, the order of :data:`J14_NAMES`, from the H36M regressor and
  relative to its pelvis. They are the first 14 keypoints by name, but other points.
"""

from __future__ import annotations

from torch import Tensor

SMPL_NAMES = (
    *("pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2"),
    *("left_ankle", "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar"),
    *("right_collar", "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow"),
    *("left_wrist", "right_wrist", "left_hand", "right_hand"),
)
# The joint that takes each joint's place when left and right are exchanged.
SMPL_MIRROR = (
    *(0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22),
)

J14_NAMES = (
    *("right ankle", "right knee", "right hip", "left hip", "left knee", "left ankle"),
    *("right wrist", "right elbow", "right shoulder"),
    *("left shoulder", "left elbow", "left wrist", "neck", "head top"),
)
J14_MIRROR = (5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13)
J14_BONES = (
    (0, 1), (1, 2), (2, 12), (12, 3), (3, 4), (4, 5), (6, 7), (7, 8), (8, 12), (12, 9), (9, 10),
    (10, 11), (12, 13),
)  # fmt: skip

KEYPOINT_NAMES = (
    *J14_NAMES,
    *("pelvis (MPII)", "thorax (MPII)", "spine (H36M)", "jaw (H36M)", "head (H36M)"),
    *("nose", "left eye", "right eye", "left ear", "right ear"),
)
KEYPOINT_MIRROR = (*J14_MIRROR, 14, 15, 16, 17, 18, 19, 21, 20, 23, 22)
MIDHIP = (2, 3)  # rows of the right and the left hip, of the keypoints and of joints14

# joints49 in the pool of 54 = 24 joints, 21 mesh vertices, 9 rows of J_regressor_extra.
OPENPOSE_25 = (24, 12, 17, 19, 21, 16, 18, 20, 0, 2, 5, 8, 1, 4, 7, *range(25, 35))
KEYPOINTS_24 = (8, 5, 45, 46, 4, 7, 21, 19, 17, 16, 18, 20, *range(47, 54), 24, 26, 25, 28, 27)
# joints14 in the 17 rows of J_regressor_h36m.
H36M_TO_J14 = (6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10)
# joints17, the 14 and pelvis, spine and head (H36M): what SPIN scores on MPI-INF-3DHP.
H36M_TO_J17 = (*H36M_TO_J14, 0, 7, 9)
# The same joints among the 24 keypoints, where a data set marks them; its "head top" is row 18, the
# point that H36M marks, not LSP's in row 13.
KEYPOINTS_TO_J14 = (*range(13), 18)
KEYPOINTS_TO_J17 = (*KEYPOINTS_TO_J14, 14, 16, 17)

# Other people's layouts, as rows of the 24 keypoints; None: a point that is none of them. OpenPose's
# BODY_25: its neck is the middle of the shoulders, its last six points are on the feet.
FROM_BODY_25 = (
    19, None, 8, 7, 6, 9, 10, 11, 14, 2, 1, 0, 3, 4, 5, 21, 20, 23, 22,
    None, None, None, None, None, None,
)  # fmt: skip
FROM_COCO_17 = (19, 20, 21, 22, 23, 9, 8, 10, 7, 11, 6, 3, 2, 4, 1, 5, 0)


def from_hips(keypoints3d: Tensor) -> Tensor:
    """Points (..., J, 3) relative to the middle of the hips, rows :data:`MIDHIP`."""
    right, left = (keypoints3d[..., i : i + 1, :] for i in MIDHIP)
    return keypoints3d - (right + left) / 2
