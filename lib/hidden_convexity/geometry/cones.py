"""Projections onto the closed cones of chambers, many at once and from a guess of the tight rows.

The cone of activation pattern D is K = {z : b_i.z >= 0 for all i}, with b_i the unit row x_i where
sample i is active and -x_i where it is not. By Moreau's theorem Proj_K(a) = a + B^T m for the
m >= 0 that minimises ||a + B^T m||; any m >= 0 bounds ||Proj_K(a)|| from above by ||a + B^T m||.
"""

import numpy as np

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.foundations.loops import assign

# A row is satisfied if its product with the projection is above -SATISFIED ||a||.
SATISFIED = 1e-12
# A row that can't be told from its predecessors by more than this does not join them.
INDEPENDENT = 1e-10
# Rows that join, in units of the dimension, before a projection is given up as it stands.
MAX_JOINS = 30

# Below, positions begin as np.int64(...): numba would compile what is called with them for the
# literals 0 and -1 as well.


@njit(cache=True, nogil=True)
def _multipliers(rows, tight, count, a, out):
    """The m with which a + B_T^T m is orthogonal to the tight rows; False if they are dependent."""
    gram, right = np.empty((count, count)), np.empty(count)
    for i in range(count):
        right[i] = 0.0
        for k in range(len(a)):
            right[i] -= rows[i, k] * a[k]
        for j in range(i + 1):
            total = 0.0
            for k in range(len(a)):
                total += rows[i, k] * rows[j, k]
            gram[i, j] = total
    # Cholesky factor of the Gram matrix, in its lower half, then two triangular systems.
    for i in range(count):
        for j in range(i + 1):
            total = gram[i, j]
            for k in range(j):
                total -= gram[i, k] * gram[j, k]
            if i > j:
                gram[i, j] = total / gram[j, j]
            elif total <= INDEPENDENT**2:
                return False
            else:
                gram[i, i] = np.sqrt(total)
    for i in range(count):
        for k in range(i):
            right[i] -= gram[i, k] * right[k]
        right[i] /= gram[i, i]
    for i in range(count - 1, -1, -1):
        for k in range(i + 1, count):
            right[i] -= gram[k, i] * right[k]
        right[i] /= gram[i, i]
    assign(out[:count], right)
    return True


@njit(cache=True, nogil=True)
def _leave(rows, tight, m, count, position):
    """Take the row at a position out of the tight ones."""
    for i in range(position, count - 1):
        tight[i], m[i] = tight[i + 1], m[i + 1]
        assign(rows[i], rows[i + 1])
    return count - 1


@njit(cache=True, nogil=True)
def _project(unit, pattern, a, tight, count, z, multipliers, least):
    """Project a (d,) onto the cone of a pattern (n,) by the active sets of Lawson and Hanson.

    `tight` (d,) holds `count` rows to begin with, and at the end those whose multipliers (d,) made
    z (d,), the projection; their number is returned. A projection that turns out to be shorter than
    `least` is given up: z is then another a + B^T m, shorter than that as well.
    """
    n, d = unit.shape
    rows, m, wanted = np.empty((d + 1, d)), np.zeros(d + 1), np.empty(d + 1)
    members = np.empty(d + 1, dtype=np.int64)
    for i in range(count):
        members[i] = tight[i]
        sign = 1.0 if pattern[tight[i]] else -1.0
        for k in range(d):
            rows[i, k] = sign * unit[tight[i], k]
    # A guess is good as far as its multipliers are positive; the others leave.
    while count > 0:
        if not _multipliers(rows, members, count, a, wanted):
            count -= 1
            continue
        lowest = np.int64(0)
        for i in range(count):
            if wanted[i] < wanted[lowest]:
                lowest = i
        if wanted[lowest] > 0:
            assign(m[:count], wanted)
            break
        count = _leave(rows, members, m, count, lowest)
    size = 0.0
    for k in range(d):
        size += a[k] * a[k]
    level, used = -SATISFIED * np.sqrt(size), count
    enough = least * least if least > 0.0 else -np.inf
    for _ in range(MAX_JOINS * d):
        assign(z, a)
        used, size, worst, deepest = count, 0.0, -1, level
        for i in range(count):
            tight[i], multipliers[i] = members[i], m[i]
            for k in range(d):
                z[k] += m[i] * rows[i, k]
        for k in range(d):
            size += z[k] * z[k]
        for i in range(n):
            product = 0.0
            for k in range(d):
                product += unit[i, k] * z[k]
            if not pattern[i]:
                product = -product
            if product < deepest:
                worst, deepest = i, product
                if size - product * product < enough:
                    break
        if worst < 0 or count == d:
            break
        members[count], m[count] = worst, 0.0
        sign = 1.0 if pattern[worst] else -1.0
        for k in range(d):
            rows[count, k] = sign * unit[worst, k]
        if size - deepest * deepest < enough:
            used, tight[count], multipliers[count] = count + 1, worst, -deepest
            for k in range(d):
                z[k] -= deepest * rows[count, k]
            break
        count += 1
        joined = True
        while count > 0:
            if not _multipliers(rows, members, count, a, wanted):
                joined = False
                break
            share, first = 1.0, np.int64(-1)
            for i in range(count):
                if wanted[i] <= 0.0:
                    reached = m[i] / (m[i] - wanted[i]) if m[i] > wanted[i] else 0.0
                    if first < 0 or reached < share:
                        share, first = reached, i
            if first < 0:
                assign(m[:count], wanted)
                break
            if first == count - 1 and members[first] == worst and share == 0.0:
                joined = False
                break
            for i in range(count):
                m[i] += share * (wanted[i] - m[i])
            count = _leave(rows, members, m, count, first)
        if not joined:  # rounding: the row depends on those that are tight
            break
    for i in range(used, d):
        multipliers[i] = 0.0
    return used


