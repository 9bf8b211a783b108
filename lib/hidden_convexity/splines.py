"""Two-layer ReLU networks of one variable with free biases: linear splines, trained exactly.

The penalty beta sum_j |w_j a_j| of a balanced network is, for the best network that computes a
given piecewise linear f, a number that f itself has. With kinks k_j (jumps of the slope) inside the
data, K+ and K- the sums of their positive and negative parts, and s the slope at the left end,

    Omega(f) = (K+ + s)_+ + (K- - s)_+ = max(TV(f'), (TV(f') + |f'(x_1) + f'(x_n)|) / 2),

where TV(f') = K+ + K- is the total variation of the slope. Training is
min 1/2 ||f(x) - y||^2 + beta Omega(f): l1 trend filtering, which has TV alone, plus a charge on
slopes too steep for their own variation. (On the whole line instead of the data's range, the norm
is in Savarese, Evron, Soudry and Srebro 2019, arXiv:1902.05040.)

Solved by adding knots where the dual constraint is violated. Between knots f is linear, so f is
given by its values at the knots, and the least squares part is tridiagonal in them; ramps as
unknowns would be nearly dependent.
"""

from time import perf_counter

import clarabel
import numpy as np
from scipy import sparse
from scipy.linalg import solveh_banded

from hidden_convexity.parallel import ParallelNetwork
from hidden_convexity.problem import relative_gap
from hidden_convexity.ramps import Ramps, line_problem
from hidden_convexity.solvers.solution import Solution, Step
from hidden_convexity.validation import positive_number

# Data are scaled to range 1 and standard deviation 1. A kink that moves f by less than this is
# the interior point solver's zero; it would change the objective by its square.
VANISHED = 1e-8
SOLVER_TOLERANCE = 1e-11
# A violation of the dual constraint below this share of beta is roundoff.
TIGHT = 1e-9
# No knot is added closer than this share of the range to another.
SAME_KNOT = 1e-8
# Rounds without a lower objective or a higher bound that are the end of double precision.
PATIENCE = 3
# Sign changes are rare after the interior point method; each polishing step removes some knots.
POLISHING_STEPS = 20


def train(x, y, beta, tol=1e-6):
    """Train a two-layer ReLU network of one variable with free biases to a certified gap.

    Minimises 1/2 ||f(x) - y||^2 + (beta/2) sum_j (w_j^2 + a_j^2) over networks
    f(x) = c + sum_j a_j (w_j x + b_j)_+ of every width. One round costs O(n), and the number of
    rounds depends on the knots found, not on n.

    Parameters
    ----------
    x : (n,) array_like
        Inputs, in any order and with repetitions.
    y : (n,) array_like
        Targets.
    beta : float
        Weight decay, > 0, in the unit of x times that of y.
    tol : float
        Relative duality gap at which to stop, > 0. Below about 1e-9, double precision may end
        first, and so it may with points closer than 1e-8 of their range; the solution's `gap` says
        what was reached.

    Returns
    -------
    Solution
        Its `network` is a two-layer `ParallelNetwork` whose knots are data points; the scope is
        "global".

    Raises
    ------
    TypeError, ValueError
        If x or y is not a finite real vector of moderate size, they differ in length, or beta or
        tol is not > 0.

    References
    ----------
    Ergen and Pilanci (2021), arXiv:2002.11219; Parhi and Nowak (2021), arXiv:2006.05626.

    Theory: linear-spline.
    """
    started, history = perf_counter(), []
    problem, tol = line_problem(x, y, beta), positive_number(tol, "tol")
    ramps = Ramps(problem.X[:, 0])
    spline = _Spline(ramps, problem)
    wanted = np.unique([0, len(ramps.points) - 1])
    best, bound, stalled = None, 0.0, 0
    while True:
        knots, values, objective = spline.fit(wanted)
        nu = problem.y - np.interp(ramps.points, ramps.points[knots], values)[ramps.member]
        nu -= nu.mean()  # orthogonal to the free constant, to the last digit
        R = ramps.correlate(nu)
        proven = problem.dual_bound(nu, _largest(R))
        stalled = 0 if best is None or objective < best[0] or proven > bound else stalled + 1
        if best is None or objective < best[0]:
            best = objective, knots, values
        bound = max(bound, proven)
        history.append(Step(perf_counter() - started, best[0], bound, max(len(knots) - 1, 0)))
        wanted = np.union1d(knots, _violators(R, problem.beta, knots, ramps.points))
        if relative_gap(best[0], bound) <= tol or len(wanted) == len(knots) or stalled == PATIENCE:
            break
    _, knots, values = best
    network = _network(ramps.points[knots], values, float(np.mean(y)))
    objective = network.objective(x, y, problem.beta)
    return Solution(network, objective, min(bound, objective), "global", history, "splines")


