"""Compiled upper bounds of sum nu_i (x_i.u)_+ on the unit vectors of a box's cone.

A box lies on a face of the cube, u_axis = 1 or -1: a centre c and half-widths along the other axes.
Its cone has the 2^(d-1) corners v of the box as edges, which are not of unit length, and its points
are u = sum_v z_v v with z >= 0, or s c + sum_k t_k g_k with s = |u_axis|, |t_k| <= s, and the
half-widths as vectors g_k. A linear function is known by its d values at c and the g_k, its "local"
values; rows come as blocks (d, m) of theirs.
"""

import numpy as np

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.foundations.loops import assign
from hidden_convexity.oracle.geodesic import REORDER
from hidden_convexity.oracle.least_distance import dot, majorise

# Choices of activities tried before a cell is split instead; more of them save no time.
CUTS = 16
# Steps of each line search between choices, and the part of the first slope that is flat enough.
SECANTS, FLAT = 3, 0.1
# Rows whose values at all corners are held at a time.
CHUNK = 32


@njit(cache=True, nogil=True)
def corners_of(box, axis, corners):
    """The corners (2^(d-1), d), in the order of `at_corners`; returns the largest sum of z.

    For u = sum z_v v in the unit ball it is |u_axis| <= 1; and with the centre c, 1 >= u.c / ||c||
    >= sum z min_v v.c / ||c||.
    """
    d = box.shape[1]
    square = least = 0.0
    for j in range(d):
        corners[0, j] = box[0, j] - box[1, j]
        square += box[0, j] ** 2
        least += box[0, j] ** 2 - abs(box[0, j]) * box[1, j]
    half = 1
    for j in range(d):
        if j != axis:
            for v in range(half):
                assign(corners[half + v], corners[v])
                corners[half + v, j] = box[0, j] + box[1, j]
            half *= 2
    length = np.sqrt(square)
    return length / least if least > length else 1.0


@njit(cache=True, nogil=True)
def at_corners(linear, values):
    """Values (2^(d-1),) at the corners of a linear function, given by its local values."""
    values[0] = linear[0]
    for k in range(1, len(linear)):
        values[0] -= linear[k]
    half = 1
    for k in range(1, len(linear)):
        for v in range(half):
            values[half + v] = values[v] + 2.0 * linear[k]
        half *= 2


@njit(cache=True, nogil=True, fastmath=REORDER)
def tabulate(block, start, size, table):
    """Values of `size` rows from `start` on at the corners, a row of the table each; how many."""
    d = len(block)
    for i in range(size):
        table[0, i] = block[0, start + i]
    for k in range(1, d):
        for i in range(size):
            table[0, i] -= block[k, start + i]
    half = 1
    for k in range(1, d):
        for v in range(half):
            for i in range(size):
                table[half + v, i] = table[v, i] + 2.0 * block[k, start + i]
        half *= 2
    return half


@njit(cache=True, nogil=True, fastmath=REORDER)
def add_positive_parts(block, table, out):
    """out_v += the sum of (t_i)_+ at the corner v, t_i the rows; `table` (2^(d-1), CHUNK) is work.

    Corner by corner within a few rows: both loops then run over what lies side by side.
    """
    m = block.shape[1]
    for start in range(0, m, CHUNK):
        size = min(CHUNK, m - start)
        half = tabulate(block, start, size, table)
        for v in range(half):
            total = 0.0
            for i in range(size):
                total += max(table[v, i], 0.0)
            out[v] += total


@njit(cache=True, nogil=True, fastmath=REORDER)
def sum_active(block, point, products, out):
    """The sum (d,) of the rows that are active at a point (d,) = (s, t_1, ...)."""
    d, m = block.shape
    for i in range(m):
        products[i] = point[0] * block[0, i]
    for k in range(1, d):
        for i in range(m):
            products[i] += point[k] * block[k, i]
    for k in range(d):
        total = 0.0
        for i in range(m):
            total += block[k, i] if products[i] > 0.0 else 0.0
        out[k] = total


@njit(cache=True, nogil=True)
def workspace(d, m):
    """Arrays that `upper_bound` writes to, for blocks of at most m rows."""
    count = 2 ** (d - 1)
    chosen = np.empty(d + 1, dtype=np.int64)
    pivots = np.empty(d + 1), chosen, np.empty((d + 1, d + 1)), np.empty(d + 1)
    choices = np.empty((CUTS + 1, d)), np.empty(CUTS + 1)
    corners, values = np.empty((count, d)), np.empty((2, count))
    return corners, values, np.empty((7, d)), choices, np.empty(m), np.empty((count, CHUNK)), pivots


