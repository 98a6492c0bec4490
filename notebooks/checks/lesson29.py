"""Checks of 29_own_model_and_licensed_data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from checks import array_of, expect

SWAP = [5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13]
HIPS = [2, 3]
Shapes = dict[str, Any]
Lists = tuple[list[str], list[str], list[str]]


def check_mirror(answer: Callable[[torch.Tensor], torch.Tensor]) -> None:
    joints = torch.randn(5, 14, 3, generator=torch.Generator().manual_seed(0))
    kept = joints.clone()
    got = torch.from_numpy(array_of(answer(joints), (5, 14, 3), "return joints (B, 14, 3)"))
    expect(torch.equal(joints, kept), "the argument was changed: work on a copy")
    want = joints[:, SWAP].double() * torch.tensor([-1.0, 1, 1])
    if not torch.allclose(got, want, atol=1e-6):
        expect(not torch.allclose(got, joints.double()), "nothing was mirrored")
        expect(not torch.allclose(got, joints[:, SWAP].double()), "which axis points to the right?")
        unmoved = joints.double() * torch.tensor([-1.0, 1, 1])
        expect(not torch.allclose(got, unmoved), "in a mirror the right hand becomes which hand?")
        expect(torch.allclose(got[..., 1:], want[..., 1:], atol=1e-6),
               "some joint did not go where its twin is, or an axis other than x was changed")  # fmt: skip
    expect(torch.allclose(got, want, atol=1e-6), "is every joint's x of the other sign?")


def _slip(ids: list[str], joints: NDArray[Any], people: list[str]) -> str:
    if set(ids) - set(people):
        return "unknown id"
    if len(set(ids)) < len(ids):
        return "twice"
    if len(ids) < len(people):
        return "missing"
    if not np.isfinite(joints).all():
        return "not finite"
    if not 0.2 <= np.median((joints.max(1) - joints.min(1)).max(1)) <= 4:
        return "unit"
    if np.median(np.linalg.norm(joints[:, HIPS].mean(1), axis=1)) > 0.5:
        return "origin"
    return "fine"


def check_slip(answer: Callable[[Any, Any, Any], str]) -> None:
    rng = np.random.default_rng(0)
    people = [f"p-{i}" for i in range(9)]
    sound = rng.normal(0, 0.25, (9, 14, 3))
    sound[:, HIPS] *= 0.1
    order = rng.permutation(9)
    cases: list[tuple[list[str], NDArray[Any]]] = [(people, sound)]
    cases.append(([people[i] for i in order], sound[order]))
    cases.append((people[1:], sound[1:]))
    cases.append(([*people[:8], people[0]], sound))
    cases.append(([*people[:8], "q-1"], sound))
    cases.append(([*people, people[2]], np.concatenate([sound, sound[2:3]])))
    cases.append(([*people[:7], "q-1"], sound[:8]))
    for value in (np.nan, np.inf):
        spoilt = sound.copy()
        spoilt[4, 1, 2] = value
        cases += [(people, spoilt), (people[:8], spoilt[:8])]
    cases += [(people, sound * f) for f in (1000, 100, 6, 0.01)]
    cases += [(people, sound + s) for s in (2.0, 0.4, 0.2)]
    one_off, one_large = sound.copy(), sound.copy()
    one_off[3] += 5
    one_large[3] *= 50
    cases += [(people, one_off), (people, one_large)]
    hips = sound.copy()
    hips[:, 2, 0] += 0.7
    hips[:, 3, 0] -= 0.7
    cases.append((people, hips))
    shifted = sound * 1000 + 2000
    cases.append((people, shifted))
    hints = {
        "unknown id": "an id that nobody has: which word?", "twice": "who stands there twice?",
        "missing": "are all the people there?", "not finite": "NaN and infinity are no numbers",
        "unit": "half of the people measured in metres: how large?",
        "origin": "where is the middle of the hips of half of the people?",
        "fine": "nothing is wrong with these: any order will do, and one odd person is no unit",
    }  # fmt: skip
    for ids, joints in cases:
        kept = joints.copy()
        got = answer(np.array(ids), joints, list(people))
        expect(got is not None, "it returns nothing: is there a return?")
        expect(isinstance(got, str), "return one of the words")
        expect(np.array_equal(joints, kept, equal_nan=True), "an argument was changed")
        want = _slip(ids, joints, people)
        expect(got == want, hints[want])


def _problems(own: Shapes, given: Shapes) -> Lists:
    for container in ("model", "state_dict"):
        if isinstance(given.get(container), dict):
            given = given[container]
    if given and all(name.startswith("module.") for name in given):
        given = {name.removeprefix("module."): shape for name, shape in given.items()}
    both = own.keys() & given.keys()
    return (
        sorted(own.keys() - given.keys()), sorted(given.keys() - own.keys()),
        sorted(name for name in both if tuple(own[name]) != tuple(given[name])),
    )  # fmt: skip


def check_problems(answer: Callable[[Shapes, Shapes], Lists]) -> None:
    own: Shapes = {
        "fc.weight": (3, 4),
        "fc.bias": (3,),
        "bn.weight": (4,),
        "conv.weight": (4, 3, 1, 1),
    }
    other = own | {"fc.bias": (5,), "extra": (1,)}
    del other["bn.weight"]
    half = {f"module.{k}" if k.startswith("fc") else k: v for k, v in own.items()}
    cases: list[tuple[Shapes, str]] = [
        (own, "a file that fits has no problems"),
        (other, "a name may be missing, unexpected, or of another shape"),
        ({}, "of an empty file everything is missing"),
        (
            {"model": own, "optimizer": {}, "epoch": (1,)},
            "where are the weights in {'model': ...}?",
        ),
        ({"state_dict": other}, "where are the weights in {'state_dict': ...}?"),
        ({f"module.{k}": v for k, v in other.items()}, "what do several GPUs put before names?"),
        ({"model": {f"module.{k}": v for k, v in own.items()}}, "first the container, then names"),
        (half, "module. goes only where all names have it"),
        (own | {"fc.weight": (4, 3)}, "as many numbers, but is it the same shape?"),
        ({"model": (2, 2), "fc.bias": (3,)}, "an entry called model may be a weight"),
        ({"z": (1,), "a": (1,), "m": (2,)}, "are the lists sorted?"),
    ]
    for given, hint in cases:
        kept = repr((own, given))
        got = answer(own, given)
        expect(got is not None, "it returns nothing: is there a return?")
        expect(repr((own, given)) == kept, "an argument was changed")
        expect(isinstance(got, tuple | list) and len(got) == 3, "return three lists")
        expect(tuple(list(part) for part in got) == tuple(_problems(own, given)), hint)
