"""Deep absolute value networks of one variable: a Lasso over reflected data.

A branch of L layers computes, up to its weight, g(x) = | ... ||x - t| - r_1| ... - r_K| with
K = L - 2: a zigzag of slopes +-1. It bends at t, at the mirror images t +- r_1 of one another, at
t +- r_1 +- r_2, and so on. These are the breakpoint forms of the shifts h = (t, r_1, ..., r_K).

Why finitely many branches suffice. Let sum nu = 0, which the free constant enforces. As a function
of h, nu.g is linear where no breakpoint form equals a data point: on the cells of an arrangement of
hyperplanes "form = x_i" in R^(L-1). It is bounded, since g is 1-Lipschitz in x. The forms span all
directions, so no cell contains a line, and |nu.g| is largest at a vertex: where L - 1 independent
forms equal data points. So the vertices are the dictionary. With L = 3, t and t +- r equal x_i and
x_j: either t is a data point and the data are reflected in it, or t is the midpoint of two of them.

The penalty (beta/L) sum (|w_1|^L + ... + |a|^L) of a balanced branch is beta |w_1 ... a|, and so
training is the Lasso over these columns, with a free constant.
Source: Zeger, Wang, Mishkin, Ergen, Candes and Pilanci (2024), arXiv:2403.01046.
"""

from itertools import combinations, product
from math import comb

import numpy as np
from scipy.sparse.linalg import LinearOperator

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.foundations.validation import real_array, whole_number
from hidden_convexity.line.ramps import Ramps, line_data

# Two positions are one if they differ by less than this share of the data's range.
SAME_POINT = 1e-9


def branch(x, shifts):
    """Features (n, m) with columns | ... ||x - h_1| - h_2| ... - h_K| for shifts (m, K)."""
    x, shifts = real_array(x, "x", ndim=1), real_array(shifts, "shifts", ndim=2)
    values = np.repeat(x[:, None], len(shifts), axis=1)
    for shift in shifts.T:
        values = np.abs(values - shift)
    return values


def breakpoints(shifts):
    """Where a branch bends, in increasing order: a list of layers' breakpoints.

    Parameters
    ----------
    shifts : (K,) array_like
        t, r_1, ... of one branch.

    Returns
    -------
    list of (q,) ndarray
        Of layer 1 (t itself), layer 2 (the t +- r_1, if r_1 >= 0), and so on: the x at which the
        input of that layer's absolute value is zero.
    """
    shifts = real_array(shifts, "shifts", ndim=1)
    levels = []
    for level in range(len(shifts)):
        # Solve |...||x - t| - r_1| ... | = r_level from the outside in; |.| = v needs v >= 0.
        values = shifts[level : level + 1]
        for shift in shifts[:level][::-1]:
            values = values[values >= 0]
            values = np.concatenate([shift - values, shift + values])
        levels.append(np.unique(values))
    return levels