@njit(cache=True, nogil=True)
def local_point(p, box, axis, point):
    """The point p as (s, t_1, ...)."""
    point[0] = p[axis] * box[0, axis]
    k = 1
    for j in range(len(p)):
        if j != axis:
            point[k] = (p[j] - box[0, j] * point[0]) / box[1, j]
            k += 1


@njit(cache=True, nogil=True)
def upper_bound(convex, concave, linear, sign, box, axis, reach, enough, space):
    """Upper bound of sum (convex rows)_+ - sum (concave rows)_+ + sign * linear on cone and ball.

    Convex rows are replaced by what their sum has at the corners: on u = sum z_v v it is at most
    the same sum of those values. Concave rows need no relaxation: -(t)_+ <= -alpha t for alpha in
    [0, 1], so any choice of activities gives a bound of `majorise`, and so does any average of
    choices; the best average has the maximum of the relaxed function itself. Each step takes the
    activities at the last maximiser into the average, at the cost of the choice that is largest
    there (pairwise Frank-Wolfe). Stops when the bound is below `enough`, or when the relaxed
    function exceeds it. `space` holds the corners of the box.

    Notes
    -----
    The least concave function above a convex one on a polytope is that of its values at the corners
    (Falk and Hoffman), so of the convex rows' sum nothing better is to be had on the whole cone.

    References
    ----------
    Theory: cell-bound. Falk and Hoffman, Mathematics of Operations Research 1 (1976). Lawson and
    Hanson, Solving Least Squares Problems (1974), chapter 23.
    """
    corners, (fixed, b), vectors, (choices, weights), products, table, pivots = space
    base, mean, change, trial, p, point, trial_point = vectors
    d = len(linear)
    for k in range(d):
        base[k] = sign * linear[k]
        point[k] = 0.0
    point[0] = 1.0
    at_corners(base, fixed)
    add_positive_parts(convex, table, fixed)
    sum_active(concave, point, products, choices[0])
    assign(mean, choices[0])
    largest = subtract_at_corners(fixed, mean, b)
    if largest * reach <= enough:
        return largest * reach
    best, count = majorise(corners, b, reach, p, 0, pivots)
    local_point(p, box, axis, point)
    weights[0] = 1.0
    for cut in range(1, CUTS + 1 if concave.shape[1] > 0 else 1):
        if best <= enough:
            break
        new = choices[cut]
        sum_active(concave, point, products, new)
        square, removed = dot(p, p), dot(new, point)
        attained = square + dot(mean, point) - removed
        if attained > enough * np.sqrt(square) or attained >= square * (1.0 - 1e-14):
            break
        away, least = 0, np.inf
        for j in range(cut):
            if weights[j] > 0.0 and dot(choices[j], point) < least:
                away, least = j, dot(choices[j], point)
        for k in range(d):
            change[k] = new[k] - choices[away, k]
        # The derivative of half the squared maximum along `change` is -change.point: its zero by
        # regula falsi, exact after one step while the corners that carry the maximiser stay.
        low, high, step = 0.0, weights[away], weights[away]
        at_low, at_high = least - removed, 0.0
        for secant in range(1, SECANTS + 1):
            for k in range(d):
                trial[k] = mean[k] + step * change[k]
            subtract_at_corners(fixed, trial, b)
            bound, count = majorise(corners, b, reach, p, count, pivots)
            best = min(best, bound)
            local_point(p, box, axis, trial_point)
            slope = -dot(change, trial_point)
            if slope <= 0.0:
                low, at_low = step, slope
            else:
                high, at_high = step, slope
            flat = abs(slope) <= FLAT * (removed - least)
            # The step must stay the one of the trial, or the weights are not those of the mean.
            if best <= enough or low == high or flat or secant == SECANTS:
                break
            step = (low * at_high - high * at_low) / (at_high - at_low)
        assign(mean, trial)
        assign(point, trial_point)
        weights[away] -= step
        weights[cut] = step
    return best


@njit(cache=True, nogil=True)
def subtract_at_corners(fixed, linear, out):
    """out_v = fixed_v - linear at the corner v; returns the largest, or 0."""
    at_corners(linear, out)
    largest = 0.0
    for v in range(len(out)):
        out[v] = fixed[v] - out[v]
        largest = max(largest, out[v])
    return largest
