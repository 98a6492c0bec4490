"""Rooms that are made up: textured walls, floor and ceiling round the camera, and one lamp.

A room's number seeds its look: like a panorama's name, it says which place this is, so training and
test are given different ones. Plain rooms are laboratories and studios; others have doors, windows
and pictures on the walls.
"""

from __future__ import annotations

import numpy as np

from rsclib.openbench.scenes import Floats, Place, View, lamp_irradiance, load_places


def room_place(rng: np.random.Generator, view: View, room: int, plain: bool) -> Place:
    """A room with walls and a floor. ``room`` seeds its look, ``rng`` the place in it.

    Args:
        plain: bare walls and an even floor (a laboratory); otherwise patterns, doors, pictures.
    """
    look = np.random.default_rng([room, 7919])
    rays = view.rays()
    yaw = rng.uniform(0, 2 * np.pi)
    c, s = np.float32(np.cos(yaw)), np.float32(np.sin(yaw))
    x, y, z = rays[..., 0] * c - rays[..., 2] * s, rays[..., 1], rays[..., 0] * s + rays[..., 2] * c
    height = np.float32(max(0.4, -(view.rotation.T @ view.ground)[1]))
    half = look.uniform(3.0, 7.0, 2)
    offset = rng.uniform(-0.4, 0.4, 2) * half
    big = np.float32(1e6)
    with np.errstate(divide="ignore"):
        to_floor = np.where(y < -1e-4, -height / y, big)
        to_ceiling = np.where(y > 1e-4, (2.9 - height) / y, big)
        to_x = np.where(x > 0, half[0] - offset[0], -half[0] - offset[0]) / np.where(
            x == 0, 1e-6, x
        )
        to_z = np.where(z > 0, half[1] - offset[1], -half[1] - offset[1]) / np.where(
            z == 0, 1e-6, z
        )
    distance = np.minimum(np.minimum(to_floor, to_ceiling), np.minimum(to_x, to_z))
    px, py, pz = distance * x + offset[0], distance * y + height, distance * z + offset[1]
    image = np.empty((*distance.shape, 3), np.float32)
    on_floor, on_ceiling, on_x = distance == to_floor, distance == to_ceiling, distance == to_x
    on_wall = ~(on_floor | on_ceiling)
    along = np.where(on_x, pz, px) + 10 * (on_x + 2.0 * ((x > 0) & on_x) + 3.0 * ((z > 0) & ~on_x))
    image[on_ceiling] = look.uniform(0.75, 0.95)
    image[on_floor] = _surface(look, px[on_floor], pz[on_floor], plain)
    wall = _surface(look, along[on_wall], py[on_wall], plain)
    if not plain:
        wall = _wall_things(look, wall, along[on_wall], py[on_wall])
    wall[py[on_wall] < 0.1] *= 0.55  # skirting board
    image[on_wall] = wall
    # Corners gather less light, and light falls off away from the window.
    corner = np.minimum(np.minimum(py, 2.9 - py), np.minimum(half[0] - abs(px), half[1] - abs(pz)))
    image *= (0.78 + 0.22 * np.clip(np.where(on_floor, 1, corner / 0.6), 0, 1))[..., None]
    elevation, azimuth = rng.uniform(0.5, 1.3), rng.uniform(0, 2 * np.pi)
    sun = np.array(
        [
            np.cos(elevation) * np.sin(azimuth),
            np.sin(elevation),
            np.cos(elevation) * np.cos(azimuth),
        ],
        np.float32,
    )
    warm = rng.uniform(-0.1, 0.12)
    colour = np.array([1 + warm, 1, 1 - warm], np.float32)
    light = lamp_irradiance(sun, rng.uniform(0.3, 0.8), colour)
    return Place(np.clip(image * colour, 0, 1), light, sun, f"room{room}")


def _surface(look: np.random.Generator, u: Floats, v: Floats, plain: bool) -> Floats:
    """Colour (N, 3) of a wall or floor at metric coordinates."""
    if len(u) == 0:
        return np.zeros((0, 3), np.float32)
    base = look.uniform(0.25, 0.95) * (1 + look.normal(0, 0.07 if plain else 0.16, 3))
    kind = 0 if plain and look.random() < 0.6 else look.integers(0, 5)
    tone = np.ones((len(u), 1), np.float32)
    if kind == 1:  # tiles
        side = look.uniform(0.2, 0.6)
        line = np.minimum(np.abs((u / side) % 1 - 0.5), np.abs((v / side) % 1 - 0.5))
        tone[line > 0.47] = 0.8
        tone *= np.where(
            (np.floor(u / side) + np.floor(v / side)) % 2 > 0, 1, look.uniform(0.7, 1)
        )[:, None]
    elif kind == 2:  # planks
        width = look.uniform(0.1, 0.25)
        tone *= (0.85 + 0.15 * np.sin(np.floor(u / width) * 12.9898) ** 2)[:, None]
        tone[(u / width) % 1 < 0.06] = 0.65
    elif kind >= 3:
        textures = load_places().textures
        texture = textures[look.integers(len(textures))]
        scale = look.uniform(22, 60)
        sample = texture[(v * scale).astype(int) % 256, (u * scale).astype(int) % 256] / 255.0
        grey = sample.mean(1, keepdims=True)
        tone = (0.4 + 0.6 * (sample if look.random() < 0.5 else grey) / sample.mean()).astype(
            np.float32
        )
    return np.clip(base * tone, 0.02, 1).astype(np.float32)


def _wall_things(look: np.random.Generator, wall: Floats, u: Floats, v: Floats) -> Floats:
    """Doors, windows, shelves and pictures as rectangles on the wall."""
    for _ in range(look.integers(2, 12)):
        width, height = look.uniform(0.3, 1.6), look.uniform(0.2, 2.1)
        left = look.uniform(-7, 55)
        bottom = 0.0 if height > 1.7 else look.uniform(0.3, 1.8)
        inside = (u > left) & (u < left + width) & (v > bottom) & (v < bottom + height)
        frame = inside & (
            (u < left + 0.05) | (u > left + width - 0.05) | (v > bottom + height - 0.05)
        )
        panorama = list(load_places().panoramas.values())[look.integers(6)]
        if look.random() < 0.4:  # a window or a picture: something is to be seen in it
            row = ((v[inside] - bottom) / height * -120 + 150).astype(int)
            column = ((u[inside] - left) / width * 160).astype(int) + look.integers(300)
            wall[inside] = panorama[np.clip(row, 0, 255), np.clip(column, 0, 511)] / 255.0
        else:
            wall[inside] = look.uniform(0.05, 0.95) * (1 + look.normal(0, 0.2, 3))
        wall[frame] = look.uniform(0.1, 0.9)
    return np.clip(wall, 0, 1)
