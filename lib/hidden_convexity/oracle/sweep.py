"""Compiled passes around the circle: each reads the data once, in the order of the breakpoints.

Rows come sorted by the angle in the upper half circle at which they switch, as `rows` (n, 2), with
`order` (n,) their places in the data, `enters` (n,) whether they switch on there, and `arc` (n,)
the arc that begins there. Arc 0 begins at angle 0, before the first breakpoint.
"""

import numpy as np

from hidden_convexity.foundations.compensated import carry
from hidden_convexity.foundations.compilation import njit

# Rows added up plainly before a compensated sum takes them on.
ROWS = 8


@njit(cache=True, nogil=True)
def linear_parts(rows, order, enters, arc, nu, parts):
    """Fill `parts` (K + 1, 2) with a = X^T D nu on each arc, by compensated running sums.

    Returns
    -------
    size : float
        sum |nu_i| (|x_i1| + |x_i2|), the unit of the rounding errors: `parts` are right to 10 eps
        size, and (n eps)^2 size. That is half an eps for each product, for each of the 7 additions
        in a block of 8 rows, of those that switch off and of all, and for the last few sums; what
        a million additions of blocks lose is carried along.
    """
    # What switches off is there before the first breakpoint; what has switched on, less what has
    # switched off, is the running sum.
    before_0 = before_1 = before_lost_0 = before_lost_1 = 0.0
    sum_0 = sum_1 = lost_0 = lost_1 = 0.0
    size = 0.0
    parts[0, 0] = parts[0, 1] = 0.0
    for start in range(0, len(rows), ROWS):
        base_0, base_1 = sum_0 + lost_0, sum_1 + lost_1
        run_0 = run_1 = leave_0 = leave_1 = 0.0
        for k in range(start, min(start + ROWS, len(rows))):
            first, second = nu[order[k]] * rows[k, 0], nu[order[k]] * rows[k, 1]
            size += abs(first) + abs(second)
            if enters[k]:
                run_0 += first
                run_1 += second
            else:
                run_0 -= first
                run_1 -= second
                leave_0 += first
                leave_1 += second
            parts[arc[k], 0], parts[arc[k], 1] = base_0 + run_0, base_1 + run_1
        sum_0, lost_0 = carry(sum_0, lost_0, run_0)
        sum_1, lost_1 = carry(sum_1, lost_1, run_1)
        before_0, before_lost_0 = carry(before_0, before_lost_0, leave_0)
        before_1, before_lost_1 = carry(before_1, before_lost_1, leave_1)
    before_0, before_1 = before_0 + before_lost_0, before_1 + before_lost_1
    for k in range(len(parts)):
        parts[k, 0] += before_0
        parts[k, 1] += before_1
    return size


@njit(cache=True, nogil=True)
def local_maxima(parts, total, tangents, breakpoints, level, slack, unit):
    """Local maximisers of |h| above the level, the best one whatever it is, and a bound on |h|.

    On an arc of the upper half circle h(u) = a.u, and h(-u) = (a - total).u as the opposite pattern
    is the complement. So each arc and each breakpoint is looked at for both halves and both signs.
    Along an arc |a.u| is largest at an end, or ||a|| if the slope changes sign between the ends.

    Parameters
    ----------
    slack : float
        Slopes below it are zero within rounding. ||a|| bounds |a.u| everywhere, so a slope whose
        sign is in doubt costs the bound at most as much.
    unit : float
        A power of two of the size of the data: squares of their quotients do not underflow.

    Returns
    -------
    directions : (k, 2) ndarray
        Unit vectors, in the order of the sweep.
    values : (k,) ndarray
        Signed h.
    bound : float
        The largest |a.u| on the arcs, before rounding.
    """
    found, best, bound = [(0.0, 0.0, 0.0)], 0.0, 0.0
    top, top_0, top_1 = 0.0, 0.0, 0.0
    last = len(tangents) - 1
    for half in (1.0, -1.0):
        shift_0 = 0.0 if half > 0.0 else total[0]
        shift_1 = 0.0 if half > 0.0 else total[1]
        # Arc 0 of a half is the opposite of the last arc of the other: its a, once rounded, has to
        # be the same number wherever its slopes are compared, or a peak may fall between two signs.
        before = 0 if half > 0.0 else last + 1
        left = half * (parts[before, 0] * tangents[0, 0] + parts[before, 1] * tangents[0, 1])
        for k in range(last + 1):
            a_0, a_1 = parts[k + 1, 0] - shift_0, parts[k + 1, 1] - shift_1
            after, forward = k + 1, 1.0
            if k == last:
                after, forward = 0, -1.0
                if half < 0.0:
                    a_0, a_1 = -parts[0, 0], -parts[0, 1]
            right = a_0 * tangents[k, 0] + a_1 * tangents[k, 1]
            end = forward * (a_0 * tangents[after, 0] + a_1 * tangents[after, 1])
            height = a_0 * breakpoints[k, 0] + a_1 * breakpoints[k, 1]
            if min(right, end) > slack or max(right, end) < -slack:
                next_height = a_0 * breakpoints[after, 0] + a_1 * breakpoints[after, 1]
                bound = max(bound, abs(height), abs(next_height))
            else:
                size = unit * np.sqrt((a_0 / unit) ** 2 + (a_1 / unit) ** 2)
                bound = max(bound, size)
                sign = 1.0 if right > 0.0 else -1.0
                if sign * right > 0.0 and sign * end < 0.0 and size > min(level, best):
                    scale = half * sign / size
                    found.append((scale * a_0, scale * a_1, sign * size))
                    best = max(best, size)
            for sign in (1.0, -1.0):
                if sign * left >= 0.0 and sign * right <= 0.0 and sign * height > min(level, best):
                    u_0, u_1 = half * breakpoints[k, 0], half * breakpoints[k, 1]
                    found.append((u_0, u_1, height))
                    best = max(best, sign * height)
            if abs(height) > abs(top):
                top, top_0, top_1 = height, half * breakpoints[k, 0], half * breakpoints[k, 1]
            left = end
    if abs(top) > best:  # rounding hid the peak at or next to this breakpoint
        found.append((top_0, top_1, top))
    directions, values = np.empty((len(found) - 1, 2)), np.empty(len(found) - 1)
    for k in range(1, len(found)):
        directions[k - 1, 0], directions[k - 1, 1], values[k - 1] = found[k]
    return directions, values, bound


@njit(cache=True, nogil=True)
def outputs(rows, order, enters, arc, changes, total, out):
    """Fill `out` (n,), zero before, with x_i.(sum of the weights whose arc has row i active).

    `changes` (K + 1, 2) are the steps, from arc to arc, of the sum of the signed weights that are
    active there; `total` is the sum of all.
    """
    first = second = 0.0
    reached = 0
    for k in range(len(rows)):
        while reached < arc[k]:
            first += changes[reached, 0]
            second += changes[reached, 1]
            reached += 1
        if enters[k]:
            out[order[k]] = rows[k, 0] * first + rows[k, 1] * second
        else:
            out[order[k]] = rows[k, 0] * (total[0] - first) + rows[k, 1] * (total[1] - second)
