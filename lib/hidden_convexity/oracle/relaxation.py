"""Compiled upper bounds of sum nu_i (x_i.u)_+ on the unit vectors of a simplicial cone.

The cone is spanned by d unit vertices v_k, its points are u = sum_k z_k v_k with z >= 0, and rows
come as blocks (d, m) of their products with the vertices. A linear function on the cone is known
by its values b_k at the vertices.
"""

import numpy as np

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.foundations.loops import assign, fill
from hidden_convexity.oracle.geodesic import REORDER

# Choices of activities tried before a cell is split instead; more of them save no time.
CUTS = 16
# Steps of each line search between choices, and the part of the first slope that is flat enough.
SECANTS, FLAT = 3, 0.1
# Pivots before the active set of a cone's maximum is given up, which only loosens the bound.
PIVOTS = 64


@njit(cache=True, nogil=True)
def gram_matrix(vertices, gram):
    """gram = V V^T; returns the largest sum of coefficients of a point of the unit ball.

    With c = V^T 1 / ||V^T 1||, a point u = V^T z of the cone has 1 >= u.c >= (sum z) min_k v_k.c.
    """
    d = len(vertices)
    total, lowest = 0.0, np.inf
    for i in range(d):
        row = 0.0
        for j in range(d):
            product = 0.0
            for k in range(d):
                product += vertices[i, k] * vertices[j, k]
            gram[i, j] = product
            row += product
        total += row
        lowest = min(lowest, row)
    return np.sqrt(total) / lowest


@njit(cache=True, nogil=True)
def cone_maximum(gram, reach, b, z, inside, factor, partial):
    """Upper bound, exact up to rounding, of the linear function with values b_k on cone and ball.

    max b.z over z >= 0, z'Gz <= 1 is ||h|| for h = V^T z with z >= 0, Gz >= b, complementary: a
    least squares problem, solved by pivoting from the interior solution. For any z, b.z' <=
    (Gz).z' + max_k (b - Gz)_k sum z' bounds it, so a failure of the pivoting costs no validity.

    Parameters
    ----------
    gram : (d, d) ndarray
    reach : float
        Largest sum of coefficients, of `gram_matrix`.
    b : (d,) ndarray
    z : (d,) ndarray
        Output: the maximiser before normalisation.
    inside, factor, partial
        Workspace of d booleans, (d, d) and (d,) floats.
    """
    d = len(b)
    fill(inside, True)
    for pivot in range(PIVOTS):
        for i in range(d):
            z[i] = 0.0
            if not inside[i]:
                continue
            along = b[i]
            for j in range(i + 1):
                if inside[j]:
                    entry = gram[i, j]
                    for k in range(j):
                        if inside[k]:
                            entry -= factor[i, k] * factor[j, k]
                    factor[i, j] = np.sqrt(max(entry, 1e-300)) if i == j else entry / factor[j, j]
                    if j < i:
                        along -= factor[i, j] * partial[j]
            partial[i] = along / factor[i, i]
        for i in range(d - 1, -1, -1):
            if inside[i]:
                along = partial[i]
                for k in range(i + 1, d):
                    if inside[k]:
                        along -= factor[k, i] * z[k]
                z[i] = along / factor[i, i]
        # All wrong signs at once is fast, the first one only cannot cycle (Murty).
        changed = False
        for i in range(d):
            if inside[i]:
                wrong = z[i] < 0.0
            else:
                slack = b[i]
                for k in range(d):
                    slack -= gram[i, k] * z[k]
                wrong = slack > 1e-13 * abs(b[i])
            if wrong and not (changed and pivot >= d):
                inside[i] = not inside[i]
                changed = True
        if not changed:
            break
    square = missing = 0.0
    for i in range(d):
        z[i] = max(z[i], 0.0)
    for i in range(d):
        value = 0.0
        for k in range(d):
            value += gram[i, k] * z[k]
        square += z[i] * value
        missing = max(missing, b[i] - value)
    return np.sqrt(max(square, 0.0)) + missing * reach


@njit(cache=True, nogil=True, fastmath=REORDER)
def add_positive_parts(block, out):
    """out_k += sum_i (block_ki)_+."""
    for k in range(block.shape[0]):
        total = 0.0
        for i in range(block.shape[1]):
            total += max(block[k, i], 0.0)
        out[k] += total