@njit(cache=True, nogil=True)
def project_each(unit, patterns, owner, points, tight, counts, out, multipliers, least):
    """Project points (k, d) onto the cones of patterns[owner] (G, n).

    Parameters
    ----------
    unit : (n, d) ndarray
        Unit rows; zero rows bound nothing.
    patterns : (G, n) ndarray of bool
    owner : (k,) ndarray of int
    points : (k, d) ndarray
    tight : (k, d) ndarray of int
        Guesses of the tight rows, in place: rows with positive multipliers at the end.
    counts : (k,) ndarray of int
        How many of them, in place.
    out : (k, d) ndarray
        The projections a + B^T m.
    multipliers : (k, d) ndarray
        m of the tight rows, zero beyond: rounding of a projection is in proportion to their sum.
    least : (k,) ndarray
        Projections shorter than it need not be known: of these `out` has an a + B^T m, m >= 0, that
        is shorter as well.
    """
    for j in range(len(points)):
        known = tight[j], counts[j], out[j], multipliers[j], least[j]
        counts[j] = _project(unit, patterns[owner[j]], points[j], *known)


@njit(cache=True, nogil=True)
def _cleared(v, basis, count):
    """Take the components along orthonormal rows off a vector (d,); what is left of its length."""
    for _ in range(2):  # the second time for what rounding has left
        for i in range(count):
            along = 0.0
            for k in range(len(v)):
                along += basis[i, k] * v[k]
            for k in range(len(v)):
                v[k] -= along * basis[i, k]
    size = 0.0
    for k in range(len(v)):
        size += v[k] * v[k]
    return np.sqrt(size)


@njit(cache=True, nogil=True)
def flat_bases(unit, tight, counts, first, out):
    """Orthonormal bases of the flats where tight rows vanish, each from a direction in it.

    Parameters
    ----------
    unit : (n, d) ndarray
    tight : (k, d) ndarray of int
    counts : (k,) ndarray of int
        How many of the tight rows are meant.
    first : (k, d) ndarray
        Unit vectors in the flats.
    out : (k, d, d) ndarray
        One basis vector a row, `first` the first of them.

    Returns
    -------
    (k,) ndarray of int
        Dimensions of the flats: so many rows are filled.
    """
    k_all, d = first.shape
    sizes = np.zeros(k_all, dtype=np.int64)
    basis, rest, left = np.empty((2 * d, d)), np.empty((d, d)), np.empty(d)
    for j in range(k_all):
        count = np.int64(0)
        for i in range(counts[j]):
            assign(basis[count], unit[tight[j, i]])
            length = _cleared(basis[count], basis, count)
            if length > INDEPENDENT:
                for k in range(d):
                    basis[count, k] /= length
                count += 1
        normals = count
        assign(basis[count], first[j])
        count += 1
        # What is left of the unit vectors: the longest one is the next, d times at most.
        for i in range(d):
            for k in range(d):
                rest[i, k] = 1.0 if i == k else 0.0
            left[i] = _cleared(rest[i], basis, count)
        while count < d:
            longest = np.int64(0)
            for i in range(d):
                if left[i] > left[longest]:
                    longest = i
            for k in range(d):
                basis[count, k] = rest[longest, k] / left[longest]
            length = _cleared(basis[count], basis, count)
            for k in range(d):
                basis[count, k] /= length
            for i in range(d):
                along = 0.0
                for k in range(d):
                    along += rest[i, k] * basis[count, k]
                size = 0.0
                for k in range(d):
                    rest[i, k] -= along * basis[count, k]
                    size += rest[i, k] * rest[i, k]
                left[i] = np.sqrt(size)
            count += 1
        sizes[j] = count - normals
        for i in range(sizes[j]):
            assign(out[j, i], basis[normals + i])
    return sizes
