"""Solutions of 21_motion_critic, and wrong answers that the checks must turn down."""

import numpy as np


def my_losses(real, fake):
    critic = np.mean((real - 1) ** 2) + np.mean(fake**2)
    generator = np.mean((fake - 1) ** 2)
    return critic, generator


def my_pool(hidden, logits):
    e = np.exp(logits - logits.max())
    return (e / e.sum()) @ hidden


def my_largest_weight(frames):
    high, low = np.exp(1), np.exp(-1)  # what tanh lets through, at most and at least
    return high / (high + (frames - 1) * low)


WRONG = {
    "my_losses": [
        lambda real, fake: my_losses(real, fake)[::-1],
        lambda real, fake: (np.mean(real**2) + np.mean((fake - 1) ** 2), np.mean((fake - 1) ** 2)),
        lambda real, fake: (np.sum((real - 1) ** 2) + np.sum(fake**2), np.mean((fake - 1) ** 2)),
        lambda real, fake: (my_losses(real, fake)[0] / 2, my_losses(real, fake)[1]),
        lambda real, fake: (my_losses(real, fake)[0], np.mean(fake**2)),
        lambda real, fake: (my_losses(real, fake)[0], np.mean((real - 1) ** 2)),
        lambda real, fake: (fake.mean() - real.mean(), -fake.mean()),
        lambda real, fake: (np.mean(np.abs(real - 1)) + np.mean(np.abs(fake)), 0.0),
        lambda real, fake: my_losses(real, fake)[0],
        lambda real, fake: None,
    ],
    "my_pool": [
        lambda hidden, logits: hidden.mean(0),
        lambda hidden, logits: logits @ hidden,
        lambda hidden, logits: np.exp(logits) @ hidden,
        lambda hidden, logits: (np.exp(logits) / np.exp(logits).sum()) @ hidden,
        lambda hidden, logits: hidden[logits.argmax()],
        lambda hidden, logits: (logits / logits.sum()) @ hidden,
        lambda hidden, logits: my_pool(hidden, -logits),
        lambda hidden, logits: my_pool(hidden, logits) * len(logits),
        lambda hidden, logits: my_pool(hidden, logits)[None],
        lambda hidden, logits: None,
    ],
    "my_largest_weight": [
        lambda frames: 1 / frames,
        lambda frames: 1.0,
        lambda frames: np.e / (np.e + frames - 1),
        lambda frames: np.e / frames,
        lambda frames: np.exp(2),
        lambda frames: np.tanh(1) / frames,
        lambda frames: None,
    ],
}
