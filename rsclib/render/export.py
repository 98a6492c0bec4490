"""Bodies for other programs: GLB, plain or textured, and OBJ with its MTL and PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rsclib.errors import RscError
from rsclib.files.atomic import write_bytes, write_text
from rsclib.render.uv import Atlas

MATERIAL = "skin"


def textured_mesh(vertices: NDArray[np.floating], atlas: Atlas, uv_map: NDArray[np.uint8]) -> Any:
    """A ``trimesh.Trimesh`` with a vertex a corner of the atlas, y up and z towards the viewer.

    Args:
        vertices: (V, 3), camera frame, metres. uv_map: (T, T, 3) uint8, row 0 at v = 1.

    Raises:
        RscError: shapes do not fit, or a vertex is not a finite number.
    """
    import trimesh

    points = np.asarray(vertices, np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or atlas.faces.max() >= len(points):
        raise RscError(f"vertices (V, 3) of the atlas's body are wanted, not {points.shape}")
    if not np.isfinite(points).all():
        raise RscError("a mesh with a vertex that is NaN or infinite cannot be written")
    if uv_map.dtype != np.uint8 or uv_map.ndim != 3 or uv_map.shape[2] != 3:
        raise RscError(f"a UV map (T, T, 3) of bytes is wanted, not {uv_map.shape}")
    vertex_of_corner = np.zeros(len(atlas.uv), np.int64)  # a seam's vertex has several corners
    vertex_of_corner[atlas.uv_faces] = atlas.faces
    material = trimesh.visual.material.PBRMaterial(
        name=MATERIAL, baseColorTexture=Image.fromarray(uv_map), metallicFactor=0.0,
        roughnessFactor=1.0,
    )  # fmt: skip
    return trimesh.Trimesh(
        points[vertex_of_corner] * [1, -1, -1], atlas.uv_faces, process=False,
        visual=trimesh.visual.TextureVisuals(uv=atlas.uv, material=material),
    )  # fmt: skip


def write_textured(
    stem: Path, vertices: NDArray[np.floating], atlas: Atlas, uv_map: NDArray[np.uint8]
) -> list[Path]:
    """Write ``stem.glb`` and ``stem.obj`` with ``stem.mtl`` and ``stem_map.png``; returns the four.

    Arguments and errors are those of :func:`textured_mesh`.

    Raises:
        RscError: a file cannot be written; each of them is whole or as it was.
    """
    from trimesh.exchange.obj import export_obj

    if not stem.name.isprintable() or any(c.isspace() for c in stem.name):
        raise RscError(
            f"a mesh's files cannot be named {stem.name!r}: OBJ knows no spaces in names"
        )
    mesh = textured_mesh(vertices, atlas, uv_map)
    glb, obj, mtl = (stem.with_name(stem.name + end) for end in (".glb", ".obj", ".mtl"))
    png = stem.with_name(f"{stem.name}_map.png")
    write_bytes(glb, mesh.export(file_type="glb"))
    with_simple = mesh.copy()
    with_simple.visual.material = mesh.visual.material.to_simple()
    text, files = export_obj(with_simple, return_texture=True, mtl_name=mtl.name)
    picture = next(name for name in files if name.endswith(".png"))
    write_bytes(png, files[picture])
    write_text(mtl, files[mtl.name].decode().replace(picture, png.name))
    write_text(obj, text)  # last: it names the others
    return [glb, obj, mtl, png]


def write_glb(
    path: Path, bodies: Mapping[str, NDArray[np.floating]], faces: NDArray[np.integer],
    colours: Sequence[Sequence[float]],
) -> None:  # fmt: skip
    """Write bodies of one colour each as one GLB, y up and z towards the viewer.

    Args:
        bodies: by name, vertices (V, 3), camera frame, metres. faces: (F, 3). colours: as many, each
            three shares of 1 as screens show them.

    Raises:
        RscError: a vertex is not a finite number, or the file cannot be written.
    """
    import trimesh

    scene = trimesh.Scene()
    for (name, vertices), colour in zip(bodies.items(), colours, strict=True):
        if not np.isfinite(vertices).all():
            raise RscError("a mesh with a vertex that is NaN or infinite cannot be written")
        linear = [
            *(np.asarray(colour, np.float64) ** 2.2).tolist(),
            1.0,
        ]  # glTF's colours are linear
        material = trimesh.visual.material.PBRMaterial(
            name=name, baseColorFactor=linear, metallicFactor=0.0, roughnessFactor=1.0
        )
        mesh = trimesh.Trimesh(
            np.asarray(vertices, np.float64) * [1, -1, -1], faces, process=False,
            visual=trimesh.visual.TextureVisuals(material=material),
        )  # fmt: skip
        scene.add_geometry(mesh, node_name=name, geom_name=name)
    write_bytes(path, scene.export(file_type="glb"))
