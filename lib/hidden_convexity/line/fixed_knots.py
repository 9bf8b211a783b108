"""Least squares over linear splines whose knots are given, with the charge Omega of `splines`.

Clarabel says which knots bend and to which side; the banded linear systems that remain then give
the values at them to full precision.
"""

import clarabel
import numpy as np
from scipy import sparse
from scipy.linalg import solveh_banded

from hidden_convexity.foundations import conic_program

# Data are scaled to range 1 and standard deviation 1. A kink that moves f by less than this is
# the interior point solver's zero; it would change the objective by its square.
VANISHED = 1e-8
SOLVER_TOLERANCE = 1e-11
# Sign changes are rare after the interior point method; each polishing step removes some knots.
POLISHING_STEPS = 20


def slope_variation(knots, values):
    """Omega(f) and TV(f') of a linear spline on the range of the data.

    Parameters
    ----------
    knots, values : (k,) ndarray
        Increasing knots, the first and the last at the ends of the data, and f there.

    Returns
    -------
    omega, variation : float
        The least sum_j |w_j a_j| of a two-layer network that computes f there, and TV(f').
    """
    slopes = np.diff(values) / np.diff(knots)
    if len(slopes) == 0:
        return 0.0, 0.0
    variation = float(np.abs(np.diff(slopes)).sum())
    return max(variation, 0.5 * (variation + abs(float(slopes[0] + slopes[-1])))), variation


class FixedKnots:
    """Least squares with the charge beta Omega, over linear splines with given knots.

    Inside, data are scaled to range 1 and standard deviation 1, and repeated x merged.
    """

    def __init__(self, ramps, problem):
        self.ramps, self.problem = ramps, problem
        member, points = ramps.member, ramps.points
        self.size = float(np.sqrt(np.mean(problem.y**2)))
        self.trivial = len(points) == 1 or self.size == 0
        if self.trivial:
            return
        span = points[-1] - points[0]
        self.t = (points - points[0]) / span
        self.weights = np.bincount(member) / len(member)
        self.sums = np.bincount(member, weights=problem.y) / (len(member) * self.size)
        self.beta = problem.beta / (len(member) * self.size * span)

    def fit(self, knots):
        """The optimum over splines with knots (k,), indices of points with both ends among them.

        Returns
        -------
        knots, values : (q,) ndarray
            Those knots where the spline bends, the ends, and its values there.
        objective : float
        """
        if self.trivial:
            return knots, np.zeros(len(knots)), 0.5 * float((self.problem.y**2).sum())
        values = _interior_point(self.t[knots], *self._quadratic(knots), self.beta)
        ends = knots[[0, -1]]
        knots, values = self._without_vanished(knots, values)
        found = [(ends, np.zeros(2)), (knots, values)]
        for _ in range(POLISHING_STEPS):
            polished, t = self._on_piece(knots, values), self.t[knots]
            same = _kinks(t, polished) * _kinks(t, values) > 0
            if same.all():
                found.append((knots, polished))
                break
            bends = np.concatenate([[True], same, [True]])
            knots, values = knots[bends], values[bends]
        knots, values = min(found, key=lambda pair: self.objective(*pair))
        return knots, values * self.size, self.objective(knots, values)

    def objective(self, knots, values):
        """1/2 ||f(x) - y||^2 + beta Omega(f) in the data's own units, for scaled values (k,)."""
        points, member = self.ramps.points, self.ramps.member
        values = values * self.size
        outputs = np.interp(points, points[knots], values)[member]
        omega, _ = slope_variation(points[knots], values)
        return 0.5 * float(((outputs - self.problem.y) ** 2).sum()) + self.problem.beta * omega

    def _without_vanished(self, knots, values):
        t = self.t[knots]
        gaps = np.diff(t)
        moves = np.abs(_kinks(t, values)) * gaps[:-1] * gaps[1:] / (gaps[:-1] + gaps[1:])
        bends = np.concatenate([[True], moves > VANISHED, [True]])
        return knots[bends], values[bends]

    def _quadratic(self, knots):
        """Diagonal and off-diagonal of the Gram matrix of the hat functions, and H^T y."""
        k, gaps = len(knots), np.diff(self.t[knots])
        left = np.repeat(np.arange(k - 1), np.diff(knots))
        left = np.append(left, k - 2)
        share = (self.t - self.t[knots[left]]) / gaps[left]

        def add(to_left, to_right):
            total = np.bincount(left, weights=to_left, minlength=k)
            total[1:] += np.bincount(left, weights=to_right, minlength=k - 1)
            return total

        diagonal = add(self.weights * (1 - share) ** 2, self.weights * share**2)
        across = np.bincount(left, weights=self.weights * share * (1 - share), minlength=k - 1)
        return diagonal, across, add(self.sums * (1 - share), self.sums * share)

    def _on_piece(self, knots, values):
        """Exact optimum on the piece where kinks keep their signs: Omega is linear there.

        Its parts (K+ + s)_+ and (K- - s)_+ are counted, left out, or held at their corner 0, as
        they are at the given values; at a corner, the multiplier says on which side to be.
        """
        t = self.t[knots]
        diagonal, across, linear = self._quadratic(knots)
        banded = np.stack([np.append(0.0, across), diagonal])
        kinks, gaps = _kinks(t, values), np.diff(t)
        rows = [_part_of_omega(gaps, kinks > 0, 1.0), _part_of_omega(gaps, kinks < 0, -1.0)]
        sizes = np.array([row @ values for row in rows])
        corner = int(np.abs(sizes).argmin())
        counted = [row for row, size in zip(rows, sizes, strict=True) if size > 0]
        charge = self.beta * sum(counted, np.zeros(len(knots)))
        if abs(sizes[corner]) > np.sqrt(VANISHED) * max(np.abs(sizes).max(), VANISHED):
            return solveh_banded(banded, linear - charge)
        charge = self.beta * rows[1 - corner]
        free, moved = solveh_banded(banded, np.stack([linear - charge, rows[corner]], axis=1)).T
        multiplier = np.clip(rows[corner] @ free / (rows[corner] @ moved), 0.0, self.beta)
        return free - multiplier * moved


