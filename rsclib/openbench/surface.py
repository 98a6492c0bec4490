"""The body as the renderer sees it: faces, atlas, skinning and the truth that each vertex carries.

All of it follows from the body's own arrays and is the same for everybody who is drawn, so it is
worked out once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsclib.render import zbuffer

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Surface:
    """What the renderer needs to know of the body, as arrays.

    Attributes:
        faces, uv_faces: (13776, 3) int32. uv: (T, 2). template: (6890, 3) rest vertices, metres.
        skin_joints (6890, 4) int32, skin_weights (6890, 4): the influences of each vertex.
        part_of_vertex: (6890,) uint8 joint with the largest weight. normals: (6890, 3) at rest.
        canonical: (6890, 3) uint8 rest position scaled to the body's box: dense truth.
    """

    faces: NDArray[np.int32]
    uv: Floats
    uv_faces: NDArray[np.int32]
    template: Floats
    normals: Floats
    skin_joints: NDArray[np.int32]
    skin_weights: Floats
    part_of_vertex: NDArray[np.uint8]
    canonical: NDArray[np.uint8]

    @staticmethod
    def of(
        template: Floats,
        faces: NDArray[np.integer],
        uv: Floats,
        uv_faces: NDArray[np.integer],
        weights: Floats,
    ) -> Surface:
        """Derive the renderer's arrays from the body's; weights is (6890, 24)."""
        joints = np.argsort(-weights, axis=1)[:, :4].astype(np.int32)
        kept = np.take_along_axis(weights, joints.astype(np.int64), 1)
        low, high = template.min(0), template.max(0)
        triangles = np.ascontiguousarray(faces, np.int32)
        return Surface(
            faces=triangles,
            uv=np.ascontiguousarray(uv, np.float32),
            uv_faces=np.ascontiguousarray(uv_faces, np.int32),
            template=np.ascontiguousarray(template, np.float32),
            normals=zbuffer.vertex_normals(np.ascontiguousarray(template, np.float32), triangles),
            skin_joints=joints,
            skin_weights=(kept / kept.sum(1, keepdims=True)).astype(np.float32),
            part_of_vertex=weights.argmax(1).astype(np.uint8),
            canonical=((template - low) / (high - low) * 255).astype(np.uint8),
        )
