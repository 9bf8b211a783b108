"""The dual maximum M(nu) and the objective of a network in rational arithmetic: the judge.

Every float is a rational number, and so are the squares of the heights compared here: what this
module returns has no rounding in it. Nothing of the library is used.

M(nu) = max over ||u|| <= 1 of |nu.(Xu)_+|. The rows' hyperplanes cut space into open faces of all
dimensions. On a face h(u) = nu.(Xu)_+ = a.u, where a is the sum of the nu_i x_i of the rows that
are positive there. A maximiser of |h| on the sphere lies in one face, and as |a.u| has no larger
value near it within the linear span L of that face, it is plus or minus the projection of a on L.
So M is the largest |h(p)| / ||p|| over plus and minus these projections p for all faces; one that
lies outside its face is a direction like any other and does no harm.

All faces: take independent rows x_1, ..., x_r in some order, and make them orthogonal, q_1, ...,
q_r (Gram and Schmidt). The span of q_r, ..., q_(r-m+1) is the intersection of the hyperplanes of
the first r - m rows. A face of dimension m has in its closure one of dimension m - 1, and so on
down to a ray, so it lies, for some order and some signs, where +-q_r +- e q_(r-1) +- e^2 q_(r-2)
... is for all small e > 0: row i is on the side of the first of these that it is not orthogonal to.
"""

from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import combinations, permutations, product
from math import gcd, prod
from operator import mul

# Digits of the logarithms of the logistic loss: floats have 16.
DIGITS = 40
# Halvings of an interval that holds a maximiser: the maximum, flat there, is right to their square.
HALVINGS = 50


def maximum_squared(X, nu, orders=None):
    """M(nu)^2 as a Fraction, exactly; from below if only some orders of rows are given.

    Parameters
    ----------
    X : (n, d) ndarray
    nu : (n,) ndarray
    orders : iterable of sequences of row numbers, or None
        None: all, n! / (n - r + 1)! for rank r, which is feasible for a handful of rows.
    """
    return _highest(X, nu, orders)[0]


def maximiser(X, nu, orders=None):
    """A direction of integers that attains the maximum over the orders, and h's sign there."""
    return _highest(X, nu, orders)[1:]


def _highest(X, nu, orders):
    rows, unit = integers(X)
    weights, weight_unit = integers([nu])
    weights = weights[0]
    numerator, denominator, where, sign = 0, 1, [0] * len(rows[0]), 1
    for direction in critical_directions(rows, weights, orders):
        height = sum(w * max(dot(x, direction), 0) for x, w in zip(rows, weights, strict=True))
        square, length = height * height, dot(direction, direction)
        if square * denominator > numerator * length:
            numerator, denominator = square, length
            where, sign = direction, (1 if height > 0 else -1)
    return Fraction(numerator, denominator) * (unit * weight_unit) ** 2, where, sign


def critical_directions(rows, weights, orders=None):
    """The projections p of the faces' vectors a, and -p, for rows and weights of integers."""
    for sides, flag in faces(rows, orders):
        active = [i for i in range(len(rows)) if sides[i] > 0]
        a = [sum(weights[i] * rows[i][k] for i in active) for k in range(len(rows[0]))]
        p = projected(a, flag)
        if any(p):
            yield p
            yield [-entry for entry in p]


def faces(rows, orders=None):
    """The side of each row, 1, -1 or 0, on each face but the origin, and what spans the face."""
    rank = len(orthogonalised(rows))
    if orders is None:
        orders = permutations(range(len(rows)), max(rank - 1, 0))
    seen = set()
    for order in orders:
        rest = [i for i in range(len(rows)) if i not in order]
        flag = orthogonalised([rows[i] for i in [*order, *rest]])[::-1]
        products = [[dot(q, x) for x in rows] for q in flag]
        for signs in product([1, -1], repeat=rank):
            sides = [0] * len(rows)
            for m in range(rank):
                for i, along in enumerate(products[m]):
                    if sides[i] == 0 and along != 0:
                        sides[i] = signs[m] if along > 0 else -signs[m]
                if tuple(sides) in seen:
                    continue
                seen.add(tuple(sides))
                yield tuple(sides), flag[: m + 1]


