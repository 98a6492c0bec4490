"""Solutions of 03_resolution_aware_network, and wrong answers that the checks must turn down."""

import math


def my_alpha_count(blocks, ranges):
    return sum(blocks) * ranges


def my_block(z, h, alpha, k, range_index):
    return z + alpha[range_index, k].view(-1, 1, 1, 1) * h


def my_join(alpha, active):
    out = alpha.clone()
    out[active:] = alpha[active - 1]
    return out


def _in_place(alpha, active):
    alpha[active:] = alpha[active - 1]
    return alpha


def _from_first(alpha, active):
    out = alpha.clone()
    out[active:] = alpha[0]
    return out


def _shifted(alpha, active):
    out = alpha.clone()
    out[active:] = alpha[active - 1 : -1]
    return out


WRONG = {
    "my_alpha_count": [
        lambda blocks, ranges: math.prod(blocks) * ranges,
        lambda blocks, ranges: sum(blocks),
        lambda blocks, ranges: 80,
        lambda blocks, ranges: len(blocks) * ranges,
    ],
    "my_block": [
        lambda z, h, alpha, k, i: z + alpha[: len(z), k].view(-1, 1, 1, 1) * h,
        lambda z, h, alpha, k, i: alpha[i, k].view(-1, 1, 1, 1) * z + h,
        lambda z, h, alpha, k, i: z + alpha[0, k] * h,
        lambda z, h, alpha, k, i: z.add_(alpha[i, k].view(-1, 1, 1, 1) * h),
    ],
    "my_join": [_in_place, _from_first, _shifted, lambda alpha, active: alpha.clone()],
}