def beta_max(x, y):
    """Smallest weight decay whose optimal two-layer network is constant.

    Raises
    ------
    TypeError, ValueError
        As `train`.
    """
    problem = line_problem(x, y, 1.0)
    return _largest(Ramps(problem.X[:, 0]).correlate(problem.y))


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


def _largest(R):
    """max over all ramps of |nu.ramp|: ramps to the left have R(u) - R(x_1), since sum nu = 0."""
    return float(max(np.abs(R).max(), np.abs(R - R[0]).max()))


def _violators(R, beta, knots, points):
    """Indices of the points that violate the dual constraint most, one between any two knots.

    More would be nearly the same kink many times, on which interior point methods lose digits; as
    they do on knots much closer than the range, which stand in for one another.
    """
    violation = np.maximum.reduce([R, -R, R - R[0], R[0] - R])[:-1] - beta
    gap = np.repeat(np.arange(len(knots) - 1), np.diff(knots))
    at = points[knots]
    room = np.minimum(points[:-1] - at[gap], at[gap + 1] - points[:-1])
    violation[room <= SAME_KNOT * (points[-1] - points[0])] = 0.0
    most = np.maximum.reduceat(violation, knots[:-1]) if len(knots) > 1 else violation
    found = np.flatnonzero((violation == most[gap]) & (violation > TIGHT * beta))
    return found[np.unique(gap[found], return_index=True)[1]]


def _network(knots, values, offset):
    """The network of fewest ramps, of penalty beta Omega(f), that computes a linear spline.

    A kink may be a ramp to the right or one to the left; ramps to the left of total weight z add
    -z to the slope at the left end. As many kinks are turned to the left as it takes for the slope
    s; a ramp along all the data provides what is missing.
    """
    slopes = np.diff(values) / np.diff(knots)
    if len(slopes) == 0:
        return ParallelNetwork.from_features([], np.zeros((0, 1)), values[0] + offset, "relu")
    kinks, inner = np.diff(slopes), knots[1:-1]
    wanted = -slopes[0]
    usable = np.where(np.sign(kinks) == np.sign(wanted), kinks, 0.0)
    before = np.cumsum(usable) - usable
    left = np.sign(wanted) * np.clip(np.abs(wanted) - np.abs(before), 0.0, np.abs(usable))
    rest = left.sum() - wanted
    if abs(rest) <= VANISHED * np.abs(slopes).max():
        rest = 0.0
    constant = values[0] - left @ (inner - knots[0])
    coefficients = np.concatenate([[rest], kinks - left, left])
    ends = np.concatenate([knots[:1], inner, inner])
    directions = np.repeat([1.0, -1.0], [1 + len(inner), len(inner)])
    return ParallelNetwork.from_features(
        coefficients, (directions * ends)[:, None], constant + offset, "relu", directions
    )


class _Spline:
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
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = SOLVER_TOLERANCE
    cones = [clarabel.ZeroConeT(k - 2), clarabel.NonnegativeConeT(2 * k)]
    bounds = np.zeros(constraints.shape[0])
    solver = clarabel.DefaultSolver(quadratic, cost, constraints, bounds, cones, settings)
    return np.array(solver.solve().x[:k])
