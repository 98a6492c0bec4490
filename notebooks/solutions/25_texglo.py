"""Solutions of 25_texglo, and wrong answers that the checks must turn down."""

import numpy as np


def my_summary(x, squeeze):
    pooled = x.mean((1, 2))  # (C,)
    narrow = np.einsum("rc,chw->rhw", squeeze, x)  # (C_r, h, w)
    return np.concatenate([pooled, narrow.reshape(-1)])


def my_context(x, squeeze, fc1, fc2, expand):
    hidden = np.maximum(fc1 @ my_summary(x, squeeze), 0)
    out = (fc2 @ hidden).reshape(len(squeeze), *x.shape[1:])
    return x + np.einsum("cr,rhw->chw", expand, out)


def my_messenger(h, w):
    # Two hidden units: the message, and minus the message. Their difference has both signs.
    fc1 = np.zeros((2, 1 + h * w))
    fc1[:, 1] = [1, -1]  # entry 0 is the mean, entry 1 the first place
    fc2 = np.tile([1.0, -1.0], (h * w, 1))
    return fc1, fc2


def _summary_with(pool=None, flat=None, swap=False):
    def summary(x, squeeze):
        pooled = x.mean((1, 2)) if pool is None else pool(x)
        narrow = np.einsum("rc,chw->rhw", squeeze, x)
        laid = narrow.reshape(-1) if flat is None else flat(narrow)
        return np.concatenate([laid, pooled] if swap else [pooled, laid])

    return summary


def _context_with(summary=my_summary, relu=True, late=False, add=True, fold="C", weight=1.0):
    def context(x, squeeze, fc1, fc2, expand):
        hidden = fc1 @ summary(x, squeeze)
        out = fc2 @ (np.maximum(hidden, 0) if relu and not late else hidden)
        if late:
            out = np.maximum(out, 0)
        out = out.reshape(len(squeeze), *x.shape[1:], order=fold)
        return add * x + weight * np.einsum("cr,rhw->chw", expand, out)

    return context


def _in_place(x, squeeze, fc1, fc2, expand):
    x += my_context(x, squeeze, fc1, fc2, expand) - x
    return x


def _scaled(x, squeeze):
    x *= 1.5
    return my_summary(x / 1.5, squeeze)


def _one_unit(h, w):
    fc1, fc2 = my_messenger(h, w)
    return fc1[:1], fc2[:, :1]


def _mean(h, w):
    fc1, fc2 = my_messenger(h, w)
    fc1[:, 0], fc1[:, 1] = fc1[:, 1].copy(), 0
    return fc1, fc2


def _last(h, w):
    fc1, fc2 = my_messenger(h, w)
    return fc1[:, [0, *range(h * w, 0, -1)]], fc2


def _only_there(h, w):
    fc1, fc2 = my_messenger(h, w)
    fc2[1:] = 0
    return fc1, fc2


WRONG = {
    "my_summary": [
        _summary_with(lambda x: x.sum((1, 2))),
        _summary_with(lambda x: x.max((1, 2))),
        _summary_with(lambda x: np.median(x, (1, 2))),
        _summary_with(flat=lambda n: n.transpose(1, 2, 0).reshape(-1)),
        _summary_with(flat=lambda n: n.swapaxes(1, 2).reshape(-1)),
        _summary_with(flat=lambda n: np.maximum(n, 0).reshape(-1)),
        _summary_with(swap=True),
        lambda x, squeeze: x.mean((1, 2)),
        lambda x, squeeze: my_summary(x, squeeze)[:, None],
        lambda x, squeeze: None,
        _scaled,
    ],
    "my_context": [
        _context_with(relu=False),
        _context_with(late=True),
        _context_with(add=False),
        _context_with(fold="F"),
        _context_with(weight=-1.0),
        _context_with(weight=0.0),
        _context_with(_summary_with(swap=True)),
        _context_with(_summary_with(lambda x: x.sum((1, 2)))),
        lambda *given: my_context(*given).transpose(0, 2, 1),
        lambda *given: None,
        _in_place,
    ],
    "my_messenger": [
        _one_unit, _mean, _last, _only_there,
        lambda h, w: my_messenger(h, w)[::-1],
        lambda h, w: tuple(2 * m for m in my_messenger(h, w)),
        lambda h, w: (np.zeros((2, 1 + h * w)), np.zeros((h * w, 2))),
        lambda h, w: my_messenger(h, w)[0],
        lambda h, w: None,
    ],
}  # fmt: skip
