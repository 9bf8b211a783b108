"""One fit behind every estimator: which program is within reach, and its solution at some betas."""

from dataclasses import replace

import numpy as np
from sklearn.utils import check_random_state

from hidden_convexity.arrangement import Arrangement, count_chambers
from hidden_convexity.datasets import with_bias
from hidden_convexity.oracle import (
    Ascent,
    Exhaustive,
    coordinates,
    proving_oracle,
)
from hidden_convexity.problem import relative_gap
from hidden_convexity.solvers import LAST_SEARCH, train, train_path
from hidden_convexity.validation import positive_number, whole_number

SCOPES = ("auto", "global", "searched", "sampled")
# Samples up to which a proof takes seconds, by rank (measured: see the benchmark), and the number
# of chambers that are listed as soon.
PROVABLE_SAMPLES = {1: np.inf, 2: np.inf, 3: 20_000, 4: 2_000}
LISTABLE = 10_000
# Trainings that find a free intercept; each is one step of a root search that takes 5 to 10.
INTERCEPTS = 25


def check_options(estimator, intercepts):
    """The options that all estimators share, or an error that names the one that is wrong."""
    positive_number(estimator.tol, "tol")
    whole_number(estimator.gates, "gates", 1)
    if estimator.scope not in SCOPES:
        raise ValueError(f"scope must be one of {', '.join(SCOPES)}, got {estimator.scope!r}")
    if estimator.intercept not in intercepts:
        raise ValueError(
            f"intercept must be one of {', '.join(intercepts)}, got {estimator.intercept!r}"
        )


def inputs(X, intercept):
    """The data matrix that the network sees: with a column of ones where neurons have biases."""
    return X if intercept == "none" else with_bias(X)


class Trainer:
    """Trains on fixed inputs, in the strongest scope within reach or in the one asked for.

    Parameters
    ----------
    X : (n, d) ndarray
        Inputs, with the column of ones if any.
    options : estimator
        Whose `scope`, `gates`, `tol` and `random_state` are used.
    """

    def __init__(self, X, options):
        self.X, self.tol = X, options.tol
        self.scope = _within_reach(X) if options.scope == "auto" else options.scope
        self.patterns, self._oracle = None, None
        if self.scope == "sampled":
            seed = check_random_state(options.random_state).randint(2**31)
            self.patterns = Arrangement.sample(X, options.gates, seed)

    def __call__(self, problem):
        """The `Solution` of a problem on X."""
        if self.scope == "sampled":
            return train(problem, patterns=self.patterns, tol=self.tol)
        return train(problem, tol=self.tol, proof=self.scope == "global")

    def path(self, problem, betas):
        """Solutions at several weight decays; over all patterns each starts from the last one."""
        if self.scope == "sampled":
            return [self(replace(problem, beta=beta)) for beta in betas]
        return train_path(problem, betas, tol=self.tol, proof=self.scope == "global")

    def with_free_intercept(self, problem, ones):
        """Minimise P over networks and an unpenalised constant b, added to the outputs.

        P is jointly convex in the convex program's variables and b, so V(b), the optimal value for
        targets y - b, is convex, and its derivative is -ones.nu with nu the residual at the
        optimum. A root of it is searched. At any b, nu without its component along `ones` is
        feasible for the joint dual, max nu.y - ||nu||^2 / 2 with ones.nu = 0 and M(nu) <= beta,
        once scaled: so the bound holds for every network and every constant.

        Parameters
        ----------
        problem : TrainingProblem
            With the squared loss.
        ones : (n,) ndarray
            The column that b multiplies: ones, or the roots of the sample weights.

        Returns
        -------
        solution, b
        """
        energy = float(ones @ ones)
        b, step, low, high = float(ones @ problem.y) / energy, None, None, None
        best, constant, bound = None, 0.0, 0.0
        for _ in range(INTERCEPTS):
            shifted = replace(problem, y=problem.y - b * ones)
            solution = self(shifted)
            nu = shifted.residual(solution.network)
            slope = -float(ones @ nu)
            bound = max(bound, self._joint_bound(problem, nu + slope / energy * ones))
            if best is None or solution.objective < best.objective:
                best, constant = solution, b
            if relative_gap(best.objective, bound) <= self.tol or slope == 0:
                break
            if slope > 0:
                high = (b, slope)
            else:
                low = (b, slope)
            if low and high:
                # Regula falsi, kept off the ends, where it would creep.
                share = np.clip(low[1] / (low[1] - high[1]), 0.05, 0.95)
                b = low[0] + share * (high[0] - low[0])
            else:
                # V'' <= energy, so a step of -slope / energy never passes the root: double it.
                step = -2 * slope / energy if step is None else 2 * step
                b += step
        return replace(best, lower_bound=bound), constant

    def _joint_bound(self, problem, nu):
        if self._oracle is None:
            if self.scope == "sampled":
                self._oracle = Exhaustive(self.patterns)
            elif self.scope == "global":
                reduced = coordinates(self.X)
                self._oracle = proving_oracle(reduced.rows, dropped=reduced.dropped)
            else:
                self._oracle = Ascent(coordinates(self.X).rows, LAST_SEARCH, rng=1)
        found = self._oracle(nu, tolerance=self.tol / 2, level=problem.beta)
        return problem.dual_bound(nu, found.value if self.scope == "searched" else found.bound)


def _within_reach(X):
    n, rank = len(X), coordinates(X).rows.shape[1]
    few = count_chambers(n, rank) <= LISTABLE
    return "global" if few or n <= PROVABLE_SAMPLES.get(rank, 0) else "sampled"
