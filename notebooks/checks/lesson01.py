"""Checks of 01_smpl."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from checks import expect, tensor_of
from rsclib.geometry import FOCAL, axis_angle_to_rotmat


def _same(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a.double(), b.double(), rtol=1e-4, atol=1e-4)


def check_shape(answer: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
    g = torch.Generator().manual_seed(0)
    for points, count in ((7, 10), (5, 3), (10, 6), (3, 3)):
        template = torch.randn(points, 3, generator=g)
        dirs = torch.randn(points, 3, count, generator=g)
        betas = torch.randn(count, generator=g)
        kept = template.clone(), betas.clone()
        out = answer(template, dirs, betas)
        unchanged = torch.equal(template, kept[0]) and torch.equal(betas, kept[1])
        expect(unchanged, "an argument was changed: return a new tensor")
        got = tensor_of(out, (points, 3), "a place for every point")
        added = sum(b * dirs[:, :, k] for k, b in enumerate(betas))
        expect(not _same(got, added), "what comes out when all numbers are zero?")
        expect(not _same(got, template - added), "the wrong way: what does a positive number do?")
        expect(
            not _same(got, template + dirs.sum(2)), "the answer must depend on the shape numbers"
        )
        expect(
            _same(got, template + added),
            "set all numbers but one to zero: which displacement does a point get then?",
        )


def check_skin(answer: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]) -> None:
    g = torch.Generator().manual_seed(0)
    for count, bones in ((9, 4), (4, 2), (6, 3)):
        points = torch.randn(count, 3, generator=g)
        shifts = torch.randn(bones, 3, generator=g)
        turns = axis_angle_to_rotmat(torch.randn(bones, 3, generator=g))
        weights = torch.rand(count, bones, generator=g)
        weights = weights / weights.sum(1, keepdim=True)
        want, by_transposed = torch.zeros(count, 3), torch.zeros(count, 3)
        for v in range(count):
            for k in range(bones):
                want[v] += weights[v, k] * (turns[k] @ points[v] + shifts[k])
                by_transposed[v] += weights[v, k] * (turns[k].T @ points[v] + shifts[k])
        kept = points.clone()
        out = answer(points, weights, turns, shifts)
        expect(torch.equal(points, kept), "an argument was changed: return a new tensor")
        got = tensor_of(out, (count, 3), "a place for every point")
        expect(
            not _same(got, by_transposed),
            "every turn goes backwards: in which order do a matrix and a row of points meet?",
        )
        expect(
            not _same(got, want - weights @ shifts),
            "a bone also carries its points along, not only around",
        )
        strongest = weights.argmax(1)
        one = torch.einsum("vij,vj->vi", turns[strongest], points) + shifts[strongest]
        expect(not _same(got, one), "a point near a joint listens to more than one bone")
        expect(
            _same(got, want),
            "take one point and two bones: where does each bone alone put it, and who decides?",
        )


def check_local(answer: Callable[[Tensor, list[int]], Tensor]) -> None:
    g = torch.Generator().manual_seed(0)
    for parents in ([-1, 0, 1, 0, 3], [-1, 0, 0], [-1, 0, 1, 2, 3, 1]):
        count = len(parents)
        local = axis_angle_to_rotmat(torch.randn(count, 3, generator=g))
        world = [local[0]]
        for k in range(1, count):
            world.append(world[parents[k]] @ local[k])
        turns = torch.stack(world)
        kept = turns.clone()
        out = answer(turns, parents)
        expect(
            torch.equal(turns, kept), "the argument was changed, and children read their parents"
        )
        got = tensor_of(out, (count, 3, 3), "a rotation for every joint")
        expect(_same(got[0], local[0]), "whom would the root be relative to?")
        parent = turns[parents[1:]]
        expect(not _same(got[1:], turns[1:]), "nothing has been undone")
        expect(
            not _same(got[1:], turns[1:] @ parent.mT),
            "rotations do not commute: on which side of a child's does its parent's stand?",
        )
        expect(
            not _same(got[1:], parent @ turns[1:]), "that turns once more instead of turning back"
        )
        expect(
            _same(got, local),
            "multiply your answers along the tree: the world rotations should come out again",
        )


def check_translation(answer: Callable[[Tensor], Tensor]) -> None:
    for rows in (
        [[0.9, 0.1, -0.2], [0.5, 0.0, 0.3]],
        [[1.3, -0.4, 0.7]],
        [[0.7, 0.2, 0.1], [1.1, 0.6, -0.5], [0.35, -0.8, 0.9]],
    ):
        cam = torch.tensor(rows)
        kept = cam.clone()
        out = answer(cam)
        expect(torch.equal(cam, kept), "the argument was changed: return a new tensor")
        got = tensor_of(out, tuple(cam.shape), "three numbers for every camera")
        across, depth = cam[:, 1:].double(), 2 * FOCAL / (224 * cam[:, 0].double())
        expect(
            _same(got[:, :2], across), "the first two numbers are metres already; in which order?"
        )
        expect(
            not _same(got[:, 2], depth * cam[:, 0] ** 2),
            "is a person with a larger s nearer or farther away?",
        )
        expect(
            not _same(got[:, 2], 2 * depth) and not _same(got[:, 2], depth / 2),
            "a factor of two is missing: how far is it from the middle of a crop to its edge?",
        )
        expect(
            _same(got[:, 2], depth),
            "a point 1/s metres off the axis should land on the crop's edge: at which depth does it?",
        )