def _kinks(t, values):
    return np.diff(np.diff(values) / np.diff(t))


def _part_of_omega(gaps, chosen, sign):
    """The row r with r.values = sign (sum of the chosen kinks + slope at the left end)."""
    bend = np.concatenate([[1.0], chosen.astype(float), [0.0]])
    per_slope = sign * (bend[:-1] - bend[1:]) / gaps
    return np.diff(np.concatenate([[0.0], -per_slope, [0.0]]))


def _interior_point(t, diagonal, across, linear, beta):
    """Values (k,) that minimise 1/2 v'Gv - linear.v + beta (e+ + e-) by Clarabel, with

    kinks D v = p - q, e+ >= sum p + s, e- >= sum q - s, and p, q, e+, e- >= 0.

    Kinks are measured by how far they move f at the next knot, e+ and e- in a typical one of these:
    at neighbouring data points the entries of D itself are as large as 1 / distance.
    """
    k = len(t)
    gaps = np.diff(t)
    slopes = sparse.diags_array(
        [-1 / gaps, 1 / gaps], offsets=[0, 1], shape=(k - 1, k), format="csr"
    )
    near = np.minimum(gaps[:-1], gaps[1:])
    unit = float(np.median(near)) if k > 2 else 1.0
    kinks = sparse.diags_array(near) @ (slopes[1:] - slopes[:-1])
    eye, sums = sparse.eye_array(k - 2), (unit / near)[None, :]
    none, first = np.zeros((1, k - 2)), unit * slopes[:1]
    zeros = sparse.csc_array((k - 2, 1))
    constraints = sparse.block_array(
        [
            [kinks, -eye, eye, zeros, zeros],
            [first, sums, none, [[-1.0]], [[0.0]]],
            [-first, none, sums, [[0.0]], [[-1.0]]],
            [None, -eye, None, None, None],
            [None, None, -eye, None, None],
            [None, None, None, [[-1.0]], None],
            [None, None, None, None, [[-1.0]]],
        ],
        format="csc",
    )
    quadratic = sparse.block_diag(
        [
            sparse.diags_array([diagonal, across], offsets=[0, 1]),
            sparse.csc_array((2 * k - 2, 2 * k - 2)),
        ],
        format="csc",
    )
    cost = np.concatenate([-linear, np.zeros(2 * k - 4), [beta / unit] * 2])
    cones = [clarabel.ZeroConeT(k - 2), clarabel.NonnegativeConeT(2 * k)]
    bounds = np.zeros(constraints.shape[0])
    found = conic_program.solve(quadratic, cost, constraints, bounds, cones, SOLVER_TOLERANCE)
    return np.array(found.x[:k])
