"""Solutions of 22_video_table, and wrong answers that the checks must turn down."""

import numpy as np
import torch

from rsclib.smoothing import constant_velocity, savitzky_golay


def my_gain(than, better, clips, draws):
    gains = than - better  # the same frame of both rows
    names = np.unique(clips)
    sums = np.array([gains[clips == name].sum() for name in names])
    counts = np.array([(clips == name).sum() for name in names])
    means = sums[draws].sum(1) / counts[draws].sum(1)  # of everything that was drawn
    low, high = np.percentile(means, (2.5, 97.5))
    return gains.mean(), low, high


def my_split(errors, window):
    steady = np.zeros_like(errors)
    for number in np.unique(window):
        steady[window == number] = errors[window == number].mean(0)
    around = errors - steady
    return tuple(1000 * np.sqrt((part**2).sum(-1).mean()) for part in (steady, around))


def my_rival(joints):
    sequence = torch.zeros(len(joints), dtype=torch.long)
    return constant_velocity(torch.from_numpy(joints.copy()), sequence, 0.3).numpy()


def _over_frames(than, better, clips, draws):
    gains, rng = than - better, np.random.default_rng(0)
    means = [rng.choice(gains, len(gains)).mean() for _ in draws]
    return gains.mean(), *np.percentile(means, (2.5, 97.5))


def _of_clips(than, better, clips, draws):
    gains = than - better
    of = np.array([gains[clips == name].mean() for name in np.unique(clips)])
    return gains.mean(), *np.percentile(of[draws].mean(1), (2.5, 97.5))


def _in_order(than, better, clips, draws):
    gains = than - better
    of = [gains[clips == name] for name in dict.fromkeys(clips.tolist())]
    means = [np.concatenate([of[k] for k in line]).mean() for line in draws]
    return gains.mean(), *np.percentile(means, (2.5, 97.5))


def _ends(low, high):
    def wrong(than, better, clips, draws):
        gains = than - better
        of = [gains[clips == name] for name in np.unique(clips)]
        means = [np.concatenate([of[k] for k in line]).mean() for line in draws]
        return gains.mean(), *np.percentile(means, (low, high))

    return wrong


def _changed_gain(than, better, clips, draws):
    than -= better
    return my_gain(than, 0 * better, clips, draws)


def _of_windows(errors, window):
    means = np.stack([errors[window == number].mean(0) for number in np.unique(window)])
    steady = (means**2).sum(-1).mean()
    return 1000 * np.sqrt(steady), 1000 * np.sqrt((errors**2).sum(-1).mean() - steady)


def _lengths(errors, window):
    length = np.linalg.norm(errors, axis=-1)
    steady = np.zeros_like(length)
    for number in np.unique(window):
        steady[window == number] = length[window == number].mean(0)
    return 1000 * np.sqrt((steady**2).mean()), 1000 * np.sqrt(((length - steady) ** 2).mean())


def _changed_split(errors, window):
    errors *= 1.0001
    return my_split(errors, window)


def _past_mean(joints, width=9):
    return np.stack([joints[max(0, t - width + 1) : t + 1].mean(0) for t in range(len(joints))])


def _golay(joints):
    sequence = torch.zeros(len(joints), dtype=torch.long)
    return savitzky_golay(torch.from_numpy(joints.copy()), sequence).numpy()


def _in_place(joints):
    joints[:] = my_rival(joints)
    return joints


WRONG = {
    "my_gain": [
        lambda than, better, clips, draws: my_gain(better, than, clips, draws),
        _over_frames,
        _of_clips,
        _in_order,
        _ends(5, 95),
        _ends(97.5, 2.5),
        _ends(25, 75),
        _changed_gain,
        lambda than, better, clips, draws: than.mean() - better.mean(),
        lambda than, better, clips, draws: my_gain(than, better[::-1], clips, draws),
        lambda than, better, clips, draws: None,
    ],
    "my_split": [
        lambda errors, window: my_split(errors, 0 * window),
        lambda errors, window: my_split(errors, np.arange(len(window))),
        lambda errors, window: my_split(errors, window)[::-1],
        lambda errors, window: tuple(x / 1000 for x in my_split(errors, window)),
        lambda errors, window: tuple(x**2 for x in my_split(errors, window)),
        lambda errors, window: my_split(errors, np.arange(len(window)) // 16),
        _of_windows,
        _lengths,
        _changed_split,
        lambda errors, window: None,
    ],
    "my_rival": [
        lambda joints: joints,
        lambda joints: np.repeat(joints[:1], len(joints), axis=0),
        _past_mean,
        lambda joints: _past_mean(joints, 30),
        _golay,
        _in_place,
        lambda joints: joints[::-1],
        lambda joints: my_rival(joints)[:-1],
        lambda joints: np.roll(my_rival(joints), 1, axis=0),
        lambda joints: np.roll(my_rival(joints), 4, axis=0),
        lambda joints: None,
    ],
}
