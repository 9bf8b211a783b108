"""Compiled least distance: the linear function that majorises given values at some corners.

Of all p with p.v >= b_v the shortest has the least maximum ||p|| over the unit ball.
"""

import numpy as np

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.foundations.loops import assign, fill

# Corners taken up before a majorant is left as it is, and what it may then miss, relative: either
# only loosens the bound.
PIVOTS, MISSED = 64, 1e-10
# Part of a corner outside the span of others below which it is one of their combinations: corners
# of a box often are. Its square, as a Cholesky factor has it.
DEPENDENT = 1e-14


@njit(cache=True, nogil=True)
def factorise(corners, chosen, count, factor):
    """Cholesky factor of the chosen corners' Gram matrix; returns whether the last one is
    independent of the others, which are of each other. If not, its row of the factor is valid."""
    for i in range(count):
        for j in range(i + 1):
            entry = whole = dot(corners[chosen[i]], corners[chosen[j]])
            for k in range(j):
                entry -= factor[i, k] * factor[j, k]
            if j < i:
                factor[i, j] = entry / factor[j, j]
            elif entry > DEPENDENT * whole:
                factor[i, i] = np.sqrt(entry)
            elif i == count - 1:
                return False
            else:
                factor[i, i] = np.sqrt(DEPENDENT * whole)
    return True


@njit(cache=True, nogil=True)
def substitute_back(factor, count, x):
    """Solve factor' x = x in place."""
    for i in range(count - 1, -1, -1):
        for k in range(i + 1, count):
            x[i] -= factor[k, i] * x[k]
        x[i] /= factor[i, i]


@njit(cache=True, nogil=True)
def solve_chosen(b, chosen, z, count, corners, factor, change):
    """Make z (count,) the weights of the chosen corners, all positive, for which V'z has the values
    b at them, leaving out those that get in the way; returns how many are left.

    The step of Lawson and Hanson. A new corner that is a combination of the others takes over
    their weight until one of them has none.
    """
    while count > 0:
        if factorise(corners, chosen, count, factor):
            step = 1.0
            for i in range(count):
                change[i] = b[chosen[i]]
                for k in range(i):
                    change[i] -= factor[i, k] * change[k]
                change[i] /= factor[i, i]
            substitute_back(factor, count, change)
            for i in range(count):
                change[i] -= z[i]
        else:
            step = np.inf
            assign(change[: count - 1], factor[count - 1])
            substitute_back(factor, count - 1, change)
            for i in range(count - 1):
                change[i] = -change[i]
            change[count - 1] = 1.0
        out = -1
        for i in range(count):
            if change[i] < 0.0 and z[i] < -step * change[i]:
                step, out = -z[i] / change[i], i
        if step == np.inf:
            return count - 1
        for i in range(count):
            z[i] += step * change[i]
        if out < 0:
            break
        count -= 1
        for i in range(out, count):
            z[i], chosen[i] = z[i + 1], chosen[i + 1]
    return count


@njit(cache=True, nogil=True)
def majorise(corners, b, reach, p, count, space):
    """Upper bound, exact up to rounding, of sum z_v b_v over z >= 0 with ||sum z_v v|| <= 1.

    It is ||p|| for the shortest p with p.v >= b_v at all corners, and p = sum z_v v for the best z:
    a problem of least distance, solved by non-negative least squares. For any p the sum is at most
    p.u + max_v (b_v - p.v)_+ sum z, so a failure to find the shortest costs no validity.

    Parameters
    ----------
    corners : (2^(d-1), d) ndarray
    b : (2^(d-1),) ndarray
    reach : float
        Largest sum of z, of `corners_of`.
    p : (d,) ndarray
        Output.
    count : int
        How many corners carried the p of the last call, which `space` remembers; 0 to start afresh.
    space : tuple of ndarray
        Of `workspace`.

    Returns
    -------
    bound : float
    count : int
        How many corners carry p.
    """
    z, chosen, factor, change = space
    best, last = np.inf, -1.0
    count = solve_chosen(b, chosen, z, count, corners, factor, change)
    combine(corners, chosen, z, count, p)
    for _ in range(PIVOTS):
        most, entering = 0.0, -1
        for v in range(len(b)):
            missing = b[v] - dot(corners[v], p)
            if missing > most:
                most, entering = missing, v
        size = np.sqrt(dot(p, p))
        best = min(best, size + most * reach)
        # Each corner makes p longer, or rounding is all there is to gain.
        if entering < 0 or most * reach <= MISSED * size or size <= last:
            break
        last = size
        chosen[count], z[count] = entering, 0.0
        count = solve_chosen(b, chosen, z, count + 1, corners, factor, change)
        combine(corners, chosen, z, count, p)
    return best, count


@njit(cache=True, nogil=True)
def combine(corners, chosen, z, count, p):
    """p = sum z_v v over the chosen corners."""
    fill(p, 0.0)
    for i in range(count):
        for k in range(len(p)):
            p[k] += z[i] * corners[chosen[i], k]


@njit(cache=True, nogil=True)
def dot(a, b):
    """Inner product of short vectors."""
    total = 0.0
    for k in range(len(a)):
        total += a[k] * b[k]
    return total
