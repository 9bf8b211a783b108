"""The maximum of ||N'(Xu)_+|| in the plane in rational arithmetic: the judge of several outputs."""

from fractions import Fraction
from functools import cmp_to_key

from exact import dot, integers


def maxima(X, N):
    """The same for arrays of floats, (n, 2) and (n, c)."""
    rows, unit = integers(X)
    weights, weight_unit = integers(N)
    unit = (unit * weight_unit) ** 2
    return ((unit * m, unit**2 * q) for m, q in arc_maxima(rows, weights))


def arc_maxima(rows, weights):
    """Pairs (m, q): the maximum of ||N'(Xu)_+||^2 on each arc is m + sqrt(q), exactly.

    On an arc it is u'Su, a sinusoid of twice the angle. A maximum is within it, of m = trace / 2
    and q = m^2 - det, if it rises from both ends inwards, or from one and the arc is longer than a
    quarter circle; else it is at an end, with q = 0.
    """
    rays = [[-s * x[1], s * x[0]] for x in rows if any(x) for s in (1, -1)]
    rays = sorted(rays, key=cmp_to_key(_turn))
    rays = [ray for k, ray in enumerate(rays) if k == 0 or _turn(rays[k - 1], ray)]
    for k, start in enumerate(rays):
        end = rays[(k + 1) % len(rays)]
        # Just after the start a row that is tight there is active if it points to its left.
        left = [-start[1], start[0]]
        active = [i for i, x in enumerate(rows) if (dot(x, start), dot(x, left)) > (0, 0)]
        a = [
            [sum(weights[i][c] * rows[i][j] for i in active) for j in (0, 1)]
            for c in range(len(weights[0]))
        ]
        S = [[sum(v[i] * v[j] for v in a) for j in (0, 1)] for i in (0, 1)]
        yield Fraction(_form(S, start, start), dot(start, start)), 0
        m = Fraction(S[0][0] + S[1][1], 2)
        rising, falling = (_slope(S, end, m, s) for end, s in ((start, 1), (end, -1)))
        long = dot(start, end) < 0
        if (rising > 0 and falling > 0) or (long and (rising > 0 or falling > 0)):
            yield m, m * m - (S[0][0] * S[1][1] - S[0][1] ** 2)


def _slope(S, u, m, side):
    """Positive where u'Su rises into the arc, counter-clockwise of u for side 1: or u is lowest."""
    slope = side * _form(S, u, [-u[1], u[0]])
    return slope if slope else Fraction(_form(S, u, u), dot(u, u)) < m


def _form(S, u, v):
    return sum(u[i] * S[i][j] * v[j] for i in (0, 1) for j in (0, 1))


def _turn(u, v):
    """Which of two rays comes first counter-clockwise from (1, 0)."""
    halves = [w[1] < 0 or (w[1] == 0 and w[0] < 0) for w in (u, v)]
    if halves[0] != halves[1]:
        return -1 if halves[1] else 1
    cross = u[0] * v[1] - u[1] * v[0]
    return (cross < 0) - (cross > 0)


def exceeds(pair, number):
    """Whether m + sqrt(q) is more than the square of a number."""
    rest = number * number - pair[0]
    return rest < 0 or rest * rest < pair[1]
