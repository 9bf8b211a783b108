"""Compiled upper bounds of ||N'(Xu)_+|| on the unit vectors of a box's cone, N (n, c) of rows l_i.

Boxes, their corners v and local values are those of `oracle.majorant`. A row that crosses the cone
is alpha t + r(t), alpha in {0, 1} its activity at the centre, with r >= 0 convex and positively
homogeneous: 0 <= r(x_i.u) <= sum_v z_v r_iv for u = sum_v z_v v, z >= 0. So N'(Xu)_+ is

    W(u) + sum_i s_i l_i sum_v z_v r_iv,   0 <= s_i <= 1,   W linear,
    = sum_v z_v (g_v + e_v),   g_v = W(v) + 1/2 sum_i l_i r_iv.

In the direction of a unit q, e_v is at most 1/2 sum_i |q.l_i| r_iv, and across it at most
1/2 sqrt(trace S_v lambda(S_v)), S_v = sum_i r_iv l_i l_i' / ||l_i||. At each corner, and in all,
these are the sides of a right angle; q is the direction of N'(Xu)_+ at the centre.
"""

import numpy as np

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.foundations.loops import fill
from hidden_convexity.oracle.geodesic import REORDER
from hidden_convexity.oracle.least_distance import dot, majorise
from hidden_convexity.oracle.majorant import corners_of
from hidden_convexity.oracle.several_outputs.sums import CHUNK, add_rests, spread

# Squarings of S before its norm stands for its largest eigenvalue: c^(1 / 2^SQUARINGS) above it at
# most, 1.07 times for ten outputs.
SQUARINGS = 5
# Rounding of an eigenvalue, for each row of its matrix, in units of the matrix's norm.
EPSILONS = 50 * EPS


@njit(cache=True, nogil=True)
def workspace(d, c, m):
    """Arrays that the functions here write to, for blocks of at most m rows."""
    count = 2 ** (d - 1)
    chunk = np.empty((c, CHUNK)), np.empty((count, CHUNK)), np.empty(CHUNK)
    at_corners = np.empty((count, d)), np.empty((count, c)), np.empty((5, count))
    square = np.empty((2, c, c))
    local = np.empty((2, d, c)), np.empty((2, d, d)), np.empty((2, d)), np.empty(c)
    pivots = np.empty(d + 1), np.empty(d + 1, dtype=np.int64), np.empty((d + 1, d + 1))
    return chunk, at_corners, square, local, (*pivots, np.empty(d + 1)), np.empty(m)


@njit(cache=True, nogil=True, fastmath=REORDER)
def largest_eigenvalue(square, trace, m):
    """Upper bound of lambda(S) for square[0] = S, a sum of m rows, which is written over.

    lambda(S)^2 = lambda(S^2), and ||S|| is a bound of its own (Frobenius).
    """
    c = square.shape[1]
    S, T = square[0], square[1]
    top, power = 1.0, 1.0
    for squaring in range(SQUARINGS + 1):
        norm = 0.0
        for a in range(c):
            norm += dot(S[a], S[a])
        norm = np.sqrt(norm)
        if norm == 0.0:
            return 0.0
        top *= norm**power
        power *= 0.5
        if squaring < SQUARINGS:
            for a in range(c):
                for b in range(c):
                    S[a, b] /= norm
            for a in range(c):
                for b in range(a + 1):
                    T[a, b] = T[b, a] = dot(S[a], S[b])
            S, T = T, S
    return min(top + (EPSILONS * c + m * EPS) * trace, trace)


@njit(cache=True, nogil=True)
def stays_below(products, gram, square, factor):
    """Whether z'Pz <= square z'Gz for all z.

    True only if the Cholesky factor of square G - P exists, less what rounding may have added.
    """
    d = len(gram)
    size = 0.0
    for i in range(d):
        size += square * gram[i, i] + products[i, i]
    for i in range(d):
        for j in range(i + 1):
            entry = square * gram[i, j] - products[i, j]
            if i == j:
                entry -= EPSILONS * d * size
            for k in range(j):
                entry -= factor[i, k] * factor[j, k]
            if i == j:
                if not entry > 0.0:
                    return False
                factor[i, i] = np.sqrt(entry)
            else:
                factor[i, j] = entry / factor[j, j]
    return True


@njit(cache=True, nogil=True)
def sign_at(v, k):
    """The sign of the half-width k >= 1 at the corner v."""
    return 1.0 if (v >> (k - 1)) & 1 else -1.0


@njit(cache=True, nogil=True)
def upper_bound(block, number, units, W, box, axis, before, enough, space):
    """Upper bound of ||N'(Xu)_+|| on the cone and the unit ball, no sharper than `enough`.

    Parameters
    ----------
    block, number : (d, m) and (m,) ndarray
        Local values of the crossing rows, weighted by ||l_i||, and their numbers.
    units : (n, c) ndarray
        l_i / ||l_i||.
    W : (d, c) ndarray
        Local values of what is linear: of the rows that are active at the centre.
    before : float
        A bound that is known.

    References
    ----------
    Theory: cell-bound-outputs.
    """
    chunk, (corners, g, sums), square, (_, _, _, q), _, widest = space
    reach = corners_of(box, axis, corners)
    direction(W[0], q)
    fill(g.reshape(-1), 0.0)
    fill(sums.reshape(-1), 0.0)
    along, sizes = sums[0], sums[1]
    add_rests(block, number, units, q, chunk, g, along, sizes, widest)
    centre_at_corners(W, g)
    best = min(before, bound_by_corners(q, sizes, np.inf, reach, space))
    if best <= enough or units.shape[1] == 1:
        return best
    top = spread(widest[: len(number)], number, units, chunk, square[0])
    top = largest_eigenvalue(square, top, len(number))
    best = min(best, bound_by_corners(q, sizes, top, reach, space))
    if best > enough and below(q, box, axis, enough, reach, space):
        best = enough
    return best


