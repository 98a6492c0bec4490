"""Solutions of 03_resolution_aware_network, and wrong answers that the checks must turn down."""

import math

import torch


def my_alpha_count(blocks, ranges):
    return sum(blocks) * ranges


def _rows(alpha, k, range_index):
    return alpha[range_index, k].view(-1, 1, 1, 1)


def my_block(shortcut, h, alpha, k, range_index):
    return (shortcut + _rows(alpha, k, range_index) * h).relu()


def my_join(alpha, active):
    out = alpha.clone()
    out[active:] = alpha[active - 1]
    return out


def _in_place(alpha, active):
    alpha[active:] = alpha[active - 1]
    return alpha


def _filled(alpha, active, source):
    out = alpha.clone()
    out[active:] = source
    return out


def _shifted(alpha, active):
    out = alpha.clone()
    out[active:] = alpha[active - 1 : -1]
    return out


def _one_joins(alpha, active):
    out = alpha.clone()
    out[active : active + 1] = alpha[active - 1]
    return out


def _h_in_place(shortcut, h, alpha, k, range_index):
    h *= _rows(alpha, k, range_index)
    return (shortcut + h).relu()


WRONG = {
    "my_alpha_count": [
        lambda blocks, ranges: math.prod(blocks) * ranges,
        lambda blocks, ranges: math.prod(blocks),
        lambda blocks, ranges: sum(blocks),
        lambda blocks, ranges: 80,
        lambda blocks, ranges: len(blocks) * ranges,
        lambda blocks, ranges: sum(blocks) + ranges,
        lambda blocks, ranges: (sum(blocks) - len(blocks)) * ranges,
        lambda blocks, ranges: sum(blocks) * (ranges - 1),
        lambda blocks, ranges: sum(blocks) * 5,
        lambda blocks, ranges: None,
        lambda blocks, ranges: [b * ranges for b in blocks],
        lambda blocks: 0,
    ],
    "my_block": [
        lambda z, h, alpha, k, i: (z + alpha[: len(z), k].view(-1, 1, 1, 1) * h).relu(),
        lambda z, h, alpha, k, i: (_rows(alpha, k, i) * z + h).relu(),
        lambda z, h, alpha, k, i: (_rows(alpha, k, i) * (z + h)).relu(),
        lambda z, h, alpha, k, i: (z + alpha[0, k] * h).relu(),
        lambda z, h, alpha, k, i: (z + alpha[i[0], k] * h).relu(),
        lambda z, h, alpha, k, i: z.add_(_rows(alpha, k, i) * h).relu(),
        lambda z, h, alpha, k, i: (z + h.mul_(_rows(alpha, k, i))).relu(),
        _h_in_place,
        lambda z, h, alpha, k, i: z + _rows(alpha, k, i) * h,  # no ReLU
        lambda z, h, alpha, k, i: z + (_rows(alpha, k, i) * h).relu(),
        lambda z, h, alpha, k, i: z.relu() + _rows(alpha, k, i) * h.relu(),
        lambda z, h, alpha, k, i: (z + h).relu(),
        lambda z, h, alpha, k, i: (z + _rows(alpha, 3, i) * h).relu(),  # always the same block
        lambda z, h, alpha, k, i: (z + _rows(alpha.T.reshape(alpha.shape), k, i) * h).relu(),
        lambda z, h, alpha, k, i: (z + alpha[i].mean(1).view(-1, 1, 1, 1) * h).relu(),
        lambda z, h, alpha, k, i: (z + alpha[i, k] * h).relu(),  # no view
        lambda z, h, alpha, k, i: (_rows(alpha, k, i) * h).relu(),
        lambda z, h, alpha, k, i: None,
    ],
    "my_join": [
        _in_place,
        lambda alpha, active: _filled(alpha, active, alpha[0]),
        _shifted,
        _one_joins,
        lambda alpha, active: alpha.clone(),
        lambda alpha, active: alpha,
        lambda alpha, active: _filled(alpha, active, 1.0),
        lambda alpha, active: _filled(alpha, active, alpha[:active].mean(0)),
        lambda alpha, active: _filled(alpha, active - 1, alpha[active - 2]),
        lambda alpha, active: alpha[:active],
        lambda alpha, active: torch.cat([alpha[:active], alpha[active - 1]]),
        lambda alpha, active: None,
    ],
}
