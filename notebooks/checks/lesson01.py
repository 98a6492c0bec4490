"""Checks of 01_smpl."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from checks import expect
from rsclib.geometry import axis_angle_to_rotmat, cam_to_translation


def check_translation(answer: Callable[[Tensor], Tensor]) -> None:
    cam = torch.tensor([[0.9, 0.1, -0.2], [0.5, 0.0, 0.3]])
    got, want = answer(cam), cam_to_translation(cam)
    expect(got.shape == want.shape, f"return (B, 3), not {tuple(got.shape)}")
    expect(
        torch.allclose(got[:, :2], want[:, :2]), "tx and ty are metres already: do not scale them"
    )
    expect(not torch.allclose(got[:, 2], 2 * want[:, 2]), "the crop is half of 224 px to each side")
    expect(got[1, 2] > got[0, 2], "a smaller s means a person farther away: s divides")
    expect(torch.allclose(got, want, rtol=1e-4), "the depth is 2 f / (224 s)")


def check_skin(answer: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]) -> None:
    g = torch.Generator().manual_seed(0)
    points, shifts = torch.randn(9, 3, generator=g), torch.randn(4, 3, generator=g)
    turns = axis_angle_to_rotmat(torch.randn(4, 3, generator=g))
    weights = torch.rand(9, 4, generator=g)
    weights = weights / weights.sum(1, keepdim=True)
    want = torch.zeros(9, 3)
    for v in range(9):
        for k in range(4):
            want[v] += weights[v, k] * (turns[k] @ points[v] + shifts[k])
    got = answer(points, weights, turns, shifts)
    expect(got.shape == want.shape, f"return (V, 3), not {tuple(got.shape)}")
    transposed = torch.einsum("vk,kji,vj->vi", weights, turns, points) + weights @ shifts
    expect(
        not torch.allclose(got, transposed, atol=1e-4), "that multiplies by the transposed turns"
    )
    expect(
        not torch.allclose(got, want - weights @ shifts, atol=1e-4), "the shifts have a weight too"
    )
    expect(torch.allclose(got, want, atol=1e-4), "every bone moves the point; then take the mean")


def check_local(answer: Callable[[Tensor, list[int]], Tensor]) -> None:
    g = torch.Generator().manual_seed(0)
    parents = [-1, 0, 1, 0, 3]
    local = axis_angle_to_rotmat(torch.randn(5, 3, generator=g))
    world = [local[0]]
    for k in range(1, 5):
        world.append(world[parents[k]] @ local[k])
    got = answer(torch.stack(world), parents)
    expect(got.shape == local.shape, f"return (K, 3, 3), not {tuple(got.shape)}")
    expect(torch.allclose(got[0], local[0], atol=1e-5), "the root has no parent: it stays as it is")
    expect(
        not torch.allclose(got[2], torch.stack(world)[2] @ torch.stack(world)[1].T, atol=1e-4),
        "the order matters: world = parent's world @ local",
    )
    expect(torch.allclose(got, local, atol=1e-4), "undo the parent's world rotation")