def reflections(x, layers, max_columns=1_000_000):
    """Shifts of all branches that can be optimal: the vertices of the breakpoint arrangement.

    Parameters
    ----------
    x : (n,) array_like
        Data, in any order and with repetitions.
    layers : int
        L >= 2.
    max_columns : int
        Largest number of candidates, C(2^(L-1) - 1, L - 1) n^(L-1), to go through.

    Returns
    -------
    shifts : (q, L - 1) ndarray
        Distinct, with r_k >= 0: negative ones repeat a branch of fewer layers, up to a constant.

    Raises
    ------
    TypeError, ValueError
        If x is not a finite real vector, or layers or max_columns is out of range; the latter
        before anything is computed.
    """
    points = Ramps(x).points
    layers = whole_number(layers, "layers", 2)
    max_columns = whole_number(max_columns, "max_columns", 1)
    order = layers - 1
    count = comb(2**order - 1, order) * len(points) ** order
    if count > max_columns:
        raise ValueError(
            f"x with {len(points)} distinct points and layers={layers} has {count:,} candidates; "
            f"max_columns is {max_columns:,}: use fewer points or layers, or raise it (training "
            "with layers=3 needs no list)"
        )
    if order == 1:  # exactly: however close two points are, a bound must know both
        return points[:, None]
    forms = np.array(
        [
            [1, *signs, *[0] * (order - 1 - len(signs))]
            for level in range(order)
            for signs in product([1, -1], repeat=level)
        ],
        dtype=float,
    )
    grid = np.stack(np.meshgrid(*[points] * order, indexing="ij"), axis=-1).reshape(-1, order)
    found = [
        np.linalg.solve(forms[list(rows)], grid.T).T
        for rows in combinations(range(len(forms)), order)
        if np.linalg.matrix_rank(forms[list(rows)]) == order
    ]
    shifts = np.concatenate(found)
    unit = SAME_POINT * (np.ptp(points) or 1.0)
    shifts = shifts[(shifts[:, 1:] >= -unit).all(axis=1)]
    shifts[:, 1:] = np.maximum(shifts[:, 1:], 0.0)
    _, kept = np.unique(np.round((shifts - points[0]) / unit), axis=0, return_index=True)
    return shifts[kept]


def dictionary(x, layers, max_columns=1_000_000):
    """The mirror dictionary of a small data set, in full: features, and the shifts behind them.

    Returns
    -------
    features : (n, q) ndarray
        Distinct up to a constant, none constant: a Lasso over them and a free constant trains the
        network of `layers` layers.
    shifts : (q, L - 1) ndarray

    Raises
    ------
    TypeError, ValueError
        As `reflections`.
    """
    x = line_data(x)
    shifts = reflections(x, layers, max_columns)
    # Simple branches first: of several that agree on the data, the first is kept.
    order = np.lexsort((np.abs(shifts[:, 1:]).sum(axis=1), (shifts[:, 1:] > 0).sum(axis=1)))
    shifts = shifts[order]
    features = branch(x, shifts)
    if layers == 2:
        bent = np.ptp(features, axis=0) > 0
        return features[:, bent], shifts[bent]
    centred = features - features.mean(axis=0)
    unit = SAME_POINT * (np.ptp(x) or 1.0)
    rounded = np.round(centred / unit)
    _, kept = np.unique(rounded, axis=1, return_index=True)
    kept = np.sort(kept[rounded[:, kept].any(axis=0)])
    return features[:, kept], shifts[kept]


