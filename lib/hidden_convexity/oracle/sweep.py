"""Compiled passes around the circle: each reads the data once, in the order of the breakpoints.

Rows come sorted by the angle in the upper half circle at which they switch, as `rows` (n, 2), with
`order` (n,) their places in the data, `enters` (n,) whether they switch on there, and `arc` (n,)
the arc that begins there. Arc 0 begins at angle 0, before the first breakpoint.
"""

import numpy as np

from hidden_convexity.compilation import njit


@njit(cache=True, nogil=True)
def linear_parts(rows, order, enters, arc, nu, parts):
    """Fill `parts` (K + 1, 2) with a = X^T D nu on each arc; returns X^T nu as two numbers."""
    parts[:] = 0.0
    total_0 = total_1 = 0.0
    for k in range(len(rows)):
        first, second = nu[order[k]] * rows[k, 0], nu[order[k]] * rows[k, 1]
        total_0 += first
        total_1 += second
        if enters[k]:
            parts[arc[k], 0] += first
            parts[arc[k], 1] += second
        else:
            parts[0, 0] += first
            parts[0, 1] += second
            parts[arc[k], 0] -= first
            parts[arc[k], 1] -= second
    for k in range(1, len(parts)):
        parts[k, 0] += parts[k - 1, 0]
        parts[k, 1] += parts[k - 1, 1]
    return total_0, total_1


@njit(cache=True, nogil=True)
def local_maxima(parts, total, tangents, breakpoints, level):
    """Local maximisers of |h| above the level, and the best one whatever it is.

    On an arc of the upper half circle h(u) = a.u, and h(-u) = (a - total).u as the opposite pattern
    is the complement. So each arc and each breakpoint is looked at for both halves and both signs.

    Returns
    -------
    directions : (k, 2) ndarray
        Unit vectors, in the order of the sweep.
    values : (k,) ndarray
        Signed h.
    """
    found, best = [(0.0, 0.0, 0.0)], 0.0
    last = len(tangents) - 1
    for half in (1.0, -1.0):
        shift_0 = 0.0 if half > 0.0 else total[0]
        shift_1 = 0.0 if half > 0.0 else total[1]
        for k in range(last + 1):
            before_0, before_1 = parts[k, 0] - shift_0, parts[k, 1] - shift_1
            a_0, a_1 = parts[k + 1, 0] - shift_0, parts[k + 1, 1] - shift_1
            left = before_0 * tangents[k, 0] + before_1 * tangents[k, 1]
            right = a_0 * tangents[k, 0] + a_1 * tangents[k, 1]
            if k < last:
                end = a_0 * tangents[k + 1, 0] + a_1 * tangents[k + 1, 1]
            else:
                end = -(a_0 * tangents[0, 0] + a_1 * tangents[0, 1])
            for sign in (1.0, -1.0):
                if sign * right > 0.0 and sign * end < 0.0:
                    size = np.sqrt(a_0 * a_0 + a_1 * a_1)
                    if size > min(level, best):
                        scale = half * sign / size
                        found.append((scale * a_0, scale * a_1, sign * size))
                        best = max(best, size)
                if sign * left >= 0.0 and sign * right <= 0.0:
                    height = a_0 * breakpoints[k, 0] + a_1 * breakpoints[k, 1]
                    if sign * height > min(level, best):
                        u_0, u_1 = half * breakpoints[k, 0], half * breakpoints[k, 1]
                        found.append((u_0, u_1, height))
                        best = max(best, sign * height)
    directions, values = np.empty((len(found) - 1, 2)), np.empty(len(found) - 1)
    for k in range(1, len(found)):
        directions[k - 1, 0], directions[k - 1, 1], values[k - 1] = found[k]
    return directions, values


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
