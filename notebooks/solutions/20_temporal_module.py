"""Solutions of 20_temporal_module, and wrong answers that the checks must turn down."""

import numpy as np


def _gate(x):
    return 1 / (1 + np.exp(-x))


def my_gru_step(x, h, w_ih, w_hh, b_ih, b_hh):
    r_x, z_x, n_x = np.split(w_ih @ x + b_ih, 3)
    r_h, z_h, n_h = np.split(w_hh @ h + b_hh, 3)
    r, z = _gate(r_x + r_h), _gate(z_x + z_h)
    n = np.tanh(n_x + r * n_h)
    return (1 - z) * n + z * h


def my_average(phi, sequence, z):
    out = phi.copy()
    for t in range(1, len(phi)):
        if sequence[t] == sequence[t - 1]:  # else a new video begins, with its own first frame
            out[t] = z * out[t - 1] + (1 - z) * phi[t]
    return out


def my_lag(guess, truth):
    def far(k):  # the guess beside the truth of k frames before
        return np.linalg.norm(guess[10:] - truth[10 - k : len(truth) - k], axis=-1).mean()

    return min(range(11), key=far)


def _step(x, h, w_ih, w_hh, b_ih, b_hh, kind):
    a, b = np.split(w_ih @ x + b_ih, 3), np.split(w_hh @ h + b_hh, 3)
    r, z = _gate(a[0] + b[0]), _gate(a[1] + b[1])
    if kind == "order":
        r, z = z, r
    n = np.tanh(a[2] + r * b[2])
    if kind == "no reset":
        n = np.tanh(a[2] + b[2])
    if kind == "on the state":
        width = len(h)
        n = np.tanh(a[2] + w_hh[2 * width :] @ (r * h) + b_hh[2 * width :])
    if kind == "on all":
        n = np.tanh(r * (a[2] + b[2]))
    if kind == "linear":
        n = a[2] + r * b[2]
    if kind == "turned":
        return z * n + (1 - z) * h
    if kind == "sum":
        return n + z * h
    return (1 - z) * n + z * h


def _carried(phi, sequence, z):
    return my_average(phi, np.zeros_like(sequence), z)


def _from_zero(phi, sequence, z):
    out = np.zeros_like(phi)
    for t in range(len(phi)):
        before = out[t - 1] if t and sequence[t] == sequence[t - 1] else 0
        out[t] = z * before + (1 - z) * phi[t]
    return out


def _last_two(phi, sequence, z):
    out = phi.copy()
    for t in range(1, len(phi)):
        if sequence[t] == sequence[t - 1]:
            out[t] = z * phi[t - 1] + (1 - z) * phi[t]
    return out


def _in_place(phi, sequence, z):
    phi[:] = my_average(phi, sequence, z)
    return phi


def _backwards(phi, sequence, z):
    return my_average(phi[::-1], sequence[::-1], z)[::-1]


def _centred(phi, sequence, z):
    return (my_average(phi, sequence, z) + _backwards(phi, sequence, z)) / 2


def _by_number(phi, sequence, z):
    order = np.argsort(sequence, kind="stable")
    return my_average(phi[order], sequence[order], z)


WRONG = {
    "my_gru_step": [
        *(
            lambda x, h, a, b, c, d, kind=kind: _step(x, h, a, b, c, d, kind)
            for kind in ("order", "no reset", "on the state", "on all", "linear", "turned", "sum")
        ),
        lambda x, h, a, b, c, d: my_gru_step(x, h, a, b, c, 0 * d),
        lambda x, h, a, b, c, d: h,
        lambda x, h, a, b, c, d: None,
    ],
    "my_average": [
        _carried,
        _from_zero,
        _last_two,
        _in_place,
        _backwards,
        _centred,
        _by_number,
        lambda phi, sequence, z: my_average(phi, sequence, 1 - z),
        lambda phi, sequence, z: phi,
        lambda phi, sequence, z: None,
    ],
    "my_lag": [
        lambda guess, truth: -my_lag(guess, truth),
        lambda guess, truth: my_lag(truth, guess),
        lambda guess, truth: my_lag(guess, truth) + 1,
        lambda guess, truth: 0,
        lambda guess, truth: 1000 * np.linalg.norm(guess - truth, axis=-1).mean(),
        lambda guess, truth: None,
        lambda guess, truth: min(
            range(11),
            key=lambda k: np.linalg.norm(
                guess[10 - k : len(guess) - k] - truth[10:], axis=-1
            ).mean(),
        ),
    ],
}
