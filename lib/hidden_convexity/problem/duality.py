"""The lower bound that a dual point proves: how far it may be scaled, and what rounding owes.

A dual point must satisfy M(nu) <= beta, and exactly some linear equations besides: with free terms
Z'nu = 0, for the softmax loss that rows add up to 0. A float array meets these up to rounding. The
bound is that of a point near it which meets them exactly; what M and the dual value may change by
on the way is charged.
"""

from dataclasses import dataclass

import numpy as np

from hidden_convexity.foundations.double_precision import EPS, TINY
from hidden_convexity.foundations.validation import LARGEST, real_number
from hidden_convexity.problem.losses import Softmax

# A quotient made smaller by this factor is below the exact one, and a product of it and a number
# as well.
SAFE = 1.0 - 4.0 * EPS
# A probability may move by this share of itself times its complement on the way to a dual point.
MOVABLE = 0.25
# What a product in M(nu) may lose by vanishing, in data whose entries are at most LARGEST.
VANISHED = TINY * LARGEST


@dataclass(frozen=True, eq=False)
class Feasible:
    """A dual point scaled to where it is feasible: scale * nu, or a point near it.

    Attributes
    ----------
    scale : float
        0 where nothing is proven.
    owed : float
        What the dual value at the exactly feasible point may be below that at scale * nu.
    """

    scale: float
    owed: float = 0.0

    @classmethod
    def of(cls, problem, nu, maximum):
        """Of nu, a float array of the shape of y, and an upper bound on M(nu)."""
        maximum = real_number(maximum, "maximum")
        if not maximum >= 0:
            raise ValueError(
                f"maximum must be >= 0, an upper bound on |nu.(Xu)_+|, got {maximum}; the oracles "
                "give it as `bound`"
            )
        with np.errstate(over="ignore"):
            energy = float((nu * nu).sum())
        if not 0.0 < energy < np.inf:  # the scaling 0 is feasible whatever the square has become
            return cls(0.0)
        loss, most, unit_cost = problem.loss_function, np.inf, 0.0
        if problem.loss == "softmax":
            maximum += float(loss.unbalanced(nu) @ reach(problem))
        if len(problem.free_terms):
            moved, most, unit_cost = _balanced(problem, nu)
            maximum += (1 + len(nu) * EPS) * float(moved @ reach(problem))
        maximum += problem.X.size * VANISHED * max(1.0, abs(problem.slope))
        scale = min(loss.best_scale(problem.y, nu), most, problem.beta / maximum)
        if not np.isfinite(unit_cost):
            return cls(0.0)
        return cls(SAFE * scale, max(scale, 1.0) * unit_cost)


def bound(problem, nu, maximum):
    """The lower bound of `TrainingProblem.dual_bound`."""
    found = Feasible.of(problem, nu, maximum)
    if not found.scale > 0:
        return 0.0
    value = problem.loss_function.dual_value(problem.y, nu, found.scale)
    return max((value - found.owed) * (SAFE if found.owed else 1.0), 0.0)


def affordable_violation(problem, nu, tol):
    """The violation of `TrainingProblem.affordable_violation`."""
    loss, value = problem.loss_function, problem.dual_value(nu)
    scale = loss.affordable_scale(problem.y, nu, tol * max(value, 0.0))
    return max(1.0 / scale - 1.0, tol) if scale > 0 else np.inf


def reach(problem):
    """What |A phi(R u)| is at most for unit u, in each sample (n,)."""
    lengths = np.abs(problem.X).sum(axis=-1)
    lengths = lengths if lengths.ndim == 1 else lengths.mean(axis=1)
    return max(abs(problem.slope), 1.0) * (1 + problem.X[0].size * EPS) * lengths


def _balanced(problem, nu):
    """How far entries of nu move to where Z'nu = 0 (n,), the largest scaling s, the cost at s <= 1.

    For the squared loss the point is the projection of nu in the norm sum nu_i^2 / w_i, in which
    it is no longer than nu, so only nu.y changes. For the logistic loss p = nu y / w moves by at
    most theta p (1 - p), theta <= `MOVABLE`: it keeps half its distance from 0 and from 1, between
    which the entropy's slope is at most |log(p / 2)| + |log((1 - p) / 2)|. At s p, s <= 1, it is at
    most |log s| more, and s |log s| <= 1. With weights p is rounded, and 1 - p may be half as
    large again as it is: hence a `MOVABLE` of less than 1/3, and a slope that is larger by one.
    """
    weights = problem.sample_weight
    if problem.loss == "squared":
        moves = [problem.free_terms.distances(one, weights) for one in np.atleast_2d(nu.T)]
        moves = moves if weights is None else [weights * move for move in moves]
        y = np.abs(np.atleast_2d(problem.y.T))
        cost = sum(float(move @ one) for move, one in zip(moves, y, strict=True))
        return np.linalg.norm(moves, axis=0), np.inf, (1 + len(nu) * EPS) * cost
    if problem.loss == "softmax":
        return _balanced_rows(problem, nu)
    p = nu * problem.y / problem.loss_function.weights
    weights = problem.loss_function.weights * (p * (1.0 - p))
    if p.min() < 0 or p.max() > 1:
        return np.zeros(len(nu)), 1.0, np.inf
    theta = problem.free_terms.distances(nu, weights)
    if not theta.max() <= MOVABLE:
        return np.zeros(len(nu)), 1.0, np.inf
    moved, inside = weights * theta, weights > 0
    q = p[inside]
    slope = 2.0 - np.log(0.5 * q) - np.log(0.5 * (1.0 - q))
    return moved, 1.0, (1 + len(nu) * EPS) * float(moved[inside] @ slope)


def _balanced_rows(problem, nu):
    """The same for the softmax loss, whose p = y - nu / w move by at most theta p (1 - p).

    An entry of He is h_k times how far e_k is from the mean of e, and the others' part of that is
    1 - p_k, added up from them: a sample of large weight that is sure of its class hardly moves.

    Rounded, p may be twice as large as it is: each keeps half of itself for theta <= 1/4. The slope
    of -p log p is at most 2 + |log(p / 2)| there, and as for the logistic loss |log s| more at
    s p, s <= 1, with s |log s| <= 1.
    """
    weights = problem.loss_function.weights
    p = problem.y - nu / weights
    if p.min() < 0:
        return np.zeros(len(nu)), 1.0, np.inf
    theta = problem.free_terms.coupled_distances(nu, weights * p, Softmax.unbalanced(nu))
    if not theta.max() <= MOVABLE:
        return np.zeros(len(nu)), 1.0, np.inf
    total = p.sum(axis=1, keepdims=True)  # 1, if nu is balanced
    others = p @ (1.0 - np.eye(p.shape[1])) / np.where(total > 0, total, 1.0)
    moved, used = weights * p * others * theta[:, None], p > 0
    cost = float(moved[used] @ (3.0 - np.log(0.5 * p[used])))
    rounding = 1 + (p.size + 16) * EPS
    return rounding * np.linalg.norm(moved, axis=1), 1.0, rounding * cost
