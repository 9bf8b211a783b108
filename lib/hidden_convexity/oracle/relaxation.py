"""Compiled maximum of a linear function over the unit vectors of a simplicial cone.

The cone is spanned by d unit vertices v_k, its points are u = sum_k z_k v_k with z >= 0, and a
linear function on it is known by its values b_k at the vertices.
"""

import numpy as np

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.foundations.loops import fill

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
