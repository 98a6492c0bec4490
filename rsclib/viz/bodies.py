"""The body model itself as pictures: meshes that fill their frame, coloured, with joints, growing.

All bodies here are in the body frame (y up, the face towards +z, the left side +x), metres.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from rsclib.body import Body
from rsclib.geometry import cam_to_translation
from rsclib.render.zbuffer import vertex_normals, visible_faces
from rsclib.skeleton import SMPL_NAMES
from rsclib.viz.interactive import decimated
from rsclib.viz.meshes import BLUE, GREY

Floats = NDArray[np.float32]
Colour = tuple[float, ...]
PIXELS_PER_METRE = 320


class View(NamedTuple):
    """One body of a figure.

    Attributes:
        title: above it. vertices: (6890, 3). turn: degrees about the vertical, 0 from the front.
        colour: of all of it (3,), or of every vertex (6890, 3), 0 to 1.
        joints: points (J, 3) to draw over it, or None.
    """

    title: str
    vertices: Floats
    turn: float = 0.0
    colour: Colour | Floats = BLUE
    joints: Floats | None = None


def turned(points: Floats, turn: float) -> Floats:
    """Points (N, 3) of the body frame as seen by a camera before it: x right, y down, z forward."""
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    around = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    return (points @ around * [1, -1, -1]).astype(np.float32)


def painted(
    seen: Floats, body: Body, colour: Colour | Floats, box: tuple[float, float, float, float]
) -> Floats:
    """A mesh (6890, 3) that :func:`turned` made as an image on white.

    Args:
        box: left, right, top and bottom of what the image shows, metres. One metre has the same
            number of pixels in every image.
    """
    left, right, top, bottom = box
    middle = np.array([(left + right) / 2, (top + bottom) / 2, 0], np.float32)
    half = max(right - left, bottom - top) / 2
    size = 2 * round(half * PIXELS_PER_METRE)  # twice the pixels per metre, then halved: smooth
    far = cam_to_translation(torch.tensor([[1 / half, 0.0, 0.0]])).numpy()
    vertices = np.ascontiguousarray(seen - middle + far, np.float32)
    faces = body.faces.numpy().astype(np.int32)
    big = 2 * size
    face, bary, _ = visible_faces(vertices, faces, 5000.0 * big / 224, big / 2, big / 2, big)
    light = vertex_normals(vertices, faces) @ np.array([0.35, -0.5, -0.79], np.float32)
    every = np.broadcast_to(np.asarray(colour, np.float32), vertices.shape)
    shades = every * (light.clip(0, 1) * 0.9375 + 0.3125)[:, None]
    image = (shades[faces[face]] * bary[..., None]).sum(2)
    image[face < 0] = 1
    image = image.clip(0, 1).reshape(size, 2, size, 2, 3).mean((1, 3))
    wide = round((right - left) / 2 / half * size / 2)
    high = round((bottom - top) / 2 / half * size / 2)
    at = size // 2
    return image[at - high : at + high, at - wide : at + wide].astype(np.float32)


def bodies(views: Sequence[View], body: Body, columns: int = 4, height: float = 2.6) -> Any:
    """A figure: bodies side by side on one scale, in the smallest frame that holds every one.

    Args:
        columns: of the figure. height: of a row, inches.
    """
    import matplotlib.pyplot as plt

    seen = [turned(view.vertices, view.turn) for view in views]
    low = np.min([points.min(0) for points in seen], 0) - 0.04
    high = np.max([points.max(0) for points in seen], 0) + 0.04
    box = (float(low[0]), float(high[0]), float(low[1]), float(high[1]))
    rows = -(-len(views) // columns)
    wide = height * (box[1] - box[0]) / (box[3] - box[2])
    figure, axes = plt.subplots(
        rows, columns, figsize=(max(wide, 1.25) * columns, (height + 0.3) * rows), squeeze=False
    )
    for axis in axes.flat:
        axis.axis("off")
    for axis, view, points in zip(axes.flat, views, seen, strict=False):
        picture = painted(points, body, view.colour, box)
        axis.imshow(picture, extent=(box[0], box[1], box[3], box[2]))
        axis.set_title(view.title, fontsize=9)
        if view.joints is not None:
            draw_bones(axis, turned(view.joints, view.turn), body.parents)
    figure.tight_layout(pad=0.3)
    return figure


def draw_bones(axis: Any, joints: Floats, parents: Sequence[int], colour: Any = "black") -> None:
    """Joints (24, 3) as :func:`turned` or :func:`rsclib.geometry.project` makes them, with a line
    from each to its parent."""
    for k, parent in enumerate(parents):
        if parent >= 0:
            axis.plot(*joints[[k, parent], :2].T, color=colour, linewidth=1.2)
    axis.scatter(joints[:, 0], joints[:, 1], s=9, color="white", edgecolor=colour, zorder=3)


def joint_tree(body: Body) -> Any:
    """A figure: the grey body in the T-pose and its 24 joints, an arrow from parent to child."""
    import matplotlib.pyplot as plt

    points = turned(body.t_pose_joints.numpy(), 0)
    seen = turned(body.template.numpy(), 0)
    low, high = seen.min(0) - 0.03, seen.max(0) + 0.03
    box = (float(low[0]), float(high[0]), float(low[1]), float(high[1]))
    figure, axis = plt.subplots(figsize=(6.2, 6.2 * (box[3] - box[2]) / (box[1] - box[0])))
    pale = tuple(1 - (1 - g) * 0.4 for g in GREY)
    axis.imshow(painted(seen, body, pale, box), extent=(box[0], box[1], box[3], box[2]))
    for k, (x, y, _) in enumerate(points):
        if (parent := body.parents[k]) >= 0:
            axis.annotate("", (x, y), tuple(points[parent, :2].tolist()), arrowprops={
                "arrowstyle": "-|>", "color": BLUE, "linewidth": 1.6, "shrinkA": 3, "shrinkB": 3})  # fmt: skip
        name = SMPL_NAMES[k]
        if "right" in name:
            continue  # the names of the left side tell these too
        arm = name in ("left_collar", "left_shoulder", "left_elbow", "left_wrist", "left_hand")
        shift, align = ((0, 10), "center") if arm else ((9, 0), "left")
        shift = (0, -14) if name in ("left_elbow", "left_hand") else shift
        shift, align = {
            "left_collar": ((10, -13), "left"),
            "pelvis": ((-8, 9), "right"),
        }.get(name, (shift, align))
        axis.annotate(f"{k} {name.replace('left_', '')}", (x, y), shift, fontsize=7, ha=align,
                      textcoords="offset points", va="center")  # fmt: skip
    axis.scatter(points[:, 0], points[:, 1], s=22, color="white", edgecolor="black", zorder=3)
    axis.axis("off")
    figure.tight_layout(pad=0.2)
    return figure


def weight_colours(weights: Floats) -> Floats:
    """Weights (6890,) from 0 to 1 as colours (6890, 3) that every kind of eye orders alike."""
    import matplotlib as mpl

    return np.asarray(mpl.colormaps["cividis"](weights))[:, :3].astype(np.float32)


def growing(states: Mapping[str, tuple[Floats, Floats]], body: Body) -> Any:
    """A mesh to drag, with its skeleton and a slider that goes through its states, in plotly.

    Args:
        states: by name, vertices (6890, 3) and joints (24, 3).
    """
    import plotly.graph_objects as go

    merged, faces = decimated(body)
    sizes = np.bincount(merged)
    i, j, k_ = faces.T.astype(np.uint16)

    def millimetres(points: Floats) -> dict[str, NDArray[np.int16]]:
        x, y, z = np.round(points.T * 1000).astype(np.int16)
        return {"x": x, "y": z, "z": y}

    def traces(vertices: Floats, joints: Floats) -> tuple[dict[str, Any], dict[str, Any]]:
        mean = np.stack([np.bincount(merged, weights=axis) / sizes for axis in vertices.T], 1)
        walk = joints[_round_trip(body.parents)]
        return millimetres(mean.astype(np.float32)), millimetres(walk)

    frames = [(name, *traces(*state)) for name, state in states.items()]
    _, mesh, bones = frames[-1]
    figure = go.Figure(
        data=[
            go.Mesh3d(
                **mesh, i=i, j=j, k=k_, opacity=0.55, hoverinfo="skip",
                color="rgb(0,114,178)", name="skin",
                lighting={"ambient": 0.55, "diffuse": 0.7, "specular": 0.1},
                lightposition={"x": -2e4, "y": 1e5, "z": 6e4},
            ),
            go.Scatter3d(
                **bones, mode="lines+markers", hoverinfo="skip", name="joints",
                line={"color": "black", "width": 5}, marker={"size": 3, "color": "black"},
            ),
        ],
        frames=[
            go.Frame(name=name, data=[{"type": "mesh3d", **m}, {"type": "scatter3d", **b}])
            for name, m, b in frames
        ],
    )  # fmt: skip
    at_once = {"mode": "immediate", "frame": {"duration": 0, "redraw": True},
               "transition": {"duration": 0}}  # fmt: skip
    steps = [{"label": n, "method": "animate", "args": [[n], at_once]} for n in states]
    everything = np.concatenate([v for v, _ in states.values()]) * 1000
    low, high = everything.min(0) - 40, everything.max(0) + 40
    sides = [(float(low[a]), float(high[a])) for a in (0, 2, 1)]
    longest = max(b - a for a, b in sides)
    figure.update_layout(
        scene={
            **{f"{n}axis": {"range": side, "visible": False} for n, side in zip("xyz", sides, strict=True)},
            "aspectmode": "manual",
            "aspectratio": {n: (b - a) / longest for n, (a, b) in zip("xyz", sides, strict=True)},
            "camera": {"eye": {"x": 0.5, "y": 1.25, "z": 0.15}},
        },
        sliders=[{"active": len(steps) - 1, "steps": steps, "currentvalue": {"prefix": "state: "}}],
        margin={"l": 0, "r": 0, "t": 0, "b": 0}, height=520, showlegend=False,
    )  # fmt: skip
    return figure


def _round_trip(parents: Sequence[int], start: int = 0) -> list[int]:
    """A walk along every bone and back, so that one line without gaps draws the tree."""
    walk = [start]
    for child, parent in enumerate(parents):
        if parent == start:
            walk += [*_round_trip(parents, child), start]
    return walk