class MirrorDictionary(LinearOperator):
    """All columns for three layers as an operator: q ~ 3/2 n^2 of them, never stored.

    With p distinct points, column i p + j is ||x - x_i| - |x_j - x_i||, zero at x_j and at its
    mirror image 2 x_i - x_j (for i = j it is |x - x_i|). After these p^2 columns come, for i < j in
    the order of `numpy.triu_indices`, ||x - (x_i + x_j)/2| - |x_i - x_j|/2|, zero at x_i and x_j.

    Parameters
    ----------
    x : (n,) array_like
        Data, in any order and with repetitions; x_i are its distinct points in increasing order.

    Raises
    ------
    TypeError, ValueError
        If x is not a finite real vector of moderate size.

    Notes
    -----
    A W shape is a sum of ramps, (t - r - x) + 2 (x - t + r)_+ - 2 (x - t)_+ + 2 (x - t - r)_+, so
    with R(u) = nu.(x - u)_+ and sum nu = 0 its correlation is 2 R(t - r) - 2 R(t) + 2 R(t + r)
    - R(x_1): one cumulative sum and an interpolation for each column, without its n entries.
    """

    def __init__(self, x):
        self.ramps = Ramps(x)
        self._origin = self.ramps.points[0]
        count = len(self.ramps.points)
        shape = (len(self.ramps.member), count**2 + count * (count - 1) // 2)
        super().__init__(np.dtype(float), shape)

    def blocks(self):
        """Shifts (k, 2) of the columns in order, those of one x_i at a time."""
        points = self.ramps.points
        for centre in points:
            yield np.column_stack([np.full(len(points), centre), np.abs(points - centre)])
        for i, one in enumerate(points):
            others = points[i + 1 :]
            yield np.column_stack([(one + others) / 2, (others - one) / 2])

    def _rmatvec(self, nu):
        nu = np.ravel(nu)
        correlation = self.correlation(nu)
        return np.concatenate([correlation(shifts) for shifts in self.blocks()])

    def correlation(self, nu):
        """A function of shifts (k, 2): nu.||x - t| - r| (k,)."""
        points, total = self.ramps.points, float(nu.sum())
        R = self.ramps.correlate(nu)

        def ramp(u):
            return np.interp(u, points, R) + total * np.maximum(self._origin - u, 0.0)

        def of(shifts):
            t, r = shifts.T
            shape = ramp(t - r) - ramp(t) + ramp(t + r)
            return 2 * shape + total * (t - r - self._origin) - R[0]

        return of

    def _matvec(self, z):
        z, start = np.ravel(z), 0
        constant = slope = 0.0
        bends = np.zeros(self.shape[0])
        for shifts in self.blocks():
            weights = z[start : start + len(shifts)]
            start += len(shifts)
            (t, r), used = shifts.T, np.abs(weights) > 0
            t, r, weights = t[used], r[used], 2 * weights[used]
            knots = np.concatenate([t - r, t, t + r])
            bends += self.ramps.combine(np.concatenate([weights, -weights, weights]), knots)
            slope -= weights.sum() / 2
            constant += weights @ (t - r - self._origin) / 2
        x = self.ramps.points[self.ramps.member] - self._origin
        return bends + constant + slope * x

    def strongest(self, nu):
        """The column of largest |nu.g| for each x_i and each kind: shifts (2 p, 2), values (2 p,).

        For nu (n,) of sum 0. Each of the q columns is visited: O(n^2) time and O(n) memory.
        """
        points = self.ramps.points
        values, partners = _strongest(points, self.ramps.correlate(nu))
        others = points[partners]
        reflected = np.stack([points, np.abs(others[0] - points)], axis=1)
        halfway = np.stack([(points + others[1]) / 2, np.abs(others[1] - points) / 2], axis=1)
        return np.concatenate([reflected, halfway]), values.ravel()


@njit(cache=True, nogil=True)
def _strongest(points, R):
    """Largest |2 R(t - r) - 2 R(t) + 2 R(t + r) - R(x_1)| with x_i and one other point.

    Reflections of increasing points decrease and midpoints increase: one walk along R for each.
    """
    count, values, partners = len(points), np.zeros((2, len(points))), np.zeros((2, len(points)))
    for i in range(count):
        at = count - 1
        for j in range(count):
            image = 2 * points[i] - points[j]
            while at >= 0 and points[at] > image:
                at -= 1
            value = 2 * (R[j] - R[i] + _between(points, R, at, image)) - R[0]
            if abs(value) > abs(values[0, i]):
                values[0, i], partners[0, i] = value, j
        at, partners[1, i] = i, i
        for j in range(i, count):  # itself too: |x - x_i|, so that the last has a column
            middle = 0.5 * (points[i] + points[j])
            while at + 1 < count and points[at + 1] <= middle:
                at += 1
            value = 2 * (R[i] - _between(points, R, at, middle) + R[j]) - R[0]
            if abs(value) > abs(values[1, i]):
                values[1, i], partners[1, i] = value, j
    return values, partners.astype(np.int64)


@njit(cache=True, nogil=True)
def _between(points, R, at, u):
    """R(u) for points[at] <= u < points[at + 1]; constant outside the data, as sum nu = 0."""
    if at < 0:
        return R[0]
    if at + 1 >= len(points):
        return R[at]
    share = (u - points[at]) / (points[at + 1] - points[at])
    return R[at] + share * (R[at + 1] - R[at])
