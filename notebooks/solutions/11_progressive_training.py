"""Solutions of 11_progressive_training, and wrong answers that the checks must turn down."""


def my_scales(schedule, step):
    for scales, steps in schedule:
        if step < steps:
            return scales
        step -= steps
    return schedule[-1][0]


def my_joined(alpha, before, now):
    out = alpha.clone()
    for row in range(before, now):
        out[row] = out[row - 1]
    return out


def my_seen(schedule, batch, ranges):
    return [batch * sum(n for scales, n in schedule if scales > i) for i in range(ranges)]


def _ends(schedule, step):  # reads the lengths of the stages as their ends
    for scales, end in schedule:
        if step < end:
            return scales
    return schedule[-1][0]


def _late(schedule, step):
    for scales, steps in schedule:
        if step <= steps:
            return scales
        step -= steps
    return schedule[-1][0]


def _early(schedule, step):
    return my_scales(schedule, step + 1)


def _ends_at_zero(schedule, step):
    for scales, steps in schedule:
        if step < steps:
            return scales
        step -= steps
    return 0


def _in_place(alpha, before, now):
    for row in range(before, now):
        alpha[row] = alpha[row - 1]
    return alpha


def _set(alpha, rows, value):
    out = alpha.clone()
    out[rows] = value
    return out


WRONG = {
    "my_scales": [
        _ends,
        _late,
        _early,
        _ends_at_zero,
        lambda schedule, step: schedule[0][0],
        lambda schedule, step: schedule[-1][0],
        lambda schedule, step: my_scales(schedule, step) - 1,
        lambda schedule, step: len(schedule),
        lambda schedule, step: min(2 + step // 3, 5),
        lambda schedule, step: schedule[step][0],
        lambda schedule, step: None,
    ],
    "my_joined": [
        _in_place,
        lambda alpha, before, now: alpha.clone(),
        lambda alpha, before, now: _set(alpha, slice(before, now), alpha[0]),
        lambda alpha, before, now: _set(alpha, slice(before, None), alpha[before - 1]),
        lambda alpha, before, now: _set(alpha, slice(before, now), alpha[before - 1 : now - 1]),
        lambda alpha, before, now: _set(alpha, slice(before, now), 1.0),
        lambda alpha, before, now: _set(alpha, slice(before, now), alpha[:before].mean(0)),
        lambda alpha, before, now: _set(alpha, slice(before - 1, now), alpha[before - 2]),
        lambda alpha, before, now: _set(alpha, slice(0, now), alpha[0]),
        lambda alpha, before, now: _set(alpha, now - 1, alpha[before - 1]),
        lambda alpha, before, now: _set(alpha, slice(before, now), alpha[-1]),
        lambda alpha, before, now: alpha[:now],
        lambda alpha, before, now: None,
    ],
    "my_seen": [
        lambda schedule, batch, ranges: [n // batch for n in my_seen(schedule, batch, ranges)],
        lambda schedule, batch, ranges: my_seen(schedule, 1, ranges),
        lambda schedule, batch, ranges: my_seen(schedule, 4, ranges),
        lambda schedule, batch, ranges: my_seen(schedule, batch, 5),
        lambda schedule, batch, ranges: [
            batch * sum(n for s, n in schedule if s == i + 1) for i in range(ranges)
        ],
        lambda schedule, batch, ranges: [
            batch * sum(n for s, n in schedule if s >= i) for i in range(ranges)
        ],
        lambda schedule, batch, ranges: [batch * sum(n for _, n in schedule)] * ranges,
        lambda schedule, batch, ranges: batch * sum(s * n for s, n in schedule),
        lambda schedule, batch, ranges: [
            batch * sum(s * n for s, n in schedule if s > i) for i in range(ranges)
        ],
        lambda schedule, batch, ranges: my_seen(schedule, batch, ranges)[::-1],
        lambda schedule, batch, ranges: [batch * n for _, n in schedule],
        lambda schedule, batch, ranges: None,
    ],
}
