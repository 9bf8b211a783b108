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

import numpy as np

from hidden_convexity.foundations.interruption import STOPPED, by_the_user
from hidden_convexity.foundations.validation import positive_number
from hidden_convexity.line.fixed_knots import VANISHED, FixedKnots, slope_variation
from hidden_convexity.line.ramps import Ramps, line_problem, mean
from hidden_convexity.problem.gap import relative_gap
from hidden_convexity.problem.parallel_network import ParallelNetwork
from hidden_convexity.problem.parallel_problem import ParallelProblem
from hidden_convexity.solvers.solution import Solution, Step

__all__ = ["beta_max", "slope_variation", "train"]

# A violation of the dual constraint below this share of beta is roundoff.
TIGHT = 1e-9
# No knot is added closer than this share of the range to another.
SAME_KNOT = 1e-8
# Rounds without a lower objective or a higher bound that are the end of double precision.
PATIENCE = 3


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
        "global". Interrupted (Ctrl-C), it is the best network so far with a valid bound.

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
    spline = FixedKnots(ramps, problem)
    wanted = np.unique([0, len(ramps.points) - 1])
    best, bound, stalled, interrupted = (np.inf, wanted, np.zeros(len(wanted))), 0.0, 0, False
    point = np.zeros(len(problem.y))
    try:
        while True:
            knots, values, objective = spline.fit(wanted)
            nu = problem.y - np.interp(ramps.points, ramps.points[knots], values)[ramps.member]
            nu -= nu.mean()  # orthogonal to the free constant, to the last digit
            R = ramps.correlate(nu)
            largest = _largest(R) + 2 * ramps.allowance(nu)
            proven = problem.dual_bound(nu, largest)
            stalled = 0 if objective < best[0] or proven > bound else stalled + 1
            if objective < best[0]:
                best = objective, knots, values
            if proven > bound:
                bound, point = proven, problem.feasible_point(nu, largest)
            history.append(Step(perf_counter() - started, best[0], bound, max(len(knots) - 1, 0)))
            wanted = np.union1d(knots, _violators(R, problem.beta, knots, ramps.points))
            closed = relative_gap(best[0], bound) <= tol
            if closed or len(wanted) == len(knots) or stalled == PATIENCE:
                break
    except STOPPED as stopped:
        if not by_the_user(stopped):
            raise
        interrupted = True
    _, knots, values = best
    network = _network(ramps.points[knots], values, mean(y))
    asked = ParallelProblem(x, y, beta)
    known = asked.objective(network), bound, "global", history, "splines", interrupted
    return Solution(network, *known, problem=asked, dual_point=point)


def beta_max(x, y):
    """Smallest weight decay whose optimal two-layer network is constant.

    Raises
    ------
    TypeError, ValueError
        As `train`.
    """
    problem = line_problem(x, y, 1.0)
    ramps = Ramps(problem.X[:, 0])
    return _largest(ramps.correlate(problem.y)) + 2 * ramps.allowance(problem.y)


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
