"""The dual constraints of the table's rows in rational arithmetic: what is proven, judged.

Rows whose atoms are p q' of unit vectors p and q ask that no singular value of a few matrices,
linear in nu, is above beta: t^2 I - M M' must be positive semidefinite, which elimination in
rational numbers decides. Thresholds ask it of the sums of nu over all active sets, one for each
face of the arrangement; clipped ramps of the rise of a piecewise linear function. Nothing of the
library is used.
"""

from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import product

import exact

# Digits of the roots of unity, and of pi.
DIGITS = 60
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")


def rational(array):
    """Nested lists of Fractions."""
    if getattr(array, "ndim", 0):
        return [rational(one) for one in array]
    return Fraction(float(array))


def times(A, B):
    """The product of two matrices."""
    columns = list(zip(*B, strict=True))
    return [[exact.dot(row, column) for column in columns] for row in A]


def transposed(A):
    return [list(column) for column in zip(*A, strict=True)]


def at_most(matrix, most):
    """Whether no singular value of a matrix is above a number > 0."""
    short = matrix if len(matrix) <= len(matrix[0]) else transposed(matrix)
    gram = times(short, transposed(short))
    left = [[-entry for entry in row] for row in gram]
    for k in range(len(left)):
        left[k][k] += most * most
    return is_semidefinite(left)


def is_semidefinite(S):
    """Whether a symmetric matrix is positive semidefinite: its pivots, one after the other."""
    S = [list(row) for row in S]
    for k, row in enumerate(S):
        if row[k] < 0 or (row[k] == 0 and any(row[k:])):
            return False
        for i in range(k + 1, len(S)):
            share = row[i] / row[k] if row[k] else Fraction(0)
            S[i] = [entry - share * other for entry, other in zip(S[i], row, strict=True)]
    return True


def gated(X, nu, patterns):
    """X' D_g nu for each pattern (n, G)."""
    X, nu, patterns = rational(X), rational(nu), rational(patterns)
    return [
        times(transposed(X), [[on * v for v in row] for on, row in zip(gate, nu, strict=True)])
        for gate in transposed(patterns)
    ]


def quadratic(X, nu):
    """X' diag(nu) X."""
    X, nu = rational(X), rational(nu)
    return [times(transposed(X), [[v * x for x in row] for v, row in zip(nu, X, strict=True)])]


def attention(X, nu):
    """Entry (a k, l b): sum_i (X_i' nu_i)[a, b] (X_i' X_i)[k, l]."""
    X, nu = rational(X), rational(nu)
    inner = [times(transposed(x), v) for x, v in zip(X, nu, strict=True)]
    grams = [times(transposed(x), x) for x in X]
    d, c = len(X[0][0]), len(nu[0][0])
    return [
        [
            [
                sum(one[a][b] * gram[k][m] for one, gram in zip(inner, grams, strict=True))
                for m, b in product(range(d), range(c))
            ]
            for a, k in product(range(d), repeat=2)
        ]
    ]


def spectrum(X, nu):
    """Real and imaginary part of each line of X'nu, to `DIGITS` digits of the roots of unity."""
    v = [exact.dot(column, rational(nu)) for column in transposed(rational(X))]
    d = len(v)
    cosines, sines = zip(*(turned(Fraction(k, d)) for k in range(d)), strict=True)
    return [
        [[sum(x * part[j * k % d] for j, x in enumerate(v)) for part in (cosines, sines)]]
        for k in range(d)
    ]


def turned(share):
    """Cosine and sine of a share of a full turn, as Fractions."""
    with localcontext() as context:
        context.prec = DIGITS
        angle, term, sums = 2 * PI * exact.decimal(share), Decimal(1), [Decimal(0), Decimal(0)]
        for k in range(2 * DIGITS):
            sums[k % 2] += term * (-1) ** (k // 2)
            term *= angle / (k + 1)
    return tuple(Fraction(one) for one in sums)


def thresholds(X, nu):
    """The largest |sum of nu| over the samples with x.w >= 0, over all w."""
    rows, _ = exact.integers(X)
    nu = rational(nu)
    most = abs(sum(nu))  # w = 0
    for sides, _ in exact.faces(rows):
        most = max(most, abs(sum(v for v, side in zip(nu, sides, strict=True) if side >= 0)))
    return most


def clipped_ramps(x, nu):
    """max R - min R of R(t) = nu.(x - t)_+, for the nu with sum 0 nearest to the given one."""
    x, nu = rational(x), centred(nu)
    heights = [sum(v * max(p - t, 0) for v, p in zip(nu, x, strict=True)) for t in x]
    return max(heights) - min(heights)


def centred(nu):
    nu = rational(nu)
    mean = sum(nu) / len(nu)
    return [v - mean for v in nu]


def flat(array):
    """All numbers of nested lists."""
    return [one for part in array for one in flat(part)] if isinstance(array, list) else [array]


def dual_value(y, nu):
    """nu.y - 1/2 ||nu||^2 of Fractions."""
    y, nu = flat(y), flat(nu)
    return exact.dot(nu, y) - exact.dot(nu, nu) / 2
