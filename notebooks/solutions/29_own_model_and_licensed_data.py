"""Solutions of 29_own_model_and_licensed_data, and wrong answers that the checks must turn down."""

import numpy as np
import torch

SWAP = [5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13]


def my_mirror(joints):
    return joints[:, SWAP] * torch.tensor([-1.0, 1, 1])


def _in_place(joints):
    joints[..., 0] *= -1
    return joints[:, SWAP]


def my_slip(ids, joints, people):
    if set(ids) - set(people):
        return "unknown id"
    if len(set(ids)) < len(ids):
        return "twice"
    if len(ids) < len(people):
        return "missing"
    if not np.isfinite(joints).all():
        return "not finite"
    extent = (joints.max(1) - joints.min(1)).max(1)
    if not 0.2 <= np.median(extent) <= 4:
        return "unit"
    hips = np.linalg.norm(joints[:, [2, 3]].mean(1), axis=1)
    return "origin" if np.median(hips) > 0.5 else "fine"


def _slip(ids, joints, people, nan=True, middle=np.median, hips=None, low=0.2, set_only=False):
    """The same with something left out or done otherwise."""
    if set(ids) - set(people):
        return "unknown id"
    if len(set(ids)) < len(ids) and not set_only:
        return "twice"
    if len(set(ids)) < len(people):
        return "missing"
    if nan and not np.isfinite(joints).all():
        return "not finite"
    if not low <= middle((joints.max(1) - joints.min(1)).max(1)) <= 4:
        return "unit"
    away = np.linalg.norm(joints[:, [2, 3]].mean(1), axis=1) if hips is None else hips(joints)
    return "origin" if middle(away) > 0.5 else "fine"


def my_problems(own, given):
    for container in ("model", "state_dict"):
        if isinstance(given.get(container), dict):
            given = given[container]
    if given and all(name.startswith("module.") for name in given):
        given = {name.removeprefix("module."): shape for name, shape in given.items()}
    missing = sorted(own.keys() - given.keys())
    unexpected = sorted(given.keys() - own.keys())
    differ = sorted(name for name in own.keys() & given.keys() if own[name] != given[name])
    return missing, unexpected, differ


def _flat(own, given):
    """The released evaluation: the dictionary as it is."""
    return (
        sorted(own.keys() - given.keys()), sorted(given.keys() - own.keys()),
        sorted(n for n in own.keys() & given.keys() if own[n] != given[n]),
    )  # fmt: skip


def _always_stripped(own, given):
    given = given.get("model", given.get("state_dict", given))
    return _flat(own, {name.removeprefix("module."): shape for name, shape in given.items()})


def _never_stripped(own, given):
    return _flat(own, given.get("model", given.get("state_dict", given)))


def _by_size(own, given):
    missing, unexpected, _ = my_problems(own, given)
    given = given.get("model", given.get("state_dict", given))
    given = {name.removeprefix("module."): shape for name, shape in given.items()}
    both = own.keys() & given.keys()
    return missing, unexpected, sorted(n for n in both if np.prod(own[n]) != np.prod(given[n]))


WRONG = {
    "my_mirror": [
        lambda joints: joints,
        lambda joints: joints * torch.tensor([-1.0, 1, 1]),
        lambda joints: joints[:, SWAP],
        lambda joints: joints[:, SWAP] * torch.tensor([1.0, -1, 1]),
        lambda joints: joints[:, SWAP] * torch.tensor([1.0, 1, -1]),
        lambda joints: joints.flip(1) * torch.tensor([-1.0, 1, 1]),
        lambda joints: my_mirror(joints)[:, :12],
        lambda joints: -joints[:, SWAP],
        _in_place,
        lambda joints: None,
    ],
    "my_slip": [
        lambda ids, joints, people: "fine",
        lambda ids, joints, people: _slip(ids, joints, people, nan=False),
        lambda ids, joints, people: _slip(ids, joints, people, middle=np.max),
        lambda ids, joints, people: _slip(ids, joints, people, middle=np.mean),
        lambda ids, joints, people: _slip(ids, joints, people, low=0),
        lambda ids, joints, people: _slip(ids, joints, people, set_only=True),
        lambda ids, joints, people: _slip(
            ids, joints, people, hips=lambda j: np.linalg.norm(j[:, 2], axis=1)
        ),
        lambda ids, joints, people: (
            "missing" if list(ids) != people else my_slip(ids, joints, people)
        ),
        lambda ids, joints, people: (
            "missing" if len(ids) < len(people) else my_slip(ids, joints, people)
        ),
        lambda ids, joints, people: my_slip(ids, joints, people).upper(),
        lambda ids, joints, people: None,
    ],
    "my_problems": [
        lambda own, given: ([], [], []),
        _flat,
        _always_stripped,
        _never_stripped,
        _by_size,
        lambda own, given: my_problems(own, given)[:2],
        lambda own, given: (
            my_problems(own, given)[1],
            my_problems(own, given)[0],
            my_problems(own, given)[2],
        ),
        lambda own, given: tuple(part[::-1] for part in my_problems(own, given)),
        lambda own, given: None,
    ],
}
