"""Solutions of 23_own_images, and wrong answers that the checks must turn down."""

import numpy as np
import torch

from rsclib.geometry import CROP, FOCAL, axis_angle_to_rotmat, cam_to_translation


def my_square(box, margin):
    x, y, w, h = box
    side = margin * max(w, h)
    return x + w / 2 - side / 2, y + h / 2 - side / 2, side


def my_pixels(points, cam, square):
    left, top, side = square
    placed = points + cam_to_translation(cam[None])  # X + delta
    focal = FOCAL * side / CROP
    return placed[:, :2] / placed[:, 2:] * focal + torch.tensor([left + side / 2, top + side / 2])


def _by_brightness(images):
    return images.float().mean((1, 2, 3)) / 100  # radians; the mirror changes nothing in it


def _turned(angles, standing, axis):
    turns = axis_angle_to_rotmat(angles[:, None] * torch.tensor(axis))
    return standing @ turns.mT


def my_liar(images, standing):
    return _turned(_by_brightness(images), standing, [1.0, 0.0, 0.0])  # forwards and backwards


def _in_square(points, cam, square):
    placed = points + cam_to_translation(cam[None])
    return placed[:, :2] / placed[:, 2:] * FOCAL / CROP


def _flat(points, cam, square):
    left, top, side = square
    return cam[0] * (points[:, :2] + cam[1:]) / 2 * side + torch.tensor(
        [left + side / 2, top + side / 2]
    )


def _half_bright(images, standing):
    left = images[..., : images.shape[-1] // 2]
    return _turned(_by_brightness(left), standing, [1.0, 0.0, 0.0])


def _in_place(images, standing):
    standing *= 1.01
    return my_liar(images, standing / 1.01)


def _shifted(box, margin):
    box += 1
    return my_square(box - 1, margin)


WRONG = {
    "my_square": [
        lambda box, margin: (*(np.array(box[:2]) + np.array(box[2:]) / 2), margin * max(box[2:])),
        lambda box, margin: (box[0], box[1], margin * max(box[2:])),
        lambda box, margin: my_square(box, 1.0),
        lambda box, margin: my_square(box, 2 * margin - 1),
        lambda box, margin: (
            box[0] + box[2] / 2 - margin * min(box[2:]) / 2,
            box[1] + box[3] / 2 - margin * min(box[2:]) / 2,
            margin * min(box[2:]),
        ),
        lambda box, margin: my_square((box[0], box[1], box[2] - box[0], box[3] - box[1]), margin),
        lambda box, margin: my_square(box, margin)[:2],
        _shifted,
        lambda box, margin: None,
    ],
    "my_pixels": [
        lambda points, cam, square: _in_square(points, cam, square) * 2,
        lambda points, cam, square: _in_square(points, cam, square) * square[2] + square[2] / 2,
        lambda points, cam, square: (
            _in_square(points, cam, square) * square[2] + torch.tensor(square[:2])
        ),
        lambda points, cam, square: (
            _in_square(points, cam, square) * CROP + torch.tensor(square[:2] + square[2] / 2)
        ),
        _flat,
        lambda points, cam, square: my_pixels(points, cam, square).flip(1),
        lambda points, cam, square: my_pixels(points * torch.tensor([1.0, -1, 1]), cam, square),
        lambda points, cam, square: my_pixels(points, cam, square)[:3],
        lambda points, cam, square: None,
    ],
    "my_liar": [
        lambda images, standing: standing.expand(len(images), -1, -1),
        lambda images, standing: _turned(_by_brightness(images), standing, [0.0, 1.0, 0.0]),
        lambda images, standing: _turned(_by_brightness(images), standing, [0.0, 0.0, 1.0]),
        lambda images, standing: standing * (1 + _by_brightness(images))[:, None, None],
        _half_bright,
        _in_place,
        lambda images, standing: torch.randn(len(images), 14, 3),
        lambda images, standing: my_liar(images, standing)[:3],
        lambda images, standing: None,
    ],
}
