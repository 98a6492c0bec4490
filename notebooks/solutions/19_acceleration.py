"""Solutions of 19_acceleration, and wrong answers that the checks must turn down."""

import numpy as np


def my_acc(joints):
    velocity = joints[1:] - joints[:-1]
    change = velocity[1:] - velocity[:-1]
    return float(1000 * np.linalg.norm(change, axis=-1).mean())


def my_joined_acc(joints, sequence):
    kept = []
    for name in dict.fromkeys(sequence.tolist()):  # in the order given
        own = joints[sequence == name]
        kept.append(own[: len(own) // 16 * 16])
    return my_acc(np.concatenate(kept))


def my_cheat(guesses):
    still = np.repeat(guesses[:1], len(guesses), axis=0)  # frozen: no acceleration at all
    return still * [-1, 1, -1]  # and with the back to the camera


def _windows_apart(joints, sequence):
    found = []
    for name in dict.fromkeys(sequence.tolist()):
        own = joints[sequence == name]
        for k in range(len(own) // 16):
            part = own[16 * k : 16 * k + 16]
            found.append(np.diff(part, 2, axis=0))
    return float(1000 * np.linalg.norm(np.concatenate(found), axis=-1).mean())


def _mean_of_videos(joints, sequence):
    return float(np.mean([my_acc(joints[sequence == n]) for n in np.unique(sequence)]))


def _sorted(joints, sequence):
    parts = [joints[sequence == n] for n in sorted(set(sequence.tolist()))]
    return my_acc(np.concatenate([p[: len(p) // 16 * 16] for p in parts]))


def _from_the_end(joints, sequence):
    parts = [joints[sequence == n] for n in dict.fromkeys(sequence.tolist())]
    return my_acc(np.concatenate([p[len(p) % 16 :] for p in parts]))


def _smooth(guesses, width=9):
    padded = np.concatenate(
        [guesses[:1]] * (width // 2) + [guesses] + [guesses[-1:]] * (width // 2)
    )
    return np.stack([padded[t : t + width].mean(0) for t in range(len(guesses))])


def _shaken(guesses):
    return guesses + np.random.default_rng(0).normal(0, 0.05, guesses.shape)


def _in_place(guesses):
    guesses[:] = guesses[:1] * [-1, 1, -1]
    return guesses


def _changed(joints):
    joints *= 1000
    return my_acc(joints) / 1000


WRONG = {
    "my_acc": [
        lambda joints: my_acc(joints) / 1000,
        lambda joints: 1000 * np.linalg.norm(np.diff(joints, axis=0), axis=-1).mean(),
        lambda joints: 1000 * np.linalg.norm(np.diff(joints, 2, axis=0).mean((0, 1))),
        lambda joints: 1000 * np.linalg.norm(np.diff(joints, 2, axis=0), axis=-1).sum(),
        lambda joints: 1000 * np.linalg.norm(np.diff(joints, 2, axis=0), axis=-1).sum(1).mean(),
        lambda joints: 1000 * np.abs(np.diff(joints, 2, axis=0)).mean(),
        lambda joints: 1000 * np.abs(np.diff(joints, 2, axis=0)).sum(-1).mean(),
        lambda joints: 1000 * np.sqrt((np.diff(joints, 2, axis=0) ** 2).sum(-1).mean()),
        lambda joints: 1000 * np.linalg.norm(np.diff(joints, 2, axis=0), axis=1).mean(),
        lambda joints: 1000 * np.linalg.norm(np.diff(joints, 2, axis=1), axis=-1).mean(),
        lambda joints: 900 * my_acc(joints),
        lambda joints: (
            1000 * np.linalg.norm(np.gradient(np.gradient(joints, axis=0), axis=0), axis=-1).mean()
        ),
        lambda joints: my_acc(joints) * (len(joints) - 2) / len(joints),
        lambda joints: my_acc(joints) / 2,
        lambda joints: 1000 * np.linalg.norm(joints[2:] - joints[:-2], axis=-1).mean(),
        lambda joints: (
            1000 * np.linalg.norm(joints[2:] - joints[1:-1] + joints[:-2], axis=-1).mean()
        ),
        lambda joints: 1000 * np.median(np.linalg.norm(np.diff(joints, 2, axis=0), axis=-1)),
        lambda joints: 1000 * np.linalg.norm(np.diff(joints, 2, axis=0), axis=-1).mean(0),
        lambda joints: 1000 * np.diff(np.linalg.norm(joints, axis=-1), 2, axis=0).mean(),
        _changed,
        lambda joints: None,
    ],
    "my_joined_acc": [
        lambda joints, sequence: my_acc(joints),
        _mean_of_videos,
        _windows_apart,
        _sorted,
        _from_the_end,
        lambda joints, sequence: my_acc(joints[: len(joints) // 16 * 16]),
        lambda joints, sequence: my_joined_acc(joints, sequence) / 1000,
        lambda joints, sequence: my_joined_acc(joints, sequence) * 900,
        lambda joints, sequence: my_joined_acc(joints, np.sort(sequence)),
        lambda joints, sequence: my_joined_acc(joints, np.zeros_like(sequence)),
        lambda joints, sequence: my_acc(
            np.concatenate(
                [
                    joints[sequence == n]
                    for n in dict.fromkeys(sequence.tolist())
                    if (sequence == n).sum() >= 16
                ]
            )
        ),
        lambda joints, sequence: my_acc(
            np.concatenate(
                [
                    joints[sequence == n][: (sequence == n).sum() // 15 * 15]
                    for n in dict.fromkeys(sequence.tolist())
                ]
            )
        ),
        lambda joints, sequence: my_acc(
            np.concatenate(
                [
                    joints[sequence == n][:16]
                    for n in dict.fromkeys(sequence.tolist())
                    if (sequence == n).sum() >= 16
                ]
            )
        ),
        lambda joints, sequence: (
            1000
            * np.linalg.norm(np.diff(joints, 2, axis=0), axis=-1)[
                (sequence[2:] == sequence[:-2])
            ].mean()
        ),
        lambda joints, sequence: None,
    ],
    "my_cheat": [
        lambda guesses: guesses,
        lambda guesses: np.repeat(guesses[:1], len(guesses), axis=0),
        lambda guesses: np.repeat(guesses.mean(0, keepdims=True), len(guesses), axis=0),
        lambda guesses: np.zeros_like(guesses),
        lambda guesses: _smooth(guesses),
        lambda guesses: guesses * [-1, 1, -1],
        lambda guesses: _smooth(guesses) + 1.0,
        lambda guesses: np.repeat(guesses[:1], len(guesses), axis=0) * 2,
        lambda guesses: np.repeat(guesses[:1], len(guesses), axis=0) * [-1, 1, 0],
        lambda guesses: guesses[::-1],
        _shaken,
        lambda guesses: np.repeat(guesses[::2], 2, axis=0)[: len(guesses)],
        lambda guesses: guesses[:1] * [-1, 1, -1],
        lambda guesses: np.random.default_rng(0).normal(size=guesses.shape),
        _in_place,
        lambda guesses: np.full_like(guesses, np.nan),
        lambda guesses: _smooth(guesses, 3) * [-1, 1, -1],
        lambda guesses: None,
    ],
}