@njit(cache=True, nogil=True, fastmath=REORDER)
def subtract_active(block, z, products, out):
    """out_k -= sum of block_ki over the rows i active at the point with coefficients z."""
    d, m = block.shape
    for i in range(m):
        products[i] = z[0] * block[0, i]
    for k in range(1, d):
        for i in range(m):
            products[i] += z[k] * block[k, i]
    for k in range(d):
        total = 0.0
        for i in range(m):
            total += block[k, i] if products[i] > 0.0 else 0.0
        out[k] -= total


@njit(cache=True, nogil=True)
def workspace(d, m):
    """Arrays that `upper_bound` writes to, for blocks of at most m rows."""
    vectors, factor, inside = np.empty((7, d)), np.empty((d, d)), np.empty(d, dtype=np.bool_)
    return vectors, factor, inside, np.empty((CUTS + 1, d)), np.empty(CUTS + 1), np.empty(m)


@njit(cache=True, nogil=True)
def upper_bound(convex, concave, linear, sign, gram, reach, enough, space):
    """Upper bound of sum (convex rows)_+ - sum (concave rows)_+ + sign * linear on cone and ball.

    Convex rows are replaced by their interpolation from the vertices, which is their concave
    envelope. Concave rows need no relaxation: -(t)_+ <= -alpha t for alpha in [0, 1], so any
    choice of activities gives a linear bound b.z, and so does any average of choices; the best
    average has the maximum of the relaxed function itself. Each step takes the activities at the
    last maximiser into the average, at the cost of the choice that is largest there (pairwise
    Frank-Wolfe). Stops when the bound is below `enough`, or when the relaxed function exceeds it.
    """
    vectors, factor, inside, choices, weights, products = space
    base, b, z, change, trial, trial_z, partial = vectors
    d = len(linear)
    for k in range(d):
        base[k] = sign * linear[k]
        z[k] = 1.0
    add_positive_parts(convex, base)
    assign(b, base)
    subtract_active(concave, z, products, b)
    largest = 0.0
    for k in range(d):
        largest = max(largest, b[k])
    if largest * reach <= enough:
        return largest * reach
    best = cone_maximum(gram, reach, b, z, inside, factor, partial)
    assign(choices[0], b)
    weights[0] = 1.0
    for cut in range(1, CUTS + 1 if concave.shape[1] > 0 else 1):
        if best <= enough:
            break
        new = choices[cut]
        assign(new, base)
        subtract_active(concave, z, products, new)
        square, attained = dot(b, z), dot(new, z)
        if attained > enough * np.sqrt(max(square, 0.0)) or attained >= square * (1.0 - 1e-14):
            break
        away, highest = 0, -np.inf
        for j in range(cut):
            if weights[j] > 0.0 and dot(choices[j], z) > highest:
                away, highest = j, dot(choices[j], z)
        for k in range(d):
            change[k] = new[k] - choices[away, k]
        # The derivative of half the squared maximum along `change` is change.z: its zero by
        # regula falsi, exact after one step while the active set of the maximiser stays the same.
        low, high, step = 0.0, weights[away], weights[away]
        at_low, at_high = attained - highest, 0.0
        for secant in range(1, SECANTS + 1):
            for k in range(d):
                trial[k] = b[k] + step * change[k]
            best = min(best, cone_maximum(gram, reach, trial, trial_z, inside, factor, partial))
            slope = dot(change, trial_z)
            if slope <= 0.0:
                low, at_low = step, slope
            else:
                high, at_high = step, slope
            flat = abs(slope) <= FLAT * (highest - attained)
            # The step must stay the one of the trial, or the weights are not those of b.
            if best <= enough or low == high or flat or secant == SECANTS:
                break
            step = (low * at_high - high * at_low) / (at_high - at_low)
        assign(b, trial)
        assign(z, trial_z)
        weights[away] -= step
        weights[cut] = step
    return best


@njit(cache=True, nogil=True)
def dot(a, b):
    """Inner product of short vectors."""
    total = 0.0
    for k in range(len(a)):
        total += a[k] * b[k]
    return total
