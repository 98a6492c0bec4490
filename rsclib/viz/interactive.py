"""Meshes to turn with the mouse, few enough faces for a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsclib.body import Body
from rsclib.viz.meshes import BLUE, GREY, VERMILION

CELL = 0.046  # metres: vertices of the T-pose that share such a cube become one


def decimated(body: Body) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """For each vertex (6890,) the one that it is merged into, 0 to V-1, and the faces (F, 3) left.

    Merged are vertices near each other in the T-pose, where no limb touches another.
    """
    cells = np.floor(body.template.numpy() / CELL).astype(np.int64)
    _, merged = np.unique(cells, axis=0, return_inverse=True)
    faces = merged.reshape(-1)[body.faces.numpy()]
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (c != a)]
    _, first = np.unique(np.sort(faces, 1), axis=0, return_index=True)
    return merged.reshape(-1), faces[np.sort(first)].astype(np.int32)


def mesh_figure(
    meshes: Mapping[str, NDArray[np.float32]],
    body: Body,
    truth: NDArray[np.float32] | None = None,
) -> Any:
    """Meshes side by side in plotly, each with the truth in grey around it: drag to turn them.

    Args:
        meshes: by name, (6890, 3) camera axes, metres, all about the same origin.
        truth: (6890, 3) likewise.
    """
    import plotly.graph_objects as go

    merged, faces = decimated(body)
    sizes = np.bincount(merged)
    figure = go.Figure()

    def add(name: str, vertices: NDArray[np.float32], k: int, colour: Any, opacity: float) -> None:
        # Millimetres as integers: a third of the bytes.
        mean = [np.bincount(merged, weights=axis) / sizes for axis in vertices.T]
        x, y, z = np.round(np.array(mean) * 1000).astype(np.int16)
        i, j, k_ = faces.T.astype(np.uint16)
        figure.add_trace(
            go.Mesh3d(
                x=x + np.int16(1300 * k), y=z, z=-y, i=i, j=j, k=k_, name=name, opacity=opacity,
                color="rgb({:.0f},{:.0f},{:.0f})".format(*(255 * np.array(colour))),
                showlegend=True, hoverinfo="name",
                lighting={"ambient": 0.55, "diffuse": 0.7, "specular": 0.1},
                lightposition={"x": -2e4, "y": -1e5, "z": 6e4},
            )
        )  # fmt: skip

    for k, (name, vertices) in enumerate(meshes.items()):
        if truth is not None:
            add(f"truth, beside {name}", truth, k, GREY, 0.45)
        add(name, vertices, k, (BLUE, VERMILION)[k % 2], 1.0)
    figure.update_layout(
        scene={"aspectmode": "data", "xaxis_visible": False, "yaxis_visible": False,
               "zaxis_visible": False, "camera": {"eye": {"x": 0.0, "y": -1.6, "z": 0.3}}},
        margin={"l": 0, "r": 0, "t": 0, "b": 0}, height=420,
    )  # fmt: skip
    return figure