def orthogonalised(vectors):
    """Gram and Schmidt without lengths: one vector of integers for each independent one."""
    basis = []
    for vector in vectors:
        for q in basis:
            along, length = dot(vector, q), dot(q, q)
            vector = reduced([length * v - along * c for v, c in zip(vector, q, strict=True)])
        if any(vector):
            basis.append(vector)
    return basis


def projected(vector, orthogonal):
    """A positive multiple, of integers, of the projection on the span of orthogonal vectors."""
    squares = [dot(q, q) for q in orthogonal]
    total = [0] * len(vector)
    for q, square in zip(orthogonal, squares, strict=True):
        share = dot(vector, q) * (prod(squares) // square)
        total = [t + share * c for t, c in zip(total, q, strict=True)]
    return reduced(total)


def reduced(vector):
    """Integers divided by what divides them all."""
    common = gcd(*vector)
    return [entry // common for entry in vector] if common > 1 else list(vector)


def dot(a, b):
    return sum(map(mul, a, b))


def integers(array):
    """Floats (m, k) as lists of integers times a common unit, a Fraction, a power of two."""
    ratios = [[float(entry).as_integer_ratio() for entry in row] for row in array]
    parts = max(below for row in ratios for _, below in row)
    return [[above * (parts // below) for above, below in row] for row in ratios], Fraction(
        1, parts
    )


def cone_maximum_squared(X, pattern, nu):
    """The square of max nu.(D X u) over unit u in the closed cone of a pattern D, as a Fraction.

    The maximiser is the projection of a = X'D nu on the span of its face, where some rows vanish;
    any such projection that lies in the cone is attained.
    """
    rows, unit = integers(X)
    weights, weight_unit = integers([nu])
    sides = [1 if on else -1 for on in pattern]
    active = [i for i, on in enumerate(pattern) if on]
    a = [sum(weights[0][i] * rows[i][k] for i in active) for k in range(len(rows[0]))]
    most = Fraction(0)
    for count in range(len(a)):
        for chosen in combinations(rows, count):
            p = [Fraction(entry) for entry in a]
            for q in orthogonalised(chosen):
                share = Fraction(dot(a, q), dot(q, q))
                p = [entry - share * other for entry, other in zip(p, q, strict=True)]
            if all(side * dot(row, p) >= 0 for side, row in zip(sides, rows, strict=True)):
                most = max(most, dot(p, p))
    return most * (unit * weight_unit) ** 2


def outputs(X, W, a):
    """f(X) of a two-layer ReLU network, a list of Fractions."""
    X, W = ([[Fraction(float(v)) for v in row] for row in matrix] for matrix in (X, W))
    a = [Fraction(float(v)) for v in a]
    return [sum(c * max(dot(x, w), Fraction(0)) for w, c in zip(W, a, strict=True)) for x in X]


def objective(X, y, beta, W, a, loss="squared", weights=None):
    """P(W, a) as a Fraction: exact but for the logistic loss, which is right to forty digits."""
    f = outputs(X, W, a)
    y = [Fraction(float(v)) for v in y]
    squares = sum(Fraction(float(v)) ** 2 for row in W for v in row)
    squares += sum(Fraction(float(v)) ** 2 for v in a)
    return total_loss(f, y, loss, weights) + Fraction(float(beta)) * squares / 2


def total_loss(f, y, loss, weights=None):
    w = [Fraction(1)] * len(f) if weights is None else [Fraction(float(v)) for v in weights]
    if loss == "squared":
        return sum(v * (p - t) ** 2 for v, p, t in zip(w, f, y, strict=True)) / 2
    if loss == "hinge":
        return sum(v * max(1 - p * t, Fraction(0)) for v, p, t in zip(w, f, y, strict=True))
    with localcontext() as context:
        context.prec = DIGITS
        total = Decimal(0)
        for v, p, t in zip(w, f, y, strict=True):
            margin = decimal(p * t)
            total += decimal(v) * ((1 + (-abs(margin)).exp()).ln() + max(-margin, Decimal(0)))
        return Fraction(total)


def dual_bound(nu, y, beta, square, loss="squared", weights=None):
    """The best dual value at s nu for 0 <= s <= beta / M, given M^2: what duality can promise.

    To forty digits, as the root M is irrational. For the logistic loss the slope of the entropy in
    s, which falls, is halved on.
    """
    with localcontext() as context:
        context.prec = DIGITS
        w = [1.0] * len(nu) if weights is None else weights
        nu, y, w = ([decimal(Fraction(float(v))) for v in vector] for vector in (nu, y, w))
        most = decimal(Fraction(float(beta))) / decimal(square).sqrt() if square > 0 else None
        along = dot(nu, y)
        energy = sum((v * v / q for v, q in zip(nu, w, strict=True)), Decimal(0))
        if energy == 0:
            return Fraction(0)
        if loss == "squared":
            s = max(along / energy, Decimal(0))
            s = s if most is None else min(s, most)
            return Fraction(s * along - s * s * energy / 2)
        p = [v * t / q for v, t, q in zip(nu, y, w, strict=True)]
        if min(p) < 0:
            return Fraction(0)
        end = 1 / max(p)
        low, high = Decimal(0), end if most is None else min(end, most)
        if loss == "hinge":  # the dual value rises with s
            return Fraction(high * along)
        for _ in range(HALVINGS):
            s = (low + high) / 2
            slopes = (q * v * ((1 - s * v) / (s * v)).ln() for v, q in zip(p, w, strict=True) if v)
            if sum(slopes, Decimal(0)) > 0:
                low = s
            else:
                high = s
        return Fraction(max(entropy(low, p, w), entropy(high, p, w)))


def entropy(s, p, w):
    """The logistic loss' dual value at s nu, for p = nu y / w >= 0."""
    total = Decimal(0)
    for v, weight in zip(p, w, strict=True):
        share, part = s * v, Decimal(0)
        if share > 0:
            part -= share * share.ln()
        if share < Decimal("1e-15"):  # 1 - share has too few digits of it
            part += share - share * share / 2 - share**3 / 6
        elif share < 1:
            part -= (1 - share) * (1 - share).ln()
        total += weight * part
    return total


def decimal(fraction):
    return Decimal(fraction.numerator) / Decimal(fraction.denominator)


def orthogonal(Z, nu, y, w, metric):
    """The point nearest to nu, in a metric of samples, that free terms and softmax ask for.

    In each row the largest entry of y - nu / w takes what rows lack to add up to 0; then
    nu - H Z e with Z'(nu - H Z e) = 0, by Gauss' elimination. None if Z'HZ is singular.

    Parameters
    ----------
    Z : (n, q) array_like
    nu, y : (n, c) array_like
    w, metric : (n,) array_like

    Returns
    -------
    list of lists of Fraction, or None
    """
    Z, nu, y = ([[Fraction(float(v)) for v in row] for row in array] for array in (Z, nu, y))
    w, metric = ([Fraction(float(v)) for v in array] for array in (w, metric))
    for row, label, weight in zip(nu, y, w, strict=True):
        p = [t - v / weight for t, v in zip(label, row, strict=True)]
        row[p.index(max(p))] -= sum(row)
    columns, outputs = list(zip(*Z, strict=True)), list(zip(*nu, strict=True))
    weighted = [[h * v for h, v in zip(metric, z, strict=True)] for z in columns]
    system = [[dot(a, b) for b in weighted] + [dot(a, one) for one in outputs] for a in columns]
    for k in range(len(system)):
        pivot = next((j for j in range(k, len(system)) if system[j][k]), None)
        if pivot is None:
            return None
        system[k], system[pivot] = system[pivot], system[k]
        system[k] = [v / system[k][k] for v in system[k]]
        for other in range(len(system)):
            if other != k:
                factor = system[other][k]
                system[other] = [
                    v - factor * t for v, t in zip(system[other], system[k], strict=True)
                ]
    steps = [row[len(system) :] for row in system]
    return [
        [
            v - h * sum((x * step[k] for x, step in zip(z, steps, strict=True)), Fraction(0))
            for k, v in enumerate(row)
        ]
        for row, z, h in zip(nu, Z, metric, strict=True)
    ]


def entropies(p, w):
    """Entropies of rows of probabilities, Fractions, times weights: to forty digits."""
    with localcontext() as context:
        context.prec = DIGITS
        return sum(
            (-decimal(weight) * decimal(q) * decimal(q).ln())
            for row, weight in zip(p, w, strict=True)
            for q in row
            if q > 0
        )