@njit(cache=True, nogil=True)
def direction(vector, q):
    """q = vector normalised, or the first axis where it is zero."""
    largest = 0.0
    for a in range(len(q)):
        largest = max(largest, abs(vector[a]))
    # Squares of small entries lose digits, and q would not be a unit vector.
    for a in range(len(q)):
        q[a] = vector[a] / largest if largest > 0.0 else 0.0
    if largest == 0.0:
        q[0] = 1.0
    size = np.sqrt(dot(q, q))
    for a in range(len(q)):
        q[a] /= size


@njit(cache=True, nogil=True, fastmath=REORDER)
def centre_at_corners(W, g):
    """Make g (2^(d-1), c) of sums of l_i r_iv the g_v: half of it, and W at the corner."""
    d, c = W.shape
    for v in range(len(g)):
        for a in range(c):
            g[v, a] = 0.5 * g[v, a] + W[0, a]
        for k in range(1, d):
            sign = sign_at(v, k)
            for a in range(c):
                g[v, a] += sign * W[k, a]


@njit(cache=True, nogil=True)
def bound_by_corners(q, sizes, top, reach, space):
    """Bound that is linear on the cone: the lengths at the corners, along q and across it.

    `top` is an eigenvalue for all corners; each has its trace as well. Leaves the lengths along q
    and the e_v across it in the workspace.
    """
    _, (corners, g, sums), _, (_, _, vectors, _), pivots, _ = space
    upper, error, b = sums[2], sums[3], sums[4]
    for v in range(len(g)):
        height = dot(q, g[v])
        rest = 0.0
        for a in range(len(q)):
            rest += (g[v, a] - height * q[a]) ** 2
        upper[v] = abs(height) + 0.5 * sums[0, v]
        error[v] = 0.5 * np.sqrt(sizes[v] * min(sizes[v], top))
        b[v] = np.sqrt(upper[v] ** 2 + (np.sqrt(rest) + error[v]) ** 2)
    return majorise(corners, b, reach, vectors[0], 0, pivots)[0]


@njit(cache=True, nogil=True)
def below(q, box, axis, enough, reach, space):
    """Whether ||N'(Xu)_+|| <= enough since it is so of its two sides, the one across q not relaxed.

    Along q it is at most p.u for the shortest p that is at corners; across it, at most the length
    of a linear map L, the mean of the g_v, and a rest E. So its square is at most (p.u)^2 + (1 +
    E/w) ||Lu||^2 + E (E + w), for any w > 0.
    """
    _, (corners, g, sums), _, ((_, L), (gram, products), (p, local), _), pivots, _ = space
    d, count = len(L), len(g)
    upper, error, b = sums[2], sums[3], sums[4]
    majorise(corners, upper, reach, p, 0, pivots)
    missed = 0.0
    for v in range(count):
        missed = max(missed, reach * (upper[v] - dot(corners[v], p)))
    for k in range(d):
        for a in range(len(q)):
            total = 0.0
            for v in range(count):
                total += g[v, a] if k == 0 else sign_at(v, k) * g[v, a]
            L[k, a] = total / count
        height = dot(q, L[k])
        for a in range(len(q)):
            L[k, a] -= height * q[a]
    widest = 0.0
    for v in range(count):
        height, off, across = dot(q, g[v]), 0.0, 0.0
        for a in range(len(q)):
            there = L[0, a]
            for k in range(1, d):
                there += sign_at(v, k) * L[k, a]
            across += there * there
            off += (g[v, a] - height * q[a] - there) ** 2
        b[v] = error[v] + np.sqrt(off)
        widest = max(widest, across)
    widest = np.sqrt(widest)
    E = majorise(corners, b, reach, local, 0, pivots)[0]
    left = enough * enough - E * (E + widest) - missed * (2.0 * np.sqrt(dot(p, p)) + missed)
    factor = 1.0 + E / widest if widest > 0.0 else 1.0
    local_products(box, axis, p, gram, local)
    for i in range(d):
        for j in range(d):
            products[i, j] = local[i] * local[j] + factor * dot(L[i], L[j])
    return left > 0.0 and stays_below(products, gram, left, pivots[2])


@njit(cache=True, nogil=True)
def local_products(box, axis, p, gram, local):
    """Gram matrix (d, d) of the centre and the half-widths, and local values (d,) of p."""
    d = len(p)
    for k in range(d):
        for j in range(d):
            gram[k, j] = 0.0
    gram[0, 0] = dot(box[0], box[0])
    local[0] = dot(box[0], p)
    k = 1
    for j in range(d):
        if j != axis:
            gram[k, k] = box[1, j] ** 2
            gram[0, k] = gram[k, 0] = box[0, j] * box[1, j]
            local[k] = p[j] * box[1, j]
            k += 1
