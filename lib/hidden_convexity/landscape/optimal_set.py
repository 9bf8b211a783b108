"""All optimal networks of a problem, and those among them that are least in some respect.

All optima have one fit f and one residual nu = y - f, and an optimal neuron, of unit direction u
and sign s, has s nu.(X u)_+ = beta. In each closed cone at most one direction attains this, since
nu.D X u is linear and the ball is strictly convex. So the optimal networks, merged, are the points
of a polytope: lengths l_j >= 0 of finitely many neurons with sum_j l_j s_j (X u_j)_+ = f. Each of
them pays the same, sum_j l_j = f.nu / beta.
"""

from dataclasses import dataclass
from functools import cached_property

import cvxpy as cp
import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from hidden_convexity.foundations.nonnegative import nonnegative_least_squares
from hidden_convexity.foundations.validation import real_array
from hidden_convexity.foundations.wording import counted
from hidden_convexity.geometry.arrangement import Arrangement, TooManyChambers
from hidden_convexity.landscape import newton
from hidden_convexity.landscape.minima import check_pair
from hidden_convexity.landscape.plain_networks import data_of
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.solvers.solution import Solution

# A direction counts as tight if s nu.(X u)_+ / beta is this close to 1: a descent to rounding has
# its residual to about a billionth.
TIGHT = 1e-8
# Share by which largest lengths may be exceeded where a program only tells which neurons are used:
# what meets such a bound exactly HiGHS solves again, and says so on the standard output.
SPARE = 1e-4
# Within this distance of a tight direction the constraint is flat to TIGHT, so that the cones next
# to its own seem to have one as well: it is the same.
SAME = 2 * (2 * TIGHT) ** 0.5
# Share of the fit that its neurons may miss of it; where two are taken for one, it is much more.
FITTED = 1e-5
# Unit contributions whose singular values are below this share of the largest are dependent.
DEPENDENT = 1e-9
# A neuron is in use if its length is above this share of all lengths.
USED = 1e-7
# Of a quadratic program's value: lengths are then right to about its root.
SQUARED = 1e-13


@dataclass(frozen=True, eq=False)
class OptimalSet:
    """The optimal networks of a problem: a polytope of lengths of given neurons.

    Attributes
    ----------
    directions : (k, d) ndarray
        Unit directions u_j of all neurons that an optimal network may have.
    signs : (k,) ndarray
        Signs of their output weights.
    contributions : (n, k) ndarray
        Columns s_j (X u_j)_+.
    lengths : (k,) ndarray
        Those of one optimal network.
    """

    directions: np.ndarray
    signs: np.ndarray
    contributions: np.ndarray
    lengths: np.ndarray

    def __len__(self):
        return len(self.signs)

    def __repr__(self):
        return f"OptimalSet({counted(len(self), 'neuron')}, dimension {self.moves.shape[1]})"

    @cached_property
    def moves(self):
        """Orthonormal changes of the lengths (k, dimension) that leave the outputs as they are."""
        size = np.linalg.norm(self.contributions, axis=0)
        _, singular, right = np.linalg.svd(self.contributions / size, full_matrices=True)
        rank = int((singular > DEPENDENT * singular.max(initial=0.0)).sum())
        return np.linalg.qr(right[rank:].T / size[:, None])[0]

    def ranges(self):
        """The least and the largest length of each neuron over all optimal networks.

        Where both agree for all neurons, the optimal network is unique, after merging; a neuron
        whose least length is positive is in every optimal network.

        Returns
        -------
        (k, 2) ndarray
            From two linear programs a neuron.
        """
        if not self.moves.size:
            return np.column_stack([self.lengths, self.lengths])
        return (
            np.array([[self._extreme(sign * row) @ row for sign in (1, -1)] for row in self.moves])
            + self.lengths[:, None]
        )

    def fewest(self):
        """An optimal network of the fewest neurons, by a mixed-integer linear program.

        Returns
        -------
        ReLUNetwork
            Pruning (`ReLUNetwork.prune`) ends at some network that cannot be pruned further; this
            one is the smallest of all.
        """
        k, dimension = self.moves.shape
        if not dimension:
            return self._network(self.lengths)
        # Moves, then whether each neuron is used; none is longer than it can be.
        longest, none = self.ranges()[:, 1] * (1 + SPARE), np.zeros((k, k))
        stays = LinearConstraint(np.hstack([self.moves, none]), -self.lengths, np.inf)
        linked = LinearConstraint(
            np.hstack([self.moves, -np.diag(longest)]), -np.inf, -self.lengths
        )
        found = milp(
            np.append(np.zeros(dimension), np.ones(k)),
            constraints=[stays, linked],
            integrality=np.append(np.zeros(dimension), np.ones(k)),
            bounds=Bounds(
                np.append(np.full(dimension, -np.inf), np.zeros(k)),
                np.append(np.full(dimension, np.inf), np.ones(k)),
            ),
        )
        return self._network(self._moved(found.x[:dimension]))

    def least_squares(self):
        """The optimal network with the least sum of squared lengths: it shares most evenly.

        Returns
        -------
        ReLUNetwork
        """
        return self._quadratic(np.eye(len(self)), np.zeros(len(self)))

    def closest(self, X, y):
        """The optimal network that is closest to given targets on other inputs.

        All optimal networks agree on the training data and may differ elsewhere: with a test part
        for X and y, this is the least test error that any of them has.

        Parameters
        ----------
        X : (N, d) array_like
        y : (N,) array_like

        Returns
        -------
        ReLUNetwork

        Raises
        ------
        TypeError, ValueError
            If X or y is not finite and real, or their shapes do not match.
        """
        X, y = real_array(X, "X", ndim=2), real_array(y, "y", ndim=1)
        if X.shape != (len(y), self.directions.shape[1]):
            raise ValueError(
                f"X must have {len(y)} rows, as y has, and {self.directions.shape[1]} columns, got "
                f"shape {X.shape}"
            )
        return self._quadratic(self.signs * np.maximum(X @ self.directions.T, 0.0), y)

    def _quadratic(self, columns, targets):
        if not self.moves.size:
            return self._network(self.lengths)
        move = cp.Variable(self.moves.shape[1])
        lengths = self.lengths + self.moves @ move
        cost = cp.sum_squares(columns @ lengths - targets)
        settings = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), SQUARED)
        cp.Problem(cp.Minimize(cost), [lengths >= 0]).solve(solver=cp.CLARABEL, **settings)
        return self._network(self._moved(move.value))

    def _extreme(self, cost):
        return linprog(cost, A_ub=-self.moves, b_ub=self.lengths, bounds=(None, None)).x

    def _moved(self, move):
        return np.maximum(self.lengths + self.moves @ move, 0.0)

    def _network(self, lengths):
        used = lengths > USED * lengths.sum()
        root = np.sqrt(lengths[used])
        return ReLUNetwork(root[:, None] * self.directions[used], self.signs[used] * root)


