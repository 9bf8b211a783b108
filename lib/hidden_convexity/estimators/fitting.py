"""One fit behind every estimator: which program is within reach, and its solution at some betas."""

import warnings
from dataclasses import replace

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight

from hidden_convexity.foundations.budget import Budget
from hidden_convexity.foundations.validation import positive_number, whole_number
from hidden_convexity.geometry.arrangement import Arrangement, count_chambers
from hidden_convexity.oracle import coordinates
from hidden_convexity.problem.data import with_bias
from hidden_convexity.problem.gap import format_gap
from hidden_convexity.solvers import train, train_path

SCOPES = ("auto", "global", "searched", "sampled")
# Samples up to which a proof takes seconds, by rank (measured: see the benchmark), and the number
# of chambers that are listed as soon.
PROVABLE_SAMPLES = {1: np.inf, 2: np.inf, 3: 20_000, 4: 2_000}
LISTABLE = 10_000
# Powers of ten between sample weights, from which on they are a likely cause of a gap: the Gram
# matrices of normal equations keep 16 digits of all of them together.
SPREAD = 6


def check_options(estimator, intercepts):
    """The options that all estimators share, or an error that names the one that is wrong."""
    positive_number(estimator.tol, "tol")
    if estimator.max_seconds is not None:
        positive_number(estimator.max_seconds, "max_seconds")
    whole_number(estimator.gates, "gates", 1)
    if estimator.scope not in SCOPES:
        raise ValueError(f"scope must be one of {', '.join(SCOPES)}, got {estimator.scope!r}")
    if estimator.intercept not in intercepts:
        raise ValueError(
            f"intercept must be one of {', '.join(intercepts)}, got {estimator.intercept!r}"
        )


def warn_of_gap(gap, tol, weights=None):
    """Warn where training ended, for want of digits, before the gap that was asked for."""
    if gap <= tol:
        return
    spread = 0.0 if weights is None else np.ptp(np.log10(weights))
    remedy = (
        f"; the sample weights span {spread:.0f} powers of ten: bring them closer together"
        if spread > SPREAD
        else ""
    )
    warnings.warn(
        f"training ended at {format_gap(gap)}, above tol={tol:g}: the gap is valid, but a network "
        f"that is better by as much may exist{remedy}",
        ConvergenceWarning,
        stacklevel=4,
    )


def merged(X, y, weights):
    """The same loss with repeated samples made one, of their total weight, in sorted order.

    So the fit depends neither on the order of the samples nor on whether a sample is repeated or
    weighted, not even in its last digit. Samples of weight 0 are left out.
    """
    rows, place = np.unique(np.column_stack([X, y]), axis=0, return_inverse=True)
    total = np.bincount(place.ravel(), weights)
    rows, total = rows[total > 0], total[total > 0]
    return rows[:, :-1], rows[:, -1], total


def checked_weights(sample_weight, X):
    """Weights (n,) >= 0 of the rows of X, not all 0; ones for None."""
    return _check_sample_weight(sample_weight, X, dtype=float, ensure_non_negative=True)


def mean(losses, weights):
    """The weighted mean; 0 for no samples, which then count for nothing."""
    return float(np.average(losses, weights=weights)) if len(losses) else 0.0


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
        self._asked = {"proof": self.scope == "global"}
        if self.scope == "sampled":
            seed = check_random_state(options.random_state).randint(2**31)
            self._asked = {"patterns": Arrangement.sample(X, options.gates, seed)}

    def __call__(self, problem, max_seconds):
        """The `Solution` of a problem on X, within seconds or None."""
        return train(problem, tol=self.tol, max_seconds=max_seconds, **self._asked)

    def path(self, problem, betas, max_seconds):
        """Solutions at several weight decays; over all patterns each starts from the last one."""
        if self.scope != "sampled":
            return train_path(problem, betas, tol=self.tol, max_seconds=max_seconds, **self._asked)
        budget = Budget(max_seconds)
        return [
            self(replace(problem, beta=beta), budget.part(1 / (len(betas) - k)).seconds)
            for k, beta in enumerate(betas)
        ]


def _within_reach(X):
    n, rank = len(X), coordinates(X).rows.shape[1]
    few = count_chambers(n, rank) <= LISTABLE
    return "global" if few or n <= PROVABLE_SAMPLES.get(rank, 0) else "sampled"