def optimal_set(problem, solution, max_chambers=100_000):
    """All optimal networks of a problem, from one of them.

    Parameters
    ----------
    problem : TrainingProblem
        With the squared loss and y of shape (n,).
    solution : Solution
        A global optimum of it.
    max_chambers : int
        Chambers of X that are looked through at most.

    Returns
    -------
    OptimalSet
        Which directions are tight is decided in floating point, to 1e-8; what follows is exact for
        these.

    Raises
    ------
    TypeError, ValueError
        If the problem is of another kind, or the solution is not proven globally optimal, or so
        roughly that descent from it ends elsewhere; or if optimal neurons are too close to be told
        apart.
    TooManyChambers
        If X has more than `max_chambers`.

    References
    ----------
    Mishkin and Pilanci (2023), arXiv:2306.00119, the set of all optima as a polytope.

    Theory: tight-neurons, optimal-set.
    """
    if not isinstance(solution, Solution):
        raise TypeError(f"solution must be a Solution of hc.train, got {type(solution).__name__}")
    check_pair(solution.network, problem, "solution.network")
    data_of(solution.network, problem.X, "solution.network")
    if solution.scope != "global":
        raise ValueError(
            f'solution must be proven globally optimal, got scope "{solution.scope}"; '
            "hc.train(problem) proves it where that is in reach"
        )
    fit = newton.descend(solution.network, problem)(problem.X)
    residual = problem.y - fit
    found = []
    try:
        chambers = Arrangement.enumerate(problem.X, max_chambers)
    except TooManyChambers as error:
        raise error.without("sample") from None
    # In its cone a direction reaches no more than without it.
    open_reach = np.linalg.norm(problem.X.T @ (chambers.patterns * residual[:, None]), axis=0)
    for chamber in np.flatnonzero(open_reach >= (1 - TIGHT) * problem.beta):
        pattern = chambers.unpack([chamber])[:, 0]
        for sign in (1.0, -1.0):
            u = _cone_projection(problem.X, pattern, sign * residual)
            if np.linalg.norm(u) >= (1 - TIGHT) * problem.beta:
                found.append((np.linalg.norm(u), u / np.linalg.norm(u), sign))
    longest = max((length for length, _, _ in found), default=0.0)
    if longest > (1 + TIGHT) * problem.beta:
        raise ValueError(
            "solution must be a global optimum of problem: descent from it ends where a neuron "
            f"exceeds its limit {longest / problem.beta:.9g}-fold, and would lower the objective; "
            "pass hc.train(problem, tol=1e-9)"
        )
    kept = _without_repetitions(found)
    directions = np.reshape([u for u, _ in kept], (-1, problem.X.shape[1]))
    signs = np.array([sign for _, sign in kept])
    contributions = signs * np.maximum(problem.X @ directions.T, 0.0)
    lengths = nonnegative_least_squares(contributions, fit) if kept else np.zeros(0)
    if not np.linalg.norm(contributions @ lengths - fit) <= FITTED * np.linalg.norm(fit):
        raise ValueError(
            f"problem has optimal neurons within {SAME:.1g} of one another, which can't be told "
            "apart from one: bring the columns of X to like sizes"
        )
    return OptimalSet(directions, signs, contributions, lengths)


def _cone_projection(X, pattern, nu):
    """Projection of X'D nu on the pattern's closed cone; its length is max nu.D X u, |u| <= 1."""
    target = X.T @ (pattern * nu)
    sides = np.where(pattern, 1.0, -1.0)[:, None] * X
    return target + sides.T @ nonnegative_least_squares(sides.T, -target)


def _without_repetitions(found):
    """Directions and signs, of those that are one the one whose constraint is tightest."""
    kept = []
    for _, u, sign in sorted(found, key=lambda one: -one[0]):
        if not any(s == sign and np.linalg.norm(u - v) < SAME for v, s in kept):
            kept.append((u, sign))
    return kept
